"""What the pages say of fingers: which is asked, which are settled, which wait for staff. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from api.kiosk.catalogue import Catalogue
from edge.fingers.exceptions import ExceptionReason, Why
from edge.sitting import FingerStep, Snapshot, State

Standing = Literal["in", "noted", "missing"]

FINGER: Final = "finger:"
"""How `Missing.what` begins for a finger; its position follows."""
REASONS: Final = tuple(reason.value for reason in ExceptionReason)
"""Why a finger is not given, as the sheet offers it to staff."""
_ASKED_TODAY: Final = frozenset({State.FINGER, State.REVIEW})


@dataclass(frozen=True, slots=True)
class FingerRow:
    """One finger as the person is told of it: given, noted for good, or to follow later.

    A finger that another one stands in for, signed or not, is noted: nothing is left to follow.

    Attributes:
        position: "" for several that are noted: nobody needs a list of what a hand cannot give.
    """

    position: str
    standing: Standing


def ask_line(finger: FingerStep | None) -> str:
    """Return the catalogue id of the question; one that stands in for another says so."""
    if finger is None:
        return "portrait.wait"
    return f"finger.{'instead' if finger.fallback_of else 'ask'}.{finger.position}"


def press_words(shown: Snapshot, catalogue: Catalogue) -> str:
    """Return which press of this finger it is, "" for the first: never how many are left."""
    finger = shown.finger
    line_id = f"finger.press.{finger.presentation}" if finger else ""
    return catalogue.line(shown.language, line_id) if catalogue.has(line_id) else ""


def open_fingers(shown: Snapshot) -> tuple[str, ...]:
    """Return the positions for which an attendant may sign now, the one that is asked for last.

    Last, because the sitting goes on to another finger with it.
    """
    if shown.state not in _ASKED_TODAY:
        return ()
    waiting = [row.position for row in shown.finger_exceptions if not row.confirmed]
    asked = [shown.finger.position] if shown.state is State.FINGER and shown.finger else []
    return tuple(dict.fromkeys([*(p for p in waiting if p not in asked), *asked]))


def finger_rows(shown: Snapshot) -> tuple[FingerRow, ...]:
    """Return what became of the fingers: the given ones first, then the others."""
    rows: dict[str, Standing] = dict.fromkeys(shown.fingers_in, "in")
    for missing in shown.missing:
        if missing.what.startswith(FINGER):
            # Whoever said no was heard; nobody is asked to come again for it.
            standing: Standing = "noted" if missing.reason == Why.REFUSED.value else "missing"
            rows.setdefault(missing.what.removeprefix(FINGER), standing)
    for row in shown.finger_exceptions:
        temporary = row.wanted and row.confirmed and row.permanence == "temporary"
        rows.setdefault(row.position, "missing" if temporary else "noted")
    noted = [position for position, standing in rows.items() if standing == "noted"]
    told = tuple(FingerRow(p, standing) for p, standing in rows.items() if standing != "noted")
    return (*told, FingerRow(noted[0] if len(noted) == 1 else "", "noted")) if noted else told


def staff_look(shown: Snapshot) -> bool:
    """Tell whether the person is told that staff can look at the fingers: one is lacking still.

    Where other fingers stand in, staff may sign and need not: nobody is kept waiting for it.
    """
    return any(row.wanted and not row.confirmed for row in shown.finger_exceptions)


def taken_elsewhere(shown: Snapshot) -> bool:
    """Tell whether this station's reader is not good enough for what was ordered."""
    return any(missing.reason == Why.NOT_FOR_ENROLMENT.value for missing in shown.missing)
