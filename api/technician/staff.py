"""Who works here: added, given a PIN or a role, struck off; and one's own PIN.

What may not be done to the list stands in `edge.staff_list`. No PIN is ever shown, and none is made
up for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from api.console import gate
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.staff import ROLES, TECHNICAL, Staff, StaffFileUnsafe
from edge.staff_list import StaffList, StaffRefused

LIST: Final = "staff.page"
OWN: Final = "staff.own"


def staff_pages(console: Console) -> Blueprint:
    """Return the routes of the staff."""
    staff = StaffList(console.station.staff_file)
    pages = Blueprint("staff", __name__)
    pages.add_url_rule("/staff", "page", partial(_page, console, staff))
    pages.add_url_rule("/staff/own", "own", auditors_too(partial(_own, console)))
    own = partial(_own_pin, console, staff)
    pages.add_url_rule("/staff/own", "own_pin", own, methods=["POST"])
    for name, act in ACTS.items():
        view = partial(_act, console, staff, name, act)
        pages.add_url_rule(f"/staff/{name}", name, view, methods=["POST"])
    return pages


STAFF: Final = Annex(
    staff_pages, (Place(LIST, "place.staff"), Place(OWN, "place.own_pin", EVERYBODY))
)


def _page(console: Console, staff: StaffList) -> str:
    try:
        members = staff.members()
    except (StaffFileUnsafe, OSError):
        return console.draw("staff.html", members=(), roles=ROLES, unsafe=True)
    return console.draw("staff.html", members=members, roles=ROLES, unsafe=False)


def _own(console: Console) -> str:
    return console.draw("staff_own.html")


def _act(
    console: Console, staff: StaffList, name: str, act: Callable[[StaffList], None]
) -> AnyResponse:
    number = request.form.get("number", "").strip()
    try:
        act(staff)
    except StaffRefused as refused:
        return console.answer(f"staff.said.{refused.code}", LIST)
    except (StaffFileUnsafe, OSError):
        return console.answer("staff.said.unsafe", LIST)
    console.station.book.note(gate.session().member, "technician.staff", what=name, who=number)
    return console.answer(f"staff.said.done_{name}", LIST)


def _add(staff: StaffList) -> None:
    form = request.form
    pin = _twice()
    staff.add(_number(), pin, form.get("role", ""), form.get("shown_as", "").strip())


def _pin(staff: StaffList) -> None:
    if _number() == gate.session().member.staff_id:
        raise StaffRefused("own")
    staff.give_pin(_number(), _twice())


def _role(staff: StaffList) -> None:
    staff.give_role(
        _number(), request.form.get("role", ""), request.form.get("shown_as", "").strip()
    )


def _strike(staff: StaffList) -> None:
    if request.form.get("sure") != "yes":
        raise StaffRefused("not_sure")
    staff.strike_off(_number())


ACTS: Final[Mapping[str, Callable[[StaffList], None]]] = {
    "add": _add, "pin": _pin, "role": _role, "strike": _strike,
}  # fmt: skip


def _own_pin(console: Console, staff: StaffList) -> AnyResponse:
    """Change one's own PIN, with the old one; the session goes on."""
    member, station = gate.session().member, console.station
    try:
        doorman = Staff(station.staff_file, station.store)
        if not doorman.check(member.staff_id, request.form.get("old", ""), TECHNICAL):
            return console.answer("staff.said.old_wrong", OWN)
        staff.give_pin(member.staff_id, _twice())
    except StaffRefused as refused:
        return console.answer(f"staff.said.{refused.code}", OWN)
    except (StaffFileUnsafe, OSError):
        return console.answer("staff.said.unsafe", OWN)
    # Whatever else was opened with the old PIN ends at its next act; this one is known anew.
    console.sessions.change(gate.session_token(), member=doorman.member(member.staff_id) or member)
    station.book.note(member, "technician.staff", what="own_pin", who=member.staff_id)
    return console.answer("staff.said.done_own", OWN)


def _number() -> str:
    return request.form.get("number", "").strip()


def _twice() -> str:
    pin = request.form.get("pin", "")
    if pin != request.form.get("again", ""):
        raise StaffRefused("pin_differs")
    return pin
