"""What the benchmarks of seeing look at: a real face, live and as a still, and the model files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench import CannotRun
from edge.vision.client import ModelFiles, ModelUnfit

Picture = npt.NDArray[np.uint8]

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache" / "anxin"
PICTURE: Final = CACHE / "pictures" / "man-35.jpg"
LIVE_PX: Final = (1280, 720)
STILL_PX: Final = (4000, 3000)
_WALL: Final = 190
_STEP_PX: Final = 3


def model_files() -> ModelFiles:
    """Return the station's model files. Raises `CannotRun`: they are not fetched."""
    try:
        return ModelFiles(
            CACHE / "models" / "face_landmarker.task",
            CACHE / "models" / "selfie_segmentation.tflite",
        )
    except ModelUnfit as reason:
        raise CannotRun(f"{reason}: run `make test` once") from reason


def live_frames(count: int = 8) -> Picture:
    """Return (count, 720, 1280, 3): a real face that moves a little, under a sensor's noise.

    Raises:
        CannotRun: the photograph is not fetched.
    """
    width_px, height_px = LIVE_PX
    noise = np.random.default_rng(2)
    frames = []
    for number in range(count):
        frame = _before_a_wall(width_px, height_px, _STEP_PX * number).astype(np.float64)
        frames.append(np.clip(frame + noise.normal(0, 2, frame.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def still() -> Picture:
    """Return (3000, 4000, 3): the same face, enlarged to a still of 12 megapixels, with noise.

    Raises:
        CannotRun: the photograph is not fetched.
    """
    picture = _before_a_wall(*STILL_PX, 0)
    noise = np.random.default_rng(2).integers(-4, 5, picture.shape, dtype=np.int16)
    return np.asarray(np.clip(picture + noise, 0, 255), dtype=np.uint8)


def _before_a_wall(width_px: int, height_px: int, right_px: int) -> Picture:
    """Return the square photograph as high as the picture, `right_px` beside the middle."""
    frame = np.full((height_px, width_px, 3), _WALL, dtype=np.uint8)
    left = (width_px - height_px) // 2 + right_px
    frame[:, left : left + height_px] = cv2.resize(_photograph(), (height_px, height_px))
    return frame


@cache
def _photograph() -> Picture:
    picture = cv2.imread(str(PICTURE))
    if picture is None:
        raise CannotRun(f"{PICTURE.name} is not fetched: run `make test` once")
    return np.asarray(picture, dtype=np.uint8)
