"""`GET /v1/service-figures`: what the station did in a month. Counts only; nobody is in them."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from pydantic import Field
from spectree import SpecTree

from api.v1.contract import Answer, Query, answers
from api.v1.station import V1Station
from edge import figures

MONTH = r"^20\d{2}-(0[1-9]|1[0-2])$"


class MonthQuery(Query):
    """Of which month."""

    month: Annotated[str, Field(pattern=MONTH, description="Month in UTC, as `2026-11`.")]


class SittingFigures(Answer):
    """Sittings that began and ended in the month, by their result."""

    accepted: int = 0
    accepted_with_missing: int = 0
    to_window: int = 0
    cancelled: int = 0


class UnusedOrderFigures(Answer):
    """Orders that ended without a sitting."""

    cancelled: int = 0
    expired: int = 0


class PortraitFigures(Answer):
    """Portraits of packages that were closed: taken here, taken over, and missing."""

    captured: int = 0
    reused: int = 0
    missing: int = 0


class FingerFigures(Answer):
    """Fingers of packages that were closed."""

    taken: int = 0
    missing: int = 0


class ServiceFigures(Answer):
    """One month. A month in which nothing happened is all zeros."""

    month: str
    sittings: SittingFigures
    unused_orders: UnusedOrderFigures
    portraits: PortraitFigures
    fingers: FingerFigures
    help_calls: int


def figure_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/service-figures`."""
    routes = Blueprint("figures", __name__)

    @routes.get("/v1/service-figures")
    @spec.validate(query=MonthQuery, resp=answers(ServiceFigures), tags=["station"])
    def read_figures() -> ServiceFigures:
        """Say what the station did in a month."""
        query: MonthQuery = request.context.query  # type: ignore[attr-defined]
        found = station.store.read(lambda db: figures.month_figures(db, query.month))
        return ServiceFigures(
            month=query.month,
            sittings=SittingFigures(**found.get(figures.SITTING, {})),
            unused_orders=UnusedOrderFigures(**found.get(figures.ORDER, {})),
            portraits=PortraitFigures(**found.get(figures.PORTRAIT, {})),
            fingers=FingerFigures(**found.get(figures.FINGER, {})),
            help_calls=found.get(figures.HELP, {}).get("raised", 0),
        )

    return routes
