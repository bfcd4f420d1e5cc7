"""The one-minute field check: is everything fit for a visit after the road? Each step a figure.

What is checked is lent: a camera's frames, a reader's presses, and figures of the rest. The test
finger is the officer's; its picture is scored and dropped, and nothing of it is kept or compared.
It is a check by our own limits, and never called a certification.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from drivers.camera import Frame
from drivers.errors import DeviceError
from drivers.fingerprint import FingerImage, Retry
from edge.clock_state import ClockState
from edge.fingers.judge import JudgedPress
from edge.portable.clock_quality import clock_quality
from edge.portable.field_limits import FieldLimits, Limit
from edge.portable.finding import Finding, Verdict, held_against, unmeasured
from edge.portable.optics import edge_width_px, greys_of
from edge.portable.power import Power
from edge.portable.section import Target
from quality.measure import CannotAssess

_T = TypeVar("_T")

FRAME_WAIT_S: Final = 5.0
GLASS_S: Final = 1.5
FINGER_S: Final = 20.0
LIFT_S: Final = 10.0
SLICE_S: Final = 0.1
GRACE_S: Final = 5.0
"""Beyond the driver's own time-out, before a press is given up."""
_NOTHING: Final = (None, Retry.NO_FINGER)


class Eye(Protocol):
    """What gives frames: `edge.camera_owner`."""

    def wait_frame(self, after: int, timeout_s: float) -> Frame | None:
        """Return a fresh frame, None if none came in time."""


class Glass(Protocol):
    """What takes presses: `edge.reader_owner`."""

    def capture(
        self, timeout_s: float, progress: Callable[[int, int], None]
    ) -> Future[FingerImage | Retry | None]:
        """Ask for one press."""

    def cancel(self) -> None:
        """Make a running press end soon."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rest of the station says of itself, asked at the moment of its step.

    Attributes:
        free_share: free room of the disk, in shares of what the store asks for.
        clock: how well the time is known.
        clock_suspect: it is behind a moment that the centre has signed.
        key_days: days until the last sealing key ends; None if nobody can say.
        visits: orders of lists that wait; None where no list is loaded.
        power: battery and lid.
    """

    free_share: Callable[[], float]
    clock: Callable[[], ClockState]
    clock_suspect: Callable[[], bool]
    key_days: Callable[[], float | None]
    visits: Callable[[], int | None]
    power: Callable[[], Power]


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that is checked, and by what.

    Attributes:
        judge: scores one press.
        target: what is held before the camera.
        accept_score: of the test finger.
        battery_min_percent: below it nothing begins.
        stop: asked again and again; True ends the check: somebody is served.
    """

    camera: Eye
    reader: Glass
    reader_answers: Callable[[], bool]
    judge: Callable[[FingerImage], Future[JudgedPress]]
    figures: Figures
    limits: FieldLimits
    target: Target
    accept_score: int
    battery_min_percent: int
    stop: Callable[[], bool]


class Interrupted(Exception):
    """Somebody is served now, or the station closes. Check again later."""


def field_check(bench: Bench, *, hands: bool, tell: Callable[[str], None]) -> Iterator[Finding]:
    """Yield the finding of each step.

    Args:
        bench: what is checked.
        hands: somebody is there who holds the card and gives a finger; else what needs them is not
            assessed.
        tell: is told what is wanted now: "press_finger", "lift_finger".

    Raises:
        Interrupted: somebody is served now.
    """
    yield from _optics(bench, hands=hands)
    yield from _reader(bench, hands=hands, tell=tell)
    yield from _rest(bench)


def _optics(bench: Bench, *, hands: bool) -> Iterator[Finding]:
    limits = bench.limits
    card = bench.target == "grey_card"
    lightness = limits.grey_card if card else limits.wall
    spread = limits.spread if card else limits.spread_wall
    wanted = (
        ("sharpness", limits.edge_width), ("exposure", lightness), ("clipping", limits.clipped),
        ("colour_cast", spread),
    )  # fmt: skip
    # One that comes now: what lies there may have been taken before the card was held up.
    seen = bench.camera.wait_frame(-1, FRAME_WAIT_S)
    frame = None if seen is None else bench.camera.wait_frame(seen.sequence, FRAME_WAIT_S)
    if frame is None:
        yield unmeasured("camera", limits.frame_age, "no_frame", Verdict.FAILED)
        for step, limit in wanted:
            yield unmeasured(step, limit, "no_frame", Verdict.NOT_ASSESSED)
        return
    yield held_against("camera", time.monotonic() - frame.captured_at_s, limits.frame_age)
    try:
        yield held_against("sharpness", edge_width_px(frame.bgr), limits.edge_width)
    except CannotAssess:
        yield unmeasured("sharpness", limits.edge_width, "no_edge", Verdict.NOT_ASSESSED)
    if not hands:
        for step, limit in wanted[1:]:
            yield unmeasured(step, limit, "needs_hand", Verdict.NOT_ASSESSED)
        return
    greys = greys_of(frame.bgr)
    for (step, limit), value in zip(
        wanted[1:], (greys.lightness, greys.clipped, greys.spread), strict=True
    ):
        yield held_against(step, value, limit)


def _reader(bench: Bench, *, hands: bool, tell: Callable[[str], None]) -> Iterator[Finding]:
    limits, score = bench.limits, bench.limits.finger.model_copy(update={"min": bench.accept_score})
    answers = bench.reader_answers()
    yield held_against("reader", float(answers), limits.reader)
    steps: list[tuple[str, Limit, Callable[[], Finding]]] = [
        ("glass", limits.glass, lambda: _blank_glass(bench))
    ]
    if hands:
        steps.append(("finger", score, lambda: _test_finger(bench, score, tell)))
    for step, limit, look in steps:
        try:
            yield look() if answers else unmeasured(step, limit, "no_reader", Verdict.NOT_ASSESSED)
        except DeviceError:
            yield unmeasured(step, limit, "no_reader", Verdict.NOT_ASSESSED)
    if not hands:
        yield unmeasured("finger", score, "needs_hand", Verdict.NOT_ASSESSED)


def _blank_glass(bench: Bench) -> Finding:
    seen = _press(bench, GLASS_S)
    # Whatever is seen where nothing lies: residue, an old print, a sensor that sees ghosts.
    fingers = 0.0 if seen in _NOTHING else 1.0
    return held_against("glass", fingers, bench.limits.glass)


def _test_finger(bench: Bench, limit: Limit, tell: Callable[[str], None]) -> Finding:
    tell("press_finger")
    until_s = time.monotonic() + FINGER_S
    press: FingerImage | Retry | None = None
    while not isinstance(press, FingerImage) and time.monotonic() < until_s:
        press = _press(bench, until_s - time.monotonic())
    tell("lift_finger")
    if not isinstance(press, FingerImage):
        return unmeasured("finger", limit, "no_finger", Verdict.FAILED)
    judged = _answer(bench, bench.judge(press), LIFT_S)
    if judged is None or judged.score is None:
        return unmeasured("finger", limit, "not_scored", Verdict.FAILED)
    return held_against("finger", float(judged.score.value), limit)


def _press(bench: Bench, timeout_s: float) -> FingerImage | Retry | None:
    """Return what one press came to; None if nothing came at all. Raises `DeviceError`."""
    asked = bench.reader.capture(timeout_s, lambda received, expected: None)
    try:
        return _answer(bench, asked, timeout_s + GRACE_S)
    finally:
        if not asked.done():
            bench.reader.cancel()


def _answer(bench: Bench, asked: Future[_T], within_s: float) -> _T | None:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        if bench.stop():
            raise Interrupted
        if wait([asked], SLICE_S).done:
            return asked.result()
    return None


def _rest(bench: Bench) -> Iterator[Finding]:
    limits, figures = bench.limits, bench.figures
    yield held_against("disk", figures.free_share(), limits.disk)
    yield _clock(figures.clock(), suspect=figures.clock_suspect())
    days = figures.key_days()
    if days is None:
        yield unmeasured("keys", limits.keys, "clock_suspect", Verdict.FAILED)
    else:
        yield held_against("keys", days, limits.keys)
    waiting = figures.visits()
    if waiting is None:
        yield unmeasured("visits", limits.visits, "no_list", Verdict.FAILED)
    else:
        yield held_against("visits", float(waiting), limits.visits)
    yield _battery(figures.power(), bench)


def _clock(clock: ClockState, *, suspect: bool) -> Finding:
    """Return how well the time is known: that is recorded, and of itself stops nobody."""
    verdict = Verdict.FAILED if suspect else Verdict.PASSED
    value = None if clock.uncertainty_ms is None else float(clock.uncertainty_ms)
    reason = "clock_suspect" if suspect else str(clock_quality(clock)["quality"])
    return Finding("clock", value, "ms", None, None, verdict, reason)


def _battery(power: Power, bench: Bench) -> Finding:
    least = bench.limits.battery.model_copy(update={"min": float(bench.battery_min_percent)})
    if power.percent is None:
        # A tablet that tells of no battery hangs on the mains, as far as anybody can know.
        found = unmeasured("battery", least, "not_told", Verdict.NOT_ASSESSED)
        return replace(found, optional=True)
    if power.on_mains:
        found = held_against("battery", float(power.percent), bench.limits.battery)
        return replace(found, reason="charging")
    return held_against("battery", float(power.percent), least)
