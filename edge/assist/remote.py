"""Help from afar: asked for by the help button, agreed to on the screen, ended by one touch.

The helper sees what the screen says and a small picture, never fingers, and can let the station say
a canned line, mark a button, let the portrait be looked for anew, or lead to the window. Nothing is
stored, recorded, consented to or overruled from afar.

Somebody watches as long as it lasts: a helper whose page is gone is gone from the screen as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from edge.assist.acts import ActBook
from edge.assist.offers import offers
from edge.capture import SittingDesk
from edge.sitting import NotNow, Snapshot
from edge.staff import Member
from edge.store.errors import StoreError

WORDS: Final = (
    "remote.word.hello", "remote.word.slowly", "remote.word.look_up", "remote.word.press_there",
    "remote.word.well", "remote.word.somebody_comes", "remote.word.to_window",
)  # fmt: skip
"""What the station can be let say: whole lines of the kiosk's catalogue, each with its voice."""
GONE_AFTER_S: Final = 10.0
NO_HOLDS_S: Final = 120.0
"""Whoever said no is not asked again at once; a call of her own is heard at once."""
LOOK_S: Final = 0.5
log = structlog.get_logger("assist")


class RemoteHelp:
    """Who helps from afar, at most one. Any thread may call it.

    Args:
        desk: the sitting's.
        book: of the audit rows.
        now_s: a clock that never jumps.
    """

    def __init__(
        self, desk: SittingDesk, book: ActBook, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._book = book
        self._now_s = now_s
        self._lock = threading.Lock()
        self._owner: Member | None = None
        self._renewed_at_s = float("-inf")
        self._withdrawn = False
        self._refused: tuple[int, float] | None = None
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def owner(self) -> str:
        """Staff id of who asks or helps now, "" if nobody does."""
        with self._lock:
            return self._owner.staff_id if self._owner else ""

    def ask(self, member: Member) -> None:
        """Ask the person. Raises `NotNow`: no call, her "no" still holds, or somebody helps."""
        with self._lock:
            if self._closing.is_set() or self._owner is not None:
                raise NotNow("somebody asks or helps already")
            call = self._desk.snapshot.help
            if call is None:
                raise NotNow("nobody has called for help")
            if self._no_holds(call.since_ms):
                raise NotNow("the person has just said no")
            self._desk.remote_ask(member.shown_as or member.staff_id, member.role)
            self._owner, self._renewed_at_s = member, self._now_s()
            self._withdrawn = False
            sitting_id = self._desk.snapshot.sitting_id or ""
            self._watcher = threading.Thread(
                target=self._watch,
                args=(member, sitting_id, call.since_ms),
                name="remote-help",
                daemon=True,
            )
            self._watcher.start()
        self._note(member, "remote.ask")

    @property
    def refused(self) -> bool:
        """Whether the person has just said no to this call, so that nobody asks again yet."""
        call = self._desk.snapshot.help
        with self._lock:
            return call is not None and self._no_holds(call.since_ms)

    def sees(self, member: Member) -> bool:
        """Whether the person agreed to this one's help, and it goes on."""
        remote = self._desk.snapshot.remote
        return remote is not None and remote.phase == "on" and self.owner == member.staff_id

    def renew(self, member: Member) -> None:
        """Say that the page of the helper is still there; of anybody else it counts for nothing."""
        with self._lock:
            if self._owner is not None and self._owner.staff_id == member.staff_id:
                self._renewed_at_s = self._now_s()

    def say(self, member: Member, line_id: str) -> None:
        """Let the station speak. Raises `NotNow`: no such line, or nobody agreed."""
        if line_id not in WORDS:
            raise NotNow("no such line")
        self._check(member)
        self._desk.remote_say(line_id)
        self._note(member, "remote.say", line=line_id)

    def point(self, member: Member, action: str) -> None:
        """Mark the place to touch, "" for none. Raises `NotNow`: no such place, no word given."""
        if action and action not in places(self._desk.snapshot):
            raise NotNow("nothing to touch there")
        self._check(member)
        self._desk.remote_point(action)
        self._note(member, "remote.point", place=action)

    def retry(self, member: Member) -> None:
        """Let the portrait be looked for anew. Raises `NotNow`."""
        self._check(member)
        self._desk.remote_retry()
        self._note(member, "remote.retry")

    def to_window(self, member: Member) -> None:
        """End the sitting at the window. Raises `NotNow`, `IllegalMove`, `StaleToken`."""
        self._check(member)
        shown = self._desk.snapshot
        self._desk.lead_to_window(shown.token, member.staff_id)
        self._book.note(member, "remote.to_window", sitting_id=shown.sitting_id or "")
        self._desk.remote_end()

    def end(self, member: Member) -> None:
        """Look away; harmless for whoever does not look."""
        if self.owner == member.staff_id:
            self._withdrawn = True
            self._desk.remote_end()

    def close(self) -> None:
        """End what goes on, and its watcher. Twice is allowed."""
        self._closing.set()
        with self._lock:
            watcher = self._watcher
        if watcher is not None:
            watcher.join()

    def _check(self, member: Member) -> None:
        if not self.sees(member):
            raise NotNow("the person has not agreed")

    def _no_holds(self, call_ms: int) -> bool:
        if self._refused is None:
            return False
        refused_ms, at_s = self._refused
        return refused_ms == call_ms and self._now_s() - at_s < NO_HOLDS_S

    def _watch(self, member: Member, sitting_id: str, call_ms: int) -> None:
        """Follow one help from the question to its end, and note both."""
        try:
            begun, outcome = self._follow(member, sitting_id)
            self._desk.remote_end()
            if not begun and outcome == "ended" and not self._withdrawn:
                with self._lock:
                    self._refused = (call_ms, self._now_s())
            outcome = outcome if begun else f"not_agreed_{outcome}"
            self._book.note(member, "remote.end", outcome, sitting_id=sitting_id)
        except (StoreError, TimeoutError) as error:
            # The station is ending or its store is: both say so themselves, louder.
            log.warning("remote_not_noted", error=type(error).__name__)
        finally:
            with self._lock:
                self._owner = None

    def _follow(self, member: Member, sitting_id: str) -> tuple[bool, str]:
        """Return whether it was agreed to and how it ended."""
        begun, revision = False, -1
        while not self._closing.is_set():
            shown = self._desk.wait(revision, LOOK_S)
            revision = shown.revision
            if shown.remote is None:
                break
            if shown.remote.phase == "on" and not begun:
                begun = True
                self._book.note(member, "remote.on", sitting_id=sitting_id)
            with self._lock:
                gone = self._now_s() - self._renewed_at_s > GONE_AFTER_S
            if gone:
                return begun, "gone"
        return begun, "ended"

    def _note(self, member: Member, act: str, **about: str) -> None:
        about["sitting_id"] = self._desk.snapshot.sitting_id or ""
        self._book.note(member, act, **about)


def places(shown: Snapshot) -> tuple[str, ...]:
    """Return the actions of buttons on this screen that may be marked.

    Nobody far away leads a finger to somebody's own word, nor to a rating.
    """
    return tuple(event.value for event in offers(shown, "volunteer").moves)
