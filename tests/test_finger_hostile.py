"""Whatever stands in an order, a profile or a form: fingers are asked for soundly, or not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.kiosk.touches import TOUCHES
from api.problems import Refused
from api.v1.new_sitting import wanted_of
from edge.fingers.exceptions import ExceptionReason, Permanence, SignedReason
from edge.fingers.plan import FingerPlan
from edge.fingers.profile import FingerProfile
from edge.fingers.wishes import FingerWishes, OrderedFingers, wishes_of
from edge.orders.errors import OrderUnknown
from edge.orders.wishes import Known, check_known
from edge.settings import (
    EXTRA_PARTS_MAX,
    FINGER_POSITIONS,
    Fingers,
    SettingsError,
    finger_profile_names,
    load_finger_profile,
)
from edge.settings_file import toml_table, validated
from edge.sitting import mark_of
from formats.finger.records import RECORDS
from tests.browser.desk import SCENES, TOKEN
from tests.order_kit import TODAY_MS, body
from tests.test_kiosk_staff import ORIGIN, OURS, Kiosk, kiosk

__all__ = ["kiosk"]
PROFILES = {name: load_finger_profile(name) for name in finger_profile_names()}
KNOWN = Known((), FINGER_POSITIONS, tuple(PROFILES), tuple(RECORDS))
FUZZ = settings(max_examples=300, deadline=None)

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)
NEAR = st.fixed_dictionaries(
    {},
    optional={
        "positions": st.lists(st.sampled_from(FINGER_POSITIONS), max_size=11) | ODD,
        "profile": st.sampled_from([*PROFILES, "cn_two_fingers ", "../x"]) | ODD,
        "records": st.lists(st.sampled_from(sorted(RECORDS)), max_size=5) | ODD,
        "minimum": st.integers(-1, 12) | ODD,
        "hands": ODD,
    },
)


def sound(wishes: FingerWishes) -> None:
    """Whoever comes is asked for fingers that there are, each once, and comes to an end."""
    assert len(set(wishes.slots)) == len(wishes.slots)
    assert set(wishes.slots) <= set(FINGER_POSITIONS)
    assert wishes.minimum is None or 0 <= wishes.minimum <= len(wishes.slots)
    assert set(wishes.records) <= set(RECORDS)
    plan: FingerPlan = wishes.plan()
    for _ in FINGER_POSITIONS:
        asked = plan.next()
        plan = plan if asked is None else plan.close(asked.position)
    assert plan.next() is None
    kept = json.loads(json.dumps(wishes.for_progress()))
    assert FingerWishes.from_progress(kept) == wishes


@FUZZ
@given(fingers=NEAR | ODD)
@example(fingers={"positions": None})
@example(fingers={"records": None})
@example(fingers={"positions": [], "minimum": 0, "records": ["wsq"]})
def test_whatever_an_order_says_of_fingers_can_be_asked_for_or_is_refused(fingers):
    """A problem by name, or wishes that a sitting can go by."""
    try:
        wanted = wanted_of(json.dumps({**body(), "fingers": fingers}).encode(), TODAY_MS)
        check_known(wanted, KNOWN)
    except (Refused, OrderUnknown):
        return
    ordered = OrderedFingers(
        wanted.positions, wanted.finger_profile, wanted.finger_records, wanted.finger_minimum
    )
    wishes = wishes_of(ordered, (), Fingers(), PROFILES)
    sound(wishes)
    if wanted.positions is not None:
        assert len(wishes.slots) * len(wishes.records) <= EXTRA_PARTS_MAX


SOUND = Path(__file__).resolve().parent.parent / "firmware_configs/fingers/cn_two_fingers.toml"
VALUES = st.sampled_from(
    ["0", "-1", "11", "99999999999999999999", "true", "[]", "[[]]", '""', '["right", "right"]',
     '["thumb", "toe"]', "nan", "1979-05-27", "{}", "{ a = 1 }", '"\\u0000"', "'", "[1,", "０"]
)  # fmt: skip


@pytest.fixture(scope="module")
def profile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles") / "odd.toml"


@FUZZ
@given(
    line=st.integers(0, 20), value=VALUES, junk=st.binary(max_size=6), at=st.integers(0, 900)
)  # fmt: skip
def test_whatever_a_profile_s_file_holds_it_is_one_sentence_or_a_plan(
    profile_file: Path, line, value, junk, at
):
    """A technician who slips is told so when the station starts, never by a person's sitting."""
    lines = SOUND.read_text(encoding="utf-8").splitlines()
    key, equals, _ = lines[line % len(lines)].partition(" = ")
    lines[line % len(lines)] = f"{key}{equals}{value}"
    content = "\n".join(lines).encode()
    profile_file.write_bytes(content[:at] + junk + content[at:] if at < 450 else content)
    refused = ""
    try:
        profile = validated(FingerProfile, profile_file, toml_table(profile_file))
    except SettingsError as error:
        refused = str(error)
    if refused:
        assert str(profile_file) in refused
        assert refused.endswith(".")
        return
    sound(wishes_of(OrderedFingers(None, profile.id), (), Fingers(), {
        **PROFILES, profile.id: profile,
    }))  # fmt: skip


@FUZZ
@given(
    st.text(max_size=12)
    | st.dates().map(date.isoformat)
    | st.dates().map(lambda d: f"{d:%d.%m.%Y}")
)
@example("2026-W47-7")
@example("20261224")
@example("+1000000000")
@example("２０２６-１２-２４")
@example("2026-12-24\n")
def test_a_day_to_come_back_is_a_civil_date_or_refused(text):
    """No sentence about anybody gets into a record this way."""
    try:
        signed = SignedReason("7", ExceptionReason.INJURED, Permanence.TEMPORARY, text)
    except ValueError:
        return
    assert signed.come_back_on == text == date.fromisoformat(text).isoformat()


SCENE_NAMES = sorted(name for name in SCENES if name.startswith(("finger", "review", "help")))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(SCENE_NAMES),
    st.lists(
        st.tuples(
            st.sampled_from(sorted(TOUCHES)) | st.from_regex(r"(why|until|which|key):\w{0,9}"),
            st.just(TOKEN) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        ),
        max_size=12,
    ),
)
def test_no_form_of_staff_makes_the_pages_stumble(kiosk: Kiosk, name, posts):
    """Odd touches, stale tokens, marks of other screens, twice the same: a page or a problem, and
    nothing is signed without number and PIN.
    """
    kiosk.desk.put(SCENES[name])
    for action, token, mark in posts:
        seen = mark_of(kiosk.desk.snapshot) if mark is None else mark
        form = {"action": action, "token": token, "mark": seen}
        answer = kiosk.client.post("/act", data=form, base_url=ORIGIN, headers=OURS)
        assert answer.status_code < 500, form
        assert kiosk.client.get("/", base_url=ORIGIN).status_code == 200
    assert kiosk.desk.signed == []
