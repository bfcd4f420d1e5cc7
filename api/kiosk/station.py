"""What the kiosk pages need of the station, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.service.content import Content
from edge.sitting import Event, Snapshot


class Preview(Protocol):
    """One camera frame as JPEG, unmirrored."""

    @property
    def jpeg(self) -> bytes:
        """Encoded once, shared by all viewers."""

    @property
    def sequence(self) -> int:
        """Grows with every frame."""

    @property
    def captured_at_s(self) -> float:
        """`time.monotonic` when the sensor delivered it."""


class Previews(Protocol):
    """The camera's newest frame; `edge.camera_owner.CameraOwner` is one."""

    def wait_preview(self, after: int, timeout_s: float) -> Preview | None:
        """Return a frame with a sequence above `after`, or None if none came in time."""


class Desk(Protocol):
    """Who runs the sitting; `edge.capture.SittingDesk` is one."""

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the present screen, as soon as it is newer or time is up."""

    def ask(
        self, event: Event, token: str = "", still: Callable[[Snapshot], bool] | None = None
    ) -> Snapshot:
        """Make a move if the screen is `still` the one that the person saw.

        Raises:
            IllegalMove: the table names no such move now.
            StaleToken: another sitting's token, or `still` said no.
            TimeoutError: nobody came to it in time.
        """

    def set_language(self, language: str) -> Snapshot:
        """Speak another language from now on."""

    def call_help(self, wanted: bool) -> Snapshot:
        """Put the help screen up, or take it away."""

    def rest(self, wanted: bool) -> Snapshot:
        """Stop every timer, or go on."""

    def give_number(self, token: str, digits: str) -> Snapshot:
        """Look for the order of a slip: its screen follows, or staff are called.

        Raises:
            IllegalMove, StaleToken, TimeoutError: as `ask` does.
        """

    def still_here(self) -> Snapshot:
        """Somebody is there: take the card or the question away, and wait on."""

    def remote_answer(self, agreed: bool) -> Snapshot:
        """Let somebody far away see this screen, or no more."""

    def note_look(self, token: str, scale: str, theme: str, voice: str) -> object:
        """Hear how this sitting is shown now; for whoever wants it so the next time."""

    def portrait_jpeg(self, token: str) -> bytes | None:
        """Return the portrait under review to whoever shows the sitting's token."""

    def earlier_photo_jpeg(self, token: str) -> bytes | None:
        """Return the earlier photo that may be taken over, while it is shown."""

    def live_look_jpeg(self, token: str) -> bytes | None:
        """Return the one live frame that the earlier photo is compared with, while it is shown."""

    def sign_same_person(self, token: str, staff_id: str, pin: str, same: bool) -> Snapshot:
        """Let an attendant sign what both pictures show.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            IllegalMove, StaleToken, TimeoutError: as `ask` does.
        """

    def manual_shutter(self, token: str, staff_id: str, pin: str, reason: str) -> Snapshot:
        """Let an attendant take the portrait now, for a reason of `edge.override`.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            IllegalMove, StaleToken, TimeoutError: as `ask` does.
        """

    def confirm_exception(  # noqa: PLR0917 - what an attendant says of one finger
        self,
        token: str,
        staff_id: str,
        pin: str,
        position: str,
        reason: str,
        permanence: str,
        come_back_on: str | None,
    ) -> Snapshot:
        """Let an attendant sign why a finger is not given, and until when.

        Raises:
            WrongPin: id and PIN do not fit, or a wait still runs.
            ValueError: no such finger is open, or no such reason.
            IllegalMove, StaleToken, TimeoutError: as `ask` does.
        """


@dataclass(frozen=True, slots=True)
class Voice:
    """How the pages speak.

    Attributes:
        volume: percent of what the loudspeaker is set to.
        dialect: locale of the pack that speaks zh-CN, "" for its own.
        packs: a folder of more packs, None for none.
    """

    volume: int = 80
    dialect: str = ""
    packs: Path | None = None


@dataclass(frozen=True, slots=True)
class KioskStation:
    """What stands behind the pages.

    Attributes:
        number: the station's id, as the footer shows it.
        hotline: telephone number of the footer, "" if there is none.
        screen_ppi: pixels per inch of the configured screen; all sizes come from it.
        content: what the packs that are in force today say.
        printer: the receipt can be printed here.
        voice: how loud the pages speak, and with which packs.
    """

    desk: Desk
    camera: Previews
    number: str
    hotline: str
    screen_ppi: float
    content: Callable[[], Content] = Content
    printer: bool = False
    voice: Voice = Voice()
