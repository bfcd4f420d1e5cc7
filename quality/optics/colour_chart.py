"""How true the camera's colours are, on a chart of 24 patches in a holder with four marks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.optics.colour_patches import (
    D50_TO_D65,
    NEUTRALS,
    PATCHES,
    WHITE_D65,
    XYZ_TO_RGB,
)
from quality.optics.held_cells import Cells, read_cells
from quality.optics.light import Picture
from quality.optics.marks import CHART_MARKS
from quality.optics.refusal import Refusal, refused

Values = npt.NDArray[np.float64]

LIKENESS_MIN: Final = 0.75
"""[ours] Correlation of the patches' L*, a*, b* with the chart's: another chart has another."""
SPREAD_MAX: Final = 0.5
"""[ours] Of a light patch, over its mean: a hand or a shadow's edge lies on it."""
SYSTEMATIC: Final = 0.05
"""[ours, measured] Of the mean difference, on charts without noise."""
WHITE_LUMINANCE_MIN: Final = 0.12


@dataclass(frozen=True, slots=True)
class PatchError:
    """One patch: its name, its colour difference, and linear red, green, blue as seen, 0..1."""

    name: str
    delta_e: float
    seen_rgb: tuple[float, float, float]
    true_rgb: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Colours:
    """How far the chart's colours are from what they are known to be.

    Attributes:
        delta_e_mean, delta_e_max: CIEDE2000 of the picture as it is, over 24 patches.
        uncertainty: standard, of the mean, from the noise within patches.
        matrix: 3 x 3, linear red, green, blue of this camera to XYZ of D65, by least squares.
        residual_delta_e: mean CIEDE2000 that is left once the matrix is applied.
        cast: green's gain over red's and over blue's, on the neutral patches; 1 is none.
        patches: each patch, by rows from the top left.
    """

    delta_e_mean: float
    delta_e_max: float
    uncertainty: float
    matrix: tuple[tuple[float, float, float], ...]
    residual_delta_e: float
    cast: tuple[float, float]
    patches: tuple[PatchError, ...]


def measure_colours(picture: Picture) -> Colours:
    """Return the colour differences of the chart in view.

    Raises:
        CannotAssess: no_chart, wrong_chart, partly_hidden, mirrored, too_small, over_exposed,
            under_exposed.

    Source: CIEDE2000 by colour-science; the matrix is argmin sum |M rgb - XYZ|^2.
    """
    cells = read_cells(picture, CHART_MARKS)
    seen = cells.means[:, ::-1]
    _refuse(cells, seen)
    wanted = reference_xyz()
    found = _lab(_xyz(seen))
    if _likeness(found, _lab(wanted)) < LIKENESS_MIN:
        raise refused(Refusal.WRONG_CHART)
    differences = _delta_e(wanted, _xyz(seen))
    matrix = np.linalg.lstsq(seen, wanted, rcond=None)[0].T
    left = _delta_e(wanted, seen @ matrix.T)
    # Red and blue up, green down: noise of colours is seen sooner than noise of light.
    noisy = seen + cells.deviations[:, ::-1] / np.sqrt(cells.pixels) * (1, -1, 1)
    scatter = np.abs(_delta_e(wanted, _xyz(noisy)) - differences)
    neutral = seen[list(NEUTRALS)[:-1]].sum(axis=0)
    true_rgb = np.clip(wanted @ np.array(XYZ_TO_RGB).T, 0, 1)
    return Colours(
        float(differences.mean()), float(differences.max()),
        # Noise lengthens every difference a little, and all of them the same way.
        float(np.hypot(SYSTEMATIC, scatter.mean())),
        tuple((row[0], row[1], row[2]) for row in matrix.tolist()),
        float(left.mean()),
        (float(neutral[1] / neutral[0]), float(neutral[1] / neutral[2])),
        tuple(
            PatchError(patch.name, float(delta), _triple(rgb), _triple(true))
            for patch, delta, rgb, true in zip(PATCHES, differences, seen, true_rgb, strict=True)
        ),
    )  # fmt: skip


def reference_xyz() -> Values:
    """Return (24, 3): XYZ of every patch under D65, white at Y = 1."""
    under_d50 = np.array(
        [
            (one.x / one.y * one.luminance, one.luminance,
             (1 - one.x - one.y) / one.y * one.luminance)
            for one in PATCHES
        ]
    )  # fmt: skip
    return np.asarray(under_d50 @ np.array(D50_TO_D65).T, np.float64)


def prepare() -> None:
    """Load the colour library, which takes a second or two: before somebody waits for a figure."""
    _delta_e(np.array([WHITE_D65]), np.array([WHITE_D65]))


def _refuse(cells: Cells, seen: Values) -> None:
    if float(np.median(cells.clipped)) > 0.5 or (cells.clipped > 0.5).sum() > len(PATCHES) // 4:
        raise refused(Refusal.OVER_EXPOSED)
    luminance = seen @ np.array([0.2126, 0.7152, 0.0722])
    if float(luminance.max()) < WHITE_LUMINANCE_MIN:
        raise refused(Refusal.UNDER_EXPOSED)
    spread = cells.deviations.mean(axis=1) / np.maximum(cells.means.mean(axis=1), 0.05)
    if (spread > SPREAD_MAX).any():
        raise refused(Refusal.PARTLY_HIDDEN)


def _likeness(found: Values, wanted: Values) -> float:
    """Return the weakest correlation over L*, a* and b*: a hidden half breaks at least one."""
    return min(float(np.corrcoef(found[:, n], wanted[:, n])[0, 1]) for n in range(3))


def _xyz(rgb: Values) -> Values:
    return np.asarray(rgb @ np.linalg.inv(np.array(XYZ_TO_RGB)).T, np.float64)


def _lab(xyz: Values) -> Values:
    """Return CIE L*a*b* under D65. Source: CIE 15."""
    ratio = np.maximum(xyz, 0) / np.array(WHITE_D65)
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def _delta_e(wanted: Values, found: Values) -> Values:
    # Late: nothing else of the station needs it, and it takes longer than all of our own.
    with warnings.catch_warnings():
        # It tells that SciPy and Matplotlib are not there; nothing here needs them.
        warnings.simplefilter("ignore")
        from colour.difference import delta_E_CIE2000  # noqa: PLC0415 - loads for seconds

        return np.asarray(delta_E_CIE2000(_lab(wanted), _lab(found)), np.float64)


def _triple(values: Values) -> tuple[float, float, float]:
    red, green, blue = values.tolist()
    return red, green, blue
