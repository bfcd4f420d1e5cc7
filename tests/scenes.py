"""The demo's scenes, composed once for all processes of a run."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

import pytest

from demo.pictures import compose, mask_by, plug_in
from edge.vision.client import ModelFiles, VisionWorker


class Models(Protocol):
    """Where set-up put the model files."""

    face_landmarker: Path
    selfie_segmentation: Path


def composed_scenes(models: Models, pictures: Path, factory: pytest.TempPathFactory) -> Path:
    """Return a camera folder with every scene in it, the cable plugged in: copy it, change nothing.

    Whoever comes first composes it; the others wait for it.
    """
    run = factory.getbasetemp()
    folder = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "scenes"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _compose(models, pictures, folder)
    return folder


def _compose(models: Models, pictures: Path, folder: Path) -> None:
    half = folder.with_suffix(".half")
    half.mkdir()
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    try:
        compose(pictures, half, mask_by(worker))
    finally:
        worker.close()
    plug_in(half)
    half.rename(folder)
