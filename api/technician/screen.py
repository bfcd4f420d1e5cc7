"""How large the person's screen is: a bank card drawn on it, or a tape laid along it.

Sizes on the person's pages are in millimetres (`kiosk.screen_ppi`). Cards of every bank are
85.60 mm wide. Source: ISO/IEC 7810, format ID-1.
"""

from __future__ import annotations

import math
import unicodedata
from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.technician.console import Annex, Console
from api.technician.places import Place
from api.technician.settings import opened
from edge.station_file.file import FileChanged, FileUnreadable, FileUnwritable, StationFile
from edge.station_file.text import Keys, value_at

CARD_MM: Final = 85.60
CARD_TALL_MM: Final = 53.98
INCH_MM: Final = 25.4
PX_LEAST: Final = 100
PX_MOST: Final = 1400
USUAL_PPI: Final = 102.46
PAGE: Final = "screen.page"
KEYS: Final[Keys] = ("kiosk", "screen_ppi")


def screen_pages(console: Console) -> Blueprint:
    """Return the routes of the screen's size."""
    file = opened(console)
    pages = Blueprint("screen", __name__)
    pages.add_url_rule("/screen", "page", partial(_page, console, file))
    pages.add_url_rule("/screen/card", "card", partial(_card, console, file), methods=["POST"])
    pages.add_url_rule("/screen/tape", "tape", partial(_tape, console, file), methods=["POST"])
    return pages


SCREEN: Final = Annex(screen_pages, (Place(PAGE, "place.screen"),))


def ppi_of_card(width_px: float) -> float:
    """Return pixels an inch of a screen on which so many pixels are as wide as a card."""
    return width_px * INCH_MM / CARD_MM


def ppi_of_tape(width_px: float, width_mm: float) -> float:
    """Return pixels an inch of a screen that is so many pixels and so many millimetres wide."""
    return width_px * INCH_MM / width_mm


def _page(console: Console, file: StationFile | None) -> str:
    now = _now(console, file)
    asked = request.args.get("px", "")
    px = int(asked) if asked.isdecimal() and len(asked) < 6 else round(now * CARD_MM / INCH_MM)
    px = min(PX_MOST, max(PX_LEAST, px))
    return console.draw(
        "screen.html",
        now=now,
        px=px,
        tall_px=round(px * CARD_TALL_MM / CARD_MM),
        ppi=ppi_of_card(px),
        steps=(-50, -10, -1, 1, 10, 50),
        writable=file is not None and file.writable,
    )


def _now(console: Console, file: StationFile | None) -> float:
    """Return what the file says, which may wait for the next start; else what holds."""
    held = None
    if file is not None:
        try:
            held = value_at(file.read().table, KEYS)
        except FileUnreadable:
            held = None
    usual = console.station.settings.kiosk.screen_ppi
    return float(held) if isinstance(held, int | float) else usual


def _card(console: Console, file: StationFile | None) -> AnyResponse:
    width_px = _number("px")
    return _kept(console, file, None if width_px is None else ppi_of_card(width_px))


def _tape(console: Console, file: StationFile | None) -> AnyResponse:
    width_px, width_mm = _number("width_px"), _number("width_mm")
    if width_px is None or not width_mm:
        return console.answer("screen.said.form", PAGE)
    return _kept(console, file, ppi_of_tape(width_px, width_mm))


def _kept(console: Console, file: StationFile | None, ppi: float | None) -> AnyResponse:
    if file is None or ppi is None:
        said = "settings.none.unknown" if file is None else "screen.said.form"
        return console.answer(said, PAGE)
    said = _written(file, round(ppi, 2))
    if said == "settings.said.saved":
        member = gate.session().member
        console.station.book.note(member, "technician.screen", what="kiosk.screen_ppi")
    return console.answer(said, PAGE)


def _written(file: StationFile, ppi: float) -> str:
    """Write the figure and return the line that says what came of it."""
    try:
        now = file.read()
        made = file.draft(now, {KEYS: ppi})
        if made.faults:
            ours = any(fault.keys == KEYS for fault in made.faults)
            return "screen.said.no_screen" if ours else "settings.unfit"
        file.write(made.edited.text, now.sha256)
    except FileChanged:
        return "settings.said.changed"
    except (FileUnwritable, FileUnreadable):
        return "settings.said.unwritable"
    return "settings.said.saved"


def _number(name: str) -> float | None:
    given = unicodedata.normalize("NFKC", request.form.get(name, "").strip())
    try:
        number = float(given)
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 < number < 1e5 else None
