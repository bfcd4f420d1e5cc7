"""Earlier photos of the demo's person: whose, how old, how they arrive, and what must come of each.

They are made from the same pinned photographs as the scenes, turned, cropped and lit differently,
as a document's photo of some years ago would be. Dates are counted from today, so that "a day too
old" is a day too old whenever the demo runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from demo.pictures import EYES_PX
from edge.reuse.policy import ReusePolicy, ReuseRule
from edge.reuse.rule import years_after

DOCUMENT: Final = "ordinary_passport"
SOURCE: Final = "exit_entry"
SIZE_PX: Final = (354, 472)
EYES_AT: Final = (0.5, 0.45)
SCALE: Final = 0.56
"""Pixels of the earlier photo for one of the photograph: the whole head, hair too, is on it."""
EXPOSURE: Final = 0.94
JPEG_QUALITY: Final = 92
USUAL_AGE_YEARS: Final = 70
USUAL_PHOTO_YEARS: Final = 3

PhotoState = Literal["used", "declined", "unfit"]


@dataclass(frozen=True, slots=True)
class EarlierPhoto:
    """One case of the offer, and what must come of it.

    Attributes:
        photograph: of whom it was made, and `turn_deg` by how much it is turned upright.
        sixty_today: the applicant becomes as old as the rule asks for on the application date.
        day_too_old: the photo was taken one day too early.
        cut_off: only half of its bytes arrive, and the digest is theirs.
        chosen: the person wants it; else a new one.
        same: what the attendant sees in both pictures.
        expect: what becomes of the photo, and `why` if it is unfit.
    """

    title: str
    photograph: str = "man-25.jpg"
    turn_deg: float = -9.0
    sixty_today: bool = False
    day_too_old: bool = False
    cut_off: bool = False
    chosen: bool = True
    same: bool = True
    expect: PhotoState = "used"
    why: str | None = None

    @property
    def offered(self) -> bool:
        """Whether the person is asked at all."""
        return not (self.day_too_old or self.cut_off)

    @property
    def origin(self) -> Literal["reused", "captured"]:
        """Where the portrait in the package must come from."""
        return "reused" if self.expect == "used" else "captured"


EARLIER_PHOTOS: Final[Mapping[str, EarlierPhoto]] = {
    "accepted": EarlierPhoto("of three years ago: the person wants it, the attendant signs"),
    "declined": EarlierPhoto(
        "the same, but the person wants a new one", chosen=False, expect="declined"
    ),
    "too_old_by_a_day": EarlierPhoto(
        "taken one day too early: it is not offered", day_too_old=True, expect="unfit",
        why="too_old",
    ),
    "sixty_today": EarlierPhoto(
        "of three years ago, and its person is sixty just today", sixty_today=True
    ),
    "other_person": EarlierPhoto(
        "of another man: the attendant says so", "man-35.jpg", 0.0, same=False, expect="unfit",
        why="other_person",
    ),
    "unreadable": EarlierPhoto(
        "half of its bytes are missing: it is not offered", cut_off=True, expect="unfit",
        why="photo_truncated",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dates:
    """Civil dates of one order."""

    applied_on: date
    born_on: date
    taken_on: date


def dates(case: EarlierPhoto, policy: ReusePolicy, today: date) -> Dates:
    """Return the dates that make this case, by the first rule that speaks of the document.

    Raises:
        StopIteration: the policy has no rule for `DOCUMENT`.
    """
    rule = next(rule for rule in policy.reuse.values() if DOCUMENT in rule.documents)
    born_on = _years_ago(today, rule.min_age_years if case.sixty_today else USUAL_AGE_YEARS, rule)
    taken_on = _years_ago(today, USUAL_PHOTO_YEARS, rule)
    if case.day_too_old:
        taken_on = _years_ago(today - timedelta(days=1), rule.max_age_years, rule)
    return Dates(today, born_on, taken_on)


def _years_ago(today: date, years: int, rule: ReuseRule) -> date:
    """Return the last day whose anniversary is over today."""
    last = today - timedelta(days=365 * years)
    days = (last - timedelta(days=n) for n in itertools.count())
    return next(day for day in days if years_after(day, years, rule.leap_day) <= today)


def photo_jpeg(case: EarlierPhoto, pictures: Path) -> bytes:
    """Return the earlier photo's bytes as they arrive.

    Args:
        case: whose, and whether whole.
        pictures: folder of the fetched photographs.

    Raises:
        OSError: the photograph cannot be read.
    """
    photograph = cv2.imread(str(pictures / case.photograph))
    if photograph is None:
        raise OSError(f"{case.photograph} is not among the fetched pictures")
    width_px, height_px = SIZE_PX
    eyes_px = EYES_PX[case.photograph]
    matrix = cv2.getRotationMatrix2D(eyes_px, case.turn_deg, SCALE)
    matrix[0, 2] += EYES_AT[0] * width_px - eyes_px[0]
    matrix[1, 2] += EYES_AT[1] * height_px - eyes_px[1]
    turned = cv2.warpAffine(
        photograph, matrix, SIZE_PX, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    darker = np.clip(np.rint(turned.astype(np.float32) * EXPOSURE), 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", darker, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    content = jpeg.tobytes()
    return content[: len(content) // 2] if case.cut_off else content
