"""What a follower of the station's events is told, and that it misses nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import httpx
import pytest

from api.departure import Listening
from api.problems import Refused
from api.v1 import events as v1_events
from api.v1.events import Telling
from edge import events as edge_events
from edge.events import KEPT_MS, Event, Events, note_event
from edge.store import Store
from edge.store.errors import StoreError
from tests.collect_kit import BEARER, Served, served
from tests.delivery_kit import SINK, Kit, make_kit, until
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
    assert events.wait(seen, 60) != seen

    seen, woken = events.wait(-1, 0), threading.Event()

    def follow() -> None:
        events.wait(seen, 60)
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


# Over a socket


@pytest.fixture
def station(kit: Kit, tmp_path: Path) -> Iterator[Served]:
    """A station that a client can follow."""
    with served(kit, tmp_path) as station:
        yield station


class Follower:
    """A client that reads a stream line by line."""

    def __init__(self, station: Served, query: str = "", **headers: str) -> None:
        self._client = httpx.Client(base_url=station.url, headers={**BEARER, **headers}, timeout=60)
        self._path = f"/v1/events{query}"
        # A follower that left a moment ago may hold its place still.
        until(lambda: self._asked().status_code == 200)
        self._lines = self.answer.iter_lines()

    def _asked(self) -> httpx.Response:
        request = self._client.build_request("GET", self._path)
        self.answer = self._client.send(request, stream=True)
        if self.answer.status_code != 200:
            self.answer.close()
        return self.answer

    def next(self) -> dict[str, str]:
        """Return the next message; comments are passed over."""
        message: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                message[name] = value
            elif "data" in message:
                return message
        raise AssertionError("the stream has ended")

    def ended(self) -> bool:
        """Read to the end, which may be an abrupt one."""
        with suppress(httpx.RemoteProtocolError):
            return "data" not in "".join(self._lines)
        return True

    def close(self) -> None:
        """Leave."""
        self.answer.close()
        self._client.close()

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_a_follower_is_told_what_was_and_what_comes(station: Served):
    """Replay, then live, each one CloudEvents object under its number."""
    first = station.kit.hand_in(station.store)
    with Follower(station, "?after=0") as follower:
        told = follower.next()
        second = station.kit.hand_in(station.store)
        live = follower.next()

    assert follower.answer.headers["Content-Type"].startswith("text/event-stream")
    assert (told["id"], told["event"]) == ("1", "package.sealed")
    said = json.loads(told["data"])
    assert said == {
        "specversion": "1.0", "id": "1", "source": "urn:anxin:station:st-000007",
        "type": "package.sealed", "time": said["time"], "subject": first.package_id,
        "data": {"sequence": 1, "size": first.size},
    }  # fmt: skip
    assert (live["id"], json.loads(live["data"])["subject"]) == ("2", second.package_id)


def test_a_follower_goes_on_where_it_was(station: Served):
    """`Last-Event-ID` counts before `after`; without either only what comes is told."""
    for _ in range(3):
        note(station.store)
    with Follower(station, "?after=0", **{"Last-Event-ID": "2"}) as again:
        assert again.next()["id"] == "3"
    with Follower(station) as fresh:
        note(station.store)
        assert fresh.next()["id"] == "4"


def test_whoever_missed_something_is_told_so_first(station: Served):
    """A gap names the oldest event that is kept; also after a number that was never given."""
    for _ in range(3):
        note(station.store)
    station.store.write(lambda db: db.execute("delete from event where id <= 2"))
    for last in ("0", "1", "9"):
        with Follower(station, **{"Last-Event-ID": last}) as follower:
            gap, event = follower.next(), follower.next()

        assert (gap["event"], gap["id"], json.loads(gap["data"])) == ("gap", "2", {"oldest": "3"})
        assert event["id"] == "3"
    with Follower(station, **{"Last-Event-ID": "2"}) as follower:
        assert follower.next()["event"] == "device.state"


def test_a_long_backlog_is_told_whole(station: Served, monkeypatch):
    """More than a page: no event is skipped between two pages, and none waits for the next one."""
    monkeypatch.setattr(v1_events, "HEARTBEAT_S", 3600.0)
    count = 2 * v1_events.PAGE + 1
    station.store.write(
        lambda db: [note_event(db, "station.ready", None, {}, NOW_MS) for _ in range(count)]
    )
    with Follower(station, "?after=0") as follower:
        told = [follower.next() for _ in range(count)]

    assert [int(each["id"]) for each in told] == list(range(1, count + 1))
    assert all("subject" not in json.loads(each["data"]) for each in told)


def test_an_id_that_is_no_number_is_refused(station: Served):
    """422 before the stream begins."""
    for last in ("x", "-1", "1.5", "", "9" * 19, "1 2"):
        answer = httpx.get(f"{station.url}/v1/events", headers={**BEARER, "Last-Event-ID": last})

        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": "Last-Event-ID", "code": "int_parsing"}]


def test_a_third_stream_of_one_client_is_refused_until_one_leaves(station: Served, monkeypatch):
    """503 with Retry-After; a place is free as soon as its client is gone, not at a heartbeat."""
    monkeypatch.setattr(v1_events, "HEARTBEAT_S", 3600.0)
    with Follower(station) as first, Follower(station):
        refused = httpx.get(f"{station.url}/v1/events", headers=BEARER)
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:anxin:problem:streams-exhausted"
        assert refused.headers["Retry-After"] == "30"
        first.close()
        Follower(station).close()


def test_the_station_s_streams_have_a_ceiling():
    """Eight for all clients together, whoever they are; each place is given back."""
    places = v1_events.Places()
    clients = [f"client-{n // 2}" for n in range(v1_events.STREAMS_MAX)]
    for client in clients:
        places.enter(client)
    with pytest.raises(Refused):
        places.enter("another")
    places.leave(clients[0])
    places.enter("another")
    with pytest.raises(Refused):
        places.enter(clients[0])


def test_a_silent_stream_beats_and_ends_after_its_time(store: Store, monkeypatch):
    """A heartbeat in silence; and an end, after which the client comes again by its last id."""
    telling = Telling(Events(store), "st-000007", Listening({}))
    monkeypatch.setattr(v1_events, "HEARTBEAT_S", 0.01)
    stream = telling.stream(None)

    assert next(stream) == "retry: 5000\n\n"
    assert next(stream) == ": still here\n\n"
    stream.close()
    monkeypatch.setattr(v1_events, "LASTS_S", 0.0)
    assert list(telling.stream(None)) == ["retry: 5000\n\n"]


def test_a_listener_that_closes_ends_its_streams(kit: Kit, tmp_path: Path):
    """A restart of the service does not wait for whoever follows."""
    with served(kit, tmp_path) as station:
        follower = Follower(station)
    assert follower.ended()
    follower.close()


def test_the_head_of_the_stream_holds_no_place(station: Served):
    """HEAD wherever GET is, and it ends at once."""
    for _ in range(5):
        answer = httpx.head(f"{station.url}/v1/events", headers=BEARER)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_client_that_vanishes_gives_its_place_back(station: Served, monkeypatch):
    """Reset instead of closed: the place is free all the same."""
    monkeypatch.setattr(v1_events, "HEARTBEAT_S", 3600.0)
    for _ in range(2 * v1_events.STREAMS_MAX):
        host, port = station.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            bearer = BEARER["Authorization"]
            line.sendall(
                f"GET /v1/events HTTP/1.1\r\nHost: {host}:{port}\r\n"
                f"Authorization: {bearer}\r\n\r\n".encode()
            )
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    Follower(station).close()
