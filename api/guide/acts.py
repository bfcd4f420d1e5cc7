"""What one touch at the console does. Each answers with a line for the board, "" if all is plain.

Who may do what is asked again here, whatever the page offered: a volunteer's or a remote helper's
form that names another's act is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from api.console.session import Session
from api.guide.board import Board
from api.guide.console import Console
from api.kiosk.come_back import UNTIL
from api.problems import FieldError, Refused
from edge.fingers.exceptions import ExceptionReason
from edge.override import OverrideReason
from edge.service.ticket import NoSuchTicket
from edge.sitting import Event, IllegalMove, NotNow, StaleToken
from edge.staff import Role

Form = Mapping[str, str]
Act = Callable[["Touch"], str]

EVENTS: Final = {event.value: event for event in Event}


class Touch:
    """One post: the console, who sent it, and what the form says."""

    def __init__(self, console: Console, session: Session, token: str, form: Form) -> None:
        self.console = console
        self.session = session
        self.session_token = token
        self.member = session.member
        self.form = form
        self.station = console.station
        self.floor = console.station.floor
        self.detail = form.get("do", "").partition(":")[2]
        """What follows the colon of the act."""

    @property
    def sitting_token(self) -> str:
        """Of the sitting that the page showed."""
        return self.form.get("token", "")

    def board(self) -> Board:
        """Draw the board as it is now."""
        return self.console.board(self.session)

    def told(self) -> bool:
        """Whether the attendant says that the person said so."""
        return self.form.get("told") == "yes"

    def one_of(self, name: str, allowed: Mapping[str, object] | frozenset[str]) -> str:
        """Return a field that must be one of these. Raises `Refused`."""
        value = self.form.get(name, "")
        if value not in allowed:
            raise Refused("invalid-request", [FieldError(name, "enum")])
        return value


def do(console: Console, session: Session, token: str, form: Form) -> str:
    """Do what a form asks for and return the line that answers it.

    Raises:
        Refused: no page of ours posts this, or this role may not do it.
    """
    name = form.get("do", "").partition(":")[0]
    row = ACTS.get(name)
    if row is None:
        raise Refused("invalid-request", [FieldError("do", "enum")])
    act, roles = row
    if session.member.role not in roles:
        raise Refused("scope-missing")
    try:
        return act(Touch(console, session, token, form))
    except (IllegalMove, StaleToken, NotNow, NoSuchTicket):
        # Ordinary life: the sitting went on meanwhile. The present board is shown.
        return "said.went_on"
    except TimeoutError:
        return "said.busy"


def _language(touch: Touch) -> str:
    if touch.detail not in touch.console.words.names:
        raise Refused("invalid-request", [FieldError("do", "enum")])
    touch.console.sessions.change(touch.session_token, language=touch.detail)
    return ""


def _open_row(touch: Touch) -> str:
    order = touch.console.waits(touch.form.get("row", ""))
    if order is None:
        return "said.went_on"
    # Noted before it is shown: nobody reads a row that no audit row tells of.
    touch.station.book.note(touch.member, "guide.open_row", sitting_id=order.sitting_id)
    touch.console.sessions.change(touch.session_token, opened=order.sitting_id)
    return ""


def _close_row(touch: Touch) -> str:
    touch.console.sessions.change(touch.session_token, opened="")
    return ""


def _begin(touch: Touch) -> str:
    order = touch.console.waits(touch.form.get("row", ""))
    if order is None or not order.slip_code:
        return "said.went_on"
    touch.floor.begin(touch.member, order.slip_code)
    touch.console.sessions.change(touch.session_token, opened="")
    return ""


def _answer(touch: Touch) -> str:
    touch.station.tickets.answer(touch.form.get("ticket", ""), touch.member.staff_id)
    return ""


def _resolve(touch: Touch) -> str:
    touch.station.tickets.resolve(touch.form.get("ticket", ""), touch.member.staff_id)
    return ""


def _take_over(touch: Touch) -> str:
    touch.floor.take_over(touch.member, touch.one_of("reason", TAKE_OVER))
    return ""


def _give_back(touch: Touch) -> str:
    touch.floor.give_back(touch.member)
    return ""


def _move(touch: Touch) -> str:
    event, board = EVENTS.get(touch.detail), touch.board()
    if event is None:
        raise Refused("invalid-request", [FieldError("do", "enum")])
    if event not in board.offers.moves:
        return "said.went_on"
    if event in board.offers.told and not touch.told():
        return "said.told_first"
    touch.floor.move(touch.member, event, touch.sitting_token, touch.form.get("mark", ""))
    return ""


def _shutter(touch: Touch) -> str:
    reason = touch.one_of("reason", OVERRIDE)
    if not touch.board().offers.shutter:
        return "said.went_on"
    touch.floor.shutter(touch.member, touch.sitting_token, reason)
    return "said.shutter"


def _exception(touch: Touch) -> str:
    reason, until = touch.one_of("reason", EXCEPTION), UNTIL[touch.one_of("until", UNTIL)]
    position, may = touch.form.get("position", ""), touch.board().offers
    if position not in may.fingers:
        return "said.went_on"
    day = until.come_back_on(date.today())
    touch.floor.exception(
        touch.member, touch.sitting_token, position, reason, (until.permanence, day)
    )
    return ""


def _same_person(touch: Touch) -> str:
    if not touch.board().offers.same_person:
        return "said.went_on"
    touch.floor.same_person(touch.member, touch.sitting_token, touch.detail == "yes")
    return ""


def _close_missing(touch: Touch) -> str:
    if not touch.board().offers.close_missing:
        return "said.went_on"
    if not touch.told():
        return "said.sure_first"
    touch.floor.close_missing(touch.member, touch.sitting_token)
    return ""


def _to_window(touch: Touch) -> str:
    if not touch.board().offers.to_window:
        return "said.went_on"
    touch.floor.to_window(touch.member, touch.sitting_token)
    return ""


def _left(act: str) -> Act:
    def see_to(touch: Touch) -> str:
        sitting_id = touch.form.get("left", "")
        if sitting_id not in [one.sitting_id for one in touch.floor.left()]:
            return "said.went_on"
        if act != "resume" and not touch.told():
            return "said.sure_first"
        see_to_it = {
            "resume": touch.floor.resume_left,
            "close": touch.floor.close_left,
            "delete": touch.floor.delete_left,
        }[act]
        see_to_it(touch.member, sitting_id)
        return f"said.left_{act}"

    return see_to


def _remote(act: str) -> Act:
    def help_from_afar(touch: Touch) -> str:
        remote, member = touch.station.remote, touch.member
        if remote is None:
            raise Refused("scope-missing")
        acts: dict[str, Callable[[], None]] = {
            "ask": lambda: remote.ask(member),
            "say": lambda: remote.say(member, touch.detail),
            "point": lambda: remote.point(member, touch.detail),
            "retry": lambda: remote.retry(member),
            "to-window": lambda: remote.to_window(member),
            "end": lambda: remote.end(member),
        }
        acts[act]()
        return ""

    return help_from_afar


OVERRIDE: Final = frozenset(reason.value for reason in OverrideReason)
EXCEPTION: Final = frozenset(reason.value for reason in ExceptionReason)
TAKE_OVER: Final = dict.fromkeys(("asked", "sight", "hearing", "hands", "unsure"))
"""Why somebody takes over, in the order in which they are offered."""
_EVERYBODY: Final = frozenset[Role]({"guide", "volunteer", "remote"})
_ON_SITE: Final = frozenset[Role]({"guide", "volunteer"})
_GUIDE: Final = frozenset[Role]({"guide"})
_REMOTE: Final = frozenset[Role]({"remote"})

ACTS: Final[Mapping[str, tuple[Act, frozenset[Role]]]] = {
    "language": (_language, _EVERYBODY),
    "open-row": (_open_row, _GUIDE),
    "close-row": (_close_row, _GUIDE),
    "begin": (_begin, _ON_SITE),
    "answer": (_answer, _ON_SITE),
    "resolve": (_resolve, _ON_SITE),
    "take-over": (_take_over, _ON_SITE),
    "give-back": (_give_back, _ON_SITE),
    "move": (_move, _ON_SITE),
    "shutter": (_shutter, _ON_SITE),
    "exception": (_exception, _GUIDE),
    "same-person": (_same_person, _GUIDE),
    "close-missing": (_close_missing, _GUIDE),
    "to-window": (_to_window, _ON_SITE),
    "left-resume": (_left("resume"), _GUIDE),
    "left-close": (_left("close"), _GUIDE),
    "left-delete": (_left("delete"), _GUIDE),
    "remote-ask": (_remote("ask"), _REMOTE),
    "remote-say": (_remote("say"), _REMOTE),
    "remote-point": (_remote("point"), _REMOTE),
    "remote-retry": (_remote("retry"), _REMOTE),
    "remote-to-window": (_remote("to-window"), _REMOTE),
    "remote-end": (_remote("end"), _REMOTE),
}
"""Every act of the console, and which roles may do it."""
