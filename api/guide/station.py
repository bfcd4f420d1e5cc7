"""What the attendants' console needs of the station, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.kiosk.station import Previews
from edge.assist.acts import ActBook
from edge.left import LeftSitting
from edge.orders.order import Order
from edge.service.ticket import Ticket
from edge.sitting import Event, Snapshot
from edge.staff import Member


class Tickets(Protocol):
    """Calls for staff; `edge.service.tickets.Tickets` is one."""

    def open(self) -> Sequence[Ticket]:
        """Return the calls that nobody has resolved, oldest first."""

    def answer(self, ticket_id: str, staff_id: str) -> object:
        """Say that somebody comes. Raises `NoSuchTicket`."""

    def resolve(self, ticket_id: str, staff_id: str) -> object:
        """Say that nothing is left to do. Raises `NoSuchTicket`."""


class Attendance(Protocol):
    """What a signed-in attendant may ask of the sitting; `edge.assist.desk.AssistDesk` is one.

    Every act is noted with who did it. All raise `IllegalMove` or `StaleToken` where the sitting
    went on meanwhile, `TimeoutError` where it did not come to it in time.
    """

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the present screen, as soon as it is newer or time is up."""

    def begin(self, member: Member, slip_code: str) -> None:
        """Begin the sitting of this day's number, taken over from the first screen on."""

    def take_over(self, member: Member, reason: str) -> None:
        """Act for whoever is here from now on."""

    def give_back(self, member: Member) -> None:
        """Let the person go on by herself."""

    def move(self, member: Member, event: Event, token: str, mark: str) -> None:
        """Make one move for the person, if the screen is still the one that was seen."""

    def shutter(self, member: Member, token: str, reason: str) -> None:
        """Take the portrait now; the soft measures that fail are waived for this reason."""

    def exception(
        self, member: Member, token: str, position: str, reason: str, until: tuple[str, str | None]
    ) -> None:
        """Sign why a finger is not given; `until`: permanence, and the day to come again."""

    def same_person(self, member: Member, token: str, same: bool) -> None:
        """Sign what two pictures show."""

    def close_missing(self, member: Member, token: str) -> None:
        """Close the sitting with what is there."""

    def to_window(self, member: Member, token: str) -> None:
        """Go on with the person at the window."""

    def left(self) -> Sequence[LeftSitting]:
        """Return the sittings that were left and wait for staff, oldest first."""

    def resume_left(self, member: Member, sitting_id: str) -> None:
        """Go on with a sitting that was left; nobody else may be in one."""

    def close_left(self, member: Member, sitting_id: str) -> None:
        """Close a sitting that was left, with what is there."""

    def delete_left(self, member: Member, sitting_id: str) -> None:
        """Delete what was left of a sitting, for ever."""


class Remote(Protocol):
    """Help from afar; `edge.assist.remote.RemoteHelp` is one."""

    @property
    def owner(self) -> str:
        """Staff id of who asks or helps now, "" if nobody does."""

    @property
    def refused(self) -> bool:
        """Whether the person has just said no to this call."""

    def ask(self, member: Member) -> None:
        """Ask the person; only while help is called for."""

    def sees(self, member: Member) -> bool:
        """Whether the person agreed to this one's help, and it goes on."""

    def renew(self, member: Member) -> None:
        """Say that the page of the helper is still there."""

    def say(self, member: Member, line_id: str) -> None:
        """Let the station speak a canned line."""

    def point(self, member: Member, action: str) -> None:
        """Mark the place to touch, "" for none."""

    def retry(self, member: Member) -> None:
        """Let the portrait be looked for anew."""

    def to_window(self, member: Member) -> None:
        """End the sitting at the window."""

    def end(self, member: Member) -> None:
        """Look away."""


@dataclass(frozen=True, slots=True)
class GuideStation:
    """What stands behind the console.

    Attributes:
        number: the station's id.
        floor: the sitting, for staff.
        waiting: returns the orders that wait.
        running: returns the order of the sitting with this id.
        book: the audit rows of who signed in and opened what.
        remote: None where nobody may help from afar.
    """

    number: str
    floor: Attendance
    camera: Previews
    tickets: Tickets
    waiting: Callable[[], tuple[Order, ...]]
    running: Callable[[str], Order | None]
    book: ActBook
    remote: Remote | None = None
