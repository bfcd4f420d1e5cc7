"""The sitting as the console asks for it: every act through the desk, each with its audit row.

Who signed in, and with which role, is believed here; the console asked for the PIN. The row is
written after the act, with the store's last reserve: an act that did not happen is not noted.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from edge.assist.acts import ActBook
from edge.assist.offers import may_close
from edge.capture import SittingDesk
from edge.fingers.exceptions import ExceptionReason, Permanence, SignedReason
from edge.left import LeftSitting
from edge.override import OverrideReason
from edge.sitting import Event, NotNow, Snapshot, State, mark_of
from edge.staff import Member

FINGERS_MAX: Final = 12
"""More than anybody has: closing never goes round for ever."""


class AssistDesk:
    """One station's sitting, for staff beside the person. Any thread may call it.

    All acts raise `IllegalMove`, `StaleToken` or `NotNow` where the sitting does not allow it, and
    `TimeoutError` where it did not come to it in time; nothing happened then.
    """

    def __init__(self, desk: SittingDesk, book: ActBook) -> None:
        self._desk = desk
        self._book = book

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""
        return self._desk.snapshot

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the present screen, as soon as it is newer or time is up."""
        return self._desk.wait(after_revision, timeout_s)

    def begin(self, member: Member, slip_code: str) -> None:
        """Begin the sitting of this day's number, and act for its person from there on.

        Raises:
            NotNow: the number was not to be had.
        """
        shown = self._desk.give_number(self.snapshot.token, slip_code, member.staff_id)
        if shown.sitting_id is None:
            raise NotNow("the number was not to be had")
        self._note(member, "guide.begin")
        self.take_over(member, "asked")

    def take_over(self, member: Member, reason: str) -> None:
        """Act for whoever is here from now on. Raises `NotNow`: nobody is, or another one does."""
        self._desk.take_over(member.staff_id, reason, member.role)
        self._note(member, "guide.take_over", reason=reason)

    def give_back(self, member: Member) -> None:
        """Let the person go on herself, where she is. Raises `NotNow`: another one acts for her."""
        if self.snapshot.assisted_by != member.staff_id:
            raise NotNow("another one acts for the person")
        about = self._about()
        self._desk.give_back()
        self._book.note(member, "guide.give_back", **about)

    def move(self, member: Member, event: Event, token: str, mark: str) -> None:
        """Make one move for the person, if the screen is still the one that was seen."""
        about = {**self._about(), "move": event.value}

        def still(shown: Snapshot) -> bool:
            return mark_of(shown) == mark

        self._desk.act_for(event, token, member.staff_id, still)
        self._book.note(member, "guide.move", **about)

    def shutter(self, member: Member, token: str, reason: str) -> None:
        """Take the portrait now: soft measures that fail are waived, the hard ones never.

        Raises:
            ValueError: no such reason of `edge.override.OverrideReason`.
        """
        why = OverrideReason(reason)
        self._check(member)
        self._desk.shutter_for(token, member.staff_id, why)
        self._note(member, "guide.shutter", reason=reason)

    def exception(
        self, member: Member, token: str, position: str, reason: str, until: tuple[str, str | None]
    ) -> None:
        """Sign why a finger is not given.

        Args:
            member: who signs.
            token: of the sitting.
            position: of the finger.
            reason: a value of `edge.fingers.exceptions.ExceptionReason`.
            until: a value of `Permanence`, and the civil day to come again, None for none.

        Raises:
            ValueError: no such reason, permanence or day.
        """
        permanence, day = until
        if day is not None and date.fromisoformat(day) < date.today():
            raise ValueError("nobody comes back on a day that is over")
        signed = SignedReason(
            member.staff_id, ExceptionReason(reason), Permanence(permanence), day
        )  # fmt: skip
        self._check(member)
        self._desk.exception_for(token, position, signed)
        self._note(member, "guide.exception", position=position, reason=reason)

    def same_person(self, member: Member, token: str, same: bool) -> None:
        """Sign that both pictures show the same person, or that they do not."""
        self._check(member)
        self._desk.same_person_for(token, member.staff_id, same)
        self._note(member, "guide.same_person", answer="same" if same else "other")

    def close_missing(self, member: Member, token: str) -> None:
        """Close the sitting with what is there: each finger that lacks is signed as not taken.

        Raises:
            NotNow: nothing was accepted yet, or it is too late.
        """
        about = self._about()
        self._check(member)
        if not may_close(self.snapshot):
            raise NotNow("there is nothing to close with")
        if self.snapshot.state is State.PORTRAIT:
            self._desk.act_for(Event.PORTRAIT_GIVEN_UP, token, member.staff_id)
        for _ in range(FINGERS_MAX):
            shown = self.snapshot
            if shown.state is not State.FINGER or shown.finger is None:
                break
            not_today = SignedReason(
                member.staff_id, ExceptionReason.OTHER, Permanence.TEMPORARY, None
            )  # fmt: skip
            self._desk.exception_for(token, shown.finger.position, not_today)
        self._desk.act_for(Event.HAND_IN, token, member.staff_id)
        self._book.note(member, "guide.close_missing", **about)

    def to_window(self, member: Member, token: str) -> None:
        """Go on with the person at the window; what was accepted stays for staff."""
        about = self._about()
        self._check(member)
        self._desk.lead_to_window(token, member.staff_id)
        self._book.note(member, "guide.to_window", **about)

    def left(self) -> tuple[LeftSitting, ...]:
        """Return the sittings that were left and wait for staff, oldest first."""
        return self._desk.left()

    def resume_left(self, member: Member, sitting_id: str) -> None:
        """Go on with a sitting that was left. Raises `NotNow`: somebody is in one."""
        self._desk.resume_left(sitting_id, member.staff_id)
        self._book.note(member, "guide.left_resume", sitting_id=sitting_id)

    def close_left(self, member: Member, sitting_id: str) -> None:
        """Close a sitting that was left, as accepted with something missing."""
        self._desk.close_left(sitting_id, member.staff_id)
        self._book.note(member, "guide.left_close", sitting_id=sitting_id)

    def delete_left(self, member: Member, sitting_id: str) -> None:
        """Delete what was left of a sitting, for ever."""
        self._desk.delete_left(sitting_id, member.staff_id)
        self._book.note(member, "guide.left_delete", sitting_id=sitting_id)

    def _check(self, member: Member) -> None:
        if self.snapshot.assisted_by != member.staff_id:
            raise NotNow("this staff id did not take over")

    def _about(self) -> dict[str, str]:
        return {"sitting_id": self.snapshot.sitting_id or ""}

    def _note(self, member: Member, act: str, **about: str) -> None:
        self._book.note(member, act, **{**self._about(), **about})
