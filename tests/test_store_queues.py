"""What waits: in order of age, the green channel by itself, counted at the cost of what waits."""

from __future__ import annotations

import pytest

from edge.store.counters import count, counted, counters
from tests.delivery_kit import SINK, STATION, make_kit, new_id


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def store(kit):
    with kit.open_store() as store:
        yield store


def hand_in_urgently(kit, store):
    package_id = new_id()
    kid = kit.sealer.sealing_key.kid
    store.open_package(package_id, "sitting-1", STATION, kid, {}, urgent=True)
    return kit.shut(store, package_id).package_id


def test_the_green_channel_is_listed_by_itself_and_in_its_place(kit, store):
    """An outbox can let the urgent ones go first and forget nobody else."""
    order = [kit.hand_in(store).package_id, hand_in_urgently(kit, store)]
    order += [kit.hand_in(store).package_id, hand_in_urgently(kit, store)]

    assert [row.package_id for row in store.pending(SINK)] == order
    assert [row.urgent for row in store.pending(SINK)] == [False, True, False, True]
    assert [row.package_id for row in store.pending(SINK, urgent=True)] == [order[1], order[3]]
    (first, _) = store.pending(SINK, urgent=True)
    assert store.pending(SINK, 1, first.cursor, urgent=True)[0].package_id == order[3]


def test_what_was_delivered_urgently_waits_no_more(kit, store):
    """The green channel empties as the queue does."""
    urgent = hand_in_urgently(kit, store)
    store.record_receipt(urgent, SINK, "a.b.c")

    assert store.pending(SINK, urgent=True) == []
    assert store.pending("another sink", urgent=True) == []


def test_the_oldest_of_what_waits_is_the_one_that_was_opened_first(kit, store):
    """Health shows how many wait and since when, of each sink by itself."""
    rows = [kit.hand_in(store) for _ in range(3)]
    assert store.waiting(SINK) == (3, rows[0].sealed_at_ms)
    store.record_receipt(rows[0].package_id, SINK, "a.b.c")

    assert store.waiting(SINK) == (2, rows[1].sealed_at_ms)
    assert store.waiting("another sink") == (0, None)


def test_pages_of_one_state_hold_that_state_alone(kit, store):
    """In order, behind the cursor, whatever lies between."""
    rows = [kit.hand_in(store) for _ in range(5)]
    for row in rows[::2]:
        store.record_receipt(row.package_id, SINK, "a.b.c")

    assert [row.sequence for row in store.packages(state="ready")] == [2, 4]
    assert [row.sequence for row in store.packages(rows[0].cursor, 1, "receipted")] == [3]


def test_a_counter_begins_at_nothing_and_outlives_the_restart(kit):
    """Months of figures, and the persons whose number the law asks for."""
    with kit.open_store() as store:
        assert store.read(lambda db: counted(db, "sittings/2026-11/accepted")) == 0
        store.write(lambda db: count(db, "sittings/2026-11/accepted"))
        assert store.write(lambda db: count(db, "sittings/2026-11/accepted", 4)) == 5
        store.write(lambda db: count(db, "sittings/2026-11/lost"))
    with kit.open_store() as store:
        found = store.read(lambda db: counters(db, "sittings/2026-11/"))

    assert found == {"accepted": 5, "lost": 1}


def test_every_closed_package_is_one_more_person(kit, store):
    """Closed, not opened: who left has left nothing here."""
    kit.fill(store, new_id())
    for _ in range(3):
        kit.hand_in(store)

    assert store.read(lambda db: counted(db, "persons")) == 3
