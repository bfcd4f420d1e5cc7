"""Who works here, changed at the console: nobody is locked out, no PIN that anybody would guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.staff import StaffFileUnsafe, add_staff
from edge.staff_list import StaffList, StaffRefused, guessed_at_once

PIN, OTHER = "190604", "275813"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A station with one technician."""
    add_staff(tmp_path / "staff.toml", "7001", PIN, "technician")
    return tmp_path / "staff.toml"


def roles(path: Path) -> dict[str, str]:
    return {one.staff_id: one.role for one in StaffList(path).members()}


def test_somebody_new_is_added_given_another_role_and_struck_off(path):
    """All that a technician does with a list of staff."""
    staff = StaffList(path)
    staff.add("1024", OTHER, "guide", "王")
    staff.give_role("1024", "remote", "王")
    assert roles(path) == {"1024": "remote", "7001": "technician"}
    assert staff.members()[0].shown_as == "王"
    staff.strike_off("1024")
    assert roles(path) == {"7001": "technician"}


def test_nobody_can_strike_off_or_turn_the_last_technician_into_something_else(path):
    """Nobody would be left who could let anybody in."""
    staff = StaffList(path)
    staff.add("1024", OTHER, "auditor")
    for act in (lambda: staff.strike_off("7001"), lambda: staff.give_role("7001", "guide", "")):
        with pytest.raises(StaffRefused) as refused:
            act()
        assert refused.value.code == "last_technician"
    staff.give_role("7001", "technician", "李")
    staff.add("7002", OTHER, "technician")
    staff.strike_off("7001")
    assert roles(path) == {"1024": "auditor", "7002": "technician"}


def test_a_role_is_changed_without_the_pin_and_a_pin_without_the_role(path):
    """Neither is asked for where it is not meant."""

    def digest():
        return [line for line in path.read_text().splitlines() if line.startswith("scrypt")]

    before = digest()
    StaffList(path).add("7002", OTHER, "technician")
    StaffList(path).give_role("7001", "auditor", "")
    assert digest()[0] == before[0]
    StaffList(path).give_pin("7001", OTHER)
    assert digest()[0] != before[0]
    assert roles(path)["7001"] == "auditor"


@pytest.mark.parametrize(
    ("number", "pin", "role", "surname", "code"),
    [
        ("", PIN, "guide", "", "number"),
        ("12a", PIN, "guide", "", "number"),
        ("１２３", PIN, "guide", "", "number"),
        ("1" * 13, PIN, "guide", "", "number"),
        ("7001", PIN, "guide", "", "taken"),
        ("1024", "12345", "guide", "", "pin_form"),
        ("1024", "19060a", "guide", "", "pin_form"),
        ("1024", "123456", "guide", "", "pin_simple"),
        ("1024", PIN, "owner", "", "role"),
        ("1024", PIN, "guide", "W1", "surname"),
    ],
)
def test_what_is_not_taken_is_told_by_a_code_and_changes_nothing(  # noqa: PLR0917
    path, number, pin, role, surname, code
):
    """A page has words for each."""
    with pytest.raises(StaffRefused) as refused:
        StaffList(path).add(number, pin, role, surname)

    assert refused.value.code == code
    assert roles(path) == {"7001": "technician"}


@pytest.mark.parametrize("act", ["give_pin", "give_role", "strike_off"])
def test_nobody_of_that_number_is_told(path, act):
    """An old page may name somebody who is gone."""
    more = {"give_pin": (OTHER,), "give_role": ("guide", ""), "strike_off": ()}[act]
    with pytest.raises(StaffRefused) as refused:
        getattr(StaffList(path), act)("9999", *more)

    assert refused.value.code == "nobody"


@pytest.mark.parametrize(
    ("pin", "guessed"),
    [
        ("000000", True), ("123456", True), ("654321", True), ("890123", True), ("121212", True),
        ("123123", True), ("700170", True), ("117001", True), ("190604", False), ("112233", False),
        ("13579024", False),
    ],
)  # fmt: skip
def test_a_pin_that_is_tried_first_is_known(pin, guessed):
    """There is no default secret, and none is made up from the number."""
    assert guessed_at_once("7001", pin) is guessed


def test_a_file_that_others_may_read_is_not_changed(path):
    """Whoever could read it could have changed it."""
    path.chmod(0o644)

    with pytest.raises(StaffFileUnsafe):
        StaffList(path).add("1024", OTHER, "guide")
