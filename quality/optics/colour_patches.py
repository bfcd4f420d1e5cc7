"""The 24 patches of the usual colour chart: names and values, in this one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COLUMNS: Final = 6
ROWS: Final = 4
NEUTRALS: Final = range(18, 24)
"""White to black, the bottom row."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: chromaticity and luminance (0..1) under D50, 2 degree observer."""

    name: str
    x: float
    y: float
    luminance: float


PATCHES: Final = tuple(
    Patch(*row)
    for row in (
        ("dark skin", 0.43748, 0.37852, 0.09832), ("light skin", 0.42225, 0.37249, 0.33620),
        ("blue sky", 0.27615, 0.29838, 0.17855), ("foliage", 0.37332, 0.45117, 0.13468),
        ("blue flower", 0.30289, 0.28629, 0.22872), ("bluish green", 0.28640, 0.38972, 0.41436),
        ("orange", 0.52815, 0.40533, 0.31264), ("purplish blue", 0.23239, 0.21120, 0.10911),
        ("moderate red", 0.50445, 0.32706, 0.18900), ("purple", 0.33347, 0.25055, 0.06277),
        ("yellow green", 0.39889, 0.50415, 0.43318), ("orange yellow", 0.49358, 0.44428, 0.42934),
        ("blue", 0.20522, 0.16867, 0.05596), ("green", 0.32304, 0.51042, 0.22334),
        ("red", 0.56287, 0.33556, 0.12780), ("yellow", 0.46776, 0.47602, 0.59930),
        ("magenta", 0.42131, 0.26692, 0.18951), ("cyan", 0.20913, 0.30266, 0.18061),
        ("white", 0.34891, 0.36421, 0.88069), ("neutral 8", 0.34558, 0.35988, 0.58997),
        ("neutral 6.5", 0.34415, 0.35919, 0.36487), ("neutral 5", 0.34577, 0.35909, 0.19062),
        ("neutral 3.5", 0.34265, 0.35758, 0.08817), ("black", 0.34377, 0.35606, 0.03151),
    )
)  # fmt: skip
"""By rows from the top left. Source: X-Rite's values for ColorChecker Classic of November 2014 and
later, as colour-science 0.4.7 holds them (`ColorChecker24 - After November 2014`). A chart printed
on an office printer has other colours: only a bought chart can be measured."""

D50_TO_D65: Final = (
    (0.9555766, -0.0230393, 0.0631636),
    (-0.0282895, 1.0099416, 0.0210077),
    (0.0122982, -0.0204830, 1.3299098),
)
"""XYZ of D50 to XYZ of D65. Source: Bradford, by B. Lindbloom."""
XYZ_TO_RGB: Final = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
"""XYZ of D65 to linear red, green, blue. Source: IEC 61966-2-1, by B. Lindbloom."""
WHITE_D65: Final = (0.95047, 1.0, 1.08883)


@dataclass(frozen=True, slots=True)
class Holder:
    """The frame about a chart or a time code, in units of one cell's side.

    A grid of 6 x 4 cells with a mark beyond each of its corners; every sheet scales it as it likes.

    Attributes:
        width, height: of the whole.
        grid_left, grid_top: where the cells begin.
        mark: side of a mark; they lie in the four corners of the whole.
    """

    width: float = 7.7
    height: float = 5.4
    grid_left: float = 0.85
    grid_top: float = 0.7
    mark: float = 0.7

    def mark_corners(self) -> tuple[tuple[float, float], ...]:
        """Return the top left corner of each mark: top left first, then clockwise."""
        right, low = self.width - self.mark, self.height - self.mark
        return ((0.0, 0.0), (right, 0.0), (right, low), (0.0, low))

    def cell(self, number: int) -> tuple[float, float]:
        """Return the middle of a cell, counted by rows from the top left."""
        row, column = divmod(number, COLUMNS)
        return self.grid_left + column + 0.5, self.grid_top + row + 0.5


HOLDER: Final = Holder()
