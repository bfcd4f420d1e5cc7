"""A picture's share of being a live face, by networks that an operator installs himself.

MiniFASNet looks at the face with some of its surroundings, at two scales: a sheet's edge or a
telephone's frame is what it knows best. The station ships no weights; `setup.attack_models` turns
the published ones into ONNX. OpenCV runs them, so no further runtime is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.points import Points
from quality.measure import CannotAssess

Picture = npt.NDArray[np.uint8]
SIDE_PX: Final = 80
LIVE_CLASS: Final = 1
LIVE_MIN: Final = 0.6
"""[ours] 59 of 60 portraits lie above, all prints and screens with a visible border below: see
docs/presentation-attack.md."""
_CONTOUR: Final = slice(0, 33)
_BROWS: Final = slice(33, 51)
_FOREHEAD: Final = 0.35
"""The makers' box reaches the hairline; the landmarks end at the brows."""


class NotANetwork(Exception):
    """OpenCV cannot read it."""


class AttackNets:
    """The networks, loaded from ONNX; each with how much around the face it sees.

    Raises:
        NotANetwork: one of them is none.
    """

    def __init__(self, networks: Sequence[tuple[float, bytes]]) -> None:
        self._nets = [(around, _loaded(content)) for around, content in networks]

    def __bool__(self) -> bool:
        """There is a network at all."""
        return bool(self._nets)

    def live_share(self, bgr: Picture, landmarks_px: Points) -> float:
        """Return the mean share, 0..1, that the networks give to a live face.

        Args:
            bgr: (height, width, 3), a picture from the camera itself, the face not cropped.
            landmarks_px: (98, 2), WFLW order.

        Raises:
            CannotAssess: the face's box is empty.

        Source: minivision-ai, Silent-Face-Anti-Spoofing: BGR 0..255, 80 x 80, crops of 2.7 and 4.0
        times the face's box, mean of two softmax, class 1 is live.
        """
        shares = []
        for around, net in self._nets:
            patch = surroundings(bgr, face_box(landmarks_px), around)
            net.setInput(cv2.dnn.blobFromImage(patch))
            shares.append(float(net.forward()[0, LIVE_CLASS]))
        return float(np.mean(shares))


def face_box(landmarks_px: Points) -> tuple[float, float, float, float]:
    """Return left, top, width, height from hairline to chin, in px."""
    contour, brow_y = landmarks_px[_CONTOUR], float(landmarks_px[_BROWS, 1].min())
    left, chin = float(contour[:, 0].min()), float(contour[:, 1].max())
    top = brow_y - _FOREHEAD * (chin - brow_y)
    return left, top, float(contour[:, 0].max()) - left, chin - top


def surroundings(bgr: Picture, box: tuple[float, float, float, float], around: float) -> Picture:
    """Return (80, 80, 3): the box enlarged so many times, moved to lie within the picture.

    Raises:
        CannotAssess: the box is empty.
    """
    height_px, width_px = bgr.shape[:2]
    left, top, width, height = box
    if width < 1 or height < 1:
        raise CannotAssess("the face's box is empty")
    scale = min(around, (width_px - 1) / width, (height_px - 1) / height)
    x, right = _within(left + width / 2, width * scale, width_px)
    y, bottom = _within(top + height / 2, height * scale, height_px)
    return np.asarray(cv2.resize(bgr[y : bottom + 1, x : right + 1], (SIDE_PX, SIDE_PX)), np.uint8)


def _within(middle: float, length: float, size: int) -> tuple[int, int]:
    first = min(max(middle - length / 2, 0.0), size - 1 - length)
    return max(0, int(first)), min(size - 1, int(first + length))


def _loaded(content: bytes) -> Any:
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    except cv2.error as error:
        raise NotANetwork(str(error)) from error
