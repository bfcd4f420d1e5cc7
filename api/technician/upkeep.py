"""The page about versions and settings: which run, what was refused, and how the last update ended.

Reads only: a version is installed at the machine, by `run_edge.py update`, as root.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from flask import Blueprint

from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.upkeep.slots import CURRENT, PREVIOUS, own_slots
from edge.upkeep.words import line as words_of


def upkeep_pages(console: Console) -> Blueprint:
    """Return the page's route."""
    pages = Blueprint("upkeep", __name__)
    pages.add_url_rule("/upkeep", "page", auditors_too(partial(_page, console)))
    return pages


def _page(console: Console) -> str:
    slots, slot = own_slots(Path(__file__).parent)
    notices = console.station.notices
    return console.draw(
        "upkeep.html",
        words=words_of,
        software=console.station.software,
        slot=slot,
        links={name: slots.pointed(name) for name in (CURRENT, PREVIOUS)},
        update=slots.update(),
        notices=() if notices is None else notices.codes,
        fault=None if notices is None else notices.fault,
    )


UPKEEP: Final = Annex(upkeep_pages, (Place("upkeep.page", "place.upkeep", EVERYBODY),))
