"""How long after it happened something is seen, by a time code on the station's own screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quality.measure import CannotAssess
from quality.optics.light import Picture
from quality.optics.refusal import Refusal, refused
from quality.optics.time_code import PERIOD_MS, read_time_code

FRAMES_MIN: Final = 5
LATEST_MS: Final = 10_000
SCREEN_MS: Final = 1000 / 60


@dataclass(frozen=True, slots=True)
class Latency:
    """From shown to seen.

    Attributes:
        median_ms, p95_ms: over the frames.
        uncertainty_ms: standard, of the median: scatter, and one picture of the screen as a
            rectangle, since nobody knows when within it the screen lit up.
        frames: how many were read.
        unread: how many showed two codes over each other, or none.
    """

    median_ms: float
    p95_ms: float
    uncertainty_ms: float
    frames: int
    unread: int


def measure_latency(
    frames: Sequence[Picture], seen_ms: Sequence[float], screen_ms: float = SCREEN_MS
) -> Latency:
    """Return the time from the screen to the station.

    Args:
        frames: 5 or more of the screen with the time code.
        seen_ms: when the station had each, on the clock that the code shows.
        screen_ms: how long one picture stays on the screen.

    Raises:
        CannotAssess: too_few_frames, frozen; wrong_chart where it is another clock's code; what
            the first unread frame lacks, where fewer than 5 can be read.
    """
    if len(frames) < FRAMES_MIN or len(frames) != len(seen_ms):
        raise refused(Refusal.TOO_FEW_FRAMES)
    found, first = [], None
    if all(np.array_equal(frames[0], one) for one in frames[1:]):
        raise refused(Refusal.FROZEN)
    for frame, at_ms in zip(frames, seen_ms, strict=True):
        try:
            late_ms = (at_ms - read_time_code(frame)) % PERIOD_MS
        except CannotAssess as failure:
            first = first or failure
            continue
        # A little before zero is a rounded clock; more is another clock than the code's.
        found.append(late_ms - PERIOD_MS if late_ms > PERIOD_MS - screen_ms else late_ms)
    if len(found) < FRAMES_MIN:
        raise first or refused(Refusal.TOO_FEW_FRAMES)
    times = np.array(found)
    if float(np.median(times)) > LATEST_MS:
        raise refused(Refusal.WRONG_CHART)
    scatter = 1.253 * float(times.std(ddof=1)) / np.sqrt(len(times))
    return Latency(
        float(np.median(times)), float(np.percentile(times, 95)),
        float(np.hypot(scatter, screen_ms / np.sqrt(12))), len(times), len(frames) - len(times),
    )  # fmt: skip
