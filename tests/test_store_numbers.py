"""A number is never used twice, whatever became of the journal that counted it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from edge.events import Events
from edge.store import StoreBroken, StoreFull
from edge.store.numbers import (
    EVENT_BLOCK,
    SEQUENCE_BLOCK,
    UNKNOWN_JUMP,
    Ceilings,
    numbers_file_of,
    read_ceilings,
)
from tests.delivery_kit import SINK, make_kit


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


def journal(kit):
    return kit.folder / "store.db"


def damage(kit):
    """The first page is no page any more."""
    (kit.folder / "store.db-wal").unlink(missing_ok=True)
    with journal(kit).open("r+b") as file:
        file.write(os.urandom(4096))


def outcomes(store):
    entries = [json.loads(row.entry) for row in store.audit_rows()]
    return {entry["act"]: entry["about"] for entry in entries}


def test_after_a_journal_was_set_aside_the_numbers_go_on_above_it(kit):
    """The centre sees a gap, never a number twice; the events' followers likewise."""
    with kit.open_store() as store:
        rows = [kit.hand_in(store) for _ in range(5)]
        newest_event = Events(store).kept()[1]
        persons = store.holdings().persons
    damage(kit)
    with kit.open_store() as store:
        assert store.alarms == ("store_set_aside",)
        after = kit.hand_in(store)
        assert after.sequence > rows[-1].sequence
        assert after.sequence <= rows[-1].sequence + SEQUENCE_BLOCK
        assert Events(store).kept()[1] > newest_event
        assert store.holdings().persons > persons
        assert outcomes(store)["store.continue"] == {"sequence": str(after.sequence - 1)}
        again = kit.hand_in(store)
        assert again.sequence == after.sequence + 1
    damage(kit)
    with kit.open_store() as store:
        assert kit.hand_in(store).sequence > again.sequence


def test_the_file_beside_the_journal_is_always_ahead_of_it(kit, monkeypatch):
    """Written before a number is used: also at the edge of a block."""
    monkeypatch.setattr("edge.store.numbers.SEQUENCE_BLOCK", 3)
    with kit.open_store() as store:
        for _ in range(8):
            row = kit.hand_in(store)
            kept = read_ceilings(journal(kit))
            assert kept.sequence >= row.sequence
            assert kept.event > Events(store).kept()[1]
            assert kept.persons >= store.holdings().persons


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b'{"sequence": "x"}'])
def test_where_the_file_is_lost_too_the_numbers_go_on_far_above(kit, content):
    """Nobody knows how far they were: so far that nobody can have been there."""
    with kit.open_store() as store:
        kit.hand_in(store)
    file = numbers_file_of(journal(kit))
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    damage(kit)
    with kit.open_store() as store:
        assert kit.hand_in(store).sequence == UNKNOWN_JUMP + 1
        assert store.warnings.count("persons_limit") == 0


@pytest.mark.parametrize(
    "number", ["1e400", "1e30", "9007199254740992", "-5", "1.5", "true", '"7"', "[" * 100_000],
    ids=["endless", "too_large", "beyond_json", "negative", "broken", "truth", "word", "deep"],
)  # fmt: skip
@pytest.mark.parametrize("journal_lost", [False, True])
def test_a_file_with_impossible_numbers_is_as_good_as_none(kit, number, journal_lost):
    """The station starts, and no number comes twice."""
    with kit.open_store() as store:
        last = kit.hand_in(store).sequence
    said = f'{{"sequence": {number}, "event": 1, "persons": 1, "lineage": "a"}}'
    numbers_file_of(journal(kit)).write_text(said)
    if journal_lost:
        damage(kit)
    with kit.open_store() as store:
        following = kit.hand_in(store).sequence

    assert following == (UNKNOWN_JUMP + 1 if journal_lost else last + 1)


def test_a_journal_that_somebody_took_away_is_not_begun_at_one_again(kit):
    """Its key's check value is still there: there was one."""
    with kit.open_store() as store:
        last = kit.hand_in(store).sequence
    for suffix in ("", "-wal", "-shm"):
        (kit.folder / f"store.db{suffix}").unlink(missing_ok=True)
    with kit.open_store() as store:
        assert kit.hand_in(store).sequence > last


def test_a_sound_journal_has_its_file_again_after_a_start(kit):
    """Lost by itself it is written anew, from what the journal says."""
    with kit.open_store() as store:
        kit.hand_in(store)
    numbers_file_of(journal(kit)).unlink()
    with kit.open_store() as store:
        newest = Events(store).kept()[1]
        found = read_ceilings(journal(kit))
        expected = Ceilings(1 + SEQUENCE_BLOCK, newest + EVENT_BLOCK, 1 + SEQUENCE_BLOCK)
        assert found == replace(expected, lineage=found.lineage)
        assert len(found.lineage) == 32
        assert kit.hand_in(store).sequence == 2


@pytest.mark.parametrize("number", [28, 122])
def test_no_room_for_the_file_is_no_room_for_the_closing(kit, monkeypatch, number):
    """A number that could come twice is not used: nothing happened, and later it goes on."""
    monkeypatch.setattr("edge.store.numbers.SEQUENCE_BLOCK", 1)

    def full(*_):
        raise OSError(number, "no room")

    with kit.open_store() as store:
        kit.hand_in(store)
        with monkeypatch.context() as disk:
            disk.setattr("edge.store.numbers.write_secret", full)
            with pytest.raises(StoreFull):
                kit.hand_in(store)
        assert store.refusals == ()
        assert store.packages()[-1].sequence == 1
        (opened,) = store.open_packages()
        assert kit.shut(store, opened.package_id).sequence == 2
        assert len(store.pending(SINK)) == 2


def test_a_disk_that_fails_under_the_file_ends_the_service(kit, monkeypatch):
    """As under the journal itself: what reached the disk is unknown."""

    def broken(*_):
        raise OSError(5, "input/output error")

    monkeypatch.setattr("edge.store.numbers.SEQUENCE_BLOCK", 1)
    with kit.open_store() as store:
        kit.hand_in(store)
        monkeypatch.setattr("edge.store.numbers.write_secret", broken)
        with pytest.raises(StoreBroken, match="IOError"):
            kit.hand_in(store)
        assert store.refusals == ("store_broken",)
