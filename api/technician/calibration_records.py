"""What was calibrated: each record with its figures and their sources, certificates, history.

Everything here may be read by an auditor; nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response

from api.console import gate
from api.problems import Refused
from api.technician import figures
from api.technician.calibration_trends import Trends, add_trends, plotted
from api.technician.console import Console
from api.technician.places import auditors_too
from edge.calibration.book import LANGUAGES, CalibrationBook, NoSuchCalibration
from edge.calibration.certificate_words import words_of
from edge.calibration.record import Recorded
from edge.calibration.trend import Drift

RECORD: Final = "calibration.record"
HISTORY: Final = "calibration.history"
ALL: Final = 10_000
JWS: Final = "application/jose"


def add_records(pages: Blueprint, console: Console) -> None:
    """Add the routes of records, trends and targets to the calibration's blueprint."""
    trends = add_trends(pages, console)
    routes: list[tuple[str, str, Callable[..., Any]]] = [
        ("/calibration/record/<calibration_id>", "record", _record),
        ("/calibration/record/<calibration_id>/record.json", "record_json", _json),
        ("/calibration/record/<calibration_id>/record.jws", "record_signature", _signature),
        ("/calibration/record/<calibration_id>/<language>.pdf", "certificate", _pdf),
        ("/calibration/record/<calibration_id>/picture/<name>", "picture", _picture),
        ("/calibration/history/<device>", "history", partial(_history, trends)),
    ]
    for rule, endpoint, view in routes:
        pages.add_url_rule(rule, endpoint, auditors_too(_with(console, view)))


def _with(console: Console, view: Callable[..., Any]) -> Callable[..., Any]:
    def answer(**asked: str) -> Any:
        book = console.station.calibrations
        if book is None:
            raise Refused("not-found")
        try:
            return view(console, book, **asked)
        except NoSuchCalibration:
            raise Refused("not-found") from None

    return answer


def _record(console: Console, book: CalibrationBook, calibration_id: str) -> str:
    recorded = book.read(calibration_id)
    return console.draw(
        "calibration_record.html",
        recorded=recorded,
        found=recorded.calibration,
        named=words_of(gate.session().language).named,
        pictures=sorted(book.evidence(calibration_id).pictures),
        value_text=figures.value_text,
        limits_text=figures.limits_text,
        languages=LANGUAGES,
    )


def _json(console: Console, book: CalibrationBook, calibration_id: str) -> Response:
    content = book.certificate_json(calibration_id)
    return _file(content, "application/json", _name(book.read(calibration_id), "json"))


def _signature(console: Console, book: CalibrationBook, calibration_id: str) -> Response:
    content = book.signature(calibration_id).encode()
    return _file(content, JWS, _name(book.read(calibration_id), "json.jws"))


def _pdf(console: Console, book: CalibrationBook, calibration_id: str, language: str) -> Response:
    if language not in LANGUAGES:
        raise Refused("not-found")
    content = book.pdf(calibration_id, language)
    named = _name(book.read(calibration_id), f"{language}.pdf")
    return _file(content, "application/pdf", named)


def _picture(console: Console, book: CalibrationBook, calibration_id: str, name: str) -> Response:
    jpeg = book.evidence(calibration_id).pictures.get(name)
    if jpeg is None:
        raise Refused("not-found")
    return Response(jpeg, mimetype="image/jpeg")


def _history(trends: Trends, console: Console, book: CalibrationBook, device: str) -> str:
    settings = console.station.settings
    rows = book.page(limit=ALL, device=device)
    if not rows and device not in {settings.camera.id, settings.reader.id}:
        raise Refused("not-found")
    series, drifts = trends.of(device)
    return console.draw(
        "calibration_history.html",
        plots=plotted(series),
        value_text=figures.value_text,
        limits_text=figures.limits_text,
        warnings=[_warning(drift, gate.session().language) for drift in drifts],
        device=device,
        worth=book.state(device),
        rows=rows[::-1],
        named=words_of(gate.session().language).named,
    )


def _warning(drift: Drift, language: str) -> str:
    change = f"{abs(drift.change):.1f}"
    return words_of(language).line(f"trend.drift_{drift.code}", change=change)


def _name(recorded: Recorded, ending: str) -> str:
    return f"calibration-{recorded.calibration.device_id}-{recorded.id[:8]}.{ending}"


def _file(content: bytes, mimetype: str, name: str) -> Response:
    # Names are made of our own ids: nothing in them needs quoting.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=mimetype, headers=headers)
