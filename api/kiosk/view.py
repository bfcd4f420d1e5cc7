"""From a snapshot to what the templates draw. Pure: no I/O, no clock, nothing remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil
from typing import Final

from api.kiosk.catalogue import Catalogue
from api.kiosk.checks import check_lines
from api.kiosk.fingers import (
    FingerRow,
    ask_line,
    finger_rows,
    open_fingers,
    press_words,
    staff_look,
    taken_elsewhere,
)
from api.kiosk.look import Look
from api.kiosk.pad import EXCEPTION, SHUTTER, SIGN, Pad
from edge.sitting import FingerPhase, Overlay, Result, Snapshot, State

STEPS: Final = ("consent", "portrait", "finger", "review")
_STEP_OF: Final = {
    State.CONSENT: "consent",
    State.REUSE: "portrait",
    State.REUSE_CHECK: "portrait",
    State.PORTRAIT: "portrait",
    State.PORTRAIT_OK: "portrait",
    State.FINGER: "finger",
    State.REVIEW: "review",
    State.CLOSING: "review",
}
_CAN_LEAVE: Final = frozenset(
    {
        *(State.CONSENT, State.REUSE, State.REUSE_CHECK),
        *(State.PORTRAIT, State.PORTRAIT_OK, State.FINGER, State.REVIEW),
    }
)
_NO_REST: Final = frozenset({State.WELCOME, State.CLOSING, State.RESULT})
LEAVING: Final = "leave"
MORE: Final = "finger-more"
_SENTENCE: Final = re.compile(r"(?<=。)|(?<=[.!?]) ")
"""A long hint is one sentence to act on and what else there is to say."""
_DOT: Final = "\u2022"


@dataclass(frozen=True, slots=True)
class View:
    """One drawn screen.

    Attributes:
        screen: id of the state, `data-screen` on the page.
        overlay: id of what lies over it, "" if nothing does.
        mark: names the screen a form was drawn for; a post with another mark does nothing.
        key: changes whenever the page must be drawn anew, not for what moves within it: a button
            that is taken away under a finger does not hear the touch.
        phase: of the finger that is asked for, "" if none is.
        hint: the one line that changes while the screen stays.
        aside: the one smaller line below it, "" if there is nothing more to say.
        hold: 0..100, how far the automatic capture has come.
        share: 0..100, received share of the finger's image.
        press: which press of this finger it is, in words; "" for the first.
        ask: catalogue id of the finger screen's question.
        open_fingers: positions for which staff may sign now.
        staff_look: the person is told that staff can look at the fingers.
        fingers: every finger of this sitting as the person is told of it.
        elsewhere: the reader here is not good enough for what was ordered.
        stage: of a check of the earlier photo: "look", "compare" or "staff"; "" elsewhere.
        source: catalogue id of where the earlier photo comes from, "" without one.
        checks: catalogue ids of what the earlier photo does not pass today; for staff only.
        staff: sheet that staff may open here ("sign", "shutter", "exception"), "" if there is none.
        pad: the staff sheet that is open, None if none is.
    """

    shown: Snapshot
    look: Look
    screen: str
    overlay: str
    mark: str
    key: str
    hint: str
    aside: str
    phase: str
    hold: int
    share: int
    press: str
    ask: str
    open_fingers: tuple[str, ...]
    staff_look: bool
    fingers: tuple[FingerRow, ...]
    elsewhere: bool
    stage: str
    source: str
    checks: tuple[str, ...]
    staff: str
    pad: Pad | None
    step: int | None
    can_leave: bool
    can_rest: bool
    result: str

    @property
    def live(self) -> dict[str, str | int]:
        """What a page that stands needs to keep up: no picture, no name, no score, no PIN."""
        return {
            "key": self.key,
            "hint": self.hint,
            "aside": self.aside,
            "phase": self.phase,
            "hold": self.hold,
            "share": self.share,
            "press": self.press,
            "number": self.number,
            "pin": self.pin,
        }

    @property
    def number(self) -> str:
        """The staff number so far."""
        return self.pad.number if self.pad else ""

    @property
    def pin(self) -> str:
        """A dot for each digit of the PIN."""
        return _DOT * len(self.pad.pin) if self.pad else ""

    @property
    def signed_for(self) -> str:
        """Position of the finger that staff sign for, "" on other sheets."""
        chosen = self.pad.position if self.pad else ""
        return chosen if chosen in self.open_fingers else next(iter(self.open_fingers), "")

    @property
    def wait_s(self) -> int:
        """Whole seconds until the next PIN is looked at, 0 if it is at once."""
        return ceil(self.pad.wait_s) if self.pad else 0


def view(shown: Snapshot, look: Look, catalogue: Catalogue, pad: Pad | None = None) -> View:
    """Draw one screen."""
    mark = mark_of(shown)
    overlay = _overlay(shown, look, mark, pad)
    state, earlier = shown.state, shown.reuse
    hint, more = _hint(shown, catalogue)
    step = STEPS.index(_STEP_OF[state]) + 1 if state in _STEP_OF else None
    return View(
        shown=shown,
        look=look,
        screen=state.value,
        overlay=overlay,
        mark=mark,
        key=_key(shown, look, overlay, mark, pad),
        hint=hint,
        aside=more or _aside(shown, catalogue),
        phase=shown.finger.phase.value if shown.finger else "",
        hold=round(100 * shown.hold_share),
        share=round(100 * shown.finger.share) if shown.finger else 0,
        press=press_words(shown, catalogue),
        ask=ask_line(shown.finger),
        open_fingers=open_fingers(shown),
        staff_look=staff_look(shown),
        fingers=finger_rows(shown),
        elsewhere=taken_elsewhere(shown),
        stage=_stage(shown),
        source=_source(shown, catalogue),
        checks=check_lines(earlier.checks) if earlier else (),
        staff=_staff(shown),
        pad=pad,
        step=step,
        can_leave=state in _CAN_LEAVE and overlay != LEAVING,
        can_rest=state not in _NO_REST and overlay not in (LEAVING, Overlay.REST.value),
        result=(shown.result or Result.TO_WINDOW).value,
    )


def mark_of(shown: Snapshot) -> str:
    """Name what the person is looking at, so that a late second tap cannot skip a finger."""
    if shown.state is State.FINGER and shown.finger:
        return f"{shown.state.value}:{shown.finger.position}"
    return shown.state.value


def looks_live(shown: Snapshot) -> bool:
    """Tell whether this screen shows what the camera sees now; on all others no picture leaves."""
    return shown.state is State.PORTRAIT or _stage(shown) == "look"


def _stage(shown: Snapshot) -> str:
    if shown.state is not State.REUSE_CHECK or shown.reuse is None:
        return ""
    if not shown.reuse.live_ready:
        return "look"
    return "staff" if shown.reuse.needs_staff else "compare"


def _source(shown: Snapshot, catalogue: Catalogue) -> str:
    if shown.reuse is None:
        return ""
    line_id = f"reuse.source.{shown.reuse.source}"
    return line_id if catalogue.has(line_id) else "reuse.source.other"


def _staff(shown: Snapshot) -> str:
    if _stage(shown) == "staff":
        return SIGN
    if open_fingers(shown):
        return EXCEPTION
    return SHUTTER if shown.state is State.PORTRAIT else ""


def _overlay(shown: Snapshot, look: Look, mark: str, pad: Pad | None) -> str:
    if shown.overlay is not None:
        return shown.overlay.value
    if shown.out_of_service and shown.state is State.WELCOME:
        return Overlay.OUT_OF_SERVICE.value
    if look.leaving_from == mark and shown.state in _CAN_LEAVE:
        return LEAVING
    if look.more_from == mark and shown.state is State.FINGER:
        return MORE
    # Nothing is left to sign once the screen needs no staff any more.
    return pad.sheet if pad and pad.sheet == _staff(shown) else ""


def _key(shown: Snapshot, look: Look, overlay: str, mark: str, pad: Pad | None) -> str:
    # Of the pad's digits nothing: whoever knows all the rest could try them out on a hash.
    typing = (
        (pad.asked, pad.reason, pad.until, pad.position, pad.refused, pad.wait_s, pad.incomplete)
        if pad
        else ()
    )
    finger = (shown.finger.fallback_of, shown.finger.refusable) if shown.finger else ()
    earlier = replace(shown.reuse, staff_wait_s=0.0) if shown.reuse else None
    parts = (
        shown.token, mark, overlay, shown.language, look.scale, look.theme, shown.result,
        shown.portrait_preview, shown.portrait_in, shown.resumed, shown.missing, shown.fingers_in,
        shown.stuck, shown.calm_long, earlier, typing, finger, shown.finger_exceptions,
        shown.attendant_called,
    )  # fmt: skip
    # Hashed, so that the sitting's token is not readable in a key that a log may see.
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _hint(shown: Snapshot, catalogue: Catalogue) -> tuple[str, str]:
    """Return the one thing to do now, and what the catalogue has to say beyond it."""
    code = ""
    if looks_live(shown):
        code = shown.hint or (
            "portrait.ready" if shown.state is State.PORTRAIT else "reuse-check.look"
        )
        code = code if catalogue.has(code) else "portrait.wait"
    elif shown.state is State.FINGER and shown.finger:
        phase = shown.finger.phase
        code = shown.finger.hint or "finger.place"
        if phase in (FingerPhase.READING, FingerPhase.CHECKING):
            code = f"finger.{phase.value}"
        code = code if catalogue.has(code) else "finger.place"
    if not code:
        return "", ""
    first, *rest = _SENTENCE.split(catalogue.line(shown.language, code), maxsplit=1)
    # A full stop belongs to a sentence that another follows; a question of the screen has none.
    return (first.rstrip("。.") if rest and rest[0] else first), "".join(rest)


def _aside(shown: Snapshot, catalogue: Catalogue) -> str:
    """Return the one line below the hint, of several the one that helps most now."""
    if shown.state is not State.PORTRAIT:
        return ""
    refused = shown.reuse.refused if shown.reuse else ""
    lines = (
        "portrait.stuck" if shown.stuck else "",
        f"reuse.{refused}" if refused else "",
        "resumed.say" if shown.resumed else "",
    )
    code = next((line for line in lines if line and catalogue.has(line)), "")
    return catalogue.line(shown.language, code) if code else ""
