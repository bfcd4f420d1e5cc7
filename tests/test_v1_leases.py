"""Leases: one client's for a time, forgotten at a restart, never a reason to lose a package."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from flask import request
from flask.testing import FlaskClient

from api.app import V1Station, create_v1_app
from api.v1.caller import Caller
from api.v1.scopes import ALL_SCOPES
from edge.delivery.collection import Room, often_leased
from edge.delivery.leases import LeaseExpired, Leases, LeasesExhausted, NoSuchLease
from edge.orders.idempotency import KeyReused, Once
from edge.store import PackageRow, Store
from tests.delivery_kit import SINK, STATION, Kit, make_kit, new_id

ALL = Room(100, 1 << 28)
SINKS = {SINK: "custody", "pull": "custody"}


@pytest.fixture(scope="module")
def kit(tmp_path_factory) -> Kit:
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("leases"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh journal."""
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield store


@dataclass
class Clock:
    """Seconds that a test moves."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def once(key: str = "", body: bytes = b"{}") -> Once:
    """The mark of a request; without a key: of a new one."""
    return Once.of("any", key or uuid.uuid4().hex, "POST", "/v1/leases", body)


def ids(taken) -> list[str]:
    """The packages of what `take` gave."""
    return [row.package_id for row in taken[0].packages]


# The book of leases


def test_a_package_is_one_client_s_until_its_lease_is_over(kit, store):
    """Nobody else is given it; after the end, the expiry or a restart it is there again."""
    clock = Clock()
    leases = Leases(store, clock)
    package_id = kit.hand_in(store).package_id
    lease, replayed = leases.take("a", ALL, 60, once())

    assert not replayed
    assert ids((lease, False)) == [package_id]
    assert leases.holder(package_id) == "a"
    assert leases.take("b", ALL, 60, once()) is None
    clock.now_s += 60
    assert leases.holder(package_id) is None
    second, _ = leases.take("b", ALL, 60, once())
    leases.end("b", second.lease_id)
    assert leases.holder(package_id) is None
    assert ids(leases.take("a", ALL, 60, once())) == [package_id]
    assert ids(Leases(store, clock).take("b", ALL, 60, once())) == [package_id]


def test_urgent_packages_are_leased_first_then_the_oldest(kit, store):
    """The green channel does not wait behind a backlog."""
    made = [kit.hand_in(store).package_id for _ in range(4)]
    store.write(
        lambda db: db.execute("update package set urgent = 1 where package_id = ?", (made[2],))
    )

    assert ids(Leases(store).take("a", ALL, 3600, once())) == [made[2], made[0], made[1], made[3]]


def test_a_lease_holds_no_more_than_it_was_asked_for_but_always_one(kit, store):
    """Packages and bytes at most; one that is larger than the bytes would else never leave."""
    rows = [kit.hand_in(store) for _ in range(4)]
    leases = Leases(store)

    assert ids(leases.take("a", Room(2, 1 << 28), 3600, once())) == [
        row.package_id for row in rows[:2]
    ]
    assert ids(leases.take("a", Room(100, rows[2].size), 3600, once())) == [rows[2].package_id]
    assert ids(leases.take("a", Room(100, 1), 3600, once())) == [rows[3].package_id]
    assert leases.take("a", ALL, 3600, once()) is None


def test_a_client_has_four_leases_and_its_receipts_free_them(kit, store):
    """The fifth is refused, nothing happens; the last receipt of one ends it."""
    leases = Leases(store)
    rows = [kit.hand_in(store) for _ in range(6)]
    held = [leases.take("a", Room(1, 1 << 28), 3600, once())[0] for _ in range(4)]
    with pytest.raises(LeasesExhausted):
        leases.take("a", ALL, 3600, once())

    assert ids(leases.take("b", Room(1, 1 << 28), 3600, once())) == [rows[4].package_id]
    leases.settle(rows[0].package_id)
    assert ids(leases.take("a", ALL, 3600, once())) == [rows[0].package_id, rows[5].package_id]
    leases.end("a", held[0].lease_id)


def test_an_expired_lease_is_told_from_one_that_never_was(kit, store):
    """409 and 404: the first lost its exclusivity; the other one never had any."""
    clock = Clock()
    leases = Leases(store, clock)
    kit.hand_in(store)
    lease, _ = leases.take("a", ALL, 30, once())
    for stranger, lease_id in (("b", lease.lease_id), ("a", new_id())):
        with pytest.raises(NoSuchLease):
            leases.extend(stranger, lease_id, 60)
        with pytest.raises(NoSuchLease):
            leases.end(stranger, lease_id)
    clock.now_s += 29
    longer = leases.extend("a", lease.lease_id, 60)
    assert longer.expires_at_ms >= lease.expires_at_ms
    clock.now_s += 59
    leases.extend("a", lease.lease_id, 30)
    clock.now_s += 31
    with pytest.raises(LeaseExpired):
        leases.extend("a", lease.lease_id, 60)
    with pytest.raises(LeaseExpired):
        leases.end("a", lease.lease_id)


def test_the_same_request_is_the_same_lease_while_that_is_open(kit, store):
    """A lost answer costs nothing; another body is refused; one that is over is said to be."""
    clock = Clock()
    leases = Leases(store, clock)
    for _ in range(2):
        kit.hand_in(store)
    mark = once("k" * 16)
    lease, replayed = leases.take("a", Room(1, 1 << 28), 60, mark)
    again = leases.take("a", Room(1, 1 << 28), 60, mark)

    assert (replayed, again) == (False, (lease, True))
    with pytest.raises(KeyReused):
        leases.take("a", ALL, 60, once("k" * 16, b"{ }"))
    other, _ = leases.take("b", ALL, 60, mark)
    assert ids((other, False)) != ids((lease, False))
    clock.now_s += 60
    with pytest.raises(LeaseExpired):
        leases.take("a", Room(1, 1 << 28), 60, mark)


def test_a_key_that_leased_nothing_is_as_good_as_new(kit, store):
    """204 makes nothing: the client asks again with the same request, and is given what came."""
    leases, mark = Leases(store), once()
    assert leases.take("a", ALL, 3600, mark) is None
    row = kit.hand_in(store)

    assert ids(leases.take("a", ALL, 3600, mark)) == [row.package_id]


def test_five_leases_without_a_receipt_are_counted_over_restarts(kit, store):
    """An alarm, never a reason to drop the package: it is leased a sixth time."""
    row = kit.hand_in(store)
    for turn in range(1, 7):
        lease, _ = Leases(store).take("a", ALL, 3600, once())

        assert lease.packages[0].deliveries == turn
        assert store.read(often_leased) == (turn >= 5)
    store.record_receipt(row.package_id, SINK, "receipt")
    assert store.read(often_leased) == 0


def test_who_leased_stands_in_the_audit(kit, store):
    """By the client's name and the lease's id, with how many packages."""
    kit.hand_in(store)
    lease, _ = Leases(store).take("gd-west", ALL, 3600, once())
    entry = json.loads(store.audit_rows()[-1].entry)

    assert (entry["act"], entry["actor"]) == ("lease.add", {"kind": "client", "id": "gd-west"})
    assert entry["about"] == {"lease_id": lease.lease_id, "packages": "1"}


# Over the interface


class Named:
    """Whoever names itself in a header: identities have tests of their own."""

    def caller(self) -> Caller:
        return Caller(request.headers["Client"], ALL_SCOPES)

    def check_stranger(self) -> None:
        """Let everybody."""


@dataclass
class Bench:
    """`/v1` with two clients."""

    kit: Kit
    store: Store
    client: FlaskClient
    station: V1Station = field(repr=False)

    def ask(self, method: str, path: str, body: object = None, who: str = "a", **headers: str):
        """Ask as a client."""
        return self.client.open(path, method=method, json=body, headers={"Client": who, **headers})

    def lease(self, body: object = None, who: str = "a", key: str = ""):
        """Ask for a lease."""
        return self.ask("POST", "/v1/leases", body or {}, who,
                        **{"Idempotency-Key": key or uuid.uuid4().hex})  # fmt: skip

    def receipt(self, row: PackageRow, who: str = "a", **changes: object):
        """Hand in the centre's word for a package."""
        said = {
            "v": 1, "receipt_id": str(uuid.uuid4()), "package_id": row.package_id,
            "station_id": STATION, "digest": row.digest, "size": row.size, "outcome": "stored",
            "code": None, "received_at": "2026-11-22T01:00:00.000Z", "by": "centre",
        }  # fmt: skip
        token = self.kit.keyring.sign_receipt({**said, **changes})
        path = f"/v1/packages/{row.package_id}/receipt"
        by = {"Client": who}
        return self.client.put(path, data=token, content_type="application/jose", headers=by)


@pytest.fixture
def bench(kit, store) -> Bench:
    """An interface on a fresh journal."""
    station = V1Station(STATION, "0", "0" * 64, store, kit.verifier, list, list, (SINK, "pull"))
    return Bench(kit, store, create_v1_app(station, Named()).test_client(), station)


def slug(answer) -> str:
    """The slug of a problem."""
    assert answer.mimetype == "application/problem+json"
    return str(answer.get_json()["type"]).removeprefix("urn:anxin:problem:")


def test_a_lease_is_made_shown_prolonged_and_given_back(bench):
    """201 with everything that collecting needs, 200, 204; then others may have it."""
    row = bench.kit.hand_in(bench.store, sinks=SINKS)
    made = bench.lease({"max_packages": 1, "max_bytes": 1000, "ttl_s": 30}, key="k" * 16)
    said = made.get_json()
    path = made.headers["Location"]
    again = bench.lease({"max_packages": 1, "max_bytes": 1000, "ttl_s": 30}, key="k" * 16)

    assert (made.status_code, path) == (201, f"/v1/leases/{said['lease_id']}")
    assert said["packages"] == [
        {
            "package_id": row.package_id, "sequence": 1, "size": row.size, "digest": row.digest,
            "sealed_at": said["packages"][0]["sealed_at"], "kid": row.kid, "state": "leased",
            "deliveries": 1, "seal": row.statement,
        }
    ]  # fmt: skip
    assert (again.status_code, again.get_json()) == (201, said)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in made.headers
    longer = bench.ask("PATCH", path, {"ttl_s": 3600})
    assert (longer.status_code, longer.get_json()["lease_id"]) == (200, said["lease_id"])
    assert longer.get_json()["expires_at"] > said["expires_at"]
    assert bench.lease(who="b").status_code == 204
    assert bench.ask("DELETE", path).status_code == 204
    assert bench.lease(who="b").status_code == 201


def test_nothing_waits_is_no_fault_and_says_when_to_ask_again(bench):
    """204 with Retry-After."""
    answer = bench.lease()

    assert (answer.status_code, answer.data) == (204, b"")
    assert int(answer.headers["Retry-After"]) > 0


def test_what_another_has_leased_is_neither_downloaded_nor_shown_as_ready(bench):
    """409 until the lease is over; its holder downloads; anybody's receipt counts."""
    row, free = (bench.kit.hand_in(bench.store, sinks=SINKS) for _ in range(2))
    bench.lease({"max_packages": 1})
    path = f"/v1/packages/{row.package_id}/sealed"

    assert slug(bench.ask("GET", path, who="b")) == "leased-by-other"
    assert bench.ask("GET", path, who="a").status_code == 200
    assert bench.ask("GET", f"/v1/packages/{free.package_id}/sealed", who="b").status_code == 200
    shown = {
        state: [one["package_id"] for one in
                bench.ask("GET", f"/v1/packages?state={state}").get_json()["items"]]
        for state in ("ready", "leased", "receipted")
    }  # fmt: skip
    assert shown == {"ready": [free.package_id], "leased": [row.package_id], "receipted": []}
    assert bench.ask("GET", f"/v1/packages/{row.package_id}").get_json()["state"] == "leased"
    assert bench.receipt(row, who="b").status_code == 204
    assert bench.ask("GET", f"/v1/packages/{row.package_id}").get_json()["state"] == "receipted"
    assert slug(bench.ask("GET", path)) == "package-gone"


def test_the_first_receipt_wins_on_whichever_way_it_came(bench):
    """Pull and push are active together: the other way finds nothing to do, and nothing is sent."""
    pulled, pushed = (bench.kit.hand_in(bench.store, sinks=SINKS) for _ in range(2))
    assert bench.receipt(pulled).status_code == 204
    bench.store.record_receipt(pushed.package_id, SINK, "the push's own receipt")

    assert bench.receipt(pushed).status_code == 204
    assert bench.receipt(pulled).status_code == 204
    for sink in SINKS:
        assert bench.store.pending(sink) == []
    states = {
        one.sink: (one.state, one.last_code)
        for one in bench.store.package(pulled.package_id).deliveries
    }
    assert states == {SINK: ("delivered", "receipted_elsewhere"), "pull": ("delivered", "ok")}


def test_a_refusal_by_pull_leaves_the_package_to_the_push(bench):
    """Set aside on this way only; when the push refuses too, nobody has hope any more."""
    row = bench.kit.hand_in(bench.store, sinks=SINKS)
    assert bench.receipt(row, outcome="refused", code="seal_broken").status_code == 204

    assert bench.store.package(row.package_id).state == "ready"
    assert [one.package_id for one in bench.store.pending(SINK)] == [row.package_id]
    bench.store.quarantine(row.package_id, SINK, "http_422")
    assert bench.store.package(row.package_id).state == "quarantined"
    assert bench.lease().status_code == 204


def test_what_pull_refused_is_not_leased_again_before_what_it_never_saw(bench):
    """The push may be away for months: whoever collects one by one goes on to the next."""
    refused, urgent, other = (bench.kit.hand_in(bench.store, sinks=SINKS) for _ in range(3))
    bench.store.write(
        lambda db: (
            db.execute(
                "update package set urgent = 1 where package_id = ?", (urgent.package_id,)
            ).get
        )
    )
    for row in (refused, urgent):
        assert bench.receipt(row, outcome="refused", code="seal_broken").status_code == 204

    leased = bench.lease({"max_packages": 1}).get_json()["packages"]
    assert [one["package_id"] for one in leased] == [other.package_id]
    assert bench.lease().status_code == 204


def test_a_lease_ends_with_a_package_that_cannot_be_read(bench):
    """No receipt will ever come for it: five of them must not use up a client's leases."""
    for _ in range(5):
        row = bench.kit.hand_in(bench.store, sinks=SINKS)
        bench.store.write(lambda db: db.execute("update part set record = zeroblob(9)").get)
        assert bench.lease({"max_packages": 1}).status_code == 201
        failed = bench.ask("GET", f"/v1/packages/{row.package_id}/sealed")

        assert slug(failed) == "package-unreadable"
    assert bench.lease().status_code == 204


def test_limits_are_refused_where_they_stand(bench):
    """422 with the member and a code; nothing is leased."""
    bench.kit.hand_in(bench.store)
    for body, pointer in (
        ({"max_packages": 0}, "#/max_packages"), ({"max_packages": 101}, "#/max_packages"),
        ({"max_bytes": 0}, "#/max_bytes"), ({"max_bytes": 268435457}, "#/max_bytes"),
        ({"ttl_s": 29}, "#/ttl_s"), ({"ttl_s": 3601}, "#/ttl_s"), ({"ttl_s": "60"}, "#/ttl_s"),
        ({"ttl": 60}, "#/ttl"), ([], "#"), ("x", "#"),
    ):  # fmt: skip
        key = {"Idempotency-Key": "k" * 16}
        answer = bench.client.post("/v1/leases", json=body, headers={"Client": "a", **key})

        assert slug(answer) == "invalid-request"
        assert [each["pointer"] for each in answer.get_json()["errors"]] == [pointer]
    assert bench.lease({"max_packages": 1, "ttl_s": 30}).status_code == 201


def test_a_lease_wants_json_a_key_and_no_parameters(bench):
    """A form, a missing or unusable key, an unknown parameter: each for its reason."""
    form = bench.client.post("/v1/leases", data={"ttl_s": "60"},
                             headers={"Client": "a", "Idempotency-Key": "k" * 16})  # fmt: skip
    assert slug(form) == "media-type"
    assert slug(bench.ask("POST", "/v1/leases", {})) == "idempotency-key-required"
    for key in ("short", "k" * 65, "k" * 15 + "!"):
        answer = bench.ask("POST", "/v1/leases", {}, **{"Idempotency-Key": key})
        assert slug(answer) == "idempotency-key-required"
    answer = bench.ask("POST", "/v1/leases?ttl_s=60", {}, **{"Idempotency-Key": "k" * 16})
    assert slug(answer) == "invalid-request"
    bench.kit.hand_in(bench.store)
    bench.lease({"ttl_s": 60}, key="k" * 16)
    assert slug(bench.lease({"ttl_s": 61}, key="k" * 16)) == "idempotency-key-reused"


def test_a_fifth_lease_is_refused_and_says_so(bench):
    """409 `leases-exhausted`; another client has four of its own."""
    for _ in range(6):
        bench.kit.hand_in(bench.store)
    for _ in range(4):
        assert bench.lease({"max_packages": 1}).status_code == 201

    assert slug(bench.lease()) == "leases-exhausted"
    assert bench.lease(who="b").status_code == 201


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_lease_of_nobody_or_of_another_is_not_found(bench, method):
    """404, also for what is no id."""
    bench.kit.hand_in(bench.store)
    theirs = bench.lease(who="b").headers["Location"]
    for path in (theirs, f"/v1/leases/{new_id()}", "/v1/leases/%2e%2e", "/v1/leases/-"):
        assert slug(bench.ask(method, path, {"ttl_s": 60})) == "not-found"


def test_pages_by_state_are_complete_while_packages_are_leased(bench):
    """A filter by `ready` passes over what is leased, at every page's size, and forgets nothing."""
    rows = [bench.kit.hand_in(bench.store).package_id for _ in range(9)]
    leased = [one["package_id"] for one in bench.lease({"max_packages": 4}).get_json()["packages"]]
    for state, expected in (("ready", rows[4:]), ("leased", leased)):
        for limit in (1, 2, 3, 50):
            seen, path = [], f"/v1/packages?state={state}&limit={limit}"
            while path:
                page = bench.ask("GET", path).get_json()
                seen += [item["package_id"] for item in page["items"]]
                more = f"/v1/packages?state={state}&limit={limit}&after={page['next']}"
                path = more if page["next"] else ""
            assert seen == expected


def test_a_package_that_closes_late_is_not_skipped_by_whoever_pages(bench):
    """The order is that of closing: one that was opened first and closed last comes last."""
    late = bench.kit.fill(bench.store, new_id())
    first = bench.kit.hand_in(bench.store).package_id
    second = bench.kit.hand_in(bench.store).package_id
    page = bench.ask("GET", "/v1/packages?limit=1").get_json()
    bench.kit.shut(bench.store, late)
    rest = bench.ask("GET", f"/v1/packages?limit=50&after={page['next']}").get_json()

    assert [item["package_id"] for item in page["items"]] == [first]
    assert [item["package_id"] for item in rest["items"]] == [second, late]


def test_health_says_that_somebody_collects_in_vain(bench):
    """A package that is leased again and again means a collector that cannot do its work."""
    row = bench.kit.hand_in(bench.store)
    for _ in range(5):
        path = bench.lease().headers["Location"]
        assert bench.ask("DELETE", path).status_code == 204
    assert "packages_leased_in_vain" in bench.ask("GET", "/v1/health").get_json()["store"]["alarms"]
    bench.receipt(row)

    assert bench.ask("GET", "/v1/health").get_json()["store"]["alarms"] == []


def test_two_listeners_of_one_station_share_its_leases(bench):
    """What a client of the network has leased is not given to one on loopback."""
    bench.kit.hand_in(bench.store)
    other = replace_client(bench)
    assert bench.lease().status_code == 201

    assert other.lease(who="b").status_code == 204


def replace_client(bench: Bench) -> Bench:
    """The same station behind another application."""
    return replace(bench, client=create_v1_app(bench.station, Named()).test_client())
