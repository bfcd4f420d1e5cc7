"""All that a still says about a face, with what it does not say and why."""

from __future__ import annotations

from collections.abc import Mapping

from quality.face import MEASURES
from quality.face.absent import ABSENT, Absent
from quality.measure import ANY, Native, Reading, Standing, Verdict, assess


def report(natives: Mapping[str, Native]) -> tuple[Reading, ...]:
    """Return a reading of every measure and of every output of the standard, in order of names.

    Nothing is judged here: every value is accepted, whatever it is. An output that the station
    has no value of is not assessed, and says why.

    Args:
        natives: of one still, by measure; what is missing is not assessed.
    """
    unmeasured = Native(None, "not measured")
    taken = [assess(measure, natives.get(measure.name, unmeasured)) for measure in MEASURES]
    return tuple(sorted([*taken, *map(_absent, ABSENT)], key=lambda reading: reading.measure))


def _absent(output: Absent) -> Reading:
    return Reading(
        output.name, None, None, "1", ANY, Verdict.NOT_ASSESSED, Standing.ABSENT,
        reason=output.reason,
    )  # fmt: skip
