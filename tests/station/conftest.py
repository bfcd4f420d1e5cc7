"""The demo's scenes, composed once for all tests of a whole station."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.pictures import compose, mask_by, plug_in
from edge.vision.client import ModelFiles, VisionWorker


@pytest.fixture(scope="session")
def scenes(models, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera folder with every scene in it, the cable plugged in."""
    folder = tmp_path_factory.mktemp("scenes")
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    try:
        compose(pictures, folder, mask_by(worker))
    finally:
        worker.close()
    plug_in(folder)
    return folder
