"""Where records begin, and where a restart finds the one whose person may still be there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from uuid_utils import uuid7

from edge.closing import Office
from edge.orders.order import Order
from edge.orders.rows import leave_alone
from edge.progress import Progress
from edge.record import Record
from edge.samples import now
from edge.seal import Sealer
from edge.store import STATION, OpenPackage, Store
from edge.store.disk_floor import Reserve
from edge.store.rows import Role
from edge.trust.centre import SITTING_MS
from edge.upkeep.notices import TRYING


class NoSealingKey(Exception):
    """Every key of the centre has expired or is not valid yet. Bring a new key list."""


class RecordRoom:
    """Begins and resumes records; holds what all of them need.

    Args:
        store: the journal.
        sealers: returns one for each sealing key of the centre that is valid for so many
            milliseconds from now on, newest first.
        sinks: every way out that a closed package shall take.
        about: returns further members of each manifest: software, settings_sha256, devices, clock.
        announce: is called after each closing, to wake the outboxes.
        keep_master: the unretouched still is delivered as well.
        keep_all_views: all presses of a finger that agree are delivered, not the best alone.
        distrust: why nothing may be sealed now, as codes.
        calibration: the id of what is in force of "camera" or "fingerprint", if anything.
    """

    def __init__(
        self,
        store: Store,
        sealers: Callable[[int], Sequence[Sealer]],
        sinks: Mapping[str, Role],
        about: Callable[[], Mapping[str, Any]],
        announce: Callable[[], None],
        *,
        keep_master: bool,
        keep_all_views: bool = False,
        distrust: Callable[[], tuple[str, ...]] = tuple,
        calibration: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.store = store
        self._office = Office(
            store, dict(sinks), about, announce, keep_master, keep_all_views, calibration
        )
        self._sealers = sealers
        self._distrust = distrust

    def begin(self, language: str, order: Order | None = None) -> Record:
        """Open a new package, for an order under the order's own sitting id.

        Raises:
            StoreFull, StoreBroken, NoSealingKey: nothing was begun.
        """
        sealer = next(iter(self._sealers(SITTING_MS)), None)
        if sealer is None:
            raise NoSealingKey("no key of the centre may be sealed to now")
        self._leave_others_alone()
        progress = Progress(language, now())
        sitting_id = str(uuid7())
        if order is not None:
            sitting_id, progress.order_ref = order.sitting_id, order.order_ref
            progress.documents = list(order.documents)
            progress.positions = None if order.positions is None else list(order.positions)
            progress.materials = [{"code": code, "state": "asked"} for code in order.materials]
            progress.keep_preferences = order.keep_preferences
        package_id = str(uuid7())
        kid = sealer.sealing_key.kid
        self.store.open_package(
            package_id, sitting_id, sealer.station_id, kid, asdict(progress),
            urgent=order is not None and order.urgent,
        )  # fmt: skip
        return Record(self._office, sealer, package_id, sitting_id, progress)

    def interrupted(self, within_s: float) -> Record | None:
        """Return the newest sitting that a restart interrupted, if its person may still be there.

        Sittings in which nothing was agreed to yet hold nothing and are dropped; one in which a
        relative showed a letter, or said that it comes later, goes on at the consent.
        """
        found: Record | None = None
        # A version on trial may be taken back: it neither goes on with samples nor drops any.
        for package in () if TRYING in self._distrust() else self.store.open_packages():
            fresh = 0 <= time.time() - package.opened_at_ms / 1000 <= within_s
            begun = package.sitting.get("consented")
            if not begun and not (fresh and package.sitting.get("proxy")):
                self.store.drop_package(package.package_id, STATION)
            elif fresh and not package.sitting.get("left_alone"):
                found = self._resumed(package)
        return found

    def left(self, but: str = "") -> list[Record]:
        """Return the sittings that somebody left after agreeing, oldest first; any thread may ask.

        Args:
            but: id of the sitting that runs.
        """
        found = [
            self._resumed(package)
            for package in self.store.open_packages()
            if package.sitting.get("consented") and package.sitting_id != but
        ]
        return [record for record in found if record is not None]

    def refusals(self) -> tuple[str, ...]:
        """Why no sitting may begin now, as codes; empty if one may."""
        return (*self.store.refusals, *self._distrust())

    def _leave_others_alone(self) -> None:
        # Whoever begins now is another person: nobody else's sitting may be resumed before her.
        for package in self.store.open_packages():
            if not package.sitting.get("consented"):
                self.store.drop_package(package.package_id, STATION)
            elif not package.sitting.get("left_alone"):
                left = partial(leave_alone, package.package_id, package.sitting)
                self.store.write(left, Reserve.SITTING)

    def _resumed(self, package: OpenPackage) -> Record | None:
        sealer = next((s for s in self._sealers(0) if s.sealing_key.kid == package.kid), None)
        if sealer is None:
            # Its key expired or was withdrawn: no part can be added, the package waits.
            return None
        progress = Progress(**package.sitting)
        record = Record(self._office, sealer, package.package_id, package.sitting_id, progress)
        record.note_parts(part.name for part in package.parts)
        return record
