"""Whatever a module of `drivers/cameras` opens keeps these promises, at the end of its own peer."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from drivers.errors import DeviceAbsent, DeviceTimeout
from drivers.load import camera_names, open_camera

every_camera = pytest.mark.parametrize("name", camera_names())
TIMEOUT_S = 5.0


@pytest.fixture
def peer(name, tmp_path):
    """The camera's other end."""
    made = import_module(f"drivers.peers.{name}").Peer(tmp_path / "peer")
    yield made
    made.close()


@pytest.fixture
def camera(name, peer):
    """The open camera."""
    opened = open_camera(name, peer.options)
    yield opened
    opened.close()


@every_camera
def test_it_can_be_simulated(name):
    """A camera nobody can simulate is not finished."""
    assert find_spec(f"drivers.peers.{name}")


@every_camera
def test_its_settings_are_frozen_and_refuse_what_they_do_not_know(name, peer):
    """A mistyped key is an error at start, not a surprise in the field."""
    settings = import_module(f"drivers.cameras.{name}").Config
    assert issubclass(settings, BaseModel)
    assert settings.model_config.get("frozen") is True
    with pytest.raises(ValidationError, match="no_such_key"):
        open_camera(name, {**peer.options, "no_such_key": 1})


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
        camera.read(TIMEOUT_S)
    with pytest.raises(DeviceAbsent):
        camera.still(TIMEOUT_S)


@every_camera
def test_it_opens_again_once_it_is_back(name, peer):
    """Opening fails while the device is away and works as soon as it is back."""
    peer.unplug()
    with pytest.raises(DeviceAbsent):
        open_camera(name, peer.options)
    peer.plug()
    camera = open_camera(name, peer.options)

    assert camera.read(TIMEOUT_S).bgr.size
    camera.close()


@every_camera
def test_closing_twice_is_allowed(name, camera):
    """Whoever cleans up need not know who did before."""
    camera.close()
    camera.close()
    with pytest.raises(DeviceAbsent):
        camera.read(TIMEOUT_S)
