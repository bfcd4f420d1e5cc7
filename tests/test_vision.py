"""The vision worker: real photographs through shared memory, and every way to lose the process."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera import Frame
from edge.vision.cell import OWN_NETWORK, PROXY_ONLY
from edge.vision.client import (
    DEATHS_MAX,
    Depth,
    FrameRefused,
    ModelFiles,
    ModelUnfit,
    VisionLost,
    VisionWorker,
)
from quality.advice import TOO_DARK, Advice, advise
from quality.face import LIVE_MEASURES, MEASURES

NEED_ANOTHER_MASK = {
    "BackgroundUniformity", "EyesVisible", "FaceOcclusionPrevention", "MouthOcclusionPrevention",
    "NoHeadCoverings",
}  # fmt: skip
"""They take OFIQ's own masks; the station's person mask stands in for none of them."""
PATIENCE_S = 30.0
"""For answers that must come: a busy machine is no failure."""
HANG_S = 1.0
"""For answers that cannot come."""


@pytest.fixture(scope="module")
def model_files(models):
    return ModelFiles(models.face_landmarker, models.selfie_segmentation)


@pytest.fixture(scope="module")
def _shared_worker(model_files):
    """One running worker for the tests that only look; they share a core with each other."""
    worker = VisionWorker(model_files)
    worker.start()
    yield worker
    worker.close()


@pytest.fixture
def eyes(_shared_worker):
    return _shared_worker


@pytest.fixture
def worker(model_files):
    """A worker of the test's own, to be killed and stopped."""
    worker = VisionWorker(model_files, frame_bytes_max=3 * 1280 * 1280)
    worker.start()
    yield worker
    worker.close()


@pytest.fixture
def frame(pictures):
    return photograph(pictures / "man-35.jpg")


def photograph(path: Path, sequence: int = 1, width_px: int | None = None) -> Frame:
    bgr = np.asarray(cv2.imread(str(path)), np.uint8)
    if width_px:
        height_px = round(bgr.shape[0] * width_px / bgr.shape[1])
        bgr = np.asarray(cv2.resize(bgr, (width_px, height_px)), np.uint8)
    return Frame(bgr, sequence, 12.5)


def mirrored(frame: Frame) -> Frame:
    return Frame(np.ascontiguousarray(frame.bgr[:, ::-1]), frame.sequence + 1, frame.captured_at_s)


@pytest.mark.parametrize("depth", Depth)
def test_a_photograph_has_the_pose_that_was_measured_elsewhere(eyes, frame, depth):
    """Yaw 7.1, pitch 0.7 and roll 1.9 degrees, as somebody else found with another program."""
    sight = eyes.look(frame, depth, PATIENCE_S)
    values = {name: native.value for name, native in sight.natives.items()}

    assert (sight.frame_sequence, sight.captured_at_s, sight.faces) == (1, 12.5, 1)
    assert values["HeadPoseYaw"] == pytest.approx(7.1, abs=1.0)
    assert values["HeadPosePitch"] == pytest.approx(0.7, abs=2.0)
    assert values["HeadPoseRoll"] == pytest.approx(1.9, abs=1.0)
    assert values["InterEyeDistance"] == pytest.approx(130, abs=4)
    measures = MEASURES if depth is Depth.STILL else LIVE_MEASURES
    assert set(values) == {measure.name for measure in measures}
    unmeasured = {name for name, value in values.items() if value is None}
    assert unmeasured == (NEED_ANOTHER_MASK if depth is Depth.STILL else set())
    assert sight.worker_ms > 0


def test_left_and_right_are_the_picture_s_own(eyes, frame):
    """Mirrored, the face turns and tilts the other way; nothing else changes much."""
    one = eyes.look(frame, Depth.STILL, PATIENCE_S)
    other = eyes.look(mirrored(frame), Depth.STILL, PATIENCE_S)

    for angle in ("HeadPoseYaw", "HeadPoseRoll"):
        assert one.natives[angle].value == pytest.approx(-other.natives[angle].value, abs=1.5)
    assert one.outline.eye_left_px[0] < one.outline.eye_right_px[0]
    assert other.outline.eye_left_px[0] == pytest.approx(
        frame.width_px - one.outline.eye_right_px[0], abs=4
    )


def test_distances_are_in_the_frame_s_own_pixels(eyes, pictures):
    """A live frame is looked at in small; what is said of it is in its own size."""
    large = eyes.look(photograph(pictures / "man-35.jpg", 1, 1600), Depth.LIVE, PATIENCE_S)
    small = eyes.look(photograph(pictures / "man-35.jpg", 2, 800), Depth.LIVE, PATIENCE_S)
    distance = "InterEyeDistance"

    assert large.natives[distance].value == pytest.approx(
        2 * small.natives[distance].value, rel=0.03
    )
    assert large.outline.chin_px == pytest.approx([2 * c for c in small.outline.chin_px], rel=0.03)
    assert large.outline.width_px == 1600


def test_live_points_are_finer_than_pixels_and_a_still_s_are_whole(eyes, frame):
    """A still is rounded as OFIQ rounds; a live frame's small eyes are not eaten by that."""
    still = eyes.look(frame, Depth.STILL, PATIENCE_S).natives["HeadSize"].value * frame.height_px
    live = eyes.look(frame, Depth.LIVE, PATIENCE_S).natives["HeadSize"].value * frame.height_px

    # The middle between whole points lies on a grid of half pixels, so 4 T squared is whole.
    assert 4 * still**2 == pytest.approx(round(4 * still**2), abs=1e-6)
    assert 4 * live**2 != pytest.approx(round(4 * live**2), abs=1e-6)


def test_a_still_s_outline_has_hair_and_sides(eyes, frame):
    """The head's box encloses eyes and chin; its sides stay near the ears."""
    live = eyes.look(frame, Depth.LIVE, PATIENCE_S).outline
    head = eyes.look(frame, Depth.STILL, PATIENCE_S).outline
    face_px = head.ear_right_px[0] - head.ear_left_px[0]

    assert (live.hair_top_y_px, live.head_left_x_px, live.head_right_x_px) == (None, None, None)
    assert 0 < head.hair_top_y_px < head.eye_left_px[1] - 0.4 * face_px
    assert head.chin_px[1] > head.eye_left_px[1]
    assert abs(head.head_left_x_px - head.ear_left_px[0]) < 0.3 * face_px
    assert abs(head.head_right_x_px - head.ear_right_px[0]) < 0.3 * face_px


def test_nobody_is_not_an_error(eyes):
    """An empty room has no face: every measure says why it has no value."""
    room = Frame(np.full((480, 640, 3), 180, np.uint8), 5, 0.0)
    sight = eyes.look(room, Depth.STILL, PATIENCE_S)

    assert (sight.faces, sight.outline) == (0, None)
    assert {n.value for n in sight.natives.values()} == {None}
    assert {n.reason for n in sight.natives.values()} == {"no face found"}


def test_nobody_in_the_dark_is_told_from_nobody(eyes):
    """Where the lamps are out the light is what is wrong, not the person."""
    dark = Frame(np.full((480, 640, 3), 4, np.uint8), 6, 0.0)
    sight = eyes.look(dark, Depth.LIVE, PATIENCE_S)

    assert {n.reason for n in sight.natives.values()} == {TOO_DARK}
    assert advise(sight, []) is Advice.LIGHT


def test_the_larger_of_two_people_is_the_subject(eyes, pictures):
    """With a second person in view both are counted, and the nearer one is measured."""
    near = photograph(pictures / "man-35.jpg", 1, 720).bgr
    far = photograph(pictures / "man-25.jpg", 1, 480).bgr
    both = np.full((720, 1280, 3), 190, np.uint8)
    both[:, 560:], both[120:600, 40:520] = near, far
    sight = eyes.look(Frame(both, 1, 0.0), Depth.LIVE, PATIENCE_S)

    assert sight.faces == 2
    assert 0.2 < sight.natives["SingleFacePresent"].value < 0.8
    assert sight.outline.eye_left_px[0] > 560


@pytest.mark.parametrize("depth", Depth)
def test_blur_is_seen(eyes, frame, depth):
    """The more a face is blurred, the lower its sharpness."""
    sharpness = []
    for sigma in (0, 2, 4, 8):
        bgr = cv2.GaussianBlur(frame.bgr, (0, 0), sigma) if sigma else frame.bgr.copy()
        sight = eyes.look(Frame(np.asarray(bgr, np.uint8), sigma, 0.0), depth, PATIENCE_S)
        sharpness.append(sight.natives["FaceSharpness"].value)

    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[-1] < 0.5 * sharpness[0]


def test_darkness_is_seen(eyes, frame):
    """Half the light is half the luminance, or less; the pose stays."""
    dim = Frame((frame.bgr * 0.6).astype(np.uint8), 2, 0.0)
    bright, dark = (eyes.look(f, Depth.STILL, PATIENCE_S).natives for f in (frame, dim))

    assert dark["LuminanceMean"].value < 0.5 * bright["LuminanceMean"].value
    assert dark["HeadPoseYaw"].value == pytest.approx(bright["HeadPoseYaw"].value, abs=2)


def test_the_person_mask_covers_the_person(eyes, frame):
    """The mask has the picture's size, is full on the face and empty in a free corner."""
    mask = eyes.person_mask(frame, PATIENCE_S)
    head = eyes.look(frame, Depth.LIVE, PATIENCE_S).outline
    x, y = (int((a + b) / 2) for a, b in zip(head.eye_left_px, head.eye_right_px, strict=True))

    assert (mask.shape, mask.dtype) == (frame.bgr.shape[:2], np.uint8)
    assert mask[y, x] > 250
    assert mask[:40, :40].max() < 20


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (7, 5)])
@pytest.mark.parametrize("depth", Depth)
def test_odd_sizes_are_looked_at_or_refused(eyes, size, depth):
    """A picture of any size is an answer or a refusal, never the end of the worker."""
    before = eyes.restarts
    odd = Frame(np.zeros((*size, 3), np.uint8), 9, 0.0)
    with contextlib.suppress(FrameRefused):
        assert eyes.look(odd, depth, PATIENCE_S).faces == 0

    assert eyes.restarts == before


def test_a_frame_too_large_is_refused_before_it_is_copied(worker):
    """What does not fit the shared memory never reaches the worker."""
    with pytest.raises(FrameRefused, match="at most"):
        worker.look(Frame(np.zeros((1281, 1280, 3), np.uint8), 1, 0.0), Depth.LIVE, PATIENCE_S)
    with pytest.raises(FrameRefused, match="empty"):
        worker.look(Frame(np.zeros((0, 10, 3), np.uint8), 2, 0.0), Depth.LIVE, PATIENCE_S)

    assert worker.restarts == 0


def test_a_killed_worker_is_replaced(worker, frame):
    """Killed between two frames: one `VisionLost` at most, then it sees again."""
    worker.look(frame, Depth.LIVE, PATIENCE_S)
    first = worker.pid
    os.kill(first, signal.SIGKILL)
    with contextlib.suppress(VisionLost):  # or its death is noticed before anything is asked
        worker.look(frame, Depth.LIVE, PATIENCE_S)
    sight = worker.look(frame, Depth.LIVE, PATIENCE_S)

    assert sight.faces == 1
    assert worker.restarts == 1
    assert worker.alive
    assert worker.pid != first


def test_a_worker_killed_while_it_looks_is_replaced(worker, frame):
    """Killed with the question in its hands: `VisionLost` at once, not at the deadline."""
    worker.wait_ready(PATIENCE_S)
    first = worker.pid
    os.kill(first, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (first, signal.SIGKILL))
    killer.start()
    with pytest.raises(VisionLost, match="died"):
        worker.look(frame, Depth.LIVE, PATIENCE_S)
    killer.join()

    assert worker.look(frame, Depth.LIVE, PATIENCE_S).faces == 1


def test_a_worker_that_hangs_is_killed_and_replaced(worker, frame):
    """Stopped by a signal, it neither answers nor ends: the deadline finds it."""
    worker.wait_ready(PATIENCE_S)
    stopped = worker.pid
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(VisionLost, match="no answer"):
        worker.look(frame, Depth.LIVE, HANG_S)

    assert not Path(f"/proc/{stopped}").exists()
    assert worker.look(frame, Depth.LIVE, PATIENCE_S).faces == 1
    assert worker.restarts == 1


def test_a_frame_that_costs_three_workers_is_refused(worker, frame):
    """The third death on one frame refuses that frame for good; the next one is looked at."""
    for _ in range(DEATHS_MAX - 1):
        worker.wait_ready(PATIENCE_S)
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(VisionLost):
            worker.look(frame, Depth.LIVE, HANG_S)
    worker.wait_ready(PATIENCE_S)
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(FrameRefused):
        worker.look(frame, Depth.LIVE, HANG_S)
    with pytest.raises(FrameRefused):
        worker.look(frame, Depth.LIVE, PATIENCE_S)
    another = Frame(frame.bgr, frame.sequence + 1, frame.captured_at_s)

    assert worker.look(another, Depth.LIVE, PATIENCE_S).faces == 1
    assert worker.restarts == DEATHS_MAX


def test_frames_are_told_apart_by_sequence_and_time(worker, frame):
    """Deaths on different frames do not add up."""
    for sequence in range(10, 13):
        worker.wait_ready(PATIENCE_S)
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(VisionLost):
            worker.look(Frame(frame.bgr, sequence, 0.0), Depth.LIVE, HANG_S)

    assert worker.look(Frame(frame.bgr, 12, 0.0), Depth.LIVE, PATIENCE_S).faces == 1


def test_closing_ends_the_process_and_may_be_repeated(model_files, frame):
    """After `close` there is no process, no descriptor, and no answer."""
    before = sorted(os.listdir("/proc/self/fd"))
    worker = VisionWorker(model_files)
    worker.start()
    worker.start()
    worker.wait_ready(PATIENCE_S)
    pid = worker.pid
    worker.close()
    worker.close()

    assert not Path(f"/proc/{pid}").exists()
    assert (worker.alive, worker.pid) == (False, None)
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(VisionLost, match="not started"):
        worker.look(frame, Depth.LIVE, PATIENCE_S)


def test_it_outlives_the_thread_that_started_it(model_files, frame):
    """The kernel ends a worker with the thread that spawned it; that one must be ours to keep."""
    worker = VisionWorker(model_files)
    starter = threading.Thread(target=worker.start)
    starter.start()
    starter.join()
    try:
        worker.wait_ready(PATIENCE_S)

        assert worker.look(frame, Depth.LIVE, PATIENCE_S).faces == 1
        assert worker.restarts == 0
    finally:
        worker.close()


STATION = """
import sys, time
from pathlib import Path
from edge.vision.client import ModelFiles, VisionWorker
worker = VisionWorker(ModelFiles(Path(sys.argv[1]), Path(sys.argv[2])))
worker.start()
worker.wait_ready(60)
print(worker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("stopped", [False, True], ids=["idle", "hanging"])
def test_it_dies_with_the_station(models, stopped):
    """A station that is killed leaves no worker behind, not even one that hangs."""
    paths = [str(models.face_landmarker), str(models.selfie_segmentation)]
    station = subprocess.Popen(
        [sys.executable, "-c", STATION, *paths], stdout=subprocess.PIPE, text=True
    )
    with station:
        try:
            pid = int(station.stdout.readline())
            if stopped:
                os.kill(pid, signal.SIGSTOP)
        finally:
            station.kill()
    until_s = time.monotonic() + PATIENCE_S
    while _runs(pid) and time.monotonic() < until_s:
        time.sleep(0.05)

    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_worker_sits_in_its_cell(eyes):
    """Small limits, an environment from nothing, and where possible a network of its own."""
    walls = eyes.wait_ready(PATIENCE_S)
    limits = Path(f"/proc/{eyes.pid}/limits").read_text()
    environment = Path(f"/proc/{eyes.pid}/environ").read_bytes().decode().split("\0")
    own = os.readlink("/proc/self/ns/net") != os.readlink(f"/proc/{eyes.pid}/ns/net")

    assert walls == (OWN_NETWORK if own else PROXY_ONLY)
    assert own or os.geteuid() != 0
    for limit in ("Max core file size         0", "Max file size             0"):
        assert " ".join(limit.split()) in " ".join(limits.split())
    assert "https_proxy=http://127.0.0.1:9" in environment
    assert {"no_proxy=", "NO_PROXY="} <= set(environment)
    assert not any(entry.startswith("PYTEST") for entry in environment)


IN_THE_CELL = """
import os, resource
from edge.vision.cell import enter
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
enter(os.getppid())
print(resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_the_cell_dumps_no_core_where_the_machine_would():
    """A crash never writes a person's picture to a disk, whatever limit the service began with."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("core files are forbidden to this run for good: the cell cannot be seen to act")
    command = [sys.executable, "-c", IN_THE_CELL]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)

    assert done.stdout.strip() == "(0, 0)"


def test_the_memory_is_bounded(eyes, pictures):
    """A frame as large as the memory takes is looked at within the address space it may use."""
    large = photograph(pictures / "man-35.jpg", 3, 3464)
    sight = eyes.look(large, Depth.STILL, PATIENCE_S)
    mask = eyes.person_mask(large, PATIENCE_S)
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{eyes.pid}/status").read_text().splitlines()
    )

    assert sight.faces == 1
    assert mask.shape == large.bgr.shape[:2]
    assert int(status["VmHWM"].split()[0]) < 450 * 1024


def test_an_interrupted_question_does_not_answer_the_next(worker, frame, monkeypatch):
    """Ctrl-C in the middle of a look: its late answer never meets another question."""
    worker.wait_ready(PATIENCE_S)
    stopped = worker.pid
    os.kill(stopped, signal.SIGSTOP)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            worker.look(frame, Depth.LIVE, PATIENCE_S)
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    assert worker.look(Frame(frame.bgr, 77, 1.0), Depth.LIVE, PATIENCE_S).frame_sequence == 77
    assert not Path(f"/proc/{stopped}").exists()


@pytest.mark.parametrize("spoil", ["missing", "flipped", "empty"])
def test_another_model_file_is_refused(models, tmp_path, spoil):
    """A model that is not the tested one is a lasting fault, and the message names the file."""
    path = tmp_path / "face_landmarker.task"
    if spoil != "missing":
        content = bytearray(models.face_landmarker.read_bytes() if spoil == "flipped" else b"")
        if content:
            content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(ModelUnfit, match=r"face_landmarker\.task"):
        ModelFiles(path, models.selfie_segmentation)
