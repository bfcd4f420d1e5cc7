"""How often each painted fault is noticed on labelled portraits, and its cause rightly named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from accuracy.defects import DEFECTS, Defect, Picture
from accuracy.looker import Looked, Looker
from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.measure import Reading, Verdict


class Portrait(Protocol):
    """A picture and what the station sees in it."""

    @property
    def bgr(self) -> Picture:
        """(height, width, 3)."""

    @property
    def looked(self) -> Looked:
        """Without the fault."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """What came of one fault on one portrait.

    Attributes:
        native: of the fault's measure; None if it could not be assessed.
        noticed: something is refused or advised that was not before.
        advice: the one hint for what is new, and for that alone.
    """

    native: float | None
    noticed: bool
    advice: Advice | None


def noticed(
    looker: Looker, portrait: Portrait, defect: Defect, strength: float, document: Document
) -> Noticed:
    """Paint one fault and look: what is refused that was not refused before?"""
    before = portrait.looked
    if before.landmarks_px is None or before.person_mask is None:
        raise ValueError("a portrait without a face cannot be painted on")
    painted = defect.paint(portrait.bgr, before.landmarks_px, before.person_mask, strength)
    after = looker.look(painted)
    old = {r.measure for r in _refused(before, document)}
    new = [r for r in _refused(after, document) if r.measure not in old]
    # Values that no refusal rests on help to tell causes apart.
    told = [r for r in _judged(after, document) if r.measure not in old or _fine(r)]
    advice = advise(after, told) if new or after.faces != 1 else None
    return Noticed(after.natives[defect.measure].value, advice is not None, advice)


def rates(
    looker: Looker,
    portraits: Iterable[Portrait],
    document: Document,
    defects: Mapping[str, Defect] = DEFECTS,
) -> list[dict[str, Any]]:
    """Return a row a fault and strength: how often it was noticed, how often named.

    A portrait counts for a fault if the fault's own measure was accepted on it before: who tilts
    the head already cannot show what tilting it does. About 0.1 s a portrait, fault and strength.

    Returns:
        {"defect", "strength", "n", "noticed", "advice_right"}; the last two count portraits.
    """
    alone = [portrait for portrait in portraits if portrait.looked.faces == 1]
    rows = []
    for defect in defects.values():
        fit = [p for p in alone if _accepted(p.looked, defect.measure, document)]
        for strength in defect.strengths:
            seen = [noticed(looker, p, defect, strength, document) for p in fit]
            rows.append(
                {
                    "defect": defect.name,
                    "strength": strength,
                    "n": len(seen),
                    "noticed": sum(one.noticed for one in seen),
                    "advice_right": sum(one.advice is defect.advice for one in seen),
                }
            )
    return rows


def _judged(looked: Looked, document: Document) -> Sequence[Reading]:
    return judge(document, looked.natives, live=False)


def _refused(looked: Looked, document: Document) -> list[Reading]:
    return [reading for reading in _judged(looked, document) if not _fine(reading)]


def _fine(reading: Reading) -> bool:
    return reading.verdict is Verdict.ACCEPTED


def _accepted(looked: Looked, measure: str, document: Document) -> bool:
    return any(r.measure == measure and _fine(r) for r in _judged(looked, document))
