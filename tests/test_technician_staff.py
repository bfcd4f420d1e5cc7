"""Staff at the technician's console: let in, given a PIN or a role, struck off, not locked out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.staff import members
from tests.technician_kit import AUDITOR, GUIDE, PIN, TECHNICIAN, Notebook, Workshop, workshop

OTHER, NEW = "275813", "864209"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A station with a technician, an auditor and a guide."""
    with workshop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def opened(shop: Workshop) -> Iterator[Workshop]:
    """The station; whatever a test did to its staff is undone."""
    before = shop.staff_file.read_bytes()
    yield shop
    shop.staff_file.write_bytes(before)


def roles(opened: Workshop) -> dict[str, str]:
    return {one.staff_id: one.role for one in members(opened.staff_file)}


def does(notebook: Notebook, act: str, **form: str) -> str:
    """Do one thing and return the page that answers."""
    notebook.sees("/staff/own" if act == "own" else "/staff")
    answer = notebook.does(f"/staff/{act}", **form)
    return notebook.sees(answer.headers["Location"])


def test_a_technician_lets_somebody_in_changes_the_role_and_strikes_off(opened):
    """Each is in force at once, in the staff file and in the audit chain by the number alone."""
    technician = opened.notebook()
    page = does(technician, "add", number="3001", role="volunteer", shown_as="王", pin=OTHER,
                again=OTHER)  # fmt: skip
    assert "已添加" in page
    assert roles(opened)["3001"] == "volunteer"
    does(technician, "role", number="3001", role="technician", shown_as="")
    assert opened.notebook(None).sign_in("3001", OTHER).status == 303
    assert "先勾选" in does(technician, "strike", number="3001")
    does(technician, "strike", number="3001", sure="yes")
    assert "3001" not in roles(opened)
    rows = [row for row in opened.acts() if row[2] == "technician.staff"]
    assert len(rows) == 3, rows
    assert all(OTHER.encode() not in row.entry for row in opened.store.audit_rows(limit=1000))


def test_the_last_technician_stays(opened):
    """Nobody could let anybody in any more."""
    technician = opened.notebook()
    strikes = does(technician, "strike", number=TECHNICIAN, sure="yes")
    turned = does(technician, "role", number=TECHNICIAN, role="guide", shown_as="")

    assert "最后一位技术员" in strikes
    assert "最后一位技术员" in turned
    assert roles(opened)[TECHNICIAN] == "technician"


REFUSED = [
    ({"number": "3001", "pin": "654321", "again": "654321"}, "太好猜"),
    ({"number": "3001", "pin": OTHER, "again": NEW}, "不一样"),
    ({"number": GUIDE, "pin": OTHER, "again": OTHER}, "已有人用"),
    ({"number": "3x", "pin": OTHER, "again": OTHER}, "1 到 12 位数字"),
]


def test_what_is_refused_is_said_and_changes_nothing(opened):
    """And what was typed for a PIN is on no page."""
    before, technician = opened.staff_file.read_bytes(), opened.notebook()
    for form, words in REFUSED:
        page = does(technician, "add", role="guide", shown_as="", **form)
        assert words in page
        assert form["pin"] not in page

    assert opened.staff_file.read_bytes() == before


def test_a_new_pin_ends_what_was_opened_with_the_old_one(opened):
    """Whoever knew the old one is out at the next touch."""
    auditor, technician = opened.notebook(AUDITOR), opened.notebook()
    assert "请在“我的密码”" in does(technician, "pin", number=TECHNICIAN, pin=NEW, again=NEW)
    auditor.sees("/")
    does(technician, "pin", number=AUDITOR, pin=NEW, again=NEW)

    assert auditor.does("/language", language="en").headers["Location"] == "/sign-in"
    assert auditor.ask("GET", "/").status == 303
    assert opened.notebook(None).sign_in(AUDITOR, PIN).status == 403
    assert opened.notebook(None).sign_in(AUDITOR, NEW).status == 303


def test_everybody_changes_the_own_pin_with_the_old_one_and_stays_signed_in(opened):
    """An auditor as well; and nobody else's by that page."""
    auditor = opened.notebook(AUDITOR)
    assert "现在的密码不对" in does(auditor, "own", old=OTHER, pin=NEW, again=NEW)
    assert "密码已换" in does(auditor, "own", old=PIN, pin=NEW, again=NEW, number=TECHNICIAN)
    assert "密码已换" in does(auditor, "own", old=NEW, pin=OTHER, again=OTHER)
    assert opened.notebook(None).sign_in(AUDITOR, OTHER).status == 303
    assert opened.notebook(None).sign_in(TECHNICIAN, PIN).status == 303


def test_an_auditor_changes_nobody(opened):
    """The list is the technician's."""
    auditor = opened.notebook(AUDITOR)
    auditor.sees("/staff/own")

    assert auditor.ask("GET", "/staff").status == 403
    assert auditor.does("/staff/strike", number=GUIDE, sure="yes").status == 403
    assert GUIDE in roles(opened)
