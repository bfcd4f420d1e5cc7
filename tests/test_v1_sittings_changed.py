"""What a central system may still change of an order, and what it is told of one long ago."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import V1Station, create_v1_app
from api.v1.changed_sitting import asked_again, merged
from api.v1.new_sitting import NewSitting, wanted_of
from edge.orders import book as orders_module
from edge.orders.order import Preferences
from edge.orders.sweep import KEPT_MS
from edge.utc import now_ms
from tests.delivery_kit import STATION
from tests.order_kit import PERSONAL, PHOTO, TODAY_MS, all_text, body, digest, opened, photo
from tests.test_orders import close_package, seal_something
from tests.test_v1 import TOKEN, slug
from tests.test_v1_sittings import ANY_BODY, FUZZ, Bench, bench, calm, judge, kit, pointers, served

__all__ = ["bench", "calm", "kit"]

MERGE = "application/merge-patch+json"
STARS = {"If-Match": "*"}
FULL = {
    "applied_on": "2026-11-20",
    "further_photos": [
        {"source": "resident_id", "issued_at": "2022-01-01", "digest": digest(photo(3))}
    ],
    "fingers": {"positions": ["left_thumb"], "minimum": 1, "records": ["fir-2011"]},
    "preferences": {
        "text_scale": 1.5,
        "voice": True,
        "language": "yue",
        "seated": False,
        "contrast": True,
    },
    "keep_preferences": True,
    "materials": ["household_register"],
    "completes_package_id": "019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f",
    "urgent": True,
    "proxy_expected": True,
    "proxy": {"relation": "daughter", "authorisation_ref": "L-7"},
    "not_before": "2026-11-22T01:00:00.000Z",
    "expires_at": "2026-11-22T10:00:00.000Z",
}


def patch(bench: Bench, sitting_id: str, change: object, headers=STARS, kind: str = MERGE):
    """Change an order."""
    raw = change if isinstance(change, bytes) else json.dumps(change).encode()
    return bench.ask("PATCH", f"/{sitting_id}", data=raw, content_type=kind, headers=headers)


def test_a_change_replaces_what_it_names_and_leaves_the_rest(bench: Bench):
    """200 with the new ETag; the sitting that begins has the new wishes and the old ones."""
    sitting_id = bench.order()
    read = bench.ask("GET", f"/{sitting_id}").headers["ETag"]
    answer = patch(
        bench, sitting_id,
        {"documents": [], "fingers": {"minimum": 1}, "preferences": {"language": "en"},
         "person": {"surname": None}, "urgent": True},
        {"If-Match": read},
    )  # fmt: skip
    (order,) = bench.orders.waiting()
    shown = bench.ask("GET", f"/{sitting_id}")

    assert (answer.status_code, answer.get_json()) == (200, shown.get_json())
    assert answer.headers["ETag"] == shown.headers["ETag"] != read
    assert (order.documents, order.positions, order.finger_minimum) == ((), ("right_thumb",), 1)
    assert (order.surname, order.honorific, order.slip_code) == ("", "女士", PERSONAL[3])
    assert (order.order_ref, order.urgent) == (PERSONAL[1], True)
    assert order.preferences == Preferences(language="en")
    assert [mark for mark in PERSONAL if mark in answer.text] == []
    assert "order.change" in all_text(bench.store)


def test_whoever_changes_shows_what_it_has_read(bench: Bench):
    """428 without If-Match, 412 with an old one, 415 for another kind of change."""
    sitting_id = bench.order()
    patch(bench, sitting_id, {"urgent": True})
    for answer, status, problem in (
        (patch(bench, sitting_id, {}, {}), 428, "if-match-required"),
        (patch(bench, sitting_id, {}, {"If-Match": '"1"'}), 412, "stale"),
        (patch(bench, sitting_id, {}, kind="application/json"), 415, "media-type"),
        (patch(bench, "019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f", {}), 404, "not-found"),
    ):
        assert (answer.status_code, slug(answer)) == (status, problem)


def test_only_what_waits_can_be_changed(bench: Bench):
    """One that runs, has ended, or whose time is over, is as it is."""
    runs, over, late = bench.order(), bench.order(), bench.order()
    bench.orders.take(runs)
    bench.orders.take(over)
    bench.orders.end(over, "accepted")
    bench.orders._clock_ms = lambda: now_ms() + 25 * 3600 * 1000
    for sitting_id in (runs, over, late):
        answer = patch(bench, sitting_id, {"urgent": True})

        assert (answer.status_code, slug(answer)) == (409, "illegal-move")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"nmae": None}, "#/nmae", "extra_forbidden"),
        ({"陈SECRET": None}, "#/-", "extra_forbidden"),
        ({"person": {"id_number": None}}, "#/person/id_number", "extra_forbidden"),
        ({"preferences": {"x": 1}}, "#/preferences/x", "extra_forbidden"),
        ({"order_ref": None}, "#/order_ref", "missing"),
        ({"documents": ["moon_id"]}, "#/documents/0", "unknown_to_station"),
        ({"fingers": {"minimum": 9}}, "#/fingers/minimum", "too_large"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at", "too_early"),
        ({"person": "SECRET"}, "#/person", "model_type"),
        ([], "#", "dict_type"),
        (b"{", "#", "json_invalid"),
        (b"[" * 5000, "#", "json_invalid"),
        (b'{"urgent": NaN}', "#", "json_invalid"),
    ],
)
def test_a_change_that_may_not_be_is_named_by_place_and_changes_nothing(
    bench: Bench, change, pointer: str, code: str
):
    """422 with JSON pointers, never a value; also a null for a name that nobody knows."""
    sitting_id = bench.order()
    (before,) = bench.orders.waiting()
    answer = patch(bench, sitting_id, change)

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")
    assert pointers(answer) == [(pointer, code)]
    assert "SECRET" not in answer.text
    assert bench.orders.waiting() == (before,)
    assert bench.ask("GET", f"/{sitting_id}").headers["ETag"] == '"1"'


def test_the_times_of_an_order_can_be_moved(bench: Bench):
    """Later, and back to what stands where nothing is said."""
    sitting_id = bench.order()
    tomorrow = "2026-12-01T00:00:00.000Z"
    bench.orders._clock_ms = lambda: TODAY_MS
    later = patch(bench, sitting_id, {"not_before": tomorrow, "expires_at": None}).get_json()

    assert later["expires_at"] == "2026-12-02T00:00:00.000Z"
    assert bench.orders.waiting() == ()


def test_a_photo_stays_held_while_the_order_names_it(bench: Bench):
    """What was brought is not asked for twice; what is named no more is forgotten."""
    sitting_id = bench.order()
    bench.put(sitting_id)

    def state() -> str:
        return str(bench.ask("GET", f"/{sitting_id}").get_json()["reuse_photo"]["state"])

    patch(bench, sitting_id, {"urgent": True, "person": {"surname": "李"}})
    assert (state(), bench.orders.photo(sitting_id, 0)) == ("held", PHOTO)
    patch(bench, sitting_id, {"reuse_photo": {"digest": digest(photo(4))}})
    assert (state(), bench.orders.photo(sitting_id, 0)) == ("needed", None)
    patch(bench, sitting_id, {"person": {"born_on": None}})
    assert state() == "unfit"
    patch(bench, sitting_id, {"reuse_photo": None})
    assert state() == "none"


def test_what_is_asked_again_is_what_was_asked(bench: Bench):
    """Every member survives the way into the journal and back into a body."""
    asked = body(**FULL)
    asked["reuse_photo"].pop("size")
    wanted = wanted_of(json.dumps(asked).encode(), TODAY_MS)

    assert asked_again(wanted) == asked
    assert set(asked) == set(NewSitting.model_fields)


RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}), ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}), ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}), (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]), ({"a": "foo"}, None, None), ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}), ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]  # fmt: skip


@pytest.mark.parametrize(("target", "change", "result"), RFC_7396)
def test_a_merge_patch_does_what_the_rfc_says(target, change, result):
    """RFC 7396, appendix A, example by example."""
    assert merged(target, change) == result


@FUZZ
@given(
    raw=ANY_BODY, match=st.sampled_from(["*", '"1"', '"2"', ""]),
    kind=st.sampled_from([MERGE, "application/json"]),
)  # fmt: skip
def test_no_change_makes_the_interface_stumble(calm: Bench, raw, match, kind):
    """200 and the order is one that could have been ordered so, or a problem and no change."""
    rows = calm.orders.rows(state="waiting") or [calm.orders.row(calm.order())]
    sitting_id, before = rows[0].sitting_id, rows[0].etag
    answer = patch(calm, sitting_id, raw, {"If-Match": match}, kind)

    if not judge(answer, 200):
        assert calm.orders.row(sitting_id).etag == before


# What completes what


def test_only_a_package_that_lacks_something_is_completed(kit, bench: Bench):
    """One that this station closed as complete is refused; one that it does not know is not."""
    made = {}
    for result in ("accepted", "accepted_with_missing"):
        sitting_id = bench.order()
        bench.orders.take(sitting_id)
        package_id = seal_something(kit, bench.store, sitting_id)
        close_package(kit, bench.store, package_id, sitting_id, orders_module.Ending(result))
        made[result] = package_id
    refused = bench.post(completes_package_id=made["accepted"])
    bench.order(completes_package_id=made["accepted_with_missing"])
    bench.order(completes_package_id="019aa1f0-7a1b-7c2d-8e3f-0a1b2c3d4e5f")

    assert pointers(refused) == [("#/completes_package_id", "unknown_to_station")]
    assert len(bench.orders.waiting()) == 2


def test_a_station_that_does_not_come_to_it_says_so_and_nothing_happened(kit, bench: Bench):
    """503 with patience: the loop is in a step that a touch would wait for as well."""

    def withdraw(*_) -> None:
        raise TimeoutError

    station = V1Station(
        STATION, "0.1.0", "0" * 64, bench.store, kit.verifier, list, list, orders=bench.orders,
        withdraw=withdraw,
    )  # fmt: skip
    busy = Bench(bench.store, bench.orders, create_v1_app(station, TOKEN).test_client())
    sitting_id = busy.order()
    bench.orders.take()
    answer = busy.ask("DELETE", f"/{sitting_id}", headers=STARS)

    assert (answer.status_code, slug(answer)) == (503, "station-busy")
    assert answer.headers["Retry-After"] == "5"
    assert bench.orders.row(sitting_id).state == "running"


# Not now


@pytest.mark.parametrize(
    ("reasons", "status"),
    [(["no_sealing_key"], 503), (["device_out", "clock_suspect"], 503), (["device_out"], 201)],
    ids=["no key", "no time", "no camera"],
)
def test_what_a_sitting_could_not_be_sealed_with_is_said_before_anybody_is_invited(
    kit, bench: Bench, reasons: list[str], status: int
):
    """Without a key or the time no order is taken; a camera may be back before the person comes."""
    station = V1Station(
        STATION, "0.1.0", "0" * 64, bench.store, kit.verifier, list, lambda: reasons,
        orders=bench.orders,
    )  # fmt: skip
    asked = Bench(bench.store, bench.orders, create_v1_app(station, TOKEN).test_client())
    answer = asked.post()

    assert answer.status_code == status
    if status == 503:
        assert answer.get_json()["reasons"] == [reasons[-1]]


# Long ago


def test_an_order_of_long_ago_is_gone_and_listed_no_more(kit, tmp_path, bench: Bench):
    """410, not 404: it was here. Its id is all that is left, also after a restart."""
    old, young = bench.order(), bench.order()
    for sitting_id in (old, young):
        bench.orders.take(sitting_id)
        bench.orders.end(sitting_id, "accepted_with_missing", [{"what": "portrait", "reason": "x"}])
    row = bench.orders.row(old)
    bench.store.write(
        lambda db: db.execute(
            "update sitting_order set ended_at_ms = ended_at_ms - ? where sitting_id = ?",
            (KEPT_MS, old),
        )
    )
    with opened(bench.store) as orders:
        again = served(kit, bench.store, orders)
        gone = again.ask("GET", f"/{old}")
        listed = again.ask("GET", "").get_json()["items"]
        stored = bench.store.read(
            lambda db: db.execute(
                "select result, missing, wanted, photo_reason from sitting_order"
                " where sitting_id = ?", (old,)
            ).get
        )  # fmt: skip

        assert row.result == "accepted_with_missing"
        assert (gone.status_code, slug(gone)) == (410, "order-gone")
        for answer in (
            again.ask("DELETE", f"/{old}", headers=STARS), patch(again, old, {}),
        ):  # fmt: skip
            assert (answer.status_code, slug(answer)) == (410, "order-gone")
        assert [item["sitting_id"] for item in listed] == [young]
        assert stored == (None, None, None, None)
