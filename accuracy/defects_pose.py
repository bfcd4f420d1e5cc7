"""Faults of bearing and holding still, painted: tilted, turned, chin up or down, moved, blurred."""

from __future__ import annotations

from math import cos, radians, sin
from typing import Final

import cv2
import numpy as np

from accuracy.canvas import Landmarks, Picture, encoded, linear
from quality.face.points import eye_centres

TILT_DEG: Final = 24.0
TURN_DEG: Final = 18.0
NOD_DEG: Final = 26.0
BOW_DEG: Final = 42.0


def blurred(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Put the lens out of focus: a soft spot up to an eighth of an eye distance wide."""
    sigma = max(0.01, 0.03 * strength * _apart_px(landmarks_px))
    return encoded(np.asarray(cv2.GaussianBlur(linear(bgr), (0, 0), sigma), np.float32))


def moved(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Let the person move while the shutter is open: a straight smear, slightly slanting."""
    length = round(0.3 * strength * _apart_px(landmarks_px))
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    reach = np.array([cos(radians(15)), sin(radians(15))]) * length / 2
    ends = np.rint(16 * (length + np.outer([-1, 1], reach))).astype(np.int32)
    cv2.polylines(kernel, [ends], False, 1.0, 1, cv2.LINE_AA, 4)
    smeared = cv2.filter2D(linear(bgr), -1, kernel / kernel.sum())
    return encoded(np.asarray(smeared, np.float32))


def tilted(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Tilt the head anticlockwise in the picture, the wall with it."""
    x, y = landmarks_px[:33].mean(axis=0)
    turn = cv2.getRotationMatrix2D((float(x), float(y)), TILT_DEG * strength, 1.0)
    size = bgr.shape[1], bgr.shape[0]
    turned = cv2.warpAffine(bgr, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def turned(bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float) -> Picture:
    """Turn the face to the picture's right."""
    return _rotated(bgr, landmarks_px, yaw_deg=TURN_DEG * strength, nod_deg=0.0)


def chin_raised(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Raise the chin."""
    return _rotated(bgr, landmarks_px, yaw_deg=0.0, nod_deg=-NOD_DEG * strength)


def chin_lowered(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Lower the chin."""
    return _rotated(bgr, landmarks_px, yaw_deg=0.0, nod_deg=BOW_DEG * strength)


def _rotated(bgr: Picture, landmarks_px: Landmarks, yaw_deg: float, nod_deg: float) -> Picture:
    """Turn the head as if it were an egg with a nose, seen from far away.

    The egg's outline stays where it is, and what lies on it moves: that is what a turned head looks
    like but for what comes into sight from behind, which no picture of the front has.
    """
    left, right = eye_centres(landmarks_px, whole_px=False)
    apart_px = _apart_px(landmarks_px)
    along = (right - left) / apart_px
    axes = np.array([along, [-along[1], along[0]]], np.float32)
    chin, eyes = landmarks_px[16], (left + right) / 2
    middle = eyes + 0.25 * (chin - eyes)
    half = np.array([0.56 * np.ptp(landmarks_px[:33, 0]), 1.45 * float(np.hypot(*(chin - middle)))])
    rows, columns = np.indices(bgr.shape[:2], dtype=np.float32)
    away = np.stack([columns - middle[0], rows - middle[1]], axis=-1).astype(np.float32) @ axes.T
    away /= half
    depth = np.sqrt(np.clip(1 - (away**2).sum(axis=-1), 0, None)) * half[0]
    nose = (landmarks_px[54] - middle) @ axes.T / half
    spread = ((away - nose) ** 2 / (0.16, 0.22)).sum(axis=-1)
    depth = depth + 0.16 * half[0] * np.exp(-spread / 0.35) * (depth > 0)
    # The surface's own place before the turn, to first order: enough below thirty degrees.
    by = np.stack([depth * sin(radians(yaw_deg)), depth * sin(radians(nod_deg))], axis=-1)
    source = np.stack([columns, rows], axis=-1) - by @ axes
    moved_to = source.astype(np.float32)
    return np.asarray(
        cv2.remap(bgr, moved_to[..., 0], moved_to[..., 1], cv2.INTER_CUBIC,
                  borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )  # fmt: skip


def _apart_px(landmarks_px: Landmarks) -> float:
    left, right = eye_centres(landmarks_px, whole_px=False)
    return max(1.0, float(np.hypot(*(right - left))))
