"""The one connection that writes the journal, one job at a time, and the readers beside it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, TypeVar

import apsw

from edge.store.commits import Commits
from edge.store.damage import set_unreadable
from edge.store.disk_floor import DiskFloor, Reserve
from edge.store.errors import PartsDamaged, StoreBroken, StoreError, StoreFull
from edge.store.idle_check import Idling
from edge.store.queueing import OneByOne

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]
IDLE_S: Final = 1.0


class Writer:
    """Runs jobs one by one, each in its own transaction; `run` returns when it is durable.

    A job runs in the thread that asks for it: handing it to another one and waiting for that would
    cost a tenth of a commit, and far more while the processors are busy with seeing.
    """

    def __init__(
        self,
        db: apsw.Connection,
        floor: DiskFloor,
        idling: Idling,
        observe_commit: Callable[[float], None] | None = None,
    ) -> None:
        """Start the thread.

        Args:
            db: the only write connection; used by the writer alone until `close` returned.
            floor: frees a reserve on a full disk, if one is left that the job may use.
            idling: what is done when nothing is asked for.
            observe_commit: is told the seconds of every transaction.
        """
        self._db = db
        self._floor = floor
        self._idling = idling
        self._observe_commit = observe_commit or (lambda _: None)
        self._turn = OneByOne()
        self._closed = False
        self._unsettled = False
        self._last_s = time.monotonic()
        self._bell, self._ended = threading.Event(), threading.Event()
        self.commits = Commits()
        self.broken: str | None = None
        """Why nothing can be written any more; None while all is well."""
        self._thread = threading.Thread(target=self._tend, name="store-idle")
        self._thread.start()

    def run(self, job: Job[T], *, reserve: Reserve = Reserve.NONE) -> T:
        """Run the job in a transaction, in the caller's thread, when its turn has come.

        Args:
            job: is given the write connection; may run twice, the first time without effect.
            reserve: what may be given up for it on a full disk.

        Raises:
            StoreFull: no room; nothing happened.
            StoreBroken: an I/O error, now or earlier; end the service.
            StoreError: what the job itself refuses; nothing happened.
        """
        with self._turn:
            if self._closed:
                raise StoreError("the store is closed")
            try:
                return self._transact(job, reserve)
            finally:
                self._last_s = time.monotonic()
                self._bell.set()

    def close(self) -> None:
        """Finish what was asked for and end the thread. Closing twice is allowed."""
        with self._turn:
            self._closed = True
        self._ended.set()
        self._bell.set()
        self._thread.join()

    def _tend(self) -> None:
        """Do what has time until nobody writes, in a thread of its own."""
        while not self._ended.is_set():
            if self.broken or not (self._unsettled or self._idling.due()):
                self._bell.wait()
                self._bell.clear()
                continue
            wait_s = self._last_s + IDLE_S - time.monotonic()
            if wait_s > 0:
                self._ended.wait(wait_s)
                continue
            with self._turn:
                if not self._closed and not self.broken:
                    self._idle()
                self._last_s = time.monotonic()

    def _transact(self, job: Job[T], reserve: Reserve) -> T:
        if self.broken:
            raise StoreBroken(self.broken)
        began_s = time.monotonic()
        try:
            try:
                return self._until_it_fits(job, reserve)
            finally:
                self._observe_commit(time.monotonic() - began_s)
        except apsw.FullError:
            raise StoreFull("The disk is full: nothing was stored.") from None
        except apsw.ConstraintError:
            raise
        except apsw.Error as error:
            # After a failed fsync the kernel may drop pages and report success next time.
            self.broken = f"The store failed ({type(error).__name__}): restart the service."
            raise StoreBroken(self.broken) from error

    def _until_it_fits(self, job: Job[T], reserve: Reserve) -> T:
        if reserve is not Reserve.LAST and self._floor.spent(self._reusable_bytes):
            raise apsw.FullError("what is left is for closing and delivery")
        while True:
            try:
                return self._once(job)
            except PartsDamaged as damaged:
                self._once(partial(set_unreadable, cursor=damaged.cursor))
            except apsw.FullError:
                # Nothing happened, so the job may run again in the room that a reserve gives.
                if not self._floor.make_room(reserve):
                    raise

    def _reusable_bytes(self) -> int:
        return int(self._db.pragma("freelist_count")) * int(self._db.pragma("page_size"))

    def _once(self, job: Job[T]) -> T:
        try:
            self._db.execute("begin immediate")
            result = job(self._db)
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        self._unsettled = True
        self.commits.tell()
        return result

    def _idle(self) -> None:
        try:
            if self._unsettled:
                self._unsettled = False
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            for job in self._idling.jobs(self._db):
                self._once(job)
        except (apsw.FullError, apsw.BusyError, apsw.LockedError):
            return
        except apsw.Error as error:
            self.broken = f"The store failed ({type(error).__name__}): restart the service."


class Readers:
    """Read-only connections that are lent out one by one, so that pages never wait for a commit."""

    def __init__(self, open_reader: Callable[[], apsw.Connection]) -> None:
        self._open_reader = open_reader
        self._free: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[apsw.Connection]:
        """Lend a connection; what is read in it is one consistent moment.

        Raises:
            StoreError: the store is closed.
            StoreBroken: the disk cannot be read.
        """
        if self._closed:
            raise StoreError("the store is closed")
        try:
            db = self._take()
            try:
                with db:
                    yield db
            finally:
                self._give_back(db)
        except apsw.Error as error:
            raise StoreBroken(f"The store cannot be read ({type(error).__name__}).") from error

    def close(self) -> None:
        """Close those that are not lent; a lent one is closed when it comes back."""
        self._closed = True
        with suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()

    def _take(self) -> apsw.Connection:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return self._open_reader()

    def _give_back(self, db: apsw.Connection) -> None:
        if self._closed:
            db.close()
        else:
            self._free.put(db)
