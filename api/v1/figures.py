"""`GET /v1/service-figures`: what the station did in a month. Counts only; nobody is in them.

What could still be counted off against the persons who were here is not told at all: answers to how
it was, while their month runs or where they are few, and papers that few had to bring later.
"""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, request
from pydantic import Field
from spectree import SpecTree

from api.v1.contract import Answer, Query, answers
from api.v1.station import V1Station
from edge import figures
from edge.service.month import ServiceMonth, service_month
from edge.service.ratings import SCALE
from edge.utc import now_ms

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


class PaperFigures(Answer):
    """Papers that were to be brought later; a code stands there from five of it on."""

    missing: int = 0
    by_code: dict[str, int] = Field(default_factory=dict)


class CallFigures(Answer):
    """Calls for staff of one kind."""

    raised: int = 0
    again: int = Field(default=0, description="Raised once more, because nobody had answered.")
    answered: int = 0
    resolved: int = 0
    withdrawn: int = Field(default=0, description="The person needed nobody before anybody came.")


class HelpFigures(Answer):
    """Calls for staff, and how long who called had to wait for an answer."""

    help: CallFigures
    device: CallFigures
    number: CallFigures
    rest: CallFigures
    waits: int = Field(description="How many were answered.")
    wait_median_s: float | None
    wait_p95_s: float | None


class FollowUpFigures(Answer):
    """What became of poor answers."""

    raised: int = 0
    answered: int = 0
    resolved: int = 0


class RatingFigures(Answer):
    """Answers to how it was, on a scale of three: null until the month is over or if under five."""

    scale: int
    answers: int
    good: int
    fair: int
    poor: int
    waited: int = Field(description="Of the poor ones: it took too long.")
    hard: int = Field(description="Of the poor ones: it was not easy to use.")
    followed_up: FollowUpFigures


class ServiceFigures(Answer):
    """One month. A month in which nothing happened is all zeros."""

    month: str
    sittings: SittingFigures
    unused_orders: UnusedOrderFigures
    portraits: PortraitFigures
    fingers: FingerFigures
    materials: PaperFigures
    help_calls: int
    help: HelpFigures
    ratings: RatingFigures | None


def figure_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/service-figures`."""
    routes = Blueprint("figures", __name__)

    @routes.get("/v1/service-figures")
    @spec.validate(query=MonthQuery, resp=answers(ServiceFigures), tags=["station"])
    def read_figures() -> ServiceFigures:
        """Say what the station did in a month."""
        query: MonthQuery = request.context.query  # type: ignore[attr-defined]
        found, served = station.store.read(
            lambda db: (
                figures.month_figures(db, query.month),
                service_month(db, query.month, now_ms()),
            )
        )
        return ServiceFigures(
            month=query.month,
            sittings=SittingFigures(**found.get(figures.SITTING, {})),
            unused_orders=UnusedOrderFigures(**found.get(figures.ORDER, {})),
            portraits=PortraitFigures(**found.get(figures.PORTRAIT, {})),
            fingers=FingerFigures(**found.get(figures.FINGER, {})),
            materials=PaperFigures(missing=served.papers, by_code=dict(served.papers_by_code)),
            help_calls=found.get(figures.HELP, {}).get("raised", 0),
            help=_help(served),
            ratings=_ratings(served),
        )

    return routes


def _help(served: ServiceMonth) -> HelpFigures:
    return HelpFigures(
        **{kind: CallFigures(**acts) for kind, acts in served.calls.items()},
        waits=len(served.waits_ms),
        wait_median_s=served.wait_s(0.5),
        wait_p95_s=served.wait_s(0.95),
    )


def _ratings(served: ServiceMonth) -> RatingFigures | None:
    given = served.ratings
    if given is None:
        return None
    acts = {name: served.followed_up[name] for name in FollowUpFigures.model_fields}
    return RatingFigures(
        scale=SCALE,
        answers=given.answers,
        **given.scores,
        **given.reasons,
        followed_up=FollowUpFigures(**acts),
    )
