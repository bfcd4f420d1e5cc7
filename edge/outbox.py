"""Delivery to one sink: at least once, oldest first, in a thread that nothing else waits for.

A package leaves the store only when a verified, signed receipt names its digest. Whatever else a
sink answers, the package stays; what an answer means for the sink and for the package is the table
of `docs/package.md`, here as one `except` each.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from edge.pace import OutboxStatus, Pace
from edge.receipt import Receipt, ReceiptConflict, ReceiptInvalid, ReceiptVerifier
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
    StoreFull,
)
from edge.store.rows import Role

LOOK_AGAIN_S: Final = 60.0
INVALID_RECEIPTS_MAX: Final = 5


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
    ) -> None:
        """Prepare; `start` begins.

        Args:
            store: where the packages are.
            name: of the sink, as in the deliveries.
            sink: used by this thread alone; closed with the outbox.
            verifier: of receipts.
            role: "copy" is content with a sink that took the package and gives no receipt.
            pace: the waits.
            observe_try: is told the code of every try that ended.
        """
        self._store = store
        self._name = name
        self._sink = sink
        self._verifier = verifier
        self._role = role
        self._pace = pace or Pace()
        self._observe_try = observe_try or (lambda _: None)
        self._bell = threading.Condition()
        self._ending = self._woken = self._hurry = False
        self._state, self._last_code = "idle", ""
        self._alarms: frozenset[str] = frozenset()
        self._failures = self._invalid_receipts = 0
        self._next_try_at_s: float | None = None
        self._behind = 0
        self._unclear: set[str] = set()
        self._not_before_s: dict[str, float] = {}
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
            state, next_at_s = self._state, self._next_try_at_s
        return OutboxStatus(
            sink=self._name,
            role=self._role,
            state=state,
            last_code=self._last_code or None,
            failures=self._failures,
            alarms=tuple(sorted(self._alarms)),
            next_try_s=None if next_at_s is None else max(0.0, next_at_s - time.monotonic()),
            waiting=waiting,
            oldest_age_s=None if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000),
        )

    def _work(self) -> None:
        try:
            self._rest(random.uniform(0, self._pace.first_max_s), "backing_off")  # noqa: S311
            while not self._ending:
                package = self._next()
                if package is None:
                    self._rest(self._idle_s(), "idle", wakeable=True)
                else:
                    self._serve(package)
            self._state = "ended"
        except StoreBroken:
            # The service ends now and recovers at its restart; nothing is to be done here.
            self._state = "failed"
            self._alarms |= {"store_broken"}
        except BaseException:
            self._state = "failed"
            self._alarms |= {"outbox_failed"}
            raise

    def _next(self) -> Pending | None:
        """Return the oldest package that may go; while the sink fails, each gets its turn."""
        now_s = time.monotonic()
        behind, self._behind = self._behind, 0
        for after in dict.fromkeys((behind, 0)):
            while page := self._store.pending(self._name, limit=50, after=after):
                for package in page:
                    if self._not_before_s.get(package.package_id, 0.0) <= now_s:
                        return package
                after = page[-1].cursor  # noqa: PLW2901 - the next page begins behind this one
        return None

    def _idle_s(self) -> float:
        waits_s = [at_s - time.monotonic() for at_s in self._not_before_s.values()]
        return max(0.0, min([LOOK_AGAIN_S, *waits_s]))

    def _serve(self, package: Pending) -> None:
        try:
            self._try(package)
        except StoreFull:
            # The answer could not be kept: the receipt is asked for again when there is room.
            self._unclear.add(package.package_id)
            self._fail(package, "store_full", 0.0)
        except (NoSuchPackage, PackageGone):
            # Another sink's receipt came in between.
            self._forget(package)

    def _try(self, package: Pending) -> None:  # noqa: C901 - the table of answers, whole
        self._state, self._next_try_at_s = "sending", None
        try:
            self._note(lambda: self._store.begin_try(package.package_id, self._name))
            receipt = self._deliver(package)
        except ReceiptPending as pending:
            self._take_pending(package, pending)
        except SinkAway as away:
            if away.unclear:
                self._unclear.add(package.package_id)
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

    def _deliver(self, package: Pending) -> Receipt:
        token = None
        if package.package_id in self._unclear or package.last_code == "interrupted":
            token = self._sink.receipt(package.package_id)
        if token is None:
            token = self._send(package)
        return self._verifier.verify(token, package.package_id, package.digest, package.size)

    def _send(self, package: Pending) -> str:
        content = self._store.sealed(package.package_id)
        outgoing = Outgoing(
            package.package_id, package.station_id, package.digest, package.statement, content
        )
        try:
            return self._sink.send(outgoing)
        except AlreadyThere:
            token = self._sink.receipt(package.package_id)
        if token is None:
            raise SinkAway("no_receipt")
        return token

    def _settle(self, package: Pending, receipt: Receipt) -> None:
        if receipt.outcome == "refused":
            code = f"refused:{receipt.code}"
            self._set_aside(package, code, alarm="package_refused", token=receipt.token)
            return
        self._store.record_receipt(package.package_id, self._name, receipt.token)
        self._succeed(package, "ok")

    def _take_pending(self, package: Pending, pending: ReceiptPending) -> None:
        if self._role == "copy":
            self._store.record_receipt(package.package_id, self._name, None)
            self._succeed(package, pending.code)
            return
        wait_s = max(pending.retry_after_s, self._pace.pending_s)
        self._note(lambda: self._store.record_try(package.package_id, self._name, pending.code))
        self._succeed(package, pending.code)
        self._unclear.add(package.package_id)
        self._not_before_s[package.package_id] = time.monotonic() + wait_s

    def _doubt(self, package: Pending) -> None:
        self._invalid_receipts += 1
        if self._invalid_receipts >= INVALID_RECEIPTS_MAX:
            self._alarms |= {"receipts_invalid"}
        self._unclear.add(package.package_id)
        self._fail(package, "receipt_invalid", 0.0)

    def _fail(self, package: Pending, code: str, at_least_s: float) -> None:
        self._failures += 1
        self._end_try(package, code)
        self._rest(max(at_least_s, self._pace.back_off_s(self._failures)), "backing_off")

    def _stop(self, package: Pending, code: str) -> None:
        self._failures += 1
        self._alarms |= {"sink_closed"}
        self._end_try(package, code)
        self._rest(self._pace.closed_s, "stopped")

    def _end_try(self, package: Pending, code: str) -> None:
        self._last_code, self._behind = code, package.cursor
        self._note(lambda: self._store.record_try(package.package_id, self._name, code))
        self._observe_try(code)

    def _set_aside(
        self, package: Pending, code: str, *, alarm: str = "", token: str | None = None
    ) -> None:
        if alarm:
            self._alarms |= {alarm}
        self._store.quarantine(package.package_id, self._name, code, token)
        self._succeed(package, code)

    def _succeed(self, package: Pending, code: str) -> None:
        """The sink works, whatever it said of the package."""
        self._alarms -= {"sink_closed", "receipts_invalid"}
        self._last_code = code
        self._failures = self._invalid_receipts = 0
        self._forget(package)
        self._observe_try(code)

    def _forget(self, package: Pending) -> None:
        self._unclear.discard(package.package_id)
        self._not_before_s.pop(package.package_id, None)

    def _note(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreFull:
            # Delivery is what frees the disk: it goes on without the note.
            return

    def _rest(self, seconds: float, state: str, *, wakeable: bool = False) -> None:
        with self._bell:
            end_s = time.monotonic() + seconds
            self._state = state
            self._next_try_at_s = None if wakeable else end_s
            while not (self._ending or self._hurry or (wakeable and self._woken)):
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    break
                self._bell.wait(left_s)
            self._woken = self._hurry = False
