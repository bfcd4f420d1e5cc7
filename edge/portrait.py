"""From a still to the photos of its documents: rotate, scale, crop and encode. Never retouch.

Rotation, scale and offset are one affine transform of the master, which the package records, so
that anybody can derive the photo again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, hypot, radians, sin
from typing import Final

from drivers.camera import Frame
from edge.crop_search import Head, NoCrop, Transform, find_crop
from edge.photos.checks import face_lab_checks, file_checks, geometry_checks
from edge.photos.file import FULL_CHROMA, NoFile, encoded, fitted
from edge.photos.pixels import warped
from quality.advice import Advice
from quality.document import Document
from quality.face.outline import HeadOutline, Point
from quality.measure import Reading, Verdict

ROLL_MAX_DEG: Final = 8.0
MASTER_QUALITY: Final = 95
IED_MIN_PX: Final = 120.0
IED_RESERVE: Final = 1.1
"""A still's eyes are at least this much further apart than the document's least: no enlarging."""


class CannotCrop(Exception):
    """This still cannot become that document. Give the advice and take another still.

    Attributes:
        limit: which limit fails, or "" where it is not one of the document's geometry.
        short_px: by how many px at least; 0.0 where px say nothing.
    """

    def __init__(self, advice: Advice, reason: str, limit: str = "", short_px: float = 0.0) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason
        self.limit = limit
        self.short_px = short_px


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


@dataclass(frozen=True, slots=True)
class Crops:
    """What one still became: the photos, and why a document could not be met."""

    photos: tuple[DocumentPhoto, ...]
    refused: dict[str, CannotCrop]


def master_jpeg(still: Frame) -> bytes:
    """Return the whole still as JPEG, full chroma; the same pixels give the same bytes."""
    return encoded(still.bgr, MASTER_QUALITY, FULL_CHROMA, dpi=None)


def crop_each(
    still: Frame,
    outline: HeadOutline,
    documents: Iterable[Document],
    master_sha256: str | None = None,
) -> Crops:
    """Cut every document that this still can give; one that cannot be met stops no other."""
    master_sha256 = master_sha256 or sha256_of_master(still)
    photos, refused = [], {}
    for document in documents:
        try:
            photos.append(crop(still, outline, document, master_sha256))
        except CannotCrop as refusal:
            refused[document.id] = refusal
    return Crops(tuple(photos), refused)


def sha256_of_master(still: Frame) -> str:
    """Return the digest that every photo of this still records, hexadecimal."""
    return hashlib.sha256(master_jpeg(still)).hexdigest()


def crop(
    still: Frame, outline: HeadOutline, document: Document, master_sha256: str | None = None
) -> DocumentPhoto:
    """Cut one document's photo out of the still.

    Args:
        still: full resolution, unmirrored.
        outline: of the head in that still, with hair top and head sides.
        document: whose limits hold; for a child, `Document.for_age` of it.
        master_sha256: of `master_jpeg` of the still, if it is known: encoding it takes long.

    Raises:
        CannotCrop: the head is tilted, too small, too near an edge, or fits no allowed crop.
    """
    head = _straight_head(outline, document)
    try:
        found = find_crop(head, document, (still.width_px, still.height_px))
        pixels = warped(still.bgr, found.transform, found.canvas.size_px)
        file = fitted(pixels, document, found.canvas)
    except NoCrop as failure:
        raise CannotCrop(
            failure.advice, failure.reason, failure.limit, failure.short_px
        ) from failure
    except NoFile as failure:
        raise CannotCrop(Advice.WAIT, str(failure)) from failure
    checks = [*geometry_checks(found, document), *file_checks(file, document, found.canvas)]
    if document.face_lab is not None:
        checks += face_lab_checks(file, outline, found.transform, document.face_lab)
    failed = [c for c in checks if c.verdict is not Verdict.ACCEPTED and not c.advisory]
    if failed:
        raise CannotCrop(Advice.WAIT, f"{document.id}: {failed[0].measure} is {failed[0].native}")
    canvas = found.canvas
    return DocumentPhoto(
        document.id, file.jpeg, canvas.width_px, canvas.height_px, canvas.dpi, file.quality,
        file.chroma == FULL_CHROMA, found.transform,
        master_sha256 or sha256_of_master(still), tuple(checks),
    )  # fmt: skip


def _straight_head(outline: HeadOutline, document: Document) -> Head:
    """Return the head as it lies once the still is turned about the eyes by its roll."""
    if abs(outline.roll_deg) > ROLL_MAX_DEG:
        raise CannotCrop(
            Advice.STRAIGHTEN_HEAD,
            f"roll {outline.roll_deg:.1f} deg, at most {ROLL_MAX_DEG:g} may be turned",
        )
    head = upright_head(outline)
    if head is None:
        raise CannotCrop(Advice.MOVE_DOWN, "the hair's top or the head's sides are not in view")
    eye_distance = head.eye_distance_px
    least = document.limits_px(document.canvases()[-1]).get("eye_distance")
    wanted = max(IED_MIN_PX, IED_RESERVE * (least.min or 0.0) if least else 0.0)
    if eye_distance < wanted:
        reason = f"eyes {eye_distance:.0f} px apart, {wanted:.0f} wanted"
        raise CannotCrop(Advice.TOO_FAR, reason, "eye_distance", wanted - eye_distance)
    return head


def upright_head(outline: HeadOutline) -> Head | None:
    """Return the head's size and place as if the picture had been turned upright about the eyes.

    None if the hair's top or the head's sides are not in view.
    """
    top, left, right = outline.hair_top_y_px, outline.head_left_x_px, outline.head_right_x_px
    if top is None or left is None or right is None:
        return None
    (x1, y1), (x2, y2) = outline.eye_left_px, outline.eye_right_px
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
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
        eye_distance_px=hypot(x2 - x1, y2 - y1),
    )


def _turned(point: Point, about: Point, roll_deg: float) -> Point:
    """Return the point after the picture was turned clockwise by `roll_deg` (y runs down)."""
    c, s = cos(radians(roll_deg)), sin(radians(roll_deg))
    dx, dy = point[0] - about[0], point[1] - about[1]
    return about[0] + c * dx - s * dy, about[1] + s * dx + c * dy
