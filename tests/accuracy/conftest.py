"""The station's own seeing for tests of measures, and portraits to spoil."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from accuracy.looker import Looked, Looker
from demo.pictures import SUBJECTS, compose, mask_by
from edge.vision.client import ModelFiles, VisionWorker


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture and what the station sees in it."""

    name: str
    bgr: np.ndarray
    looked: Looked


@pytest.fixture(scope="session")
def looker(models):
    """Looks at any picture as a still or live: about 40 ms each."""
    with Looker(ModelFiles(models.face_landmarker, models.selfie_segmentation)) as looker:
        yield looker


@pytest.fixture(scope="session")
def compliant(looker, models, pictures, tmp_path_factory):
    """Portraits that pass every gate, made of the demo's photographs: there from nothing."""
    folder = tmp_path_factory.mktemp("scenes")
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    try:
        worker.wait_ready()
        compose(pictures, folder, mask_by(worker))
    finally:
        worker.close()
    scenes = {name: SUBJECTS[name].views[-1][0] for name in ("straightens", "suit")}
    found = {name: cv2.imread(str(folder / scene.file)) for name, scene in scenes.items()}
    return [Portrait(name, bgr, looker.look(bgr)) for name, bgr in found.items()]


@pytest.fixture(scope="session")
def labelled(looker, shared_data):
    """The sixty labelled portraits (row, portrait); tests that ask for them skip without."""
    with (shared_data / "MANIFEST.tsv").open(encoding="utf-8", newline="") as rows:
        sha256 = {row["path"]: row["sha256"] for row in csv.DictReader(rows, delimiter="\t")}
    with (shared_data / "portraits" / "labels.csv").open(encoding="utf-8", newline="") as rows:
        labels = list(csv.DictReader(rows))
    found = []
    for row in labels:
        content = (shared_data / "portraits" / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256[f"portraits/{row['file']}"]
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        found.append((row, Portrait(row["file"], bgr, looker.look(bgr))))
    return found
