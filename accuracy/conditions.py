"""What the station says of a portrait, against the one word that its label says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from accuracy.portraits import Judged
from accuracy.shares import Share, share
from quality.measure import Verdict

TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "turned": ("HeadPoseYaw",),
    "tilted": ("HeadPoseRoll",),
    "teeth": ("MouthClosed",),
    "squint": ("EyesOpen",),
    "far": ("InterEyeDistance",),
    "close": ("HeadSize",),
}
"""Which gates are there to refuse what a label's word names; for the other words see `matrix`."""

ACCEPTED: Final = "accepted"


@dataclass(frozen=True, slots=True)
class Told:
    """How well a gate tells one condition from all others.

    Attributes:
        hits: refused, of those whose label has the word.
        others: refused, of those whose label has another word; that need not be wrong, since a
            label has one word only.
    """

    condition: str
    gate: str
    hits: Share
    others: Share


def conditions(portraits: Sequence[Judged]) -> tuple[str, ...]:
    """Return the words that occur, the most frequent first."""
    words = [one.condition for one in portraits]
    return tuple(sorted(set(words), key=lambda word: (-words.count(word), word)))


def refusals(portraits: Sequence[Judged], document: str) -> dict[str, dict[str, int]]:
    """Return by condition and gate how many were refused; gates that refuse nobody are left out."""
    gates = [one.measure for one in portraits[0].readings[document]] if portraits else []
    counted = {
        word: {
            gate: sum(
                one.reading(document, gate).verdict is not Verdict.ACCEPTED
                for one in portraits
                if one.condition == word
            )
            for gate in gates
        }
        for word in conditions(portraits)
    }
    refusing = [gate for gate in gates if any(row[gate] for row in counted.values())]
    return {word: {gate: row[gate] for gate in refusing} for word, row in counted.items()}


def matrix(portraits: Sequence[Judged], document: str) -> dict[str, dict[str, int]]:
    """Return by condition how often each hint came, or that the portrait was accepted."""
    found: dict[str, dict[str, int]] = {word: {} for word in conditions(portraits)}
    for one in portraits:
        hint = one.advice[document]
        said = hint.value.removeprefix("portrait.") if hint else ACCEPTED
        row = found[one.condition]
        row[said] = row.get(said, 0) + 1
    return found


def told(portraits: Sequence[Judged], document: str) -> tuple[Told, ...]:
    """Return each telling gate's hits and its refusals of other portraits."""
    having = {one.measure for one in portraits[0].readings[document]} if portraits else set()
    rows = []
    for condition, gates in TELLING.items():
        for gate in (gate for gate in gates if gate in having):
            hits, others = (
                share(
                    not one.passes(document, gate)
                    for one in portraits
                    if (one.condition == condition) is wanted
                )
                for wanted in (True, False)
            )
            rows.append(Told(condition, gate, hits, others))
    return tuple(rows)
