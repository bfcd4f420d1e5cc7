"""The switch: nobody is let in while a technician works; who turned it on, why, since when."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too

REASONS: Final = ("devices", "calibration", "cleaning", "update", "moving", "training")
"""Why, in the order in which they are offered; codes, since no audit row holds free words."""


def maintenance_pages(console: Console) -> Blueprint:
    """Return the routes of the switch."""
    pages = Blueprint("maintenance", __name__)
    pages.add_url_rule("/maintenance", "page", auditors_too(partial(_page, console)))
    pages.add_url_rule("/maintenance/begin", "begin", partial(_begin, console), methods=["POST"])
    pages.add_url_rule("/maintenance/end", "end", partial(_end, console), methods=["POST"])
    return pages


def _page(console: Console) -> str:
    return console.draw(
        "maintenance.html",
        reasons=REASONS,
        here_at_all=console.station.maintenance is not None,
        barred=tuple(console.station.reasons()),
    )


def _begin(console: Console) -> AnyResponse:
    switch, reason = console.station.maintenance, request.form.get("reason", "")
    if switch is None:
        raise Refused("not-found")
    if reason not in REASONS:
        raise Refused("invalid-request", [FieldError("reason", "enum")])
    switch.begin(gate.session().member.staff_id, reason)
    said = "maintenance.begun_serving" if console.station.serving else "maintenance.begun"
    return console.answer(said, "maintenance.page")


def _end(console: Console) -> AnyResponse:
    switch = console.station.maintenance
    if switch is None:
        raise Refused("not-found")
    wizard = console.station.wizard
    if wizard is not None and wizard.session() is not None:
        # It holds sheets before the camera: whoever came now would be measured.
        return console.answer("maintenance.calibrating", "maintenance.page")
    switch.end(gate.session().member.staff_id)
    return console.answer("maintenance.ended", "maintenance.page")


MAINTENANCE: Final = Annex(
    maintenance_pages, (Place("maintenance.page", "place.maintenance", EVERYBODY),)
)
