"""From a snapshot to what the templates draw. Pure: no I/O, no clock, nothing remembered."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from api.kiosk.catalogue import Catalogue
from api.kiosk.look import Look
from edge.sitting import FingerPhase, Overlay, Result, Snapshot, State

STEPS: Final = ("consent", "portrait", "finger", "review")
_STEP_OF: Final = {
    State.CONSENT: "consent",
    State.PORTRAIT: "portrait",
    State.PORTRAIT_OK: "portrait",
    State.FINGER: "finger",
    State.REVIEW: "review",
    State.CLOSING: "review",
}
_CAN_LEAVE: Final = frozenset(
    {State.CONSENT, State.PORTRAIT, State.PORTRAIT_OK, State.FINGER, State.REVIEW}
)
_NO_REST: Final = frozenset({State.WELCOME, State.CLOSING, State.RESULT})
LEAVING: Final = "leave"


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
        hold: 0..100, how far the automatic capture has come.
        share: 0..100, received share of the finger's image.
    """

    shown: Snapshot
    look: Look
    screen: str
    overlay: str
    mark: str
    key: str
    hint: str
    phase: str
    hold: int
    share: int
    step: int | None
    can_leave: bool
    can_rest: bool
    result: str

    @property
    def live(self) -> dict[str, str | int]:
        """What a page that stands needs to keep up: no picture, no name, no score."""
        return {
            "key": self.key,
            "hint": self.hint,
            "phase": self.phase,
            "hold": self.hold,
            "share": self.share,
        }


def view(shown: Snapshot, look: Look, catalogue: Catalogue) -> View:
    """Draw one screen."""
    mark = mark_of(shown)
    overlay = _overlay(shown, look, mark)
    state = shown.state
    step = STEPS.index(_STEP_OF[state]) + 1 if state in _STEP_OF else None
    return View(
        shown=shown,
        look=look,
        screen=state.value,
        overlay=overlay,
        mark=mark,
        key=_key(shown, look, overlay, mark),
        hint=_hint(shown, catalogue),
        phase=shown.finger.phase.value if shown.finger else "",
        hold=round(100 * shown.hold_share),
        share=round(100 * shown.finger.share) if shown.finger else 0,
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


def _overlay(shown: Snapshot, look: Look, mark: str) -> str:
    if shown.overlay is not None:
        return shown.overlay.value
    if shown.out_of_service and shown.state is State.WELCOME:
        return Overlay.OUT_OF_SERVICE.value
    if look.leaving_from == mark and shown.state in _CAN_LEAVE:
        return LEAVING
    return ""


def _key(shown: Snapshot, look: Look, overlay: str, mark: str) -> str:
    parts = (
        shown.token, mark, overlay, shown.language, look.scale, look.theme, shown.result,
        shown.portrait_preview, shown.portrait_in, shown.resumed, shown.missing, shown.fingers_in,
    )  # fmt: skip
    # Hashed, so that the sitting's token is not readable in a key that a log may see.
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _hint(shown: Snapshot, catalogue: Catalogue) -> str:
    if shown.state is State.PORTRAIT:
        code = shown.hint or "portrait.ready"
        return catalogue.line(shown.language, code if catalogue.has(code) else "portrait.wait")
    finger = shown.finger
    if shown.state is State.FINGER and finger:
        if finger.phase in (FingerPhase.READING, FingerPhase.CHECKING):
            return catalogue.line(shown.language, f"finger.{finger.phase.value}")
        code = finger.hint or "finger.place"
        return catalogue.line(shown.language, code if catalogue.has(code) else "finger.place")
    return ""
