"""The optional reference material beside a checkout, read only as its manifest describes it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

FOLDER: Final = Path("../shared/data")
"""Beside the checkout, from whose top the command is given."""
LABELS: Final = "portraits/labels.csv"


class MaterialMissing(Exception):
    """Something to measure on is not here. The message is one sentence that says what."""


class Material:
    """Files of the reference folder, each checked against its manifest before it is read.

    Raises:
        MaterialMissing: the folder or its manifest is not there.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        try:
            text = (folder / "MANIFEST.tsv").read_text(encoding="utf-8")
        except OSError as error:
            raise MaterialMissing(
                "The reference material is not beside this checkout: "
                "put its folder at ../shared/data and run this again"
            ) from error
        rows = csv.DictReader(text.splitlines(), delimiter="\t")
        self._sha256 = {row["path"]: row["sha256"] for row in rows}

    def read(self, path: str) -> bytes:
        """Return one file's bytes. Raises `MaterialMissing`: absent, or other bytes than listed."""
        try:
            content = (self._folder / path).read_bytes()
        except OSError as error:
            raise MaterialMissing(f"The reference material lacks {path}") from error
        if hashlib.sha256(content).hexdigest() != self._sha256.get(path):
            raise MaterialMissing(f"The reference material's {path} is not what its manifest lists")
        return content

    def rows(self, path: str, delimiter: str = ",") -> list[dict[str, str]]:
        """Return a table's rows by its header's names. Raises `MaterialMissing`."""
        return list(csv.DictReader(self.read(path).decode().splitlines(), delimiter=delimiter))

    def picture(self, path: str, flags: int = cv2.IMREAD_COLOR) -> npt.NDArray[np.uint8]:
        """Return decoded pixels, (height, width[, 3]) in BGR. Raises `MaterialMissing`."""
        picture = cv2.imdecode(np.frombuffer(self.read(path), np.uint8), flags)
        if picture is None:
            raise MaterialMissing(f"The reference material's {path} is no picture")
        return np.asarray(picture, dtype=np.uint8)

    def portraits(self) -> Iterator[tuple[dict[str, str], npt.NDArray[np.uint8]]]:
        """Yield each labelled portrait: the row of its labels, and its pixels."""
        for row in self.rows(LABELS):
            yield row, self.picture(f"portraits/{row['file']}")
