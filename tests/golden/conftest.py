"""The views as the station sees them here and now; `--golden-write` records them."""

from __future__ import annotations

import pytest

from accuracy.looker import Looked, Looker
from edge.vision.client import ModelFiles
from tests.golden import sequences
from tests.golden.views import STILLS, VIEWS, Studio


def pytest_addoption(parser):
    """Heard only when this folder is named: `pytest tests/golden --golden-write`."""
    parser.addoption("--golden-write", action="store_true", help="write looks and transcripts")


@pytest.fixture(scope="session")
def fresh(models, pictures, request) -> dict[str, Looked]:
    """Every view, looked at by the station's own worker: live, and some as stills."""
    files = ModelFiles(models.face_landmarker, models.selfie_segmentation)
    with Looker(files) as looker:
        studio = Studio(
            pictures,
            lambda bgr: looker.look(bgr).person_mask,
            lambda bgr: looker.look(bgr).landmarks_px,
        )
        looks = {name: looker.look(studio.preview(name), still=False) for name in VIEWS}
        looks |= {f"{name}, still": looker.look(studio.still(name)) for name in STILLS}
    if request.config.getoption("--golden-write", default=False):
        sequences.record(looks)
        for name in sequences.SEQUENCES:
            text = sequences.transcript(name, sequences.recorded())
            (sequences.HERE / f"{name}.txt").write_text(text, encoding="utf-8")
    return looks
