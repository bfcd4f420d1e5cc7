"""What was measured on a finished photo, rule by rule: value, limit, verdict.

The geometry is that of the transform which was really applied; the file is opened again as a
stranger would open it. Values are in the sheet's own units, so that a report reads like the sheet.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from edge.crop_search import Crop, Transform
from edge.photos.file import PhotoFile
from quality.document import Canvas, Document, FaceLab
from quality.face.outline import HeadOutline, Point
from quality.limits import standings
from quality.measure import ANY, Range, Reading, Standing, Verdict

_FILE_RULES: Final = frozenset({"file_size", "compression"})


def geometry_checks(found: Crop, document: Document) -> tuple[Reading, ...]:
    """Return one reading a limit; advisory if it gave way or if the sheet sets none."""
    checks = []
    for name, limit in document.geometry.limits().items():
        value = limit.in_own_unit(name, found.values[name], found.canvas)
        unit = "1" if limit.unit == "ratio" else limit.unit
        free = name in found.given_way or limit.is_bare_aim
        checks.append(
            replace(_check(_named(document, name), value, unit, limit.range), advisory=free)
        )
    if document.crown == "skull":
        # The sheet counts from the skull; that the hair is not cut is good practice, not a rule.
        hair = _check("hair_margin", found.hair_margin_px, "px", Range(0.0, None))
        checks.append(replace(hair, advisory=True))
    return tuple(checks)


def file_checks(file: PhotoFile, document: Document, canvas: Canvas) -> tuple[Reading, ...]:
    """Open the finished file as a stranger would and measure what it says of itself."""
    limits = document.file
    widest = limits.kb_max
    if file.quality == limits.quality_min and limits.kb_max_at_quality_min is not None:
        widest = limits.kb_max_at_quality_min
    with Image.open(io.BytesIO(file.jpeg)) as image:
        image.load()
        x_dpi, y_dpi = image.info.get("dpi", (0, 0))
        exif_tags, bands = len(image.getexif()), len(image.getbands())
        width_px, height_px = image.size
    checks = [
        _check("width", width_px, "px", Range(canvas.width_px, canvas.width_px)),
        _check("height", height_px, "px", Range(canvas.height_px, canvas.height_px)),
        _check("dpi_x", x_dpi, "dpi", Range(canvas.dpi, canvas.dpi)),
        _check("dpi_y", y_dpi, "dpi", Range(canvas.dpi, canvas.dpi)),
        _check("colour_bands", bands, "1", Range(3, 3)),
        _check("exif_tags", exif_tags, "1", Range(0, 0)),
        _check("file_size", len(file.jpeg) / 1000, "kB", Range(limits.kb_min, widest)),
    ]
    if limits.compression_max is not None:
        share = width_px * height_px * 3 / len(file.jpeg)
        checks.append(_check("compression", share, "1", Range(None, limits.compression_max)))
    return tuple(checks)


def face_lab_checks(
    file: PhotoFile, outline: HeadOutline, transform: Transform, face_lab: FaceLab
) -> tuple[Reading, ...]:
    """Return the face's mean L, a, b against the sheet's ranges: advice, never a refusal."""
    with Image.open(io.BytesIO(file.jpeg)) as image:
        rgb = np.asarray(image.convert("RGB"), np.float32) / 255
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)
    eyes = [_mapped(transform, p) for p in (outline.eye_left_px, outline.eye_right_px)]
    chin = _mapped(transform, outline.chin_px)
    x, y = (eyes[0][0] + eyes[1][0]) / 2, (eyes[0][1] + eyes[1][1]) / 2
    # Between eyes and chin, as wide as the eyes are apart: skin, without hair or background.
    middle = round((x + chin[0]) / 2), round((y + chin[1]) / 2)
    axes = max(1, round((eyes[1][0] - eyes[0][0]) / 2)), max(1, round((chin[1] - y) * 0.4))
    region = np.zeros(rgb.shape[:2], np.uint8)
    cv2.ellipse(region, middle, axes, 0, 0, 360, 255, -1)
    mean = lab[region > 0].mean(axis=0)
    return tuple(
        replace(_check(name, float(value), "1", accept), advisory=True)
        for (name, accept), value in zip(face_lab.ranges().items(), mean, strict=True)
    )


def report(document: Document, checks: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return one row a rule: value, limit, verdict, and where the limit was read."""
    limits = document.geometry.limits()
    sources = {_named(document, name): limit.source for name, limit in limits.items()}
    sources |= dict.fromkeys(_FILE_RULES, document.file.source)
    if document.face_lab is not None:
        sources |= dict.fromkeys(document.face_lab.ranges(), document.face_lab.source)
    rows = []
    for check in checks:
        source = sources.get(check.measure, document.canvas_source)
        row = {
            "rule": check.measure, "value": check.native, "unit": check.unit,
            "min": check.accept.low, "max": check.accept.high,
            "verdict": check.verdict.value, "advisory": check.advisory,
            "source": source, "standing": list(standings(source)),
        }  # fmt: skip
        rows.append(row)
    return rows


def _named(document: Document, name: str) -> str:
    """Return a rule's name: an eye line from below must not look like one from above."""
    below = document.geometry.limits()[name].measured_from == "bottom"
    return f"{name}_from_bottom" if below else name


def _mapped(transform: Transform, point: Point) -> Point:
    (a, b, c), (d, e, f) = transform
    return a * point[0] + b * point[1] + c, d * point[0] + e * point[1] + f


def _check(name: str, value: float, unit: str, accept: Range = ANY) -> Reading:
    verdict = Verdict.ACCEPTED if value in accept else Verdict.REJECTED
    return Reading(name, float(value), None, unit, accept, verdict, Standing.OWN)
