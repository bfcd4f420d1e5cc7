"""What a follower of the station's events is told, and that it misses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from edge import events as edge_events
from edge.events import KEPT_MS, Event, Events, note_event
from edge.store import Store
from edge.store.errors import StoreError
from tests.delivery_kit import SINK, Kit, make_kit
from tests.order_kit import opened, wanted

NOW_MS = 1_795_305_600_000


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("events"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh journal."""
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield store


def note(store: Store, at_ms: int = NOW_MS, subject: str = "camera-1", **facts) -> None:
    """Note one event in a transaction of its own."""
    store.write(lambda db: note_event(db, "device.state", subject, facts, at_ms))


def test_an_event_is_there_exactly_if_its_transaction_is(store: Store):
    """No event tells of what was rolled back, and numbers have no gap after it."""

    def fail(db: apsw.Connection) -> None:
        note_event(db, "station.ready", None, {}, NOW_MS)
        raise StoreError("on purpose")

    note(store, state="ready")
    with pytest.raises(StoreError, match="on purpose"):
        store.write(fail)
    note(store, state="failed")

    assert Events(store).after(0) == [
        Event(1, NOW_MS, "device.state", "camera-1", {"state": "ready"}),
        Event(2, NOW_MS, "device.state", "camera-1", {"state": "failed"}),
    ]
    assert Events(store).after(1, limit=1) == Events(store).after(0)[1:]


def test_what_is_no_code_is_not_told(store: Store):
    """A sentence or a name that somebody else put into a code never becomes an event."""
    note(store, subject="陈先生", reason="seal broken by 陈先生", code="refused:seal_broken", n=3)
    (event,) = Events(store).after(0)

    assert event.subject == "unfit"
    assert event.facts == {"reason": "unfit", "code": "refused:seal_broken", "n": 3}


def test_an_event_of_no_known_type_is_a_mistake(store: Store):
    """Clients act on the type: a new one is added to the list, not made up on the way."""
    with pytest.raises(ValueError, match="no event is called"):
        store.write(lambda db: note_event(db, "sitting.begun", None, {}, NOW_MS))  # type: ignore[arg-type]


def test_events_are_kept_for_seven_days_and_no_number_comes_twice(store: Store):
    """The oldest go first, also when all of them go; the next one goes on counting."""
    events = Events(store)
    for at_ms in (NOW_MS, NOW_MS + 1, NOW_MS + KEPT_MS + 1):
        note(store, at_ms)

    assert [event.id for event in events.after(0)] == [2, 3]
    assert (events.oldest(), events.kept()) == (2, (2, 3))
    store.write(lambda db: db.execute("delete from event"))
    assert events.kept() == (4, 3)
    note(store)
    assert [event.id for event in events.after(0)] == [4]


def test_a_clock_that_jumped_leaves_no_gap(store: Store):
    """Only from the beginning is anything forgotten, whatever the moments say."""
    for at_ms in (NOW_MS, NOW_MS - 3 * KEPT_MS, NOW_MS + 5):
        note(store, at_ms)

    assert [event.id for event in Events(store).after(0)] == [1, 2, 3]


def test_more_events_than_are_kept_push_out_the_oldest(store: Store, monkeypatch):
    """The table has a ceiling: a station that nobody follows does not fill its disk with events."""
    monkeypatch.setattr(edge_events, "KEPT_ROWS", 5)
    for _ in range(9):
        note(store)

    assert [event.id for event in Events(store).after(0)] == [5, 6, 7, 8, 9]


def test_whoever_waits_is_woken_by_the_commit_and_not_by_the_clock(store: Store):
    """A follower sleeps without asking, and what came between two waits is not slept through."""
    events = Events(store)
    seen = events.wait(-1, 0)
    note(store)
    assert events.wait(seen, 600) != seen

    seen, woken = events.wait(-1, 0), threading.Event()

    def follow() -> None:
        events.wait(seen, 600)
        woken.set()

    follower = threading.Thread(target=follow)
    follower.start()
    note(store)
    assert woken.wait(60)
    follower.join()


def told(store: Store) -> list[tuple[str, str | None, dict]]:
    """Return what the events say, without numbers and moments."""
    return [(event.type, event.subject, dict(event.facts)) for event in Events(store).after(0)]


def test_a_package_tells_that_it_was_sealed_and_delivered(kit: Kit, store: Store):
    """Sealed at its closing, delivered at the first receipt, once."""
    row = kit.hand_in(store, sinks={SINK: "custody", "pull": "custody", "archive": "copy"})
    store.record_receipt(row.package_id, "pull", "receipt")
    store.record_receipt(row.package_id, "pull", "receipt")
    store.record_receipt(row.package_id, "archive", None)

    assert told(store) == [
        ("package.sealed", row.package_id, {"sequence": 1, "size": row.size}),
        ("package.delivered", row.package_id, {"sink": "pull", "sequence": 1}),
    ]


def test_a_package_tells_once_that_nobody_takes_it(kit: Kit, store: Store):
    """Quarantined when the last custody sink has refused it, not before and not again."""
    row = kit.hand_in(store, sinks={SINK: "custody", "pull": "custody"})
    store.quarantine(row.package_id, SINK, "http_422")
    assert [type_ for type_, _, _ in told(store)] == ["package.sealed"]
    store.quarantine(row.package_id, "pull", "refused:seal_broken")
    store.quarantine(row.package_id, "pull", "refused:seal_broken")

    assert told(store)[1:] == [
        ("package.quarantined", row.package_id, {"sink": "pull", "code": "refused:seal_broken"})
    ]


def test_a_sitting_tells_its_course_without_a_word_of_the_person(store: Store):
    """Ordered, photo needed, started, ended: by id; after a restart the photo is asked for anew."""
    with opened(store) as orders:
        order = orders.add(wanted())
        other = orders.add(wanted())
        orders.take(other.sitting_id)
        orders.end(other.sitting_id, "cancelled")
    with opened(store):
        pass

    assert told(store) == [
        ("sitting.ordered", order.sitting_id, {}),
        ("sitting.reuse_photo_needed", order.sitting_id, {}),
        ("sitting.ordered", other.sitting_id, {}),
        ("sitting.reuse_photo_needed", other.sitting_id, {}),
        ("sitting.started", other.sitting_id, {}),
        ("sitting.ended", other.sitting_id, {"result": "cancelled"}),
        ("sitting.reuse_photo_needed", order.sitting_id, {}),
    ]
