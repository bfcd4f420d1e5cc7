"""`GET /v1/devices` and `/v1/devices/{id}`: one honest state per device. Nothing opens one."""

from __future__ import annotations

from flask import Blueprint
from spectree import SpecTree

from api.problems import Refused
from api.security import checked_id
from api.v1.contract import Answer, NoQuery, answers, utc
from api.v1.station import V1Station
from edge.supervisor import DeviceStatus


class Device(Answer):
    """One device; `state` is one of absent, opening, ready, busy, degraded, failed."""

    device_id: str
    kind: str
    driver: str
    model: str
    state: str
    reason: str
    since: str | None
    next_try_at: str | None
    attempts: int


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
        return Devices(items=tuple(_device(status) for status in station.devices()))

    @routes.get("/v1/devices/<device_id>")
    @spec.validate(query=NoQuery, resp=answers(Device, "HTTP_404"), tags=["devices"])
    def read_device(device_id: str) -> Device:
        """Say how one device is, why, and when it is tried again."""
        wanted = checked_id(device_id)
        for status in station.devices():
            if status.device_id == wanted:
                return _device(status)
        raise Refused("not-found")

    return routes


def _device(status: DeviceStatus) -> Device:
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
    )
