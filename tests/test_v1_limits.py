"""How often a client may ask: its share and no other's, and collecting is not counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.app import V1Station, create_v1_app
from api.v1.caller import Caller
from api.v1.request_limit import BURST, RATE_PER_S, RequestLimit
from api.v1.scopes import ALL_SCOPES
from edge.delivery.receipt import ReceiptVerifier
from edge.store import Store
from tests.delivery_kit import SINK, STATION
from tests.test_v1 import BEARER, TOKEN, slug


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Named:
    """Clients that say their name, in place of certificates."""

    def caller(self) -> Caller:
        from flask import request  # noqa: PLC0415 - only of the running request

        return Caller(request.headers["Client"], ALL_SCOPES)

    def check_stranger(self) -> None:
        """Everybody may ask what is open."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("limits")
    with Store.open(folder / "store.db", folder / "store.key") as store:
        yield store


@pytest.fixture
def app(store: Store, clock: Clock):
    """An interface whose clients are named by a header and whose time stands."""
    verifier = ReceiptVerifier(STATION, dict)

    def served(identity):
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, verifier, list, list, (SINK,),
            request_limit=RequestLimit(clock_s=clock),
        )  # fmt: skip
        return create_v1_app(station, identity).test_client()

    return served


def test_a_client_that_asks_too_often_is_told_to_wait(app, clock):
    """Forty at once, then 429 with Retry-After; twenty more after a second."""
    client = app(TOKEN)
    burst = [client.get("/v1/station", headers=BEARER).status_code for _ in range(BURST + 1)]
    refused = client.get("/v1/station", headers=BEARER)
    clock.now_s += 1.0
    later = [client.get("/v1/station", headers=BEARER).status_code for _ in range(21)]

    assert burst == [200] * BURST + [429]
    assert (refused.status_code, slug(refused)) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "1"
    assert refused.get_json()["retry_after_s"] == 1
    assert later == [200] * int(RATE_PER_S) + [429]


def test_each_client_has_its_own_share(app):
    """Who floods takes nobody else's turn."""
    client = app(Named())
    for _ in range(BURST + 1):
        greedy = client.get("/v1/station", headers={"Client": "greedy"})
    modest = client.get("/v1/station", headers={"Client": "modest"})

    assert (greedy.status_code, modest.status_code) == (429, 200)


@pytest.mark.parametrize(
    "path", ["/v1/packages", "/v1/packages/none", "/v1/leases/none", "/v1/health/live"]
)
def test_collecting_and_life_are_not_counted(app, path):
    """A centre that collects a backlog, and a watchdog, ask as often as they need."""
    client = app(TOKEN)
    collected = {client.get(path, headers=BEARER).status_code for _ in range(BURST * 2)}
    left = [client.get("/v1/station", headers=BEARER).status_code for _ in range(BURST + 1)]

    assert 429 not in collected
    assert left == [200] * BURST + [429]


@pytest.mark.parametrize("path", ["/v1/packagesx", "/v1//packages", "/v1/nothing"])
def test_a_path_that_only_looks_like_collecting_is_counted(app, path):
    """Else it would be the way round."""
    client = app(TOKEN)
    asked = [client.get(path, headers=BEARER).status_code for _ in range(BURST + 1)]

    assert asked == [404] * BURST + [429]


def test_whom_the_station_does_not_know_uses_up_nobodys_share(app):
    """A stranger is refused before anything is counted."""
    client = app(TOKEN)
    for _ in range(BURST * 2):
        assert client.get("/v1/station").status_code == 403

    assert client.get("/v1/station", headers=BEARER).status_code == 200


PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2, 3.0]) | st.floats(0, 3)


@given(st.lists(PAUSES, min_size=1, max_size=120))
@example([0.0, 60.0] + [0.0] * 20)
def test_over_any_time_nobody_gets_more_than_rate_and_burst(pauses):
    """Whatever the rhythm: burst + rate x time is the most, and nobody within it is refused."""
    clock = Clock()
    limit = RequestLimit(5.0, 8, clock)
    given_s: list[float] = []
    for pause in pauses:
        clock.now_s += pause
        if limit.take("centre"):
            given_s.append(clock.now_s)
        else:
            # One more would have been too many, counted from some request on.
            assert any(
                len(given_s) - n + 1 > 8 + 5.0 * (clock.now_s - began) - 1e-6
                for n, began in enumerate(given_s)
            )

    for n, begins in enumerate(given_s):
        for m, ends in enumerate(given_s[n:], n):
            assert m - n + 1 <= 8 + 5.0 * (ends - begins) + 1e-6
