"""What the worker measures on 60 portraits, against readings taken by another hand."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from drivers.camera import Frame
from edge.vision.client import Depth, ModelFiles, VisionWorker

LABELS = {
    "HeadPoseYaw": ("yaw_deg", 0.1),
    "HeadPosePitch": ("pitch_deg", 0.1),
    "HeadPoseRoll": ("roll_deg", 0.1),
    # Theirs were taken on points that were not rounded: half a pixel of about 90.
    "EyesOpen": ("eyes_open_raw", 0.008),
    "MouthClosed": ("mouth_raw", 0.008),
}


@pytest.fixture(scope="module")
def worker(models):
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def looked(material, worker):
    """Each portrait's labels, and what the worker saw in it as a still and live."""
    rows = list(csv.DictReader(material.read("portraits/labels.csv").decode().splitlines()))
    seen = []
    for number, row in enumerate(rows):
        pixels = np.frombuffer(material.read(f"portraits/{row['file']}"), np.uint8)
        frame = Frame(np.asarray(cv2.imdecode(pixels, cv2.IMREAD_COLOR), np.uint8), number, 0.0)
        seen.append((row, *(worker.look(frame, depth, 30) for depth in (Depth.STILL, Depth.LIVE))))
    return seen


def test_the_worker_reads_portraits_as_they_were_read_before(looked):
    """Pose, eyes, lips and eye distance agree on every portrait; live agrees with the still."""
    apart = []
    for row, still, live in looked:
        wanted = {name: (float(row[column]), slack) for name, (column, slack) in LABELS.items()}
        yaw = np.radians(still.natives["HeadPoseYaw"].value)
        wanted["InterEyeDistance"] = (float(row["inter_eye_px"]) / np.cos(yaw), 1.5)
        apart += [
            (row["file"], name, still.natives[name].value, value)
            for name, (value, slack) in wanted.items()
            if abs(still.natives[name].value - value) > slack
        ]
        assert (still.faces, live.faces) == (1, 1)
        assert live.natives["HeadPoseYaw"].value == pytest.approx(
            still.natives["HeadPoseYaw"].value, abs=1.5
        )

    assert len(looked) == 60
    assert apart == []


def test_corners_of_the_mouth_tell_a_smile(looked):
    """They follow what a trained network calls a smile, which nobody asks of them exactly."""
    drop = [still.natives["MouthCornerDrop"].value for _, still, _ in looked]
    smile = [float(row["smile"]) for row, _, _ in looked]

    assert np.corrcoef(drop, smile)[0, 1] < -0.8


def test_plain_backgrounds_are_calmer_than_others(looked):
    """By the person mask, half of the plain ones lie below three quarters of the others."""
    gradient = np.array([still.natives["BackgroundGradient"].value for _, still, _ in looked])
    plain = np.array([row["background"] != "textured" for row, _, _ in looked])

    assert plain.sum() == 11
    assert np.median(gradient[plain]) < np.percentile(gradient[~plain], 25)


def test_people_lie_within_the_ranges_that_formulas_were_made_for(looked):
    """No portrait is over-exposed or of unnatural colour; all have shades and two cheeks."""
    for row, still, _ in looked:
        values = {name: native.value for name, native in still.natives.items()}

        assert values["OverExposurePrevention"] <= 0.005, row["file"]
        assert values["NaturalColour"] < 10, row["file"]
        assert values["DynamicRange"] > 5.3, row["file"]
        assert 0 < values["IlluminationUniformity"] < 1, row["file"]
