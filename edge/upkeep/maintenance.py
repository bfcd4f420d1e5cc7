"""Maintenance: a technician has the station, and nobody may begin a sitting until it is given back.

It lies in the journal, in one row that is written with its audit row, so that it survives a restart
and neither is there without the other. A sitting that runs is not cut: only the next cannot begin.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Final

import apsw
import structlog

from edge.store import Actor, Store
from edge.store.counters import counters
from edge.store.disk_floor import Reserve
from edge.trust import audit
from edge.utc import now_ms, rfc3339

REASON: Final = "maintenance"
"""What stands among the reasons why no sitting may begin."""
_PREFIX: Final = "maintenance/"
_STAFF_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_REASON_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")

log = structlog.get_logger("maintenance")


@dataclass(frozen=True, slots=True)
class Maintained:
    """Who has the station now.

    Attributes:
        staff_id: of the technician who began it.
        reason: why: "calibration", "devices", "update", or another code.
        since_at_ms: when it began, UTC.
    """

    staff_id: str
    reason: str
    since_at_ms: int


class Maintenance:
    """Whether the station is in maintenance. Any thread may call it."""

    def __init__(self, store: Store) -> None:
        """Read what an earlier run left in the journal."""
        self._store = store
        self._lock = threading.Lock()
        self._active = store.read(_read)

    @property
    def active(self) -> Maintained | None:
        """Who has the station; None: nobody, sittings may begin."""
        return self._active

    def reasons(self) -> tuple[str, ...]:
        """Why no sitting may begin, as codes; empty if maintenance is no reason."""
        return () if self._active is None else (REASON,)

    def begin(self, staff_id: str, reason_code: str) -> Maintained:
        """Take the station out of service; durable on return.

        Args:
            staff_id: of the technician.
            reason_code: why.

        Returns:
            What is so now: where maintenance was begun before, that goes on unchanged.

        Raises:
            ValueError: the id or the code does not have its form.
            StoreFull, StoreBroken: nothing happened.
        """
        if not _STAFF_ID.fullmatch(staff_id) or not _REASON_CODE.fullmatch(reason_code):
            raise ValueError("maintenance wants a staff id and a reason's code")
        with self._lock:
            if self._active is not None:
                return self._active
            begun = Maintained(staff_id, reason_code, now_ms())
            self._store.write(lambda db: _begin(db, begun), Reserve.LAST)
            self._active = begun
        log.info("maintenance_begun", reason=reason_code)
        return begun

    def end(self, staff_id: str) -> None:
        """Give the station back; durable on return. Where there is no maintenance, nothing happens.

        Args:
            staff_id: of who ends it, who need not be who began it.

        Raises:
            ValueError: the id does not have its form.
            StoreFull, StoreBroken: nothing happened.
        """
        if not _STAFF_ID.fullmatch(staff_id):
            raise ValueError("maintenance wants a staff id")
        with self._lock:
            begun = self._active
            if begun is None:
                return
            self._store.write(lambda db: _end(db, begun, staff_id), Reserve.LAST)
            self._active = None
        log.info("maintenance_ended", reason=begun.reason)


def _begin(db: apsw.Connection, begun: Maintained) -> None:
    name = f"{_PREFIX}{begun.staff_id}/{begun.reason}"
    db.execute("insert into counter(name, value) values(?, ?)", (name, begun.since_at_ms))
    about = {"reason": begun.reason}
    actor = Actor("technician", begun.staff_id)
    audit.append(db, rfc3339(begun.since_at_ms), actor, "maintenance.begin", about, "ok")


def _end(db: apsw.Connection, begun: Maintained, staff_id: str) -> None:
    db.execute("delete from counter where substr(name, 1, ?) = ?", (len(_PREFIX), _PREFIX))
    about = {"reason": begun.reason, "begun_by": begun.staff_id}
    actor = Actor("technician", staff_id)
    audit.append(db, rfc3339(now_ms()), actor, "maintenance.end", about, "ok")


def _read(db: apsw.Connection) -> Maintained | None:
    for name, since_ms in counters(db, _PREFIX).items():
        staff_id, _, reason_code = name.partition("/")
        return Maintained(staff_id, reason_code, since_ms)
    return None
