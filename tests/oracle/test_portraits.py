"""What the worker measures on 60 portraits, against readings taken by another hand."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from drivers.camera import Frame
from edge.vision import Depth, ModelFiles, VisionWorker

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


def test_the_worker_reads_portraits_as_they_were_read_before(material, worker):
    """Pose, eyes, lips and eye distance agree on every portrait; live agrees with the still."""
    rows = list(csv.DictReader(material.read("portraits/labels.csv").decode().splitlines()))
    apart = []
    for number, row in enumerate(rows):
        pixels = np.frombuffer(material.read(f"portraits/{row['file']}"), np.uint8)
        frame = Frame(np.asarray(cv2.imdecode(pixels, cv2.IMREAD_COLOR), np.uint8), number, 0.0)
        still, live = (worker.look(frame, depth, 30) for depth in (Depth.STILL, Depth.LIVE))
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

    assert len(rows) == 60
    assert apart == []
