"""An earlier photo against today's sheet: what a new photo would have to fulfil.

A finished photo is judged as it is. How large the face was in the picture that it was cut from is
no longer there to be measured: in place of those gates stands the sheet's own geometry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from edge.crop_search import Crop, Transform, measured
from edge.photos.checks import geometry_checks
from edge.portrait import upright_head
from edge.vision.client import Photo
from quality.document import Canvas, Document, judge
from quality.measure import Range, Reading, Standing, Verdict

OF_THE_STILL: Final = frozenset({"InterEyeDistance", "HeadSize"})
"""Gates on the room that a crop needs; a photo that was cropped once has none to spare."""


def recheck(photo: Photo, document: Document, *, waived: bool) -> tuple[Reading, ...]:
    """Return what an earlier photo is by today's limits: the gates, its size, its geometry.

    Args:
        photo: as the vision worker read it.
        document: today's.
        waived: the policy waives the geometry: what fails there is recorded and refuses nothing.
    """
    gates = judge(document, photo.sight.natives, live=False)
    geometry = [*_size(photo, document), *_geometry(photo, document)]
    if waived:
        geometry = [replace(reading, advisory=True) for reading in geometry]
    return (*(r for r in gates if r.measure not in OF_THE_STILL), *geometry)


def _size(photo: Photo, document: Document) -> list[Reading]:
    canvas = _canvas(photo, document)
    return [
        _exactly("width", photo.width_px, canvas.width_px),
        _exactly("height", photo.height_px, canvas.height_px),
    ]


def _geometry(photo: Photo, document: Document) -> tuple[Reading, ...]:
    outline = photo.sight.outline
    head = None if outline is None else upright_head(outline)
    if head is None:
        absent = "the hair's top or the head's sides are not in view"
        return tuple(
            Reading(
                name, None, None, "px", limit.range, Verdict.NOT_ASSESSED, Standing.OWN,
                reason=absent,
            )
            for name, limit in document.geometry.limits().items()
        )  # fmt: skip
    canvas = _canvas(photo, document)
    # A photo of another size is measured as if it were printed on today's sheet.
    scale = canvas.width_px / photo.width_px
    transform: Transform = ((scale, 0.0, 0.0), (0.0, scale, 0.0))
    values = measured(head, document, canvas, transform)
    hair_margin_px = values["eye_line"] - head.hair_above_px * scale
    return geometry_checks(Crop(transform, canvas, values, hair_margin_px, frozenset()), document)


def _canvas(photo: Photo, document: Document) -> Canvas:
    """Return the size that it has, or the sheet's first."""
    canvases = document.canvases()
    size = (photo.width_px, photo.height_px)
    return next((canvas for canvas in canvases if canvas.size_px == size), canvases[0])


def _exactly(name: str, found: int, wanted: int) -> Reading:
    verdict = Verdict.ACCEPTED if found == wanted else Verdict.REJECTED
    accept = Range(wanted, wanted)
    return Reading(name, float(found), None, "px", accept, verdict, Standing.OWN)
