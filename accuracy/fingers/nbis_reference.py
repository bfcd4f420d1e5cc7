"""NFIQ 2 and bozorth3, for processes that measure and end: the library is never in the station's.

Source: PyPI nbis-py 0.1.3; settings as `edge/fingers/nbis_worker.py` has them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from accuracy.fingers.drawn import Pixels


def minutiae_of(pixels: Pixels, *, scored: bool = True) -> Any | None:
    """Return the library's own minutiae of a picture of 500 ppi; None where it finds none."""
    png = cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()
    try:
        return _extractor(scored).extract_minutiae(png)
    except _failures():
        return None


def nfiq2(minutiae: Any | None) -> int | None:
    """Return the score, 0..100; None where NFIQ 2 gives none."""
    if minutiae is None:
        return None
    try:
        return int(minutiae.quality().score)
    except _failures():
        return None


def match(first: Any | None, second: Any | None) -> int:
    """Return bozorth3 of two pictures' minutiae; 0 where one has none."""
    return 0 if first is None or second is None else int(first.compare(second))


@cache
def _library() -> Any:
    return import_module("nbis")


def _failures() -> tuple[type[Exception], ...]:
    return _library().NbisError, _library().InternalError


@cache
def _extractor(scored: bool) -> Any:
    settings = _library().NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False,
        compute_nfiq2=scored, ppi=500.0,
    )  # fmt: skip
    return _library().new_nbis_extractor(settings)


def score_of(pixels: Pixels) -> int | None:
    """Return NFIQ 2 of a picture of 500 ppi; None where it gives none."""
    return nfiq2(minutiae_of(pixels))
