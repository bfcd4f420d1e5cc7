"""Five documents from one master: the floor is decoding, resizing and encoding the same five sizes.

The master is 12 megapixels. A photo's geometry is searched, its pixels are warped once and its file
is fitted to the sheet's kilobytes, then read back; the floor does one plain resize and one encoding
a photo, in turn with ours. The master's digest is given, as it is in a sitting: one a capture.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from typing import Final, TypeVar

import cv2
import numpy as np
from PIL import Image

from bench import CannotRun, Figures
from drivers.camera import Frame
from edge.portrait import crop_each, sha256_of_master
from edge.settings import load_document
from quality.document import Document
from quality.face.outline import HeadOutline

FIVE: Final = (
    "cn_exit_entry", "cn_resident_id", "cn_social_security", "icao_generic", "us_visa_ds160",
)  # fmt: skip
WIDTH_PX: Final = 4000
HEIGHT_PX: Final = 3000
ROUNDS: Final = 15
_EYES_Y_PX: Final = 1350.0
_UNIT_PX: Final = 700.0

Made = TypeVar("Made")


def measure(long: bool) -> Figures:
    """Return medians over 15 rounds (75 with `long`) on one core.

    Raises:
        CannotRun: a document cannot be met from the bench's own head any more.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _measured(75 if long else ROUNDS)
    finally:
        cv2.setNumThreads(threads)


def _measured(rounds: int) -> Figures:
    still, outline = _still(), _outline()
    documents = [load_document(name) for name in FIVE]
    master_ms, digest = _timed(lambda: sha256_of_master(still))
    ours_ms: list[float] = []
    floor_ms: list[float] = []
    made = crop_each(still, outline, documents, digest)
    if made.refused:
        raise CannotRun("; ".join(refusal.reason for refusal in made.refused.values()))
    for _ in range(rounds):
        ours_ms.append(_timed(lambda: crop_each(still, outline, documents, digest))[0])
        floor_ms.append(_timed(lambda: _plain(still, documents))[0])
    median_ms, floor_median_ms = statistics.median(ours_ms), statistics.median(floor_ms)
    return {
        "five_documents_ms_median": round(median_ms, 1),
        "five_documents_ms_p95": round(float(np.percentile(ours_ms, 95)), 1),
        "resize_and_encode_ms_median": round(floor_median_ms, 1),
        "ratio": round(median_ms / floor_median_ms, 2),
        "master_encoding_ms": round(master_ms, 1),
        "documents": len(documents),
        "rounds": rounds,
        "megapixels": WIDTH_PX * HEIGHT_PX / 1e6,
    }


def _plain(still: Frame, documents: list[Document]) -> None:
    """Do what no way round can be shorter: one area resize and one encoding a document."""
    for document in documents:
        width_px, height_px = document.canvas_px
        across = round(HEIGHT_PX * width_px / height_px)
        left = (WIDTH_PX - across) // 2
        part = still.bgr[:, left : left + across]
        small = cv2.resize(part, (width_px, height_px), interpolation=cv2.INTER_AREA)
        image = Image.fromarray(np.ascontiguousarray(small[:, :, ::-1]))
        image.save(io.BytesIO(), "JPEG", quality=90)


def _still() -> Frame:
    """Return 12 megapixels of soft shapes under sensor noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    plain = 128 + 60 * np.sin(x / 90) * np.cos(y / 130)
    noise = rng.normal(0, 18, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.float32)
    return Frame(np.clip(plain[..., None] + noise, 0, 255).astype(np.uint8), 1, 0.0)


def _outline() -> HeadOutline:
    """Return an ordinary head, upright but for three degrees."""
    x, y, unit = WIDTH_PX / 2, _EYES_Y_PX, _UNIT_PX
    c, s = float(np.cos(np.radians(3))), float(np.sin(np.radians(3)))
    points = [
        (x + c * a * unit + s * b * unit, y - s * a * unit + c * b * unit)
        for a, b in ((-0.28, 0.0), (0.28, 0.0), (0.0, 1.0), (-0.66, 0.0), (0.66, 0.0))
    ]
    left, right, chin, ear_left, ear_right = points
    return HeadOutline(
        left, right, chin, ear_left, ear_right, y - 1.22 * unit, x - 0.74 * unit, x + 0.74 * unit,
        3.0, WIDTH_PX, HEIGHT_PX,
    )  # fmt: skip


def _timed(work: Callable[[], Made]) -> tuple[float, Made]:
    began_s = time.perf_counter()
    done = work()
    return (time.perf_counter() - began_s) * 1000, done
