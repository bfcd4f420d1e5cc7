"""Each device: its state, why, since when, when it is tried again, its moves and last words."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import Refused
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.supervisor import DeviceState
from edge.utc import now_ms

SHOWN_MOVES: Final = 200
KINDS: Final = {
    DeviceState.READY: "good",
    DeviceState.BUSY: "good",
    DeviceState.OPENING: "busy",
    DeviceState.DEGRADED: "busy",
}
"""How a state is drawn; what is not named here is drawn as bad."""


def device_pages(console: Console) -> Blueprint:
    """Return the routes of the devices."""
    pages = Blueprint("devices", __name__)
    pages.add_url_rule("/devices", "page", auditors_too(partial(_page, console)))
    pages.add_url_rule("/devices/<device_id>", "device", auditors_too(partial(_device, console)))
    pages.add_url_rule("/devices/clear", "clear", partial(_clear, console), methods=["POST"])
    return pages


def state_kind(state: DeviceState) -> str:
    """Return how a state is drawn."""
    return KINDS.get(state, "bad")


def _page(console: Console) -> str:
    devices = tuple(console.station.devices())
    return console.draw("devices.html", devices=devices, kind_of=state_kind, now_ms=now_ms())


def _device(console: Console, device_id: str) -> str:
    owner = console.station.owner(device_id)
    if owner is None:
        raise Refused("not-found")
    return console.draw(
        "device.html",
        device=owner.status,
        kind_of=state_kind,
        now_ms=now_ms(),
        moves=list(reversed(owner.transitions()))[:SHOWN_MOVES],
        trace=tuple(console.station.traces().get(device_id, ())),
    )


def _clear(console: Console) -> AnyResponse:
    owner = console.station.owner(request.form.get("device", ""))
    if owner is None:
        raise Refused("not-found")
    device_id = owner.status.device_id
    console.station.book.note(gate.session().member, "technician.clear", device=device_id)
    owner.clear()
    return console.answer("devices.cleared", "devices.device", device_id=device_id)


DEVICES: Final = Annex(device_pages, (Place("devices.page", "place.devices", EVERYBODY),))
