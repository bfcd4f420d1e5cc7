"""The kiosk's URLs: pages and forms, the event stream, the preview, the person's pictures.

Every GET changes nothing; every move is one plain form POST to `/act`, answered by 303 to `/`.
The ES module only spares the person the reload.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, json, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.kiosk.drawing import HEARTBEAT_S, draw
from api.kiosk.kiosk import EVENT_STREAMS, PREVIEW_STREAMS, Kiosk
from api.kiosk.receipt import draw_receipt
from api.kiosk.speech import spoken
from api.kiosk.station import Preview
from api.kiosk.touches import touch
from api.kiosk.view import looks_live
from api.problems import FieldError, Refused
from api.security import same_secret

__all__ = ["EVENT_STREAMS", "PREVIEW_STREAMS", "Kiosk", "kiosk_pages", "size_sheet"]

PREVIEW_WAIT_S: Final = 2.0
SLICE_S: Final = 0.5
"""How soon a stream notices that the listener closes."""
MM_PER_INCH: Final = 25.4
ROOM_MM: Final = (470, 264)
"""Long and short side, in mm, that the layout needs; a smaller window shrinks all in proportion."""
HAND_BELOW_MM: Final = 300
"""A screen whose long side is shorter is held in the hand and has a layout of its own."""
HAND_SHARE: Final = 400 / 600
"""Looked at from 400 mm instead of 600: so large are letters that fill the same angle."""
HAND_ROOM_MM: Final = (326, 203)
"""What the layout for the hand needs: 217 x 136 mm, counted at the kiosk's distance."""
HAND_RULES: Final = (Path(__file__).parent / "static" / "hand.css").read_text(encoding="utf-8")
CAMERA_WORKS: Final = frozenset({"ready", "busy"})


def kiosk_pages(kiosk: Kiosk) -> Blueprint:
    """Return the routes of the person's pages."""
    pages = Blueprint("kiosk", __name__, static_folder="static", static_url_path="/kiosk/static",
                      template_folder="templates")  # fmt: skip

    def page() -> str:
        return draw(kiosk, "page.html")

    def screen() -> str:
        return draw(kiosk, "stage.html")

    def act() -> AnyResponse:
        form = request.form
        touch(
            kiosk, form.get("action", ""), form.get("token", ""), form.get("mark", ""),
            form.get("scanned", ""),
        )  # fmt: skip
        return redirect(url_for("kiosk.page"), 303)

    def events() -> Response:
        kiosk.events.enter()
        stream = Response(_events(kiosk), mimetype="text/event-stream")
        # Not in the generator: one that was never started runs no `finally`.
        stream.call_on_close(kiosk.events.leave)
        return stream

    def preview() -> Response:
        after = request.args.get("after", "-1")
        if not after.isascii() or not after.removeprefix("-").isdigit() or len(after) > 18:
            raise Refused("invalid-request", [FieldError("after", "int_parsing")])
        with kiosk.previews.place():
            return _preview(kiosk, int(after), request.args.get("token", ""))

    def receipt() -> str:
        return draw_receipt(kiosk, request.args.get("token", ""))

    def help_from_receipt() -> AnyResponse:
        # The token comes with the page's own address, for the receipt holds none: it is printed.
        touch(kiosk, "help", request.args.get("token", ""), request.form.get("mark", ""))
        return redirect(url_for("kiosk.page"), 303)

    def sizes() -> Response:
        return Response(size_sheet(kiosk.station.screen_ppi), mimetype="text/css")

    pages.add_url_rule("/", view_func=page)
    pages.add_url_rule("/screen", view_func=screen)
    pages.add_url_rule("/act", view_func=act, methods=["POST"])
    pages.add_url_rule("/events", view_func=events)
    pages.add_url_rule("/preview/camera", view_func=preview)
    pages.add_url_rule("/receipt", view_func=receipt)
    pages.add_url_rule("/receipt", view_func=help_from_receipt, methods=["POST"])
    _picture_routes(pages, kiosk)
    pages.add_url_rule("/kiosk/screen.css", view_func=sizes)
    return pages


def _picture_routes(pages: Blueprint, kiosk: Kiosk) -> None:
    def card(card_id: str) -> Response:
        picture = kiosk.station.content().picture(card_id)
        if picture is None:
            raise Refused("not-found")
        return Response(picture.content, mimetype=picture.media_type)

    pages.add_url_rule("/card/<card_id>", view_func=card)
    desk = kiosk.station.desk
    for name, jpeg_of in (
        ("portrait", desk.portrait_jpeg),
        ("earlier-photo", desk.earlier_photo_jpeg),
        ("live-look", desk.live_look_jpeg),
    ):
        sample = partial(_picture, kiosk, jpeg_of)
        pages.add_url_rule(f"/sample/{name}.jpg", f"{name}-sample", sample)


def size_sheet(screen_ppi: float) -> str:
    """Return the stylesheet that says how many pixels a millimetre of the configured screen has.

    On a small screen, which is held in the hand, the layout's millimetre is one as it looks from
    the kiosk's distance; `static/hand.css` says what else is other there.
    """
    mm_px = screen_ppi / MM_PER_INCH
    below = f"{HAND_BELOW_MM * mm_px:.0f}px"
    return (
        _unit(mm_px, ROOM_MM)
        + f"@media (max-width: {below}) and (max-height: {below}) {{\n"
        + _unit(HAND_SHARE * mm_px, HAND_ROOM_MM)
        + HAND_RULES
        + "}\n"
    )


def _unit(mm_px: float, room: tuple[int, int]) -> str:
    """Return `--mm` in pixels, less where the room does not fit into the window."""
    long_mm, short_mm = room
    return (
        f":root {{ --mm: min({mm_px:.4f}px, 100vw / {long_mm}, 100vh / {short_mm}); }}\n"
        "@media (orientation: portrait) {"
        f" :root {{ --mm: min({mm_px:.4f}px, 100vw / {short_mm}, 100vh / {long_mm}); }} }}\n"
    )


def _picture(kiosk: Kiosk, jpeg_of: Callable[[str], bytes | None]) -> Response:
    """Answer a picture of the person to whoever shows the sitting's token; memory only."""
    token = request.args.get("token", "")
    right = same_secret(token, kiosk.station.desk.snapshot.token)
    jpeg = jpeg_of(token) if right else None
    if jpeg is None:
        raise Refused("not-found")
    return Response(jpeg, mimetype="image/jpeg")


def _events(kiosk: Kiosk) -> Iterator[str]:
    """Yield the screen in full at once, then whenever it changes, and a heartbeat in silence."""
    yield "retry: 1000\n\n"
    told: dict[str, str | int] = {}
    revision, spoke_at_s = -1, time.monotonic()
    while not kiosk.closing.is_set():
        shown = kiosk.station.desk.wait(revision, SLICE_S)
        drawn = kiosk.view(shown)
        revision, live = shown.revision, {**drawn.live, "speak": " ".join(spoken(drawn))}
        if live != told:
            told, spoke_at_s = live, time.monotonic()
            body = json.dumps(live, ensure_ascii=False)
            yield f"id: {revision}\nevent: screen\ndata: {body}\n\n"
        elif time.monotonic() - spoke_at_s >= HEARTBEAT_S:
            spoke_at_s = time.monotonic()
            yield "event: heartbeat\ndata: -\n\n"


def _preview(kiosk: Kiosk, after: int, token: str) -> Response:
    """Answer the next frame: 200, 204 if none came in two seconds, 503 without a camera.

    Without the sitting's token no picture leaves, and no word that there is one: 204.
    """
    frame: Preview | None = None
    until_s = time.monotonic() + PREVIEW_WAIT_S
    while frame is None and time.monotonic() < until_s and not kiosk.closing.is_set():
        shown = kiosk.station.desk.snapshot
        # No picture leaves unless somebody is being photographed; a page that is about to be
        # drawn anew may still ask, also with the token before, and that is no fault.
        if not looks_live(shown) or not same_secret(token, shown.token):
            break
        if shown.camera not in CAMERA_WORKS:
            raise Refused("device-absent")
        frame = kiosk.station.camera.wait_preview(after, SLICE_S)
    if frame is None:
        return Response(status=204)
    age_ms = max(0, round((time.monotonic() - frame.captured_at_s) * 1000))
    at_ms = round(frame.captured_at_s * 1000)
    headers = {
        "X-Frame": str(frame.sequence), "X-Frame-Age-Ms": str(age_ms), "X-Frame-At-Ms": str(at_ms)
    }  # fmt: skip
    return Response(frame.jpeg, mimetype="image/jpeg", headers=headers)
