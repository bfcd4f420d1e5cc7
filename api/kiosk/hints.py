"""The one line that says what to do now, and the smaller one below it. Pure."""

from __future__ import annotations

import re
from typing import Final

from api.kiosk.catalogue import Catalogue
from api.kiosk.identity import looks_live
from edge.sitting import FingerPhase, Snapshot, State

_SENTENCE: Final = re.compile(r"(?<=。)|(?<=[.!?]) ")
"""A long hint is one sentence to act on and what else there is to say."""
_UNSAID: Final = {State.PORTRAIT: "portrait.ready", State.REUSE_CHECK: "reuse-check.look"}
"""Where the camera looks and finds nothing to say."""
_WHO_SITS_THERE: Final = ("portrait.no_face", "portrait.many_faces")
"""A relative may well have sat down: only then is it said who is to."""


def hint_id(shown: Snapshot, catalogue: Catalogue) -> str:
    """Return the catalogue id of the one thing to do now, "" where the question says all."""
    if shown.state is State.PROXY:
        return {"taking": "proxy.taking", "again": "proxy.again"}.get(shown.letter, "proxy.say")
    if looks_live(shown):
        code = shown.hint or _UNSAID[shown.state]
        return code if catalogue.has(code) else "portrait.wait"
    if shown.state is State.FINGER and shown.finger:
        phase = shown.finger.phase
        code = shown.finger.hint or "finger.place"
        if phase in (FingerPhase.READING, FingerPhase.CHECKING):
            code = f"finger.{phase.value}"
        return code if catalogue.has(code) else "finger.place"
    return ""


def hint_words(shown: Snapshot, catalogue: Catalogue) -> tuple[str, str]:
    """Return the one thing to do now, and what the catalogue has to say beyond it."""
    line_id = hint_id(shown, catalogue)
    if not line_id:
        return "", ""
    first, *rest = _SENTENCE.split(catalogue.line(shown.language, line_id), maxsplit=1)
    # A full stop belongs to a sentence that another follows; a question of the screen has none.
    return (first.rstrip("。.") if rest and rest[0] else first), "".join(rest)


def aside_id(shown: Snapshot, catalogue: Catalogue) -> str:
    """Return the id of the one line below the hint: of several the one that helps most now."""
    if shown.state is not State.PORTRAIT:
        return ""
    refused = shown.reuse.refused if shown.reuse else ""
    lines = (
        shown.shutter_refused or "",
        "portrait.stuck" if shown.stuck else "",
        f"reuse.{refused}" if refused else "",
        "person.portrait" if shown.who == "proxy" and shown.hint in _WHO_SITS_THERE else "",
        "resumed.say" if shown.resumed else "",
    )
    return next((line for line in lines if line and catalogue.has(line)), "")
