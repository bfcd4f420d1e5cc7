"""Calls for staff as the sitting makes them: raised, shown on the screen, and taken back.

Each is a ticket (`edge.service.tickets`), which outlives the sitting's loop and a restart.
"""

from __future__ import annotations

from typing import Final

import structlog

from edge.health import Figures
from edge.room import Room
from edge.screen import Screen
from edge.service.tickets import TicketKind
from edge.sitting import HelpView, Overlay, Snapshot
from edge.utc import now_ms

_ON_SCREEN: Final = frozenset({"touched", "pictures", "fingers", "unknown", "not_hers"})
"""Why staff are called for something that the person waits for."""

log = structlog.get_logger("sitting")


class HelpCalls:
    """The calls of the present sitting. Runs on the sitting's thread."""

    def __init__(self, room: Room, figures: Figures, screen: Screen) -> None:
        self._room = room
        self._figures = figures
        self._screen = screen
        self._open: dict[str, str] = {}
        self._waits_for: set[str] = set()

    def call(self, kind: TicketKind, why: str) -> None:
        """Call staff; the same call twice is one ticket that is raised again."""
        sitting_id = self._screen.snapshot.sitting_id
        log.warning("help_called", sitting=sitting_id or "", reason=why)
        self._figures.count_help()
        tickets = self._room.tickets
        self._open[why] = "" if tickets is None else tickets.raise_(kind, sitting_id, why)
        if why in _ON_SCREEN and self._screen.snapshot.help is None:
            self._screen.show(help=HelpView(now_ms()))

    def follow(self, shown: Snapshot) -> None:
        """Call staff for what began to wait for them on this screen: it has promised them."""
        wanted = _asks_for_staff(shown)
        for why in sorted(wanted - self._waits_for):
            self.call("device" if why == "device_out" else "help", why)
        for why in sorted(self._waits_for - wanted):
            self.settle(why)
        self._waits_for = wanted

    def adopt(self, sitting_id: str) -> None:
        """Take up the calls that a run before us raised for a sitting that goes on."""
        for ticket in () if self._room.tickets is None else self._room.tickets.open():
            if ticket.sitting_id == sitting_id:
                self._open[ticket.why] = ticket.id
                if ticket.why in _ON_SCREEN:
                    self._screen.show(help=HelpView(ticket.raised_at_ms))

    def open(self, why: str) -> bool:
        """Whether staff are called for this."""
        return why in self._open

    def settle(self, *whys: str) -> None:
        """Take calls back that nobody needs any more; without a name all of them."""
        for why in whys or tuple(self._open):
            ticket_id = self._open.pop(why, None)
            if ticket_id and self._room.tickets is not None:
                self._room.tickets.withdraw(ticket_id)
        if not whys:
            # Whoever comes next calls anew.
            self._waits_for = set()
        if not _ON_SCREEN.intersection(self._open):
            self._screen.show(help=None)

    def look(self) -> None:
        """Show how long the person has waited, and who comes."""
        shown, tickets = self._screen.snapshot.help, self._room.tickets
        if shown is None or tickets is None:
            return
        minutes = max(0, now_ms() - shown.since_ms) // 60_000
        again, answered_by = 0, ""
        for why in _ON_SCREEN.intersection(self._open):
            ticket = tickets.ticket(self._open[why])
            if ticket is not None:
                again = max(again, ticket.times - 1)
                answered_by = answered_by or ticket.answered_by or ""
        view = HelpView(shown.since_ms, again, answered_by, minutes)
        if view != shown:
            self._screen.show(help=view)


def _asks_for_staff(shown: Snapshot) -> set[str]:
    """Return what waits for staff whom nobody called by hand."""
    asked = {
        "pictures": shown.reuse is not None and shown.reuse.needs_staff,
        "fingers": shown.attendant_called,
        "device_out": shown.calm_long and shown.overlay is Overlay.CALM,
    }
    return {what for what, waits in asked.items() if waits}
