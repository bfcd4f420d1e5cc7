"""Faces that nobody has: drawn points, colours and masks, for comparing formulas with formulas."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.face import PARSING_SIDE_PX, Face

_OCCLUSION_SIDE_PX = 616


def made_up_face(seed: int) -> Face:
    """Return a face of random size, place, tilt, colour, light and masks; the seed decides all."""
    rng = np.random.default_rng(seed)
    shape = _points(rng)
    tilt, size = rng.normal(0, 0.2), rng.uniform(0.5, 2.0)
    spin = size * np.array([(np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))])
    height_px, width_px = rng.integers(350, 800, 2)
    place = rng.uniform(0.35, 0.65, 2) * (width_px, height_px)
    points = np.round((shape + rng.normal(0, 1.5, shape.shape)) @ spin + place)
    coarse = rng.normal(0, rng.uniform(5, 60), (8, 8, 3)) + rng.uniform(40, 230, 3)
    smooth = cv2.resize(coarse, (int(width_px), int(height_px)), interpolation=cv2.INTER_CUBIC)
    bgr = np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    parsing = _blocks(rng.integers(0, 19, (6, 6), np.uint8), PARSING_SIDE_PX)
    parsing[:, :120] = 0
    occlusion = _blocks(rng.integers(0, 2, (9, 9), np.uint8), _OCCLUSION_SIDE_PX)
    areas = tuple(sorted(rng.uniform(100, 9000, rng.integers(1, 4)), reverse=True))
    return Face(
        bgr, points, rng.uniform(-30, 30), 0.0, 0.0, areas, parsing=parsing, occlusion=occlusion
    )


def _points(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return (98, 2): contour, brows, nose, eyes and lips about the nose's root."""
    turn = np.linspace(np.pi, 0, 33)
    shape = np.zeros((98, 2))
    shape[:33] = np.column_stack([100 * np.cos(turn), 10 + 130 * np.sin(turn)])
    shape[33:51] = np.column_stack([np.linspace(-85, 85, 18), np.full(18, -40)])
    shape[51:60] = np.column_stack([np.linspace(-12, 12, 9), np.linspace(10, 50, 9)])
    shape[54] = (0, 40)
    opening, gap = rng.uniform(1, 9), rng.uniform(0, 9)
    for first, middle in ((60, -48), (68, 48)):
        eye = np.linspace(0, 2 * np.pi, 9)[:8]
        shape[first : first + 8] = np.column_stack(
            [middle - 22 * np.cos(eye), -opening * np.sin(eye)]
        )
    for first, count, width, height in ((76, 12, 38, 12 + gap), (88, 8, 32, gap)):
        lip = np.linspace(0, 2 * np.pi, count + 1)[:count]
        shape[first : first + count] = np.column_stack(
            [-width * np.cos(lip), 85 - height * np.sin(lip)]
        )
    shape[96:] = [(-48, 0), (48, 0)]
    return shape


def _blocks(coarse: npt.NDArray[np.uint8], side_px: int) -> npt.NDArray[np.uint8]:
    large = cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, dtype=np.uint8)
