"""`GET /v1/support`: what a running station knows that helps to mend it, and nothing of a person.

The support bundle asks here (`edge.support`): the service holds the reader's port, so nobody else
can ask the reader, and the log's last lines are wherever the machine keeps them.
"""

from __future__ import annotations

from flask import Blueprint
from spectree import SpecTree

from api.v1.contract import API_VERSION, Answer, NoQuery, answers
from api.v1.devices import Device, calibration_of, device_answer
from api.v1.station import V1Station
from edge.utc import rfc3339


class DeviceMove(Answer):
    """One move of a device from state to state; work and tries that change nothing are none."""

    at: str
    state: str
    reason: str


class SupportedDevice(Device):
    """A device with what only a technician wants to read.

    `detail` is the failure's or the model's own sentence; `trace` the last words on its line, never
    a byte of an image; `moves` the last of seven days, oldest first, since the service started.
    """

    detail: str
    trace: tuple[str, ...]
    moves: tuple[DeviceMove, ...]


class Support(Answer):
    """What a support bundle takes from a running station; `log` holds one JSON object a line."""

    software: str
    api: str
    settings_sha256: str
    reasons: tuple[str, ...]
    devices: tuple[SupportedDevice, ...]
    log: tuple[str, ...]


def support_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/support`."""
    routes = Blueprint("support", __name__)

    @routes.get("/v1/support")
    @spec.validate(query=NoQuery, resp=answers(Support), tags=["support"])
    def read_support() -> Support:
        """Say what helps to mend this station: devices, their last words, the last log lines."""
        return support_answer(station)

    return routes


def support_answer(station: V1Station) -> Support:
    """Return what a support bundle takes from a running station, for whoever makes one here."""
    traces, moves = station.traces(), station.transitions()
    return Support(
        software=station.software,
        api=API_VERSION,
        settings_sha256=station.settings_sha256,
        reasons=tuple(station.reasons()),
        devices=tuple(
            SupportedDevice(
                **device_answer(status, calibration_of(station, status)).model_dump(),
                detail=status.detail,
                trace=tuple(traces.get(status.device_id, ())),
                moves=tuple(
                    DeviceMove(at=rfc3339(move.at), state=move.state.value, reason=move.reason)
                    for move in moves.get(status.device_id, ())
                ),
            )
            for status in station.devices()
        ),
        log=tuple(station.log_lines()),
    )
