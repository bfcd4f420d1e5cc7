"""Three small applications of a station in safe mode. Factories only: nothing is opened here.

None of them can change anything: there is no form, no session and no route but GET.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, jsonify, render_template, request, send_from_directory

from api import problems, security
from api.kiosk.catalogue import MASTER, SECOND, load_catalogue
from api.kiosk.pages import size_sheet
from edge.safe_station import SafeStation
from edge.upkeep.known_good import Kept
from edge.upkeep.starts import Level, Start
from edge.upkeep.words import LANGUAGES, line
from edge.utc import rfc3339

MARK: Final = "Anxin-Safe-Mode"
"""Header of every answer, by which a page knows that the station is not back yet."""
_KIOSK_FILES: Final = Path(__file__).parent.parent / "kiosk" / "static"
_FILES: Final = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Told:
    """What the technician's page says beside the station itself.

    Attributes:
        starts: the last starts, oldest first.
        good: the settings that were kept as good, if any.
        again_s: seconds until the whole station is tried again.
    """

    starts: Callable[[], Sequence[Start]]
    good: Callable[[], Kept | None]
    again_s: Callable[[], float]


def create_calm_app(station: SafeStation) -> Flask:
    """Build the person's page: the machine rests, in both languages, and clears itself."""
    app = Flask("api.safe", static_folder=str(_KIOSK_FILES), static_url_path="/kiosk/static")
    catalogue, named = load_catalogue(), station.settings.station
    _install(app)

    def page() -> str:
        return render_template(
            "out_of_service.html",
            zh=partial(catalogue.line, MASTER),
            en=partial(catalogue.line, SECOND),
            number="" if named is None else named.id,
            hotline="" if named is None else named.hotline,
        )

    def sizes() -> Response:
        return Response(size_sheet(station.settings.kiosk.screen_ppi), mimetype="text/css")

    def watch() -> Response:
        return send_from_directory(_FILES, "watch.mjs", mimetype="text/javascript")

    app.add_url_rule("/", "page", page)
    # A page of the whole station that stood here asks for this one, and then reloads.
    app.add_url_rule("/screen", "screen", page)
    app.add_url_rule("/kiosk/screen.css", "sizes", sizes)
    app.add_url_rule("/safe/watch.mjs", "watch", watch)
    return app


def create_health_app(station: SafeStation) -> Flask:
    """Build what `/v1` still answers: that the service lives, and that no sitting may begin."""
    app = Flask("api.safe", static_folder=None)
    _install(app)

    def live() -> Response:
        return jsonify(live=True)

    def ready() -> tuple[Response, int]:
        body = {"ready": False, "reasons": list(station.reasons()), "store": None, "clock": None}
        return jsonify(body), 503

    app.add_url_rule("/v1/health/live", "live", live)
    app.add_url_rule("/v1/health/ready", "ready", ready)
    return app


def create_fault_app(station: SafeStation, told: Told) -> Flask:
    """Build the technician's page: exactly what is wrong, where, and what to do."""
    app = Flask("api.safe", static_folder=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _install(app)

    def page() -> str:
        asked = request.args.get("language", "")
        named = station.settings.station
        usual = MASTER if named is None else named.language
        language = asked if asked in LANGUAGES else usual
        return render_template(
            "fault.html",
            line=partial(line, language),
            language=language,
            other=next(one for one in LANGUAGES if one != language),
            station=station,
            faults=(station.fault, *station.beside),
            queues=station.queues(),
            again_s=round(told.again_s()),
            good=told.good(),
            starts=[_row(start) for start in reversed(told.starts())],
        )

    def sheet() -> Response:
        return send_from_directory(_FILES, "fault.css", mimetype="text/css")

    app.add_url_rule("/", "page", page)
    app.add_url_rule("/safe/fault.css", "sheet", sheet)
    return app


def _row(start: Start) -> dict[str, Any]:
    return {
        "at": rfc3339(start.at_ms)[:19] + "Z",
        "level": Level(start.level).name.lower(),
        "stage": start.stage,
        "end": start.end,
    }


def _install(app: Flask) -> None:
    security.install(app, origin_needed=True)
    problems.install(app)

    @app.after_request
    def mark(answer: Response) -> Response:
        answer.headers[MARK] = "1"
        return answer
