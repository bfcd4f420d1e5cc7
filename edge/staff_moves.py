"""Staff in a sitting: who acts for the person, and who helps from afar. On the sitting's thread.

Nothing here moves the sitting; what is recorded of it goes into the visit's record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog

from edge.moves import Moves
from edge.room import Room
from edge.screen import Screen
from edge.sitting import NotNow, RemoteView, State

_HANDED_IN: Final = frozenset({State.CLOSING, State.RESULT, State.RATING, State.RATING_REASON})

log = structlog.get_logger("sitting")


class StaffMoves:
    """What staff do to the present sitting beside its moves."""

    def __init__(self, room: Room, screen: Screen, moves: Moves) -> None:
        self._room = room
        self._screen = screen
        self._moves = moves

    def take_over(self, staff_id: str, reason: str, role: str) -> None:
        """Act for the person from now on. Raises `NotNow`."""
        visit, shown = self._moves.visit, self._screen.snapshot
        if visit is None or shown.state in _HANDED_IN:
            raise NotNow("nobody is served")
        if shown.assisted_by not in {"", staff_id}:
            raise NotNow("another one acts for the person")
        visit.record.assist(staff_id, reason, role)
        self._screen.show(assisted_by=staff_id)
        log.info("taken_over", sitting=self._moves.sitting_id, reason=reason)

    def give_back(self) -> None:
        """Let the person go on herself."""
        if self._moves.visit is not None and self._screen.snapshot.assisted_by:
            self._moves.visit.record.assist_no_more()
        self._screen.show(assisted_by="")

    def check_acts(self, staff_id: str) -> None:
        """Raise `NotNow` unless this attendant took over."""
        if not staff_id or self._screen.snapshot.assisted_by != staff_id:
            raise NotNow("this staff id did not take over")

    def remote_ask(self, name: str, role: str) -> None:
        """Ask whether somebody far away may see the screen. Raises `NotNow`."""
        shown = self._screen.snapshot
        served = self._moves.visit is not None and shown.state not in _HANDED_IN
        if not self._room.service.remote or not served or shown.remote is not None:
            raise NotNow("nobody from afar may help now")
        self._screen.show(remote=RemoteView(name, role))
        log.info("remote_asked", sitting=self._moves.sitting_id)

    def remote_answer(self, agreed: bool) -> None:
        """Take the person's word; no word ends it as well."""
        remote = self._screen.snapshot.remote
        if remote is None or not agreed:
            self.remote_end()
            return
        if remote.phase == "asked":
            if self._moves.visit is not None:
                self._moves.visit.record.note_remote(remote.role)
            self._screen.show(remote=replace(remote, phase="on"))
            log.info("remote_on", sitting=self._moves.sitting_id)

    def remote_end(self) -> None:
        """Look away."""
        if self._screen.snapshot.remote is not None:
            log.info("remote_ended", sitting=self._moves.sitting_id)
        self._screen.show(remote=None)

    def remote_say(self, line_id: str) -> None:
        """Let the station speak a line. Raises `NotNow`."""
        remote = self._helper()
        self._screen.show(
            remote=replace(remote, say=line_id, say_number=remote.say_number + 1)
        )  # fmt: skip

    def remote_point(self, action: str) -> None:
        """Point at a button. Raises `NotNow`."""
        self._screen.show(remote=replace(self._helper(), point=action))

    def remote_retry(self) -> None:
        """Let the search for the portrait begin anew. Raises `NotNow`."""
        self._helper()
        visit = self._moves.visit
        if visit is None or self._screen.snapshot.state is not State.PORTRAIT:
            raise NotNow("no portrait is looked for")
        visit.look_for_portrait()

    def _helper(self) -> RemoteView:
        remote = self._screen.snapshot.remote
        if remote is None or remote.phase != "on":
            raise NotNow("the person has not agreed")
        return remote
