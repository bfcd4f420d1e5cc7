"""Delivery: how each way out stands, what waits, and what was set aside: to go again, or to go."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.custody.quarantine import (
    DELETE_REASONS,
    RELEASE_REASONS,
    delete,
    quarantined,
    release,
)
from edge.store import NoSuchPackage, PackageGone, PackageUnreadable
from edge.technician.acts import actor_of

WAITING_SHOWN: Final = 20
TYPED: Final = 4
"""So many of a package's last characters are typed by whoever deletes it for ever."""


def outbox_pages(console: Console) -> Blueprint:
    """Return the routes of delivery."""
    pages = Blueprint("outbox", __name__)
    pages.add_url_rule("/outbox", "page", auditors_too(partial(_page, console)))
    for name, act in (("retry", _retry), ("release", _release), ("delete", _delete)):
        pages.add_url_rule(f"/outbox/{name}", name, partial(act, console), methods=["POST"])
    return pages


def _page(console: Console) -> str:
    store = console.station.store
    queues = [queue.status for queue in console.station.outboxes]
    return console.draw(
        "outbox.html",
        queues=queues,
        waiting={queue.sink: store.pending(queue.sink, WAITING_SHOWN) for queue in queues},
        aside=quarantined(store),
        release_reasons=RELEASE_REASONS,
        delete_reasons=DELETE_REASONS,
        typed=TYPED,
    )


def _retry(console: Console) -> AnyResponse:
    sink, station = request.form.get("sink", ""), console.station
    queue = next((one for one in station.outboxes if one.status.sink == sink), None)
    if queue is None:
        raise Refused("not-found")
    station.book.note(gate.session().member, "technician.retry", sink=sink)
    queue.retry_now()
    return console.answer("outbox.tries", "outbox.page")


def _release(console: Console) -> AnyResponse:
    reason, package_id = _reason(RELEASE_REASONS), request.form.get("package", "")
    actor = actor_of(gate.session().member)
    try:
        release(console.station.store, package_id, reason, actor)
    except (NoSuchPackage, PackageGone):
        return console.answer("outbox.went_on", "outbox.page")
    except PackageUnreadable:
        return console.answer("outbox.unreadable", "outbox.page")
    for queue in console.station.outboxes:
        queue.retry_now()
    return console.answer("outbox.released", "outbox.page")


def _delete(console: Console) -> AnyResponse:
    reason, package_id = _reason(DELETE_REASONS), request.form.get("package", "")
    typed = request.form.get("typed", "").strip().lower()
    if not package_id or typed != package_id[-TYPED:]:
        return console.answer("outbox.typed_wrong", "outbox.page")
    try:
        delete(console.station.store, package_id, reason, actor_of(gate.session().member))
    except (NoSuchPackage, PackageGone):
        return console.answer("outbox.went_on", "outbox.page")
    return console.answer("outbox.deleted", "outbox.page")


def _reason(allowed: tuple[str, ...]) -> str:
    reason = request.form.get("reason", "")
    if reason not in allowed:
        raise Refused("invalid-request", [FieldError("reason", "enum")])
    return reason


OUTBOX: Final = Annex(outbox_pages, (Place("outbox.page", "place.outbox", EVERYBODY),))
