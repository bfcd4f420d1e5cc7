"""The folder camera: scripts, pace, lens and bad pictures, on a clock of its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from drivers.cameras.folder import Config, FolderCamera
from drivers.cameras.folder.script import Hand, Script, View
from drivers.errors import DeviceError, DeviceTimeout
from drivers.peers.folder import Peer


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def peer(tmp_path):
    return Peer(tmp_path)


def opened(peer, clock, **changes):
    config = Config.model_validate({**peer.options, **changes})
    return FolderCamera(config, clock=clock, sleep=clock.sleep)


def level(frame) -> float:
    """Mean of the left half."""
    return float(frame.bgr[:, : frame.width_px // 2].mean())


def test_views_follow_each_other(peer, clock):
    """The first view lasts its two seconds, then the second stays."""
    camera = opened(peer, clock)
    levels = [level(camera.read(1)) for _ in range(200)]

    assert sum(value < 100 for value in levels) == pytest.approx(120, abs=1)
    assert levels == sorted(levels, key=lambda value: value > 100)


def test_a_finite_script_begins_again(peer, clock):
    """After its last view the script starts over, unless it is told not to."""
    views = [{"picture": "first.png", "seconds": 1}, {"picture": "second.png", "seconds": 1}]
    turns = {"again": {"views": views}, "once": {"views": views, "repeat": False}}
    seen = {}
    for name in turns:
        camera = opened(peer, clock, scripts=turns, play=name, rate_hz=2)
        seen[name] = [level(camera.read(1)) > 100 for _ in range(8)]

    assert seen["again"] == [False, False, True, True] * 2
    assert seen["once"] == [False, False, True, True, True, True, True, True]


def test_frames_come_at_the_set_rate(peer, clock):
    """Sixty reads at 60 Hz take a second of the camera's time."""
    camera = opened(peer, clock)
    frames = [camera.read(1) for _ in range(61)]

    assert frames[-1].captured_at_s - frames[0].captured_at_s == pytest.approx(1.0)


def test_a_slow_caller_loses_frames_and_gets_a_new_one(peer, clock):
    """Nobody ever gets a frame that waited: after a pause the next frame is of now."""
    camera = opened(peer, clock)
    camera.read(1)
    clock.sleep(5)
    late_s = clock.now_s
    frame, following = camera.read(1), camera.read(1)

    assert frame.captured_at_s == late_s
    assert following.captured_at_s == pytest.approx(late_s + 1 / 60)


def test_a_timeout_takes_no_longer_than_it_says(peer, clock):
    """The caller's time is honoured to the moment."""
    camera = opened(peer, clock, rate_hz=1)
    camera.read(1)
    before_s = clock.now_s
    with pytest.raises(DeviceTimeout):
        camera.read(0.25)

    assert clock.now_s - before_s == pytest.approx(0.25)


def test_the_picture_is_not_mirrored(peer, clock):
    """The darker half is on the left, as in the file, in preview and still."""
    camera = opened(peer, clock)

    for frame in (camera.read(1), camera.still(1)):
        right = frame.bgr[:, frame.width_px // 2 :].mean()
        assert level(frame) + 30 < right


def test_the_same_seed_gives_the_same_frames(peer):
    """A recorded run can be played again to the bit."""
    runs = [
        [opened(peer, clock, seed=7).read(1).bgr for _ in range(2)] for clock in (Clock(), Clock())
    ]

    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_noise_is_as_strong_as_it_is_set(peer, clock):
    """Two frames differ by the noise of both; no level drifts."""
    camera = opened(peer, clock, noise=3.0, sway_px=0.0)
    first, second = (camera.read(1).bgr.astype(float) for _ in range(2))

    assert (first - second).std() == pytest.approx(3.0 * 2**0.5, rel=0.1)
    assert first[:, :90].mean() == pytest.approx(60, abs=0.5)


def test_the_control_file_restarts_the_script(peer, clock):
    """Touching it is a new person stepping up: the first view is shown again."""
    camera = opened(peer, clock)
    clock.sleep(3)
    assert level(camera.read(1)) > 100
    peer.control.write_text("")

    assert level(camera.read(1)) < 100


def test_the_control_file_names_another_script(peer, clock):
    """Another subject steps up."""
    camera = opened(peer, clock)
    peer.control.write_text('play = "second"')
    assert level(camera.read(1)) > 100
    peer.control.unlink()

    assert level(camera.read(1)) < 100


def test_a_covered_lens_gives_dark_frames(peer, clock):
    """Dark, but alive: the noise goes on."""
    camera = opened(peer, clock)
    peer.control.write_text('lens = "black"')
    first, second = camera.read(1), camera.read(1)

    assert first.bgr.mean() < 10
    assert not np.array_equal(first.bgr, second.bgr)


def test_a_frozen_camera_repeats_one_picture(peer, clock):
    """Numbers and times go on, the picture does not."""
    camera = opened(peer, clock)
    peer.control.write_text('lens = "frozen"')
    first, second = camera.read(1), camera.read(1)

    assert np.array_equal(first.bgr, second.bgr)
    assert second.sequence > first.sequence


def test_a_stalled_camera_times_out(peer, clock):
    """It is there, but no frame comes."""
    camera = opened(peer, clock)
    peer.control.write_text('lens = "stalled"')
    with pytest.raises(DeviceTimeout):
        camera.read(0.5)


@pytest.mark.parametrize(
    "words", ['lens = "broken"', 'play = "nobody"', "lens =", 'lense = "black"']
)
def test_a_bad_control_file_is_an_error(peer, clock, words):
    """A tester's slip is told, not ignored."""
    camera = opened(peer, clock)
    peer.control.write_text(words)
    with pytest.raises(DeviceError):
        camera.read(1)


def bomb(path):
    """A PNG of a few bytes that claims 60000x60000 pixels."""
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60000).to_bytes(4, "big") * 2
    path.write_bytes(header + b"\x08\x02\x00\x00\x00" + b"\x00" * 4)


def broken_chunk(path):
    """A PNG that is whole up to its last piece of pixels, whose name is none."""
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(path)
    before, after = path.read_bytes().rsplit(b"IDAT", 1)
    path.write_bytes(before + b"I\xffAT" + after)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no picture"),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        bomb,
        lambda path: Image.new("RGB", (64, 36)).save(path, "TIFF"),
        lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        broken_chunk,
    ],
    ids=["missing", "garbage", "cut off", "bomb", "another type", "a program", "broken chunk"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bad_picture_is_a_device_error(peer, clock, tmp_path, spoil):
    """Whatever lies in the folder, opening ends in the one error that the station handles."""
    spoil(tmp_path / "first.png")
    with pytest.raises(DeviceError, match=r"first\.png"):
        opened(peer, clock)


def test_an_unknown_script_is_refused_by_the_settings(peer):
    """The message names what there is."""
    with pytest.raises(ValidationError, match="both, second"):
        Config.model_validate({**peer.options, "play": "third"})


def test_a_picture_keeps_its_shape(peer, clock):
    """A 4:3 picture in a 16:9 frame is fitted whole, beside it the fill colour."""
    camera = opened(peer, clock, width_px=320, height_px=180, noise=0.0, fill_bgr=[1, 2, 3])
    bgr = camera.read(1).bgr

    assert tuple(bgr[90, 5]) == (1, 2, 3)
    assert bgr[5, 160].mean() > 50


def test_a_view_can_be_turned_moved_and_scaled(peer, clock):
    """Half size, a quarter turn, to the right: the picture lies there and nowhere else."""
    view = {"picture": "first.png", "scale": 0.5, "rotate_deg": 90, "shift_x": 0.25}
    camera = opened(
        peer, clock, scripts={"one": {"views": [view]}}, play="one", noise=0.0, sway_px=0.0,
        fill_bgr=[0, 0, 0],
    )  # fmt: skip
    rows, columns = np.nonzero(camera.read(1).bgr[:, :, 0] > 30)

    assert columns.mean() == pytest.approx(150, abs=1.5)
    assert (np.ptp(columns), np.ptp(rows)) == (pytest.approx(75, abs=2), pytest.approx(100, abs=2))
    # Turned anticlockwise, the brighter right half comes up.
    assert camera.read(1).bgr[40, 150, 0] > camera.read(1).bgr[110, 150, 0]


def test_a_video_plays_by_time_and_begins_again(peer, clock, tmp_path):
    """Its frames follow the clock, not the number of reads, and it never ends."""
    video = tmp_path / "steps.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 64))
    for step in range(10):
        writer.write(np.full((64, 64, 3), 20 * step, np.uint8))
    writer.release()
    camera = opened(
        peer, clock, scripts={"v": {"views": [{"picture": "steps.avi"}]}}, play="v", rate_hz=10,
        width_px=64, height_px=64, noise=0.0,
    )  # fmt: skip
    levels = [float(camera.read(1).bgr.mean()) for _ in range(22)]

    assert levels[3] == pytest.approx(60, abs=8)
    assert levels[9] == pytest.approx(180, abs=8)
    assert max(levels[10:13]) < 60
    assert max(levels[13:]) > 160
    camera.close()


def test_every_setting_is_on_the_page():
    """A technician finds each of the camera's settings in docs/add-a-camera.md."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "add-a-camera.md").read_text("utf-8")
    names = {name for model in (Config, Script, View, Hand) for name in model.model_fields}

    assert [name for name in sorted(names) if f"`{name}" not in page] == []
