"""The console's Flask application. A factory only: nothing is opened or started here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask import Flask

from api import problems, security
from api.console import gate
from api.console.session import Doorman, Sessions
from api.guide.console import EVENT_STREAMS, PREVIEW_STREAMS, Console, Waiting
from api.guide.pages import FREE, guide_pages
from api.guide.small_preview import SmallPreview
from api.guide.station import GuideStation
from api.kiosk.catalogue import load_catalogue
from edge.staff import ASSISTING, Role

GUIDE_STREAMS: Final = EVENT_STREAMS + PREVIEW_STREAMS
WORDS: Final = Path(__file__).parent / "catalogue"
_ON_SITE: Final = frozenset[Role]({"guide", "volunteer"})
_EVERYBODY: Final = frozenset[Role](ASSISTING)


def create_guide_app(
    station: GuideStation,
    doorman: Doorman,
    closing: threading.Event,
    hosts: Sequence[str] = security.LOOPBACK,
    sessions: Sessions | None = None,
) -> Flask:
    """Build the attendants' console.

    Args:
        station: what stands behind it.
        doorman: who knows the PINs.
        closing: the listener's; streams end soon after it is set.
        hosts: the names that requests may call the station by.
        sessions: who is signed in; None: nobody yet.
    """
    app = Flask("api.guide", static_folder=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    roles = _ON_SITE if station.remote is None else _EVERYBODY
    sessions = sessions or Sessions(doorman, roles)
    console = Console(
        station,
        sessions,
        load_catalogue(WORDS),
        load_catalogue(),
        closing,
        Waiting(station.waiting),
        SmallPreview(station.camera),
    )
    security.install(app, origin_needed=True, hosts=hosts)
    gate.install(app, sessions, FREE, "/sign-in")
    app.register_blueprint(guide_pages(console))
    problems.install(app)
    return app
