"""The optional reference material, read only as its manifest describes it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest


class Material:
    """Files of the reference folder, each checked against its manifest before it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as rows:
            self._sha256 = {
                row["path"]: row["sha256"] for row in csv.DictReader(rows, delimiter="\t")
            }

    def read(self, path: str) -> bytes:
        content = (self._folder / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == self._sha256[path], path
        return content


@pytest.fixture(scope="session")
def material(shared_data):
    return Material(shared_data)
