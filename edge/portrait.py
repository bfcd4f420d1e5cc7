"""From a still to the photos of its documents: rotate, scale, crop and encode. Never retouch.

Rotation, scale and offset are one affine transform of the master, which the package records, so
that anybody can derive the photo again. The files carry no EXIF and no colour profile: a JFIF file
without one is sRGB by the sheets' own convention, and the same still gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from drivers.camera import Frame, Picture
from edge.crop_search import Head, NoCrop, Transform, find_crop
from quality.advice import Advice
from quality.document import Document
from quality.face.outline import HeadOutline, Point
from quality.measure import Range, Reading, Standing, Verdict

ROLL_MAX_DEG: Final = 8.0
QUALITY_MAX: Final = 98
MASTER_QUALITY: Final = 95
IED_MIN_PX: Final = 120.0
IED_RESERVE: Final = 1.1
"""A still's eyes are at least this much further apart than the document's least: no enlarging."""
_FULL_CHROMA: Final = 0
_HALF_CHROMA: Final = 2


class CannotCrop(Exception):
    """This still cannot become that document. Give the advice and take another still."""

    def __init__(self, advice: Advice, reason: str) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DocumentPhoto:
    """One finished photo, in memory only.

    Attributes:
        jpeg: the file.
        quality: the encoder's setting, 1..100.
        full_chroma: colours at full resolution (4:4:4), else 4:2:0.
        transform: still pixel to photo pixel.
        master_sha256: hexadecimal, of `master_jpeg` of the same still.
        checks: what was measured on the finished file, against the document's limits.
    """

    document_id: str
    jpeg: bytes
    width_px: int
    height_px: int
    dpi: int
    quality: int
    full_chroma: bool
    transform: Transform
    master_sha256: str
    checks: tuple[Reading, ...]


def master_jpeg(still: Frame) -> bytes:
    """Return the whole still as JPEG, full chroma; the same pixels give the same bytes."""
    return _encoded(still.bgr, MASTER_QUALITY, _FULL_CHROMA, dpi=None)


def crop(still: Frame, outline: HeadOutline, document: Document) -> DocumentPhoto:
    """Cut one document's photo out of the still.

    Args:
        still: full resolution, unmirrored.
        outline: of the head in that still, with hair top and head sides.
        document: whose limits hold.

    Raises:
        CannotCrop: the head is tilted, too small, too near an edge, or fits no allowed crop.
    """
    head = _straight_head(outline, document)
    try:
        found = find_crop(head, document, (still.width_px, still.height_px))
    except NoCrop as failure:
        raise CannotCrop(failure.advice, failure.reason) from failure
    pixels = _warped(still.bgr, found.transform, document.canvas_px)
    jpeg, quality, chroma = _fitted(pixels, document)
    checks = (
        *_geometry_checks(found.values, document, found.given_way),
        *_file_checks(jpeg, document, quality),
    )
    failed = [c for c in checks if c.verdict is not Verdict.ACCEPTED and not c.advisory]
    if failed:
        raise CannotCrop(Advice.WAIT, f"{document.id}: {failed[0].measure} is {failed[0].native}")
    width_px, height_px = document.canvas_px
    return DocumentPhoto(
        document.id, jpeg, width_px, height_px, document.dpi, quality, chroma == _FULL_CHROMA,
        found.transform, hashlib.sha256(master_jpeg(still)).hexdigest(), checks,
    )  # fmt: skip


def _straight_head(outline: HeadOutline, document: Document) -> Head:
    """Return the head as it lies once the still is turned about the eyes by its roll."""
    if abs(outline.roll_deg) > ROLL_MAX_DEG:
        raise CannotCrop(
            Advice.STRAIGHTEN_HEAD,
            f"roll {outline.roll_deg:.1f} deg, at most {ROLL_MAX_DEG:g} may be turned",
        )
    top, left, right = outline.hair_top_y_px, outline.head_left_x_px, outline.head_right_x_px
    if top is None or left is None or right is None:
        raise CannotCrop(Advice.MOVE_DOWN, "the hair's top or the head's sides are not in view")
    (x1, y1), (x2, y2) = outline.eye_left_px, outline.eye_right_px
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    eye_distance = hypot(x2 - x1, y2 - y1)
    least = document.geometry.eye_distance
    wanted = max(IED_MIN_PX, IED_RESERVE * (least.min or 0.0) if least else 0.0)
    if eye_distance < wanted:
        raise CannotCrop(Advice.TOO_FAR, f"eyes {eye_distance:.0f} px apart, {wanted:.0f} wanted")
    chin = _turned(outline.chin_px, middle, outline.roll_deg)
    ears = [
        _turned(e, middle, outline.roll_deg) for e in (outline.ear_left_px, outline.ear_right_px)
    ]
    return Head(
        middle_px=middle,
        roll_deg=outline.roll_deg,
        hair_above_px=middle[1] - top,
        chin_below_px=chin[1] - middle[1],
        head_width_px=right - left,
        face_width_px=ears[1][0] - ears[0][0],
        eye_distance_px=eye_distance,
    )


def _turned(point: Point, about: Point, roll_deg: float) -> Point:
    """Return the point after the picture was turned clockwise by `roll_deg` (y runs down)."""
    c, s = cos(radians(roll_deg)), sin(radians(roll_deg))
    dx, dy = point[0] - about[0], point[1] - about[1]
    return about[0] + c * dx - s * dy, about[1] + s * dx + c * dy


def _warped(bgr: Picture, transform: Transform, canvas_px: tuple[int, int]) -> Picture:
    """Return the photo's pixels: one Lanczos warp onto a finer grid, averaged by whole numbers.

    A warp alone samples; where the photo is smaller than the still that would alias.
    """
    scale = hypot(transform[0][0], transform[1][0])
    finer = max(1, int(np.ceil(1 / scale)))
    matrix = np.array(transform, np.float64) * finer
    matrix[:, 2] += (finer - 1) / 2
    size = (canvas_px[0] * finer, canvas_px[1] * finer)
    # Replicated edges are never seen: the crop lies inside the still, up to the kernel's reach.
    fine = cv2.warpAffine(
        bgr, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(fine, canvas_px, interpolation=cv2.INTER_AREA), np.uint8)


def _fitted(pixels: Picture, document: Document) -> tuple[bytes, int, int]:
    """Return the best file within the document's size: (jpeg, quality, chroma)."""
    limits = document.file
    for floor in dict.fromkeys((limits.quality_aim, limits.quality_min)):
        for chroma in (_FULL_CHROMA, _HALF_CHROMA):
            best = _best_quality(pixels, chroma, document, floor)
            if best is not None:
                return (*best, chroma)
    if limits.kb_max_at_quality_min is not None:
        jpeg = _encoded(pixels, limits.quality_min, _HALF_CHROMA, document.dpi)
        if limits.kb_min * 1024 <= len(jpeg) <= limits.kb_max_at_quality_min * 1000:
            return jpeg, limits.quality_min, _HALF_CHROMA
    raise CannotCrop(
        Advice.WAIT, f"{document.id}: no file of {limits.kb_min:g} to {limits.kb_max:g} kB"
    )


def _best_quality(
    pixels: Picture, chroma: int, document: Document, floor: int
) -> tuple[bytes, int] | None:
    """Return the largest file within the size limits, by bisection on the encoder's quality."""
    limits = document.file
    low, high = floor, QUALITY_MAX
    best: tuple[bytes, int] | None = None
    while low <= high:
        quality = (low + high) // 2
        jpeg = _encoded(pixels, quality, chroma, document.dpi)
        # A sheet's kB may mean 1000 or 1024 bytes: stay inside both.
        if len(jpeg) <= limits.kb_max * 1000:
            best, low = (jpeg, quality), quality + 1
        else:
            high = quality - 1
    return best if best is not None and len(best[0]) >= limits.kb_min * 1024 else None


def _encoded(bgr: npt.NDArray[np.uint8], quality: int, chroma: int, dpi: int | None) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1]))
    density = {} if dpi is None else {"dpi": (dpi, dpi)}
    image.save(out, "JPEG", quality=quality, subsampling=chroma, **density)
    return out.getvalue()


def _geometry_checks(
    values: dict[str, float], document: Document, given_way: frozenset[str]
) -> tuple[Reading, ...]:
    return tuple(
        replace(_check(name, values[name], "px", limit.range), advisory=name in given_way)
        for name, limit in document.geometry.limits().items()
    )


def _file_checks(jpeg: bytes, document: Document, quality: int) -> tuple[Reading, ...]:
    """Open the finished file as a stranger would and measure what it says of itself."""
    width_px, height_px = document.canvas_px
    limits = document.file
    widest = limits.kb_max
    if quality == limits.quality_min and limits.kb_max_at_quality_min is not None:
        widest = limits.kb_max_at_quality_min
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        x_dpi, y_dpi = image.info.get("dpi", (0, 0))
        exif_tags, bands = len(image.getexif()), len(image.getbands())
        size = image.size
    return (
        _check("width", size[0], "px", Range(width_px, width_px)),
        _check("height", size[1], "px", Range(height_px, height_px)),
        _check("dpi_x", x_dpi, "dpi", Range(document.dpi, document.dpi)),
        _check("dpi_y", y_dpi, "dpi", Range(document.dpi, document.dpi)),
        _check("colour_bands", bands, "1", Range(3, 3)),
        _check("exif_tags", exif_tags, "1", Range(0, 0)),
        _check("file_size", len(jpeg) / 1000, "kB", Range(limits.kb_min, widest)),
    )


def _check(name: str, value: float, unit: str, accept: Range) -> Reading:
    verdict = Verdict.ACCEPTED if value in accept else Verdict.REJECTED
    return Reading(name, float(value), None, unit, accept, verdict, Standing.OWN)
