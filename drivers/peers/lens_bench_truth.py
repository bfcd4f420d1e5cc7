"""What is true of the simulated lens, its light and the sheet before it: every knob, with units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Target(StrEnum):
    """What is held before the lens."""

    NONE = "none"
    """A bare wall."""
    CHARUCO = "charuco"
    SLANTED_EDGE = "slanted_edge"
    GREY_CARD = "grey_card"
    COLOUR_CHART = "colour_chart"
    GREY_SHEET = "grey_sheet"
    """Fills the whole picture."""
    TIME_CODE = "time_code"
    PORTRAIT = "portrait"
    WRONG_CHART = "wrong_chart"
    """A chessboard without marks, as tutorials have it."""


TARGETS = tuple(Target)


@dataclass(frozen=True, slots=True)
class Truth:
    """All that decides a picture. The defaults are a station in order.

    Attributes:
        blur_sigma_px: spread of the lens's Gaussian blur, in pixels of the preview.
        corner_blur_px: further spread in the picture's corners, rising with the radius squared.
        yaw_deg, pitch_deg, roll_deg: of the sheet; as `quality.optics.board.Pose` names them.
        distance_m: lens to the middle of the sheet.
        shift_x, shift_y: of the sheet's middle from the picture's, in shares of width and height.
        exposure_ev: stops above a right exposure.
        cast: gains of red, green and blue, in linear light.
        falloff: share of light that the picture's corners lack.
        lamp_left, lamp_top: by what share the left (top) edge is lighter than the right (bottom).
        k1: radial distortion (Brown), radii in focal lengths; negative is barrel.
        noise_sigma: of every channel of every frame, in levels of 255.
        flicker_hz, flicker_depth: the light's frequency and amplitude over its mean, alike over the
            picture.
        banding: amplitude over the mean of bands over the rows.
        bands: how many lie in the height; they wander from frame to frame.
        latency_s: how old the picture is when the camera hands it over.
        sway_px: how far the sheet moves to either side, in pixels of the preview.
        hidden: share of the sheet that a grey card covers, from its left.
        mirrored: the picture is turned over.
    """

    blur_sigma_px: float = 0.5
    corner_blur_px: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    distance_m: float = 1.2
    shift_x: float = 0.0
    shift_y: float = 0.0
    exposure_ev: float = 0.0
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    falloff: float = 0.0
    lamp_left: float = 0.0
    lamp_top: float = 0.0
    k1: float = 0.0
    noise_sigma: float = 0.8
    flicker_hz: float = 100.0
    flicker_depth: float = 0.0
    banding: float = 0.0
    bands: float = 5.3
    latency_s: float = 0.0
    sway_px: float = 0.0
    hidden: float = 0.0
    mirrored: bool = False
