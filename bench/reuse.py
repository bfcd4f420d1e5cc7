"""Comparing a live frame with an earlier photo: reading, decoding, two faces, one distance.

The live frame is a photograph at the preview's size; the earlier photo is another file, in turn of
the same person and of another, so that nothing can be remembered. Floor in the same run: what
reading the photo for its measures costs, which reuse needs in any case.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from bench import CannotRun, Figures
from bench.frames import CACHE
from drivers.camera import Frame
from edge.comparison import ComparisonFailed
from edge.comparison.dlib import Config, DlibComparer, missing, open_comparer
from edge.vision.client import ModelFiles, ModelUnfit, VisionLost, VisionWorker

ROUNDS: Final = 20
LIVE_WIDTH_PX: Final = 1280
PHOTO_WIDTH_PX: Final = 480
_PEOPLE: Final = ("man-25.jpg", "man-35.jpg")
_TIMEOUT_S: Final = 30.0


def measure(long: bool) -> Figures:
    """Return medians over 20 rounds (100 with `long`).

    Raises:
        CannotRun: the optional comparison, the models or the photographs are not here.
    """
    models = CACHE / "models"
    config = Config(
        resnet=models / "dlib_face_recognition_resnet_model_v1.dat",
        five_points=models / "shape_predictor_5_face_landmarks.dat",
    )
    if (absent := missing(config)) is not None:
        raise CannotRun(f"{absent} is not installed: run `python3.11 -m setup comparison` once")
    try:
        files = ModelFiles(models / "face_landmarker.task", models / "selfie_segmentation.tflite")
        comparer = open_comparer(config)
    except ModelUnfit as reason:
        raise CannotRun(f"{reason}: run `make test` once") from reason
    worker = VisionWorker(files)
    try:
        return _measured(comparer, worker, 100 if long else ROUNDS)
    except (ComparisonFailed, VisionLost) as reason:
        raise CannotRun(f"a worker was lost: {reason}") from reason
    finally:
        worker.close()
        comparer.close()


def _measured(comparer: DlibComparer, worker: VisionWorker, rounds: int) -> Figures:
    worker.start()
    worker.wait_ready()
    lives = [Frame(_sized(name, LIVE_WIDTH_PX), n, 0.0) for n, name in enumerate(_PEOPLE)]
    photos = [_jpeg(_sized(name, PHOTO_WIDTH_PX)) for name in _PEOPLE]
    comparer.compare(lives[0], photos[0], _TIMEOUT_S)
    worker.read_photo(photos[0], _TIMEOUT_S)
    compare_ms: list[float] = []
    read_ms: list[float] = []
    agreed = 0
    for turn in range(rounds):
        live, photo = lives[turn % 2], photos[turn // 2 % 2]
        compare_ms.append(_timed(partial(comparer.compare, live, photo, _TIMEOUT_S)))
        read_ms.append(_timed(partial(worker.read_photo, photo, _TIMEOUT_S)))
        agreed += comparer.compare(live, photo, _TIMEOUT_S).agrees
    status = Path(f"/proc/{comparer.pid}/status").read_text(encoding="ascii")
    return {
        "compare_ms_median": statistics.median(compare_ms),
        "compare_ms_p95": float(np.percentile(compare_ms, 95)),
        "read_photo_ms_median": statistics.median(read_ms),
        "comparer_rss_mib": int(status.split("VmRSS:")[1].split()[0]) / 1024,
        "agreed": agreed,
        "comparisons": rounds,
    }


def _timed(do: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - began_s)


def _sized(name: str, width_px: int) -> np.ndarray:
    picture = cv2.imread(str(CACHE / "pictures" / name))
    if picture is None:
        raise CannotRun(f"{name} is not fetched: run `make test` once")
    size = (width_px, round(picture.shape[0] * width_px / picture.shape[1]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(bgr: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(bgr[:, :, ::-1]).save(out, "JPEG", quality=90)
    return out.getvalue()
