"""One person's visit: its states, its events and the one table of moves. No I/O and no clock.

A *state* is what the station waits for. What lies over the screen for a while (`edge.snapshot`)
never moves the state, so nothing is lost when it goes away. `docs/sitting.md` holds the diagram
that is drawn from this table.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """What the station waits for. The value is the screen's id (`data-screen` on the page)."""

    WELCOME = "welcome"
    NUMBER = "number"
    """The number of the person's slip is typed or scanned."""
    NAME = "name"
    """Whether the order that was found is hers, and who acts."""
    PROXY = "proxy"
    """A relative acts: the letter is shown, or brought later."""
    CONSENT = "consent"
    MATERIALS = "materials"
    """Papers that the order asks for, one after the other."""
    REUSE = "reuse"
    REUSE_CHECK = "reuse-check"
    PORTRAIT = "portrait"
    PORTRAIT_OK = "portrait-ok"
    FINGER = "finger"
    REVIEW = "review"
    CLOSING = "closing"
    RESULT = "result"
    RATING = "rating"
    RATING_REASON = "rating-reason"


class Event(Enum):
    """What can happen to a sitting. Web pages may post only those in `FROM_THE_PERSON`."""

    START = "start"
    START_AS_RELATIVE = "start-as-relative"
    ENTER_NUMBER = "enter-number"
    ORDER_FOUND = "order-found"
    ORDER_FOUND_NAMELESS = "order-found-nameless"
    """The order names nobody: there is nothing to ask before the consent."""
    NUMBER_UNKNOWN = "number-unknown"
    """No order waits under this number: staff look into it."""
    RESUME_CONSENT = "resume-consent"
    RESUME_MATERIALS = "resume-materials"
    RESUME_PORTRAIT = "resume-portrait"
    RESUME_FINGER = "resume-finger"
    NAME_RIGHT = "name-right"
    NAME_RELATIVE = "name-relative"
    NAME_RELATIVE_KNOWN = "name-relative-known"
    """The loop makes it for a relative whose letter the centre has already."""
    NAME_WRONG = "name-wrong"
    LETTER_SHOWN = "letter-shown"
    LETTER_LATER = "letter-later"
    AGREE = "agree"
    AGREE_PHOTO_ONLY = "agree-photo-only"
    """To the face and not to the fingers."""
    AGREE_TO_MATERIALS = "agree-to-materials"
    """The loop makes it in place of `AGREE` where the order lists papers."""
    AGREE_TO_OFFER = "agree-to-offer"
    """The loop makes it in place of `AGREE` where an earlier photo can be offered."""
    DECLINE = "decline"
    MATERIAL_HERE = "material-here"
    MATERIAL_LATER = "material-later"
    MATERIALS_SETTLED = "materials-settled"
    MATERIALS_SETTLED_TO_OFFER = "materials-settled-to-offer"
    REUSE_CHOSEN = "reuse-chosen"
    REUSE_DECLINED = "reuse-declined"
    REUSE_AGREED = "reuse-agreed"
    REUSE_REFUSED = "reuse-refused"
    PORTRAIT_TAKEN = "portrait-taken"
    PORTRAIT_AGAIN = "portrait-again"
    PORTRAIT_KEPT = "portrait-kept"
    PORTRAIT_GIVEN_UP = "portrait-given-up"
    FINGER_SETTLED = "finger-settled"
    FINGER_SKIPPED = "finger-skipped"
    """This finger cannot be given: the plan's next one is asked for."""
    HAND_SKIPPED = "hand-skipped"
    """This hand cannot give any: the plan goes on with the other."""
    FINGERS_REFUSED = "fingers-refused"
    """No more fingers; nobody asks why."""
    EXCEPTION_CONFIRMED = "exception-confirmed"
    """An attendant signed why a finger is not given."""
    FINGERS_SETTLED = "fingers-settled"
    HAND_IN = "hand-in"
    STORED = "stored"
    NOT_STORED = "not-stored"
    LEAVE = "leave"
    LED_TO_WINDOW = "led-to-window"
    """Staff, here or far away, go on with the person at the window."""
    WITHDRAWN = "withdrawn"
    """The centre took its order back before any sample was accepted: staff explain."""
    FINISH = "finish"
    FINISH_TO_RATING = "finish-to-rating"
    """The loop makes it in place of `FINISH` where the station asks how it was."""
    RATE_GOOD = "rate-good"
    RATE_FAIR = "rate-fair"
    RATE_POOR = "rate-poor"
    REASON_WAITED = "reason-waited"
    REASON_HARD = "reason-hard"


class Result(Enum):
    """How a sitting ended, as the person and the centre are told."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_MISSING = "accepted_with_missing"
    TO_WINDOW = "to_window"
    CANCELLED = "cancelled"


FROM_THE_PERSON: Final = frozenset(
    {
        Event.START,
        Event.START_AS_RELATIVE,
        Event.ENTER_NUMBER,
        Event.NAME_RIGHT,
        Event.NAME_RELATIVE,
        Event.NAME_WRONG,
        Event.LETTER_SHOWN,
        Event.LETTER_LATER,
        Event.AGREE,
        Event.AGREE_PHOTO_ONLY,
        Event.DECLINE,
        Event.MATERIAL_HERE,
        Event.MATERIAL_LATER,
        Event.REUSE_CHOSEN,
        Event.REUSE_DECLINED,
        Event.PORTRAIT_AGAIN,
        Event.PORTRAIT_KEPT,
        Event.PORTRAIT_GIVEN_UP,
        Event.FINGER_SKIPPED,
        Event.HAND_SKIPPED,
        Event.FINGERS_REFUSED,
        Event.HAND_IN,
        Event.LEAVE,
        Event.FINISH,
        Event.RATE_GOOD,
        Event.RATE_FAIR,
        Event.RATE_POOR,
        Event.REASON_WAITED,
        Event.REASON_HARD,
    }
)

_OUT: Final = {
    Event.LED_TO_WINDOW: State.RESULT,
    Event.WITHDRAWN: State.RESULT,
    Event.NOT_STORED: State.RESULT,
    Event.LEAVE: State.WELCOME,
}
"""The ways out of every state in which somebody is served."""

TRANSITIONS: Final[dict[State, dict[Event, State]]] = {
    State.WELCOME: {
        Event.START: State.CONSENT,
        Event.START_AS_RELATIVE: State.PROXY,
        Event.NAME_RELATIVE_KNOWN: State.CONSENT,
        Event.ENTER_NUMBER: State.NUMBER,
        # A slip that is scanned needs no touch before.
        Event.ORDER_FOUND: State.NAME,
        Event.ORDER_FOUND_NAMELESS: State.CONSENT,
        Event.NUMBER_UNKNOWN: State.NUMBER,
        # After a power cut, and where an attendant goes on with what was left: the samples that
        # were accepted are in, the person goes on from there.
        Event.RESUME_CONSENT: State.CONSENT,
        Event.RESUME_MATERIALS: State.MATERIALS,
        Event.RESUME_PORTRAIT: State.PORTRAIT,
        Event.RESUME_FINGER: State.FINGER,
    },
    State.NUMBER: {
        Event.ORDER_FOUND: State.NAME,
        Event.ORDER_FOUND_NAMELESS: State.CONSENT,
        Event.NUMBER_UNKNOWN: State.NUMBER,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.NAME: {
        Event.NAME_RIGHT: State.CONSENT,
        Event.NAME_RELATIVE: State.PROXY,
        Event.NAME_RELATIVE_KNOWN: State.CONSENT,
        Event.NAME_WRONG: State.WELCOME,
        **_OUT,
    },
    State.PROXY: {
        Event.LETTER_SHOWN: State.CONSENT,
        Event.LETTER_LATER: State.CONSENT,
        **_OUT,
    },
    State.CONSENT: {
        Event.AGREE: State.PORTRAIT,
        Event.AGREE_PHOTO_ONLY: State.PORTRAIT,
        Event.AGREE_TO_MATERIALS: State.MATERIALS,
        Event.AGREE_TO_OFFER: State.REUSE,
        Event.DECLINE: State.RESULT,
        **_OUT,
    },
    State.MATERIALS: {
        Event.MATERIAL_HERE: State.MATERIALS,
        Event.MATERIAL_LATER: State.MATERIALS,
        Event.MATERIALS_SETTLED: State.PORTRAIT,
        Event.MATERIALS_SETTLED_TO_OFFER: State.REUSE,
        **_OUT,
    },
    State.REUSE: {
        Event.REUSE_CHOSEN: State.REUSE_CHECK,
        Event.REUSE_DECLINED: State.PORTRAIT,
        **_OUT,
    },
    # A photo that is taken over replaces a new one and nothing else: the fingers are still asked.
    State.REUSE_CHECK: {
        Event.REUSE_AGREED: State.FINGER,
        Event.REUSE_REFUSED: State.PORTRAIT,
        Event.REUSE_DECLINED: State.PORTRAIT,
        **_OUT,
    },
    State.PORTRAIT: {
        Event.PORTRAIT_TAKEN: State.PORTRAIT_OK,
        Event.PORTRAIT_GIVEN_UP: State.FINGER,
        **_OUT,
    },
    State.PORTRAIT_OK: {
        Event.PORTRAIT_KEPT: State.FINGER,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        **_OUT,
    },
    State.FINGER: {
        Event.FINGER_SETTLED: State.FINGER,
        Event.FINGER_SKIPPED: State.FINGER,
        Event.HAND_SKIPPED: State.FINGER,
        Event.FINGERS_REFUSED: State.REVIEW,
        Event.FINGERS_SETTLED: State.REVIEW,
        Event.EXCEPTION_CONFIRMED: State.FINGER,
        **_OUT,
    },
    State.REVIEW: {
        Event.HAND_IN: State.CLOSING,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        Event.EXCEPTION_CONFIRMED: State.REVIEW,
        **_OUT,
    },
    # From here the package is being closed: leaving would leave the person in doubt.
    State.CLOSING: {
        Event.STORED: State.RESULT,
        Event.NOT_STORED: State.RESULT,
    },
    State.RESULT: {
        Event.FINISH: State.WELCOME,
        Event.FINISH_TO_RATING: State.RATING,
    },
    State.RATING: {
        Event.RATE_GOOD: State.WELCOME,
        Event.RATE_FAIR: State.WELCOME,
        Event.RATE_POOR: State.RATING_REASON,
        Event.FINISH: State.WELCOME,
    },
    State.RATING_REASON: {
        Event.REASON_WAITED: State.WELCOME,
        Event.REASON_HARD: State.WELCOME,
        Event.FINISH: State.WELCOME,
    },
}


class IllegalMove(Exception):
    """The table names no such move from here. Nothing changed; show the present screen again."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} is not possible in {state.value}")
        self.state = state
        self.event = event


class StaleToken(Exception):
    """The request belongs to another sitting than the present one. Show the present screen."""


class NotNow(Exception):
    """What staff asked for is not possible now. Nothing changed; look at the present screen."""


def move(state: State, event: Event) -> State:
    """Return the state that the table names; an illegal move raises and changes nothing."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalMove(state, event) from None
