"""What one finger's presses measure as: the work that runs side by side, one finger at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from accuracy.fingers.drawn import (
    CLEARLY,
    LARGE,
    SMALL,
    Pixels,
    Window,
    conditions,
    four_bits,
    image_of,
    pressed,
)
from accuracy.fingers.earlier_rules import earlier_cause
from accuracy.fingers.nbis_reference import match, minutiae_of, nfiq2
from accuracy.fingers.no_fingers import beside, latent, no_fingers
from accuracy.fingers.spoilt import SPOILT, spoilt
from edge.fingers.judge import MATCH_MIN
from quality.finger.causes import Cause, measured, poor_press_cause
from quality.finger.gates import doubt, gate_readings, refusal
from quality.finger.print import Print, print_of
from quality.finger.score import ridge_score
from quality.measure import CannotAssess

NOTHING: Final = "none"
OTHER_OFFSET: Final = 1000
"""Added to a seed, it is that of another person's finger."""

LEFT_FADED: Final = "left on the glass, faded"
LEFT_BESIDE: Final = "left on the glass, beside a press"
AGAIN: Final = "the same finger again"
OTHER: Final = "another finger"
GIVEN: Final = "a finger given already"
OF_TWO: Final = (LEFT_FADED, LEFT_BESIDE, AGAIN, OTHER, GIVEN)
"""Kinds of press that only what came before can tell."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """One press, measured.

    Attributes:
        kind: condition, or a name of `OF_TWO` or `SPOILT`.
        severity: of a condition; 0 elsewhere.
        refused: a gate refused it.
        doubted: it passed, and is not to be accepted at once.
        called: cause by gates, measures and, where nothing else is wrong, matches.
        called_earlier: cause by the rules that stood before, which knew no glass and no matches.
        own: anxin-ridge-1; None where it could not be assessed.
        measures: native values, by name.
        asked: NFIQ 2 was asked for a score.
        nfiq2: None where it gave none.
        match: bozorth3 with the finger's first plain press; None where it was not asked.
    """

    seed: int
    window: Window
    bits: int
    kind: str
    severity: float
    refused: bool
    doubted: bool
    called: str
    called_earlier: str
    own: int | None
    measures: Mapping[str, float]
    asked: bool = False
    nfiq2: int | None = None
    match: int | None = None


def presses_of(seed: int) -> list[Pressed]:
    """Return every press of one finger: all conditions, spoilt ones and those of the glass."""
    return [*_in_small(seed), *_in_large(seed), *_spoilt(seed), *_beside(seed)]


def _in_small(seed: int) -> Iterator[Pressed]:
    first = minutiae_of(four_bits(pressed(seed)), scored=False)
    for condition, severity in conditions():
        pixels = pressed(seed, SMALL, condition, severity or CLEARLY, 2)
        yield _scored(seed, SMALL, pixels, first, bits=4, condition=condition, severity=severity)
        if severity in (0.0, CLEARLY):
            yield _scored(
                seed, SMALL, pixels, first, bits=8, condition=condition, severity=severity
            )


def _in_large(seed: int) -> Iterator[Pressed]:
    for condition, severity in conditions():
        pixels = pressed(seed, LARGE, condition, severity or CLEARLY, 2)
        if severity not in (0.0, CLEARLY):
            seen = print_of(image_of(pixels))
            yield _pressed(seed, condition, seen, window=LARGE, severity=severity)
            continue
        for bits in (4, 8):
            yield _scored(
                seed, LARGE, pixels, None, bits=bits, condition=condition, severity=severity
            )


def _scored(
    seed: int, window: Window, pixels: Pixels, first: Any | None,
    *, bits: int, condition: str, severity: float,
) -> Pressed:  # fmt: skip
    """Return one press with its NFIQ 2 and, in the small window, its match with the first."""
    sent = four_bits(pixels) if bits == 4 else pixels
    alone = _pressed(
        seed, condition, print_of(image_of(pixels, bits)), window=window, severity=severity
    )
    found = minutiae_of(sent)
    matched = match(first, found) if window == SMALL else None
    return replace(alone, bits=bits, asked=True, nfiq2=nfiq2(found), match=matched)


def _spoilt(seed: int) -> Iterator[Pressed]:
    for how in SPOILT:
        picture = spoilt(pressed(seed, number=2), how, seed)
        yield _pressed(seed, how, print_of(image_of(picture)))


def _beside(seed: int) -> Iterator[Pressed]:
    """Presses that only what came before can tell: glass, another finger, the same again."""
    first, second = pressed(seed), pressed(seed, number=2)
    other = pressed(seed + OTHER_OFFSET)
    part = pressed(seed + OTHER_OFFSET, condition="partial", severity=0.8)
    left = latent(first, seed)
    before = (print_of(image_of(first)),)
    for kind, picture in (
        (LEFT_FADED, np.asarray(np.clip(np.rint(left), 0, 255), np.uint8)),
        (LEFT_BESIDE, np.asarray(np.clip(np.rint(beside(part, left)), 0, 255), np.uint8)),
    ):
        yield _pressed(seed, kind, print_of(image_of(picture)), earlier=before)
    marks = [minutiae_of(four_bits(one), scored=False) for one in (first, second, other)]
    for kind, picture, given, same in (
        # The right finger gave press `first` before; `other` is what the other position gave.
        (AGAIN, second, match(marks[2], marks[1]), match(marks[0], marks[1])),
        (OTHER, other, 0, match(marks[0], marks[2])),
        (GIVEN, second, match(marks[0], marks[1]), match(marks[2], marks[1])),
    ):
        alone = _pressed(seed, kind, print_of(image_of(picture)), earlier=before)
        called = alone.called if alone.called != NOTHING else _by_matches(given, same)
        yield replace(alone, called=called, match=same)


def _by_matches(given: int, same: int) -> str:
    if given >= MATCH_MIN:
        return Cause.GIVEN_ALREADY.value
    return Cause.OTHER_FINGER.value if same < MATCH_MIN else NOTHING


def _pressed(
    seed: int, kind: str, seen: Print,
    *, window: Window = SMALL, severity: float = 0.0, earlier: tuple[Print, ...] = (),
) -> Pressed:  # fmt: skip
    readings = gate_readings(seen, earlier)
    refused = refusal(readings, seen)
    doubted = doubt(readings)
    values = measured(seen)
    then = earlier_cause(values)
    cause = refused or poor_press_cause(seen) or doubted
    try:
        own: int | None = ridge_score(seen).value
    except CannotAssess:
        own = None
    return Pressed(
        seed, window, 4, kind, severity, refused is not None, doubted is not None,
        cause.value if cause else NOTHING, then.value if then else NOTHING, own, values,
    )  # fmt: skip


def impostors(seeds: tuple[int, ...], first: int, step: int) -> list[int]:
    """Return bozorth3 of plain presses of different fingers, every `step`-th row from `first`."""
    found = [minutiae_of(four_bits(pressed(seed)), scored=False) for seed in seeds]
    return [
        match(found[row], found[column])
        for row in range(first, len(seeds), step)
        for column in range(row)
    ]


def no_finger_scores(number: int) -> dict[str, int | None]:
    """Return what NFIQ 2 gives each picture of no finger, at 500 ppi as the station asks it."""
    return {
        name: nfiq2(minutiae_of(np.asarray(print_of(shown.image).grey, np.uint8)))
        for name, shown in no_fingers(number).items()
    }
