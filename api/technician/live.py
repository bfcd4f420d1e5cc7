"""The live page: the picture with its aids, the figures in large letters, and a remote shutter.

Without a script the page asks for itself every two seconds. Nothing is shown while somebody is at
the person's screen.
"""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.console import Annex, Console
from api.technician.live_desk import Live, LiveDesk
from api.technician.looks import AIDS, Looks
from api.technician.places import Place

WAIT_S: Final = 2.0
SLICE_S: Final = 0.5
NUMBER: Final = re.compile(r"-?[0-9]{1,17}")


def live_pages(console: Console) -> Blueprint:
    """Return the routes of the live picture."""
    station = console.station
    desk = LiveDesk(station.camera, lambda: station.serving)
    pages = Blueprint("live", __name__)
    pages.add_url_rule("/live", "page", partial(_page, console, desk))
    pages.add_url_rule("/live/picture.jpg", "picture", partial(_picture, console, desk))
    pages.add_url_rule("/live/still.jpg", "still", partial(_still, desk))
    for name, act in (("shutter", _shutter), ("reset", _reset)):
        pages.add_url_rule(f"/live/{name}", name, partial(act, console, desk), methods=["POST"])
    return pages


def _page(console: Console, desk: LiveDesk) -> str:
    aids = _aids(default="cross,histogram")
    live = desk.next(-1, aids, SLICE_S)
    return console.draw(
        "live.html",
        aids=aids,
        every=AIDS,
        joined=",".join(sorted(aids)),
        status=console.station.camera.status,
        live=live,
        best=desk.best,
        still=desk.still(),
    )


def _picture(console: Console, desk: LiveDesk) -> Response:
    """Answer the next picture: 200, 204 if there is none to see, 503 without a camera."""
    after, aids = _after(), _aids()
    with console.pictures.place():
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s and not console.closing.is_set():
            if console.station.serving:
                raise Refused("station-busy")
            if not console.station.camera.status.working:
                raise Refused("device-absent")
            live = desk.next(after, aids, SLICE_S)
            if live is not None:
                return _answer(live)
    return Response(status=204)


def _answer(live: Live) -> Response:
    age_ms = max(0, round((time.monotonic() - live.captured_at_s) * 1000))
    headers = {
        "X-Frame": str(live.sequence),
        "X-Frame-Age-Ms": str(age_ms),
        "X-Figures": json.dumps(figures(live.looks, live.best)),
    }
    return Response(live.jpeg, mimetype="image/jpeg", headers=headers)


def figures(looks: Looks, best: float | None) -> dict[str, float | None]:
    """Return the figures as the page's module takes them, to one decimal."""
    return {
        "sharpness": _tenth(looks.sharpness),
        "best": _tenth(best),
        "lightness": _tenth(looks.lightness),
        "clipped": _tenth(looks.clipped_percent),
        "black": _tenth(looks.black_percent),
        "tilt": _tenth(looks.tilt_deg),
    }


def _tenth(value: float | None) -> float | None:
    # Plus nought: no page shows a minus before nothing.
    return None if value is None else round(value, 1) + 0.0


def _still(desk: LiveDesk) -> Response:
    still = desk.still()
    if still is None:
        raise Refused("not-found")
    return Response(still.jpeg, mimetype="image/jpeg")


def _shutter(console: Console, desk: LiveDesk) -> AnyResponse:
    if console.station.serving:
        return console.answer("live.serving", "live.page")
    device_id = console.station.camera.status.device_id
    console.station.book.note(gate.session().member, "technician.shutter", device=device_id)
    desk.shoot()
    return console.answer("live.shot", "live.page", aids=request.form.get("aids", "")[:64])


def _reset(console: Console, desk: LiveDesk) -> AnyResponse:
    desk.reset_best()
    return console.answer("", "live.page", aids=request.form.get("aids", "")[:64])


def _aids(default: str = "") -> frozenset[str]:
    asked = request.args.getlist("aid") or request.args.get("aids", default).split(",")
    return frozenset(asked) & frozenset(AIDS)


def _after() -> int:
    after = request.args.get("after", "-1")
    if not NUMBER.fullmatch(after):
        raise Refused("invalid-request", [FieldError("after", "int_parsing")])
    return int(after)


LIVE: Final = Annex(live_pages, (Place("live.page", "place.live"),))
