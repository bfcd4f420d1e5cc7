"""`GET /v1/calibrations`: what technicians measured of the devices, and the signed certificates.

A field check following a named method, never a certification. No name and no picture of a person is
in it: a technician is a staff number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar

from flask import Blueprint, Response, request
from pydantic import Field
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.contract import Answer, Moment, NoQuery, Query, answers, unread
from api.v1.paging import Place
from api.v1.station import V1Station
from edge.calibration.book import LANGUAGES, CalibrationBook, NoSuchCalibration
from edge.calibration.book_rows import Row
from edge.calibration.record import Calibration as Kept
from edge.calibration.record import StepResult
from edge.seal import digest_of
from edge.utc import rfc3339

JOSE: Final = "application/jose"
PDF: Final = "application/pdf"
JSON: Final = "application/json"
SIGNATURE: Final = "Anxin-Signature"
"""Detached JWS of what an answer holds."""

T = TypeVar("T")


class CalibrationQuery(Query):
    """Which page of which calibrations."""

    device_id: Annotated[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] | None,
        Field(description="Only of this device."),
    ] = None
    after: Annotated[
        Annotated[str, Field(max_length=200)] | None,
        Field(description="Where to go on: `next` of the page before, unchanged."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Calibrations a page.")] = 50


class Calibration(Answer):
    """One record; `number` rises from record to record of a station.

    `valid_until` is the last day in UTC, null unless it is full and passed. `restores` is, of an
    undoing, the calibration that is in force again; null where none is.
    """

    calibration_id: str
    number: int
    device_id: str
    kind: Literal["full", "quick", "undo"]
    at: Moment
    overall: Literal["pass", "pass_with_remarks", "fail", "not_assessed"]
    valid_until: str | None
    technician: str
    restores: str | None


class CalibrationPage(Answer):
    """One page, oldest first; `next` is null on the last one."""

    items: tuple[Calibration, ...]
    next: str | None


class CalibrationStep(Answer):
    """One measure; `value` is null where it was not assessed, and `reason` says why.

    `uncertainty` and `spread` are standard deviations in `unit`, null where nobody knows them.
    """

    step: str
    measure: str
    value: float | None
    unit: str
    least: float | None
    most: float | None
    source: str
    standing: str
    verdict: Literal["pass", "remark", "fail", "not_assessed"]
    n: int
    spread: float | None
    uncertainty: float | None
    reason: str


class CalibrationRecord(Calibration):
    """One record with its figures; the signed record itself is its certificate."""

    method: str
    profile: str
    previous_id: str | None
    identity: dict[str, str]
    parameters: dict[str, float]
    steps: tuple[CalibrationStep, ...]


def calibration_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the three routes of calibrations."""
    routes = Blueprint("calibrations", __name__)
    hand_on = unread(routes)

    @routes.get("/v1/calibrations")
    @spec.validate(
        query=CalibrationQuery,
        resp=answers(CalibrationPage, "HTTP_400", "HTTP_404"),
        tags=["devices"],
    )
    def list_calibrations() -> CalibrationPage:
        """List the calibrations of all devices, or of one."""
        query: CalibrationQuery = request.context.query  # type: ignore[attr-defined]
        if query.device_id is not None:
            _check_device(station, query.device_id)
        return _page(station, query)

    @routes.get("/v1/calibrations/<calibration_id>")
    @spec.validate(query=NoQuery, resp=answers(CalibrationRecord, "HTTP_404"), tags=["devices"])
    def read_calibration(calibration_id: str) -> CalibrationRecord:
        """Say what one calibration came to, measure by measure."""
        return _found(station, calibration_id, lambda book: _record(book, calibration_id))

    @routes.get("/v1/calibrations/<calibration_id>/certificate")
    @spec.validate(query=NoQuery, tags=["devices"])
    def read_certificate(calibration_id: str) -> str:
        """Return a calibration as the station signed it; `Accept` says in which form."""
        return hand_on(
            _found(station, calibration_id, lambda book: _certificate(book, calibration_id))
        )

    return routes


def _page(station: V1Station, query: CalibrationQuery) -> CalibrationPage:
    place = Place("calibrations", query.device_id)
    after, book = place.after(query.after), station.calibrations
    rows = [] if book is None else book.page(after, query.limit + 1, query.device_id)
    more = rows[query.limit - 1].number if len(rows) > query.limit else None
    return CalibrationPage(
        items=tuple(Calibration(**_row(row)) for row in rows[: query.limit]),
        next=None if more is None else place.cursor(more),
    )


def _row(row: Row) -> dict[str, Any]:
    return {
        "calibration_id": row.id, "number": row.number, "device_id": row.device_id,
        "kind": row.kind, "at": rfc3339(row.ended_at_ms), "overall": row.overall.value,
        "valid_until": row.valid_until, "technician": row.technician, "restores": row.restores,
    }  # fmt: skip


def _record(book: CalibrationBook, calibration_id: str) -> CalibrationRecord:
    kept = book.read(calibration_id).calibration
    return CalibrationRecord(
        **_head(calibration_id, kept),
        method=kept.method,
        profile=kept.profile,
        previous_id=kept.previous_id,
        identity=dict(kept.identity),
        parameters=dict(kept.parameters),
        steps=tuple(_step(one) for one in kept.steps),
    )


def _head(calibration_id: str, kept: Kept) -> dict[str, Any]:
    return {
        "calibration_id": calibration_id, "number": kept.number, "device_id": kept.device_id,
        "kind": kept.kind, "at": rfc3339(kept.ended_at_ms), "overall": kept.overall.value,
        "valid_until": kept.valid_until, "technician": kept.technician, "restores": kept.restores,
    }  # fmt: skip


def _step(one: StepResult) -> CalibrationStep:
    said = {name: getattr(one, name) for name in CalibrationStep.model_fields}
    return CalibrationStep(**{**said, "verdict": one.verdict.value})


def _certificate(book: CalibrationBook, calibration_id: str) -> Response:
    form = request.accept_mimetypes.best_match((JOSE, PDF, JSON), JOSE)
    if form == JOSE:
        return Response(book.signed_json(calibration_id), mimetype=JOSE)
    if form == JSON:
        content, token = book.certificate_json(calibration_id), book.signature(calibration_id)
        return _signed(content, token, JSON, f"{calibration_id}.json")
    language = request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])
    content, token = book.certificate(calibration_id, language)
    answer = _signed(content, token, PDF, f"{calibration_id}-{language}.pdf")
    answer.content_language.add(language)
    return answer


def _signed(content: bytes, token: str, mimetype: str, name: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers[SIGNATURE] = token
    answer.headers["Repr-Digest"] = digest_of(content)
    answer.headers["Vary"] = "Accept, Accept-Language"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.set_etag(hashlib.sha256(content).hexdigest())
    return answer


def _found(station: V1Station, calibration_id: str, read: Callable[[CalibrationBook], T]) -> T:
    checked_id(calibration_id)
    if station.calibrations is None:
        raise Refused("not-found")
    try:
        return read(station.calibrations)
    except NoSuchCalibration:
        raise Refused("not-found") from None


def _check_device(station: V1Station, device_id: str) -> None:
    if all(status.device_id != device_id for status in station.devices()):
        raise Refused("not-found")
