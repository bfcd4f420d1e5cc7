"""Where the points of a sheet lie in the simulated camera's picture: pose, lens, distortion."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.peers.lens_bench_sheets import Light, Sheet
from drivers.peers.lens_bench_truth import Truth

Matrix = npt.NDArray[np.float64]
Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""

FOCAL_SHARE: Final = 1.25
"""Focal length over the picture's longer side: an angle of view of 43.6 degrees."""
FINE: Final = 4
"""Samples of one pixel, across and down."""


def focal_px(size_px: tuple[int, int]) -> float:
    """Return the focal length for pictures of this width and height."""
    return FOCAL_SHARE * max(size_px)


def window_of(sheet: Sheet, truth: Truth, size_px: tuple[int, int], reach_px: float) -> Window:
    """Return the part of the picture that the sheet, and what its edges spread to, can reach."""
    height, width = sheet.light.shape[:2]
    along = np.linspace(0, 1, 25)
    sides = [(along, 0 * along), (along, 0 * along + 1), (0 * along, along), (0 * along + 1, along)]
    edge = np.concatenate([np.stack(one, axis=1) for one in sides])
    places = edge * (width + 1, height + 1) - 1
    points = np.concatenate([places, np.ones((len(places), 1))], axis=1)
    seen = np.linalg.inv(_to_sheet(sheet, truth, size_px)) @ points.T
    focal, middle = focal_px(size_px), (np.array(size_px) - 1) / 2
    straight = (seen[:2] / seen[2]).T - middle
    radius = np.hypot(*straight.T) / focal
    bent = straight * (1 + truth.k1 * radius**2)[:, None] + middle
    low = np.maximum(np.floor(bent.min(axis=0) - reach_px), 0).astype(int)
    high = np.minimum(np.ceil(bent.max(axis=0) + reach_px) + 1, size_px).astype(int)
    return (
        int(min(low[0], size_px[0] - 1)), int(min(low[1], size_px[1] - 1)),
        int(max(high[0], 1)), int(max(high[1], 1)),
    )  # fmt: skip


def projected(
    sheet: Sheet, truth: Truth, size_px: tuple[int, int], window: Window, beyond: float
) -> Light:
    """Return FINE x FINE samples of every pixel in the window.

    Args:
        sheet: what is seen.
        truth: pose and distortion.
        size_px: of the whole picture.
        window: the part wanted.
        beyond: light of what is not the sheet.
    """
    left, top, right, bottom = window
    width, height = (right - left) * FINE, (bottom - top) * FINE
    to_sheet = _to_sheet(sheet, truth, size_px)
    wall = beyond if sheet.light.ndim == 2 else (beyond, beyond, beyond)
    if truth.k1 == 0:
        # Middle of a sample to the picture's coordinates, whose whole numbers are pixels' middles.
        shift = (1 / FINE - 1) / 2
        fine = np.array([[1 / FINE, 0, left + shift], [0, 1 / FINE, top + shift], [0, 0, 1]])
        found = cv2.warpPerspective(
            sheet.light, to_sheet @ fine, (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=wall,
        )  # fmt: skip
        return np.asarray(found, np.float32)
    places = _undistorted_places(to_sheet, truth.k1, size_px, window)
    x, y = (cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in places)
    found = cv2.remap(sheet.light, x, y, cv2.INTER_LINEAR, borderValue=wall)
    return np.asarray(found, np.float32)


def _to_sheet(sheet: Sheet, truth: Truth, size_px: tuple[int, int]) -> Matrix:
    """Return the map from undistorted pixels to pixels of the sheet."""
    width, height = size_px
    focal = focal_px(size_px)
    yaw, pitch, roll = (
        math.radians(one) for one in (truth.yaw_deg, truth.pitch_deg, truth.roll_deg)
    )
    turned = _about(1, yaw) @ _about(0, pitch) @ _about(2, roll)
    towards = np.array([truth.shift_x * width / focal, truth.shift_y * height / focal, 1.0])
    place = 1000 * truth.distance_m * towards / np.linalg.norm(towards)
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    to_picture = camera @ np.stack([turned[:, 0], turned[:, 1], place], axis=1)
    scale = sheet.px_per_mm
    to_px = np.array([
        [scale, 0, (sheet.light.shape[1] - 1) / 2],
        [0, scale, (sheet.light.shape[0] - 1) / 2],
        [0, 0, 1],
    ])  # fmt: skip
    return np.asarray(to_px @ np.linalg.inv(to_picture), np.float64)


def _about(axis: int, angle: float) -> Matrix:
    """Return the right-handed turn about x (0, right), y (1, down) or z (2, away)."""
    way = np.zeros(3)
    way[axis] = angle
    return np.asarray(cv2.Rodrigues(way)[0], np.float64)


def _undistorted_places(
    to_sheet: Matrix, k1: float, size_px: tuple[int, int], window: Window
) -> tuple[Light, Light]:
    """Return where on the sheet half-pixel samples lie; they are smooth, so finer ones follow."""
    (width, height), focal = size_px, focal_px(size_px)
    left, top, right, bottom = window
    x = (left + (np.arange(2 * (right - left)) + 0.5) / 2 - 0.5 - (width - 1) / 2) / focal
    y = (top + (np.arange(2 * (bottom - top)) + 0.5) / 2 - 0.5 - (height - 1) / 2) / focal
    xs, ys = np.meshgrid(x, y)
    bent = np.hypot(xs, ys)
    straight = np.linspace(0, 2.0, 8192)
    curve = straight * (1 + k1 * straight**2)
    rising = int(np.argmax(np.diff(curve, append=-1.0) <= 0)) + 1
    radius = np.interp(bent, curve[:rising], straight[:rising])
    gain = focal * radius / np.maximum(bent, 1e-9)
    points = np.stack([xs * gain + (width - 1) / 2, ys * gain + (height - 1) / 2, np.ones_like(xs)])
    found = np.tensordot(to_sheet, points, axes=1)
    return (found[0] / found[2]).astype(np.float32), (found[1] / found[2]).astype(np.float32)
