"""Looks made of numbers, a document with gates of its own, and a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge.settings import load_document, load_preset
from quality.document import Document, Gate
from quality.face.outline import HeadOutline
from quality.limits import Span
from quality.measure import Native
from quality.pitch_zero import PitchZero

RATE_HZ: Final = 10.0
SEATED: Final = load_preset("seated")
PRESETS: Final = tuple(map(load_preset, ("seated", "standing", "wheelchair", "bedside")))


def span(low: float | None, high: float | None) -> Span:
    return Span(min=low, max=high)


def gate(
    enter: tuple[float | None, float | None],
    leave: tuple[float | None, float | None],
    still: tuple[float | None, float | None],
    *,
    hard: bool = True,
    **more: object,
) -> Gate:
    """One gate of the kit's document."""
    spans = {"live_enter": span(*enter), "live_leave": span(*leave), "still": span(*still)}
    return Gate(**spans, hard=hard, source="the tests' own", **more)


CALIBRATED: Final = {
    "live_enter": {"min": -4.0, "max": 4.0},
    "live_leave": {"min": -6.0, "max": 6.0},
    "still": {"min": -5.0, "max": 5.0},
    "source": "the tests' own",
}
GATES: Final = {
    "SingleFacePresent": gate((None, 0.0), (None, 0.0), (None, 0.0)),
    "InterEyeDistance": gate((122.0, None), (118.0, None), (120.0, None)),
    "HeadSize": gate((None, 0.36), (None, 0.38), (None, 0.38)),
    "HeadPoseRoll": gate((-6.0, 6.0), (-8.0, 8.0), (-8.0, 8.0)),
    "HeadPoseYaw": gate((-4.0, 4.0), (-6.0, 6.0), (-5.0, 5.0)),
    "HeadPosePitch": gate(
        (-9.0, 14.0), (-11.0, 16.0), (-11.0, 16.0), hard=False, calibrated=CALIBRATED
    ),
    "EyesOpen": gate((0.04, None), (0.035, None), (0.04, None)),
    "MouthClosed": gate((None, 0.04), (None, 0.05), (None, 0.03)),
    "LuminanceMean": gate((0.06, 0.60), (0.05, 0.65), (0.06, 0.60)),
    "FaceSharpness": gate((0.05, None), (0.04, None), (0.05, None), hard=False),
}
DOCUMENT: Final[Document] = load_document("cn_exit_entry").model_copy(update={"gates": GATES})
"""Exit-entry geometry; gates that no change of a real document can move."""

GOOD: Final = {
    "SingleFacePresent": 0.0, "InterEyeDistance": 142.0, "HeadSize": 0.30, "HeadPoseRoll": 0.0,
    "HeadPoseYaw": 0.0, "HeadPosePitch": 0.0, "EyesOpen": 0.07, "MouthClosed": 0.002,
    "LuminanceMean": 0.3, "FaceSharpness": 0.25,
}  # fmt: skip
OUTLINE: Final = HeadOutline(
    (580.0, 338.0), (700.0, 338.0), (640.0, 553.0), (500.0, 338.0), (780.0, 338.0),
    None, None, None, 0.0, 1280, 720,
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """One look that nobody took."""

    faces: int = 1
    natives: dict[str, Native] = field(default_factory=dict)
    outline: HeadOutline | None = OUTLINE


def look(faces: int = 1, outline: HeadOutline | None = OUTLINE, **changed: float | None) -> Look:
    """A good look but for the values that are named."""
    return Look(faces, {name: Native(value) for name, value in (GOOD | changed).items()}, outline)


def shifted(dx_px: float, dy_px: float = 0.0, **changed: float | None) -> Look:
    """The good head somewhere else in the picture."""

    def there(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] + dx_px, point[1] + dy_px

    o = OUTLINE
    points = (o.eye_left_px, o.eye_right_px, o.chin_px, o.ear_left_px, o.ear_right_px)
    moved = HeadOutline(*map(there, points), None, None, None, 0.0, o.width_px, o.height_px)
    return look(outline=moved, **changed)


NOBODY: Final = Look(0, {}, None)
TWO: Final = look(faces=2)


def zeroed(shown: Look, zero: PitchZero) -> Look:
    """The look as a calibrated station's guidance is given it."""
    return Look(shown.faces, dict(zero.natives(shown.natives)), shown.outline)
