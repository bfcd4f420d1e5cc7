"""The face brought to OFIQ's standard pose: both eyes level, 113 px apart, on 616 x 616 px."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from quality.face.luminance import luminance
from quality.face.points import Points, as_measured, eye_centres
from quality.face.region import boxed_hull, hull_of, landmarked_region
from quality.measure import CannotAssess

SIDE_PX: Final = 616
# Both eye centres, the nose tip, the corners of the mouth.
_AIM: Final = np.array(
    [(251, 272), (364, 272), (308, 336), (262, 402), (355, 402)], dtype=np.float32
)


@dataclass(frozen=True, eq=False)
class Aligned:
    """One aligned face.

    Attributes:
        source: the whole picture, (height_px, width_px, 3), uint8.
        transform: (2, 3), from the picture to the aligned face: rotation, scale, shift.
        landmarks_px: (98, 2) in the aligned face, rounded if the picture's were.
        whole_px: they are; and so the pixels of every part are those of the whole, bit by bit.
    """

    source: npt.NDArray[np.uint8]
    transform: Points
    landmarks_px: Points
    whole_px: bool = True

    @cached_property
    def bgr(self) -> npt.NDArray[np.uint8]:
        """The aligned pixels, (616, 616, 3), black outside the picture; raises `CannotAssess`."""
        return self.moved(self.source)

    def moved(
        self, plane: npt.NDArray[np.uint8], interpolation: int = cv2.INTER_LINEAR, beyond: int = 0
    ) -> npt.NDArray[np.uint8]:
        """Return (616, 616[, 3]) of a plane (height_px, width_px[, 3]) that lies on the picture.

        Args:
            plane: what to bring to the aligned face.
            interpolation: OpenCV's way to sample it.
            beyond: the value outside the picture.

        Raises:
            CannotAssess: the picture is empty.
        """
        if not plane.size:
            raise CannotAssess("empty picture")
        side = (SIDE_PX, SIDE_PX)
        return np.asarray(
            cv2.warpAffine(plane, self.transform, side, flags=interpolation, borderValue=beyond),
            dtype=np.uint8,
        )

    @cached_property
    def region(self) -> npt.NDArray[np.bool_]:
        """The landmarked region, (616, 616), never empty; raises `CannotAssess`."""
        region_of = landmarked_region if self.whole_px else hull_of
        region = region_of(self.landmarks_px, SIDE_PX, SIDE_PX)
        if not region.any():
            raise CannotAssess("empty face region")
        return region

    @cached_property
    def luminance(self) -> npt.NDArray[np.uint8]:
        """Linear light in the region, (616, 616), 0 outside it; raises `CannotAssess`."""
        box, light, inside = self.boxed
        plane = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
        np.multiply(light, inside, out=plane[box])
        return plane

    @cached_property
    def histogram(self) -> Points:
        """How many of the region's pixels have each luminance, (256,); raises `CannotAssess`."""
        _, light, inside = self.boxed
        counts = cv2.calcHist([light], [0], inside, [256], [0.0, 256.0])
        return np.asarray(counts, dtype=np.float64)[:, 0]

    @cached_property
    def boxed(self) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """The region's bounding box, and in it luminance and region (1 inside, 0 not).

        Raises:
            CannotAssess: the picture or the region is empty.
        """
        # The face fills a seventh of the aligned picture, and every live frame comes here.
        if self.whole_px:
            region = self.region.view(np.uint8)
            x, y, width, height = cv2.boundingRect(region)
            box = (slice(y, y + height), slice(x, x + width))
            inside = region[box]
        else:
            box, inside = boxed_hull(self.landmarks_px, SIDE_PX, SIDE_PX)
            if not inside.any():
                raise CannotAssess("empty face region")
        return box, luminance(self._part(box), exact=self.whole_px), inside

    def light_in(self, zone: tuple[slice, slice]) -> npt.NDArray[np.uint8]:
        """Return the luminance (n,) of the region's pixels in a zone (rows, columns).

        Raises:
            CannotAssess: the picture or the region is empty.
        """
        box, light, inside = self.boxed
        # The region ends with its box, and so may a zone that reaches beyond.
        rows, columns = (
            slice(max(0, part.start - whole.start), max(0, part.stop - whole.start))
            for part, whole in zip(zone, box, strict=True)
        )
        return light[rows, columns][inside[rows, columns] > 0]

    def halved(self, box: tuple[slice, slice]) -> npt.NDArray[np.uint8]:
        """Return the pixels of a box (rows, columns) of even sides at half their size.

        Raises:
            CannotAssess: the picture is empty.
        """
        rows, columns = box
        size = (columns.stop - columns.start) // 2, (rows.stop - rows.start) // 2
        if self.whole_px:
            # Areas, not samples: what is fine would be taken for edges.
            half = cv2.resize(self.bgr[box], size, interpolation=cv2.INTER_AREA)
            return np.asarray(half, dtype=np.uint8)
        # A half-size pixel's centre lies between four whole ones, where samples mix all of them.
        return self._warped(0.5 * self._from(columns.start + 0.5, rows.start + 0.5), size)

    def _part(self, box: tuple[slice, slice]) -> npt.NDArray[np.uint8]:
        """Return the pixels of a box (rows, columns)."""
        if self.whole_px:
            return self.bgr[box]
        # On live frames only the box is brought there. OpenCV rounds coordinates to 1/32 px from
        # the box's corner on instead of the whole's, which moves a value by a few levels at edges.
        rows, columns = box
        size = columns.stop - columns.start, rows.stop - rows.start
        return self._warped(self._from(columns.start, rows.start), size)

    def _from(self, x: float, y: float) -> Points:
        """Return the transform whose origin is at this place of the aligned face."""
        shift = np.array([(0.0, 0.0, x), (0.0, 0.0, y)])
        return np.asarray(self.transform - shift, dtype=np.float64)

    def _warped(self, transform: Points, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        if not self.source.size:
            raise CannotAssess("empty picture")
        return np.asarray(cv2.warpAffine(self.source, transform, size), dtype=np.uint8)


def align(bgr: npt.NDArray[np.uint8], points: Points, *, whole_px: bool) -> Aligned:
    """Return the face of these 98 points in the standard pose.

    Raises:
        CannotAssess: no transform fits the points.

    Source: OFIQ 1.0.3, `alignImage`; byte-exact under OpenCV 4, not under 5.
    """
    left, right = eye_centres(points, whole_px=whole_px)
    found = np.array([left, right, points[54], points[76], points[82]], dtype=np.float32)
    fitted, _ = cv2.estimateAffinePartial2D(found, _AIM, method=cv2.LMEDS)
    if fitted is None or not np.isfinite(fitted).all():
        raise CannotAssess("the landmarks do not form a face")
    transform = np.asarray(fitted, dtype=np.float64)
    moved = points @ transform[:, :2].T + transform[:, 2]
    return Aligned(bgr, transform, as_measured(moved, whole_px=whole_px), whole_px)
