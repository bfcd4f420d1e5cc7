"""The last lines of the log, which hold ids and codes only, and the support bundle to take away."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, request

from api.console import gate
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.logs import allow_listed
from edge.support import pack

GRAVE: Final = frozenset({"warning", "error", "critical"})
APART: Final = frozenset({"timestamp", "level", "event"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as the page has it."""

    at: str
    level: str
    event: str
    fields: str


def log_pages(console: Console) -> Blueprint:
    """Return the routes of the log and the bundle."""
    pages = Blueprint("logs", __name__)
    pages.add_url_rule("/logs", "page", auditors_too(partial(_page, console)))
    pages.add_url_rule("/logs/support", "support", partial(_support, console), methods=["POST"])
    return pages


def _page(console: Console) -> str:
    grave = request.args.get("only") == "grave"
    lines = [line for raw in console.station.log_lines() if (line := _line(raw)) is not None]
    shown = [line for line in reversed(lines) if not grave or line.level in GRAVE]
    return console.draw("logs.html", lines=shown, grave=grave)


def _line(raw: str) -> LogLine | None:
    try:
        said = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    # Once more through the list: what stands on a page is read by more eyes than a file.
    kept: dict[str, Any] = dict(allow_listed(None, "", said))
    fields = " ".join(f"{name}={value}" for name, value in kept.items() if name not in APART)
    at, level, event = (str(kept.get(name, "")) for name in ("timestamp", "level", "event"))
    return LogLine(at, level, event, fields)


def _support(console: Console) -> Response:
    station = console.station
    station.book.note(gate.session().member, "technician.support")
    out = io.BytesIO()
    pack(station.support(), out)
    name = f'attachment; filename="support-{station.number}.zip"'
    return Response(
        out.getvalue(), headers={"Content-Disposition": name}, mimetype="application/zip"
    )


LOGS: Final = Annex(log_pages, (Place("logs.page", "place.logs", EVERYBODY),))
