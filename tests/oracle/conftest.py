"""The optional reference material, read only as its manifest describes it."""

from __future__ import annotations

import pytest

from accuracy.material import Material


@pytest.fixture(scope="session")
def material(shared_data):
    return Material(shared_data)
