"""The console's URLs: signing in, the board and its forms, the event stream, the small preview.

Every GET changes nothing. Every act is one plain form POST to `/act`, answered by 303 to `/`; the
ES module only spares the reload.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from flask import Blueprint, Response, json, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.console.session import LOCKS_AFTER_S
from api.guide.acts import TAKE_OVER, do
from api.guide.console import Console
from api.kiosk.catalogue import MASTER
from api.kiosk.come_back import UNTIL
from api.problems import FieldError, Refused
from edge.assist.remote import WORDS
from edge.fingers.exceptions import ExceptionReason
from edge.override import OverrideReason
from edge.sitting import mark_of
from edge.staff import PIN, STAFF_ID, WrongPin

FREE: Final = frozenset({"guide.sign_in_page", "guide.sign_in", "guide.static"})
"""What anybody may ask for; everything else needs a session."""
HEARTBEAT_S: Final = 5.0
SLICE_S: Final = 0.5
PREVIEW_WAIT_S: Final = 2.0
CAMERA_WORKS: Final = frozenset({"ready", "busy"})


def guide_pages(console: Console) -> Blueprint:
    """Return the routes of the attendants' pages."""
    pages = Blueprint("guide", __name__, static_folder="static", static_url_path="/guide/static",
                      template_folder="templates")  # fmt: skip
    pages.add_url_rule("/sign-in", "sign_in_page", partial(_sign_in_page, console))
    pages.add_url_rule("/sign-in", "sign_in", partial(_sign_in, console), methods=["POST"])
    pages.add_url_rule("/sign-out", "sign_out", partial(_sign_out, console), methods=["POST"])
    pages.add_url_rule("/", "page", lambda: _draw(console, "console.html"))
    pages.add_url_rule("/board", "board", lambda: _draw(console, "board.html"))
    pages.add_url_rule("/act", "act", partial(_act, console), methods=["POST"])
    pages.add_url_rule("/events", "events", partial(_events, console))
    pages.add_url_rule("/preview.jpg", "preview", partial(_preview, console))
    return pages


def _language(console: Console) -> str:
    asked = request.values.get("language", MASTER)
    return asked if asked in console.words.names else MASTER


def _sign_in_page(console: Console, wait_s: float = 0.0, *, refused: bool = False) -> str:
    language = _language(console)
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
    address, language = request.remote_addr or "", _language(console)
    wait_s = console.tries.wait_s(address)
    staff_id, pin = request.form.get("staff", "").strip(), request.form.get("pin", "")
    if wait_s > 0:
        return _refused(console, wait_s, 429)
    try:
        if not STAFF_ID.fullmatch(staff_id) or not PIN.fullmatch(pin):
            raise WrongPin(0.0)
        token, session = console.sessions.sign_in(staff_id, pin, language)
    except WrongPin as refusal:
        console.tries.wrong(address)
        return _refused(console, refusal.wait_s, 403)
    console.station.book.note(session.member, "guide.sign_in")
    answer = redirect(url_for("guide.page"), 303)
    gate.give_cookie(answer, token)
    return answer


def _refused(console: Console, wait_s: float, status: int) -> tuple[str, int, dict[str, str]]:
    headers = {"Retry-After": str(max(1, round(wait_s + 0.5)))}
    return _sign_in_page(console, wait_s, refused=True), status, headers


def _sign_out(console: Console) -> AnyResponse:
    member = gate.session().member
    if console.station.remote is not None and console.station.remote.owner == member.staff_id:
        console.station.remote.end(member)
    console.sessions.sign_out(gate.session_token())
    console.station.book.note(member, "guide.sign_out")
    answer = redirect(url_for("guide.sign_in_page", language=gate.session().language), 303)
    gate.take_cookie(answer)
    return answer


def _act(console: Console) -> AnyResponse:
    said = do(console, gate.session(), gate.session_token(), request.form)
    screen = mark_of(console.station.floor.snapshot)
    console.sessions.change(gate.session_token(), said=said, said_on=screen)
    return redirect(url_for("guide.page"), 303)


def _draw(console: Console, template: str) -> str:
    session = gate.session()
    words, lines = console.words, console.lines
    language = session.language

    def told(group: str, code: str) -> str:
        """Return the line of a code, or the group's line for whatever else there is."""
        return words.line(language, f"{group}.{code if words.has(f'{group}.{code}') else 'other'}")

    return render_template(
        template,
        board=console.board(session),
        session=session,
        line=partial(words.line, language),
        told=told,
        kiosk=lambda line_id: lines.line(language, line_id) if lines.has(line_id) else "",
        language=language,
        other_language=words.next_language(language),
        names=words.names,
        number=console.station.number,
        clock=_clock,
        remote_allowed=console.station.remote is not None,
        remote_refused=console.station.remote is not None and console.station.remote.refused,
        reasons=[reason.value for reason in OverrideReason],
        whys=[reason.value for reason in ExceptionReason],
        untils=tuple(UNTIL),
        take_over_reasons=TAKE_OVER,
        remote_words=WORDS,
        locks_after_ms=round(LOCKS_AFTER_S * 1000),
        heartbeat_ms=round(HEARTBEAT_S * 1000),
    )


def _clock(at: str) -> str:
    """Return the day and time of a UTC time as the clock on the wall has it."""
    return f"{datetime.fromisoformat(at).astimezone():%m-%d %H:%M}"


def _events(console: Console) -> Response:
    console.events.enter()
    stream = Response(_stream(console, gate.session_token()), mimetype="text/event-stream")
    # Not in the generator: one that was never started runs no `finally`.
    stream.call_on_close(console.events.leave)
    return stream


def _stream(console: Console, token: str) -> Iterator[str]:
    """Yield the board's key at once, then whenever it changes; end when the console locks."""
    yield "retry: 1000\n\n"
    told: dict[str, str | int | bool] = {}
    revision, spoke_at_s = -1, time.monotonic()
    while not console.closing.is_set():
        session = console.sessions.of(token)
        if session is None:
            yield "event: locked\ndata: -\n\n"
            return
        if console.station.remote is not None:
            console.station.remote.renew(session.member)
        live = console.board(session).live
        if live != told:
            told, spoke_at_s = live, time.monotonic()
            yield f"event: board\ndata: {json.dumps(live)}\n\n"
        elif time.monotonic() - spoke_at_s >= HEARTBEAT_S:
            spoke_at_s = time.monotonic()
            yield "event: heartbeat\ndata: -\n\n"
        revision = console.station.floor.wait(revision, SLICE_S).revision


def _preview(console: Console) -> Response:
    """Answer the next small picture: 200, 204 if there is none to see, 503 without a camera."""
    after = request.args.get("after", "-1")
    if not after.isascii() or not after.removeprefix("-").isdigit() or len(after) > 18:
        raise Refused("invalid-request", [FieldError("after", "int_parsing")])
    with console.previews.place():
        until_s = time.monotonic() + PREVIEW_WAIT_S
        while time.monotonic() < until_s and not console.closing.is_set():
            # Asked again for every slice: what may be seen can end at any moment.
            if not _sees(console):
                break
            if console.station.floor.snapshot.camera not in CAMERA_WORKS:
                raise Refused("device-absent")
            small = console.preview.next(int(after), SLICE_S)
            if small is not None and _sees(console):
                age_ms = max(0, round((time.monotonic() - small.captured_at_s) * 1000))
                headers = {"X-Frame": str(small.sequence), "X-Frame-Age-Ms": str(age_ms)}
                return Response(small.jpeg, mimetype="image/jpeg", headers=headers)
    return Response(status=204)


def _sees(console: Console) -> bool:
    session = console.sessions.of(gate.session_token())
    return session is not None and console.board(session).sees
