"""A sitting as `/v1` shows it: states, codes, ids and times, and nothing that came in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from api.v1.contract import Answer, Query, utc
from api.v1.station import V1Station
from edge.orders import OrderRow


class SittingQuery(Query):
    """Which page of which sittings."""

    state: Annotated[
        Literal["waiting", "running", "ended"] | None,
        Field(description="Only sittings in this state."),
    ] = None
    after: Annotated[
        Annotated[str, Field(max_length=200)] | None,
        Field(description="Where to go on: `next` of the page before, unchanged."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Sittings a page.")] = 50


class MissingRow(Answer):
    """What the package lacks and why, as codes.

    `what` is "portrait", "finger:<position>" or "material:<code>"; `due` the civil date until which
    it may be brought, "" without one; `confirmed_by` the staff id of who accepted it so, or "".
    """

    what: str
    reason: str
    due: str
    confirmed_by: str


class ReusePhotoAnswer(Answer):
    """Where the earlier photo stands.

    `state` is one of none, needed, held, used, declined, unfit; `reason` a code: why it is unfit,
    or why the last look-up brought nothing.
    """

    state: str
    reason: str | None


class Sitting(Answer):
    """One ordered sitting; `state` is one of waiting, running, ended, `step` a screen's id.

    `result` is null until it has ended, and where a restart came between: then the package says.
    """

    sitting_id: str
    state: str
    step: str | None
    result: str | None
    missing: tuple[MissingRow, ...]
    reuse_photo: ReusePhotoAnswer
    package_id: str | None
    ordered_at: str | None
    expires_at: str | None
    ended_at: str | None


class SittingPage(Answer):
    """One page, oldest first; `next` is null on the last one."""

    items: tuple[Sitting, ...]
    next: str | None


def sitting_answer(row: OrderRow, station: V1Station | None) -> Sitting:
    """Return an order's row as an answer; without a station the screen is not asked for."""
    running = row.state == "running" and station is not None
    return Sitting(
        sitting_id=row.sitting_id,
        state=row.state,
        step=station.step(row.sitting_id) if running and station else None,
        result=row.result,
        missing=tuple(_missing(one) for one in row.missing),
        reuse_photo=ReusePhotoAnswer(state=row.photo, reason=row.photo_reason),
        package_id=row.package_id,
        ordered_at=utc(row.ordered_at_ms),
        expires_at=utc(row.expires_at_ms),
        ended_at=utc(row.ended_at_ms),
    )


def _missing(row: Mapping[str, str]) -> MissingRow:
    # What an older release wrote says nothing of days and of staff.
    return MissingRow(
        what=row["what"],
        reason=row["reason"],
        due=row.get("due", ""),
        confirmed_by=row.get("confirmed_by", ""),
    )
