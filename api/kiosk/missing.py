"""What may follow later, as the person is told of it: what, and until when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from api.kiosk.catalogue import Catalogue
from api.kiosk.fingers import FINGER, finger_rows
from edge.sitting import Result, Snapshot

PORTRAIT: Final = "portrait"
MATERIAL: Final = "material:"


@dataclass(frozen=True, slots=True)
class MissingRow:
    """One thing that may follow.

    Attributes:
        kind: "portrait", "finger" or "material".
        code: position of the finger, code of the paper; "" for the portrait.
        due: civil date until which it is waited for, "" if none was set.
    """

    kind: str
    code: str = ""
    due: str = ""


def missing_rows(shown: Snapshot) -> tuple[MissingRow, ...]:
    """Return what may follow later, each thing once: the portrait, then fingers, then papers."""
    due = {missing.what: missing.due for missing in shown.missing}
    portrait = [MissingRow("portrait", due=due[PORTRAIT])] if PORTRAIT in due else []
    fingers = [
        MissingRow("finger", row.position, due.get(f"{FINGER}{row.position}", ""))
        for row in finger_rows(shown)
        if row.standing == "missing"
    ]
    papers = [
        MissingRow("material", what.removeprefix(MATERIAL), until)
        for what, until in due.items()
        if what.startswith(MATERIAL)
    ]
    return (*portrait, *fingers, *papers)


def told_result(shown: Snapshot) -> str:
    """Return the result in whose words the person is told of it.

    What she refused lacks in the record, but nobody waits for it: where nothing else lacks she is
    not sent home with "the rest can follow", of which no list says what.
    """
    result = shown.result or Result.TO_WINDOW
    if result is Result.ACCEPTED_WITH_MISSING and not missing_rows(shown):
        result = Result.ACCEPTED
    return result.value


def day_words(catalogue: Catalogue, language: str, day: str) -> str:
    """Return a civil date as people of this language write it; "" for none, or what is no date."""
    try:
        then = date.fromisoformat(day)
    except ValueError:
        return ""
    month = catalogue.line(language, f"month.{then.month}")
    if language == "en":
        return f"{then.day} {month} {then.year}"
    return f"{then.year}年{then.month}月{then.day}日"
