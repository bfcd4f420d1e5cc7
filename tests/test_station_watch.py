"""What befalls a station is told once, in words that are codes, and late rather than never."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.calibration.validity import NONE, Validity
from edge.events import Events
from edge.station_watch import KEYS_EVERY_S, SETTLED_S, WAITING_MAX, StationWatch, Watched
from edge.store import Store
from edge.store.errors import StoreFull
from edge.supervisor import DeviceState, DeviceStatus
from tests.delivery_kit import until

CAMERA = DeviceStatus("camera-1", "camera", "folder", "Folder", DeviceState.READY, "", 1_000)


class Watching:
    """A watch whose time and station a test moves."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_s = 1000.0
        self.camera = CAMERA
        self.reasons: tuple[str, ...] = ()
        self.days_left: float | None = None
        self.worth = NONE
        self.watched = Watched(
            lambda: [self.camera], lambda: self.reasons, lambda: self.days_left,
            lambda: {"camera-1": self.worth},
        )  # fmt: skip
        self.watch = StationWatch(store, lambda: self.now_s)

    def look(self, *, after_s: float = SETTLED_S) -> list[tuple[str, str | None, dict]]:
        """Let time pass, look once, and return what was noted since the look before."""
        before = Events(self.store).kept()[1]
        self.now_s += after_s
        self.watch.look(self.watched)
        return [(e.type, e.subject, dict(e.facts)) for e in Events(self.store).after(before)]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield store


@pytest.fixture
def watching(store):
    return Watching(store)


def test_a_start_tells_how_things_are_and_then_nothing(watching):
    """Whoever follows knows every device and whether a sitting may begin; no news is no event."""
    assert watching.look() == [
        ("device.state", "camera-1", {"state": "ready", "reason": ""}),
        ("station.ready", None, {}),
    ]
    assert watching.look() == []


def test_what_a_calibration_is_worth_is_told_when_it_changes(watching):
    """And at a start, unless there never was one; the days that go by are no news."""
    watching.look()
    watching.worth = Validity("valid", 40.9, "a" * 32, "2027-05-21")
    (told,) = watching.look()
    assert told == ("calibration.state", "camera-1", {"state": "valid", "days_left": 40})
    watching.worth = replace(watching.worth, days_left=35.0)
    assert watching.look() == []
    for state in ("due", "expired", "failed"):
        watching.worth = replace(watching.worth, state=state)
        assert [facts["state"] for _, _, facts in watching.look()] == [state]
    watching.worth = NONE
    assert watching.look() == [
        ("calibration.state", "camera-1", {"state": "none", "days_left": None})
    ]


def test_a_device_that_goes_and_comes_back_is_told_with_its_reason(watching):
    """Opening and being busy are no news: they come with every try and every capture."""
    watching.look()
    told = []
    for state, reason in (
        (DeviceState.BUSY, ""), (DeviceState.ABSENT, "not_connected"), (DeviceState.OPENING, ""),
        (DeviceState.ABSENT, "not_connected"), (DeviceState.READY, ""),
    ):  # fmt: skip
        watching.camera = replace(CAMERA, state=state, reason=reason)
        told += watching.look()

    assert told == [
        ("device.state", "camera-1", {"state": "absent", "reason": "not_connected"}),
        ("device.state", "camera-1", {"state": "ready", "reason": ""}),
    ]


def test_a_loose_plug_is_told_at_most_every_few_seconds_and_in_the_end(watching):
    """It must not push a week of events out of the journal."""
    watching.look()
    told = []
    for n in range(50):
        state = DeviceState.ABSENT if n % 2 else DeviceState.READY
        watching.camera = replace(CAMERA, state=state, reason="")
        told += watching.look(after_s=0.5)
    told += watching.look()

    assert len(told) <= 50 * 0.5 / SETTLED_S + 2
    assert told[-1][2]["state"] == "absent"


def test_why_no_sitting_may_begin_is_told_in_codes(watching):
    """Each change of the reasons, and the end of them."""
    watching.look()
    watching.reasons = ("device_out", "store_full")
    out = watching.look()
    watching.reasons = ()

    assert out == [("station.not_ready", None, {"reasons": "device_out,store_full"})]
    assert watching.look() == [("station.ready", None, {})]


def test_keys_that_end_soon_are_told_once_a_day(watching):
    """Often enough that somebody reads it, seldom enough that it is read."""
    watching.look()
    watching.days_left = 29.6

    assert watching.look() == [("key.expiring", None, {"days_left": 29})]
    assert watching.look() == []
    watching.days_left = 28.5
    assert watching.look(after_s=KEYS_EVERY_S) == [("key.expiring", None, {"days_left": 28})]


def test_what_cannot_be_written_now_is_written_later_and_once(watching, store, monkeypatch):
    """A full disk loses nothing of what befell the station meanwhile."""
    watching.look()

    def full(*_, **__):
        raise StoreFull("The disk is full: nothing was stored.")

    with monkeypatch.context() as disk:
        disk.setattr(store, "write", full)
        watching.days_left = 12.5
        watching.reasons = ("store_full",)
        assert watching.look() == []
    later = watching.look()

    assert [told[0] for told in later] == ["station.not_ready", "key.expiring"]
    assert watching.look() == []


def test_what_waits_is_bounded(watching, store, monkeypatch):
    """A disk that stays full fills no memory; the newest is kept."""
    with monkeypatch.context() as disk:
        disk.setattr(store, "write", lambda *_: (_ for _ in ()).throw(StoreFull("full")))
        for n in range(WAITING_MAX * 2):
            watching.watch._note("device.state", f"d-{n}", {})
        watching.look()

    assert len(watching.watch._waiting) == WAITING_MAX
    kept = [note.subject for note in watching.watch._waiting if note.type == "device.state"]
    assert f"d-{WAITING_MAX * 2 - 1}" in kept
    assert "d-0" not in kept


def test_a_watch_of_its_own_thread_looks_and_ends_clean(store):
    """What waits at the end is written; closing twice is allowed."""
    watching = Watching(store)
    watching.watch.start(watching.watched)
    try:
        until(lambda: Events(store).kept()[1] >= 2)
    finally:
        watching.watch.close()
    watching.watch._note("device.state", "d-9", {})
    watching.watch.close()

    assert [e.subject for e in Events(store).after(0)][-1] == "d-9"
