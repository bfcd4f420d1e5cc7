"""What a record says of its fingers: what is missing, what is excepted, what fills what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edge.fingers.exceptions import FingerException
from edge.fingers.wishes import FingerWishes
from edge.progress import Progress
from edge.settings_sections import EXTRA_PARTS_MAX
from edge.sitting import Missing


def wishes_in(progress: Progress) -> FingerWishes | None:
    """Return which fingers the sitting is about, None until that is settled."""
    return None if progress.fingers is None else FingerWishes.from_progress(progress.fingers)


def exceptions_in(progress: Progress) -> tuple[FingerException, ...]:
    """Return the fingers that were asked for and are not given, in the order of asking."""
    return tuple(FingerException.from_progress(row) for row in progress.exceptions)


def unfilled_slots(progress: Progress, given: Sequence[str]) -> frozenset[str]:
    """Return the wanted fingers that are neither given nor stood in for.

    None where the minimum that was ordered is in.
    """
    wishes = wishes_in(progress)
    if wishes is None or (wishes.minimum is not None and len(given) >= wishes.minimum):
        return frozenset()
    filled = wishes.plan(given, progress.fingers_closed).filled
    return frozenset(wishes.slots) - filled.keys()


def missing_fingers(progress: Progress, given: Sequence[str]) -> list[Missing]:
    """Return the wanted fingers that nothing fills and that nobody signed for.

    Who met the rule by another finger lacks nothing: the exception stays as knowledge.
    """
    unfilled = unfilled_slots(progress, given)
    return [
        Missing(f"finger:{one.position}", one.why)
        for one in exceptions_in(progress)
        if one.open and one.position in unfilled
    ]


def finger_report(progress: Progress, given: Sequence[str]) -> dict[str, Any] | None:
    """Return what the closing record says of the fingers; None if none was ever asked for."""
    wishes = wishes_in(progress)
    if wishes is None:
        return None
    filled = wishes.plan(given, progress.fingers_closed).filled
    return {
        "profile": wishes.profile,
        "minimum": wishes.minimum,
        "slots": [{"position": slot, "given": filled.get(slot)} for slot in wishes.slots],
        "given": progress.given,
        "exceptions": progress.exceptions,
    }


def views_room(wishes: FingerWishes, names: Iterable[str]) -> int:
    """Return how many further views have room in a package, records of all fingers first."""
    views = sum(".view_" in name for name in names)
    return max(0, EXTRA_PARTS_MAX - len(wishes.records) * len(wishes.slots) - views)
