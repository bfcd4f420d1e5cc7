"""The demo's earlier photos: dates that make each case, an attendant, and an honest exit status."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demo.badge import open_or_make_badge, staff_file
from demo.choices import hand_for, tell_outcome
from demo.clerk import Clerk, clerk_for
from demo.earlier_photos import (
    DOCUMENT,
    EARLIER_PHOTOS,
    SIZE_PX,
    SOURCE,
    Dates,
    dates,
    photo_jpeg,
)
from demo.neighbours import DemoError
from demo.walk import Walk
from edge.reuse.rule import Candidate, Offer, Reason, Refusal, may_reuse
from edge.settings import load_reuse_policy
from edge.sitting import Event, State
from edge.staff import Staff
from edge.store import Store
from tests.browser.desk import SCENES, TOKEN, Desk

POLICY = load_reuse_policy()
RULE = next(rule for rule in POLICY.reuse.values() if DOCUMENT in rule.documents)
DAYS = st.dates(RULE.valid_from, date(2099, 12, 31))


def decided(day: Dates) -> Offer | Refusal:
    """What the rule says of these dates."""
    candidate = Candidate(SOURCE, day.taken_on, None, "0" * 64)
    return may_reuse(POLICY, candidate, day.born_on, day.applied_on, DOCUMENT)


@given(today=DAYS)
def test_each_case_is_what_its_name_says_on_any_day(today: date):
    """Leap days too: the offer, the refusal, and that one day more or less turns it round."""
    for name, case in EARLIER_PHOTOS.items():
        found = decided(dates(case, POLICY, today))
        assert isinstance(found, Refusal) == (name == "too_old_by_a_day"), name
    old = dates(EARLIER_PHOTOS["too_old_by_a_day"], POLICY, today)
    sixty = dates(EARLIER_PHOTOS["sixty_today"], POLICY, today)
    one_day = timedelta(days=1)

    assert decided(old) == Refusal(Reason.TOO_OLD, "cn_elder")
    # Of a leap day's two neighbours one may count as the same day.
    assert any(
        isinstance(decided(replace(old, taken_on=old.taken_on + n * one_day)), Offer)
        for n in (1, 2)
    )
    younger = [decided(replace(sixty, born_on=sixty.born_on + n * one_day)) for n in (1, 2)]
    assert Refusal(Reason.UNDER_AGE, "cn_elder") in younger


def test_the_photos_are_those_of_two_people_and_one_is_cut_off(pictures):
    """Whole ones open at a document's size; of the cut-off one only the header does."""
    made = {name: photo_jpeg(case, pictures) for name, case in EARLIER_PHOTOS.items()}
    again = {name: photo_jpeg(case, pictures) for name, case in EARLIER_PHOTOS.items()}

    assert made == again
    for name in ("accepted", "other_person"):
        image = Image.open(io.BytesIO(made[name]))
        image.load()
        assert image.size == SIZE_PX
    assert made["accepted"] == made["declined"] == made["sixty_today"]
    assert made["accepted"] != made["other_person"]
    cut_off = Image.open(io.BytesIO(made["unreadable"]))
    with pytest.raises(OSError, match="truncated"):
        cut_off.load()


def test_the_attendant_is_made_once_and_only_the_owner_can_read_the_pin(tmp_path):
    """The staff file holds no PIN; the same attendant signs after a restart."""
    badge = open_or_make_badge(tmp_path)
    again = open_or_make_badge(tmp_path)
    kept = tmp_path / "attendant.json"

    assert (badge.new, again.new) == (True, False)
    assert (badge.number, badge.pin) == (again.number, again.pin)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        assert Staff(staff_file(tmp_path), store).check(badge.number, badge.pin)
        assert badge.pin not in staff_file(tmp_path).read_text() + repr(badge)
        staff_file(tmp_path).unlink()
        open_or_make_badge(tmp_path)
        assert Staff(staff_file(tmp_path), store).check(badge.number, badge.pin)


@pytest.mark.parametrize("damaged", ["", "{}", "[1]", "\x00"])
def test_a_damaged_attendant_is_one_sentence(tmp_path, damaged):
    """It says which file to remove."""
    (tmp_path / "attendant.json").write_text(damaged)

    with pytest.raises(DemoError, match=r"attendant\.json is no badge: remove it"):
        open_or_make_badge(tmp_path)


def test_an_unknown_case_names_those_there_are():
    """A slip of the keys is answered with the list."""
    assert clerk_for(None) is None
    with pytest.raises(DemoError, match="accepted, declined, too_old_by_a_day"):
        clerk_for("acepted")


@pytest.mark.parametrize(
    ("name", "asked", "signed"),
    [
        ("accepted", Event.REUSE_CHOSEN, Event.REUSE_AGREED),
        ("declined", Event.REUSE_DECLINED, None),
        ("other_person", Event.REUSE_CHOSEN, Event.REUSE_REFUSED),
    ],
)
def test_the_demo_s_hands_choose_and_sign(tmp_path, monkeypatch, name, asked, signed):
    """The person on the offer, the attendant beside both pictures, nobody anywhere else."""
    badge = open_or_make_badge(tmp_path)
    monkeypatch.setattr("tests.browser.desk.PIN", badge.pin)
    desk, hand = Desk(), hand_for(EARLIER_PHOTOS[name], badge)
    for scene in ("consent", "reuse-look", "reuse-compare", "portrait"):
        desk.put(SCENES[scene])
        assert hand(desk, desk.snapshot) is None
    desk.put(SCENES["reuse"])
    hand(desk, desk.snapshot)
    desk.put(SCENES["reuse-staff"])
    if signed:
        hand(desk, desk.snapshot)

    assert desk.asked == [(asked, TOKEN)]
    assert desk.signed == ([(signed.value, badge.number)] if signed else [])


class Interface:
    """`/v1` on the wire: what the clerk sends, and what it is answered."""

    def __init__(self, photo_state: str = "needed") -> None:
        self.photo_state = photo_state
        self.reason: str | None = None
        self.waiting = ["left-over"]
        self.requests: list[httpx.Request] = []
        self.refuse = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        row = {
            "sitting_id": "s-1", "state": "ended", "result": "accepted",
            "reuse_photo": {"state": self.photo_state, "reason": self.reason},
        }  # fmt: skip
        if self.refuse:
            problem = {"type": "urn:anxin:problem:not-accepting"}
            return httpx.Response(503, json=problem)
        if request.method == "GET" and request.url.path == "/v1/sittings":
            items = [{**row, "sitting_id": name} for name in self.waiting]
            return httpx.Response(200, json={"items": items, "next": None})
        if request.method == "POST":
            return httpx.Response(201, json=row)
        return httpx.Response(200, json=row) if request.method == "GET" else httpx.Response(204)


@pytest.fixture
def wire(monkeypatch) -> Interface:
    """Every client of the clerk ends at this interface."""
    interface = Interface()

    def client(clerk: Clerk) -> httpx.Client:
        return httpx.Client(
            base_url="http://station/v1/", transport=httpx.MockTransport(interface.answer)
        )

    monkeypatch.setattr(Clerk, "_client", client)
    return interface


@pytest.fixture
def folder(tmp_path):
    """A demo's folder with the token in it."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "v1.token").write_text("t" * 43 + "\n")
    return tmp_path


def test_the_centre_orders_and_brings_the_photo_that_it_named(wire, folder, pictures):
    """What an earlier run left waiting goes first; the digest is that of the bytes."""
    clerk = clerk_for("unreadable")
    assert clerk
    clerk.begin("http://station/v1/", folder)
    cancelled, ordered, brought = wire.requests[1:]
    body = json.loads(ordered.content)

    assert (cancelled.method, cancelled.url.path) == ("DELETE", "/v1/sittings/left-over")
    assert (brought.method, brought.url.path) == ("PUT", "/v1/sittings/s-1/reuse-photo")
    assert brought.content == photo_jpeg(clerk.case, pictures)
    digest = base64.b64encode(hashlib.sha256(brought.content).digest()).decode()
    assert brought.headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert body["reuse_photo"]["digest"] == brought.headers["Content-Digest"]
    assert body["reuse_photo"]["size"] == len(brought.content)
    assert clerk.ordered == ["s-1"]


def test_a_photo_that_nobody_wants_is_not_brought(wire, folder):
    """The rule alone has refused it: no picture of a person travels for nothing."""
    wire.photo_state = "unfit"
    clerk = clerk_for("too_old_by_a_day")
    assert clerk
    clerk.begin("http://station/v1/", folder)

    assert [request.method for request in wire.requests] == ["GET", "DELETE", "POST"]


def test_a_station_that_takes_no_orders_is_one_sentence(wire, folder):
    """With the status and the problem, for whoever started the demo."""
    wire.refuse = True
    clerk = clerk_for("accepted")
    assert clerk
    with pytest.raises(DemoError, match="503 urn:anxin:problem:not-accepting"):
        clerk.begin("http://station/v1/", folder)


def told_of(name: str) -> tuple[Walk, Clerk]:
    """A walk that ended well, and the clerk whose order it was."""
    case = EARLIER_PHOTOS[name]
    told = Walk(sitting_id="s-1", package_id="p-1", result="accepted")
    if case.offered:
        told.steps_s[State.REUSE.value] = 1.0
    clerk = clerk_for(name)
    assert clerk
    clerk.ordered.append("s-1")
    return told, clerk


def arrived(folder, origin: str):
    """What the centre opened."""
    (folder / "p-1").mkdir()
    (folder / "p-1" / "manifest.json").write_text(json.dumps({"origin": {"portrait": origin}}))
    return folder


@pytest.mark.parametrize("name", EARLIER_PHOTOS)
def test_the_expected_outcome_is_no_problem(wire, tmp_path, name):
    """Both the interface and the package that arrived say so."""
    told, clerk = told_of(name)
    wire.photo_state, wire.reason = clerk.case.expect, clerk.case.why
    tell_outcome(told, clerk, arrived(tmp_path, clerk.case.origin))

    assert told.problem == ""
    assert told.earlier_photo["photo"] == clerk.case.expect


@pytest.mark.parametrize(
    ("photo", "reason", "origin", "result", "differs"),
    [
        ("declined", None, "reused", "accepted", "photo"),
        ("used", None, "captured", "accepted", "portrait"),
        ("used", "too_old", "reused", "accepted", "reason"),
        ("used", None, "reused", "to_window", "result"),
        ("used", None, None, "accepted", "portrait"),
    ],
)
def test_any_other_outcome_is_a_problem(  # noqa: PLR0917 - the five things that can differ
    wire, tmp_path, photo, reason, origin, result, differs
):
    """A sitting that ended well by another way is not what was to be shown."""
    told, clerk = told_of("accepted")
    told.result = result
    wire.photo_state, wire.reason = photo, reason
    tell_outcome(told, clerk, arrived(tmp_path, origin) if origin else tmp_path)

    assert told.problem == f"the earlier photo came out otherwise: {differs}"


def test_a_sitting_that_nobody_ordered_is_a_problem_and_an_earlier_problem_stays(wire, tmp_path):
    """A walk-in would prove nothing; what went wrong first is what is told."""
    told, clerk = told_of("accepted")
    wire.photo_state = "used"
    clerk.ordered.clear()
    tell_outcome(told, clerk, arrived(tmp_path, "reused"))
    assert told.problem.endswith("ordered")
    told.problem = "the centre refused the package"
    tell_outcome(told, clerk, tmp_path)
    assert told.problem == "the centre refused the package"
