"""One person's visit: its states, its events and the one table of moves. No I/O and no clock.

A *state* is what the station waits for. What lies over the screen for a while (help, rest, a device
that recovers) is an *overlay*: it never moves the state, so nothing is lost when it goes away.
`docs/sitting.md` holds the diagram that is drawn from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class State(Enum):
    """What the station waits for. The value is the screen's id (`data-screen` on the page)."""

    WELCOME = "welcome"
    CONSENT = "consent"
    PORTRAIT = "portrait"
    PORTRAIT_OK = "portrait-ok"
    FINGER = "finger"
    REVIEW = "review"
    CLOSING = "closing"
    RESULT = "result"


class Event(Enum):
    """What can happen to a sitting. Web pages may post only those in `FROM_THE_PERSON`."""

    START = "start"
    RESUME_PORTRAIT = "resume-portrait"
    RESUME_FINGER = "resume-finger"
    AGREE = "agree"
    DECLINE = "decline"
    PORTRAIT_TAKEN = "portrait-taken"
    PORTRAIT_AGAIN = "portrait-again"
    PORTRAIT_KEPT = "portrait-kept"
    PORTRAIT_GIVEN_UP = "portrait-given-up"
    FINGER_SETTLED = "finger-settled"
    FINGER_SKIPPED = "finger-skipped"
    FINGERS_SETTLED = "fingers-settled"
    HAND_IN = "hand-in"
    STORED = "stored"
    NOT_STORED = "not-stored"
    LEAVE = "leave"
    FINISH = "finish"


class Result(Enum):
    """How a sitting ended, as the person and the centre are told."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_MISSING = "accepted_with_missing"
    TO_WINDOW = "to_window"
    CANCELLED = "cancelled"


FROM_THE_PERSON: Final = frozenset(
    {
        Event.START,
        Event.AGREE,
        Event.DECLINE,
        Event.PORTRAIT_AGAIN,
        Event.PORTRAIT_KEPT,
        Event.PORTRAIT_GIVEN_UP,
        Event.FINGER_SKIPPED,
        Event.HAND_IN,
        Event.LEAVE,
        Event.FINISH,
    }
)

TRANSITIONS: Final[dict[State, dict[Event, State]]] = {
    State.WELCOME: {
        Event.START: State.CONSENT,
        # After a power cut: the samples that were accepted are in, the person goes on from there.
        Event.RESUME_PORTRAIT: State.PORTRAIT,
        Event.RESUME_FINGER: State.FINGER,
    },
    State.CONSENT: {
        Event.AGREE: State.PORTRAIT,
        Event.DECLINE: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.PORTRAIT: {
        Event.PORTRAIT_TAKEN: State.PORTRAIT_OK,
        Event.PORTRAIT_GIVEN_UP: State.FINGER,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.PORTRAIT_OK: {
        Event.PORTRAIT_KEPT: State.FINGER,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.FINGER: {
        Event.FINGER_SETTLED: State.FINGER,
        Event.FINGER_SKIPPED: State.FINGER,
        Event.FINGERS_SETTLED: State.REVIEW,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.REVIEW: {
        Event.HAND_IN: State.CLOSING,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    # From here the package is being closed: leaving would leave the person in doubt.
    State.CLOSING: {
        Event.STORED: State.RESULT,
        Event.NOT_STORED: State.RESULT,
    },
    State.RESULT: {Event.FINISH: State.WELCOME},
}


class IllegalMove(Exception):
    """The table names no such move from here. Nothing changed; show the present screen again."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} is not possible in {state.value}")
        self.state = state
        self.event = event


class StaleToken(Exception):
    """The request belongs to another sitting than the present one. Show the present screen."""


def move(state: State, event: Event) -> State:
    """Return the state that the table names; an illegal move raises and changes nothing."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalMove(state, event) from None


class Overlay(Enum):
    """What lies over the screen for a while. The value is part of the page's id."""

    CALM = "calm"
    """A device that this step needs is recovering: the station's fault, never the person's."""
    HELP = "help"
    REST = "rest"
    OUT_OF_SERVICE = "out-of-service"


class FingerPhase(Enum):
    """Where one press of a finger stands."""

    PLACE = "place"
    READING = "reading"
    """The finger may be lifted; its image is on the line."""
    CHECKING = "checking"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class FingerStep:
    """The finger that is asked for now.

    Attributes:
        position: name of the ISO/IEC 19794-4 finger position, "right_thumb" to "left_little".
        presentation: 1 for the first press.
        share: received share of the image, 0..1.
        hint: catalogue code of what to do differently, None before the first poor press.
    """

    position: str
    presentation: int
    phase: FingerPhase
    share: float = 0.0
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """What the package will lack, and why: "portrait" or "finger:<position>"."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a page needs to draw the screen, immutable; a new one for every change.

    Attributes:
        revision: grows with each snapshot; pages ask for what is newer.
        token: random for each sitting; whoever asks for a sample's picture must show it.
        hint: catalogue code of the one thing to do now ("portrait.turn_left"), None if all is well.
        hold_share: how far the automatic capture has come, 0..1.
        portrait_preview: a captured portrait can be fetched with the token.
        portrait_in: the portrait is sealed and committed.
        documents: ids of the photo documents this sitting makes.
        calm_long: the device has been away so long that a way round it is offered.
        camera, reader: states of the two devices, as `edge.supervisor.DeviceState` values.
    """

    revision: int = 0
    sitting_id: str | None = None
    token: str = ""
    state: State = State.WELCOME
    overlay: Overlay | None = None
    language: str = "zh-CN"
    hint: str | None = None
    hold_share: float = 0.0
    portrait_preview: bool = False
    portrait_in: bool = False
    finger: FingerStep | None = None
    fingers_in: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    documents: tuple[str, ...] = ()
    calm_long: bool = False
    result: Result | None = None
    resumed: bool = False
    camera: str = "absent"
    reader: str = "absent"
    out_of_service: tuple[str, ...] = ()
