"""Where the head may be in the picture so that a document can be cut from it later.

Works on landmarks alone, so it serves the live preview; the still's crop decides exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot
from typing import Final

from quality.advice import Advice
from quality.document import Document
from quality.face.outline import HeadOutline

HAIR_ABOVE_EYES: Final = 1.25
"""Hair top above the eyes, in eye-to-chin distances: 1.1 to 1.35 on the demo's subjects [ours]."""
ASIDE_ENTER: Final = 0.10
ASIDE_LEAVE: Final = 0.13
"""How far the eyes may be beside the middle, as a share of the width: a face far from the middle
of the picture reads turned (`docs/measures.md`), so pose is judged only near it."""
SLACK_ENTER: Final = 0.0
SLACK_LEAVE: Final = -0.02
"""What must remain beyond the crop's edges, as a share of the picture's height."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a document needs around the eyes, in eye-to-chin distances."""

    above: float
    below: float
    beside: float


def room_of(documents: Iterable[Document]) -> Room:
    """Return the room that satisfies every one of these documents at the tightest allowed crop."""
    rooms = [_room(document) for document in documents]
    return Room(
        max(room.above for room in rooms),
        max(room.below for room in rooms),
        max(room.beside for room in rooms),
    )


def _room(document: Document) -> Room:
    # The largest allowed head needs the least room: live advice must never ask for more than that.
    limits = document.limits_px()
    head, eyes, margin = (limits.get(n) for n in ("head_height", "eye_line", "margin_top"))
    if head is None or eyes is None:
        raise ValueError(f"{document.id} has neither limit nor aim for head and eyes")
    head_px = head.max or head.aim
    above_eyes = HAIR_ABOVE_EYES if document.crown == "hair" else document.skull_factor
    chin_px = head_px / (1 + above_eyes)
    if margin is not None:
        above_px = head_px - chin_px + (margin.min or 0.0)
    else:
        above_px = max(head_px - chin_px, eyes.aim if eyes.min is None else eyes.min)
    width_px, height_px = document.canvas_px
    return Room(above_px / chin_px, (height_px - above_px) / chin_px, width_px / 2 / chin_px)


def framing(outline: HeadOutline, room: Room, *, passed: bool = False) -> Advice | None:
    """Return how the person should move so that the crop lies inside the picture, else None.

    `passed` says that the last look was good, so that a little less suffices.
    """
    x, y = _middle(outline)
    unit = hypot(outline.chin_px[0] - x, outline.chin_px[1] - y)
    slack_px = outline.height_px * (SLACK_LEAVE if passed else SLACK_ENTER)
    aside = x / outline.width_px - 0.5
    if (room.above + room.below) * unit + 2 * slack_px > outline.height_px:
        return Advice.TOO_NEAR
    if abs(aside) > (ASIDE_LEAVE if passed else ASIDE_ENTER) or (
        not room.beside * unit + slack_px <= x <= outline.width_px - room.beside * unit - slack_px
    ):
        # The picture is not mirrored: on its left is the person's own right.
        return Advice.MOVE_LEFT if aside < 0 else Advice.MOVE_RIGHT
    if y < room.above * unit + slack_px:
        return Advice.MOVE_DOWN
    if y > outline.height_px - room.below * unit - slack_px:
        return Advice.MOVE_UP
    return None


def _middle(outline: HeadOutline) -> tuple[float, float]:
    (x1, y1), (x2, y2) = outline.eye_left_px, outline.eye_right_px
    return (x1 + x2) / 2, (y1 + y2) / 2
