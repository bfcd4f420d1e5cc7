"""`GET /v1/events`: what happened and what happens, as server-sent events that miss nothing.

Each is one CloudEvents 1.0 object; its id is a row's number, which has no gaps. Sources: WHATWG
HTML, section 9.2 (event streams); CloudEvents 1.0.2, JSON event format.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Final

from flask import Blueprint, Response, request
from pydantic import Field
from spectree import SpecTree

from api.departure import Listening
from api.problems import FieldError, Refused
from api.security import StreamCap
from api.v1.caller import caller
from api.v1.contract import Query, unread
from api.v1.station import V1Station
from edge.events import Event, Events
from edge.utc import rfc3339

EVENT_STREAM: Final = "text/event-stream"
STREAMS_MAX: Final = 8
STREAMS_PER_CLIENT: Final = 2
LASTS_S: Final = 3600.0
HEARTBEAT_S: Final = 15.0
LOOK_S: Final = 0.25
"""How soon a stream notices that its client left, or that the listener closes."""
PAGE: Final = 100
ID_MAX: Final = (1 << 62) - 1
RETRY: Final = "retry: 5000\n\n"


class EventQuery(Query):
    """From where on."""

    after: Annotated[
        Annotated[int, Field(ge=0, le=ID_MAX)] | None,
        Field(description="Id of the last event that is known, 0 for all that are kept."),
    ] = None


class Places:
    """Who follows: eight streams at once, two of one client."""

    def __init__(self) -> None:
        self._all = StreamCap(STREAMS_MAX)
        self._lock = threading.Lock()
        self._by_client: Counter[str] = Counter()

    def enter(self, client: str) -> None:
        """Take a place. Raises `Refused` (503) when none is left."""
        with self._lock:
            if self._by_client[client] >= STREAMS_PER_CLIENT:
                raise Refused("streams-exhausted")
            self._all.enter()
            self._by_client[client] += 1

    def leave(self, client: str) -> None:
        """Give the place back, exactly once for each `enter`."""
        with self._lock:
            self._by_client[client] -= 1
            self._all.leave()


def event_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/events`."""
    routes = Blueprint("events", __name__)
    places, events = Places(), Events(station.store)
    hand_on = unread(routes)

    @routes.get("/v1/events")
    @spec.validate(query=EventQuery, tags=["events"])
    def follow_events() -> str:
        """Follow what happens, from the event after `Last-Event-ID` or `after`, else from now."""
        query: EventQuery = request.context.query  # type: ignore[attr-defined]
        last = _last_event_id()
        after = query.after if last is None else last
        client = caller().name
        places.enter(client)
        told = Telling(events, station.station_id, Listening(request.environ))
        answer = Response(told.stream(after), mimetype=EVENT_STREAM)
        answer.call_on_close(lambda: places.leave(client))
        return hand_on(answer)

    return routes


class Telling:
    """One stream to one client."""

    def __init__(self, events: Events, station_id: str, listening: Listening) -> None:
        self._events = events
        self._source = f"urn:anxin:station:{station_id}"
        self._listening = listening

    def stream(self, after: int | None) -> Iterator[str]:
        """Yield what is kept behind `after`, then what comes, until an hour is over."""
        end_s = time.monotonic() + LASTS_S
        seen = self._events.wait(-1, 0)
        oldest, newest = self._events.kept()
        yield RETRY
        if after is None:
            after = newest
        elif not oldest - 1 <= after <= newest:
            after = oldest - 1
            yield _gap(oldest)
        heard_s = time.monotonic()
        while (now_s := time.monotonic()) < end_s and self._listening:
            for event in (page := self._events.after(after, PAGE)):
                yield self._told(event)
                after, heard_s = event.id, now_s
            if len(page) == PAGE:
                continue
            if now_s - heard_s >= HEARTBEAT_S:
                yield ": still here\n\n"
                heard_s = now_s
            seen = self._wait(seen, min(end_s, heard_s + HEARTBEAT_S))

    def _wait(self, seen: int, until_s: float) -> int:
        """Wait for a commit, the end of listening, or the next heartbeat."""
        while (left_s := until_s - time.monotonic()) > 0 and self._listening:
            now = self._events.wait(seen, min(left_s, LOOK_S))
            if now != seen:
                return now
        return seen

    def _told(self, event: Event) -> str:
        said = {
            "specversion": "1.0",
            "id": str(event.id),
            "source": self._source,
            "type": event.type,
            "time": rfc3339(event.at_ms),
            "subject": event.subject,
            "data": dict(event.facts),
        }
        if event.subject is None:
            del said["subject"]
        return _message(event.id, event.type, said)


def _gap(oldest: int) -> str:
    return _message(oldest - 1, "gap", {"oldest": str(oldest)})


def _message(id_: int, type_: str, said: object) -> str:
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return f"id: {id_}\nevent: {type_}\ndata: {text}\n\n"


def _last_event_id() -> int | None:
    said = request.headers.get("Last-Event-ID")
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise Refused("invalid-request", [FieldError("Last-Event-ID", "int_parsing")])
    return int(said)
