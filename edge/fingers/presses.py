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
        doubted: it is not to be accepted at once, however well it scores: it may have moved.
    """

    number: int
    image: FingerImage
    score: FingerScore
    minutiae: tuple[Minutia, ...] = ()
    matches: Mapping[int, int] = field(default_factory=dict)
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """The presses of one finger, weighed.

    Attributes:
        agreement: of the presses in `views`; of all where there is none.
        views: the presses that may be kept, each agreeing with another, the best first.
    """

    agreement: Agreement
    views: tuple[GoodPress, ...] = ()


def weigh(presses: Sequence[GoodPress]) -> Weighed:
    """Find the presses that are of one finger, and the best of them."""
    pairs = [(a, b, b.matches.get(a.number)) for a, b in combinations(presses, 2)]
    matched = _either(pair for pair in pairs if pair[2] is not None and pair[2] >= MATCH_MIN)
    if matched:
        return Weighed(Agreement.MATCHED, matched)
    # A press that is known to be of another finger vouches for none.
    other = {p.number for p in _either(pair for pair in pairs if pair[2] is not None)}
    unassessed = _either(pair for pair in pairs if not {pair[0].number, pair[1].number} & other)
    if unassessed:
        return Weighed(Agreement.NOT_ASSESSED, unassessed)
    return Weighed(Agreement.NOT_MATCHED if other else Agreement.NOT_ASSESSED)


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
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the press that is kept by it.

    Attributes:
        low_quality: it is not what is accepted at once, and still better than none.
    """

    verdict: Verdict
    kept: GoodPress | None = None
    low_quality: bool = False


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

    def decide(self, weighed: Weighed, made: Sequence[Presentation]) -> Decision:
        """Return what is to be done after these presses, good ones and others."""
        for press in weighed.views:
            if press.score.value >= self.accept_score and not press.doubted:
                return Decision(Verdict.KEEP, press)
        if not self._enough(made):
            return Decision(Verdict.GO_ON)
        for press in weighed.views[:1]:
            if press.score.value >= self.stop_loss_score:
                return Decision(Verdict.KEEP, press, low_quality=True)
        return Decision(Verdict.FAILED)

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
