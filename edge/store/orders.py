"""The rows of orders; every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import apsw

from edge.events import note_event
from edge.trust import audit
from edge.trust.audit import STATION, Actor
from edge.utc import rfc3339

OrderState = Literal["waiting", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ends; `missing` are rows of what and why, codes only."""

    result: str
    missing: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One order's row, without anything personal.

    Attributes:
        cursor: grows with the age of the row; pages begin after one.
        photo: as the row has it: "needed" may be held in memory meanwhile.
        package_id: of the package that the sitting closed.
    """

    cursor: int
    sitting_id: str
    state: OrderState
    version: int
    photo: str
    photo_reason: str | None
    ordered_at_ms: int
    expires_at_ms: int
    ended_at_ms: int | None
    result: str | None
    missing: tuple[Mapping[str, str], ...]
    package_id: str | None


def insert(  # noqa: PLR0917 - the columns in their order
    db: apsw.Connection,
    sitting_id: str,
    wanted: Mapping[str, Any],
    photo: tuple[str, str | None],
    times_ms: tuple[int, int, int],
    actor: Actor,
) -> StoredOrder:
    """Keep a new order; `times_ms`: ordered at, not before, expires at."""
    text = json.dumps(dict(wanted), separators=(",", ":"), ensure_ascii=False)
    db.execute(
        "insert into sitting_order(sitting_id, state, photo, photo_reason, ordered_at_ms,"
        " not_before_ms, expires_at_ms, wanted) values(?, 'waiting', ?, ?, ?, ?, ?, ?)",
        (sitting_id, *photo, *times_ms, text),
    )
    note(db, actor, "order.add", sitting_id, times_ms[0])
    note_event(db, "sitting.ordered", sitting_id, {}, times_ms[0])
    if photo[0] == "needed":
        note_event(db, "sitting.reuse_photo_needed", sitting_id, {}, times_ms[0])
    row = stored(db, sitting_id)
    if row is None:
        raise AssertionError("a row that was just written is not there")
    return row


def open_count(db: apsw.Connection) -> int:
    """Return how many orders have not ended."""
    return int(db.execute("select count(*) from sitting_order where state <> 'ended'").get)


def stored(db: apsw.Connection, sitting_id: str) -> StoredOrder | None:
    """Return one order's row, None if there is no such order."""
    row = db.execute("select * from shown_order where sitting_id = ?", (sitting_id,)).get
    return _stored(row) if row else None


def stored_after(
    db: apsw.Connection, after: int, limit: int, state: str | None
) -> list[StoredOrder]:
    """Return rows behind the cursor `after`, in order of arrival."""
    found = db.execute(
        "select * from shown_order where id > ? and (? is null or state = ?)"
        # One that was forgotten is an id and nothing more.
        " and (state <> 'ended' or ended_at_ms is not null) order by id limit ?",
        (after, state, state, limit),
    )
    return [_stored(row) for row in found]


def wanted(db: apsw.Connection, sitting_id: str) -> dict[str, Any] | None:
    """Return what an order that has not ended asks for; None if there is no such order."""
    text: str | None = db.execute(
        "select wanted from sitting_order where sitting_id = ? and state <> 'ended'", (sitting_id,)
    ).get
    return None if text is None else json.loads(text)


def waiting(db: apsw.Connection, now_ms: int) -> list[tuple[str, dict[str, Any]]]:
    """Return id and wishes of the orders that may begin now, oldest first."""
    found = db.execute(
        "select sitting_id, wanted from sitting_order where state = 'waiting'"
        " and not_before_ms <= ? and expires_at_ms > ? order by id",
        (now_ms, now_ms),
    )
    return [(sitting_id, json.loads(text)) for sitting_id, text in found]


def set_state(
    db: apsw.Connection, sitting_id: str, before: OrderState, after: OrderState, now_ms: int
) -> bool:
    """Move an order from one state to another; False if it is in none such."""
    db.execute(
        "update sitting_order set state = ?, version = version + 1"
        " where sitting_id = ? and state = ?",
        (after, sitting_id, before),
    )
    if db.changes() == 0:
        return False
    act = "order.begin" if after == "running" else "order.put_back"
    note(db, STATION, act, sitting_id, now_ms)
    if after == "running":
        note_event(db, "sitting.started", sitting_id, {}, now_ms)
    return True


def set_photo(db: apsw.Connection, sitting_id: str, state: str, reason: str | None) -> None:
    """Say what became of the earlier photo; of an order that has none or has ended: nothing."""
    db.execute(
        "update sitting_order set photo = ?, photo_reason = ?, version = version + 1"
        " where sitting_id = ? and photo <> 'none' and state <> 'ended'"
        " and (photo, ifnull(photo_reason, '')) is not (?, ifnull(?, ''))",
        (state, reason, sitting_id, state, reason),
    )


def end(
    db: apsw.Connection,
    sitting_id: str,
    ending: Ending | None,
    now_ms: int,
    actor: Actor | None = None,
) -> bool:
    """End an order and erase what is personal of it; one that has ended stays as it is.

    Args:
        db: the write connection.
        sitting_id: of any sitting; one without an order is let be.
        ending: None if nobody knows any more.
        now_ms: when.
        actor: who ended it; the station itself if nobody else.
    """
    result = None if ending is None else ending.result
    missing = [] if ending is None else [dict(row) for row in ending.missing]
    db.execute(
        "update sitting_order set state = 'ended', version = version + 1, ended_at_ms = ?,"
        " result = ?, missing = ?, wanted = null where sitting_id = ? and state <> 'ended'",
        (now_ms, result, json.dumps(missing, ensure_ascii=False), sitting_id),
    )
    if db.changes() == 0:
        return False
    by = actor or STATION
    note(db, by, "order.end", sitting_id, now_ms, outcome=result or "unknown")
    note_event(db, "sitting.ended", sitting_id, {"result": result}, now_ms)
    return True


def mend(db: apsw.Connection, sitting_id: str, ending: Ending, now_ms: int, actor: Actor) -> None:
    """Tell an order that ended at the window how its sitting ended after all.

    Its person had left, and an attendant went on with what was accepted, or handed it in.
    """
    db.execute(
        "update sitting_order set version = version + 1, ended_at_ms = ?, result = ?, missing = ?"
        " where sitting_id = ? and state = 'ended' and result = 'to_window'",
        (
            now_ms,
            ending.result,
            json.dumps([dict(row) for row in ending.missing], ensure_ascii=False),
            sitting_id,
        ),
    )
    if db.changes():
        note(db, actor, "order.mend", sitting_id, now_ms, outcome=ending.result)
        note_event(db, "sitting.ended", sitting_id, {"result": ending.result}, now_ms)


def expired(db: apsw.Connection, now_ms: int, grace_ms: int) -> list[str]:
    """Return orders whose time is over; one that runs has `grace_ms` more."""
    found = db.execute(
        "select sitting_id from sitting_order where (state = 'waiting' and expires_at_ms <= ?)"
        " or (state = 'running' and expires_at_ms <= ?)",
        (now_ms, now_ms - grace_ms),
    )
    return [sitting_id for (sitting_id,) in found]


def recover(db: apsw.Connection, now_ms: int) -> None:
    """After a start: an order runs only if a sitting with consent is there to go on with it."""
    found = db.execute(
        "select o.sitting_id,"
        " exists(select 1 from package p where p.sitting_id = o.sitting_id"
        " and p.sequence is not null),"
        " exists(select 1 from package p where p.sitting_id = o.sitting_id and p.state = 'open'"
        " and p.sitting ->> '$.consented')"
        " from sitting_order o where o.state = 'running'"
    )
    for sitting_id, closed, goes_on in list(found):
        if closed:
            # A closing without an ending: the package knows how it ended, and the centre has it.
            end(db, sitting_id, None, now_ms)
        elif not goes_on:
            set_state(db, sitting_id, "running", "waiting", now_ms)
    # A photo that a client brought was in memory only.
    wanting = db.execute(
        "select sitting_id from sitting_order where photo = 'needed' and state <> 'ended'"
    )
    for (sitting_id,) in list(wanting):
        note_event(db, "sitting.reuse_photo_needed", sitting_id, {}, now_ms)


def note(
    db: apsw.Connection,
    actor: Actor,
    act: str,
    sitting_id: str,
    now_ms: int,
    *,
    outcome: str = "ok",
) -> None:
    """Append one row to the audit chain, in the same transaction as what it records."""
    audit.append(db, rfc3339(now_ms), actor, act, {"sitting_id": sitting_id}, outcome)


def _stored(row: Sequence[Any]) -> StoredOrder:
    *plain, missing, package_id = row
    values: list[Any] = [*plain, tuple(json.loads(missing or "[]")), package_id]
    return StoredOrder(*values)
