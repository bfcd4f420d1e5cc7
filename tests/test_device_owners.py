"""The owners of devices and the sitting's loop: whatever a driver does, nobody waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from drivers.camera import Frame
from drivers.errors import DeviceAbsent, DeviceError, DeviceHeld, DeviceTimeout, PortHeld
from drivers.fingerprint import FingerImage, Progress, ReaderFacts, Retry
from edge.camera_owner import CameraOwner
from edge.reader_owner import ReaderOwner
from edge.supervisor import (
    DeviceState,
    DeviceStatus,
    DeviceWarning,
    Upkeep,
)

LONG_S = 30.0


class WiredCamera:
    """The other end of the Camera protocol: does what the test tells it, call by call."""

    model = "wired"

    def __init__(self, shot: Callable[[], object]) -> None:
        self.shot = shot
        self.closed = 0
        self.sequence = 0

    def read(self, timeout_s: float) -> Frame:
        time.sleep(0.01)
        done = self.shot()
        if isinstance(done, Exception):
            raise done
        self.sequence += 1
        noise = np.random.default_rng(self.sequence).integers(0, 255, (90, 160, 3), np.uint8)
        return Frame(noise, self.sequence, time.monotonic())

    def still(self, timeout_s: float) -> Frame:
        return self.read(timeout_s)

    def close(self) -> None:
        self.closed += 1


class WiredReader:
    """The other end of the FingerprintReader protocol."""

    model = "wired"
    warning = ""
    enrolment_grade = True
    resolution_ppi = 500
    facts = ReaderFacts("/dev/ttyUSB0", 115200, 256, 256, 288, "Wired Co. 1.0")

    def __init__(self, press: Callable[[], FingerImage | Retry | None]) -> None:
        self.press = press
        self.cancelled = False
        self.closed = 0

    def capture(self, timeout_s: float, progress: Progress) -> FingerImage | Retry | None:
        until_s = time.monotonic() + timeout_s
        while not self.cancelled and time.monotonic() < until_s:
            done = self.press()
            if done is not None:
                return done
            time.sleep(0.01)
        self.cancelled = False
        return None

    def cancel(self) -> None:
        self.cancelled = True

    def trace(self) -> tuple[str, ...]:
        return ("0 ms > 00  wired",)

    def check(self) -> None:
        self.press()

    def close(self) -> None:
        self.closed += 1


@contextmanager
def camera_owner(camera: WiredCamera) -> Iterator[CameraOwner]:
    owner = CameraOwner(Upkeep("camera-1", "camera", "wired"), lambda: camera)
    owner.start()
    try:
        yield owner
    finally:
        owner.close()


@contextmanager
def reader_owner(
    reader: WiredReader, opening: Callable[[], WiredReader] | None = None
) -> Iterator[ReaderOwner]:
    owner = ReaderOwner(Upkeep("reader-1", "fingerprint", "wired"), opening or (lambda: reader))
    owner.start()
    try:
        yield owner
    finally:
        owner.close()


def until(wanted: Callable[[], bool]) -> None:
    until_s = time.monotonic() + LONG_S
    while not wanted():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def status_in(owner, state: DeviceState) -> DeviceStatus:
    """Return the status that was seen in this state, which lasts until the next try only."""
    until_s = time.monotonic() + LONG_S
    while (status := owner.status).state is not state:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    return status


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (DeviceAbsent("pulled"), DeviceState.ABSENT, "not_connected"),
        (PortHeld("getty"), DeviceState.DEGRADED, "port_held"),
        (DeviceHeld("gvfs"), DeviceState.DEGRADED, "device_held"),
        (DeviceTimeout("silent"), DeviceState.DEGRADED, "no_answer"),
        (DeviceError("broken"), DeviceState.DEGRADED, "device_fault"),
        (ZeroDivisionError("a bug"), DeviceState.DEGRADED, "driver_fault"),
        (ValueError("a bug"), DeviceState.DEGRADED, "driver_fault"),
    ],
)
def test_a_camera_that_fails_is_named_closed_and_tried_again(error, state, reason):
    """Also a driver's own bug: the state says why, no frame is shown, and the next try serves."""
    failing = [False]
    camera = WiredCamera(lambda: error if failing[0] else None)
    with camera_owner(camera) as owner:
        until(lambda: owner.status.state is DeviceState.READY and owner.latest() is not None)
        failing[0] = True
        status = status_in(owner, state)
        failing[0] = False
        owner.clear()

        assert status.reason == reason
        assert status.next_try_at_ms is not None
        assert camera.closed >= 1
        until(lambda: owner.status.working and owner.latest() is not None)


def test_a_still_of_a_camera_that_dies_fails_at_once():
    """Who waits for a still is told; nobody hangs on a dead device."""
    failing = [False]
    camera = WiredCamera(lambda: KeyError("bug") if failing[0] else None)
    with camera_owner(camera) as owner:
        until(lambda: owner.status.working)
        failing[0] = True
        with pytest.raises(DeviceError):
            owner.still(LONG_S)


def test_the_time_out_of_service_starts_when_the_device_left_and_ends_with_its_return():
    """Trying again does not make a device look freshly lost."""
    upkeep = Upkeep("camera-1", "camera", "wired")
    upkeep.ready("wired")
    assert upkeep.out_for_s == 0.0
    upkeep.lost(DeviceAbsent("gone"))
    time.sleep(0.05)
    upkeep.opening()
    upkeep.lost(DeviceAbsent("gone"))

    assert upkeep.out_for_s >= 0.05
    upkeep.ready("wired")
    assert upkeep.out_for_s == 0.0


def test_a_press_on_a_reader_that_dies_is_answered_with_its_failure():
    """The sitting is told, the owner opens the reader again, the next press is taken."""
    failing = [False]

    def press() -> Retry | None:
        if failing[0]:
            raise IndexError("a bug")
        return Retry.NO_FINGER

    reader = WiredReader(press)
    with reader_owner(reader) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        failing[0] = True
        with pytest.raises(DeviceError):
            owner.capture(LONG_S, lambda *_: None).result(LONG_S)
        failing[0] = False
        owner.clear()
        until(lambda: owner.status.state is DeviceState.READY)

        assert owner.capture(LONG_S, lambda *_: None).result(LONG_S) is Retry.NO_FINGER


def test_one_press_at_a_time_and_a_cancelled_one_makes_room():
    """A second request is refused while one runs; after a cancel the next is taken."""
    reader = WiredReader(lambda: None)
    with reader_owner(reader) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        first = owner.capture(LONG_S, lambda *_: None)
        with pytest.raises(DeviceError):
            owner.capture(LONG_S, lambda *_: None)
        owner.cancel()

        assert first.result(LONG_S) is None
        until(lambda: owner.status.state is DeviceState.READY)
        owner.capture(0.01, lambda *_: None).result(LONG_S)


def test_closing_ends_a_running_press():
    """A station that stops waits for nobody's finger."""
    reader = WiredReader(lambda: None)
    with reader_owner(reader) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        press = owner.capture(LONG_S, lambda *_: None)
        until(lambda: owner.status.state is DeviceState.BUSY)

    assert press.result(LONG_S) is None
    assert reader.closed == 1


def test_an_open_reader_says_its_line_and_its_warnings_and_a_lost_one_only_its_models():
    """What was true of the line ends with the line; what is true of the model does not."""
    failing = [False]

    def press() -> None:
        if failing[0]:
            raise DeviceAbsent("/dev/ttyUSB0 hung up")

    reader = WiredReader(press)
    reader.enrolment_grade = False
    reader.warning = "Not for enrolment: too small."
    reader.facts = replace(reader.facts, finger_at_opening=True)
    with reader_owner(reader) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        status = owner.status
        assert status.facts == reader.facts
        assert status.warnings == (
            DeviceWarning.NOT_FOR_ENROLMENT,
            DeviceWarning.FINGER_AT_OPENING,
        )
        assert status.detail == "Not for enrolment: too small."
        failing[0] = True
        owner.capture(LONG_S, lambda *_: None).exception(LONG_S)
        lost = status_in(owner, DeviceState.ABSENT)

        assert lost.facts is None
        assert lost.warnings == (DeviceWarning.NOT_FOR_ENROLMENT,)
        assert lost.detail == "/dev/ttyUSB0 hung up"
        failing[0] = False


def test_the_log_is_told_once_what_a_reader_is_and_once_why_it_is_away():
    """A cable that is out all night is two lines in the morning, not forty thousand."""
    tries = [0]
    reader = WiredReader(lambda: None)
    reader.facts = replace(reader.facts, product="Wired & Söhne 1.0", finger_at_opening=True)

    def opening() -> WiredReader:
        tries[0] += 1
        if tries[0] <= 4:
            raise PortHeld("getty") if tries[0] == 4 else DeviceAbsent("gone")
        return reader

    with capture_logs() as said, reader_owner(reader, opening) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        owner.capture(0.01, lambda *_: None).result(LONG_S)

    told = [(line["event"], line.get("reason") or line.get("code")) for line in said]
    assert told == [
        ("device_lost", "not_connected"),
        ("device_lost", "port_held"),
        ("reader_open", None),
        ("reader_warning", "finger_at_opening"),
        ("device_back", None),
    ]
    opened = said[2]
    assert (opened["port"], opened["baud"], opened["packet_bytes"]) == ("/dev/ttyUSB0", 115200, 256)
    assert (opened["model"], opened["product"]) == ("wired", "Wired_S_hne_1.0")


def test_a_line_that_was_slowed_down_is_told_anew():
    """A driver that leaves a bad speed says so with its next press."""
    reader = WiredReader(lambda: Retry.NO_FINGER)
    with reader_owner(reader) as owner:
        until(lambda: owner.status.state is DeviceState.READY)
        reader.facts = replace(reader.facts, baud=57600)
        owner.capture(LONG_S, lambda *_: None).result(LONG_S)

        assert owner.status.facts is not None
        assert owner.status.facts.baud == 57600


def test_the_last_words_outlive_the_reader_that_said_them():
    """What was said before a reader went away is what support asks for."""
    failing = [False]

    def press() -> None:
        if failing[0]:
            raise DeviceAbsent("gone")

    reader = WiredReader(press)
    opened = [False]

    def opening() -> WiredReader:
        if not opened[0]:
            opened[0] = True
            return reader
        raise DeviceAbsent("gone")

    with reader_owner(reader, opening) as owner:
        assert owner.trace() in {(), ("0 ms > 00  wired",)}
        until(lambda: owner.status.state is DeviceState.READY)
        failing[0] = True
        owner.capture(LONG_S, lambda *_: None).exception(LONG_S)
        status_in(owner, DeviceState.ABSENT)

        assert owner.trace() == ("0 ms > 00  wired",)


def test_what_was_said_while_a_reader_failed_to_open_is_kept():
    """A reader that never opens is just the one that support asks about."""

    def opening() -> WiredReader:
        failure = DeviceError("the module has a password")
        failure.add_note("-3 ms > ef 01  VFY_PWD")
        failure.add_note("0 ms < ef 01  WRONG_PASSWORD")
        raise failure

    with reader_owner(WiredReader(lambda: None), opening) as owner:
        until(lambda: owner.status.state is DeviceState.DEGRADED)

        assert owner.trace() == ("-3 ms > ef 01  VFY_PWD", "0 ms < ef 01  WRONG_PASSWORD")
