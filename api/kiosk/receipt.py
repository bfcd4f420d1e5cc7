"""The receipt: what was taken, what is missing and until when; for whoever shows the token.

No name, no picture and no number of a person: it may lie on a table.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from flask import render_template

from api.kiosk.drawing import HEARTBEAT_S, thing_words
from api.kiosk.kiosk import Kiosk
from api.kiosk.missing import day_words, missing_rows, told_result
from api.problems import Refused
from api.security import same_secret
from edge.sitting import Result, Snapshot, State

STAYS_S: Final = 60
"""As long as the result stands, so that a page without script ends with it."""


def draw_receipt(kiosk: Kiosk, token: str) -> str:
    """Return the page of the sitting that has just ended.

    Raises:
        Refused: another token, or nothing has ended here.
    """
    shown = kiosk.station.desk.snapshot
    if shown.state is not State.RESULT or not same_secret(token, shown.token):
        raise Refused("not-found")
    catalogue, language = kiosk.catalogue, shown.language
    content = kiosk.station.content()
    look = kiosk.look(shown)
    day = partial(day_words, catalogue, language)
    return render_template(
        "receipt.html",
        shown=shown,
        look=look,
        language=language,
        line=partial(catalogue.line, language),
        result=told_result(shown),
        taken=_taken(shown, partial(catalogue.line, language)),
        missing=[
            (thing_words(catalogue, content, language, row), day(row.due))
            for row in missing_rows(shown)
        ],
        today=day(date.today().isoformat()),
        view=kiosk.view(shown),
        station=kiosk.station,
        stays_s=STAYS_S,
        heartbeat_ms=round(HEARTBEAT_S * 1000),
    )


def _taken(shown: Snapshot, line: partial[str]) -> list[str]:
    if shown.result not in (Result.ACCEPTED, Result.ACCEPTED_WITH_MISSING):
        return []
    portrait = [line("review.portrait")] if shown.portrait_in else []
    return [*portrait, *(line(f"finger.name.{position}") for position in shown.fingers_in)]
