"""What a page needs to draw the present screen: immutable values, nothing that acts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from edge.states import Result, State


class Overlay(Enum):
    """What lies over the screen for a while. The value is part of the page's id."""

    CALM = "calm"
    """A device that this step needs is recovering: the station's fault, never the person's."""
    HELP = "help"
    REST = "rest"
    IDLE = "idle"
    """Nobody has been near the welcome screen for a while: a card of the content pack is shown."""
    STILL_THERE = "still-there"
    """Nobody was seen, felt or heard of for a while: is somebody there?"""
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
    """What the package will lack, and why.

    Attributes:
        what: "portrait", "finger:<position>" or "material:<code>".
        reason: a code.
        due: civil date until which it is waited for, "" if none was set.
        confirmed_by: staff id of who accepted it so, "" if nobody had to.
    """

    what: str
    reason: str
    due: str = ""
    confirmed_by: str = ""


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
class NameView:
    """How a screen may ask who is there; both "" where the order names nobody."""

    surname: str
    honorific: str


@dataclass(frozen=True, slots=True)
class MaterialStep:
    """The paper that is asked for now.

    Attributes:
        code: of the content pack ("household_register").
        number: 1 for the first.
        total: how many the order lists.
    """

    code: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class HelpView:
    """A call for staff that nobody has ended yet.

    Attributes:
        since_ms: UTC of the call.
        again: how often it was raised again because nobody had answered.
        answered_by: staff id of the attendant who comes, "" while nobody has answered.
        minutes: whole minutes since the call.
    """

    since_ms: int
    again: int = 0
    answered_by: str = ""
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class RemoteView:
    """Somebody far away who asks to see this screen, or sees it.

    Attributes:
        name, role: of that person, as the banner says them.
        phase: "asked" until the person at the station has agreed, then "on".
        say: catalogue id of the line that was spoken last from there, "" for none.
        say_number: grows with every line, so that the same one can be said twice.
        point: action of the button that is pointed at, "" for none.
    """

    name: str
    role: str
    phase: Literal["asked", "on"] = "asked"
    say: str = ""
    say_number: int = 0
    point: str = ""


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What suits the person, as the order says; None: nothing is said."""

    text_scale: float | None = None
    voice: bool | None = None
    contrast: bool | None = None
    seated: bool | None = None
    language: str | None = None


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
        can_start: a sitting may begin without a number: `START` and `START_AS_RELATIVE`.
        number_unknown: no order waits under the number that was given; staff were called.
        number_closed: so many numbers were unknown that only staff lead on.
        name: whose order was found; gone with the consent.
        who: "applicant", or "proxy" where a relative acts for her.
        letter: "again" where the letter could not be photographed, else "".
        fingers_asked: fingers are wanted at all, so that the photo alone may be agreed to.
        material: the paper that is asked for now.
        day_number: of the person's slip, for the receipt; "" where the order has none.
        card: id of the content pack's card that is shown in `Overlay.IDLE`.
        help: the call for staff that stands, also while its screen has been left.
        assisted_by: staff id of the attendant who acts for the person, "" if nobody does.
        remote: somebody far away who asks to help, or helps.
        preferences: what suits the person; the look that she chose herself comes before it.
        shutter_refused: the photo that was taken by hand could not be used: catalogue code of why.
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
    can_start: bool = True
    number_unknown: bool = False
    number_closed: bool = False
    name: NameView | None = None
    who: Literal["applicant", "proxy"] = "applicant"
    letter: str = ""
    fingers_asked: bool = True
    material: MaterialStep | None = None
    card: str = ""
    day_number: str = ""
    help: HelpView | None = None
    assisted_by: str = ""
    remote: RemoteView | None = None
    preferences: PreferencesView = PreferencesView()
    shutter_refused: str | None = None


def mark_of(shown: Snapshot) -> str:
    """Name what is asked, so that what was meant for one finger or paper never answers the next."""
    if shown.state is State.FINGER and shown.finger:
        return f"{shown.state.value}:{shown.finger.position}"
    if shown.state is State.MATERIALS and shown.material:
        return f"{shown.state.value}:{shown.material.code}"
    return shown.state.value
