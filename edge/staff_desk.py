"""What staff ask of the sitting: act for the person, help from afar, see to what was left.

Who they are and what they may do is checked before (`edge.staff`); here a staff id is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from edge.desk_requests import Requests
from edge.fingers.exceptions import SignedReason
from edge.left import LeftSitting
from edge.override import OverrideReason
from edge.sitting import Event, Snapshot
from edge.sitting_loop import SittingLoop

_CODE: Final = re.compile(r"[a-z][a-z_]{0,31}")
_ROLES: Final = frozenset({"guide", "volunteer", "companion"})


class StaffDesk:
    """The staff's side of a desk. All methods may be called from any thread.

    Every method that changes something raises `NotNow` where the sitting does not allow it, and
    `TimeoutError` where the loop did not come to it in time; nothing happened then.
    """

    _loop: SittingLoop
    _requests: Requests[Snapshot]

    def take_over(self, staff_id: str, reason: str, role: str = "guide") -> Snapshot:
        """Act for the person from now on; the banner says so, and every sample carries it.

        Args:
            staff_id: who.
            reason: a code of why ("sight", "hands", "asked").
            role: "guide", "volunteer" or "companion".

        Raises:
            ValueError: a reason or a role is a code of lower-case letters and underscores.
            NotNow: nobody is served, or another one acts for the person.
        """
        if not _CODE.fullmatch(reason) or role not in _ROLES:
            raise ValueError("a reason and a role are codes that the station knows")
        return self._requests.ask(lambda: self._loop.staff.take_over(staff_id, reason, role))

    def give_back(self) -> Snapshot:
        """Let the person go on herself, where she is; harmless if nobody acts for her."""
        return self._requests.ask(self._loop.staff.give_back)

    def act_for(
        self,
        event: Event,
        token: str,
        staff_id: str,
        still: Callable[[Snapshot], bool] | None = None,
    ) -> Snapshot:
        """Make a move for the person, or lead her to the window.

        Consent stays the person's own: she says it, the attendant is its witness.

        Args:
            event: one of `FROM_THE_PERSON`, or `LED_TO_WINDOW`.
            token: of the sitting.
            staff_id: who took over.
            still: as for `ask`.

        Raises:
            NotNow: this staff id did not take over.
            IllegalMove, StaleToken: as `ask` does.
        """
        return self._requests.ask(lambda: self._loop.act_for(event, token, staff_id, still))

    def lead_to_window(self, token: str, staff_id: str) -> Snapshot:
        """End the sitting at the window; what was accepted stays for an attendant.

        Raises:
            IllegalMove, StaleToken: as `ask` does.
        """
        return self._requests.ask(lambda: self._loop.lead_to_window(token, staff_id))

    def same_person_for(self, token: str, staff_id: str, same: bool) -> Snapshot:
        """Take the word of an attendant who signed in: both pictures show the same person, or not.

        Raises:
            IllegalMove, StaleToken: as `SittingDesk.sign_same_person` does.
        """
        return self._requests.ask(lambda: self._loop.sign(token, staff_id, same))

    def shutter_for(self, token: str, staff_id: str, reason: OverrideReason) -> Snapshot:
        """Take the portrait now, for an attendant who signed in.

        Raises:
            IllegalMove, StaleToken: as `SittingDesk.manual_shutter` does.
        """
        return self._requests.ask(lambda: self._loop.shutter(token, staff_id, reason))

    def exception_for(self, token: str, position: str, signed: SignedReason) -> Snapshot:
        """Take the word of an attendant who signed in for why a finger is not given.

        Raises:
            IllegalMove, StaleToken: as `SittingDesk.confirm_exception` does.
        """
        return self._requests.ask(lambda: self._loop.sign_exception(token, position, signed))

    def remote_ask(self, name: str, role: str) -> Snapshot:
        """Ask the person whether somebody far away may see the screen.

        Args:
            name: how the banner calls who asks.
            role: the same of the role.

        Raises:
            NotNow: the station does not allow it, nobody is served, or somebody helps already.
        """
        return self._requests.ask(lambda: self._loop.staff.remote_ask(name, role))

    def remote_say(self, line_id: str) -> Snapshot:
        """Let the station speak a line of the catalogue. Raises `NotNow`: the person said no."""
        return self._requests.ask(lambda: self._loop.staff.remote_say(line_id))

    def remote_point(self, action: str) -> Snapshot:
        """Point at the button of this action, "" at none. Raises `NotNow`."""
        return self._requests.ask(lambda: self._loop.staff.remote_point(action))

    def remote_retry(self) -> Snapshot:
        """Let the search for the portrait begin anew. Raises `NotNow`."""
        return self._requests.ask(self._loop.staff.remote_retry)

    def remote_end(self) -> Snapshot:
        """Look away; harmless if nobody looks."""
        return self._requests.ask(self._loop.staff.remote_end)

    def left(self) -> tuple[LeftSitting, ...]:
        """Return the sittings that somebody left after agreeing, oldest first."""
        return self._loop.left.all()

    def resume_left(self, sitting_id: str, staff_id: str) -> Snapshot:
        """Go on with a sitting that was left, where it was; its person is here again.

        Raises:
            NotNow: somebody is served, or no such sitting was left.
        """
        return self._requests.ask(lambda: self._loop.resume_left(sitting_id, staff_id))

    def close_left(self, sitting_id: str, staff_id: str) -> Snapshot:
        """Hand in what was accepted, as accepted with something missing. Raises `NotNow`."""
        return self._requests.ask(lambda: self._loop.left.close(sitting_id, staff_id))

    def delete_left(self, sitting_id: str, staff_id: str) -> Snapshot:
        """Delete what was accepted. Raises `NotNow`."""
        return self._requests.ask(lambda: self._loop.left.delete(sitting_id, staff_id))
