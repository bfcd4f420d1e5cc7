"""How the station did: sittings, times, tries, reasons and waits. Counts and spans, and nobody.

Presses and shots are sealed with the record of each person and are counted nowhere, so there is no
figure of them here. What could be counted off against few persons is not told (`FLOOR`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Final, TypeVar

import apsw

from edge import figures
from edge.events import Events
from edge.service.month import bounds_ms, service_month
from edge.service.ratings import FLOOR, MonthRatings
from edge.store import Store
from edge.utc import rfc3339

MONTHS: Final = 12
LAST_SITTINGS: Final = 1000
"""Times and tries are those of so many packages that were closed last."""
MINUTES: Final = (2, 4, 6, 8, 10, 15, 30)
"""Upper ends of the steps in which the length of a sitting is counted; the last step is open."""
TRIES_MOST: Final = 4
CALLS_DAYS: Final = 90
EVENTS_AT_ONCE: Final = 1000
EVENTS_MOST: Final = 20_000
DAY_MS: Final = 24 * 3600 * 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Month:
    """One month, in UTC.

    Attributes:
        month: as `2026-11`.
        results: sittings by their result.
        portraits, fingers: what closed packages hold and lack.
        calls: calls for staff that were raised.
        wait_median_s, wait_p95_s: from a call to its answer; None without one.
        ratings: None while the month runs, or of fewer than `FLOOR` answers.
    """

    month: str
    results: Mapping[str, int]
    portraits: Mapping[str, int]
    fingers: Mapping[str, int]
    calls: int
    wait_median_s: float | None
    wait_p95_s: float | None
    ratings: MonthRatings | None


@dataclass(frozen=True, slots=True)
class Times:
    """How long sittings took, from their beginning to the closed package.

    Attributes:
        counts: of each step of `MINUTES`, and beyond the last; empty below `FLOOR` sittings.
        sittings: how many were counted.
        median_s, p95_s: by nearest rank; None below `FLOOR`.
    """

    counts: tuple[int, ...]
    sittings: int
    median_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """All of it.

    Attributes:
        months: oldest first.
        tries: how many deliveries came through at the first try, the second, ...; the last step is
            open.
        calls: calls for staff in the last `CALLS_DAYS` days by why, most first.
        devices: times that a device stopped working in seven days, by its id and why.
        closed: times that no sitting could begin in seven days, by why.
    """

    months: tuple[Month, ...]
    times: Times
    tries: tuple[int, ...]
    calls: tuple[tuple[str, int], ...]
    devices: tuple[tuple[tuple[str, str], int], ...]
    closed: tuple[tuple[str, int], ...]


def read_statistics(store: Store, now_ms: int) -> Statistics:
    """Count what the journal holds.

    Raises:
        StoreBroken: the journal cannot be read.
    """
    devices, closed = _events(store)
    return Statistics(
        months=tuple(store.read(partial(_month, month=one, now_ms=now_ms)) for one in last(now_ms)),
        times=times_of(store.read(_spans_ms)),
        tries=store.read(_tries),
        calls=store.read(partial(_calls, since_ms=now_ms - CALLS_DAYS * DAY_MS)),
        devices=devices,
        closed=closed,
    )


def last(now_ms: int, count: int = MONTHS) -> tuple[str, ...]:
    """Return the months up to the one that runs, oldest first."""
    found = [figures.month_of(now_ms)]
    while len(found) < count:
        begins_ms, _ = bounds_ms(found[-1])
        found.append(rfc3339(begins_ms - 1)[:7])
    return tuple(reversed(found))


def times_of(spans_ms: Sequence[int]) -> Times:
    """Count spans in steps of `MINUTES`; nothing is told of fewer than `FLOOR`."""
    if len(spans_ms) < FLOOR:
        return Times((), len(spans_ms), None, None)
    counts = [0] * (len(MINUTES) + 1)
    for span_ms in spans_ms:
        step = sum(span_ms >= minutes * 60_000 for minutes in MINUTES)
        counts[step] += 1
    ordered = sorted(spans_ms)
    return Times(tuple(counts), len(ordered), _rank_s(ordered, 0.5), _rank_s(ordered, 0.95))


def _rank_s(ordered: Sequence[int], share: float) -> float:
    return ordered[ceil(share * len(ordered)) - 1] / 1000


def _month(db: apsw.Connection, month: str, now_ms: int) -> Month:
    counted, service = figures.month_figures(db, month), service_month(db, month, now_ms)
    return Month(
        month=month,
        results=counted.get(figures.SITTING, {}),
        portraits=counted.get(figures.PORTRAIT, {}),
        fingers=counted.get(figures.FINGER, {}),
        calls=sum(acts["raised"] for acts in service.calls.values()),
        wait_median_s=service.wait_s(0.5),
        wait_p95_s=service.wait_s(0.95),
        ratings=service.ratings,
    )


def _spans_ms(db: apsw.Connection) -> list[int]:
    found: list[tuple[Any, ...]] = db.execute(
        "select sealed_at_ms - opened_at_ms from package where sequence is not null"
        " order by id desc limit ?",
        (LAST_SITTINGS,),
    ).fetchall()
    # A clock that was set back in a sitting makes no span.
    return [int(span_ms) for (span_ms,) in found if isinstance(span_ms, int) and span_ms >= 0]


def _tries(db: apsw.Connection) -> tuple[int, ...]:
    found: list[tuple[Any, ...]] = db.execute(
        "select attempts, count(*) from delivery where state = 'delivered' and attempts > 0"
        " and package in (select id from package where sequence is not null"
        " order by id desc limit ?) group by attempts",
        (LAST_SITTINGS,),
    ).fetchall()
    counts = [0] * TRIES_MOST
    for attempts, count in found:
        counts[min(int(attempts), TRIES_MOST) - 1] += int(count)
    return tuple(counts)


def _calls(db: apsw.Connection, since_ms: int) -> tuple[tuple[str, int], ...]:
    found: list[tuple[Any, ...]] = db.execute(
        "select why, sum(times) from ticket where raised_at_ms >= ? and kind <> 'rating'"
        " group by why order by 2 desc, 1",
        (since_ms,),
    ).fetchall()
    return tuple((str(why), int(count)) for why, count in found)


def _events(
    store: Store,
) -> tuple[tuple[tuple[tuple[str, str], int], ...], tuple[tuple[str, int], ...]]:
    events, devices, closed = Events(store), Counter[tuple[str, str]](), Counter[str]()
    oldest, newest = events.kept()
    after = max(oldest - 1, newest - EVENTS_MOST)
    while page := events.after(after, EVENTS_AT_ONCE):
        after = page[-1].id
        for event in page:
            if event.type == "device.state" and event.facts.get("state") != "ready":
                devices[str(event.subject), str(event.facts.get("reason") or "")] += 1
            if event.type == "station.not_ready":
                closed.update(filter(None, str(event.facts.get("reasons") or "").split(",")))
    return _most(devices), _most(closed)


def _most(counted: Counter[T]) -> tuple[tuple[T, int], ...]:
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], str(one[0]))))
