"""The staff file as technicians change it at the console: who is in it, as what, with which PIN.

`edge.staff` reads and writes the file; here stands what may not be done to it. The command line
(`run_edge.py staff`) is under none of these rules: it is how a station gets its first technician.
"""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from typing import Final

from edge.staff import (
    PIN,
    ROLES,
    SHOWN_AS,
    Member,
    Role,
    add_staff,
    give_role,
    members,
    remove_staff,
)

NUMBER_MAX: Final = 12
SHORT_PATTERN: Final = 3


class StaffRefused(Exception):
    """Nothing was changed; `code` says why, for whoever words it.

    Codes: "number" (1 to 12 digits), "taken", "nobody" (of that number), "pin_form" (6 to 12
    digits), "pin_simple" (anybody would guess it), "role", "surname", "last_technician".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StaffList:
    """Who works here. All methods may be called from any thread.

    Every method raises `StaffFileUnsafe` where the file is not one of ours, and `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def members(self) -> tuple[Member, ...]:
        """Return who is in the file, by number."""
        return members(self._path) if self._path.exists() else ()

    def add(self, number: str, pin: str, role: str, shown_as: str = "") -> None:
        """Let somebody new sign in. Raises `StaffRefused`."""
        with self._lock:
            if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_MAX):
                raise StaffRefused("number")
            if self._found(number) is not None:
                raise StaffRefused("taken")
            _check_pin(number, pin)
            add_staff(self._path, number, pin, _role(role), _surname(shown_as))

    def give_pin(self, number: str, pin: str) -> None:
        """Give somebody a new PIN; whatever was opened with the old one ends at its next act.

        Raises:
            StaffRefused: nobody, pin_form, pin_simple.
        """
        with self._lock:
            self._known(number)
            _check_pin(number, pin)
            add_staff(self._path, number, pin)

    def give_role(self, number: str, role: str, shown_as: str) -> None:
        """Let somebody do something else; the PIN stays.

        Raises:
            StaffRefused: nobody, role, surname, last_technician.
        """
        with self._lock:
            before, after = self._known(number), _role(role)
            surname = _surname(shown_as)
            if after != "technician":
                self._keep_a_technician(before)
            give_role(self._path, number, after, surname)

    def strike_off(self, number: str) -> None:
        """Strike somebody off, at once. Raises `StaffRefused`: nobody, last_technician."""
        with self._lock:
            self._keep_a_technician(self._known(number))
            remove_staff(self._path, number)

    def _found(self, number: str) -> Member | None:
        return next((one for one in self.members() if one.staff_id == number), None)

    def _known(self, number: str) -> Member:
        found = self._found(number)
        if found is None:
            raise StaffRefused("nobody")
        return found

    def _keep_a_technician(self, leaving: Member) -> None:
        """Refuse to leave a station without anybody who could let others in."""
        others = (one for one in self.members() if one.staff_id != leaving.staff_id)
        if leaving.role == "technician" and all(one.role != "technician" for one in others):
            raise StaffRefused("last_technician")


def guessed_at_once(number: str, pin: str) -> bool:
    """Whether a PIN is among the first that anybody tries.

    One digit or a short pattern again and again, digits in a row up or down, or the number itself.
    """
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    repeats = any(
        pin == (pin[:length] * len(pin))[: len(pin)] for length in range(1, SHORT_PATTERN + 1)
    )
    own = bool(number) and (number in pin if len(number) > 3 else pin == number * len(pin))
    return repeats or steps in ({1}, {9}) or own


def _check_pin(number: str, pin: str) -> None:
    if not PIN.fullmatch(pin):
        raise StaffRefused("pin_form")
    if guessed_at_once(number, pin):
        raise StaffRefused("pin_simple")


def _role(given: str) -> Role:
    for role in ROLES:
        if role == given:
            return role
    raise StaffRefused("role")


def _surname(given: str) -> str:
    if not SHOWN_AS.fullmatch(given):
        raise StaffRefused("surname")
    return given
