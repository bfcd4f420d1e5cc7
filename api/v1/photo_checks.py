"""`POST /v1/photo-checks`: would this photo do? Nothing of it is kept, and nobody waits for it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from flask import Blueprint, request
from pydantic import Field
from spectree import SpecTree

from api.problems import FieldError, Refused
from api.v1.contract import Answer, Query, answers
from api.v1.photo_body import checked_photo, refused_photo
from api.v1.station import V1Station
from edge.photos.fault import PhotoUnreadable
from edge.photos.precheck import Precheck, StationBusy

CHECK_PHOTO: Final = "photo_checks.check_photo"
VerdictName = Literal["accepted", "rejected", "not_assessed"]


class PhotoCheckQuery(Query):
    """By which sheet."""

    document: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,47}$",
            description="Photo document by whose sheet it is judged.",
        ),
    ]


class PhotoReading(Answer):
    """One limit of the sheet: the value in its own unit, and the standard's 0 to 100 if it has one.

    `advisory` limits refuse nothing; `native` is null exactly where the verdict is `not_assessed`.
    """

    measure: str
    native: float | None
    component: int | None
    unit: str
    verdict: VerdictName
    advisory: bool


class PhotoCheck(Answer):
    """What the photo is by the sheet; `advice` is a code of what to do first, null if nothing."""

    document: str
    verdict: VerdictName
    advice: str | None
    readings: tuple[PhotoReading, ...]


def photo_check_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `POST /v1/photo-checks`; a station that looks at none knows no document for it."""
    routes = Blueprint("photo_checks", __name__)
    prechecks = station.prechecks
    refusals = ("HTTP_411", "HTTP_413", "HTTP_415", "HTTP_422", "HTTP_429", "HTTP_503")

    @routes.post("/v1/photo-checks")
    @spec.validate(
        query=PhotoCheckQuery, resp=answers(PhotoCheck, *refusals), tags=["photo-checks"]
    )
    def check_photo() -> PhotoCheck:
        """Judge a photo by a document's sheet; nothing is kept, and a served person comes first."""
        query: PhotoCheckQuery = request.context.query  # type: ignore[attr-defined]
        if prechecks is None or not prechecks.knows(query.document):
            raise Refused("invalid-request", [FieldError("document", "unknown_to_station")])
        content = checked_photo(digest_needed=False)
        try:
            return _answer(prechecks.check(content, query.document))
        except StationBusy:
            raise Refused("station-busy") from None
        except PhotoUnreadable as error:
            raise refused_photo(error) from None

    return routes


def _answer(checked: Precheck) -> PhotoCheck:
    return PhotoCheck(
        document=checked.document,
        verdict=checked.verdict.value,
        advice=None if checked.advice is None else checked.advice.value,
        readings=tuple(
            PhotoReading(
                measure=reading.measure,
                native=reading.native,
                component=reading.component,
                unit=reading.unit,
                verdict=reading.verdict.value,
                advisory=reading.advisory,
            )
            for reading in checked.readings
        ),
    )
