"""What the worker saw in a picture, and the check that its answer is one.

The worker is native code that looks at strangers' pictures: the station believes it no more than
any other sender of JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.vision.wire import Message
from quality.face import LIVE_MEASURES, MEASURES
from quality.face.outline import HeadOutline
from quality.measure import Native


class Depth(Enum):
    """How closely to look: at every preview frame, or once at the still."""

    LIVE = "live"
    STILL = "still"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the worker saw in one frame.

    Attributes:
        frame_sequence: of the frame; 0 of an earlier photo.
        captured_at_s: `time.monotonic` of the frame; 0 of an earlier photo.
        faces: how many faces, two at most are sought.
        natives: every face measure's value on the subject, the largest face.
        outline: of the subject's head, with hair and sides on a still; None without a face.
        worker_ms: from the request's arrival in the worker to its answer.
        live_share: what installed networks give to a live face, 0..1, on a still; None without.
    """

    frame_sequence: int
    captured_at_s: float
    faces: int
    natives: dict[str, Native]
    outline: HeadOutline | None
    worker_ms: float
    live_share: float | None = None


class Nonsense(Exception):
    """An answer that no honest worker gives: replace it."""


class _Answer(BaseModel):
    # More may stand beside it: a photo's size, the request's number.
    model_config = ConfigDict(frozen=True)
    worker_ms: Annotated[float, Field(ge=0)]
    faces: Annotated[int, Field(ge=0, le=2)]
    natives: dict[str, tuple[float | None, str]]
    outline: HeadOutline | None
    live_share: Annotated[float, Field(ge=0, le=1)] | None = None


_NAMES = {
    Depth.LIVE: frozenset(measure.name for measure in LIVE_MEASURES),
    Depth.STILL: frozenset(measure.name for measure in MEASURES),
}


def sight_of(reply: Message, depth: Depth, sequence: int, captured_at_s: float) -> Sight:
    """Return the sight that a reply describes. Raises `Nonsense`."""
    try:
        answer = _Answer.model_validate(reply)
    except (ValidationError, OverflowError) as error:
        raise Nonsense("an answer of the wrong form") from error
    if answer.natives.keys() != _NAMES[depth]:
        raise Nonsense("an answer with other measures")
    if (answer.faces == 0) != (answer.outline is None):
        raise Nonsense("a face without an outline, or the reverse")
    natives = {name: Native(value, reason) for name, (value, reason) in answer.natives.items()}
    return Sight(
        sequence, captured_at_s, answer.faces, natives, answer.outline,
        answer.worker_ms, answer.live_share,
    )  # fmt: skip
