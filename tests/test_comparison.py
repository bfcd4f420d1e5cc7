"""One face against one photo: dlib's network in its cell, and a station that has none."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from bench import CannotRun, reuse
from drivers.camera import Frame
from edge.comparison import ComparisonFailed, NotComparable
from edge.comparison.dlib import Config, open_comparer
from edge.comparison.load import comparer_config, comparer_names, load_comparer
from edge.photos.fault import PHOTO_BYTES_MAX
from edge.vision.client import ModelUnfit
from tests import hostile_photos as hostile
from tests.lying_worker import Liar, message

CHECKOUT = Path(__file__).resolve().parent.parent
MODELS = CHECKOUT / ".cache" / "anxin" / "models"
FILES = {
    "resnet": MODELS / "dlib_face_recognition_resnet_model_v1.dat",
    "five_points": MODELS / "shape_predictor_5_face_landmarks.dat",
}
PATIENCE_S = 60.0
"""For answers that must come: a busy machine is no failure."""
HANG_S = 0.5
"""For answers that cannot come."""


def installed() -> bool:
    return find_spec("dlib") is not None and all(file.exists() for file in FILES.values())


@pytest.fixture(scope="module")
def config():
    if not installed():
        pytest.skip("the optional face comparison is not set up: python3.11 -m setup comparison")
    return Config(**FILES)


@pytest.fixture(scope="module")
def comparer(config):
    comparer = open_comparer(config)
    yield comparer
    comparer.close()


@pytest.fixture(scope="module")
def people(pictures):
    names = ("man-25", "man-35", "man-in-suit", "man-laughing", "woman-78")
    # Small ones: finding a face in a large picture is what costs.
    return {name: small(cv2.imread(str(pictures / f"{name}.jpg")), 480) for name in names}


def frame(bgr) -> Frame:
    return Frame(np.ascontiguousarray(bgr), 1, 0.0)


def photo(bgr, quality: int = 90) -> bytes:
    return hostile.jpeg(Image.fromarray(bgr[:, :, ::-1]), quality=quality)


def small(bgr, width_px: int = 400):
    height_px = round(bgr.shape[0] * width_px / bgr.shape[1])
    return cv2.resize(bgr, (width_px, height_px), interpolation=cv2.INTER_AREA)


CHANGES = {
    "none": lambda bgr: bgr,
    "darker": lambda bgr: (bgr * 0.6).astype(np.uint8),
    "smaller": lambda bgr: small(bgr, 300),
    "larger than the frame limit": lambda bgr: small(bgr, 2600),
    "tilted": lambda bgr: cv2.warpAffine(
        bgr,
        cv2.getRotationMatrix2D((bgr.shape[1] / 2, bgr.shape[0] / 2), 8, 1.0),
        bgr.shape[1::-1],
        borderMode=cv2.BORDER_REPLICATE,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_picture_of_one_person_agrees(comparer, people, change):
    """Light, size and tilt are no other person."""
    found = comparer.compare(
        frame(CHANGES[change](people["man-35"])), photo(people["man-35"]), PATIENCE_S
    )

    assert found.agrees
    assert 0.6 < found.value <= 1


@pytest.mark.parametrize(
    ("live", "earlier"),
    [("man-25", "man-35"), ("man-35", "man-in-suit"), ("man-in-suit", "woman-78")],
)
def test_two_people_do_not_agree(comparer, people, live, earlier):
    """Nobody is like another's photo."""
    found = comparer.compare(frame(people[live]), photo(people[earlier]), PATIENCE_S)

    assert not found.agrees
    assert found.value < found.threshold


def test_what_is_recorded_is_what_decided(comparer, people):
    """Method with versions, a value that grows with likeness, and advice unless calibrated."""
    found = comparer.compare(frame(people["man-25"]), photo(people["man-25"], 40), PATIENCE_S)

    assert found.method.startswith("dlib-20.0.1")
    assert found.method.endswith("resnet-v1-55533b28")
    assert found.threshold == 0.4
    assert found.agrees == (found.value >= found.threshold)
    assert not found.calibrated


def wall(width_px: int = 640, height_px: int = 480):
    return np.full((height_px, width_px, 3), 170, np.uint8)


def two(bgr):
    return np.hstack([small(bgr), small(bgr)])


def far(bgr):
    picture = wall()
    face = small(bgr, 130)
    picture[100 : 100 + face.shape[0], 200 : 200 + face.shape[1]] = face
    return picture


def far_in_a_small_picture(bgr):
    return far(bgr)[60:300, 150:390]


@pytest.mark.parametrize(
    ("unfit", "code"),
    [
        (lambda bgr: wall(), "no_face"),
        (two, "many_faces"),
        (far_in_a_small_picture, "face_too_small"),
    ],
    ids=["nobody", "two people", "far away"],
)
def test_a_picture_that_cannot_be_compared_is_said_to_be_so(comparer, people, unfit, code):
    """No guess between two faces, no value from a face of some pixels; the process stays."""
    pid = comparer.pid
    good, bad = people["man-35"], unfit(people["man-35"])
    with pytest.raises(NotComparable) as of_live:
        comparer.compare(frame(bad), photo(good), PATIENCE_S)
    with pytest.raises(NotComparable) as of_photo:
        comparer.compare(frame(good), photo(bad), PATIENCE_S)

    assert (of_live.value.picture, of_live.value.code) == ("live", code)
    assert (of_photo.value.picture, of_photo.value.code) == ("photo", code)
    assert comparer.pid == pid


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_jpeg"),
        (b"\xff\xd8\xff", "truncated"),
        (bytes(PHOTO_BYTES_MAX + 1), "too_large"),
        (b"GIF89a" + bytes(50), "wrong_type"),
    ],
)
def test_a_hostile_photo_is_refused_as_the_vision_worker_refuses_it(
    comparer, people, content, code
):
    """One set of faults for a photo, whoever opens it."""
    with pytest.raises(NotComparable, match=f"photo: {code}"):
        comparer.compare(frame(people["man-35"]), content, PATIENCE_S)


def test_a_photo_is_compared_upright(comparer, people):
    """A photo that lies on its side by EXIF is the same person."""
    image = Image.fromarray(small(people["man-35"])[:, :, ::-1])
    found = comparer.compare(frame(people["man-35"]), hostile.lying(image, 6), PATIENCE_S)

    assert found.agrees


def test_no_face_is_left_in_the_memory(comparer, people):
    """After an answer and after a refusal both pictures are wiped."""
    comparer.compare(frame(people["man-35"]), photo(people["man-35"]), PATIENCE_S)
    with pytest.raises(NotComparable):
        comparer.compare(frame(wall()), photo(people["man-35"]), PATIENCE_S)

    assert not any(comparer._memory[:])


def test_it_sits_in_the_cell(comparer, people):
    """The same walls as the vision worker's: network, environment, memory, files."""
    comparer.compare(frame(people["man-35"]), photo(people["man-35"]), PATIENCE_S)
    environment = Path(f"/proc/{comparer.pid}/environ").read_bytes().decode().split("\0")
    limits = " ".join(Path(f"/proc/{comparer.pid}/limits").read_text().split())
    status = Path(f"/proc/{comparer.pid}/status").read_text()

    assert "https_proxy=http://127.0.0.1:9" in environment
    assert "Max file size 0" in limits
    assert "Max address space 2147483648" in limits
    assert int(status.split("VmHWM:")[1].split()[0]) < 300 * 1024
    if os.geteuid() == 0:
        own = os.readlink(f"/proc/{comparer.pid}/ns/net")
        assert own != os.readlink("/proc/self/ns/net")


def test_closing_leaves_nothing(config, people):
    """No process, no descriptor, no answer; twice is once."""
    before = sorted(os.listdir("/proc/self/fd"))
    comparer = open_comparer(config)
    pid = comparer.pid
    comparer.close()
    comparer.close()

    assert not Path(f"/proc/{pid}").exists()
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ComparisonFailed, match="closed"):
        comparer.compare(frame(people["man-35"]), photo(people["man-35"]), HANG_S)


@pytest.fixture
def liar(config, tmp_path, monkeypatch):
    """Return how to get a comparer whose process always gives the same answer."""
    script = Liar(tmp_path)
    monkeypatch.setattr(sys, "executable", str(script.path))
    with contextlib.ExitStack() as opened:

        def begun(answer: bytes, begins: bytes | None = None, **changes):
            script.says(answer, begins)
            comparer = open_comparer(Config(**FILES, **changes))
            opened.callback(comparer.close)
            return comparer

        yield begun


@pytest.mark.parametrize(
    ("distance", "distance_max", "value", "agrees"),
    [
        (0.0, 0.6, 1.0, True),
        (0.6, 0.6, 0.4, True),
        (0.60004, 0.6, 0.4, True),
        (0.6001, 0.6, 0.3999, False),
        (1.3, 0.6, -0.3, False),
        (0.45, 0.45, 0.55, True),
        (0.46, 0.45, 0.54, False),
    ],
)
def test_likeness_is_what_distance_leaves(liar, distance, distance_max, value, agrees):
    """`1 - distance` against `1 - distance_max`, rounded to what the record shows."""
    answer = message({"id": 1, "distance": distance})
    comparer = liar(answer, distance_max=distance_max, calibrated=True)
    found = comparer.compare(frame(wall()), b"photo", PATIENCE_S)

    assert (found.value, found.agrees, found.calibrated) == (value, agrees, True)


@pytest.mark.parametrize(
    "lie",
    [
        message({"id": 2, "distance": 0.1}),
        message(b'{"id": 1, "distance": NaN}'),
        message({"id": 1, "distance": -0.1}),
        message({"id": 1, "distance": 9}),
        message({"id": 1, "distance": "0.1"}),
        message({"id": 1, "distance": True}),
        message({"id": 1, "not_comparable": ["both", "no_face"]}),
        message({"id": 1, "not_comparable": "no_face"}),
        message({"id": 1}),
        message({"id": 1, "refused": "MemoryError"}),
        message(b"[]"),
        b"\xff\xff\xff\xff",
    ],
)
def test_a_lie_is_no_likeness(liar, lie):
    """Whatever its process says, a comparer gives a true value or none."""
    comparer = liar(lie)
    with pytest.raises(ComparisonFailed) as caught:
        comparer.compare(frame(wall()), b"photo", PATIENCE_S)

    assert not isinstance(caught.value, NotComparable)


def test_a_process_that_hangs_is_replaced(liar):
    """It costs one comparison, in time; the next one has an answer from another process."""
    comparer = liar(message({"id": 1, "distance": 0.1}))
    comparer.compare(frame(wall()), b"photo", PATIENCE_S)
    first = comparer.pid
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(ComparisonFailed, match="no answer"):
        comparer.compare(frame(wall()), b"photo", HANG_S)

    assert not Path(f"/proc/{first}").exists()
    assert comparer.compare(frame(wall()), b"photo", PATIENCE_S).agrees


def test_a_process_that_died_is_replaced(liar):
    """The next comparison begins another one, and waits for it."""
    comparer = liar(message({"id": 1, "distance": 0.1}))
    comparer.compare(frame(wall()), b"photo", PATIENCE_S)
    first = comparer.pid
    os.kill(first, signal.SIGKILL)
    until_s = time.monotonic() + PATIENCE_S
    while comparer.pid is not None and time.monotonic() < until_s:
        time.sleep(0.01)

    assert comparer.compare(frame(wall()), b"photo", PATIENCE_S).agrees
    assert comparer.pid != first


def test_a_silent_process_has_its_time(liar):
    """Nothing said within the time is nothing compared."""
    comparer = liar(b"")
    with contextlib.suppress(ComparisonFailed):  # the first waits for its begin
        comparer.compare(frame(wall()), b"photo", 0.0)
    with pytest.raises(ComparisonFailed):
        comparer.compare(frame(wall()), b"photo", HANG_S)

    assert comparer.pid is None


def test_a_process_that_does_not_begin_is_given_up_in_time(liar, monkeypatch):
    """It may load its network for a while; then another one begins with the next comparison."""
    comparer = liar(b"", begins=b"")
    first = comparer.pid
    with pytest.raises(ComparisonFailed, match="still begins"):
        comparer.compare(frame(wall()), b"photo", 0.05)
    kept = comparer.pid
    monkeypatch.setattr("edge.comparison.dlib.BOOT_TIMEOUT_S", 0.0)
    with pytest.raises(ComparisonFailed, match="still begins"):
        comparer.compare(frame(wall()), b"photo", 0.05)

    assert kept == first
    assert comparer.pid is None


def test_a_process_that_begins_with_half_a_word_is_given_up_at_once(liar):
    """Its wire is out of step for good."""
    comparer = liar(b"", begins=b"\0\0")
    with pytest.raises(ComparisonFailed):
        comparer.compare(frame(wall()), b"photo", HANG_S)

    assert comparer.pid is None


def test_likeness_is_that_of_the_colours_it_was_trained_on(comparer, people):
    """Red taken for blue would still tell people apart, only worse: this pair pins it."""
    found = comparer.compare(frame(people["man-25"]), photo(people["man-laughing"], 95), PATIENCE_S)

    assert found.value == pytest.approx(0.2595, abs=0.02)


def settings(driver: str = "dlib", **options):
    return SimpleNamespace(driver=driver, options=options)


def test_a_station_without_a_comparer_has_none(tmp_path):
    """Not configured, or not fetched: None, and so the attendant compares."""
    assert load_comparer(None) is None
    assert load_comparer(settings(resnet=tmp_path / "not-fetched.dat")) is None


def test_without_dlib_there_is_no_comparer(monkeypatch):
    """Configured but not installed is no reason for a station not to start."""
    monkeypatch.setitem(sys.modules, "dlib", None)

    assert load_comparer(settings(**FILES)) is None


def test_a_configured_comparer_is_opened(liar):
    """The settings' section is all that it takes."""
    liar(message({"id": 1, "distance": 0.55})).close()
    comparer = load_comparer(settings(**FILES, distance_max=0.5))
    try:
        found = comparer.compare(frame(wall()), b"photo", PATIENCE_S)
    finally:
        comparer.close()

    assert (found.threshold, found.agrees) == (0.5, False)


@pytest.mark.parametrize("which", FILES)
def test_another_model_file_is_refused(config, tmp_path, which):
    """A file with other bytes is a lasting fault that names the file, not a missing comparer."""
    other = tmp_path / FILES[which].name
    other.write_bytes(b"another network")
    with pytest.raises(ModelUnfit, match=other.name):
        load_comparer(settings(**{**FILES, which: other}))


def test_settings_are_held_against_the_comparer():
    """Only comparers that are there, only options they know."""
    assert comparer_names() == ["dlib"]
    assert comparer_config("dlib") is Config
    with pytest.raises(ValueError, match="there are: dlib"):
        load_comparer(settings("os"))
    with pytest.raises(ValidationError):
        load_comparer(settings(threshold=0.1))
    with pytest.raises(ValidationError):
        load_comparer(settings(distance_max=1.5))


def test_the_daemon_never_loads_dlib():
    """The network's native code runs in the cell or not at all."""
    loads = "import edge.comparison.load, edge.comparison.dlib, sys; print('dlib' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", loads], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    importers = [
        module.relative_to(CHECKOUT).as_posix()
        for room in ("api", "centre", "demo", "drivers", "edge", "quality", "setup")
        for module in (CHECKOUT / room).rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(name.name == "dlib" for name in node.names)
    ]

    assert said.stdout.strip() == "False"
    assert importers == ["edge/comparison/dlib_worker.py"]


def test_the_predictor_that_is_not_free_is_nowhere():
    """The carrier holds a file of 68 points for research only: it is neither taken nor named."""
    fetched = (CHECKOUT / "setup" / "comparison.toml").read_text(encoding="utf-8")

    assert "shape_predictor_68" not in fetched
    assert not list(MODELS.glob("*68*"))


def test_the_benchmark_says_what_is_missing(monkeypatch):
    """No figure without the comparer, and the sentence names what to do."""
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(CannotRun, match=r"dlib is not installed: run .*setup comparison"):
        reuse.measure(long=False)
