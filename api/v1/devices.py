"""`GET /v1/devices` and `/v1/devices/{id}`: one honest state per device. Nothing opens one."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.contract import Answer, NoQuery, answers, utc
from api.v1.station import V1Station
from drivers.fingerprint import ReaderFacts
from edge.supervisor import DeviceStatus


class ReaderLine(Answer):
    """The line of an open fingerprint reader, and what its module says of itself.

    `packet_bytes` is null where the protocol has no packets; `width_px` and `height_px` are 0 until
    the size of its images is known.
    """

    port: str
    baud: int
    packet_bytes: int | None
    width_px: int
    height_px: int
    product: str


class DeviceCalibration(Answer):
    """What a device's calibration is worth now.

    `state` is valid; due in its last 30 days; expired; failed, by the newest calibration or check;
    or none. `id` is the one in force, and `days_left` below 0 once it expired; null without one.
    `drifts` are codes of what went too far since the first calibration with the same lens: mtf50
    (10 % down), delta_e (2 up), lamp (15 % down).
    """

    state: Literal["valid", "due", "expired", "failed", "none"]
    id: str | None
    valid_until: str | None
    days_left: float | None
    drifts: tuple[str, ...]


class Device(Answer):
    """One device; `state` is one of absent, opening, ready, busy, degraded, failed.

    `warnings` are codes of what a technician should know of a device that works; `line` is null
    unless it is a fingerprint reader that is open.
    """

    device_id: str
    kind: str
    driver: str
    model: str
    state: str
    reason: str
    since: str | None
    next_try_at: str | None
    attempts: int
    warnings: tuple[str, ...]
    line: ReaderLine | None
    calibration: DeviceCalibration | None


class Devices(Answer):
    """All devices of this station."""

    items: tuple[Device, ...]


def device_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return the two routes of devices."""
    routes = Blueprint("devices", __name__)

    @routes.get("/v1/devices")
    @spec.validate(query=NoQuery, resp=answers(Devices), tags=["devices"])
    def list_devices() -> Devices:
        """List the devices and their states."""
        return Devices(
            items=tuple(
                device_answer(one, calibration_of(station, one)) for one in station.devices()
            )
        )

    @routes.get("/v1/devices/<device_id>")
    @spec.validate(query=NoQuery, resp=answers(Device, "HTTP_404"), tags=["devices"])
    def read_device(device_id: str) -> Device:
        """Say how one device is, why, and when it is tried again."""
        wanted = checked_id(device_id)
        for status in station.devices():
            if status.device_id == wanted:
                return device_answer(status, calibration_of(station, status))
        raise Refused("not-found")

    return routes


def calibration_of(station: V1Station, status: DeviceStatus) -> DeviceCalibration | None:
    """Return what a device's calibration is worth; None where the station keeps no book."""
    if station.calibrations is None:
        return None
    worth = station.calibrations.state(status.device_id)
    left = None if worth.days_left is None else round(worth.days_left, 2)
    return DeviceCalibration(
        state=worth.state,
        id=worth.calibration_id,
        valid_until=worth.valid_until,
        days_left=left,
        drifts=tuple(drift.code for drift in station.calibrations.drifts(status.device_id)),
    )


def device_answer(status: DeviceStatus, calibration: DeviceCalibration | None = None) -> Device:
    """Return a device's status as `/v1` says it."""
    return Device(
        device_id=status.device_id,
        kind=status.kind,
        driver=status.driver,
        model=status.model,
        state=status.state.value,
        reason=status.reason,
        since=utc(status.since_at_ms),
        next_try_at=utc(status.next_try_at_ms),
        attempts=status.attempts,
        warnings=tuple(warning.value for warning in status.warnings),
        line=_line(status.facts),
        calibration=calibration,
    )


def _line(facts: ReaderFacts | None) -> ReaderLine | None:
    if facts is None:
        return None
    return ReaderLine(
        port=facts.port,
        baud=facts.baud,
        packet_bytes=facts.packet_bytes,
        width_px=facts.width_px,
        height_px=facts.height_px,
        product=facts.product,
    )
