"""`GET /v1/health`, `/v1/health/live`, `/v1/health/ready`: is it alive, may a sitting begin?"""

from __future__ import annotations

import time

from flask import Blueprint
from spectree import SpecTree

from api.v1.contract import Answer, NoQuery, answers
from api.v1.devices import ReaderLine, device_answer
from api.v1.station import V1Station


class Live(Answer):
    """The service answers."""

    live: bool = True


class Ready(Answer):
    """Whether a sitting may begin, and the codes of what stands in the way."""

    ready: bool
    reasons: tuple[str, ...]


class StoreHealth(Answer):
    """How many packages are in which state, and the room that is left."""

    open: int
    ready: int
    receipted: int
    quarantined: int
    oldest_age_s: int | None
    free_bytes: int
    alarms: tuple[str, ...]


class SinkHealth(Answer):
    """How delivery to one sink stands; `alarms` are codes of what a technician must look at."""

    state: str
    last_code: str | None
    failures: int
    waiting: int
    next_try_s: float | None
    alarms: tuple[str, ...]


class Health(Ready):
    """Everything at one look.

    `examiner` says how NFIQ 2 and the matching of presses are: resting, beginning, ready, lost, or
    none where a press has our own score.
    """

    store: StoreHealth
    devices: dict[str, str]
    device_warnings: dict[str, tuple[str, ...]]
    reader_lines: dict[str, ReaderLine]
    examiner: str
    sinks: dict[str, SinkHealth]


def health_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the three routes of health."""
    routes = Blueprint("health", __name__)

    @routes.get("/v1/health/live")
    @spec.validate(query=NoQuery, resp=answers(Live), tags=["health"])
    def read_live() -> Live:
        """Say that the service answers; needs no token."""
        return Live()

    @routes.get("/v1/health/ready")
    @spec.validate(query=NoQuery, resp=answers(Ready, HTTP_503=Ready), tags=["health"])
    def read_ready() -> tuple[Ready, int]:
        """Say whether a sitting may begin: 200, or 503 with the reasons."""
        reasons = tuple(station.reasons())
        return Ready(ready=not reasons, reasons=reasons), 503 if reasons else 200

    @routes.get("/v1/health")
    @spec.validate(query=NoQuery, resp=answers(Health, HTTP_503=Health), tags=["health"])
    def read_health() -> tuple[Health, int]:
        """Say how store and devices are: 200, or 503 while no sitting may begin."""
        health = _health(station)
        return health, 200 if health.ready else 503

    return routes


def oldest_age_s(station: V1Station, sink: str) -> int | None:
    """Return how long the oldest package has waited for a sink; None if none waits."""
    waiting = station.store.pending(sink, 1)
    if not waiting:
        return None
    return max(0, round(time.time() - waiting[0].sealed_at_ms / 1000))


def _health(station: V1Station) -> Health:
    store, reasons = station.store, tuple(station.reasons())
    devices = [device_answer(status) for status in station.devices()]
    ages = [age for sink in station.sinks if (age := oldest_age_s(station, sink)) is not None]
    return Health(
        ready=not reasons,
        reasons=reasons,
        store=StoreHealth(
            **store.counts(),
            oldest_age_s=max(ages, default=None),
            free_bytes=store.free_bytes,
            alarms=store.alarms,
        ),
        devices={device.device_id: device.state for device in devices},
        device_warnings={
            device.device_id: device.warnings for device in devices if device.warnings
        },
        reader_lines={
            device.device_id: device.line for device in devices if device.line is not None
        },
        examiner=station.examiner(),
        sinks={
            status.sink: SinkHealth(
                state=status.state,
                last_code=status.last_code,
                failures=status.failures,
                waiting=status.waiting,
                next_try_s=status.next_try_s,
                alarms=status.alarms,
            )
            for status in station.outboxes()
        },
    )
