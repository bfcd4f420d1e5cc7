"""What one sink's queue writes into the journal, many notes in one durable transaction.

Two promises share a commit. A try is noted before its first byte leaves, so that an interruption is
followed by a question for the receipt. A receipt may wait here for a moment: lost with the power,
it is asked for again, because its try still stands there as begun.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import apsw

from edge.store import STATION, NoSuchPackage, Store, StoreFull
from edge.store import delivery as store_delivery
from edge.store.disk_floor import Reserve
from edge.store.open_packages import note
from edge.store.rows import Pending
from edge.utc import now_ms

UNRECORDED_S_MAX: Final = 0.5
"""A receipt waits no longer for company: `/v1` and the events shall tell of it."""


class DeliveryBook:
    """The notes of one sink, used by its outbox's thread alone."""

    def __init__(self, store: Store, sink: str) -> None:
        self._store, self._sink = store, sink
        self._receipts: list[tuple[Pending, str | None]] = []
        self._first_s = 0.0
        self._begun: dict[int, Pending] = {}
        self._unkept: list[Pending] = []

    def begun(self, package: Pending) -> bool:
        """Whether it stands there that a try of this package began."""
        return package.cursor in self._begun

    def begin(self, packages: Iterable[Pending]) -> None:
        """Note that these are tried now, and whatever else waits to be noted. Raises as `keep`."""
        fresh = [package for package in packages if not self.begun(package)]
        if fresh:
            self._write(fresh, [])

    def take_receipt(self, package: Pending, receipt: str | None) -> None:
        """Have a verified receipt noted, soon; None from a copy sink, which gives none."""
        if not self._receipts:
            self._first_s = time.monotonic()
        self._receipts.append((package, receipt))

    def keep_soon(self, next_s: float) -> None:
        """Keep the receipts if the next try, of about so many seconds, would let them wait long."""
        if self._receipts and time.monotonic() - self._first_s + next_s > UNRECORDED_S_MAX:
            self.keep()

    def keep(self) -> None:
        """Note all receipts durably; the parts that may go are deleted in the same transaction.

        Raises:
            StoreFull: nothing was noted; `unkept` says whose receipts must be asked for again.
        """
        if self._receipts:
            self._write([], [])

    def release(self, packages: Iterable[Pending]) -> None:
        """Take back that these are tried: not a byte of them has left. Raises as `keep`."""
        unsent = [package for package in packages if self.begun(package)]
        if unsent or self._receipts:
            self._write([], unsent)

    def end_try(self, package: Pending, code: str) -> None:
        """Note how a try ended that brought no receipt; nothing is written twice."""
        known = not self.begun(package) and package.last_code == code
        self._begun.pop(package.cursor, None)
        if known:
            return
        # Delivery is what frees the disk: it goes on without the note.
        with suppress(StoreFull):
            self._store.record_try(package.package_id, self._sink, code)

    def forget(self, package: Pending) -> None:
        """It was noted otherwise what became of it."""
        self._begun.pop(package.cursor, None)

    def unkept(self) -> list[Pending]:
        """Return whose receipts a full disk kept from being noted, once."""
        unkept, self._unkept = self._unkept, []
        return unkept

    def _write(self, begin: list[Pending], release: list[Pending]) -> None:
        receipts, self._receipts = self._receipts, []
        at_ms = now_ms()

        def write(db: apsw.Connection) -> None:
            for package, receipt in receipts:
                _record(db, package.package_id, self._sink, receipt)
            for package in release:
                _unbegin(db, package.cursor, self._sink)
            for package in begin:
                with suppress(NoSuchPackage):
                    store_delivery.begin_try(db, package.package_id, self._sink, at_ms)

        try:
            self._store.write(write, Reserve.LAST if receipts else Reserve.NONE)
        except StoreFull:
            if receipts:
                self._unkept += [package for package, _ in receipts]
                raise
            # Delivery is what frees the disk: it goes on without the note.
            return
        finally:
            for package, _ in receipts:
                self._begun.pop(package.cursor, None)
            for package in release:
                self._begun.pop(package.cursor, None)
        self._begun |= {package.cursor: package for package in begin}


def _record(db: apsw.Connection, package_id: str, sink: str, receipt: str | None) -> None:
    # A package that was removed meanwhile must not keep the others' receipts from being noted.
    with suppress(NoSuchPackage):
        store_delivery.record_receipt(db, package_id, sink, receipt)
        note(db, STATION, "package.receipt", package_id, sink=sink)


def _unbegin(db: apsw.Connection, cursor: int, sink: str) -> None:
    db.execute(
        "update delivery set state = 'waiting', attempts = attempts - 1"
        " where package = ? and sink = ? and state = 'sending'",
        (cursor, sink),
    )
