"""A desk that shows whatever snapshot a test puts up: pages are a pure function of snapshots."""

from __future__ import annotations

import functools
import io
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from PIL import Image, ImageDraw

from api.app import KIOSK_STREAMS, KioskStation, Listener, create_kiosk_app
from edge.screen import Picture, Screen
from edge.service.content import Content, read_pack
from edge.service.sealed_pack import SealedPack
from edge.sitting import (
    FROM_THE_PERSON,
    Event,
    FingerExceptionView,
    FingerPhase,
    FingerStep,
    HelpView,
    IllegalMove,
    MaterialStep,
    Missing,
    NameView,
    Overlay,
    RemoteView,
    Result,
    ReuseView,
    Snapshot,
    StaleToken,
    State,
    move,
)
from edge.staff import WrongPin

TOKEN = "t0ken-of-this-sitting"
SLIP = "480217"
"""The one slip that this desk knows."""

SITTING = Snapshot(sitting_id="0" * 32, token=TOKEN, camera="ready", reader="ready")


STAFF_ID, PIN = "1024", "271828"
"""Who signs at this desk."""


def scene(state: State, **changes: object) -> Snapshot:
    """Return a snapshot of a running sitting in this state."""
    return replace(SITTING, state=state, **changes)  # type: ignore[arg-type]


def finger(phase: FingerPhase, position: str = "right_thumb", **changes: object) -> Snapshot:
    """Return a snapshot in which this finger is asked for."""
    own = {name: changes.pop(name) for name in STEP if name in changes}
    step = replace(FingerStep(position, 1, phase), **own)  # type: ignore[arg-type]
    return scene(State.FINGER, finger=step, portrait_in=True, **changes)


STEP = ("presentation", "share", "hint", "fallback_of", "refusable")

TWO_THUMBS = ("right_thumb", "left_thumb")
MISSING = (Missing("portrait", "not_possible"), Missing("finger:left_thumb", "not_possible"))
MISSING_PAPERS = (
    Missing("finger:left_thumb", "not_possible", "2027-01-31", STAFF_ID),
    Missing("material:authorisation", "later", "2026-12-22"),
    Missing("material:household_register", "later", "2026-12-22"),
)
CHEN = NameView("陈", "先生")
OUYANG = NameView("欧阳", "女士")
CALLED = HelpView(0)
CALLED_AGAIN = HelpView(0, again=1, minutes=3)
COMING = HelpView(0, again=1, answered_by="1024", minutes=4)
ASKED = RemoteView("李老师", "guide")
WATCHING = RemoteView("李老师", "guide", "on")
POINTING = RemoteView(
    "欧阳老师", "remote", "on", say="remote.word.press_there", say_number=1, point="finger-skipped"
)

WORN = FingerExceptionView("right_thumb", "02", "worn", "", confirmed=False)
BANDAGED = FingerExceptionView("left_thumb", "03", "bandaged", "temporary", confirmed=True)
AMPUTATED = tuple(
    FingerExceptionView(f"right_{name}", "03", "amputated", "permanent", confirmed=True)
    for name in ("thumb", "index", "middle", "ring", "little")
)
NOT_FOR_ENROLMENT = tuple(
    Missing(f"finger:{position}", "reader_not_for_enrolment") for position in TWO_THUMBS
)

LONGEST = "portrait.take_off_hat"
"""The hint with the most to say."""

REUSE = ReuseView("exit_entry", 2023)
BOTH = replace(REUSE, live_ready=True)
CHECKS = ("HeadPoseRoll", "LuminanceMean", "BackgroundUniformity", "head_height", "FaceSharpness")
TO_SIGN = replace(BOTH, needs_staff=True, checks=CHECKS)

CARD = "safe_account"
"""A card of the demo's content pack."""

SCENES: dict[str, Snapshot] = {
    "welcome": Snapshot(camera="ready", reader="ready"),
    "welcome-number-only": Snapshot(camera="ready", reader="ready", can_start=False),
    "idle": Snapshot(camera="ready", reader="ready", overlay=Overlay.IDLE, card=CARD),
    "idle-plain": Snapshot(camera="ready", reader="ready", overlay=Overlay.IDLE),
    "number": Snapshot(camera="ready", reader="ready", state=State.NUMBER),
    "number-unknown": Snapshot(state=State.NUMBER, number_unknown=True),
    "number-closed": Snapshot(state=State.NUMBER, number_unknown=True, number_closed=True),
    "name": scene(State.NAME, name=CHEN),
    "name-long": scene(State.NAME, name=OUYANG),
    "proxy": scene(State.PROXY, name=CHEN, who="proxy"),
    "proxy-taking": scene(State.PROXY, who="proxy", letter="taking"),
    "proxy-again": scene(State.PROXY, who="proxy", letter="again"),
    "consent": scene(State.CONSENT),
    "consent-photo": scene(State.CONSENT, fingers_asked=False),
    "consent-proxy": scene(State.CONSENT, who="proxy"),
    "materials": scene(State.MATERIALS, material=MaterialStep("household_register", 1, 3)),
    "materials-one": scene(State.MATERIALS, material=MaterialStep("authorisation", 1, 1)),
    "materials-unknown": scene(State.MATERIALS, material=MaterialStep("never_heard_of", 2, 2)),
    "portrait-proxy": scene(State.PORTRAIT, who="proxy", hint="portrait.no_face"),
    "portrait-by-hand": scene(
        State.PORTRAIT, hint="portrait.hold_still", stuck=True, shutter_refused="portrait.open_eyes"
    ),
    "portrait-remote": scene(State.PORTRAIT, hint="portrait.chin_up", remote=WATCHING),
    "finger-pointed": finger(FingerPhase.PLACE, remote=POINTING),
    "consent-assisted": scene(State.CONSENT, assisted_by=STAFF_ID),
    "remote-asked": scene(State.PORTRAIT, remote=ASKED),
    "still-there": scene(State.CONSENT, overlay=Overlay.STILL_THERE),
    "help-new": scene(State.CONSENT, overlay=Overlay.HELP, help=CALLED),
    "help-again": scene(State.CONSENT, overlay=Overlay.HELP, help=CALLED_AGAIN),
    "help-coming": scene(State.PORTRAIT, overlay=Overlay.HELP, help=COMING, stuck=True),
    "calm-camera-long": scene(
        State.PORTRAIT, overlay=Overlay.CALM, calm_long=True, camera="absent"
    ),
    "portrait": scene(State.PORTRAIT, hint="portrait.straighten_head"),
    "reuse": scene(State.REUSE, reuse=REUSE),
    "reuse-look": scene(State.REUSE_CHECK, reuse=REUSE),
    "reuse-hint": scene(State.REUSE_CHECK, reuse=REUSE, hint="portrait.too_far"),
    "reuse-compare": scene(State.REUSE_CHECK, reuse=BOTH),
    "reuse-staff": scene(State.REUSE_CHECK, reuse=TO_SIGN),
    "portrait-refused": scene(
        State.PORTRAIT, hint="portrait.no_face", reuse=replace(REUSE, refused="new_one")
    ),
    "portrait-long": scene(State.PORTRAIT, hint=LONGEST),
    "portrait-stuck": scene(State.PORTRAIT, hint=LONGEST, stuck=True),
    "portrait-stuck-short": scene(State.PORTRAIT, hint="portrait.hold_still", stuck=True),
    "portrait-hold": scene(State.PORTRAIT, hold_share=0.6),
    "portrait-ok": scene(State.PORTRAIT_OK, portrait_preview=True),
    "finger-place": finger(FingerPhase.PLACE),
    "finger-reading": finger(FingerPhase.READING, "left_index", share=0.4),
    "finger-checking": finger(FingerPhase.CHECKING, share=1.0),
    "finger-retry": finger(FingerPhase.RETRY, hint="finger.dry"),
    "finger-resumed": finger(FingerPhase.PLACE, "left_thumb", resumed=True),
    "finger-confirm": finger(FingerPhase.RETRY, hint="finger.confirm", presentation=2),
    "finger-worn": finger(FingerPhase.RETRY, "left_ring", hint="finger.worn", presentation=5),
    "finger-instead": finger(
        FingerPhase.PLACE, "right_index", hint="finger.next_finger", fallback_of="right_thumb",
        finger_exceptions=(WORN,),
    ),
    "finger-called": finger(
        FingerPhase.RETRY, "left_little", hint="finger.moved", fallback_of="left_thumb",
        presentation=3, attendant_called=True, resumed=True, finger_exceptions=(WORN,),
    ),
    "review": scene(State.REVIEW, portrait_preview=True, portrait_in=True, fingers_in=TWO_THUMBS),
    "review-missing": scene(State.REVIEW, fingers_in=TWO_THUMBS[:1], missing=MISSING, resumed=True),
    "review-exceptions": scene(
        State.REVIEW, portrait_preview=True, portrait_in=True, fingers_in=("right_index",),
        finger_exceptions=(WORN, BANDAGED),
    ),
    "review-hand": scene(
        State.REVIEW, portrait_preview=True, portrait_in=True,
        fingers_in=("left_thumb", "left_index"), finger_exceptions=AMPUTATED,
    ),
    "review-elsewhere": scene(
        State.REVIEW, portrait_preview=True, portrait_in=True, missing=NOT_FOR_ENROLMENT
    ),
    "closing": scene(State.CLOSING),
    "result-accepted": scene(State.RESULT, result=Result.ACCEPTED, fingers_in=TWO_THUMBS),
    "result-missing": scene(
        State.RESULT, result=Result.ACCEPTED_WITH_MISSING, missing=MISSING,
        fingers_in=("right_index",),
    ),
    "result-papers": scene(
        State.RESULT, result=Result.ACCEPTED_WITH_MISSING, missing=MISSING_PAPERS,
        portrait_in=True, fingers_in=("right_thumb",),
    ),
    "rating": scene(State.RATING),
    "rating-reason": scene(State.RATING_REASON),
    "result-window": scene(State.RESULT, result=Result.TO_WINDOW),
    "result-cancelled": scene(State.RESULT, result=Result.CANCELLED),
    "calm": scene(State.PORTRAIT, overlay=Overlay.CALM, camera="absent"),
    "calm-long": finger(FingerPhase.PLACE, overlay=Overlay.CALM, calm_long=True, reader="absent"),
    "help-portrait": scene(State.PORTRAIT, overlay=Overlay.HELP, stuck=True),
    "help-exception": finger(
        FingerPhase.PLACE, "left_index", fallback_of="left_thumb", overlay=Overlay.HELP,
        finger_exceptions=(WORN,),
    ),
    "help": finger(FingerPhase.PLACE, overlay=Overlay.HELP),
    "rest": finger(FingerPhase.PLACE, overlay=Overlay.REST),
    "out-of-service": Snapshot(overlay=Overlay.OUT_OF_SERVICE, out_of_service=("camera",)),
    "charging": Snapshot(overlay=Overlay.OUT_OF_SERVICE, out_of_service=("battery_low",)),
    "checking": Snapshot(overlay=Overlay.OUT_OF_SERVICE, out_of_service=("field_check_due",)),
}  # fmt: skip


SHEETS: dict[str, tuple[str, str]] = {
    "sign": ("reuse-staff", "staff:sign"),
    "shutter": ("help-portrait", "staff:shutter"),
    "finger-more": ("finger-worn", "finger-more"),
    "exception": ("help", "staff:exception"),
    "exception-two": ("help-exception", "staff:exception"),
    "checklist-choose": ("welcome", "lists:choose:0"),
    "checklist": ("welcome", "lists:ordinary_passport:0"),
    "leave": ("finger-place", "ask-leave"),
}
"""What only a touch opens: the scene on which each is opened, and by which."""


@functools.cache
def demo_content() -> Content:
    """Return what the demo's packs say, as if the centre had signed them."""
    folder = Path(__file__).resolve().parents[2] / "firmware_configs" / "content"
    return Content().joined(_pack(one) for one in sorted(folder.iterdir()))


def _pack(folder: Path) -> Content:
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    number = tomllib.loads(files["pack.toml"].decode())["number"]
    return read_pack(SealedPack(folder.name, number, files, b""), date(2026, 12, 1))


@functools.cache
def drawn_person(width_px: int = 1280, height_px: int = 720) -> bytes:
    """Return a JPEG of a drawn head before a wall, darker on the picture's left side."""
    picture = Image.new("RGB", (width_px, height_px), (206, 212, 214))
    pen = ImageDraw.Draw(picture)
    middle, unit = width_px / 2, height_px / 10

    def around(half: float, top: float, bottom: float, x: float = 0.0) -> tuple[float, ...]:
        centre = middle + x * unit
        return (centre - half * unit, top * unit, centre + half * unit, bottom * unit)

    pen.rectangle((0, 0, width_px * 0.3, height_px), fill=(176, 186, 190))
    pen.ellipse(around(3.4, 6.6, 14), fill=(58, 74, 96))
    pen.rectangle(around(0.9, 5.4, 7.4), fill=(214, 172, 140))
    pen.ellipse(around(1.9, 1.6, 6.6), fill=(228, 188, 156))
    pen.chord(around(2, 1.2, 5.4), 180, 360, fill=(120, 116, 112))
    for x in (-0.8, 0.8):
        pen.ellipse(around(0.12, 3.88, 4.12, x), fill=(40, 32, 28))
    pen.arc(around(0.9, 4.8, 5.6), 20, 160, fill=(150, 84, 76), width=6)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=85)
    return target.getvalue()


@dataclass(frozen=True)
class Shot:
    """One preview as the camera's owner hands it out."""

    jpeg: bytes
    sequence: int
    captured_at_s: float


class Camera:
    """The camera's newest frame: a new one ten times a second while `live`."""

    def __init__(self) -> None:
        self.live = True
        self.jpeg = drawn_person()
        self._started_at_s = time.monotonic()
        self.asked = 0

    def wait_preview(self, after: int, timeout_s: float) -> Shot | None:
        """Return the frame of this tenth of a second."""
        self.asked += 1
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            sequence = int((time.monotonic() - self._started_at_s) * 10)
            if self.live and sequence > after:
                return Shot(self.jpeg, sequence, time.monotonic())
            time.sleep(0.02)
        return None


@dataclass
class Desk:
    """Implements the protocol with the real table of moves and the real screen."""

    first: Snapshot = SCENES["welcome"]
    asked: list[tuple[Event, str]] = field(default_factory=list)
    signed: list[tuple[str, str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    looks: list[tuple[str, str, str, str]] = field(default_factory=list)
    pin_wait_s: float = 0.0
    failure: Exception | None = None
    next_finger: str = "left_thumb"
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    before_ask: Callable[[], object] = field(default=lambda: None)

    def __post_init__(self) -> None:
        self.screen = Screen(self.first)

    def put(self, snapshot: Snapshot) -> None:
        """Show this; the revision goes on."""
        self.screen.wipe(snapshot)
        if snapshot.portrait_preview:
            self.screen.hold(Picture.PORTRAIT, drawn_person(354, 472))
        if snapshot.reuse:
            self.screen.hold(Picture.EARLIER, drawn_person(354, 472))
        if snapshot.reuse and snapshot.reuse.live_ready:
            self.screen.hold(Picture.LIVE_LOOK, drawn_person(960, 540))

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""
        if self.failure:
            raise self.failure
        return self.screen.snapshot

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """As the real desk does."""
        return self.screen.wait(after_revision, timeout_s)

    def ask(
        self, event: Event, token: str = "", still: Callable[[Snapshot], bool] | None = None
    ) -> Snapshot:
        """Make the table's move, one at a time; of its effects only that the next finger comes."""
        self.before_ask()
        with self.one_at_a_time:
            return self._make(event, token, still)

    def _make(self, event: Event, token: str, still: Callable[[Snapshot], bool] | None) -> Snapshot:
        shown = self.screen.snapshot
        if still and not still(shown):
            raise StaleToken
        if event not in FROM_THE_PERSON:
            raise IllegalMove(shown.state, event)
        if shown.token and token != shown.token:
            raise StaleToken
        state = move(shown.state, event)
        self.asked.append((event, token))
        self.screen.show(state=state, overlay=None, token="" if state is State.WELCOME else TOKEN)
        if event is Event.FINGER_SKIPPED and shown.finger:
            self.screen.show(finger=replace(shown.finger, position=self.next_finger))
        return self.screen.snapshot

    def set_language(self, language: str) -> Snapshot:
        """Speak another language."""
        self.screen.show(language=language)
        return self.screen.snapshot

    def call_help(self, wanted: bool) -> Snapshot:
        """Put the help screen up, or take it away."""
        self.screen.show(overlay=Overlay.HELP if wanted else None)
        return self.screen.snapshot

    def rest(self, wanted: bool) -> Snapshot:
        """Stop, or go on."""
        self.screen.show(overlay=Overlay.REST if wanted else None)
        return self.screen.snapshot

    def give_number(self, token: str, digits: str) -> Snapshot:
        """Know one slip; staff look into every other."""
        shown = self.screen.snapshot
        if token != shown.token:
            raise StaleToken
        known = digits == SLIP
        state = move(shown.state, Event.ORDER_FOUND if known else Event.NUMBER_UNKNOWN)
        self.given.append(digits)
        self.screen.show(
            state=state, overlay=None, token=TOKEN if known else "", number_unknown=not known,
            name=CHEN if known else None,
        )  # fmt: skip
        return self.screen.snapshot

    def still_here(self) -> Snapshot:
        """Take the card or the question away."""
        if self.screen.snapshot.overlay in (Overlay.IDLE, Overlay.STILL_THERE):
            self.screen.show(overlay=None)
        return self.screen.snapshot

    def remote_answer(self, agreed: bool) -> Snapshot:
        """Let somebody far away see this screen, or no more."""
        remote = self.screen.snapshot.remote
        self.screen.show(remote=replace(remote, phase="on") if remote and agreed else None)
        return self.screen.snapshot

    def note_look(self, token: str, scale: str, theme: str, voice: str) -> None:
        """Remember how it was shown."""
        self.looks.append((token, scale, theme, voice))

    def portrait_jpeg(self, token: str) -> bytes | None:
        """As the real desk does."""
        return self.screen.jpeg(Picture.PORTRAIT, token)

    def earlier_photo_jpeg(self, token: str) -> bytes | None:
        """As the real desk does."""
        return self.screen.jpeg(Picture.EARLIER, token)

    def live_look_jpeg(self, token: str) -> bytes | None:
        """As the real desk does."""
        return self.screen.jpeg(Picture.LIVE_LOOK, token)

    def sign_same_person(self, token: str, staff_id: str, pin: str, same: bool) -> Snapshot:
        """Take the one attendant's word, and move as the table says."""
        self._check(staff_id, pin)
        event = Event.REUSE_AGREED if same else Event.REUSE_REFUSED
        state = move(self.screen.snapshot.state, event)
        self.signed.append((event.value, staff_id))
        self.screen.show(state=state, reuse=None if same else replace(REUSE, refused="new_one"))
        return self.screen.snapshot

    def manual_shutter(self, token: str, staff_id: str, pin: str, reason: str) -> Snapshot:
        """Take the portrait for the one attendant."""
        self._check(staff_id, pin)
        state = move(self.screen.snapshot.state, Event.PORTRAIT_TAKEN)
        self.signed.append((reason, staff_id))
        self.screen.show(state=state)
        return self.screen.snapshot

    def confirm_exception(  # noqa: PLR0917 - as the real desk
        self, token: str, staff_id: str, pin: str, position: str, reason: str, permanence: str,
        come_back_on: str | None,
    ) -> Snapshot:  # fmt: skip
        """Take the one attendant's word for one finger; of the one asked for, go on to the next."""
        self._check(staff_id, pin)
        shown = self.screen.snapshot
        move(shown.state, Event.EXCEPTION_CONFIRMED)
        self.signed.append((f"{position} {reason} {permanence} {come_back_on}", staff_id))
        signed = FingerExceptionView(position, "03", reason, permanence, confirmed=True)
        others = tuple(row for row in shown.finger_exceptions if row.position != position)
        self.screen.show(finger_exceptions=(*others, signed))
        if shown.finger and shown.finger.position == position:
            self.screen.show(finger=replace(shown.finger, position=self.next_finger))
        return self.screen.snapshot

    def _check(self, staff_id: str, pin: str) -> None:
        if (staff_id, pin) != (STAFF_ID, PIN):
            raise WrongPin(self.pin_wait_s)


@contextmanager
def served(desk: Desk, camera: Camera, screen_ppi: float = 102.46) -> Iterator[Listener]:
    """Serve the kiosk's pages on a free port."""
    closing = threading.Event()
    station = KioskStation(desk, camera, "demo-01", "12345", screen_ppi, demo_content, printer=True)
    app = create_kiosk_app(station, closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    try:
        yield listener
    finally:
        listener.close()
