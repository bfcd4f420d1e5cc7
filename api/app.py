"""One Flask application for each listener. Factories only: nothing is opened or started here."""

from __future__ import annotations

import threading

from flask import Flask, Response, render_template, request

from api import problems, security
from api.kiosk.catalogue import MASTER, SECOND, load_catalogue
from api.kiosk.pages import EVENT_STREAMS, PREVIEW_STREAMS, Kiosk, kiosk_pages
from api.kiosk.station import KioskStation
from api.listener import Listener

__all__ = [
    "KIOSK_STREAMS",
    "KioskStation",
    "Listener",
    "create_kiosk_app",
]

KIOSK_STREAMS = EVENT_STREAMS + PREVIEW_STREAMS


def create_kiosk_app(station: KioskStation, closing: threading.Event) -> Flask:
    """Build the pages for the person.

    Args:
        station: what stands behind them.
        closing: the listener's; streams end soon after it is set.
    """
    app = Flask("api.kiosk", static_folder=None)
    # The page is drawn anew for each change; blank lines of templates are no use to anybody.
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    catalogue = load_catalogue()
    security.install(app, origin_needed=True)
    app.register_blueprint(kiosk_pages(Kiosk(station, catalogue, closing)))

    def answer_error(error: Exception) -> Response:
        """Show a person a way back, and a program the problem."""
        answer = problems.answer_error(error)
        # Named, not matched: the page's own module accepts */* and wants the problem.
        if any(kind == "text/html" for kind, _ in request.accept_mimetypes):
            page = render_template(
                "mistake.html",
                code=problems.problem_for(error).slug,
                line_zh=catalogue.line(MASTER, "mistake.question"),
                line_en=catalogue.line(SECOND, "mistake.question"),
                back_zh=catalogue.line(MASTER, "mistake.back"),
                back_en=catalogue.line(SECOND, "mistake.back"),
            )
            return Response(page, answer.status_code, mimetype="text/html")
        return answer

    problems.install(app, answer_error)
    return app
