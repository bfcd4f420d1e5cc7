"""Whatever a module of `drivers/cameras` opens keeps these promises, at the end of its own peer."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise

import cv2
import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from drivers.camera import HasControls, HoldsExposure
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from drivers.load import camera_names, open_camera
from drivers.peers import lens_bench

BENCH = "lens_bench"
"""The simulated lens of the calibration: it is no driver, and keeps the same promises."""
every_driver = pytest.mark.parametrize("name", camera_names())
every_camera = pytest.mark.parametrize("name", [*camera_names(), BENCH])
TIMEOUT_S = 5.0


class BenchPeer:
    """The hand at the bench's cable."""

    def __init__(self, folder):
        self.cable = folder / "plugged"
        lens_bench.write_hand(folder, lens_bench.Target.GREY_CARD)
        self.options = {"folder": folder, "plugged": self.cable, "jpeg": True, "rate_hz": 30,
                        "width_px": 320, "height_px": 240, "still_width_px": 640,
                        "still_height_px": 480}  # fmt: skip
        self.plug()

    def plug(self):
        self.cable.touch()

    def unplug(self):
        self.cable.unlink()

    def close(self):
        """The folder is the test's own."""


def opened(name, options):
    """Open a driver's camera, or the bench."""
    if name == BENCH:
        return lens_bench.LensBench(lens_bench.Config.model_validate(options))
    return open_camera(name, options)


@pytest.fixture
def peer(name, tmp_path):
    """The camera's other end."""
    folder = tmp_path / "peer"
    end = BenchPeer if name == BENCH else import_module(f"drivers.peers.{name}").Peer
    made = end(folder)
    yield made
    made.close()


@pytest.fixture
def camera(name, peer):
    """The open camera."""
    camera = opened(name, peer.options)
    yield camera
    camera.close()


@every_driver
def test_it_can_be_simulated(name):
    """A camera nobody can simulate is not finished."""
    assert find_spec(f"drivers.peers.{name}")


@every_driver
def test_its_settings_are_frozen_and_refuse_what_they_do_not_know(name, peer):
    """A mistyped key is an error at start, not a surprise in the field."""
    settings = import_module(f"drivers.cameras.{name}").Config
    assert issubclass(settings, BaseModel)
    assert settings.model_config.get("frozen") is True
    with pytest.raises(ValidationError, match="no_such_key"):
        opened(name, {**peer.options, "no_such_key": 1})


@every_camera
def test_frames_advance(name, camera):
    """Each frame is newer than the one before, by number and by time, and of one size."""
    frames = [camera.read(TIMEOUT_S) for _ in range(4)]

    assert all(a.sequence < b.sequence for a, b in pairwise(frames))
    assert all(a.captured_at_s < b.captured_at_s for a, b in pairwise(frames))
    assert len({frame.bgr.shape for frame in frames}) == 1
    assert abs(time.monotonic() - frames[-1].captured_at_s) < TIMEOUT_S


@every_camera
def test_two_frames_are_never_equal(name, camera):
    """A sensor is noisy: equal pictures mean a frozen camera, and the station says so."""
    first, second = camera.read(TIMEOUT_S), camera.read(TIMEOUT_S)

    assert not np.array_equal(first.bgr, second.bgr)


@every_camera
def test_a_frame_cannot_be_written_to(name, camera):
    """Whoever keeps a frame knows that nobody changes it afterwards."""
    assert not camera.read(TIMEOUT_S).bgr.flags.writeable


@every_camera
def test_a_still_says_its_scale(name, camera):
    """A preview tells how much larger the still is; a still is its own size."""
    frame, still = camera.read(TIMEOUT_S), camera.still(TIMEOUT_S)

    assert still.sequence > frame.sequence
    assert still.width_px == pytest.approx(frame.width_px * frame.still_scale)
    assert still.still_scale == 1.0


@every_camera
def test_it_names_its_model(name, camera):
    """Record and console show what took the picture."""
    assert camera.model


@every_camera
def test_no_time_means_a_timeout(name, camera):
    """A caller who cannot wait is told so, and the camera goes on working."""
    with pytest.raises(DeviceTimeout):
        [camera.read(0.0) for _ in range(50)]

    assert camera.read(TIMEOUT_S).bgr.size


@every_camera
def test_unplugged_is_absent(name, camera, peer):
    """A pulled cable is told as absent, by preview and still alike."""
    camera.read(TIMEOUT_S)
    peer.unplug()

    with pytest.raises(DeviceAbsent):
        # What a network had on the way when the cable was pulled may still come.
        [camera.read(TIMEOUT_S) for _ in range(10)]
    with pytest.raises(DeviceAbsent):
        camera.still(TIMEOUT_S)


@every_camera
def test_it_opens_again_once_it_is_back(name, peer):
    """Opening fails while the device is away and works as soon as it is back."""
    peer.unplug()
    with pytest.raises(DeviceAbsent):
        opened(name, peer.options)
    peer.plug()
    camera = opened(name, peer.options)

    assert camera.read(TIMEOUT_S).bgr.size
    camera.close()


@every_camera
def test_it_is_plugged_and_unplugged_at_will(name, peer):
    """Three times in a row, and each time it works again and leaves nothing behind."""
    for _ in range(3):
        camera = opened(name, peer.options)
        assert camera.read(TIMEOUT_S).bgr.size
        peer.unplug()
        camera.close()
        peer.plug()


@every_camera
def test_what_it_delivers_as_jpeg_is_the_picture(name, camera):
    """The bytes that a viewer is sent show what was judged, in the same size."""
    frame = camera.read(TIMEOUT_S)
    if frame.jpeg is None:
        return
    shown = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)

    assert shown.shape == (frame.height_px, frame.width_px, 3)
    assert np.array_equal(shown, frame.bgr)


@every_driver
def test_its_picture_is_not_mirrored(name, camera):
    """Every peer's picture is darker on its left half, as the lens sees it."""
    bgr = camera.read(TIMEOUT_S).bgr.astype(float)
    half = bgr.shape[1] // 2

    assert bgr[:, :half].mean() + 20 < bgr[:, half:].mean()


@every_camera
def test_its_settings_say_what_they_take_and_keep_what_was_written(name, camera):
    """Each is within its own bounds, and a value written is the value read."""
    if not isinstance(camera, HasControls):
        return
    for control in camera.controls():
        assert control.least <= control.value <= control.most
        assert control.kind in ("int", "bool", "menu")
        assert not control.choices or control.value in control.choices
        if control.held_by:
            assert any(other.name == control.held_by for other in camera.controls())
            with pytest.raises(DeviceError, match=control.held_by):
                camera.set_control(control.name, control.value)
            continue
        assert camera.set_control(control.name, control.value).value == control.value


@every_camera
def test_a_setting_that_it_does_not_have_is_refused(name, camera):
    """Nobody believes to have set what no camera has; and it goes on working."""
    if not isinstance(camera, HasControls):
        return
    with pytest.raises(DeviceError, match="no_such"):
        camera.set_control("no_such", 1)

    assert camera.read(TIMEOUT_S).bgr.size


@every_camera
def test_a_value_beyond_its_bounds_is_refused(name, camera):
    """The sentence names the bounds, and the setting stays as it was."""
    if not isinstance(camera, HasControls):
        return
    for control in camera.controls():
        if not control.held_by:
            with pytest.raises(DeviceError, match=control.name):
                camera.set_control(control.name, control.most + 1)
    after = {control.name: control.value for control in camera.controls()}

    assert after == {control.name: control.value for control in camera.controls()}


@every_camera
def test_exposure_held_is_given_back(name, camera):
    """Held twice and released twice, and the settings are what they were."""
    if not isinstance(camera, HoldsExposure):
        return
    before = camera.controls() if isinstance(camera, HasControls) else ()
    for held in (True, True, False, False):
        camera.hold_exposure(held=held)
        assert camera.read(TIMEOUT_S).bgr.size
    after = camera.controls() if isinstance(camera, HasControls) else ()

    assert [(c.name, c.value, c.held_by) for c in before] == [
        (c.name, c.value, c.held_by) for c in after
    ]


@every_camera
def test_closing_twice_is_allowed(name, camera):
    """Whoever cleans up need not know who did before."""
    camera.close()
    camera.close()
    with pytest.raises(DeviceAbsent):
        camera.read(TIMEOUT_S)
