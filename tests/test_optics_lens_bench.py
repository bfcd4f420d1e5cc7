"""The simulated lens as a camera: what a hand turns, what a station sets, what it delivers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from demo.lens import BenchBefore
from demo.lens import main as hold
from drivers.camera import Camera, HasControls
from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout
from drivers.load import open_camera
from drivers.peers.folder import Peer
from drivers.peers.lens_bench import (
    TARGETS,
    Config,
    LensBench,
    Target,
    Truth,
    control_path,
    read_hand,
    render,
    write_hand,
)

SMALL = {"width_px": 320, "height_px": 180, "still_width_px": 640, "still_height_px": 360}


class World:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now_s = 100.0

    def clock(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


@pytest.fixture
def world():
    return World()


def bench(tmp_path, world, **options):
    folder = tmp_path / "bench"
    folder.mkdir(exist_ok=True)
    return LensBench(Config(folder=folder, **{**SMALL, **options}), world.clock, world.sleep)


def test_it_is_a_camera_whose_settings_can_be_read_and_written(tmp_path, world):
    """It keeps the same protocols as every camera of the station."""
    camera: Camera = bench(tmp_path, world)

    assert isinstance(camera, HasControls)
    assert camera.read(1.0).width_px == 320
    assert camera.still(1.0).width_px == 640
    assert camera.read(1.0).still_scale == 2.0


def test_frames_come_at_their_rate_and_each_has_a_later_number(tmp_path, world):
    """A caller that waits too little is told so, and no frame comes before its time."""
    camera = bench(tmp_path, world, rate_hz=10.0)
    first, second = camera.read(1.0), camera.read(1.0)

    assert second.sequence == first.sequence + 1
    assert second.captured_at_s - first.captured_at_s == pytest.approx(0.1)
    with pytest.raises(DeviceTimeout):
        camera.read(0.01)


def test_what_a_hand_turns_is_seen_in_the_next_frame(tmp_path, world):
    """The control file is obeyed while the camera runs, and read back as it was written."""
    camera = bench(tmp_path, world)
    before = camera.read(1.0).bgr.mean()
    truth = Truth(exposure_ev=1.0, cast=(1.1, 1.0, 0.9), mirrored=True)
    write_hand(tmp_path / "bench", Target.GREY_SHEET, truth)

    assert read_hand(tmp_path / "bench").whole() == truth
    frame = camera.read(1.0).bgr.reshape(-1, 3).mean(axis=0)
    assert frame[2] > frame[1] > frame[0]
    assert abs(float(frame[1]) - before) > 5


@pytest.mark.parametrize(
    "written",
    ['target = "moon"', "[truth]\nfog = 1.0", "[truth]\nyaw_deg = [1]", "target =", "truth = 3"],
    ids=["no such target", "no such knob", "a knob of another kind", "no TOML", "no table"],
)
def test_a_control_file_that_makes_no_sense_is_a_device_error(tmp_path, world, written):
    """Nothing is guessed: the camera says what is wrong with the file."""
    camera = bench(tmp_path, world)
    control_path(tmp_path / "bench").write_text(written, encoding="utf-8")

    with pytest.raises(DeviceError, match=r"control\.toml"):
        camera.read(1.0)


def test_without_its_cable_it_is_absent_and_comes_back_with_it(tmp_path, world):
    """Pulled while it runs, refused while it is out, opened again as before."""
    cable = tmp_path / "cable"
    cable.touch()
    camera = bench(tmp_path, world, plugged=cable)
    cable.unlink()
    with pytest.raises(DeviceAbsent):
        camera.read(1.0)
    with pytest.raises(DeviceAbsent):
        bench(tmp_path, world, plugged=cable)
    cable.touch()
    assert bench(tmp_path, world, plugged=cable).read(1.0).height_px == 180
    camera.close()
    camera.close()
    with pytest.raises(DeviceAbsent):
        camera.read(1.0)


def test_as_jpeg_a_frame_carries_the_very_bytes_that_its_pixels_come_from(tmp_path, world):
    """Decoding what it delivers gives what it shows."""
    frame = bench(tmp_path, world, jpeg=True).read(1.0)

    assert frame.jpeg is not None
    decoded = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(decoded, frame.bgr)


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("exposure_100us", 50, lambda before, after: after.mean() < before.mean() - 10),
        ("exposure_100us", 200, lambda before, after: after.mean() > before.mean() + 10),
        ("white_balance_k", 7000, lambda before, after: _warmth(after) > _warmth(before) + 5),
        ("focus", 60, lambda before, after: _detail(after) < 0.5 * _detail(before)),
    ],
    ids=["darker", "lighter", "warmer", "softer"],
)
def test_a_setting_changes_the_picture_as_it_would_at_a_camera(tmp_path, world, name, value, seen):
    """Written, read back, and to be seen in the next frame."""
    write_hand(tmp_path / "bench", Target.CHARUCO, Truth(noise_sigma=0.0))
    camera = bench(tmp_path, world)
    before = camera.read(1.0).bgr
    kept = camera.set_control(name, value)

    assert (kept.name, kept.value) == (name, value)
    assert kept in camera.controls()
    assert seen(before.astype(float), camera.read(1.0).bgr.astype(float))


def test_a_setting_that_is_refused_changes_nothing(tmp_path, world):
    """Out of range, held by its automatic, or not there: an error that says which."""
    camera = bench(tmp_path, world)
    camera.set_control("exposure_auto", 1)
    before = camera.controls()
    for name, value, words in (
        ("focus", 9999, "cannot be"), ("exposure_100us", 100, "held by exposure_auto"),
        ("power_line_hz", 55, "it takes"), ("zoom", 1, "no control"),
    ):  # fmt: skip
        with pytest.raises(DeviceError, match=words):
            camera.set_control(name, value)
    assert camera.controls() == before


def test_the_right_power_line_setting_takes_most_of_the_bands_away(tmp_path, world):
    """A lamp on 50 Hz flickers at 100; the setting that matches tames it, the other does not."""
    write_hand(tmp_path / "bench", Target.GREY_SHEET, Truth(banding=0.2, noise_sigma=0.0))
    camera = bench(tmp_path, world)

    def bands(hz):
        camera.set_control("power_line_hz", hz)
        return float(camera.read(1.0).bgr.mean(axis=(1, 2)).std())

    assert bands(50) < 0.3 * bands(60)


def test_the_same_truth_gives_the_same_picture_and_another_frame_other_noise():
    """A sweep can be repeated to the bit; two frames are never alike while there is noise."""
    size = (160, 90)

    assert np.array_equal(*(render(Target.CHARUCO, Truth(), size, 1.0, 3) for _ in range(2)))
    first, second = (render(Target.CHARUCO, Truth(), size, 1.0, n) for n in (1, 2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_held_up(target):
    """From a bare wall to a person; the person wants a photograph."""
    photograph = np.full((40, 40, 3), 128, np.uint8)

    assert render(target, Truth(), (160, 90), photograph=photograph).shape == (90, 160, 3)
    if target is Target.PORTRAIT:
        with pytest.raises(ValueError, match="photograph"):
            render(target, Truth(), (160, 90))


def test_a_sheet_held_before_the_demos_camera_hides_its_scene_and_nothing_else(tmp_path):
    """Size, numbers and pace stay the camera's; taken away, the scene is there again."""
    peer = Peer(tmp_path / "camera")
    camera = BenchBefore(open_camera("folder", peer.options), tmp_path / "bench")
    try:
        scene = camera.read(1.0)
        write_hand(tmp_path / "bench", Target.GREY_SHEET, Truth(exposure_ev=1.0))
        held = camera.read(1.0)
        still = camera.still(1.0)
        write_hand(tmp_path / "bench", Target.NONE)
        after = camera.read(1.0)
        peer.unplug()
        with pytest.raises(DeviceAbsent):
            camera.read(1.0)
    finally:
        camera.close()

    assert scene.bgr.shape == held.bgr.shape == after.bgr.shape == (150, 200, 3)
    assert still.bgr.shape == (300, 400, 3)
    assert scene.sequence < held.sequence < still.sequence < after.sequence
    assert held.bgr.std() < 5 < after.bgr.std()


def test_a_hand_holds_up_a_sheet_from_a_command(tmp_path):
    """Target and knobs by name; an unknown knob is refused with the names that there are."""
    run = CliRunner().invoke
    folder = ["--folder", str(tmp_path / "bench")]

    assert run(hold, ["charuco", "pitch_deg=3", *folder]).exit_code == 0
    assert read_hand(tmp_path / "bench").target is Target.CHARUCO
    assert read_hand(tmp_path / "bench").whole() == Truth(pitch_deg=3.0)
    refused = run(hold, ["charuco", "fog=1", *folder])
    assert refused.exit_code == 2
    assert "pitch_deg" in refused.output


def _warmth(picture):
    return float(picture[..., 2].mean() - picture[..., 0].mean())


def _detail(picture):
    return float(cv2.Laplacian(picture[..., 1], cv2.CV_64F).var())
