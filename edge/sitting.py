"""One person's visit: its states, its events and the one table of moves. No I/O and no clock.

A *state* is what the station waits for. What lies over the screen for a while (help, rest, a device
that recovers) is an *overlay*: it never moves the state, so nothing is lost when it goes away.
`docs/sitting.md` holds the diagram that is drawn from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

LANGUAGES: Final = ("zh-CN", "en")
"""That the pages speak."""


class State(Enum):
    """What the station waits for. The value is the screen's id (`data-screen` on the page)."""

    WELCOME = "welcome"
    CONSENT = "consent"
    REUSE = "reuse"
    REUSE_CHECK = "reuse-check"
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
    AGREE_TO_OFFER = "agree-to-offer"
    """The loop makes it in place of `AGREE` where an earlier photo can be offered."""
    DECLINE = "decline"
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
    WITHDRAWN = "withdrawn"
    """The centre took its order back before any sample was accepted: staff explain."""
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
        Event.AGREE_TO_OFFER: State.REUSE,
        Event.DECLINE: State.RESULT,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.REUSE: {
        Event.REUSE_CHOSEN: State.REUSE_CHECK,
        Event.REUSE_DECLINED: State.PORTRAIT,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    # A photo that is taken over replaces a new one and nothing else: the fingers are still asked.
    State.REUSE_CHECK: {
        Event.REUSE_AGREED: State.FINGER,
        Event.REUSE_REFUSED: State.PORTRAIT,
        Event.REUSE_DECLINED: State.PORTRAIT,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.PORTRAIT: {
        Event.PORTRAIT_TAKEN: State.PORTRAIT_OK,
        Event.PORTRAIT_GIVEN_UP: State.FINGER,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.PORTRAIT_OK: {
        Event.PORTRAIT_KEPT: State.FINGER,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.FINGER: {
        Event.FINGER_SETTLED: State.FINGER,
        Event.FINGER_SKIPPED: State.FINGER,
        Event.HAND_SKIPPED: State.FINGER,
        Event.FINGERS_REFUSED: State.REVIEW,
        Event.FINGERS_SETTLED: State.REVIEW,
        Event.EXCEPTION_CONFIRMED: State.FINGER,
        Event.WITHDRAWN: State.RESULT,
        Event.NOT_STORED: State.RESULT,
        Event.LEAVE: State.WELCOME,
    },
    State.REVIEW: {
        Event.HAND_IN: State.CLOSING,
        Event.PORTRAIT_AGAIN: State.PORTRAIT,
        Event.EXCEPTION_CONFIRMED: State.REVIEW,
        Event.WITHDRAWN: State.RESULT,
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
        hint: catalogue code of what to do now, None before the first press.
        fallback_of: the position that this finger stands in for, None if it was asked for itself.
        refusable: "no more fingers" may be offered.
    """

    position: str
    presentation: int
    phase: FingerPhase
    share: float = 0.0
    hint: str | None = None
    fallback_of: str | None = None
    refusable: bool = True


@dataclass(frozen=True, slots=True)
class FingerExceptionView:
    """A finger that was asked for and is not given, as far as it is settled.

    Attributes:
        position: as in `FingerStep`.
        result: "02" failed, "03" not taken.
        reason: "amputated", "bandaged", "injured", "worn", "dry" or "other"; "" where nobody has
            said, and for a refusal for good: it is recorded without a reason.
        permanence: "permanent" or "temporary"; "" until somebody has said.
        confirmed: nothing is left to sign: an attendant did, or the person refused, whose own word
            it is.
        wanted: the centre lacks this finger; not so where another one stands in for it, or where
            it was itself only to stand in.
    """

    position: str
    result: str
    reason: str
    permanence: str
    confirmed: bool
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """What the package will lack, and why: "portrait" or "finger:<position>"."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReuseView:
    """The earlier photo that may be taken over, and how far its check has come.

    Stands from `State.REUSE` on; in `State.PORTRAIT` only after a refusal, to say `refused`.

    Attributes:
        source: where the photo comes from, in the policy's words ("exit_entry", "resident_id").
        year: of the photo's date, so that the person can recall it.
        live_ready: the one live look is there; it and the earlier photo can be fetched.
        needs_staff: an attendant is asked to look at both pictures and to sign.
        checks: measures that the earlier photo does not pass today; for the attendant only.
        refused: "new_one" after a refusal: a new photo is taken, without a reason; else "".
        staff_wait_s: how long the next PIN must wait, as it was when this was shown.
    """

    source: str
    year: int
    live_ready: bool = False
    needs_staff: bool = False
    checks: tuple[str, ...] = ()
    refused: str = ""
    staff_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a page needs to draw the screen, immutable; a new one for every change.

    Attributes:
        revision: grows with each snapshot; pages ask for what is newer.
        token: random for each sitting; whoever asks for a sample's picture must show it.
        hint: catalogue code of the one thing to do now ("portrait.turn_left"), None if all is well.
        speak: catalogue code of the line that was begun last, None before the first.
        speak_number: grows with every line, so that a page that comes late says none twice.
        hold_share: how far the automatic capture has come, 0..1.
        portrait_preview: a captured portrait can be fetched with the token.
        portrait_in: the portrait is sealed and committed.
        documents: ids of the photo documents this sitting makes.
        finger_exceptions: fingers that were asked for and are not given, in the order of asking.
        attendant_called: so many presses were made that the attendant was called without anybody
            touching the help button; says so once, over nothing.
        reuse: the earlier photo that may be taken over, None without an offer.
        stuck: the automatic capture does not come to an end here; staff may take the photo.
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
    speak: str | None = None
    speak_number: int = 0
    hold_share: float = 0.0
    portrait_preview: bool = False
    portrait_in: bool = False
    finger: FingerStep | None = None
    fingers_in: tuple[str, ...] = ()
    finger_exceptions: tuple[FingerExceptionView, ...] = ()
    attendant_called: bool = False
    missing: tuple[Missing, ...] = ()
    documents: tuple[str, ...] = ()
    reuse: ReuseView | None = None
    stuck: bool = False
    calm_long: bool = False
    result: Result | None = None
    resumed: bool = False
    camera: str = "absent"
    reader: str = "absent"
    out_of_service: tuple[str, ...] = ()
