"""What is no finger is refused here, before any score: scores judge fingers, gates catch the rest.

NFIQ 2 itself gives random noise 33 and an inverted print 61. Nothing here detects an artefact held
on the glass: presentation attack detection is out of scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quality.finger import (
    contact_offset,
    foreground_share,
    frame_likeness,
    grain_share,
    grey_range,
    motion_trace,
    orientation_spread,
    residue_share,
    ridge_coherence,
    ridge_frequency_share,
    ridge_polarity,
)
from quality.finger.causes import Cause, poor_press_cause
from quality.finger.print import Presentation, Print
from quality.measure import Range, Reading, Verdict, assess, natives

GATES: Final = {
    grey_range.MEASURE: Range(low=40.0),
    foreground_share.MEASURE: Range(low=0.35),
    ridge_coherence.MEASURE: Range(0.28, 0.95),
    ridge_frequency_share.MEASURE: Range(low=0.40),
    orientation_spread.MEASURE: Range(low=0.05),
}
"""What must be assessed and accepted. Measured on FVC2002 DB2_B: all 80 prints pass; noise, blanks,
stripes and cloth do not."""

WHERE_KNOWN: Final = {
    ridge_polarity.MEASURE: Range(low=5.0),
    grain_share.MEASURE: Range(high=0.35),
}
"""What refuses only where it can be assessed. A picture of ridges in two levels, black and white,
reaches .2 of grain by arithmetic, drawn prints .11, white noise .8."""

BESIDE_EARLIER: Final = {
    frame_likeness.BESIDE_EARLIER: Range(high=0.85),
    residue_share.BESIDE_EARLIER: Range(high=0.05),
}
"""Presses of one finger are alike to .40 (real) and .65 (drawn), what was left on the glass to .96.
None of 5,760 pairs of drawn presses shows any residue."""

DOUBTS: Final = {
    contact_offset.MEASURE: (Range(high=0.20), Cause.PARTIAL),
    motion_trace.MEASURE: (Range(high=0.47), Cause.MOVED),
}
"""Advisory: a finger, yet not to be accepted at once whatever its score. Half a print scores 49
with NFIQ 2 and a moved one up to 66, and neither matches its own finger well."""

_ON_THE_GLASS: Final = frozenset(measure.name for measure in BESIDE_EARLIER)
_NEEDED: Final = frozenset(measure.name for measure in GATES)
_NO_FINGER: Final = frozenset(
    measure.name for measure in (orientation_spread.MEASURE, *WHERE_KNOWN)
)


def gate_readings(seen: Print, earlier: Sequence[Print] = ()) -> tuple[Reading, ...]:
    """Return every gate's reading of this press: what was measured, accepted or refused.

    Args:
        seen: the press.
        earlier: the last pictures of the same reader, five at most: a print left on the glass, or
            a stuck sensor, shows the same again.
    """
    alone = natives((*GATES, *WHERE_KNOWN, *DOUBTS), seen)
    beside = natives(BESIDE_EARLIER, Presentation(seen, tuple(earlier)))
    return (
        *(assess(gate, alone[gate.name], accept) for gate, accept in GATES.items()),
        *(assess(gate, alone[gate.name], accept) for gate, accept in WHERE_KNOWN.items()),
        *(assess(gate, beside[gate.name], accept) for gate, accept in BESIDE_EARLIER.items()),
        *(
            assess(gate, alone[gate.name], accept, advisory=True)
            for gate, (accept, _) in DOUBTS.items()
        ),
    )


def refusing(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Return the names of the gates that refuse the press."""
    return tuple(one.measure for one in readings if _refuses(one))


def refusal(readings: Sequence[Reading], seen: Print) -> Cause | None:
    """Return what to do if these gates refuse the press; None if it may be judged as a print."""
    refused = frozenset(refusing(readings))
    if refused & _ON_THE_GLASS:
        return Cause.CLEAN_GLASS
    if not refused:
        return None
    # It may still be a finger, too dry or too wet to show ridges: then the cause says more.
    cause = poor_press_cause(seen)
    if refused <= _NO_FINGER and cause is not Cause.PARTIAL:
        return Cause.PLACE
    return cause or Cause.PLACE


def doubt(readings: Sequence[Reading]) -> Cause | None:
    """Return why a press that passed is not to be accepted at once, however well it scores.

    It may be kept if nothing better comes: better a print in part than none.
    """
    doubted = {one.measure for one in readings if one.verdict is Verdict.REJECTED and one.advisory}
    causes = (cause for gate, (_, cause) in DOUBTS.items() if gate.name in doubted)
    return next(causes, None)


def _refuses(reading: Reading) -> bool:
    if reading.advisory:
        return False
    if reading.verdict is Verdict.NOT_ASSESSED:
        return reading.measure in _NEEDED
    return reading.verdict is Verdict.REJECTED
