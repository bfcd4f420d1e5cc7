"""The field check: its figures against theory, its verdicts at their limits, how it wears off."""

from __future__ import annotations

import json
import math
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera import Frame
from drivers.errors import DeviceAbsent, DeviceTimeout
from drivers.fingerprint import FingerImage, Retry
from edge.clock_state import ClockState
from edge.fingers.judge import JudgedPress
from edge.portable.clock_quality import clock_quality
from edge.portable.field_check import Bench, Figures, Interrupted, field_check
from edge.portable.field_limits import load_field_limits
from edge.portable.field_state import FILE, Clocks, FieldState
from edge.portable.finding import Finding, Outcome, Verdict, outcome_of
from edge.portable.optics import edge_width_px, greys_of
from edge.portable.power import Power, look_at_power
from quality.finger.score import FingerScore
from quality.measure import CannotAssess

HOUR_MS = 3_600_000


def edge_picture(sigma_px: float, angle_deg: float = 5.0, noise: float = 1.0) -> np.ndarray:
    """A card's edge across the picture, as blurred as that."""
    height, width = 480, 720
    y, x = np.mgrid[:height, :width]
    turned = math.radians(angle_deg)
    side = (x - width / 2) * math.cos(turned) + (y - height / 2) * math.sin(turned)
    step = np.where(side > 0, 190.0, 60.0).astype(np.float32)
    blurred = cv2.GaussianBlur(step, (0, 0), sigma_px)
    blurred = blurred + np.random.default_rng(7).normal(0, noise, blurred.shape)
    grey = np.clip(blurred, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


@pytest.mark.parametrize("angle", [0, 5, 40, 90])
@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0])
def test_the_width_of_an_edge_is_what_theory_says(sigma, angle):
    """A step blurred by a Gaussian is sqrt(2 pi) sigma wide, whichever way it lies."""
    measured = edge_width_px(edge_picture(sigma, angle))

    assert measured == pytest.approx(math.sqrt(2 * math.pi) * sigma, rel=0.12)


def test_a_blurred_lens_fails_and_a_sharp_one_passes_at_the_shipped_limit():
    """The limit lies between: a lens out of focus by far more than a sharp one's blur."""
    limit = load_field_limits().edge_width.max

    assert edge_width_px(edge_picture(1.0)) < limit < edge_width_px(edge_picture(4.0))


@pytest.mark.parametrize("level", [0, 118, 255])
def test_a_picture_without_edges_has_no_sharpness(level):
    """A wall alone says nothing of the lens, and is not called sharp or blurred."""
    noise = np.random.default_rng(1).normal(0, 2, (240, 320, 3))
    plain = np.clip(level + noise, 0, 255).astype(np.uint8)
    with pytest.raises(CannotAssess):
        edge_width_px(plain)
    with pytest.raises(CannotAssess):
        edge_width_px(np.zeros((20, 20, 3), np.uint8))


def test_a_grey_card_reads_as_it_is_printed():
    """18 % reflectance is level 118 of sRGB and L* 49.5 (CIE)."""
    card = np.full((90, 90, 3), 118, np.uint8)
    card[0, 0] = 255
    greys = greys_of(card)

    assert greys.lightness == pytest.approx(49.5, abs=0.3)
    assert greys.clipped == 0.0
    assert greys.spread == 0.0


@pytest.mark.parametrize(
    ("bgr", "lightness", "clipped", "spread"),
    [
        ((0, 0, 0), 0.0, 1.0, 0.0),
        ((255, 255, 255), 100.0, 1.0, 0.0),
        ((100, 118, 136), None, 0.0, 36.0),
    ],
    ids=["black", "white", "cast"],
)
def test_black_white_and_a_cast_are_seen(bgr, lightness, clipped, spread):
    greys = greys_of(np.full((30, 30, 3), bgr, np.uint8))

    assert lightness is None or greys.lightness == pytest.approx(lightness, abs=0.01)
    assert (greys.clipped, greys.spread) == (clipped, spread)


@dataclass
class Reader:
    """The reader's side of a check; what each press comes to is told beforehand."""

    presses: list = field(default_factory=list)
    cancelled: int = 0

    def capture(self, timeout_s, progress):
        answer: Future = Future()
        come = self.presses.pop(0) if self.presses else None
        if isinstance(come, Exception):
            answer.set_exception(come)
        elif come != "never":
            answer.set_result(come)
        return answer

    def cancel(self):
        self.cancelled += 1


@dataclass
class Camera:
    """The camera's side: one frame, so many seconds old; None: none comes."""

    picture: np.ndarray | None
    age_s: float = 0.0

    def wait_frame(self, after, timeout_s):
        if self.picture is None:
            return None
        return Frame(self.picture.copy(), 1, time.monotonic() - self.age_s)


PRESS = FingerImage(bytes(16), 4, 4, 500)


def card_with_edges() -> np.ndarray:
    picture = edge_picture(1.0)
    height, width = picture.shape[:2]
    picture[height // 4 : -height // 4, width // 4 : -width // 4] = 118
    return picture


def scored(value: int | None):
    def judge(press):
        judged: Future = Future()
        score = None if value is None else FingerScore(value)
        judged.set_result(JudgedPress(press, None, (), score, None))  # type: ignore[arg-type]
        return judged

    return judge


def bench(**changes) -> Bench:
    """A station that is fit."""
    figures = Figures(
        free_share=lambda: 5.0,
        clock=lambda: ClockState("ntp", 12),
        clock_suspect=lambda: False,
        key_days=lambda: 200.0,
        visits=lambda: 3,
        power=lambda: Power(80),
    )
    told = {
        "camera": Camera(card_with_edges()),
        "reader": Reader([Retry.NO_FINGER, PRESS]),
        "reader_answers": lambda: True,
        "judge": scored(60),
        "figures": figures,
        "limits": load_field_limits(),
        "target": "grey_card",
        "accept_score": 45,
        "battery_min_percent": 20,
        "stop": lambda: False,
    }
    ours = {name: value for name, value in changes.items() if name in told}
    of_figures = {name: value for name, value in changes.items() if name not in told}
    return Bench(**{**told, "figures": replace(figures, **of_figures), **ours})


def checked(hands: bool = True, tell=lambda _: None, **changes) -> dict[str, Finding]:
    found = list(field_check(bench(**changes), hands=hands, tell=tell))
    steps = {finding.step: finding for finding in found}
    assert len(steps) == len(found) == 13
    return steps


def test_a_fit_station_passes_every_step_with_figure_unit_and_limit():
    """Nothing passes without a figure, and the finger is asked for and given back."""
    told: list[str] = []
    found = checked(tell=told.append)

    assert outcome_of(list(found.values())) is Outcome.PASSED
    assert {one.verdict for one in found.values()} == {Verdict.PASSED}
    assert all(one.value is not None and one.unit for one in found.values())
    assert told == ["press_finger", "lift_finger"]


GREY = card_with_edges()


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("camera", {"camera": Camera(None)}),
        ("camera", {"camera": Camera(GREY, age_s=1.2)}),
        ("sharpness", {"camera": Camera(edge_picture(4.0))}),
        ("exposure", {"camera": Camera(np.clip(GREY * 0.7, 0, 255).astype(np.uint8))}),
        ("clipping", {"camera": Camera(np.full_like(GREY, 255))}),
        ("colour_cast", {"camera": Camera((GREY * np.array([0.9, 1, 1])).astype(np.uint8))}),
        ("reader", {"reader_answers": lambda: False}),
        ("glass", {"reader": Reader([PRESS, PRESS])}),
        ("glass", {"reader": Reader([Retry.OLD_PRINT, PRESS])}),
        ("finger", {"judge": scored(44)}),
        ("finger", {"judge": scored(None)}),
        ("disk", {"free_share": lambda: 0.99}),
        ("clock", {"clock_suspect": lambda: True}),
        ("keys", {"key_days": lambda: 0.5}),
        ("keys", {"key_days": lambda: None}),
        ("visits", {"visits": lambda: 0}),
        ("visits", {"visits": lambda: None}),
        ("battery", {"power": lambda: Power(19)}),
    ],
    ids=[
        "no-frame", "old-frame", "blurred", "dark", "clipped", "cast", "reader-silent",
        "finger-on-empty-glass", "old-print", "weak-score", "no-score", "disk-full", "clock-behind",
        "key-ends", "key-unknown", "list-empty", "no-list", "battery-low",
    ],
)  # fmt: skip
def test_each_fault_fails_its_own_step_and_makes_the_check_due(step, changes):
    """The officer reads which part it is; nothing else is blamed for it."""
    found = checked(**changes)

    assert found[step].verdict is Verdict.FAILED
    assert outcome_of(list(found.values())) is Outcome.DUE


def test_what_lies_exactly_on_a_limit_passes():
    """Limits are inclusive: what the page promises is enough."""
    found = checked(
        judge=scored(45), free_share=lambda: 1.0, key_days=lambda: 1.0, visits=lambda: 1,
        power=lambda: Power(20),
    )  # fmt: skip

    assert outcome_of(list(found.values())) is Outcome.PASSED


@pytest.mark.parametrize(
    ("clock", "word"),
    [(ClockState("ntp", 12), "synchronised"), (ClockState("ntp", 9000), "drift"),
     (ClockState("system", None), "unknown")],
    ids=["synchronised", "drift", "unknown"],
)  # fmt: skip
def test_the_clock_is_recorded_and_stops_no_visit(clock, word):
    """Offline all day nobody knows the time to the second: that is said, and is no fault."""
    found = checked(clock=lambda: clock)

    assert found["clock"].verdict is Verdict.PASSED
    assert found["clock"].reason == word == clock_quality(clock)["quality"]
    assert clock_quality(clock)["drift_ms"] == clock.uncertainty_ms


def test_without_hands_nothing_is_asked_for_and_the_check_stays_due():
    """At the start of the service nobody holds a card: that is not assessed, and not failed."""
    told: list[str] = []
    found = checked(hands=False, tell=told.append)

    assert told == []
    waits = {step for step, one in found.items() if one.reason == "needs_hand"}
    assert waits == {"exposure", "clipping", "colour_cast", "finger"}
    assert outcome_of(list(found.values())) is Outcome.DUE


def test_a_machine_without_a_battery_and_one_on_the_mains_are_fit():
    """A mains station tells of no battery; one that charges may be below its limit."""
    none = checked(power=Power)
    charging = checked(power=lambda: Power(5, on_mains=True))

    assert none["battery"].verdict is Verdict.NOT_ASSESSED
    assert outcome_of(list(none.values())) is Outcome.PASSED
    assert charging["battery"].reason == "charging"
    assert outcome_of(list(charging.values())) is Outcome.PASSED


@pytest.mark.parametrize(
    "trouble", [DeviceAbsent("gone"), DeviceTimeout("late")], ids=["gone", "late"]
)
def test_a_reader_that_goes_away_in_the_middle_ends_no_check(trouble):
    """The rest is still told; the finger is not assessed, and so the check is due."""
    found = checked(reader=Reader([Retry.NO_FINGER, trouble]))

    assert found["finger"].verdict is Verdict.NOT_ASSESSED
    assert found["battery"].verdict is Verdict.PASSED
    assert outcome_of(list(found.values())) is Outcome.DUE


def test_who_is_served_meanwhile_is_not_kept_waiting():
    """A sitting that began ends the check at once, and the reader is free again."""
    reader, begun = Reader([Retry.NO_FINGER, "never"]), []
    bench_now = bench(reader=reader, stop=lambda: bool(begun))
    with pytest.raises(Interrupted):
        list(field_check(bench_now, hands=True, tell=begun.append))

    assert reader.cancelled == 1


# How long it holds


@dataclass
class Time:
    """Three clocks that a test sets."""

    utc: int = 1_795_305_600_000
    boot: int = 1_000_000
    start: str = "boot-1"

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.utc, lambda: self.boot, lambda: self.start)

    def go_on(self, hours: float) -> None:
        self.utc += round(hours * HOUR_MS)
        self.boot += round(hours * HOUR_MS)


def passed() -> list[Finding]:
    return list(field_check(bench(), hands=True, tell=lambda _: None))


def test_a_check_wears_off_with_the_hours_and_survives_a_restart_of_the_service(tmp_path):
    """Twelve hours and no more, whoever restarts what meanwhile."""
    now = Time()
    state = FieldState(tmp_path, 12, now.clocks)
    assert state.due_by == "never"
    assert state.note(passed()) is Outcome.PASSED
    now.go_on(12)
    assert FieldState(tmp_path, 12, now.clocks).outcome is Outcome.PASSED
    now.go_on(0.01)

    assert FieldState(tmp_path, 12, now.clocks).due_by == "hours"


def test_setting_the_clock_neither_saves_nor_ends_a_check(tmp_path):
    """Hours are those of the machine since it started; after its restart those of the calendar."""
    now = Time()
    state = FieldState(tmp_path, 12, now.clocks)
    state.note(passed())
    now.utc -= 300 * HOUR_MS
    assert state.outcome is Outcome.PASSED
    now.utc += 900 * HOUR_MS
    assert state.outcome is Outcome.PASSED
    now.start, now.boot = "boot-2", 5
    state = FieldState(tmp_path, 12, now.clocks)
    assert state.due_by == "hours"
    now.utc -= 900 * HOUR_MS
    assert state.due_by == "hours"
    now.utc += 301 * HOUR_MS
    assert state.outcome is Outcome.PASSED


def test_a_closed_lid_ends_a_check_for_good(tmp_path):
    """Whoever closes the lid carries the device on: a look is due again, also after a restart."""
    now = Time()
    state = FieldState(tmp_path, 12, now.clocks)
    state.wear_off("lid")
    assert state.due_by == "never"
    state.note(passed())
    state.wear_off("lid")

    assert FieldState(tmp_path, 12, now.clocks).due_by == "lid"
    assert FieldState(tmp_path, 12, now.clocks).told()["steps"]


def test_a_check_that_only_wants_a_hand_says_so(tmp_path):
    """Failed and unfinished are two things to an officer."""
    state = FieldState(tmp_path, 12, Time().clocks)
    state.note(list(field_check(bench(), hands=False, tell=lambda _: None)))
    assert state.due_by == "hands"
    failing = bench(power=lambda: Power(3))
    state.note(list(field_check(failing, hands=True, tell=lambda _: None)))
    assert state.due_by == "failed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"v": 2}', '{"v": 1, "outcome": "passed"}'])
def test_a_damaged_record_of_a_check_is_no_check(tmp_path, text):
    """What cannot be read vouches for nothing."""
    (tmp_path / FILE).write_text(text)

    assert FieldState(tmp_path, 12, Time().clocks).due_by == "never"


def test_the_record_of_a_check_holds_figures_and_nothing_of_a_finger(tmp_path):
    """The officer's own finger is scored and dropped."""
    state = FieldState(tmp_path, 12, Time().clocks)
    state.note(passed())
    kept = json.loads((tmp_path / FILE).read_text())

    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert {key for row in kept["steps"] for key in row} == {
        "step", "value", "unit", "min", "max", "verdict", "reason", "optional",
    }  # fmt: skip


# Battery and lid


def power_files(folder: Path, **files: str) -> Path:
    for name, words in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{words}\n")
    return folder


@pytest.mark.parametrize(
    ("files", "seen", "low"),
    [
        ({}, Power(), False),
        ({"BAT0__type": "Battery", "BAT0__capacity": "19", "BAT0__status": "Discharging"},
         Power(19), True),
        ({"BAT0__type": "Battery", "BAT0__capacity": "20", "BAT0__status": "Discharging"},
         Power(20), False),
        ({"BAT0__type": "Battery", "BAT0__capacity": "5", "BAT0__status": "Charging"},
         Power(5, on_mains=True), False),
        ({"BAT0__type": "Battery", "BAT0__capacity": "5", "BAT0__status": "Discharging",
          "AC__type": "Mains", "AC__online": "1"}, Power(5, on_mains=True), False),
        ({"BAT0__type": "Battery", "BAT0__capacity": "7", "BAT0__status": "Discharging",
          "mouse__type": "Battery", "mouse__scope": "Device", "mouse__capacity": "90"},
         Power(7), True),
        ({"BAT0__type": "Battery", "BAT0__capacity": "3", "BAT0__status": "Discharging",
          "BAT1__type": "Battery", "BAT1__capacity": "60", "BAT1__status": "Discharging"},
         Power(60), False),
        ({"BAT0__type": "Battery", "BAT0__capacity": "many"}, Power(), False),
    ],
    ids=["none", "low", "at-the-limit", "charging", "mains", "a-mouse", "two", "nonsense"],
)  # fmt: skip
def test_the_battery_is_read_as_the_system_tells_of_it(tmp_path, files, seen, low):
    """Of a pen's or a mouse's battery nobody's visit depends."""
    found = look_at_power(power_files(tmp_path / "power", **files), tmp_path / "lid")

    assert found == seen
    assert found.low(20) is low


@pytest.mark.parametrize(("word", "closed"), [("open", False), ("closed", True), ("", False)])
def test_the_lid_is_read_as_the_system_tells_of_it(tmp_path, word, closed):
    """A machine without a lid is never closed."""
    lids = power_files(tmp_path / "lid", LID0__state=f"state:      {word}")

    assert look_at_power(tmp_path / "none", lids).lid_closed is closed
    assert not look_at_power(tmp_path / "none", tmp_path / "nowhere").lid_closed
