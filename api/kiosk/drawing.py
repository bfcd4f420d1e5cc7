"""What the templates are given: the view, the words, and what the content pack has to show."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from flask import render_template

from api.kiosk.catalogue import Catalogue
from api.kiosk.come_back import UNTIL
from api.kiosk.fingers import REASONS
from api.kiosk.kiosk import Kiosk
from api.kiosk.listing import first_page, listing
from api.kiosk.look import SCALES
from api.kiosk.missing import MissingRow, day_words
from api.kiosk.overlays import CHECKLIST
from api.kiosk.pad import DELETE, DIGITS
from api.kiosk.speech import spoken
from api.kiosk.view import STEPS, View
from edge.override import OverrideReason
from edge.service.content import Content
from edge.sitting import Overlay

HEARTBEAT_S: Final = 5.0
_FIRST: Final = re.compile(r"^.*?[。！？.!?](?=\s|$|[^0-9])")


def draw(kiosk: Kiosk, template: str) -> str:
    """Return the present screen as a page, or the part of it that this template draws."""
    drawn, catalogue = kiosk.view(), kiosk.catalogue
    language = drawn.shown.language
    other = catalogue.next_language(language)
    return render_template(
        template,
        view=drawn,
        shown=drawn.shown,
        look=drawn.look,
        speak=spoken(drawn),
        line=partial(catalogue.line, language),
        known=catalogue.has,
        tongues={tongue: partial(catalogue.line, tongue) for tongue in catalogue.names},
        language=language,
        other_language=other,
        other_language_name=catalogue.names[other],
        next_scale=SCALES[(SCALES.index(drawn.look.scale) + 1) % len(SCALES)],
        steps=STEPS,
        keys=(*DIGITS[1:], DIGITS[0], DELETE),
        reasons=[reason.value for reason in OverrideReason],
        whys=REASONS,
        untils=tuple(UNTIL),
        station=kiosk.station,
        heartbeat_ms=round(HEARTBEAT_S * 1000),
        day=partial(day_words, catalogue, language),
        **_content(kiosk.station.content(), drawn, catalogue),
    )


def _content(content: Content, drawn: View, catalogue: Catalogue) -> dict[str, object]:
    shown, language = drawn.shown, drawn.shown.language
    idle, lists = drawn.overlay == Overlay.IDLE.value, drawn.overlay == CHECKLIST
    return {
        "lists": first_page(content),
        "card": content.card(shown.card, language) if idle else None,
        "listing": listing(content, drawn.look.lists, language) if lists else None,
        "material": partial(content.material, language=language),
        "thing": partial(thing_words, catalogue, content, language),
        "first_sentence": _first_sentence,
    }


def thing_words(catalogue: Catalogue, content: Content, language: str, row: MissingRow) -> str:
    """Return what a thing that may follow is called."""
    if row.kind == "material":
        return content.material(row.code, language)
    line_id = f"finger.name.{row.code}" if row.kind == "finger" else "review.portrait"
    return catalogue.line(language, line_id)


def _first_sentence(words: str) -> str:
    found = _FIRST.match(words)
    return found[0] if found else words
