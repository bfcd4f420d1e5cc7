"""Delivery to one sink: at least once, in a thread that nothing else waits for.

A package leaves the store only when a verified, signed receipt names its digest. Whatever else a
sink answers, the package stays; what an answer means for the sink and for the package is the table
of `docs/package.md`, here as one `except` each. Whose turn it is stands in `turns.py` beside this,
what is noted and when in `book.py`, how the sink does in `standing.py`.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from edge.delivery.book import DeliveryBook
from edge.delivery.pace import Pace
from edge.delivery.receipt import Receipt, ReceiptConflict, ReceiptInvalid, ReceiptVerifier
from edge.delivery.standing import OutboxStatus, Standing
from edge.delivery.turns import Turns
from edge.sinks.sink import (
    AlreadyThere,
    Outgoing,
    PackageConflict,
    PackageRefused,
    ReceiptPending,
    Sink,
    SinkAway,
    SinkClosed,
)
from edge.store import (
    NoSuchPackage,
    PackageGone,
    PackageUnreadable,
    Pending,
    Store,
    StoreBroken,
    StoreError,
    StoreFull,
)
from edge.store.rows import Role

LOOK_AGAIN_S: Final = 60.0
TOGETHER: Final = 16
"""Tries that are noted as begun in one transaction while all goes well. After a power cut so many
receipts are asked for, 1 KB each; a commit for each try would cost more on every good day."""
NOTHING_AHEAD: Final = (0, b"")
ASK_FIRST: Final = frozenset(
    {"interrupted", "cut", "timeout", "http_202", "written", "receipt_invalid", "store_full"}
)
"""How a try ended after which the other side may have the package: its receipt is asked for."""


class Outbox:
    """The queue of one sink."""

    def __init__(
        self,
        store: Store,
        name: str,
        sink: Sink,
        verifier: ReceiptVerifier,
        *,
        role: Role = "custody",
        pace: Pace | None = None,
        observe_try: Callable[[str], None] | None = None,
        audit_head: Callable[[], str] | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            store: where the packages are.
            name: of the sink, as in the deliveries.
            sink: used by this thread alone; closed with the outbox.
            verifier: of receipts.
            role: "copy" is content with a sink that took the package and gives no receipt.
            pace: the waits, and the hours.
            observe_try: is told the code of every try that ended.
            audit_head: returns the signed end of the audit chain, which travels along.
        """
        self._store = store
        self._name = name
        self._sink = sink
        self._verifier = verifier
        self._role = role
        self._pace = pace or Pace()
        self._audit_head = audit_head or (lambda: "")
        self._bell = threading.Condition()
        self._ending = self._woken = self._hurry = False
        self._standing = Standing(name, role, observe_try or (lambda _: None))
        self._book = DeliveryBook(store, name)
        self._turns = Turns(lambda after, limit, urgent: store.pending(
            name, limit, after, urgent=urgent))  # fmt: skip
        self._batch: deque[Pending] = deque()
        self._head = ""
        self._ahead = NOTHING_AHEAD
        self._last_try_s = 0.0
        self._unclear: set[int] = set()
        self._asked: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._work, name=f"outbox-{name}")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, wherever it waits, and close the sink. Twice is allowed.

        A back-off and a wait for an answer end at once; a connection that is being made
        lasts until its own time limit.
        """
        with self._bell:
            self._ending = True
            self._bell.notify_all()
        self._sink.cancel()
        if self._thread.ident is not None:
            self._thread.join()
        self._sink.close()

    def wake(self) -> None:
        """Look into the store now: a package was closed. A back-off is not cut short."""
        with self._bell:
            self._woken = True
            self._bell.notify_all()

    def retry_now(self) -> None:
        """Try now, also in a back-off or after a stop: a technician asks, settings changed."""
        with self._bell:
            self._hurry = True
            self._bell.notify_all()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def status(self) -> OutboxStatus:
        """What the console and the metrics show."""
        waiting, oldest_ms = self._store.waiting(self._name)
        with self._bell:
            return self._standing.status(waiting, oldest_ms)

    def _work(self) -> None:
        try:
            self._rest(random.uniform(0, self._pace.first_max_s), "backing_off")  # noqa: S311
            while not self._ending:
                package = self._next()
                if package is None:
                    self._rest(self._idle_s(), self._idle_state(), wakeable=True)
                    self._look_again()
                else:
                    self._serve(package)
            self._put_back()
            self._standing.end()
        except StoreBroken:
            # The service ends now and recovers at its restart; nothing is to be done here.
            self._standing.end("store_broken")
        except BaseException:
            self._standing.end("outbox_failed")
            raise

    # Whose turn it is

    def _next(self) -> Pending | None:
        if self._woken:
            with self._bell:
                self._woken = False
            self._put_back()
            self._turns.look_again()
        if self._batch and not self._batch[0].urgent and not self._pace.open_now():
            # The hours ended in the middle of a batch: on a weak link the rest would take another.
            self._put_back()
        if not self._batch:
            self._take_batch()
        return self._batch.popleft() if self._batch else None

    def _take_batch(self) -> None:
        """Take whoever goes next, one alone while the sink fails, and note that they are tried."""
        # What was delivered must be noted before the store is asked what waits.
        self._kept(self._book.keep)
        urgent_only = not self._pace.open_now()
        for _ in range(1 if self._standing.failures else TOGETHER):
            package = self._turns.take(urgent_only=urgent_only)
            if package is None:
                break
            self._batch.append(package)
        self._book.begin(one for one in self._batch if not self._ask_first(one))
        self._head = self._audit_head() if self._batch else ""

    def _put_back(self) -> None:
        for package in self._batch:
            self._turns.back(package)
        batch, self._batch = list(self._batch), deque()
        self._kept(lambda: self._book.release(batch))

    def _look_again(self) -> None:
        here = self._sink.receipts_here()
        self._turns.now({self._asked[one][0] for one in here & self._asked.keys()})
        self._turns.look_again()

    def _idle_s(self) -> float:
        waits_s = (LOOK_AGAIN_S, self._turns.next_due_s(), self._pace.opens_in_s())
        return max(0.0, min(wait_s for wait_s in waits_s if wait_s is not None))

    def _idle_state(self) -> str:
        return "idle" if self._pace.open_now() else "out_of_hours"

    # One try

    def _serve(self, package: Pending) -> None:
        began_s = time.monotonic()
        try:
            self._try(package)
        except StoreFull:
            # The answer could not be kept: the receipt is asked for again when there is room.
            self._unclear.add(package.cursor)
            self._fail(package, "store_full", 0.0)
        except (NoSuchPackage, PackageGone):
            # Another sink's receipt came in between.
            self._book.forget(package)
            self._forget(package)
        self._last_try_s = time.monotonic() - began_s

    def _try(self, package: Pending) -> None:  # noqa: C901 - the table of answers, whole
        self._standing.begin_try()
        try:
            receipt = self._deliver(package)
        except ReceiptPending as pending:
            self._take_pending(package, pending)
        except SinkAway as away:
            if self._ending:
                # Cut by our own hand: it stands there as begun, so its receipt is asked for first.
                return
            if away.unclear:
                self._unclear.add(package.cursor)
            if away.further:
                # It comes across piece by piece: waiting longer each time would take it hours.
                self._standing.failures = 0
            self._fail(package, away.code, away.retry_after_s)
        except SinkClosed as closed:
            self._stop(package, closed.code)
        except PackageRefused as refused:
            self._set_aside(package, refused.code)
        except PackageConflict as conflict:
            self._set_aside(package, conflict.code, alarm="package_conflict")
        except ReceiptConflict:
            self._set_aside(package, "receipt_conflict", alarm="package_conflict")
        except ReceiptInvalid:
            self._doubt(package)
        except PackageUnreadable:
            self._set_aside(package, "unreadable", alarm="package_unreadable")
        else:
            self._settle(package, receipt)

    def _ask_first(self, package: Pending) -> bool:
        return package.cursor in self._unclear or package.last_code in ASK_FIRST

    def _deliver(self, package: Pending) -> Receipt:
        self._kept(lambda: self._book.keep_soon(self._last_try_s))
        token = None
        if self._ask_first(package):
            token = self._sink.receipt(package.package_id)
        if token is None:
            token = self._send(package)
        return self._verifier.verify(token, package.package_id, package.digest, package.size)

    def _send(self, package: Pending) -> str:
        self._kept(lambda: self._book.begin([package]))
        outgoing = Outgoing(
            package.package_id, package.station_id, package.digest, package.statement,
            self._content(package), self._head, self._read_ahead,
        )  # fmt: skip
        try:
            return self._sink.send(outgoing)
        except AlreadyThere:
            token = self._sink.receipt(package.package_id)
        if token is None:
            raise SinkAway("no_receipt")
        return token

    def _content(self, package: Pending) -> bytes:
        (cursor, content), self._ahead = self._ahead, NOTHING_AHEAD
        return content if cursor == package.cursor else self._store.sealed(package.package_id)

    def _read_ahead(self) -> None:
        """Read the next package while this one is on the wire."""
        if self._batch and self._ahead is NOTHING_AHEAD:
            # Whatever is wrong with it is said when its turn has come.
            with suppress(StoreError):
                following = self._batch[0]
                self._ahead = following.cursor, self._store.sealed(following.package_id)

    def _settle(self, package: Pending, receipt: Receipt) -> None:
        if receipt.outcome == "refused":
            code = f"refused:{receipt.code}"
            self._set_aside(package, code, alarm="package_refused", token=receipt.token)
            return
        self._book.take_receipt(package, receipt.token)
        self._standing.work("ok")
        self._forget(package)

    def _take_pending(self, package: Pending, pending: ReceiptPending) -> None:
        if self._role == "copy":
            self._book.take_receipt(package, None)
            self._standing.work(pending.code)
            self._forget(package)
            return
        self._book.end_try(package, pending.code)
        self._standing.work(pending.code)
        self._unclear.add(package.cursor)
        times = self._asked.get(package.package_id, (0, 0))[1] + 1
        self._asked[package.package_id] = package.cursor, times
        self._turns.later(package, max(pending.retry_after_s, self._pace.ask_again_s(times)))

    def _doubt(self, package: Pending) -> None:
        self._standing.doubt()
        self._unclear.add(package.cursor)
        self._fail(package, "receipt_invalid", 0.0)

    def _fail(self, package: Pending, code: str, at_least_s: float) -> None:
        self._end_try(package, code)
        wait_s = max(at_least_s, self._pace.back_off_s(self._standing.failures))
        self._rest(wait_s, "backing_off")

    def _stop(self, package: Pending, code: str) -> None:
        self._standing.alarm("sink_closed")
        self._end_try(package, code)
        self._rest(self._pace.closed_s, "stopped")

    def _end_try(self, package: Pending, code: str) -> None:
        self._standing.fail(code)
        self._book.end_try(package, code)
        self._turns.back(package)
        # One probe alone is out while the sink fails.
        self._put_back()
        self._standing.count(code)

    def _set_aside(
        self, package: Pending, code: str, *, alarm: str = "", token: str | None = None
    ) -> None:
        if alarm:
            self._standing.alarm(alarm)
        self._store.quarantine(package.package_id, self._name, code, token)
        self._book.forget(package)
        self._standing.work(code)
        self._forget(package)

    def _forget(self, package: Pending) -> None:
        self._turns.done(package)
        self._unclear.discard(package.cursor)
        self._asked.pop(package.package_id, None)

    def _kept(self, write: Callable[[], None]) -> None:
        """Write into the book; what a full disk kept from being noted is asked for again."""
        try:
            write()
        except StoreFull:
            for package in self._book.unkept():
                self._unclear.add(package.cursor)
                self._turns.back(package)
            self._standing.fail("store_full")
            self._standing.count("store_full")
            self._rest(self._pace.back_off_s(self._standing.failures), "backing_off")

    def _rest(self, seconds: float, state: str, *, wakeable: bool = False) -> None:
        with self._bell:
            end_s = time.monotonic() + seconds
            self._standing.rest(state, None if wakeable else end_s)
            while not (self._ending or self._hurry or (wakeable and self._woken)):
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    break
                self._bell.wait(left_s)
            hurry, self._hurry = self._hurry, False
            if wakeable:
                self._woken = False
        if hurry:
            self._turns.now()
