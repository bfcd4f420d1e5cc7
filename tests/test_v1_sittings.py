"""What the central system may order, and what it is told: every promise of `docs/orders.md`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import V1_BODY_BYTES_MAX, V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1.new_sitting import NewSitting
from edge.fingers.wishes import OrderedFingers
from edge.orders import Orders
from edge.orders import book as orders_module
from edge.settings import FINGER_POSITIONS
from edge.store import Store
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until
from tests.order_kit import PERSONAL, PHOTO, all_text, body, candidate, digest, opened, photo
from tests.test_orders import seal_something
from tests.test_v1 import BEARER, CAMERA, TOKEN, slug

KEY = "7f3c0c4e5b1a4a0e9d2f"
JPEG = "image/jpeg"


@dataclass
class Bench:
    """One station's `/v1` with orders, and the rooms behind it."""

    store: Store
    orders: Orders
    client: FlaskClient
    steps: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def ask(self, method: str, path: str, **options):
        """Ask with the token."""
        headers = {**BEARER, **options.pop("headers", {})}
        return self.client.open(f"/v1/sittings{path}", method=method, headers=headers, **options)

    def post(self, key: str | None = KEY, raw: bytes | None = None, **changes):
        """Order; `raw` instead of the usual body."""
        said = json.dumps(body(**changes)).encode() if raw is None else raw
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.ask("POST", "", data=said, content_type="application/json", headers=headers)

    def order(self, **changes) -> str:
        """Order one more and return its id."""
        self.made += 1
        answer = self.post(f"{KEY}-{self.made}", **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["sitting_id"])

    def put(self, sitting_id: str, content: bytes = PHOTO, kind: str = JPEG, said: str | None = ""):
        """Send a photo; `said` instead of its digest, None for no header."""
        headers = {} if said is None else {"Content-Digest": said or digest(content)}
        path = f"/{sitting_id}/reuse-photo"
        return self.ask("PUT", path, data=content, content_type=kind, headers=headers)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory):
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("v1-sittings"))


def served(kit, store: Store, orders: Orders) -> Bench:
    steps: dict[str, str] = {}
    station = V1Station(
        STATION, "0.1.0", "0" * 64, store, kit.verifier, lambda: [CAMERA], list, (SINK,),
        orders=orders, step=steps.get,
    )  # fmt: skip
    return Bench(store, orders, create_v1_app(station, TOKEN).test_client(), steps)


@pytest.fixture(scope="module")
def calm(kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One store for all that leaves nothing behind, or does not mind what others left."""
    folder = tmp_path_factory.mktemp("calm")
    with Store.open(folder / "store.db", folder / "store.key") as store, opened(store) as orders:
        yield served(kit, store, orders)


@pytest.fixture
def bench(kit, tmp_path: Path) -> Iterator[Bench]:
    """A fresh store each time."""
    with (
        Store.open(tmp_path / "store.db", tmp_path / "store.key") as store,
        opened(store) as orders,
    ):
        yield served(kit, store, orders)


def pointers(answer) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.get_json()["errors"]]


# Order


def test_an_order_is_answered_with_where_it_is_and_nothing_of_the_person(bench: Bench):
    """201, Location, ETag; every member of the answer, and none that came in the order."""
    answer = bench.post()
    said = answer.get_json()
    read = bench.ask("GET", f"/{said['sitting_id']}")

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/sittings/{said['sitting_id']}"
    assert answer.headers["ETag"] == read.headers["ETag"] == '"1"'
    assert "Idempotency-Replayed" not in answer.headers
    assert said == read.get_json() == {
        "sitting_id": said["sitting_id"], "state": "waiting", "step": None, "result": None,
        "missing": [], "reuse_photo": {"state": "needed", "reason": None}, "package_id": None,
        "ordered_at": said["ordered_at"], "expires_at": said["expires_at"], "ended_at": None,
    }  # fmt: skip
    assert [mark for mark in PERSONAL if mark in answer.text + read.text] == []


def test_everything_that_may_be_ordered_reaches_the_sitting(bench: Bench):
    """Member by member, none is taken and then forgotten."""
    other = photo(3)
    second = {"source": "resident_id", "issued_at": "2022-01-01T08:00:00+08:00",
              "digest": digest(other)}  # fmt: skip
    bench.order(applied_on="2026-11-20", further_photos=[second], proxy_expected=True)
    (order,) = bench.orders.waiting()

    assert (order.order_ref, order.born_on, order.surname, order.slip_code) == (
        PERSONAL[1], PERSONAL[2], PERSONAL[0], PERSONAL[3]
    )  # fmt: skip
    assert (order.honorific, order.proxy, order.applied_at) == ("女士", True, "2026-11-20")
    assert (order.documents, order.positions) == (("cn_exit_entry",), ("right_thumb",))
    assert order.applies_for == "ordinary_passport"
    assert order.candidates == (
        candidate(),
        candidate(other, source="resident_id", captured_at=None,
                  issued_at="2022-01-01T08:00:00+08:00"),
    )  # fmt: skip


def test_an_order_says_what_it_wants_of_fingers(bench: Bench):
    """Profile, minimum and records come through the journal as they were ordered."""
    bench.order(
        fingers={"profile": "cn_two_fingers", "minimum": 1, "records": ["fir-2011", "fir-2005"]}
    )
    (order,) = bench.orders.waiting()

    assert order.fingers == OrderedFingers(None, "cn_two_fingers", ("fir-2011", "fir-2005"), 1)


def test_the_smallest_order_leaves_everything_to_the_station(bench: Bench):
    """A reference is enough."""
    answer = bench.post(raw=b'{"order_ref":"A"}')
    (order,) = bench.orders.waiting()

    assert answer.get_json()["reuse_photo"]["state"] == "none"
    assert (order.documents, order.positions, order.candidates) == ((), None, ())


@pytest.mark.parametrize("member", ["positions", "profile", "records", "minimum"])
def test_a_member_that_is_null_is_one_that_is_not_there(bench: Bench, member: str):
    """Clients that write every member do not stumble over what they leave to the station."""
    bench.order(fingers={member: None})
    (order,) = bench.orders.waiting()

    assert order.fingers == OrderedFingers()


def test_the_same_request_again_has_one_effect_and_one_answer(kit, tmp_path: Path):
    """Also after a restart of the station, and after the order went on."""
    where = (tmp_path / "store.db", tmp_path / "store.key")
    with Store.open(*where) as store, opened(store) as orders:
        bench = served(kit, store, orders)
        first = bench.post()
        bench.orders.take()
        again = bench.post()
    with Store.open(*where) as store, opened(store) as orders:
        bench = served(kit, store, orders)
        later = bench.post()
        rows = orders.rows()

    assert len(rows) == 1
    for answer in (again, later):
        assert (answer.status_code, answer.data) == (201, first.data)
        assert answer.headers["Idempotency-Replayed"] == "true"
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.headers["Location"] == first.headers["Location"]


@pytest.mark.parametrize("key", [None, "", "short", "x" * 65, "a b" * 8, "陈" * 20, "x" * 15])
def test_an_order_without_a_usable_key_is_refused(calm: Bench, key: str | None):
    """Without it a lost answer would mean a second sitting."""
    before = calm.orders.rows()
    headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = calm.ask("POST", "", json=body(), headers=headers)

    assert (answer.status_code, slug(answer)) == (400, "idempotency-key-required")
    assert calm.orders.rows() == before


def test_a_key_of_another_request_is_refused(bench: Bench):
    """One byte of difference is another request."""
    bench.post()
    other = bench.post(order_ref="another")

    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    assert len(bench.orders.rows()) == 1


def test_a_request_that_still_runs_is_told_to_wait(bench: Bench, monkeypatch):
    """409 with Retry-After while the first one is in hand; afterwards the first one's answer."""
    inside, go_on = threading.Event(), threading.Event()
    add = bench.orders.add

    def slowly(*order, **options):
        inside.set()
        go_on.wait(30)
        return add(*order, **options)

    monkeypatch.setattr(bench.orders, "add", slowly)
    first = []
    other = served_again(bench)
    thread = threading.Thread(target=lambda: first.append(other.post()))
    thread.start()
    assert inside.wait(30)
    busy = bench.post()
    go_on.set()
    thread.join()

    assert (busy.status_code, slug(busy)) == (409, "idempotency-in-progress")
    assert busy.headers["Retry-After"] == "1"
    assert bench.post().data == first[0].data
    assert len(bench.orders.rows()) == 1


def served_again(bench: Bench) -> Bench:
    """Another client of the same application."""
    return Bench(bench.store, bench.orders, bench.client.application.test_client())


def test_a_refused_order_does_not_use_its_key_up(bench: Bench):
    """What had no effect may be mended and sent under the same key."""
    assert bench.post(documents=["moon_id"]).status_code == 422

    assert bench.post().status_code == 201


ALL_RECORDS = ("fir-2005", "fir-2011", "fmr-2005", "wsq")
REFUSED = [
    ({"documents": ["cn_exit_entry", "moon_id"]}, "#/documents/1", "unknown_to_station"),
    ({"documents": ["cn_exit_entry"] * 2}, "#/documents", "value_error"),
    ({"documents": "cn_exit_entry"}, "#/documents", "tuple_type"),
    ({"fingers": {"positions": ["left_little"]}}, "#/fingers/positions/0", "unknown_to_station"),
    ({"fingers": {"positions": ["sixth"]}}, "#/fingers/positions/0", "literal_error"),
    ({"fingers": {}}, "#/fingers/positions", "missing"),
    ({"fingers": {"profile": "three_thumbs"}}, "#/fingers/profile", "unknown_to_station"),
    ({"fingers": {"records": ["wsq"]}}, "#/fingers/records/0", "unknown_to_station"),
    ({"fingers": {"records": ["fir"]}}, "#/fingers/records/0", "literal_error"),
    ({"fingers": {"minimum": 11}}, "#/fingers/minimum", "less_than_equal"),
    ({"fingers": {"positions": ["right_thumb"], "minimum": 2}}, "#/fingers/minimum", "too_large"),
    ({"fingers": {"positions": [*FINGER_POSITIONS], "records": [*ALL_RECORDS]}},
     "#/fingers/records", "too_long"),
    ({"order_ref": "../../x"}, "#/order_ref", "string_pattern_mismatch"),
    ({"order_ref": ""}, "#/order_ref", "string_pattern_mismatch"),
    ({"order_ref": 7}, "#/order_ref", "string_type"),
    ({"nmae": "x"}, "#/nmae", "extra_forbidden"),
    ({"陈SECRET": "x"}, "#/-", "extra_forbidden"),
    ({"person": {"id_number": "x"}}, "#/person/id_number", "extra_forbidden"),
    ({"person": {"born_on": "1948-02-30"}}, "#/person/born_on", "date_parsing"),
    ({"person": {"born_on": 1}}, "#/person/born_on", "date_type"),
    ({"person": {"surname": "SECRET\x00"}}, "#/person/surname", "string_pattern_mismatch"),
    ({"person": {"surname": "S" * 33}}, "#/person/surname", "string_too_long"),
    ({"person": {"slip_code": "12345"}}, "#/person/slip_code", "string_pattern_mismatch"),
    ({"reuse_photo": {"source": "exit_entry"}}, "#/reuse_photo/digest", "missing"),
    ({"reuse_photo": {"source": "x", "digest": "md5"}}, "#/reuse_photo/digest",
     "string_pattern_mismatch"),
    ({"reuse_photo": {"source": "x", "digest": digest(PHOTO), "taken_at": "SECRET"}},
     "#/reuse_photo/taken_at", "value_error"),
    ({"reuse_photo": {"source": "x", "digest": digest(PHOTO), "taken_at": "2023-04-18T01:02:03"}},
     "#/reuse_photo/taken_at", "value_error"),
    ({"reuse_photo": {"source": "x", "digest": digest(PHOTO), "size": (2 << 20) + 1}},
     "#/reuse_photo/size", "less_than_equal"),
    ({"preferences": {"text_scale": 2.5}}, "#/preferences/text_scale", "less_than_equal"),
    ({"preferences": {"text_scale": "large"}}, "#/preferences/text_scale", "float_type"),
    ({"preferences": {"voice": 1}}, "#/preferences/voice", "bool_type"),
    ({"preferences": {"language": "SECRET"}}, "#/preferences/language", "string_pattern_mismatch"),
    ({"preferences": {"wheelchair": True}}, "#/preferences/wheelchair", "extra_forbidden"),
    ({"completes_package_id": "SECRET"}, "#/completes_package_id", "string_pattern_mismatch"),
    ({"urgent": "yes"}, "#/urgent", "bool_type"),
    ({"proxy_expected": "yes"}, "#/proxy_expected", "bool_type"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at", "too_early"),
    ({"expires_at": "9999-12-31T23:59:59Z"}, "#/expires_at", "too_late"),
    ({"expires_at": "2027-01-01T00:00:00"}, "#/expires_at", "timezone_aware"),
    ({"not_before": "9999-12-31T23:59:59-23:59"}, "#/not_before", "too_late"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointer", "code"), REFUSED)
def test_what_may_not_stand_there_is_named_by_place_never_by_value(
    calm: Bench, changes: dict, pointer: str, code: str
):
    """422 with JSON pointers; nothing is stored, and nothing that was sent comes back."""
    before = calm.orders.rows()
    answer = calm.post(**changes)

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")
    assert (pointer, code) in pointers(answer)
    assert "SECRET" not in answer.text
    assert [mark for mark in PERSONAL if mark in answer.text + all_text(calm.store)] == []
    assert calm.orders.rows() == before


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"order_ref":"\\ud800"}', b"1e999"]
)
def test_what_is_no_order_at_all_is_refused(calm: Bench, raw: bytes):
    """Broken JSON, other JSON, broken text."""
    before = calm.orders.rows()
    answer = calm.post(raw=raw)

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")
    assert calm.orders.rows() == before


def test_only_json_is_an_order(calm: Bench):
    """A form that happens to have our names is none; neither is a body of unstated length."""
    headers = {"Idempotency-Key": KEY}
    form = calm.ask("POST", "", data={"order_ref": "A"}, headers=headers)
    large = calm.post(raw=b" " * (256 * 1024 + 1))
    chunked = calm.ask("POST", "", json=body(), headers={**headers, "Transfer-Encoding": "chunked"})

    assert (form.status_code, slug(form)) == (415, "media-type")
    assert (large.status_code, slug(large)) == (413, "too-large")
    assert (chunked.status_code, slug(chunked)) == (411, "length-required")


def test_a_station_that_cannot_take_it_says_why(bench: Bench, monkeypatch):
    """503 with reasons: as many orders as it keeps, or a store without room."""
    monkeypatch.setattr(orders_module, "OPEN_MAX", 0)
    full = bench.post()
    monkeypatch.setattr(type(bench.store), "refusals", property(lambda _: ("store_full",)))
    store = bench.post()

    for answer, reason in ((full, "orders_full"), (store, "store_full")):
        assert (answer.status_code, slug(answer)) == (503, "not-accepting")
        assert answer.get_json()["reasons"] == [reason]
        assert answer.headers["Retry-After"] == "10"


# Follow


def test_the_list_is_paged_by_key_under_its_filter(bench: Bench):
    """Complete and without repetition; a cursor fits its own list only."""
    made = [bench.order() for _ in range(5)]
    bench.orders.take(made[1])
    bench.orders.end(made[1], "accepted")
    seen, path = [], "?limit=2"
    while path:
        page = bench.ask("GET", path).get_json()
        seen += [item["sitting_id"] for item in page["items"]]
        path = f"?limit=2&after={page['next']}" if page["next"] else ""
    waiting = bench.ask("GET", "?state=waiting&limit=2").get_json()
    cursor = waiting["next"]

    assert seen == made
    assert [item["sitting_id"] for item in waiting["items"]] == [made[0], made[2]]
    assert slug(bench.ask("GET", f"?after={cursor}")) == "cursor-invalid"
    packages = bench.client.get(f"/v1/packages?after={cursor}", headers=BEARER)
    assert slug(packages) == "cursor-invalid"
    for query in ("?limit=0", "?limit=201", "?state=SECRET", "?stat=waiting"):
        assert slug(bench.ask("GET", query)) == "invalid-request"


def test_a_sitting_is_followed_from_waiting_to_its_package(bench: Bench):
    """State, step, missing, result and times; nothing else leaves."""
    sitting_id = bench.order()
    bench.orders.take(sitting_id)
    bench.steps[sitting_id] = "portrait"
    running = bench.ask("GET", f"/{sitting_id}").get_json()
    missing = [
        {
            "what": "finger:right_thumb",
            "reason": "bandaged",
            "due": "2026-12-22",
            "confirmed_by": "guide-7",
        }
    ]
    bench.orders.mark_photo(sitting_id, "unfit", "no_face")
    bench.orders.end(sitting_id, "accepted_with_missing", missing)
    ended = bench.ask("GET", f"/{sitting_id}").get_json()

    assert (running["state"], running["step"]) == ("running", "portrait")
    assert (ended["state"], ended["step"]) == ("ended", None)
    assert (ended["result"], ended["missing"]) == ("accepted_with_missing", missing)
    assert ended["reuse_photo"] == {"state": "unfit", "reason": "no_face"}
    assert ended["ended_at"] >= ended["ordered_at"]


def test_what_is_not_there_is_not_found(calm: Bench):
    """Unknown ids and ids that no station makes, on every route."""
    for sitting_id in (new_id(), "x" * 99, "..%2fetc", "%00", "陈"):
        for method, tail in (("GET", ""), ("DELETE", ""), ("PUT", "/reuse-photo")):
            answer = calm.ask(
                method, f"/{sitting_id}{tail}", data=PHOTO if tail else None, content_type=JPEG,
                headers={"If-Match": "*", "Content-Digest": digest(PHOTO)},
            )  # fmt: skip

            assert (answer.status_code, slug(answer)) == (404, "not-found"), (method, sitting_id)


# Cancel


def test_a_cancellation_shows_what_it_has_read(bench: Bench):
    """428 without If-Match, 412 with an old one, 204 with the present one; then it has ended."""
    sitting_id = bench.order()
    read = bench.ask("GET", f"/{sitting_id}").headers["ETag"]
    bench.put(sitting_id)

    def cancel(**headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return bench.ask("DELETE", f"/{sitting_id}", headers=named)

    for answer, status, problem in (
        (cancel(), 428, "if-match-required"),
        (cancel(If_Match=read), 412, "stale"),
        (cancel(If_Match="rubbish \x7f"), 412, "stale"),
        (cancel(If_Match=""), 412, "stale"),
    ):
        assert (answer.status_code, slug(answer)) == (status, problem)
    present = bench.ask("GET", f"/{sitting_id}").headers["ETag"]
    assert slug(cancel(If_Match="W/" + present)) == "stale"
    assert cancel(If_Match=f'"other", {present}').status_code == 204
    ended = bench.ask("GET", f"/{sitting_id}").get_json()
    assert (ended["state"], ended["result"]) == ("ended", "cancelled")
    assert [mark for mark in PERSONAL if mark in all_text(bench.store)] == []
    assert slug(cancel(If_Match="*")) == "illegal-move"


def test_a_sitting_that_runs_is_cancelled_only_before_anything_is_accepted(kit, bench: Bench):
    """204 while nothing was given; 409 once somebody gave something."""
    nothing, something = bench.order(), bench.order()
    for sitting_id in (nothing, something):
        bench.orders.take(sitting_id)
    seal_something(kit, bench.store, something)
    answer = bench.ask("DELETE", f"/{something}", headers={"If-Match": "*"})

    assert (answer.status_code, slug(answer)) == (409, "illegal-move")
    assert bench.orders.row(something).state == "running"
    assert bench.ask("DELETE", f"/{nothing}", headers={"If-Match": '"1"'}).status_code == 412
    assert bench.ask("DELETE", f"/{nothing}", headers={"If-Match": '"2"'}).status_code == 204
    assert bench.orders.row(nothing).result == "cancelled"


# The earlier photo


def test_a_photo_is_taken_once_and_again(bench: Bench):
    """204 and 204; held, and gone with its use."""
    sitting_id = bench.order()

    assert bench.put(sitting_id).status_code == bench.put(sitting_id).status_code == 204
    assert bench.ask("GET", f"/{sitting_id}").get_json()["reuse_photo"]["state"] == "held"
    assert bench.orders.photo(sitting_id, 0) == PHOTO
    bench.orders.take()
    bench.orders.mark_photo(sitting_id, "used")
    assert slug(bench.put(sitting_id)) == "illegal-move"


def test_a_photo_larger_than_a_json_body_is_taken(bench: Bench):
    """Two MiB, not 256 KiB, is the limit of this one route."""
    content = PHOTO[:2] + (b"\xff\xfe\xff\xff" + bytes(65533)) * 20 + PHOTO[2:]
    sitting_id = bench.order(
        reuse_photo={"source": "exit_entry", "taken_at": "2023-04-18", "digest": digest(content)}
    )

    assert len(content) > 1 << 20
    assert bench.put(sitting_id, content).status_code == 204
    large = bench.put(sitting_id, bytes((2 << 20) + 1))
    assert (large.status_code, slug(large)) == (413, "too-large")


def test_a_photo_that_is_refused_says_for_what(bench: Bench):
    """Type, digest, other photo, header: each with its own problem; the order still needs one."""
    text = b"no picture"
    sitting_id = bench.order(
        further_photos=[{"source": "x", "digest": digest(text)}],
    )
    for answer, status, problem in (
        (bench.put(sitting_id, kind="image/png"), 415, "media-type"),
        (bench.put(sitting_id, kind="application/json"), 415, "media-type"),
        (bench.put(sitting_id, said=None), 422, "digest-mismatch"),
        (bench.put(sitting_id, said="sha-256=:AAAA:"), 422, "digest-mismatch"),
        (bench.put(sitting_id, said="md5=:AAAA:"), 422, "digest-mismatch"),
        (bench.put(sitting_id, said="sha-256=:====:"), 422, "digest-mismatch"),
        (bench.put(sitting_id, said=digest(photo(5))), 422, "digest-mismatch"),
        (bench.put(sitting_id, photo(5)), 422, "digest-mismatch"),
        (bench.put(sitting_id, text), 422, "photo-unreadable"),
        (bench.put(sitting_id, b""), 411, "length-required"),
    ):
        assert (answer.status_code, slug(answer)) == (status, problem)
    both = f"sha-512=:AAAA:, {digest(PHOTO)}"
    assert bench.orders.row(sitting_id).photo == "needed"
    assert bench.put(sitting_id, said=both).status_code == 204


def test_a_full_memory_asks_for_patience(bench: Bench):
    """503 with its reason, as for orders."""
    sitting_id = bench.order()
    bench.orders._held._bytes_max = 1
    answer = bench.put(sitting_id)

    assert (answer.status_code, slug(answer)) == (503, "not-accepting")
    assert answer.get_json()["reasons"] == ["photos_full"]


# The document


def test_the_document_tells_all_of_it(calm: Bench):
    """Bodies, headers, answers: a client can be made from it."""
    document = calm.client.get("/v1/openapi.json").get_json()
    routes = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in calm.client.application.url_map.iter_rules()
        if not rule.endpoint.startswith("document.")
    }
    paths = document["paths"]
    order = paths["/v1/sittings"]["post"]
    photo_ = paths["/v1/sittings/{sitting_id}/reuse-photo"]["put"]
    asked = document["components"]["schemas"]["NewSitting"]

    assert set(paths) == routes
    assert {"201", "400", "403", "409", "413", "415", "422", "503"} <= set(order["responses"])
    assert {"204", "409", "411", "413", "415", "422", "503"} <= set(photo_["responses"])
    assert set(paths["/v1/sittings/{sitting_id}"]) == {"get", "patch", "delete"}
    assert list(photo_["requestBody"]["content"]) == [JPEG]
    assert set(asked["properties"]) == set(NewSitting.model_fields)
    assert asked["additionalProperties"] is False
    assert all(one["description"] for one in asked["properties"].values())
    text = json.dumps(document)
    refs = {ref.split('"')[0] for ref in text.split('"#/components/schemas/')[1:]}
    assert refs <= set(document["components"]["schemas"])
    for methods in paths.values():
        for operation in methods.values():
            assert all(each["description"] for each in operation.get("parameters", ()))
            for status, answer in operation["responses"].items():
                if status >= "400" and (status, operation["tags"]) != ("503", ["health"]):
                    assert list(answer["content"]) == ["application/problem+json"], status
    assert "sittings" in calm.client.get("/v1/station", headers=BEARER).get_json()["features"]
    assert "<code>/v1/sittings</code>" in calm.client.get("/v1/docs").text


# Whatever is sent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
NEAR = st.dictionaries(
    st.sampled_from(sorted(NewSitting.model_fields)) | st.text(max_size=8), JSON, max_size=4
).map(lambda changes: json.dumps({**body(), **changes}).encode())
ANY_BODY = NEAR | JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
KEYS = st.from_regex(r"[A-Za-z0-9_-]{16,40}", fullmatch=True) | LATIN
FUZZ = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def judge(answer, *good: int) -> bool:
    """Whether it is a good answer; else it must be a problem below 500."""
    if answer.status_code in good:
        return True
    assert 400 <= answer.status_code < 500, answer.status_code
    assert slug(answer)
    return False


@FUZZ
@given(raw=ANY_BODY, key=KEYS, kind=st.sampled_from(["application/json", "text/plain", ""]) | LATIN)
def test_no_order_makes_the_interface_stumble(bench: Bench, raw, key, kind):
    """201 and one more order, or a problem and none."""
    before = len(bench.orders.rows())
    answer = bench.ask("POST", "", data=raw, content_type=kind, headers={"Idempotency-Key": key})
    made = judge(answer, 201) and "Idempotency-Replayed" not in answer.headers

    assert len(bench.orders.rows()) == before + made


@FUZZ
@given(
    content=st.binary(max_size=80) | st.builds(
        lambda at, junk: PHOTO[:at] + junk + PHOTO[at:], st.integers(0, 700), st.binary(max_size=6)
    ),
    said=st.none() | LATIN | st.just(digest(PHOTO)),
    kind=st.just(JPEG) | LATIN,
    named=st.booleans() | LATIN,
)  # fmt: skip
@example(content=b"", said=None, kind=JPEG, named="0/")
def test_no_photo_makes_the_interface_stumble(bench: Bench, content, said, kind, named):
    """204 and held, or a problem and still needed."""
    (row, *_) = bench.orders.rows() or [bench.orders.row(bench.order())]
    headers = {"Content-Digest": digest(content) if said is None else said}
    name = row.sitting_id if named is True else quote(str(named), safe="")
    answer = bench.client.put(
        f"/v1/sittings/{name}/reuse-photo",
        data=content,
        content_type=kind,
        headers={**BEARER, **headers},
    )
    held = judge(answer, 204)

    assert (bench.orders.row(row.sitting_id).photo == "held") == held
    bench.orders._held.clear()


@FUZZ
@given(
    method=st.sampled_from(["GET", "DELETE", "HEAD", "PATCH", "PUT"]),
    name=st.text(max_size=20),
    query=st.dictionaries(st.sampled_from(["after", "limit", "state", "x"]), st.text(max_size=30)),
    match=LATIN,
)
def test_no_question_makes_the_interface_stumble(bench: Bench, method, name, query, match):
    """Whatever is asked, the answer is a good one or a problem below 500."""
    answer = bench.client.open(
        f"/v1/sittings/{quote(name, safe='')}", method=method, query_string=query,
        headers={**BEARER, "If-Match": match},
    )  # fmt: skip

    assert answer.status_code < 500


def test_everything_is_asked_over_a_real_socket_too(bench: Bench):
    """The listener lets a photo through and answers beyond its own limit."""
    listener = Listener(
        bench.client.application, "127.0.0.1", 0, streams=V1_STREAMS, closing=threading.Event(),
        body_bytes_max=V1_BODY_BYTES_MAX,
    )  # fmt: skip
    listener.start()
    content = PHOTO[:2] + (b"\xff\xfe\xff\xff" + bytes(65533)) * 20 + PHOTO[2:]
    try:
        with httpx.Client(base_url=f"{listener.url}v1/", headers=BEARER, trust_env=False) as v1:
            asked = body(reuse_photo={"source": "exit_entry", "taken_at": "2023-04-18",
                                      "digest": digest(content)})  # fmt: skip
            made = v1.post("sittings", json=asked, headers={"Idempotency-Key": KEY}).json()
            path = f"sittings/{made['sitting_id']}/reuse-photo"
            headers = {"Content-Type": JPEG, "Content-Digest": digest(content)}
            assert v1.put(path, content=content, headers=headers).status_code == 204
            assert v1.put(path, content=bytes(3 << 20), headers=headers).status_code == 413
    finally:
        listener.close()
    until(lambda: bench.orders.photo(made["sitting_id"], 0) == content)
