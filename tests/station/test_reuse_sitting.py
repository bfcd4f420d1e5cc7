"""An earlier photo in a whole sitting: real photo, real worker, real store, and the centre's copy.

One station serves all tests in turn, as it serves people; each begins with its own order.
"""

from __future__ import annotations

import gc
import hashlib
import io
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from edge import desk_requests
from edge.comparison import dlib
from edge.orders import OrderClosed, Wanted
from edge.reuse.rule import Candidate
from edge.settings import Neighbour, Settings, load_reuse_policy
from edge.sitting import Event, IllegalMove, Overlay, Result, StaleToken, State
from edge.staff import WrongPin, add_staff
from tests.station.bed import LONG_S, Bed, station_bed, with_limits

STAFF_ID, PIN = "wu-7", "190604"
APPLIED, SIXTY_TODAY, CAPTURED = "2026-11-22", "1966-11-22", "2024-03-01"
DOCUMENTS = ("cn_exit_entry_b", "cn_resident_id")


@dataclass
class Desk:
    """The station with its staff and its centre; brings orders and walks sittings."""

    bed: Bed
    numbers: Iterator[int]

    @property
    def desk(self):
        return self.bed.station.desk

    @property
    def orders(self):
        return self.bed.station.orders

    def order(self, photo: bytes | None, brought: bool = True, **changes: Any) -> str:
        """Order a sitting with this earlier photo; return its id."""
        captured = changes.pop("captured_at", CAPTURED)
        candidates = ()
        if photo is not None:
            digest = hashlib.sha256(photo).hexdigest()
            candidates = (Candidate("exit_entry", captured, None, digest),)
        wanted = {
            "applies_for": "ordinary_passport", "documents": DOCUMENTS, "applied_at": APPLIED,
            "positions": ("right_index",), "born_on": SIXTY_TODAY,
        }  # fmt: skip
        wanted |= changes
        order = self.orders.add(
            Wanted(f"order-{next(self.numbers)}", candidates=candidates, **wanted)
        )
        if photo is not None and brought:
            self.orders.bring_photo(order.sitting_id, photo)
        return order.sitting_id

    def agree(self):
        """From the welcome screen to what follows the consent."""
        self.start()
        return self.bed.ask(Event.AGREE)

    def start(self):
        """Begin as soon as the station is in service."""
        until_s = time.monotonic() + LONG_S
        # A screen that was just wiped says nothing of the service yet: ask the station itself.
        while self.bed.station.reasons() and time.monotonic() < until_s:
            time.sleep(0.02)
        self.bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        return self.bed.ask(Event.START)

    def to_live_look(self):
        """To the two pictures side by side."""
        assert self.agree().state is State.REUSE
        self.bed.ask(Event.REUSE_CHOSEN)
        return self.bed.until(lambda s: bool(s.reuse and s.reuse.needs_staff), "the attendant")

    def sign(self, same: bool):
        return self.desk.sign_same_person(self.desk.snapshot.token, STAFF_ID, PIN, same)

    def leave(self) -> None:
        if self.desk.snapshot.state is not State.WELCOME:
            self.bed.ask(Event.LEAVE)

    def hand_in(self) -> dict[str, Any]:
        """Give no finger, hand in, and return what the centre opened: manifest and records."""
        sitting_id = self.desk.snapshot.sitting_id
        self.bed.until(lambda s: s.finger is not None or s.state is State.REVIEW, "the finger")
        if self.desk.snapshot.state is State.FINGER:
            self.bed.ask(Event.FINGERS_REFUSED)
        self.bed.finish()
        self.bed.ask(Event.FINISH)
        store = self.bed.station.store
        self.bed.until_receipted(len(store.packages()))
        row = next(row for row in store.packages() if row.sitting_id == sitting_id)
        folder = self.bed.plan.folder / "centre" / "packages" / row.package_id
        opened = {
            str(path.relative_to(folder / "parts")): path.read_bytes()
            for path in (folder / "parts").rglob("*")
            if path.is_file()
        }
        return {"manifest": json.loads((folder / "manifest.json").read_text()), **opened}


def with_staff(folder: Path, **limits: float):
    """Return a change of settings: one attendant may sign."""
    staff = folder / "staff.toml"
    add_staff(staff, STAFF_ID, PIN)

    def change(settings: Settings) -> Settings:
        reuse = settings.reuse.model_copy(update={"staff_file": staff})
        # No finger is given here: no process needs to begin for it in the middle of a test.
        fingers = settings.fingers.model_copy(update={"examiner": "none"})
        changed = {"reuse": reuse, "fingers": fingers}
        return with_limits(settings, **limits).model_copy(update=changed)

    return change


def document_photo(picture: Path, eyes: tuple[int, int]) -> bytes:
    """A photo as an archive has it: cut about the eyes, 354x472, with a comment of its own."""
    x, y = eyes
    out = io.BytesIO()
    with Image.open(picture) as image:
        cut = image.convert("RGB").crop((x - 270, y - 300, x + 270, y + 420)).resize((354, 472))
        cut.save(out, "JPEG", quality=92, comment=b"archive")
    return out.getvalue()


@pytest.fixture(scope="module")
def own_photo(pictures: Path) -> bytes:
    """Of the man who stands before the camera."""
    return document_photo(pictures / "man-in-suit.jpg", (477, 426))


@pytest.fixture(scope="module")
def other_photo(pictures: Path) -> bytes:
    """Of another man."""
    return document_photo(pictures / "man-35.jpg", (558, 417))


@pytest.fixture(scope="module")
def one_station(tmp_path_factory, scenes) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("reuse")
    with station_bed(folder, scenes, presses=(), change=with_staff(folder)) as bed:
        yield Desk(bed, itertools.count())


@pytest.fixture
def station(one_station: Desk) -> Iterator[Desk]:
    """The station with the man in the suit before it, nobody's sitting and no order left over."""
    one_station.bed.play('play = "suit"')
    yield one_station
    one_station.leave()
    for order in one_station.orders.waiting():
        one_station.orders.end(order.sitting_id, "cancelled")


def test_a_photo_that_is_the_person_s_is_sealed_byte_for_byte_for_every_document(
    station, own_photo
):
    """Accepted: no new picture, an attendant's word, and a record that says all of it."""
    sitting_id = station.order(own_photo)
    shown = station.to_live_look()
    assert (shown.reuse.source, shown.reuse.year) == ("exit_entry", 2024)
    assert shown.documents == DOCUMENTS
    earlier = station.desk.earlier_photo_jpeg(shown.token)
    assert earlier.startswith(b"\xff\xd8")
    assert earlier != own_photo
    assert station.desk.live_look_jpeg(shown.token).startswith(b"\xff\xd8")

    signed = station.sign(same=True)

    assert (signed.state, signed.portrait_in) == (State.FINGER, True)
    assert station.orders.row(sitting_id).photo == "used"
    opened = station.hand_in()
    assert {opened[f"portrait/{name}.jpg"] for name in DOCUMENTS} == {own_photo}
    assert "portrait/master.jpg" not in opened
    assert opened["manifest"]["origin"] == {"portrait": "reused"}
    assert opened["manifest"]["sitting_id"] == sitting_id
    said = json.loads(opened["reuse.json"])
    policy = load_reuse_policy()
    assert said["policy"] == {
        "id": "cn_elder", "version": policy.version, "sha256": policy.sha256,
    }  # fmt: skip
    assert said["comparison"] == {
        "method": "attendant", "value": None, "threshold": None, "attendant_id": STAFF_ID,
    }  # fmt: skip
    assert (said["origin"], said["date"], said["age_days"]) == ("reused", CAPTURED, 996)
    assert (said["agreed_by"], said["geometry"]) == ("applicant", "waived")
    assert said["sha256"] == hashlib.sha256(own_photo).hexdigest()
    assert {row["document"] for row in said["recheck"]} == set(DOCUMENTS)
    rows = {row["name"]: row for row in opened["manifest"]["parts"]}
    part = rows["portrait/cn_resident_id.jpg"]
    assert part["assisted_by"] == {"role": "attendant", "id": STAFF_ID, "reason": "same_person"}
    width = next(row for row in part["readings"] if row["measure"] == "width")
    assert (width["verdict"], width["advisory"]) == ("rejected", True)
    order = station.orders.row(sitting_id)
    assert (order.state, order.result) == ("ended", "accepted_with_missing")
    assert [row["what"] for row in order.missing] == ["finger:right_index"]


def test_whoever_wants_a_new_photo_gets_one_and_only_the_choice_is_recorded(station, own_photo):
    """Declined: no reason is asked, and nothing of the earlier photo is in the package."""
    sitting_id = station.order(own_photo)
    assert station.agree().state is State.REUSE
    token = station.desk.snapshot.token
    shown = station.bed.ask(Event.REUSE_DECLINED)

    assert (shown.state, shown.reuse) == (State.PORTRAIT, None)
    assert station.desk.earlier_photo_jpeg(token) is None
    assert station.orders.row(sitting_id).photo == "declined"
    station.bed.take_portrait()
    opened = station.hand_in()
    assert json.loads(opened["reuse.json"]) == {"v": 1, "origin": "captured", "reuse": "declined"}
    assert json.loads(opened["sitting.json"])["reuse"] is None
    assert opened["manifest"]["origin"] == {"portrait": "captured"}
    assert own_photo not in opened.values()


def test_a_photo_of_somebody_else_leads_to_a_new_one_without_a_word_of_why(station, other_photo):
    """Other person: one neutral line for the person, the reason in the record alone."""
    sitting_id = station.order(other_photo)
    token = station.to_live_look().token
    shown = station.sign(same=False)

    assert shown.state is State.PORTRAIT
    assert shown.reuse.refused == "new_one"
    assert shown.reuse.checks == ()
    assert station.desk.earlier_photo_jpeg(token) is None
    assert station.desk.live_look_jpeg(token) is None
    row = station.orders.row(sitting_id)
    assert (row.photo, row.photo_reason) == ("unfit", "other_person")
    assert station.bed.ask(Event.PORTRAIT_GIVEN_UP).reuse is None
    opened = station.hand_in()
    said = json.loads(opened["sitting.json"])["reuse"]
    assert said["reason"] == "other_person"
    assert said["comparison"]["attendant_id"] == STAFF_ID
    assert said["policy"]["sha256"] == load_reuse_policy().sha256
    assert "reuse.json" not in opened
    assert opened["manifest"]["origin"] == {"portrait": None}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"captured_at": "2021-11-21"}, "too_old"),
        ({"captured_at": "2026-11-23"}, "date_unknown"),
        ({"born_on": "1966-11-23"}, "under_age"),
        ({"applies_for": "driving_licence"}, "other_document"),
    ],
    ids=["too-old-by-a-day", "from-the-future", "sixty-tomorrow", "other-document"],
)
def test_a_photo_that_the_rule_does_not_allow_is_not_offered(station, own_photo, changes, reason):
    """The person sees nothing of it; the record has the reason, no date of birth and no age."""
    sitting_id = station.order(own_photo, brought=False, **changes)
    shown = station.agree()

    assert (shown.state, shown.reuse) == (State.PORTRAIT, None)
    assert station.desk.earlier_photo_jpeg(shown.token) is None
    assert station.orders.row(sitting_id).photo_reason == reason
    (package,) = station.bed.station.store.open_packages()
    assert package.sitting["reuse"]["reason"] == reason
    assert "1966" not in json.dumps(package.sitting)


@pytest.mark.parametrize("born_on", ["1966-11-22", "1966-11-21"])
@pytest.mark.parametrize("captured_at", ["2021-11-22", "2026-11-22"])
def test_who_is_exactly_sixty_today_is_offered_a_photo_of_exactly_five_years(
    station, own_photo, born_on, captured_at
):
    """Both limits are inclusive."""
    station.order(own_photo, born_on=born_on, captured_at=captured_at)
    shown = station.agree()

    assert shown.state is State.REUSE
    assert shown.reuse.year == int(captured_at[:4])


def test_a_photo_that_cannot_be_read_leads_to_a_new_one(station, own_photo):
    """Unreadable: the worker says why, the record keeps the code, the worker lives on."""
    restarts = station.bed.station.vision.restarts
    sitting_id = station.order(own_photo[: len(own_photo) // 2])
    shown = station.agree()

    assert (shown.state, shown.reuse) == (State.PORTRAIT, None)
    assert station.orders.row(sitting_id).photo_reason == "photo_truncated"
    assert station.bed.station.vision.restarts == restarts


def test_a_photo_that_does_not_come_keeps_nobody_waiting(station, own_photo):
    """Not there in time: the sitting goes on as if there were none."""
    sitting_id = station.order(own_photo, brought=False)

    assert station.agree().state is State.PORTRAIT
    assert station.orders.row(sitting_id).photo_reason == "photo_not_here"


def test_an_order_s_documents_and_fingers_are_asked_for_instead_of_the_station_s(station):
    """What was ordered decides, and without an earlier photo nothing is said of one."""
    sitting_id = station.order(None, documents=("cn_exit_entry_b",), positions=("left_little",))
    shown = station.agree()

    assert (shown.state, shown.documents) == (State.PORTRAIT, ("cn_exit_entry_b",))
    assert shown.sitting_id == sitting_id
    station.bed.ask(Event.PORTRAIT_GIVEN_UP)
    shown = station.bed.until(lambda s: s.finger is not None, "the finger")
    assert shown.finger.position == "left_little"
    station.bed.ask(Event.LEAVE)
    assert station.orders.row(sitting_id).result == "cancelled"


def test_the_oldest_order_is_served_first_and_a_declined_consent_ends_it(station):
    """One order a sitting, in the order in which they came."""
    first, second = station.order(None), station.order(None)
    assert station.start().sitting_id == first
    station.bed.ask(Event.DECLINE)
    station.bed.ask(Event.FINISH)
    assert station.orders.row(first).result == "cancelled"
    station.start()

    assert station.desk.snapshot.sitting_id == second


def test_two_pictures_that_wait_for_an_attendant_call_one(station, own_photo):
    """The screen says that staff come: they are told, once."""
    calls = lambda: station.bed.station.figures.registry.get_sample_value(  # noqa: E731
        "anxin_help_calls_total"
    )
    before = calls()
    station.order(own_photo)
    station.to_live_look()
    station.bed.until(lambda _: calls() > before, "the call")
    station.bed.ask(Event.REUSE_DECLINED)

    assert calls() == before + 1


def test_a_wrong_pin_signs_nothing(station, own_photo):
    """Neither a wrong PIN, nor another's token, nor a signature that nobody asked for."""
    station.order(own_photo)
    shown = station.to_live_look()
    with pytest.raises(WrongPin):
        station.desk.sign_same_person(shown.token, STAFF_ID, "000000", same=True)
    with pytest.raises(WrongPin):
        station.desk.sign_same_person(shown.token, "nobody", PIN, same=True)
    with pytest.raises(StaleToken):
        station.desk.sign_same_person("stale", STAFF_ID, PIN, same=True)
    assert station.desk.snapshot.state is State.REUSE_CHECK
    station.bed.ask(Event.REUSE_DECLINED)

    with pytest.raises(IllegalMove):
        station.sign(same=True)
    assert station.desk.snapshot.state is State.PORTRAIT


def reachable_bytes(root: object) -> Iterator[bytes]:
    """Every bytes object that a root still leads to, not by way of a module, which leads to all."""
    seen, fresh = {id(root)}, [root]
    while fresh:
        for found in gc.get_referents(fresh.pop()):
            is_module = isinstance(found, ModuleType) or (
                isinstance(found, dict) and "__builtins__" in found
            )
            if isinstance(found, bytes | bytearray):
                yield bytes(found)
            elif id(found) not in seen and not isinstance(found, type) and not is_module:
                seen.add(id(found))
                fresh.append(found)


@pytest.mark.parametrize("way", [Event.LEAVE, Event.REUSE_DECLINED])
def test_whoever_leaves_or_declines_takes_both_pictures_along(station, own_photo, way):
    """Nothing that lives on leads to the earlier photo, its preview or the live look."""
    sitting_id = station.order(own_photo)
    token = station.to_live_look().token
    desk = station.desk
    pictures = [desk.earlier_photo_jpeg(token), desk.live_look_jpeg(token), own_photo]
    pieces = [picture[len(picture) // 2 :][:48] for picture in pictures]
    roots = (desk, station.orders)
    held = [piece for root in roots for found in reachable_bytes(root)
            for piece in pieces if piece in found]  # fmt: skip
    assert set(held) == set(pieces), "the search must be able to find them"
    station.bed.ask(way)

    assert desk.earlier_photo_jpeg(token) is None
    assert desk.live_look_jpeg(token) is None
    assert not [found for root in roots for found in reachable_bytes(root)
                for piece in pieces if piece in found]  # fmt: skip
    row = station.orders.row(sitting_id)
    assert (row.photo == "declined") is (way is Event.REUSE_DECLINED)
    assert (row.result == "cancelled") is (way is Event.LEAVE)


def test_a_new_portrait_in_the_review_takes_the_place_of_the_earlier_photo(station, own_photo):
    """The person may change her mind to the end; the package says captured, and by whom agreed."""
    sitting_id = station.order(own_photo, proxy=True)
    station.to_live_look()
    station.sign(same=True)
    station.bed.until(lambda s: s.finger is not None, "the finger")
    station.bed.ask(Event.FINGERS_REFUSED)
    station.bed.until_state(State.REVIEW)
    station.bed.ask(Event.PORTRAIT_AGAIN)
    station.bed.take_portrait()
    opened = station.hand_in()

    assert opened["manifest"]["origin"] == {"portrait": "captured"}
    assert json.loads(opened["reuse.json"])["reuse"] == "declined"
    assert own_photo not in opened.values()
    assert "portrait/master.jpg" in opened
    assert station.orders.row(sitting_id).photo == "declined"


def test_a_camera_or_a_worker_that_is_lost_in_the_live_look_is_waited_for(
    tmp_path, scenes, own_photo
):
    """The calm screen stands there, and the look goes on when both are back."""
    change = with_staff(tmp_path)
    with station_bed(tmp_path, scenes, presses=(), centre=False, change=change) as bed:
        station = Desk(bed, itertools.count())
        station.order(own_photo)
        station.agree()
        bed.unplug_camera()
        # A frame from before must not be the look.
        bed.until(lambda s: s.camera != "ready", "the camera's absence")
        bed.ask(Event.REUSE_CHOSEN)
        os.kill(bed.station.vision.pid, signal.SIGKILL)
        calm = bed.until(lambda s: s.overlay is Overlay.CALM, "the calm screen")
        assert calm.state is State.REUSE_CHECK
        bed.plug_camera()
        shown = bed.until(lambda s: bool(s.reuse and s.reuse.needs_staff), "the look")

        assert shown.overlay is None
        assert station.sign(same=True).state is State.FINGER


def test_an_attendant_takes_the_portrait_of_who_cannot_turn_the_head(station):
    """By hand, with PIN and reason: what was overruled is named, and its reading stays rejected."""
    station.bed.play('play = "turned"')
    station.order(None, documents=("cn_exit_entry",))
    station.agree()
    shown = station.bed.until(lambda s: s.hint == "portrait.turn_right", "the hint")
    desk = station.desk
    with pytest.raises(WrongPin):
        desk.manual_shutter(shown.token, STAFF_ID, "000000", "neck_condition")
    with pytest.raises(ValueError, match="whim"):
        desk.manual_shutter(shown.token, STAFF_ID, PIN, "whim")
    desk.manual_shutter(shown.token, STAFF_ID, PIN, "neck_condition")
    station.bed.take_portrait()
    with pytest.raises(IllegalMove):
        desk.manual_shutter(shown.token, STAFF_ID, PIN, "neck_condition")
    opened = station.hand_in()

    parts = {row["name"]: row for row in opened["manifest"]["parts"]}
    part = parts["portrait/cn_exit_entry.jpg"]
    by_hand = part["assisted_by"]
    assert (by_hand["id"], by_hand["reason"]) == (STAFF_ID, "neck_condition")
    assert "HeadPoseYaw" in by_hand["waived"]
    yaw = next(row for row in part["readings"] if row["measure"] == "HeadPoseYaw")
    assert yaw["verdict"] == "rejected"
    assert parts["portrait/master.jpg"]["assisted_by"] == by_hand


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_power_cut_costs_the_earlier_photo_and_nothing_else(
    tmp_path, scenes, own_photo, monkeypatch
):
    """In the offer, in the check, while it is sealed: afterwards the same order, a new portrait."""
    numbers = itertools.count()

    def open_station(**limits: float):
        change = with_staff(tmp_path, **limits)
        return station_bed(tmp_path, scenes, presses=(), centre=False, change=change)

    def resumes(desk: Desk, sitting_id: str) -> None:
        shown = desk.bed.until(lambda s: s.resumed, "the resumed sitting")
        assert (shown.state, shown.sitting_id) == (State.PORTRAIT, sitting_id)
        assert shown.documents == DOCUMENTS
        assert not shown.portrait_in
        row = desk.orders.row(sitting_id)
        assert (row.state, row.photo_reason) == ("running", "interrupted")
        (package,) = desk.bed.station.store.open_packages()
        assert [part.name for part in package.parts] == ["consent.json"]
        desk.leave()

    with open_station() as bed:
        desk = Desk(bed, numbers)
        in_offer = desk.order(own_photo)
        assert desk.agree().state is State.REUSE
    with open_station() as bed:
        desk = Desk(bed, numbers)
        resumes(desk, in_offer)
        in_check = desk.order(own_photo)
        desk.to_live_look()
    with open_station() as bed:
        desk = Desk(bed, numbers)
        resumes(desk, in_check)
        in_seal = desk.order(own_photo)
        desk.to_live_look()
        cut = cut_at(bed.station.store, "reuse.json")
        touches_until(cut, lambda: desk.sign(same=True), monkeypatch)
    with open_station() as bed:
        resumes(Desk(bed, numbers), in_seal)
    # A station of its own: while it begins, a busy machine may look at nobody for longer than this.
    with open_station(idle_s=1.0, still_there_s=0.5) as bed:
        desk = Desk(bed, numbers)
        bed.play('play = "nobody"')
        waits = desk.order(None)
        desk.start()
        bed.until_state(State.WELCOME)

        # Nothing was agreed to: the person may come back and begin.
        assert desk.orders.row(waits).state == "waiting"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_power_cut_after_the_choice_loses_neither_it_nor_the_order_s_word_of_it(
    tmp_path, scenes, own_photo, monkeypatch
):
    """What is in the record is told to the order by the next start; the photo is in once."""

    def open_station():
        return station_bed(tmp_path, scenes, presses=(), centre=False, change=with_staff(tmp_path))

    def lost(desk: Desk, ask) -> None:
        reached = threading.Event()

        def cut(*_):
            reached.set()
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(desk.orders, "mark_photo", cut)
            touches_until(reached, ask, monkeypatch)

    with open_station() as bed:
        desk = Desk(bed, itertools.count())
        agreed = desk.order(own_photo)
        desk.to_live_look()
        lost(desk, lambda: desk.sign(same=True))
    with open_station() as bed:
        desk = Desk(bed, itertools.count())
        shown = bed.until(lambda s: s.resumed, "the resumed sitting")
        assert (shown.state, shown.sitting_id) == (State.FINGER, agreed)
        assert desk.orders.row(agreed).photo == "used"
        with pytest.raises(OrderClosed):
            desk.orders.bring_photo(agreed, own_photo)
        (package,) = bed.station.store.open_packages()
        names = [part.name for part in package.parts]
        assert names == [
            "consent.json",
            *(f"portrait/{one}.jpg" for one in DOCUMENTS),
            "reuse.json",
        ]
        desk.leave()
        declined = desk.order(own_photo)
        assert desk.agree().state is State.REUSE
        lost(desk, lambda: bed.ask(Event.REUSE_DECLINED))
    with open_station() as bed:
        desk = Desk(bed, itertools.count())
        shown = bed.until(lambda s: s.resumed, "the resumed sitting")

        assert (shown.state, shown.sitting_id) == (State.PORTRAIT, declined)
        assert desk.orders.row(declined).photo == "declined"


def cut_at(store, name: str) -> threading.Event:
    """Cut the power, as far as the sitting can tell, when this part is about to be committed.

    Returns: set when the power is cut.
    """
    committed, reached = store.add_parts, threading.Event()

    def cut(package_id, parts, sitting=None):
        if any(part.name == name for part in parts):
            reached.set()
            raise SystemExit
        committed(package_id, parts, sitting)

    store.add_parts = cut
    return reached


def touches_until(cut: threading.Event, ask, monkeypatch) -> None:
    """Touch until the power is cut: a touch that a busy loop came to too late was never made."""
    until_s = time.monotonic() + LONG_S
    with monkeypatch.context() as patch:
        patch.setattr(desk_requests, "REQUEST_TIMEOUT_S", 0.5)
        while not cut.is_set():
            assert time.monotonic() < until_s, "the power was never cut"
            with pytest.raises(TimeoutError):
                ask()


def test_a_matcher_that_was_calibrated_here_vouches_without_an_attendant(
    tmp_path, scenes, own_photo, other_photo, monkeypatch
):
    """By a policy that says so: the same man is agreed to, another is not, and both are recorded.

    Nobody of the staff works here at all.
    """
    config = dlib.Config()
    if dlib.missing(config) is not None:
        pytest.skip("the comparison is not installed")
    policy = load_reuse_policy()
    rule = policy.reuse["cn_elder"].model_copy(update={"same_person": "matcher"})
    by_matcher = policy.model_copy(update={"reuse": {"cn_elder": rule}})
    monkeypatch.setattr("edge.station.load_reuse_policy", lambda: by_matcher)

    def change(settings: Settings) -> Settings:
        comparer = Neighbour(driver="dlib", options={"calibrated": True})
        reuse = settings.reuse.model_copy(update={"comparer": comparer})
        return settings.model_copy(update={"reuse": reuse})

    with station_bed(tmp_path, scenes, presses=(), centre=False, change=change) as bed:
        station = Desk(bed, itertools.count())
        station.order(own_photo)
        assert station.agree().state is State.REUSE
        bed.ask(Event.REUSE_CHOSEN)
        bed.until_state(State.FINGER)
        (package,) = bed.station.store.open_packages()
        assert package.sitting["origin"] == "reused"
        assert {part.facts["assisted_by"] for part in package.parts if "origin" in part.facts} == {
            None
        }
        station.leave()
        sitting_id = station.order(other_photo)
        station.agree()
        bed.ask(Event.REUSE_CHOSEN)
        shown = bed.until_state(State.PORTRAIT)

        assert shown.reuse.refused == "new_one"
        assert station.orders.row(sitting_id).photo_reason == "other_person"
        (package,) = bed.station.store.open_packages()
        compared = package.sitting["reuse"]["comparison"]
        assert compared["value"] < compared["threshold"]
        assert compared["attendant_id"] is None


def test_nobody_is_offered_a_photo_where_nobody_can_sign(tmp_path, scenes, own_photo):
    """Without staff and without a matcher a photo cannot be anybody's: a new one is taken."""
    with station_bed(tmp_path, scenes, presses=(), centre=False) as bed:
        desk = Desk(bed, itertools.count())
        sitting_id = desk.order(own_photo)
        shown = desk.agree()

        assert shown.state is State.PORTRAIT
        assert desk.orders.row(sitting_id).photo_reason == "no_attendant"
        with pytest.raises(WrongPin):
            desk.desk.manual_shutter(shown.token, STAFF_ID, PIN, "neck_condition")
        assert desk.desk.snapshot.result is not Result.TO_WINDOW
