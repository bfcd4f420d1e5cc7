"""The console's URLs: one page of buttons, one form POST, what the station says of its devices.

The same checks as the kiosk's: loopback names only, and no other site's page may press a button.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from flask import Flask, Response, json, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api import problems, security
from api.kiosk.catalogue import MASTER, Catalogue, load_catalogue
from api.listener import Listener
from api.ports import PortTaken, WantedPort, check_ports
from api.problems import FieldError, Refused
from demo.console.knobs import KNOBS, Knobs
from edge.sitting import Snapshot

WORDS: Final = Path(__file__).parent / "words"
HOST: Final = "127.0.0.1"
USUAL_PORT: Final = 8082
EVERYTHING: Final = "everything"


def open_console(
    port: int | None, knobs: Knobs, shown: Callable[[], Snapshot], stack: ExitStack
) -> Listener:
    """Serve the console; closed by the stack.

    Args:
        port: None takes the usual one, or any free one while another demo has it.
        knobs: of the demo's devices.
        shown: the station's present screen.
        stack: closes what is opened here.

    Raises:
        PortTaken: the port that was asked for cannot be had.
    """
    app = create_console_app(knobs, shown)
    bound = _free(USUAL_PORT) if port is None else _checked(port)
    listener = Listener(app, HOST, bound, streams=0, closing=threading.Event())
    listener.start()
    stack.callback(listener.close)
    return listener


def _checked(port: int) -> int:
    check_ports([WantedPort(HOST, port, "--console-port")])
    return port


def _free(port: int) -> int:
    try:
        return _checked(port)
    except PortTaken:
        return 0


def create_console_app(knobs: Knobs, shown: Callable[[], Snapshot]) -> Flask:
    """Build the console's page.

    Args:
        knobs: of the demo's devices.
        shown: the station's present screen.
    """
    app = Flask("demo.console", static_folder="static", template_folder="templates")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    catalogue = load_catalogue(WORDS)
    security.install(app, origin_needed=True)
    problems.install(app)

    def page() -> str:
        language = _language(catalogue)
        return render_template(
            "console.html",
            knobs=KNOBS,
            stand=knobs.stand(),
            seen=_seen(shown(), catalogue, language),
            line=lambda line_id: catalogue.line(language, line_id),
            language=language,
            other=catalogue.next_language(language),
            other_name=catalogue.names[catalogue.next_language(language)],
        )

    def turn() -> AnyResponse:
        knob, _, to = request.form.get("turn", "").partition("=")
        if knob == EVERYTHING:
            knobs.reset()
        else:
            try:
                knobs.turn(knob, to)
            except ValueError:
                raise Refused("invalid-request", [FieldError("turn", "enum")]) from None
        return redirect(url_for("page", lang=_language(catalogue)), 303)

    def seen() -> Response:
        told = _seen(shown(), catalogue, _language(catalogue))
        body = json.dumps({"stand": knobs.stand(), "seen": told}, ensure_ascii=False)
        return Response(body, mimetype="application/json")

    app.add_url_rule("/", view_func=page)
    app.add_url_rule("/turn", view_func=turn, methods=["POST"])
    app.add_url_rule("/seen", view_func=seen)
    return app


def _language(catalogue: Catalogue) -> str:
    asked = request.values.get("lang", MASTER)
    return asked if asked in catalogue.names else MASTER


def _seen(shown: Snapshot, catalogue: Catalogue, language: str) -> dict[str, str]:
    """Return what the station says of its devices and its screen, in words; nothing of a person."""

    def words(group: str, code: str) -> str:
        line_id = f"{group}.{code}"
        return catalogue.line(language, line_id if catalogue.has(line_id) else f"{group}.other")

    over = shown.overlay.value if shown.overlay else ""
    return {
        "reader": words("state", shown.reader),
        "camera": words("state", shown.camera),
        "screen": words("screen", over or shown.state.value),
    }
