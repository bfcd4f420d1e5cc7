"""From a snapshot to what the templates draw. Pure: no I/O, no clock, nothing remembered."""

from __future__ import annotations

from dataclasses import dataclass
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
from api.kiosk.hints import aside_id, hint_words
from api.kiosk.identity import check_stage, key_of, looks_live
from api.kiosk.look import Look
from api.kiosk.missing import MissingRow, missing_rows, told_result
from api.kiosk.overlays import CAN_LEAVE, CARRIED, LEAVING, REMOTE, overlay_of, staff_sheet
from api.kiosk.pad import Pad
from edge.sitting import Overlay, Snapshot, State, mark_of

__all__ = ["STEPS", "View", "looks_live", "view"]

STEPS: Final = ("consent", "portrait", "finger", "review")
_STEP_OF: Final = {
    State.CONSENT: "consent",
    State.MATERIALS: "consent",
    State.REUSE: "portrait",
    State.REUSE_CHECK: "portrait",
    State.PORTRAIT: "portrait",
    State.PORTRAIT_OK: "portrait",
    State.FINGER: "finger",
    State.REVIEW: "review",
    State.CLOSING: "review",
}
_NO_REST: Final = frozenset(
    {State.WELCOME, State.NUMBER, State.CLOSING, State.RESULT, State.RATING, State.RATING_REASON}
)
_NO_REST_OVER: Final = frozenset(
    {
        *CARRIED.values(),
        LEAVING,
        REMOTE,
        Overlay.REST.value,
        Overlay.STILL_THERE.value,
        Overlay.OUT_OF_SERVICE.value,
    }
)
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
        missing: everything of this sitting that may follow later, and until when.
        slip: digits of the person's slip so far; on the screen for them only.
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
    missing: tuple[MissingRow, ...]
    slip: str

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
            "slip": self.slip,
            "minutes": self.minutes,
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
    def minutes(self) -> str:
        """Whole minutes since staff were called; "" while nobody has, or on another screen."""
        call = self.shown.help if self.overlay == Overlay.HELP.value else None
        return str(call.minutes) if call and call.minutes else ""

    @property
    def banner(self) -> str:
        """Who else has a hand in this sitting: "remote", "assisted" or nobody, ""."""
        if self.shown.remote is not None and self.overlay != REMOTE:
            return REMOTE if self.shown.remote.phase == "on" else ""
        return "assisted" if self.shown.assisted_by else ""

    @property
    def pointed(self) -> str:
        """Action of the button that who helps from afar points at, "" for none."""
        return self.shown.remote.point if self.shown.remote and self.banner == REMOTE else ""

    @property
    def signed_for(self) -> str:
        """Position of the finger that staff sign for, "" on other sheets."""
        chosen = self.pad.position if self.pad else ""
        return chosen if chosen in self.open_fingers else next(iter(self.open_fingers), "")

    @property
    def wait_s(self) -> int:
        """Whole seconds until the next PIN is looked at, 0 if it is at once."""
        return ceil(self.pad.wait_s) if self.pad else 0


def view(
    shown: Snapshot,
    look: Look,
    catalogue: Catalogue,
    pad: Pad | None = None,
    slip: str = "",
) -> View:
    """Draw one screen."""
    mark = mark_of(shown)
    overlay = overlay_of(shown, look, mark, pad)
    state, earlier = shown.state, shown.reuse
    hint, more = hint_words(shown, catalogue)
    aside = aside_id(shown, catalogue)
    step = STEPS.index(_STEP_OF[state]) + 1 if state in _STEP_OF else None
    return View(
        shown=shown,
        look=look,
        screen=state.value,
        overlay=overlay,
        mark=mark,
        key=key_of(shown, look, overlay, mark, pad),
        hint=hint,
        aside=more or (catalogue.line(shown.language, aside) if aside else ""),
        phase=shown.finger.phase.value if shown.finger else "",
        hold=round(100 * shown.hold_share),
        share=round(100 * shown.finger.share) if shown.finger else 0,
        press=press_words(shown, catalogue),
        ask=ask_line(shown.finger),
        open_fingers=open_fingers(shown),
        staff_look=staff_look(shown),
        fingers=finger_rows(shown),
        elsewhere=taken_elsewhere(shown),
        stage=check_stage(shown),
        source=_source(shown, catalogue),
        checks=check_lines(earlier.checks) if earlier else (),
        staff=staff_sheet(shown),
        pad=pad,
        step=step,
        can_leave=state in CAN_LEAVE and overlay != LEAVING,
        can_rest=state not in _NO_REST and overlay not in _NO_REST_OVER,
        result=told_result(shown),
        missing=missing_rows(shown),
        slip=slip if state is State.NUMBER else "",
    )


def _source(shown: Snapshot, catalogue: Catalogue) -> str:
    if shown.reuse is None:
        return ""
    line_id = f"reuse.source.{shown.reuse.source}"
    return line_id if catalogue.has(line_id) else "reuse.source.other"
