"""One Flask application for each listener. Factories only: nothing is opened or started here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from flask import Flask, Response, render_template, request

from api import problems, security
from api.kiosk.catalogue import MASTER, SECOND, load_catalogue
from api.kiosk.packs import load_packs
from api.kiosk.pages import EVENT_STREAMS, PREVIEW_STREAMS, Kiosk, kiosk_pages
from api.kiosk.station import KioskStation
from api.kiosk.voice import voice_routes
from api.listener import Listener
from api.v1.audit import audit_routes
from api.v1.calibrations import calibration_routes
from api.v1.caller import Identity, TokenIdentity, guard
from api.v1.contract import API_VERSION, open_spec
from api.v1.devices import device_routes
from api.v1.events import event_routes
from api.v1.figures import figure_routes
from api.v1.health import health_routes
from api.v1.keys import key_routes
from api.v1.leases import lease_routes
from api.v1.metrics import metric_routes
from api.v1.openapi import document_routes
from api.v1.packages import package_routes
from api.v1.photo_checks import CHECK_PHOTO, photo_check_routes
from api.v1.request_limit import limit_requests
from api.v1.sittings import PUT_PHOTO, sitting_routes
from api.v1.station import V1Station, station_routes
from api.v1.support import support_routes
from edge.photos.fault import PHOTO_BYTES_MAX
from edge.speech.espeak import Espeak

__all__ = [
    "KIOSK_STREAMS",
    "V1_BODY_BYTES_MAX",
    "V1_STREAMS",
    "KioskStation",
    "Listener",
    "V1Station",
    "create_kiosk_app",
    "create_v1_app",
]

KIOSK_STREAMS: Final = EVENT_STREAMS + PREVIEW_STREAMS
V1_STREAMS: Final = 8
V1_BODY_BYTES_MAX: Final = 2 * PHOTO_BYTES_MAX
"""For the listener: the application refuses at the photo's limit, with a problem."""


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
    kiosk = Kiosk(station, catalogue, closing)
    app.register_blueprint(kiosk_pages(kiosk))
    app.register_blueprint(voice_routes(kiosk, load_packs(station.voice.packs), Espeak()))

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


def create_v1_app(
    station: V1Station, identity: Identity | str, hosts: Sequence[str] = security.LOOPBACK
) -> Flask:
    """Build the interface for the central system.

    Args:
        station: what stands behind it.
        identity: how its clients are known; a text is the token of `TokenIdentity`.
        hosts: the names that requests may call the station by.

    Raises:
        ValueError: the token is too short to protect anything.
    """
    if isinstance(identity, str):
        identity = TokenIdentity(identity)
    app = Flask("api.v1", static_folder=None)
    security.install(
        app,
        origin_needed=False,
        hosts=hosts,
        body_limits=dict.fromkeys((PUT_PHOTO, CHECK_PHOTO), PHOTO_BYTES_MAX),
    )
    problems.install(app)

    guard(app, identity)
    if station.request_limit is not None:
        limit_requests(app, station.request_limit)

    @app.after_request
    def name_version(answer: Response) -> Response:
        answer.headers["Anxin-Api-Version"] = API_VERSION
        answer.headers["Request-Id"] = problems.request_id()
        return answer

    spec = open_spec()
    for routes in (
        station_routes, health_routes, device_routes, package_routes, lease_routes, event_routes,
        audit_routes, metric_routes, support_routes, figure_routes, calibration_routes, key_routes,
        photo_check_routes,
    ):  # fmt: skip
        app.register_blueprint(routes(station, spec))
    if station.orders is not None:
        app.register_blueprint(sitting_routes(station, station.orders, spec))
    app.register_blueprint(document_routes(app, spec))
    return app
