"""The demo's subjects before the real vision worker: two are captured, the others told why."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from demo import pictures as demo
from demo.studio import Stand, cut_out
from drivers.load import open_camera
from edge.guidance import Guidance
from edge.portrait import crop
from edge.settings import load_preset
from edge.vision.client import Depth, ModelFiles, VisionWorker
from quality.advice import advise
from quality.document import Document, judge
from quality.measure import Verdict

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENTS = tuple(
    Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    for path in sorted((CHECKOUT / "firmware_configs" / "documents").glob("*.toml"))
)
LOOK_TIMEOUT_S = 30.0
LOOKS_MAX = 40
HINT_LOOKS = 14


@pytest.fixture(scope="module")
def worker(models):
    """The real vision worker."""
    started = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    started.start()
    yield started
    started.close()


@pytest.fixture(scope="module")
def folder(worker, pictures, tmp_path_factory):
    """The demo camera's folder, composed with the real person mask."""
    made = tmp_path_factory.mktemp("camera")
    demo.compose(pictures, made, demo.mask_by(worker, LOOK_TIMEOUT_S))
    demo.plug_in(made)
    return made


def options(folder, subject, view=-1):
    """One of the subject's views, the last, at a pace at which the test waits for the worker."""
    made = demo.camera_options(folder, subject)
    script = made["scripts"][subject]
    made["scripts"][subject] = {**script, "views": [{"picture": script["views"][view]["picture"]}]}
    return {**made, "rate_hz": 120}


def guided(camera, worker, looks):
    """Every guidance over so many looks, up to the capture."""
    guidance = Guidance(DOCUMENTS, load_preset("seated"))
    said = []
    for number in range(looks):
        frame = camera.read(LOOK_TIMEOUT_S)
        sight = worker.look(frame, Depth.LIVE, LOOK_TIMEOUT_S)
        # Ten looks a second, however busy this machine is.
        said.append(guidance.see(sight, number / 10, frame.still_scale))
        if said[-1].capture:
            break
    return said


def told_by_the_still(camera, worker):
    """What hinders once the burst is taken: not everything can be judged while one looks on."""
    sight = worker.look(camera.still(LOOK_TIMEOUT_S), Depth.STILL, LOOK_TIMEOUT_S)
    hard = [r for d in DOCUMENTS for r in judge(d, sight.natives, live=False) if not r.advisory]
    return advise(sight, hard)


@pytest.mark.parametrize("subject", [name for name, one in demo.SUBJECTS.items() if not one.expect])
def test_a_compliant_subject_is_captured_for_both_documents(folder, worker, subject):
    """No hint, a capture, every gate of the still, and two photos inside all limits."""
    camera = open_camera("folder", options(folder, subject))
    said = guided(camera, worker, LOOKS_MAX)
    still = camera.still(LOOK_TIMEOUT_S)
    sight = worker.look(still, Depth.STILL, LOOK_TIMEOUT_S)
    readings = [r for document in DOCUMENTS for r in judge(document, sight.natives, live=False)]
    photos = [crop(still, sight.outline, document) for document in DOCUMENTS]
    camera.close()

    assert said[-1].capture
    assert {guidance.hint for guidance in said} == {None}
    assert {reading.verdict for reading in readings} == {Verdict.ACCEPTED}
    assert advise(sight, readings) is None
    assert [check.measure for p in photos for check in p.checks if check.advisory] == []


@pytest.mark.parametrize(
    ("subject", "view", "told"),
    [
        (name, view, told)
        for name, one in demo.SUBJECTS.items()
        for view, told in enumerate(one.on_the_way)
        # The empty wall is the same for all.
        if name == "straightens" or told != "portrait.no_face"
    ],
)
def test_whoever_succeeds_is_told_on_the_way_what_one_sees(folder, worker, subject, view, told):
    """Nobody, tilted, far, dark, yellow: each view its own advice, live or by the still."""
    camera = open_camera("folder", options(folder, subject, view))
    said = guided(camera, worker, LOOKS_MAX)
    advice = told_by_the_still(camera, worker) if said[-1].capture else said[-1].hint
    camera.close()

    assert advice.value == told


def test_every_view_before_the_last_says_what_it_leads_to():
    """No scene on the way to success is there for nothing."""
    for subject in demo.SUBJECTS.values():
        assert len(subject.on_the_way) == (0 if subject.expect else len(subject.views) - 1)


@pytest.mark.parametrize("subject", [name for name, one in demo.SUBJECTS.items() if one.expect])
def test_every_other_subject_is_told_what_one_sees(folder, worker, subject):
    """Tilted, turned, laughing, far, two, nobody: each its own advice, and no capture."""
    camera = open_camera("folder", options(folder, subject))
    said = guided(camera, worker, HINT_LOOKS)
    camera.close()

    assert said[-1].hint.value in demo.SUBJECTS[subject].expect
    assert not any(guidance.capture for guidance in said)


def test_the_video_is_played_and_is_too_far(folder, worker):
    """640 px are not enough, and enlarging would not add any."""
    camera = open_camera("folder", options(folder, demo.MOVING))
    said = guided(camera, worker, HINT_LOOKS)
    camera.close()

    assert said[-1].hint.value == "portrait.too_far"


def test_the_first_subject_straightens_after_seven_seconds():
    """Nobody, then tilted, then straight: a sitting shows a hint before it succeeds."""
    scenes = [(scene.name, seconds) for scene, seconds in demo.SUBJECTS["straightens"].views]

    assert scenes == [("nobody", 2.0), ("tilted", 7.0), ("straight", 60.0)]


def test_composing_again_makes_nothing_anew(folder, pictures):
    """The second start of the demo costs nothing: no mask is asked for, no file written."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    def no_mask(bgr):
        raise AssertionError("asked for a mask")

    demo.compose(pictures, folder, no_mask)

    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_missing_photograph_is_named(tmp_path):
    """The sentence says which file set-up should have fetched."""
    with pytest.raises(OSError, match=r"man-25\.jpg is not among the fetched pictures"):
        demo.compose(tmp_path, tmp_path / "camera", lambda bgr: np.zeros(bgr.shape[:2], np.uint8))


def test_every_photograph_is_pinned():
    """What the scenes use is what the list fetches."""
    table = tomllib.loads((CHECKOUT / "demo" / "pictures.toml").read_text(encoding="utf-8"))
    used = {
        file for s in demo.SUBJECTS.values() for scene, _ in s.views for file, _ in scene.people
    }

    assert {entry["file"] for entry in table["file"]} == used | {demo.MOVING_VIDEO}
    assert all(len(entry["sha256"]) == 64 and entry["licence"] for entry in table["file"])


@pytest.mark.parametrize("scale", [0.0, 1.01])
def test_the_studio_never_enlarges(scale):
    """Detail that the photograph lacks is not invented."""
    with pytest.raises(ValueError, match="invent detail"):
        Stand((0.5, 0.5), 0.0, scale)


def test_a_mask_of_another_size_is_refused():
    """A mask belongs to its picture."""
    with pytest.raises(ValueError, match="mask"):
        cut_out(np.zeros((4, 4, 3), np.uint8), np.zeros((2, 2), np.uint8), (1.0, 1.0))
