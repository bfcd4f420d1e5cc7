"""Faults of eyes and mouth, painted: lids down, irises aside, lips apart, teeth."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from accuracy.canvas import Canvas, Floats, Landmarks, Picture

_EYES: Final = (
    ((60, 61, 62, 63, 64), (60, 67, 66, 65, 64), 96),
    ((68, 69, 70, 71, 72), (68, 75, 74, 73, 72), 97),
)
"""Upper lid, lower lid, iris of each eye, from the picture's left."""
_IRIS: Final = 0.21
"""The iris's radius in eye widths."""
_EYES_REACH: Final = 1.1
_MOUTH_REACH: Final = 2.0
_CORNERS: Final = (76, 82)
_GUMS: Final = np.array([0.035, 0.03, 0.09], np.float32)
_TOOTH: Final = np.array([0.60, 0.68, 0.74], np.float32)


def eyes_closed(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Draw the upper lids down, with the skin above them, to meet the lower ones."""
    canvas = Canvas(bgr, landmarks_px, seed=71, reach=_EYES_REACH)
    x, y = canvas.grid()
    to_y = y.copy()
    for upper, lower, _ in _EYES:
        top, bottom = (_line(canvas.of(lid), x) for lid in (upper, lower))
        # The landmarks lie a little inside the lids' real rims.
        opening = 1.12 * np.maximum(bottom - top, 0)
        top = bottom - opening
        above = top - (0.08 + 0.5 * float(opening.max()))
        lid = top + strength * opening
        within = _between(canvas.of(upper), x) & (y > above) & (y < lid)
        stretched = above + (y - above) * (top - above) / np.maximum(lid - above, 1e-6)
        to_y = np.where(within, stretched, to_y)
    _bend(canvas, x, to_y)
    return canvas.finished()


def gaze_away(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Move both irises to the picture's right behind lids that stay."""
    canvas = Canvas(bgr, landmarks_px, seed=72, reach=_EYES_REACH)
    x, y = canvas.grid()
    to_x, opened = x.copy(), np.zeros(x.shape, np.float32)
    for upper, lower, iris in _EYES:
        rim = canvas.of(upper)
        first, last = rim[0, 0], rim[-1, 0]
        width = last - first
        radius, place = _IRIS * width, canvas.of(iris)[0, 0]
        by = min(0.30 * strength * width, max(0.0, last - 0.3 * radius - place))
        ends = [first, place + by - radius, place + by + radius, last + radius]
        came = [first, place - radius, place + radius, last + radius]
        within = _between(rim, x)
        to_x = np.where(within, np.interp(x, ends, came).astype(np.float32), to_x)
        eye = [*rim.tolist(), *canvas.of(lower)[-2:0:-1].tolist()]
        opened = np.maximum(opened, canvas.shape(eye, soft=0.012))
    before = canvas.light.copy()
    _bend(canvas, to_x, y)
    canvas.light = before + (canvas.light - before) * opened[..., None]
    return canvas.finished()


def mouth_open(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Let the jaw hang: the lower lip goes down, and it is dark between the lips."""
    canvas = Canvas(bgr, landmarks_px, seed=73, reach=_MOUTH_REACH)
    gap, _, _ = _parted(canvas, 0.35 * strength)
    canvas.lay(gap, _GUMS * canvas.lamp() * 0.4)
    return canvas.finished()


def teeth_shown(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Part the lips over a row of teeth."""
    canvas = Canvas(bgr, landmarks_px, seed=74, reach=_MOUTH_REACH)
    gap, depth, height = _parted(canvas, 0.22 * strength)
    canvas.lay(gap, _GUMS * canvas.lamp())
    x, _ = canvas.grid()
    between = np.abs(((x / 0.085) % 1.0) - 0.5) > 0.46
    row = (depth > 0.06 * height) & (depth < 0.94 * height) & ~between
    teeth = cv2.GaussianBlur(row.astype(np.float32), (0, 0), max(0.5, 0.006 * canvas.apart_px))
    canvas.lay(gap * teeth, _TOOTH * canvas.lamp())
    return canvas.finished()


def _parted(canvas: Canvas, by: float) -> tuple[Floats, Floats, Floats]:
    """Move the lower lip down by up to so many eye distances.

    Returns:
        The gap (height, width), 1 inside; how deep in it each pixel lies; how high it is there.
    """
    x, y = canvas.grid()
    lips = (canvas.of((88, 89, 90, 91, 92)) + canvas.of((88, 95, 94, 93, 92))) / 2
    seam = _line(lips, x)
    (left, _), (right, _) = canvas.of(_CORNERS)
    middle, half = (left + right) / 2, (right - left) / 2
    height = by * np.clip(1 - ((x - middle) / (0.92 * half)) ** 2, 0, None)
    chin = canvas.of(16)[0, 1] + by
    below = (y > seam + height) & (y < chin) & (np.abs(x - middle) < half)
    squeezed = seam + (y - seam - height) * (chin - seam) / np.maximum(chin - seam - height, 1e-6)
    _bend(canvas, x, np.where(below, squeezed, y))
    depth = y - seam
    gap = ((depth > 0) & (depth < height)).astype(np.float32)
    soft = cv2.GaussianBlur(gap, (0, 0), max(0.5, 0.006 * canvas.apart_px))
    return np.asarray(soft, np.float32), depth.astype(np.float32), height.astype(np.float32)


def _line(points: Landmarks, x: Floats) -> Floats:
    """Return y of a smooth line through points, from left to right, at each x."""
    reach = np.linspace(points[0, 0], points[-1, 0], 64)
    rough = np.interp(reach, points[:, 0], points[:, 1])
    smooth = np.convolve(np.pad(rough, 6, mode="edge"), np.ones(13) / 13, "valid")
    return np.asarray(np.interp(x, reach, smooth), np.float32)


def _between(points: Landmarks, x: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((x > points[0, 0]) & (x < points[-1, 0]))


def _bend(canvas: Canvas, to_x: Floats, to_y: Floats) -> None:
    """Take every pixel's light from another place, given in eye distances."""
    places = canvas.px(np.stack([to_x, to_y], axis=-1).reshape(-1, 2))
    rows, columns = canvas.light.shape[:2]
    where = places.reshape(rows, columns, 2).astype(np.float32)
    canvas.light = np.asarray(
        cv2.remap(canvas.light, where[..., 0], where[..., 1], cv2.INTER_LINEAR,
                  borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )  # fmt: skip
