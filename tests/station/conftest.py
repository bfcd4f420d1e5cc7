"""The demo's scenes for all tests of a whole station."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenes import composed_scenes


@pytest.fixture(scope="session")
def scenes(models, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera folder with every scene in it, the cable plugged in."""
    return composed_scenes(models, pictures, tmp_path_factory)
