"""`GET /v1/calibrations`: what technicians measured of the devices. No device here has been yet.

A list that is empty says so; nothing is invented in its place. A device's `calibration_id` in the
manifests is null for the same reason.
"""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from pydantic import Field
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.contract import Answer, Moment, NoQuery, Query, answers
from api.v1.paging import Place
from api.v1.station import V1Station


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
    """One calibration; `overall` is one of pass, pass_with_remarks, fail, `valid_until` a date."""

    calibration_id: str
    device_id: str
    at: Moment
    overall: str
    valid_until: str


class CalibrationPage(Answer):
    """One page, oldest first; `next` is null on the last one."""

    items: tuple[Calibration, ...]
    next: str | None


def calibration_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the three routes of calibrations."""
    routes = Blueprint("calibrations", __name__)

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
        Place("calibrations", query.device_id).after(query.after)
        return CalibrationPage(items=(), next=None)

    @routes.get("/v1/calibrations/<calibration_id>")
    @spec.validate(query=NoQuery, resp=answers(Calibration, "HTTP_404"), tags=["devices"])
    def read_calibration(calibration_id: str) -> Calibration:
        """Say what one calibration came to."""
        raise _unknown(calibration_id)

    @routes.get("/v1/calibrations/<calibration_id>/certificate")
    @spec.validate(query=NoQuery, tags=["devices"])
    def read_certificate(calibration_id: str) -> str:
        """Return a calibration as the station signed it."""
        raise _unknown(calibration_id)

    return routes


def _check_device(station: V1Station, device_id: str) -> None:
    if all(status.device_id != device_id for status in station.devices()):
        raise Refused("not-found")


def _unknown(calibration_id: str) -> Refused:
    checked_id(calibration_id)
    return Refused("not-found")
