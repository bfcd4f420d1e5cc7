"""The one thread that writes the journal, and the readers beside it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import apsw

from edge.store.commits import Commits
from edge.store.disk_floor import DiskFloor, Reserve
from edge.store.errors import StoreBroken, StoreError, StoreFull
from edge.store.idle_check import Idling

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]
IDLE_S: Final = 1.0


class Writer:
    """Runs jobs one by one, each in its own transaction; `run` returns when it is durable."""

    def __init__(
        self,
        db: apsw.Connection,
        floor: DiskFloor,
        idling: Idling,
        observe_commit: Callable[[float], None] | None = None,
    ) -> None:
        """Start the thread.

        Args:
            db: the only write connection; the writer uses it alone until `close` returned.
            floor: frees a reserve on a full disk, if one is left that the job may use.
            idling: what is done when nothing is asked for.
            observe_commit: is told the seconds of every transaction.
        """
        self._db = db
        self._floor = floor
        self._idling = idling
        self._observe_commit = observe_commit or (lambda _: None)
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Reserve, Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._gate = threading.Lock()
        self._closed = False
        self._unsettled = False
        self.commits = Commits()
        self.broken: str | None = None
        """Why nothing can be written any more; None while all is well."""
        self._thread = threading.Thread(target=self._work, name="store-writer")
        self._thread.start()

    def run(self, job: Job[T], *, reserve: Reserve = Reserve.NONE) -> T:
        """Run the job in a transaction.

        Args:
            job: is given the write connection; may run twice, the first time without effect.
            reserve: what may be given up for it on a full disk.

        Raises:
            StoreFull: no room; nothing happened.
            StoreBroken: an I/O error, now or earlier; end the service.
            StoreError: what the job itself refuses; nothing happened.
        """
        answer: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put((job, reserve, answer))
        return answer.result()

    def close(self) -> None:
        """Finish what was asked for and end the thread. Closing twice is allowed."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            soon = self._unsettled or (self._idling.due() and not self.broken)
            try:
                asked = self._jobs.get(timeout=IDLE_S if soon else None)
            except queue.Empty:
                self._idle()
                continue
            if asked is None:
                return
            job, reserve, answer = asked
            try:
                result = self._transact(job, reserve)
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(result)

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
