"""F5 and F6: ten prints for the range of grey, then two fingers that must be found again.

Pictures of fingers live in memory while their step runs; a score and a count is all that is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import combinations
from typing import Final, TypeVar

import numpy as np

from drivers.fingerprint import FingerImage
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    Stopped,
    figure_of,
    held_against,
    unmeasured,
)
from edge.fingers.judge import EXAMINE_TIMEOUT_S, MATCHING_TIMEOUT_S, JudgedPress
from quality.finger.print import Print
from quality.glass.grey_range import measure_range
from quality.measure import CannotAssess

T = TypeVar("T")

PRESS_S: Final = 20.0
PRESS_SLICE_S: Final = 5.0
GRACE_S: Final = 5.0
SLICE_S: Final = 0.05
LIFT: Final = "lift_finger"
FINGERS: Final = ("right_index", "left_index")
PRESSES: Final = 3
LEVELS: Final = 150
TEN: Final = (
    "right_thumb", "right_index", "right_middle", "right_ring", "right_little",
    "left_thumb", "left_index", "left_middle", "left_ring", "left_little",
)  # fmt: skip


def press(scene: Scene, share: float, wanted: str) -> FingerImage:
    """Wait for one press and return it.

    Args:
        scene: of the step.
        share: how far the measurement has come.
        wanted: whose press, as a line's code.

    Raises:
        CannotAssess: no_finger, nobody pressed in time.
        DeviceError, Stopped.
    """
    until_s = time.monotonic() + PRESS_S
    scene.tell(share, wanted)
    while time.monotonic() < until_s:
        reader = scene.bench.reader
        timeout_s = min(PRESS_SLICE_S, max(0.1, until_s - time.monotonic()))
        asked = reader.capture(timeout_s, lambda received, expected: None)
        try:
            found = answer(scene, asked, timeout_s + GRACE_S)
        finally:
            if not asked.done():
                reader.cancel()
        if isinstance(found, FingerImage):
            _lifted(scene, share)
            return found
    raise CannotAssess("no_finger")


def answer(scene: Scene, asked: Future[T], within_s: float) -> T | None:
    """Return what a future comes to, None if it takes longer. Raises `Stopped`, and as it does."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        if scene.stop():
            raise Stopped
        try:
            return asked.result(SLICE_S)
        except TimeoutError:
            if asked.done():
                raise
    return None


def _lifted(scene: Scene, share: float) -> None:
    scene.tell(share, LIFT)
    until_s = time.monotonic() + scene.bench.lift_s
    while time.monotonic() < until_s:
        if scene.stop():
            raise Stopped
        time.sleep(SLICE_S)


# F5


def _measure_grey_range(scene: Scene) -> Measured:
    prints = [
        press(scene, number / len(TEN), f"press_{finger}") for number, finger in enumerate(TEN)
    ]
    found = measure_range(prints)
    limit = scene.limits.limit("grey_range", "share_150")
    figure = Figure(
        found.shares[LEVELS], found.shares_sd[LEVELS], len(prints),
        details={"levels": list(found.levels),
                 "shares": {str(n): share for n, share in found.shares.items()}},
    )  # fmt: skip
    return Measured((held_against("grey_range", "share_150", limit, figure),))


# F6


def _measure_live(scene: Scene) -> Measured:
    judge = scene.bench.judge
    judge.begin()
    try:
        judged = [_of_a_finger(scene, number) for number in range(len(FINGERS))]
    finally:
        judge.forget()
    limits = scene.limits.steps["live"]
    scores = [_scores(presses) for presses in judged]
    worst = min(scores, key=lambda one: float(np.median(one)))
    algorithms = sorted({p.score.algorithm for one in judged for p in one if p.score})
    quality = figure_of(worst, details={"algorithm": ", ".join(algorithms), "scores": scores})
    results = [held_against("live", "quality", limits["quality"], quality)]
    matches = [match for one in judged for press_ in one for match in press_.matches.values()]
    wanted = len(FINGERS) * len(list(combinations(range(PRESSES), 2)))
    if len(matches) < wanted:
        why = "no_matcher" if not judge.matching else "not_matched"
        results.append(unmeasured("live", "match", limits["match"], why))
    else:
        lowest = Figure(float(min(matches)), None, len(matches), details={"matches": matches})
        results.append(held_against("live", "match", limits["match"], lowest))
    return Measured(tuple(results))


def _of_a_finger(scene: Scene, number: int) -> list[JudgedPress]:
    presses: list[JudgedPress] = []
    earlier: list[Print] = []
    for count in range(PRESSES):
        share = (number * PRESSES + count) / (len(FINGERS) * PRESSES)
        image = press(scene, share, f"press_{FINGERS[number]}")
        against = {str(n): one.image for n, one in enumerate(presses)}
        asked = scene.bench.judge.judge(image, earlier, against)
        found = answer(scene, asked, EXAMINE_TIMEOUT_S + MATCHING_TIMEOUT_S + GRACE_S)
        if found is None:
            raise CannotAssess("not_scored")
        presses.append(found)
    return presses


def _scores(presses: Sequence[JudgedPress]) -> list[float]:
    # A press that a gate refused is worth nothing, and is not left out.
    return [0.0 if one.score is None else float(one.score.value) for one in presses]


GREY_RANGE: Final = Step("grey_range", "reader", "ten_fingers", _measure_grey_range)
LIVE: Final = Step("live", "reader", "two_fingers", _measure_live, quick=True)
