"""Signing in and out, the language, and the console's own files. Shows nobody's name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.console import Console, asked_language
from edge.staff import PIN, STAFF_ID, WrongPin

HTMX: Final = Path(__file__).resolve().parents[2] / ".cache" / "anxin" / "web" / "htmx.min.js"
"""As set-up took it out of its package; without it every page works by its plain forms."""


def door_pages(console: Console) -> Blueprint:
    """Return the routes of the door, under the name `technician`."""
    pages = Blueprint(
        "technician", __name__, static_folder="static", static_url_path="/technician/static"
    )
    pages.add_url_rule("/sign-in", "sign_in_page", partial(_sign_in_page, console))
    pages.add_url_rule("/sign-in", "sign_in", partial(_sign_in, console), methods=["POST"])
    pages.add_url_rule("/sign-out", "sign_out", partial(_sign_out, console), methods=["POST"])
    pages.add_url_rule("/language", "language", partial(_language, console), methods=["POST"])
    pages.add_url_rule("/technician/htmx.js", "htmx", _htmx)
    return pages


def _htmx() -> Response:
    if not HTMX.is_file():
        raise Refused("not-found")
    return send_file(HTMX, mimetype="text/javascript")


def _sign_in_page(console: Console, wait_s: float = 0.0, *, refused: bool = False) -> str:
    language = asked_language(console.words)
    return render_template(
        "sign_in.html",
        line=partial(console.words.line, language),
        language=language,
        names=console.words.names,
        number=console.station.number,
        refused=refused,
        wait_s=round(wait_s + 0.5),
    )


def _sign_in(console: Console) -> AnyResponse | tuple[str, int, dict[str, str]]:
    address = request.remote_addr or ""
    wait_s = console.tries.wait_s(address)
    staff_id, pin = request.form.get("staff", "").strip(), request.form.get("pin", "")
    if wait_s > 0:
        return _refused(console, wait_s, 429)
    try:
        if not STAFF_ID.fullmatch(staff_id) or not PIN.fullmatch(pin):
            raise WrongPin(0.0)
        language = asked_language(console.words)
        token, session = console.sessions.sign_in(staff_id, pin, language)
    except WrongPin as refusal:
        console.tries.wrong(address)
        return _refused(console, refusal.wait_s, 403)
    console.station.book.note(session.member, "technician.sign_in")
    answer = redirect(url_for("overview.page"), 303)
    gate.give_cookie(answer, token)
    return answer


def _refused(console: Console, wait_s: float, status: int) -> tuple[str, int, dict[str, str]]:
    headers = {"Retry-After": str(max(1, round(wait_s + 0.5)))}
    return _sign_in_page(console, wait_s, refused=True), status, headers


def _sign_out(console: Console) -> AnyResponse:
    session = gate.session()
    console.sessions.sign_out(gate.session_token())
    console.station.book.note(session.member, "technician.sign_out")
    answer = redirect(url_for("technician.sign_in_page", language=session.language), 303)
    gate.take_cookie(answer)
    return answer


def _language(console: Console) -> AnyResponse:
    asked, back = request.form.get("language", ""), request.form.get("back", "")
    if asked not in console.words.names:
        raise Refused("invalid-request", [FieldError("language", "enum")])
    console.sessions.change(gate.session_token(), language=asked)
    led = {place.endpoint for place in console.places}
    return redirect(url_for(back if back in led else "overview.page"), 303)
