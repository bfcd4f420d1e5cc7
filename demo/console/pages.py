"""The page of the demo's knobs: buttons, one form POST, and what the station says meanwhile.

A blueprint of the technician's console: who signs in there, and what no other page may do there,
is the console's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.problems import FieldError, Refused
from api.technician.console import Annex, Console
from api.technician.places import Place
from demo.console.knobs import KNOBS, Knobs
from edge.sitting import Snapshot

KNOB_WORDS: Final = Path(__file__).parent / "words"
EVERYTHING: Final = "everything"


def knob_pages(knobs: Knobs, shown: Callable[[], Snapshot]) -> Annex:
    """Return the page for the technician's console.

    Args:
        knobs: of the demo's devices.
        shown: the station's present screen.
    """

    def pages(console: Console) -> Blueprint:
        routes = Blueprint(
            "knobs", __name__, static_folder="static", static_url_path="/knobs/static",
            template_folder="templates",
        )  # fmt: skip
        routes.add_url_rule("/knobs", "page", partial(_page, console, knobs, shown))
        routes.add_url_rule("/knobs", "turn", partial(_turn, console, knobs), methods=["POST"])
        return routes

    return Annex(pages, (Place("knobs.page", "knobs.place"),))


def _page(console: Console, knobs: Knobs, shown: Callable[[], Snapshot]) -> str:
    return console.draw("knobs.html", knobs=KNOBS, stand=knobs.stand(), seen=_seen(shown()))


def _turn(console: Console, knobs: Knobs) -> AnyResponse:
    knob, _, to = request.form.get("turn", "").partition("=")
    if knob == EVERYTHING:
        knobs.reset()
    else:
        try:
            knobs.turn(knob, to)
        except ValueError:
            raise Refused("invalid-request", [FieldError("turn", "enum")]) from None
    return console.answer("", "knobs.page")


def _seen(shown: Snapshot) -> dict[str, tuple[str, str]]:
    """Return what the station says of its devices and its screen: group and code of each line."""
    over = shown.overlay.value if shown.overlay else ""
    return {
        "reader": ("state", shown.reader),
        "camera": ("state", shown.camera),
        "screen": ("knobs.screen", over or shown.state.value),
    }
