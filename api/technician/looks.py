"""What can be read off one live picture, and the aids that are drawn into it. Pure: no I/O.

The figures are for comparing one turn of a screw with the next before the same scene. Figures that
hold by themselves come from calibration, before its targets.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from drivers.camera import Picture

Grey = npt.NDArray[np.uint8]

CENTRE_SHARE: Final = 0.4
"""Of each side: the part in the middle that sharpness is counted over, at full resolution."""
CLIPPED_FROM: Final = 250
BLACK_TO: Final = 5
BINS: Final = 64
SMOOTHED_PX: Final = 1.0
FLAT_LEVELS: Final = 2.0
"""Below this spread of grey levels there is nothing to be sharp: noise alone would be judged."""
TILT_MOST_DEG: Final = 12.0
TILT_WIDTH_PX: Final = 640
DRAWN_WIDTH_PX: Final = 960
HISTOGRAM_PX: Final = 96
QUALITY: Final = 80
AIDS: Final = ("zebra", "cross", "histogram")
_LINE: Final = (40, 220, 255)
_GREY: Final = (160, 160, 160)
_VALUES: Final = np.arange(256) / 255
_LINEAR: Final = np.where(
    _VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4
).astype(np.float32)
"""Linear light of each value. Source: IEC 61966-2-1 (sRGB)."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The figures of one picture.

    Attributes:
        sharpness: rms slope in percent of the rms contrast a pixel, of the middle, at full
            resolution; for the same scene only. None: nothing is there.
        lightness: mean L* of the whole picture, 0 to 100 (CIE 1976, sRGB taken as delivered).
        clipped_percent: share of pixels of which a channel is at `CLIPPED_FROM` or above.
        black_percent: share of pixels of which all channels are at `BLACK_TO` or below.
        tilt_deg: of the longest straight edges near level or plumb, clockwise; None: none found.
        histogram: share of pixels in each of `BINS` steps of luma, 0 to 1.
        width_px, height_px: of the picture as the camera gave it.
    """

    sharpness: float | None
    lightness: float
    clipped_percent: float
    black_percent: float
    tilt_deg: float | None
    histogram: tuple[float, ...]
    width_px: int
    height_px: int


def look(bgr: Picture) -> Looks:
    """Read the figures off a picture: (height, width, 3), BGR, 8 bits a channel."""
    height_px, width_px = bgr.shape[:2]
    small = _within(bgr, TILT_WIDTH_PX)
    grey: Grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    brightest = small.max(axis=2)
    counts = np.bincount(grey.reshape(-1) // (256 // BINS), minlength=BINS)
    return Looks(
        sharpness=sharpness(_middle(bgr)),
        lightness=_lightness(small),
        clipped_percent=100 * float(np.mean(brightest >= CLIPPED_FROM)),
        black_percent=100 * float(np.mean(brightest <= BLACK_TO)),
        tilt_deg=tilt_deg(grey),
        histogram=tuple(float(count) / grey.size for count in counts),
        width_px=width_px,
        height_px=height_px,
    )


def sharpness(grey: Grey) -> float | None:
    """Return the rms slope of the picture in percent of its rms contrast, a pixel; None if flat.

    It falls with every further blur, and hardly moves with light and noise: the picture is smoothed
    by `SMOOTHED_PX` first, and slope and contrast grow alike. It compares one turn of a lens with
    the next before one scene; between scenes it says nothing.

    Source: gradient energy, as compared in Pertuz, Puig, Garcia, "Analysis of focus measure
    operators for shape-from-focus" (2013); the division by the contrast is ours.
    """
    if grey.size == 0 or float(grey.std()) < FLAT_LEVELS:
        return None
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHED_PX)
    across = (smooth[1:-1, 2:] - smooth[1:-1, :-2]) / 2
    down = (smooth[2:, 1:-1] - smooth[:-2, 1:-1]) / 2
    energy, contrast = float(np.mean(across**2 + down**2)), float(smooth.var())
    return 100 * (energy / contrast) ** 0.5 if contrast > 0 else None


def tilt_deg(grey: Grey) -> float | None:
    """Return how far straight edges lean from level or plumb, clockwise, weighted by length.

    Only edges of a fifth of the picture's width or more, within `TILT_MOST_DEG`, are believed;
    None if there is none.
    """
    least_px = grey.shape[1] // 5
    edges = cv2.Canny(grey, 60, 160)
    lines = cv2.HoughLinesP(
        edges, 1, np.pi / 1440, threshold=60, minLineLength=least_px, maxLineGap=6
    )
    if lines is None:
        return None
    from_x, from_y, to_x, to_y = lines.reshape(-1, 4).astype(np.float64).T
    across, down = to_x - from_x, to_y - from_y
    angles = np.degrees(np.arctan2(down, across))
    lean = (angles + 45.0) % 90.0 - 45.0
    lengths = np.hypot(across, down)
    believed = np.abs(lean) <= TILT_MOST_DEG
    if not believed.any():
        return None
    order = np.argsort(lean[believed])
    # Squared: one long edge of a board counts for more than many short ones of a pattern.
    weights = np.cumsum(lengths[believed][order] ** 2)
    middle = int(np.searchsorted(weights, weights[-1] / 2))
    return float(lean[believed][order][middle])


def drawn(bgr: Picture, looks: Looks, aids: frozenset[str]) -> bytes:
    """Return the picture as JPEG, at most `DRAWN_WIDTH_PX` wide, with these of `AIDS` drawn in."""
    picture = np.array(_within(bgr, DRAWN_WIDTH_PX), np.uint8, copy=True)
    if "zebra" in aids:
        _draw_zebra(picture)
    if "cross" in aids:
        _draw_cross(picture)
    if "histogram" in aids:
        picture = np.vstack((picture, _histogram(looks, picture.shape[1])))
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def _within(bgr: Picture, width_px: int) -> Picture:
    height, width = bgr.shape[:2]
    if width <= width_px:
        return bgr
    size = (width_px, max(1, round(height * width_px / width)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _middle(bgr: Picture) -> Grey:
    height, width = bgr.shape[:2]
    half_high, half_wide = round(height * CENTRE_SHARE / 2), round(width * CENTRE_SHARE / 2)
    part = bgr[
        height // 2 - half_high : height // 2 + half_high,
        width // 2 - half_wide : width // 2 + half_wide,
    ]
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)


def _lightness(bgr: Picture) -> float:
    # Means of channels are enough: luminance is linear in linear light.
    means = [_LINEAR[bgr[..., channel]].mean() for channel in range(3)]
    luminance = float(np.dot(means, (0.0722, 0.7152, 0.2126)))
    if luminance <= 216 / 24389:
        return luminance * 24389 / 27
    return float(116 * luminance ** (1 / 3) - 16)


@functools.lru_cache(maxsize=4)
def _stripes(height_px: int, width_px: int) -> npt.NDArray[np.bool_]:
    diagonals = np.add.outer(np.arange(height_px), np.arange(width_px)) // 6
    return np.asarray(diagonals % 2 == 0, np.bool_)


def _draw_zebra(picture: Picture) -> None:
    stripes = _stripes(*picture.shape[:2])
    brightest = picture.max(axis=2)
    clipped, black = brightest >= CLIPPED_FROM, brightest <= BLACK_TO
    picture[clipped & stripes] = (0, 0, 200)
    picture[clipped & ~stripes] = (255, 255, 255)
    picture[black & stripes] = (200, 80, 0)


def _draw_cross(picture: Picture) -> None:
    height, width = picture.shape[:2]
    for third in (1, 2):
        cv2.line(picture, (width * third // 3, 0), (width * third // 3, height), _GREY, 1)
        cv2.line(picture, (0, height * third // 3), (width, height * third // 3), _GREY, 1)
    cv2.line(picture, (width // 2, 0), (width // 2, height), _LINE, 1)
    cv2.line(picture, (0, height // 2), (width, height // 2), _LINE, 1)
    half_high, half_wide = round(height * CENTRE_SHARE / 2), round(width * CENTRE_SHARE / 2)
    corners = (width // 2 - half_wide, height // 2 - half_high)
    far = (width // 2 + half_wide, height // 2 + half_high)
    cv2.rectangle(picture, corners, far, _LINE, 1)


def _histogram(looks: Looks, width_px: int) -> Picture:
    strip = np.full((HISTOGRAM_PX, width_px, 3), 24, np.uint8)
    # The tallest inner step fills the strip; the ends may tower over it and are cut.
    tallest = max((*looks.histogram[1:-1], 1e-9))
    for step, share in enumerate(looks.histogram):
        high = min(HISTOGRAM_PX - 2, round(share / tallest * (HISTOGRAM_PX - 6)))
        left, right = step * width_px // BINS, (step + 1) * width_px // BINS - 1
        colour = (90, 90, 255) if step == BINS - 1 else (255, 150, 60) if step == 0 else (210,) * 3
        cv2.rectangle(
            strip, (left, HISTOGRAM_PX - 1 - high), (max(left, right), HISTOGRAM_PX - 1), colour, -1
        )
    return strip
