"""`GET /v1/health`, `/v1/health/live`, `/v1/health/ready`: is it alive, may a sitting begin?"""

from __future__ import annotations

import time

from flask import Blueprint
from spectree import SpecTree

from api.v1.caller import caller
from api.v1.contract import Answer, NoQuery, answers
from api.v1.devices import DeviceCalibration, ReaderLine, calibration_of, device_answer
from api.v1.scopes import STATION_READ
from api.v1.station import Clock, V1Station, clock_answer
from edge.delivery.collection import often_leased


class Live(Answer):
    """The service answers."""

    live: bool = True


class StoreHealth(Answer):
    """How many packages are in which state, and the room that is left."""

    open: int
    ready: int
    receipted: int
    quarantined: int
    oldest_age_s: int | None
    free_bytes: int
    alarms: tuple[str, ...]


class Ready(Answer):
    """Whether a sitting may begin, and the codes of what stands in the way.

    `store` and `clock` are null for a client without the scope `station:read`.
    """

    ready: bool
    reasons: tuple[str, ...]
    store: StoreHealth | None
    clock: Clock | None


class SinkHealth(Answer):
    """How delivery to one sink stands; `alarms` are codes of what a technician must look at."""

    state: str
    last_code: str | None
    failures: int
    waiting: int
    next_try_s: float | None
    alarms: tuple[str, ...]


class FieldStep(Answer):
    """One step of a field check: figure, unit, limit, verdict; null where there is none."""

    step: str
    value: float | None
    unit: str
    min: float | None
    max: float | None
    verdict: str
    reason: str
    optional: bool


class Carried(Answer):
    """Of a station that is carried: its last field check, and its battery.

    `outcome` is passed or due; `due_by` says why: never, failed, hands, lid, hours.
    """

    outcome: str
    due_by: str | None
    required: bool
    at: str | None
    steps: tuple[FieldStep, ...]
    battery_percent: int | None
    lid_closed: bool


class Health(Answer):
    """Everything at one look.

    `examiner` says how NFIQ 2 and the matching of presses are: resting, beginning, ready, lost, or
    none where a press has our own score. `carried` is null for a station that stays in its place.
    `calibration_alarms` are codes of what in the folder of calibrations is not as it should be.
    `notices` are codes of what a technician must know: settings that were refused, an update.
    """

    ready: bool
    reasons: tuple[str, ...]
    store: StoreHealth
    clock: Clock
    devices: dict[str, str]
    device_warnings: dict[str, tuple[str, ...]]
    reader_lines: dict[str, ReaderLine]
    examiner: str
    sinks: dict[str, SinkHealth]
    carried: Carried | None
    calibrations: dict[str, DeviceCalibration]
    calibration_alarms: tuple[str, ...]
    notices: tuple[str, ...]


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
        told = STATION_READ in caller().scopes
        ready = Ready(
            ready=not reasons,
            reasons=reasons,
            store=_store(station) if told else None,
            clock=clock_answer(station) if told else None,
        )
        return ready, 503 if reasons else 200

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


def _store(station: V1Station) -> StoreHealth:
    ages = [age for sink in station.sinks if (age := oldest_age_s(station, sink)) is not None]
    return StoreHealth(
        **station.store.counts(),
        oldest_age_s=max(ages, default=None),
        free_bytes=station.store.free_bytes,
        alarms=(*station.store.alarms, *_leased_in_vain(station)),
    )


def _calibrations(station: V1Station) -> dict[str, DeviceCalibration]:
    told = {one.device_id: calibration_of(station, one) for one in station.devices()}
    return {device_id: worth for device_id, worth in told.items() if worth is not None}


def _calibration_alarms(station: V1Station) -> tuple[str, ...]:
    book = station.calibrations
    found = () if book is None else (finding.trouble for finding in book.findings)
    return tuple(f"calibration_{trouble}" for trouble in dict.fromkeys(found))


def _leased_in_vain(station: V1Station) -> tuple[str, ...]:
    return ("packages_leased_in_vain",) if station.store.read(often_leased) else ()


def _health(station: V1Station) -> Health:
    reasons = tuple(station.reasons())
    devices = [device_answer(status) for status in station.devices()]
    told = station.carried()
    return Health(
        ready=not reasons,
        reasons=reasons,
        store=_store(station),
        clock=clock_answer(station),
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
        carried=None if told is None else Carried(**told),
        notices=tuple(station.notices()),
        calibrations=_calibrations(station),
        calibration_alarms=_calibration_alarms(station),
    )
