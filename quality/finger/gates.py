"""What is no finger is refused here, before any score: scores judge fingers, gates catch the rest.

NFIQ 2 itself gives random noise 33 and an inverted print 61. Nothing here detects an artefact held
on the glass: presentation attack detection is out of scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quality.finger import (
    foreground_share,
    frame_likeness,
    grey_range,
    orientation_spread,
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

WHERE_KNOWN: Final = {ridge_polarity.MEASURE: Range(low=5.0)}
"""What refuses only where it can be assessed."""

BESIDE_EARLIER: Final = {frame_likeness.BESIDE_EARLIER: Range(high=0.85)}
"""Presses of one finger reach .40 (real) and .65 (synthetic); a latent print on the glass .96."""

_ON_THE_GLASS: Final = frozenset(measure.name for measure in BESIDE_EARLIER)
_NEEDED: Final = frozenset(measure.name for measure in GATES)


def gate_readings(seen: Print, earlier: Sequence[Print] = ()) -> tuple[Reading, ...]:
    """Return every gate's reading of this press, G1 to G7 and ours.

    Args:
        seen: the press.
        earlier: the last pictures of the same reader, five at most: a print left on the glass, or
            a stuck sensor, shows the same again.
    """
    alone = natives((*GATES, *WHERE_KNOWN), seen)
    beside = natives(BESIDE_EARLIER, Presentation(seen, tuple(earlier)))
    return (
        *(assess(gate, alone[gate.name], accept) for gate, accept in GATES.items()),
        *(assess(gate, alone[gate.name], accept) for gate, accept in WHERE_KNOWN.items()),
        *(assess(gate, beside[gate.name], accept) for gate, accept in BESIDE_EARLIER.items()),
    )


def refusal(readings: Sequence[Reading], seen: Print) -> Cause | None:
    """Return what to do if these gates refuse the press; None if it may be judged as a print."""
    refused = {one.measure for one in readings if _refuses(one)}
    if refused & _ON_THE_GLASS:
        return Cause.CLEAN_GLASS
    if refused & _NEEDED:
        # It may still be a finger, too dry or too wet to show ridges: then the cause says more.
        return poor_press_cause(seen) or Cause.PLACE
    return Cause.PLACE if refused else None


def retry_cause(seen: Print, earlier: Sequence[Print] = ()) -> Cause | None:
    """Return what to do if this picture must not be judged as a print; None if it may.

    Args as `gate_readings`.
    """
    return refusal(gate_readings(seen, earlier), seen)


def _refuses(reading: Reading) -> bool:
    if reading.verdict is Verdict.NOT_ASSESSED:
        return reading.measure in _NEEDED
    return reading.verdict is Verdict.REJECTED
