"""What is no finger is refused here, before any score: scores judge fingers, gates catch the rest.

NFIQ 2 itself gives random noise 33 and an inverted print 61. Nothing here detects an artefact held
on the glass: presentation attack detection is out of scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from quality.finger.causes import Cause, measured, poor_press_cause
from quality.finger.print import Field, Print
from quality.measure import Range

GATES: Final = {
    "GreyRange": Range(low=40.0),
    "ForegroundShare": Range(low=0.35),
    "RidgeCoherence": Range(0.28, 0.95),
    "RidgeFrequencyShare": Range(low=0.40),
    "OrientationSpread": Range(low=0.05),
}
"""Measured on FVC2002 DB2_B: all 80 prints pass, noise, blanks, stripes and cloth do not."""

BACKGROUND_SHARE_MIN: Final = 0.03
POLARITY_MIN: Final = 5.0
SAME_FRAME_CORRELATION: Final = 0.85
"""Presses of one finger reach .40 (real) and .65 (synthetic); a latent print on the glass .96."""


def retry_cause(seen: Print, earlier: Sequence[Print] = ()) -> Cause | None:
    """Return what to do if this picture must not be judged as a print; None if it may.

    Args:
        seen: the press.
        earlier: the last pictures of the same reader, five at most: a print left on the glass, or
            a stuck sensor, shows the same again.
    """
    if any(_is_same_frame(seen, before) for before in earlier):
        return Cause.CLEAN_GLASS
    values = measured(seen)
    if any(values.get(name, -1.0) not in accept for name, accept in GATES.items()):
        # It may still be a finger, too dry or too wet to show ridges: then the cause says more.
        return poor_press_cause(seen) or Cause.PLACE
    if _is_inverted(seen):
        return Cause.PLACE
    return None


def _is_inverted(seen: Print) -> bool:
    """Tell a light-on-dark picture, where enough background is left to tell at all."""
    background = ~seen.foreground
    if background.mean() < BACKGROUND_SHARE_MIN or not seen.foreground.any():
        return False
    lighter = float(seen.grey[background].mean() - seen.grey[seen.foreground].mean())
    return lighter < POLARITY_MIN


def _is_same_frame(seen: Print, before: Print) -> bool:
    if seen.grey.shape != before.grey.shape:
        return False
    here, there = _details(seen.grey), _details(before.grey)
    norm = float(np.linalg.norm(here) * np.linalg.norm(there))
    return norm > 0 and float((here * there).sum()) / norm >= SAME_FRAME_CORRELATION


def _details(grey: Field) -> Field:
    details = grey - cv2.GaussianBlur(grey, (0, 0), 8.0)
    return np.asarray(details - details.mean(), np.float32)
