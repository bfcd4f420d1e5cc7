"""The record of a sitting over a restart: whose it may become again, and whose it may not."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from edge.record_room import RecordRoom
from tests.delivery_kit import SINK, make_kit

NOON_S = 1_795_348_800
WITHIN_S = 1800


@dataclass
class WallClock:
    """The machine's clock, as a battery and a technician leave it."""

    now_s: float = NOON_S


@pytest.fixture
def clock(monkeypatch):
    clock = WallClock()
    monkeypatch.setattr(time, "time", lambda: clock.now_s)
    monkeypatch.setattr(time, "time_ns", lambda: round(clock.now_s * 1e9))
    return clock


@pytest.fixture
def room(tmp_path, clock):
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        yield RecordRoom(
            store, lambda _: [kit.sealer], {SINK: "custody"}, dict, lambda: None, keep_master=False
        )


@pytest.mark.parametrize(
    ("age_s", "resumed"),
    [(0, True), (WITHIN_S, True), (WITHIN_S + 1, False), (86_400, False), (-1, False)],
    ids=["at-once", "at-the-limit", "too-old", "a-day-later", "from-the-future"],
)
def test_a_sitting_is_resumed_only_while_its_person_may_still_be_there(room, clock, age_s, resumed):
    """Neither too old nor, after a clock went wrong, of an unknown age: the next person is another.

    What is not resumed stays, sealed, for an attendant.
    """
    record = room.begin("en")
    record.keep_consent("en")
    clock.now_s = NOON_S + age_s
    found = room.interrupted(WITHIN_S)

    assert (found is not None) is resumed
    assert found is None or found.package_id == record.package_id
    assert [one.package_id for one in room.store.open_packages()] == [record.package_id]


def test_a_sitting_without_consent_is_dropped_whatever_its_age(room, clock):
    """Nothing was agreed to, so nothing is resumed and nothing is kept."""
    room.begin("en")

    assert room.interrupted(WITHIN_S) is None
    assert room.store.open_packages() == []
