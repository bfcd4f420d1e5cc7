"""The console's Flask application. A factory only: nothing is opened or started here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask import Flask, Response, render_template, request

from api import problems, security
from api.console import gate
from api.console.session import Doorman, Sessions
from api.kiosk.catalogue import MASTER, SECOND
from api.technician import places
from api.technician.audit import AUDIT
from api.technician.console import (
    BY_MODULE,
    LOCKS_AFTER_S,
    PICTURE_STREAMS,
    Annex,
    Console,
)
from api.technician.devices import DEVICES
from api.technician.door import door_pages
from api.technician.forms import FORMS
from api.technician.lines import FOLDER, load_lines
from api.technician.live import LIVE
from api.technician.logs import LOGS
from api.technician.maintenance import MAINTENANCE
from api.technician.outbox import OUTBOX
from api.technician.overview import OVERVIEW
from api.technician.station import TechnicianStation
from api.technician.statistics import STATISTICS
from api.technician.upkeep import UPKEEP
from edge.staff import TECHNICAL, Role

TECHNICIAN_STREAMS: Final = PICTURE_STREAMS
ROLES: Final = frozenset[Role](TECHNICAL)
FREE: Final = frozenset(
    {"technician.sign_in_page", "technician.sign_in", "technician.static", "technician.htmx"}
)
"""What anybody may ask for; everything else needs a session."""

ANNEXES: Final[tuple[Annex, ...]] = (
    OVERVIEW,
    LIVE,
    DEVICES,
    OUTBOX,
    AUDIT,
    STATISTICS,
    LOGS,
    MAINTENANCE,
    UPKEEP,
    *FORMS,
)
"""Every page of the console, in the order in which the frame leads to them."""


def create_technician_app(  # noqa: PLR0917 - what stands behind, who may come, what is added
    behind: TechnicianStation,
    doorman: Doorman,
    closing: threading.Event,
    hosts: Sequence[str] = security.LOOPBACK,
    sessions: Sessions | None = None,
    extra: Sequence[Annex] = (),
    words: Sequence[Path] = (),
) -> Flask:
    """Build the technician's console.

    Args:
        behind: what stands behind it.
        doorman: who knows the PINs.
        closing: the listener's; what waits ends soon after it is set.
        hosts: the names that requests may call the station by.
        sessions: who is signed in; None: nobody yet.
        extra: pages that somebody adds, as the demo its knobs.
        words: folders with the lines of those pages.

    Raises:
        ValueError: a line stands in two files.
    """
    app = Flask("api.technician", static_folder=None, template_folder="templates")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    sessions = sessions or Sessions(doorman, ROLES, locks_after_s=LOCKS_AFTER_S)
    annexes = (*ANNEXES, *extra)
    led = tuple(place for annex in annexes for place in annex.places)
    console = Console(behind, sessions, load_lines((FOLDER, *words)), closing, led)
    security.install(app, origin_needed=True, hosts=hosts)
    gate.install(app, sessions, FREE, "/sign-in")
    places.install(app, FREE)
    app.register_blueprint(door_pages(console))
    for annex in annexes:
        app.register_blueprint(annex.pages(console))
    problems.install(app, lambda error: _answer_error(console, error))
    return app


def _answer_error(console: Console, error: Exception) -> Response:
    """Show a person a page with a way back, htmx the door, and a program the problem."""
    answer = problems.answer_error(error)
    if BY_MODULE in request.headers and answer.status_code == 401:
        answer.headers["HX-Redirect"] = "/sign-in"
    if gate.wants_page():
        slug = problems.problem_for(error).slug
        group = f"problem.{slug}" if console.words.has(f"problem.{slug}") else "problem.other"
        tongues = (MASTER, SECOND)
        page = render_template(
            "mistake.html",
            code=slug,
            lines=[(tongue, console.words.line(tongue, group)) for tongue in tongues],
            backs=[(tongue, console.words.line(tongue, "problem.back")) for tongue in tongues],
        )
        kept = {name: value for name, value in answer.headers.items() if name == "Retry-After"}
        return Response(page, answer.status_code, kept, mimetype="text/html")
    return answer
