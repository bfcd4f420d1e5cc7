"""One console: what stands behind it, who is signed in, what was read last, and how many look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from api.console.session import Session, Sessions
from api.console.tries import Tries
from api.guide.board import Board, Lists, board, ticket_rows
from api.guide.rows import NO_NUMBER, detail, queue_rows
from api.guide.small_preview import SmallPreview
from api.guide.station import GuideStation
from api.kiosk.catalogue import Catalogue
from api.security import StreamCap
from edge.initials import surname_initial
from edge.orders.order import Order
from edge.sitting import Snapshot
from edge.store.errors import StoreError
from edge.utc import now_ms

EVENT_STREAMS: Final = 8
PREVIEW_STREAMS: Final = 4
READ_EVERY_S: Final = 1.0


class Waiting:
    """The orders that wait, read from the journal once a second at most, for all who look."""

    def __init__(self, read: Callable[[], tuple[Order, ...]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._orders: tuple[Order, ...] = ()
        self._read_at_s = float("-inf")
        self._fresh = False

    def now(self) -> tuple[tuple[Order, ...], bool]:
        """Return them, and whether the journal answered."""
        with self._lock:
            if time.monotonic() - self._read_at_s >= READ_EVERY_S:
                try:
                    self._orders, self._fresh = self._read(), True
                except StoreError:
                    self._orders, self._fresh = (), False
                self._read_at_s = time.monotonic()
            return self._orders, self._fresh


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one station.

    Attributes:
        words: lines of the console itself.
        lines: the kiosk's, for what the person is told.
    """

    station: GuideStation
    sessions: Sessions
    words: Catalogue
    lines: Catalogue
    closing: threading.Event
    waiting: Waiting
    preview: SmallPreview
    tries: Tries = field(default_factory=Tries)
    events: StreamCap = field(default_factory=lambda: StreamCap(EVENT_STREAMS))
    previews: StreamCap = field(default_factory=lambda: StreamCap(PREVIEW_STREAMS))

    def board(self, session: Session, shown: Snapshot | None = None) -> Board:
        """Draw the present console for one session."""
        shown = shown or self.station.floor.snapshot
        owner = self.station.remote.owner if self.station.remote else ""
        return board(shown, session, self._lists(shown, session), owner)

    def waits(self, order_id: str) -> Order | None:
        """Return an order that still waits."""
        return next((one for one in self.waiting.now()[0] if one.sitting_id == order_id), None)

    def _lists(self, shown: Snapshot, session: Session) -> Lists:
        member = session.member
        tickets = ticket_rows(self.station.tickets.open(), shown.sitting_id, now_ms())
        if member.role == "remote":
            # From afar nobody sees who waits, nor what was left: only that somebody calls.
            return Lists(tickets=tuple(row for row in tickets if row.kind == "help"))
        orders, fresh = self.waiting.now()
        initial, number = self._served(shown)
        opened = next((one for one in orders if one.sitting_id == session.opened), None)
        told = detail(opened, member.role)
        try:
            left = tuple(self.station.floor.left())
        except StoreError:
            left, fresh = (), False
        return Lists(
            queue=queue_rows(orders),
            tickets=tickets,
            left=left,
            initial=initial,
            number=number,
            opened=session.opened if told else "",
            detail=told,
            fresh=fresh,
        )

    def _served(self, shown: Snapshot) -> tuple[str, str]:
        if shown.sitting_id is None:
            return "", ""
        try:
            order = self.station.running(shown.sitting_id)
        except StoreError:
            return "", ""
        if order is None:
            return "", ""
        return surname_initial(order.surname), order.slip_code or NO_NUMBER
