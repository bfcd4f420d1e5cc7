"""The first page: whether people are served, why not if not, and how each part stands."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from api.technician.station import TechnicianStation
from edge.calibration.validity import Validity
from edge.store.errors import StoreError


def calibrated(station: TechnicianStation) -> dict[str, Validity]:
    """Return how the calibration of each device stands, by its id; empty where there is no book."""
    book = station.calibrations
    if book is None:
        return {}
    try:
        return {one.device_id: book.state(one.device_id) for one in station.devices()}
    except (StoreError, OSError):
        return {}


def overview_pages(console: Console) -> Blueprint:
    """Return the first page's route."""
    pages = Blueprint("overview", __name__)

    @auditors_too
    def page() -> str:
        station = console.station
        try:
            counts, warnings = station.store.counts(), station.store.warnings
            alarms = station.store.alarms
        except StoreError:
            counts, warnings, alarms = {}, (), ("store_silent",)
        return console.draw(
            "overview.html",
            calibrated=calibrated(station),
            software=station.software,
            reasons=tuple(station.reasons()),
            devices=tuple(station.devices()),
            queues=[queue.status for queue in station.outboxes],
            counts=counts,
            warnings=warnings,
            alarms=alarms,
        )

    pages.add_url_rule("/", "page", page)
    return pages


OVERVIEW: Final = Annex(overview_pages, (Place("overview.page", "place.overview", EVERYBODY),))
