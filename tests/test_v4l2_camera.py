"""What a Video4Linux camera may do to the station, and what the station makes of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from drivers.camera import JpegPicture
from drivers.cameras.v4l2 import camera as camera_module
from drivers.cameras.v4l2 import controls, kernel
from drivers.cameras.v4l2.modes import Mode, modes
from drivers.cameras.v4l2.node import Node
from drivers.errors import DeviceAbsent, DeviceError, DeviceHeld, DeviceTimeout
from drivers.jpeg_frame import STANDARD_TABLES, read_head
from drivers.load import open_camera
from drivers.peers.v4l2 import Peer, drawn
from drivers.peers.v4l2_listing import LISTINGS, listing

TIMEOUT_S = 5.0
EXPOSURE_AUTO, EXPOSURE, POWER_LINE, GAIN = 0x009A0901, 0x009A0902, 0x00980918, 0x00980913
WHITE_AUTO, WHITE = 0x0098090C, 0x0098091A


@pytest.fixture
def peer(tmp_path):
    made = Peer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def opened(peer):
    cameras = []

    def opening(**options):
        cameras.append(open_camera("v4l2", {**peer.options, **options}))
        return cameras[-1]

    yield opening
    for camera in cameras:
        camera.close()
    assert not peer.node.opened


def shows_nothing(camera, why):
    """Read until a time-out tells why, however busy the machine is; then nothing is shown."""
    until_s = time.monotonic() + 30
    told = ""
    while why not in told and time.monotonic() < until_s:
        try:
            camera.read(0.12)
        except DeviceTimeout as silent:
            told = str(silent)
    assert why in told
    with pytest.raises(DeviceTimeout):
        camera.read(0.04)


def values(camera):
    return {control.name: control.value for control in camera.controls()}


def test_a_jpeg_is_passed_through_and_decoded_only_when_its_pixels_are_asked_for(opened, peer):
    """The bytes are the camera's own, and nothing was coded anew."""
    frame = opened().read(TIMEOUT_S)
    sent = {drawn("MJPG", (320, 240), seed) for seed in range(6)}

    assert frame.jpeg in sent
    assert isinstance(frame.pixels, JpegPicture)
    assert frame.pixels._pixels is None
    assert frame.bgr is frame.bgr


def test_a_jpeg_without_its_tables_is_completed_for_the_viewers(opened, peer):
    """As AVI allows; the scan stays as it came, and the picture is the same."""
    peer.node.spoils = without_tables
    frame = opened().read(TIMEOUT_S)
    whole = [drawn("MJPG", (320, 240), seed) for seed in range(6)]
    pictures = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in whole]

    assert STANDARD_TABLES in frame.jpeg
    assert any(np.array_equal(frame.bgr, picture) for picture in pictures)


def without_tables(jpeg):
    kept, at = jpeg[:2], 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        kept += b"" if jpeg[at + 1] == 0xC4 else jpeg[at : at + length]
        at += length
    return kept + jpeg[at:]


def test_yuyv_is_decoded(opened):
    """Without a JPEG, and with the colours of the same scene."""
    frame = opened(pixel_format="YUYV").read(TIMEOUT_S)

    assert frame.jpeg is None
    assert frame.bgr[:, :100].mean() == pytest.approx(95.5, abs=3)
    assert frame.bgr[:, -100:].mean() == pytest.approx(175.5, abs=3)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999], ids=["nothing", "head", "half", "end"])
def test_a_torn_jpeg_is_dropped_and_counted(opened, peer, share):
    """Wherever it is cut; the caller is told why nothing comes."""
    camera = opened()
    peer.node.spoils = lambda jpeg: jpeg[: int(len(jpeg) * share)]
    shows_nothing(camera, "torn")

    assert camera.dropped()["torn"] > 0


def test_a_jpeg_that_goes_on_as_the_next_is_dropped(opened, peer):
    """Two halves of two frames have both a beginning and an end, and are no picture."""
    camera = opened()
    peer.node.spoils = lambda jpeg: jpeg[: len(jpeg) // 2] + jpeg
    shows_nothing(camera, "torn")


def test_whole_frames_are_shown_again_after_torn_ones(opened, peer):
    """A bad second is no reason to open the camera anew."""
    camera = opened()
    peer.node.damaged = True
    shows_nothing(camera, "torn")
    peer.node.damaged = False

    assert camera.read(TIMEOUT_S).bgr.size


def test_padding_after_the_end_is_cut_off(opened, peer):
    """Cameras fill their last packet with zeros."""
    peer.node.spoils = lambda jpeg: jpeg + bytes(700)

    assert opened().read(TIMEOUT_S).jpeg.endswith(b"\xff\xd9")


def test_a_short_yuyv_frame_is_torn(opened, peer):
    """A row less is no picture."""
    camera = opened(pixel_format="YUYV")
    peer.node.spoils = lambda rows: rows[:-640]
    shows_nothing(camera, "torn")


def test_a_jpeg_of_another_size_is_dropped_and_counted(opened, peer):
    """What was agreed on is what is shown."""
    camera = opened()
    peer.node.spoils = lambda jpeg: drawn("MJPG", (640, 480), 1)
    shows_nothing(camera, "wrong size")

    assert camera.dropped()["wrong_size"] > 0


def test_a_frame_bears_the_kernels_moment(opened):
    """On the clock that the whole station counts by, and never ahead of it."""
    camera = opened()
    before_s = time.monotonic()
    frame = camera.read(TIMEOUT_S)

    assert before_s - 1 < frame.captured_at_s <= time.monotonic()


def test_another_clock_than_the_stations_is_not_believed(opened, peer):
    """Then the moment is that of its arrival."""
    peer.node.clock = False
    camera = opened()
    before_s = time.monotonic()

    assert before_s <= camera.read(TIMEOUT_S).captured_at_s <= time.monotonic()


@pytest.mark.parametrize("clock", [True, False], ids=["monotonic", "another"])
def test_what_lay_in_a_buffer_while_nobody_asked_is_never_shown(opened, peer, clock, monkeypatch):
    """The kernel keeps the oldest frames and loses the new ones; the station wants the new ones."""
    monkeypatch.setattr(camera_module, "LATE_AFTER_S", 0.2)
    peer.node.clock = clock
    camera = opened()
    camera.read(TIMEOUT_S)
    paused_at_s = time.monotonic()
    time.sleep(0.4)
    asked_at_s = time.monotonic()
    frame = camera.read(TIMEOUT_S)

    assert peer.node.lost_frames > 0
    assert camera.dropped()["late"] > 0
    assert frame.captured_at_s > paused_at_s + 0.19
    assert asked_at_s - frame.captured_at_s < 0.21


def test_a_silent_camera_is_a_timeout(opened, peer):
    """It is there and does not deliver: that is not absent."""
    camera = opened()
    peer.node.stalled = True
    with pytest.raises(DeviceTimeout):
        [camera.read(0.1) for _ in range(9)]


def test_a_cable_pulled_while_it_waits_is_told_at_once(opened, peer):
    """Not only after the whole time-out."""
    camera = opened()
    peer.node.stalled = True
    peer.node.wait = lambda node, timeout_s: peer.unplug() or True

    with pytest.raises(DeviceAbsent, match="not connected"):
        camera.read(60.0)


def test_the_still_is_taken_in_its_own_size_and_the_preview_goes_on(opened, peer):
    """The stream is changed over and back; the frames before its exposure settled are dropped."""
    camera = opened(still_width_px=1280, still_height_px=720, settle_frames=2)
    still = camera.still(TIMEOUT_S)
    after = camera.read(TIMEOUT_S)

    assert (still.width_px, still.height_px, still.still_scale) == (1280, 720, 1.0)
    assert (after.width_px, after.still_scale) == (320, 4.0)
    assert after.sequence > still.sequence


def test_a_still_that_fails_leaves_a_preview(opened, peer):
    """A camera that is silent in its large size is not silent for ever."""
    camera = opened()
    peer.node.stalled = True
    with pytest.raises(DeviceTimeout):
        camera.still(0.2)
    peer.node.stalled = False

    assert camera.read(TIMEOUT_S).width_px == 320


def test_what_it_offers_is_enumerated(peer, tmp_path):
    """Formats, sizes and rates as it names them, those that nobody here decodes too."""
    node = Node(peer.node._path, peer.node)
    offered = modes(node)
    node.close()

    assert Mode("MJPG", 1280, 720, (30.0, 25.0)) in offered
    assert Mode("YUYV", 1280, 720, (10.0,)) in offered
    assert len(offered) == 7


def test_a_size_that_it_does_not_have_is_refused_with_what_it_has(opened):
    """A driver sets the nearest and calls that a success."""
    with pytest.raises(DeviceError, match=r"no MJPG 1000x1000; it offers .*MJPG 1920x1080"):
        opened(width_px=1000, height_px=1000)


def test_another_camera_at_the_same_place_is_refused(opened):
    """The settings were made for one model."""
    with pytest.raises(DeviceError, match=r"another camera is there: USB 2\.0 Camera"):
        opened(card="HD Pro Webcam C920")


@pytest.mark.parametrize("path", ["/dev/video0", "/dev/video12"])
def test_a_name_that_changes_at_the_next_start_is_refused(opened, path):
    """Which camera is video0 is a matter of chance."""
    with pytest.raises(ValidationError, match="by-id"):
        opened(device=path)


def test_settings_are_written_and_read_back_at_opening_in_the_right_order(opened, peer):
    """Automatisms first: what they hold cannot be written before."""
    camera = opened(controls={"exposure_100us": 250, "power_line_hz": 60, "exposure_auto": 0})

    assert peer.node.setting(EXPOSURE_AUTO).value == 1
    assert peer.node.setting(EXPOSURE).value == 250
    assert peer.node.setting(POWER_LINE).value == 2
    assert values(camera)["power_line_hz"] == 60


def test_a_setting_speaks_the_houses_units(opened):
    """Hertz and a switch, not the kernel's own numbers."""
    found = {control.name: control for control in opened().controls()}

    assert found["power_line_hz"].choices == {0: "Disabled", 50: "50 Hz", 60: "60 Hz"}
    assert found["power_line_hz"].value == 50
    assert (found["exposure_auto"].kind, found["exposure_auto"].value) == ("bool", 1)
    assert found["exposure_100us"].unit == "100 us"
    assert found["exposure_100us"].held_by == "exposure_auto"
    assert found["white_balance_k"].held_by == "white_balance_auto"


def test_a_setting_that_the_camera_does_not_keep_is_told(opened, peer):
    """Written without an error, and yet another value: only reading it back shows that."""
    camera = opened()
    peer.node.stubborn[GAIN] = 7
    with pytest.raises(DeviceError, match="gain was set to 40, but the camera kept 7"):
        camera.set_control("gain", 40)


def test_a_setting_that_the_camera_refuses_is_told(opened, peer):
    """As firmware does while it streams; the stream goes on."""
    camera = opened()
    peer.node.refuses[GAIN] = errno.EBUSY
    with pytest.raises(DeviceError, match="refuses gain = 40: not while it streams"):
        camera.set_control("gain", 40)

    assert camera.read(TIMEOUT_S).bgr.size


def test_exposure_is_held_at_what_the_automatism_had_found(opened, peer):
    """And given back to it; what was manual stays manual."""
    camera = opened(controls={"white_balance_auto": 0, "white_balance_k": 5000})
    peer.node.setting(EXPOSURE).value = 333
    camera.hold_exposure(held=True)
    held = values(camera)
    camera.hold_exposure(held=False)
    after = values(camera)

    assert (held["exposure_auto"], held["exposure_100us"]) == (0, 333)
    assert (after["exposure_auto"], after["white_balance_auto"]) == (1, 0)
    assert after["white_balance_k"] == 5000


def test_a_camera_without_automatic_exposure_has_nothing_to_hold(tmp_path):
    """The listing of one that names no such control."""
    peer = Peer(tmp_path, "logitech_c920")
    camera = open_camera(
        "v4l2", {"device": peer.options["device"], "pixel_format": "YUYV", "width_px": 640,
                 "height_px": 480, "card": "HD Pro Webcam C920"},
    )  # fmt: skip
    camera.hold_exposure(held=True)
    camera.hold_exposure(held=False)

    assert values(camera)["white_balance_auto"] == 1
    camera.close()
    peer.close()


def test_who_holds_the_camera_is_named(opened, peer):
    """By the program that really has it open, and what to do."""
    peer.node.busy = errno.EBUSY
    with pytest.raises(DeviceHeld, match="another program has the camera"):
        opened()
    peer.node._path.touch()
    holding = "import sys; held = open(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, peer.node._path], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout.readline()
        with pytest.raises(DeviceHeld, match=rf"python\S* has it open \(process {program.pid}\)"):
            opened()


def test_no_permission_says_what_to_do(opened, peer):
    """And is not called absent: nobody must look for a cable."""
    peer.node.forbidden = errno.EACCES
    with pytest.raises(DeviceError, match="group video") as refused:
        opened()

    assert not isinstance(refused.value, DeviceAbsent)


def test_too_little_bandwidth_says_what_to_do(opened, peer):
    """The most frequent trouble of two cameras at one hub."""
    peer.node.busy = errno.ENOSPC
    with pytest.raises(DeviceError, match="bandwidth"):
        opened()


def test_a_node_for_metadata_is_no_camera(opened, peer):
    """UVC cameras have two nodes of one name."""
    peer.node.answers.device_caps = 0x04800000
    with pytest.raises(DeviceError, match="video-index0"):
        opened()


def test_a_camera_that_was_away_has_forgotten_its_settings_and_gets_them_again(opened, peer):
    """A replugged camera is set as before, by opening it."""
    camera = opened(controls={"sharpness": 5})
    camera.close()
    peer.unplug()
    peer.plug()
    assert peer.node.setting(0x0098091B).value == 3

    assert values(opened(controls={"sharpness": 5}))["sharpness"] == 5


def test_no_descriptor_is_left_after_a_failed_opening(opened, peer):
    """A camera that fails a thousand times must not use up what the station may open."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(DeviceError):
            opened(card="Nobody's")

    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", sorted(path.stem for path in LISTINGS.glob("*.txt")))
def test_every_recorded_camera_is_understood(name):
    """A listing that somebody adds is read whole: a camera, its formats, its settings."""
    found = listing(name)

    assert found.card
    assert found.device_caps & kernel.CAP_VIDEO_CAPTURE
    assert all(rates for sizes in found.formats.values() for rates in sizes.values())
    assert {known.number for known in controls.KNOWN} & found.settings.keys()


def test_a_restart_that_is_missing_shows_a_torn_frame():
    """A lost USB packet takes a restart sign with it, and all else still adds up."""
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes()
    first, second = jpeg.find(b"\xff\xd0"), jpeg.find(b"\xff\xd2")

    assert read_head(jpeg).width_px == 320
    with pytest.raises(DeviceError, match="missing"):
        read_head(jpeg[:first] + jpeg[second:])
