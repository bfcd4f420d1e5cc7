"""Faults of the place, painted: what is behind a person, who is beside, what leaves the picture."""

from __future__ import annotations

import cv2
import numpy as np

from accuracy.canvas import Landmarks, Picture, encoded, linear
from quality.face.points import eye_centres


def busy_background(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Put shelves and boxes of all colours behind the person, the stronger the less pale."""
    chance = np.random.default_rng(61)
    apart_px = _apart_px(landmarks_px)
    things = bgr.copy()
    height, width = bgr.shape[:2]
    for _ in range(int(40 * width * height / (3 * apart_px) ** 2)):
        x, y = chance.integers(0, width), chance.integers(0, height)
        size = chance.uniform(0.1, 0.8, 2) * apart_px
        colour = tuple(int(level) for level in chance.integers(20, 235, 3))
        corner = int(x + size[0]), int(y + size[1])
        cv2.rectangle(things, (int(x), int(y)), corner, colour, -1, cv2.LINE_AA)
    return _behind(bgr, things, person_mask, 0.9 * strength)


def dark_background(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Stand the well-lit person before a dark wall."""
    return _behind(bgr, encoded(linear(bgr) * (1 - 0.97 * strength)), person_mask, 1.0)


def wall_shadow(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Cast the head's soft shadow on the wall, beside and below it."""
    apart_px = _apart_px(landmarks_px)
    shift = np.array([[1, 0, 0.8 * apart_px], [0, 1, 0.25 * apart_px]])
    size = bgr.shape[1], bgr.shape[0]
    cast = cv2.warpAffine(person_mask, shift, size).astype(np.float32) / 255
    soft = cv2.GaussianBlur(cast, (0, 0), max(1.0, 0.25 * apart_px))[..., None]
    shaded = encoded(np.asarray(linear(bgr) * (1 - 0.85 * strength * soft), np.float32))
    return _behind(bgr, shaded, person_mask, 1.0)


def second_person(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Let somebody look in from the side; `strength` is how much of their face is in the picture.

    It is the subject's mirror image, a little smaller, behind the subject.
    """
    scale = 0.8
    face = landmarks_px[:33]
    width_px = scale * float(np.ptp(face[:, 0]))
    middle_x, middle_y = face.mean(axis=0)
    from_right = middle_x <= bgr.shape[1] / 2
    inner = strength * width_px - width_px / 2
    to_x = bgr.shape[1] - inner if from_right else inner
    mirror = np.array([[-scale, 0, to_x + scale * middle_x], [0, scale, (1 - scale) * middle_y]])
    size = bgr.shape[1], bgr.shape[0]
    other = cv2.warpAffine(bgr, mirror, size, flags=cv2.INTER_AREA)
    where = cv2.warpAffine(person_mask, mirror, size).astype(np.float32)[..., None] / 255
    # Where the mirrored picture ends the other person's body would float: nobody is there.
    beside = np.asarray(np.rint(bgr * (1 - where) + other * where), np.uint8)
    return _behind(bgr, beside, person_mask, 1.0)


def cut_off(
    bgr: Picture, landmarks_px: Landmarks, person_mask: Picture, strength: float
) -> Picture:
    """Move the picture until a part of the face has left it by the nearer side."""
    left, right = landmarks_px[:, 0].min(), landmarks_px[:, 0].max()
    width = bgr.shape[1]
    gone = strength * 0.28 * (right - left)
    nearer_left = left < width - right
    by = -(left + gone) if nearer_left else width - right + gone
    shift = np.array([[1, 0, by * min(1.0, strength / 0.4)], [0, 1, 0]])
    return np.asarray(
        cv2.warpAffine(bgr, shift, (width, bgr.shape[0]), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _behind(bgr: Picture, other: Picture, person_mask: Picture, share: float) -> Picture:
    """Return the person of one picture before the other one, which shows by a share."""
    wall = share * (1 - person_mask[..., None].astype(np.float32) / 255)
    return np.asarray(np.rint(bgr * (1 - wall) + other * wall), np.uint8)


def _apart_px(landmarks_px: Landmarks) -> float:
    left, right = eye_centres(landmarks_px, whole_px=False)
    return max(1.0, float(np.hypot(*(right - left))))
