"""The rows of the book: a record as a list shows it, as the journal knows it, and an undoing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import apsw

from edge.calibration.book_files import Lying
from edge.calibration.record import Calibration, Kind, Overall, Recorded
from edge.events import note_event
from edge.store.counters import count, counted
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import rfc3339

KNOWN: Final = "calibration/"
"""Counters of the journal: the number of each record, by its id."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record as a list shows it; it meets `validity.Ruled`."""

    id: str
    number: int
    device_id: str
    kind: Kind
    overall: Overall
    ended_at_ms: int
    valid_until: str | None
    technician: str
    restores: str | None
    path: Path


def note(db: apsw.Connection, recorded: Recorded, at_ms: int) -> None:
    """Write what the journal knows of a record, with its audit row and event; twice is once."""
    calibration, name = recorded.calibration, f"{KNOWN}{known_name(recorded)}"
    if counted(db, name):
        return
    count(db, name, calibration.number)
    about = {
        "calibration_id": recorded.id,
        "device_id": calibration.device_id,
        "kind": calibration.kind,
        "sha256": recorded.sha256,
    }
    who = Actor("technician", calibration.technician)
    audit.append(db, rfc3339(at_ms), who, "calibration.record", about, calibration.overall.value)
    facts = {
        "calibration_id": recorded.id,
        "kind": calibration.kind,
        "overall": calibration.overall.value,
        "valid_until": calibration.valid_until,
    }
    note_event(db, "calibration.recorded", calibration.device_id, facts, at_ms)


def known_name(recorded: Recorded) -> str:
    """Return how the journal calls a record, behind `KNOWN`."""
    return f"{recorded.calibration.device_id}/{recorded.id}"


def undoing(
    present: Calibration, earlier: Recorded | None, technician: str, at_ms: int
) -> Calibration:
    """Return the record of taking `present` back for `earlier`; None: for nothing."""
    restored = None if earlier is None else earlier.calibration
    return replace(
        present,
        kind="undo",
        began_at_ms=at_ms,
        ended_at_ms=at_ms,
        technician=technician,
        witness="",
        steps=(),
        environment={},
        parameters={} if restored is None else restored.parameters,
        overall=Overall.NOT_ASSESSED if restored is None else restored.overall,
        valid_until=None if restored is None else restored.valid_until,
        restores=None if earlier is None else earlier.id,
    )


def row_of(lying: Lying) -> Row:
    """Return the row of a record that lies in the folder."""
    one = lying.recorded.calibration
    return Row(
        lying.recorded.id, one.number, one.device_id, one.kind, one.overall, one.ended_at_ms,
        one.valid_until, one.technician, one.restores, lying.path,
    )  # fmt: skip


def by_number(row: Row) -> int:
    """Return what rows are put in order by."""
    return row.number
