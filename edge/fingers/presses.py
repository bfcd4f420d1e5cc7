"""What the presses of one finger come to together: go on, keep the best, or let the finger be.

Pure: presses in, a verdict out. Two presses must be of one finger before either is believed; where
matching is not to be had, two presses that passed every gate must do, and the record says so.

Source: acceptance, stop-loss and number of presses were replayed on FVC2002 DB2_B: 0.973 accepted,
0.022 accepted low, 0.005 failed, 2.48 presses on average [measured; ten students, no elders].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from typing import Final

from drivers.fingerprint import FingerImage
from edge.fingers.judge import MATCH_MIN
from formats.finger.minutia import Minutia
from quality.finger.causes import Cause
from quality.finger.score import FingerScore

WORN_AFTER: Final = 2
"""So many dry or worn presses of one finger, and it is worn: pressing again brings nothing."""


class Agreement(Enum):
    """Whether the presses of a finger are of one finger. The value is what the record carries."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True)
class Presentation:
    """One press as the record keeps it: what it came to, never its image.

    Attributes:
        number: 1 for the first press of this finger in this sitting.
        score: None where a gate refused it.
        cause: catalogue code; "" where nothing is wrong or no cause is known.
        at_s: monotonic.
    """

    number: int
    score: FingerScore | None
    cause: str
    at_s: float


@dataclass(frozen=True, slots=True)
class GoodPress:
    """One press that passed the gates; in memory only.

    Attributes:
        matches: bozorth3 with earlier presses, by their number; what is missing was not assessed.
    """

    number: int
    image: FingerImage
    score: FingerScore
    minutiae: tuple[Minutia, ...] = ()
    matches: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The presses of one finger, weighed.

    Attributes:
        best: the best press that agrees with another; None while there is none.
        views: all presses that may be kept, the best first.
    """

    best: GoodPress | None
    agreement: Agreement
    views: tuple[GoodPress, ...] = ()


def weigh(presses: Sequence[GoodPress]) -> Weighed:
    """Find the presses that are of one finger, and the best of them."""
    pairs = [(a, b, b.matches.get(a.number)) for a, b in combinations(presses, 2)]
    matched = _either(pair for pair in pairs if pair[2] is not None and pair[2] >= MATCH_MIN)
    if matched:
        return Weighed(matched[0], Agreement.MATCHED, matched)
    # A press that is known to be of another finger vouches for none.
    doubted = {p.number for p in _either(pair for pair in pairs if pair[2] is not None)}
    unassessed = _either(pair for pair in pairs if not {pair[0].number, pair[1].number} & doubted)
    if unassessed:
        return Weighed(unassessed[0], Agreement.NOT_ASSESSED, unassessed)
    return Weighed(None, Agreement.NOT_MATCHED if doubted else Agreement.NOT_ASSESSED)


def _either(
    pairs: Iterable[tuple[GoodPress, GoodPress, int | None]],
) -> tuple[GoodPress, ...]:
    """Return every press of these pairs, the best first, the earlier of two that are alike."""
    found = {press.number: press for a, b, _ in pairs for press in (a, b)}
    return tuple(sorted(found.values(), key=lambda press: (-press.score.value, press.number)))


class Verdict(Enum):
    """What is to be done after a press."""

    GO_ON = "go-on"
    KEEP = "keep"
    KEEP_LOW = "keep-low"
    """The best is below what is accepted at once, and above the stop-loss: better than none."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PressRules:
    """When a finger has been pressed enough.

    Attributes:
        accept_score: the best press of this score, agreed, ends the finger at once.
        stop_loss_score: below it nothing is kept.
        presses_max: so many presses of one finger.
    """

    accept_score: int
    stop_loss_score: int
    presses_max: int

    def verdict(self, weighed: Weighed, made: Sequence[Presentation]) -> Verdict:
        """Return what is to be done after these presses, good ones and others."""
        best = None if weighed.best is None else weighed.best.score.value
        if best is not None and best >= self.accept_score:
            return Verdict.KEEP
        if not self._enough(made):
            return Verdict.GO_ON
        kept = best is not None and best >= self.stop_loss_score
        return Verdict.KEEP_LOW if kept else Verdict.FAILED

    def _enough(self, made: Sequence[Presentation]) -> bool:
        if len(made) >= self.presses_max:
            return True
        highest = max((p.score.value for p in made if p.score is not None), default=0)
        # Worn, but good enough to be kept if nothing better comes: each press may be the better.
        return worn(made) and highest < self.stop_loss_score


def worn(made: Sequence[Presentation]) -> bool:
    """Tell whether these presses are of a worn finger: dry twice counts as worn."""
    tired = {Cause.WORN.value, Cause.DRY.value}
    return sum(press.cause in tired for press in made) >= WORN_AFTER
