"""What the station promises of its orders: kept, begun once, ended once, and then forgotten."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.candidates.load import open_lookup
from edge.orders import (
    Ending,
    NoSuchOrder,
    OrderClosed,
    OrdersFull,
    OrderStale,
    OrderUnknown,
    OtherPhoto,
    PhotoUnreadable,
    idempotency,
)
from edge.orders import book as orders_module
from edge.orders.held_photos import HeldPhotos, NoRoomForPhotos
from edge.orders.idempotency import KeyBusy, KeyReused, Once
from edge.settings import load_reuse_policy
from edge.store import Store, StoreError
from edge.trust import audit
from tests.contracts.test_lookup import jpeg
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until
from tests.hostile_centre import HostileCentre, answer
from tests.order_kit import (
    BORN,
    PERSONAL,
    PHOTO,
    SURNAME,
    TODAY_MS,
    all_text,
    candidate,
    opened,
    photo,
    wanted,
)

HOUR_MS = 3600 * 1000
PATIENT_S = 20.0


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory):
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("orders"))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield store


@pytest.fixture
def orders(store):
    with opened(store) as orders:
        yield orders


def any_etag(_):
    return True


def seal_something(kit, store, sitting_id, *, consented=True):
    """A package of this sitting with one sample."""
    package_id = new_id()
    kid = kit.sealer.sealing_key.kid
    store.open_package(package_id, sitting_id, STATION, kid, {"consented": consented})
    name = "portrait/cn_exit_entry.jpg"
    facts = {"captured_at": "2026-11-22T01:12:00.000Z"}
    store.add_part(package_id, kit.sealer.part(package_id, 0, name, "image/jpeg", b"x", facts))
    return package_id


def close_package(kit, store, package_id, sitting_id, ending):
    previous = store.previous_digest()
    fields = {"sitting_id": sitting_id, "result": "accepted", "previous": previous}
    parts = store.parts(package_id)
    manifest = kit.sealer.manifest(package_id, store.next_n(package_id), fields, parts)
    store.close_package(
        package_id, manifest, kit.sealer.statement, previous=previous, sinks={SINK: "custody"},
        ending=ending,
    )  # fmt: skip


# Kept, begun, ended


def test_an_order_waits_as_it_was_asked_for_also_after_a_restart(store):
    """Every wish comes back; the application's day is the order's own if none was said."""
    with opened(store, clock_ms=lambda: TODAY_MS) as orders:
        order = orders.add(wanted())
        asked = orders.add(wanted(applied_at="2026-11-01", positions=None, documents=()))
    with opened(store, clock_ms=lambda: TODAY_MS + HOUR_MS) as orders:
        assert orders.waiting() == (order, asked)
    assert asked.applied_at == "2026-11-01"
    assert order.applied_at == "2026-11-22T00:00:00.000Z"
    assert (order.surname, order.born_on, order.candidates) == (SURNAME, BORN, (candidate(),))
    assert (asked.positions, asked.documents) == (None, ())


def test_orders_begin_oldest_first_and_once(store, orders):
    """Two sittings never serve one order; the one that runs can be asked for again."""
    first, second = orders.add(wanted()), orders.add(wanted())
    assert orders.waiting() == (first, second)

    assert orders.take() == first
    assert orders.waiting() == (second,)
    assert orders.take(first.sitting_id) == orders.running(first.sitting_id) == first
    assert orders.take(second.sitting_id) == second
    assert orders.take() is None
    assert orders.take(new_id()) is None
    orders.put_back(first.sitting_id)
    assert orders.take() == first


def test_an_order_does_not_begin_before_its_time_nor_after(store):
    """`not_before` and `expires_at` hold to the millisecond."""
    now = [TODAY_MS]
    with opened(store, clock_ms=lambda: now[0]) as orders:
        order = orders.add(wanted(not_before_ms=TODAY_MS + 10, expires_at_ms=TODAY_MS + 20))
        begins = {}
        for at_ms in (TODAY_MS + 9, TODAY_MS + 10, TODAY_MS + 19, TODAY_MS + 20):
            now[0] = at_ms
            begins[at_ms - TODAY_MS] = orders.waiting() == (order,)

        assert begins == {9: False, 10: True, 19: True, 20: False}
        assert orders.take(order.sitting_id) is None
        orders.sweep()
        row = orders.row(order.sitting_id)
        assert (row.state, row.result, row.ended_at_ms) == ("ended", "expired", TODAY_MS + 20)


def test_an_order_that_says_nothing_stands_a_day(store):
    """Nothing personal lies here for ever because somebody forgot it."""
    now = [TODAY_MS]
    with opened(store, clock_ms=lambda: now[0]) as orders:
        waits, runs = orders.add(wanted()), orders.add(wanted())
        orders.take(runs.sitting_id)
        now[0] += 24 * HOUR_MS - 1
        orders.sweep()
        assert orders.waiting() == (waits,)
        now[0] += 1
        orders.sweep()
        assert orders.row(waits.sitting_id).result == "expired"
        assert orders.row(runs.sitting_id).state == "running"
        now[0] += 24 * HOUR_MS
        orders.sweep()
        assert orders.row(runs.sitting_id).result == "expired"


def test_an_end_is_the_first_one(orders):
    """A late word, a repeated one, and one about a walk-in change nothing."""
    order = orders.add(wanted())
    orders.take()
    missing = [{"what": "finger:right_thumb", "reason": "bandaged"}]
    orders.end(order.sitting_id, "accepted_with_missing", missing)
    ended = orders.row(order.sitting_id)
    orders.end(order.sitting_id, "cancelled")
    orders.put_back(order.sitting_id)
    orders.mark_photo(order.sitting_id, "used")
    orders.end(new_id(), "accepted")

    assert orders.row(order.sitting_id) == ended
    assert (ended.result, ended.missing) == ("accepted_with_missing", tuple(missing))
    assert orders.take(order.sitting_id) is None
    assert orders.running(order.sitting_id) is None
    with pytest.raises(ValueError, match="cannot end"):
        orders.end(order.sitting_id, "陈")


def test_only_what_waits_can_be_cancelled_by_whoever_read_it(orders):
    """Unknown, changed, gone on: each told apart, and nothing happens."""
    order = orders.add(wanted())
    read = orders.row(order.sitting_id).etag
    with pytest.raises(NoSuchOrder):
        orders.cancel(new_id(), any_etag)
    orders.bring_photo(order.sitting_id, PHOTO)
    with pytest.raises(OrderStale):
        orders.cancel(order.sitting_id, read.__eq__)
    orders.take()
    with pytest.raises(OrderClosed):
        orders.cancel(order.sitting_id, any_etag)
    orders.put_back(order.sitting_id)
    orders.cancel(order.sitting_id, orders.row(order.sitting_id).etag.__eq__)

    assert orders.row(order.sitting_id).result == "cancelled"
    assert orders.photo(order.sitting_id, 0) is None
    with pytest.raises(OrderClosed):
        orders.cancel(order.sitting_id, any_etag)


def test_what_the_station_does_not_have_is_refused_by_place(orders):
    """Nothing is kept of an order that could never be served."""
    wishes = wanted(documents=("cn_exit_entry", "moon_id"), positions=("left_little",))
    with pytest.raises(OrderUnknown) as refused:
        orders.add(wishes)

    assert refused.value.keys == (("documents", 1), ("fingers", "positions", 0))
    assert orders.rows() == []


def test_no_more_orders_than_the_station_keeps(orders, monkeypatch):
    """Refused whole; what ended makes room."""
    monkeypatch.setattr(orders_module, "OPEN_MAX", 2)
    first = orders.add(wanted())
    orders.add(wanted())
    with pytest.raises(OrdersFull):
        orders.add(wanted())
    orders.end(first.sitting_id, "to_window")
    orders.add(wanted())

    assert len(orders.rows()) == 3


def test_every_change_that_a_client_sees_changes_the_etag(orders):
    """Whoever cancels has seen what is so now."""
    order = orders.add(wanted())
    sitting_id, etags = order.sitting_id, []
    for change in (
        lambda: None,
        lambda: orders.bring_photo(sitting_id, PHOTO),
        orders.take,
        lambda: orders.mark_photo(sitting_id, "unfit", "no_face"),
        lambda: orders.mark_photo(sitting_id, "unfit", "blur"),
        lambda: orders.end(sitting_id, "accepted"),
    ):
        change()
        etags.append(orders.row(sitting_id).etag)
    same = orders.row(sitting_id).etag

    assert len(set(etags)) == len(etags)
    assert same == etags[-1]


# Nothing personal stays


def end_it(orders, sitting_id, now):
    orders.take(sitting_id)
    orders.end(sitting_id, "accepted")


def cancel_it(orders, sitting_id, now):
    orders.cancel(sitting_id, any_etag)


def let_it_expire(orders, sitting_id, now):
    now[0] += 24 * HOUR_MS
    orders.sweep()


@pytest.mark.parametrize("over", [end_it, cancel_it, let_it_expire])
def test_nothing_personal_stays_when_an_order_is_over(store, over):
    """However it ends; and while it is open it lies in the encrypted file alone."""
    now = [TODAY_MS]
    with opened(store, clock_ms=lambda: now[0]) as orders:
        order = orders.add(wanted())
        assert all(mark in all_text(store) for mark in PERSONAL)
        over(orders, order.sitting_id, now)

        assert [mark for mark in PERSONAL if mark in all_text(store)] == []
        assert orders.row(order.sitting_id).state == "ended"


def test_no_file_holds_anything_plain_of_an_order(tmp_path):
    """The photo is not even in the encrypted one; names and dates are ciphertext."""
    with (
        Store.open(tmp_path / "store.db", tmp_path / "store.key") as store,
        opened(store) as orders,
    ):
        order = orders.add(wanted())
        orders.bring_photo(order.sitting_id, PHOTO)
        assert PHOTO[200:260].hex() not in all_text(store)
        held = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
        marks = [*(mark.encode() for mark in PERSONAL), PHOTO[200:260], b"wanted"]

        assert [mark for mark in marks for content in held if mark in content] == []


def test_what_names_a_person_stays_out_of_words_and_log(orders, capsys):
    """Neither `repr` nor log line nor audit row says who."""
    order = orders.add(wanted())
    orders.take()
    orders.end(order.sitting_id, "accepted")
    rows = orders._store.audit_rows()
    said = [repr(order), repr(wanted()), *(row.entry.decode() for row in rows)]
    said += capsys.readouterr()

    assert [mark for mark in PERSONAL for text in said if mark in text] == []
    acts = [json.loads(row.entry)["act"] for row in rows]
    assert acts[-3:] == ["order.add", "order.begin", "order.end"]
    audit.verify(rows)


# A restart in every state


@contextmanager
def restarted(kit, before):
    """What one run left, as the next one finds it."""
    with kit.open_store() as store, opened(store) as orders:
        order = orders.add(wanted())
        before(store, orders, order.sitting_id)
    with kit.open_store() as store, opened(store) as orders:
        yield orders, order


def left_waiting(_kit, _store, orders, sitting_id):
    orders.bring_photo(sitting_id, PHOTO)


def left_taken(_kit, _store, orders, sitting_id):
    orders.take(sitting_id)


def left_before_consent(kit, store, orders, sitting_id):
    orders.take(sitting_id)
    seal_something(kit, store, sitting_id, consented=False)


def left_running(kit, store, orders, sitting_id):
    orders.take(sitting_id)
    orders.bring_photo(sitting_id, PHOTO)
    seal_something(kit, store, sitting_id)


def left_marked(kit, store, orders, sitting_id):
    left_running(kit, store, orders, sitting_id)
    orders.mark_photo(sitting_id, "declined")


def left_closed_untold(kit, store, orders, sitting_id):
    orders.take(sitting_id)
    package_id = seal_something(kit, store, sitting_id)
    close_package(kit, store, package_id, sitting_id, None)


def left_closed(kit, store, orders, sitting_id):
    orders.take(sitting_id)
    package_id = seal_something(kit, store, sitting_id)
    ending = Ending("accepted_with_missing", [{"what": "portrait", "reason": "device_out"}])
    close_package(kit, store, package_id, sitting_id, ending)


def left_ended(_kit, _store, orders, sitting_id):
    orders.take(sitting_id)
    orders.end(sitting_id, "to_window")


@pytest.mark.parametrize(
    ("before", "state", "result", "photo_state"),
    [
        (left_waiting, "waiting", None, "needed"),
        (left_taken, "waiting", None, "needed"),
        (left_before_consent, "waiting", None, "needed"),
        (left_running, "running", None, "needed"),
        (left_marked, "running", None, "declined"),
        (left_closed_untold, "ended", None, "needed"),
        (left_closed, "ended", "accepted_with_missing", "needed"),
        (left_ended, "ended", "to_window", "needed"),
    ],
)
def test_after_a_restart_every_order_is_where_its_sitting_is(
    tmp_path, before, state, result, photo_state
):
    """Begun without consent: it waits again. Closed: it has ended, whoever was not told."""
    kit = make_kit(tmp_path)
    with restarted(kit, lambda *run: before(kit, *run)) as (orders, order):
        row = orders.row(order.sitting_id)

        assert (row.state, row.result, row.photo) == (state, result, photo_state)
        assert (row.package_id is not None) == before.__name__.startswith("left_closed")
        assert (orders.running(order.sitting_id) == order) == (state == "running")
        assert (orders.waiting() == (order,)) == (state == "waiting")
        if state == "ended":
            assert SURNAME not in all_text(orders._store)


def test_a_package_and_its_order_end_together_or_not_at_all(kit, store, orders):
    """One transaction: a closing that is refused leaves the order running."""
    order = orders.add(wanted())
    orders.take()
    package_id = seal_something(kit, store, order.sitting_id)

    def refuse(_):
        raise StoreError("planted")

    previous = store.previous_digest()
    fields = {"sitting_id": order.sitting_id, "result": "accepted", "previous": previous}
    parts = store.parts(package_id)
    manifest = kit.sealer.manifest(package_id, store.next_n(package_id), fields, parts)
    with pytest.raises(StoreError, match="planted"):
        store.close_package(
            package_id, manifest, refuse, previous=previous, sinks={SINK: "custody"},
            ending=Ending("accepted"),
        )  # fmt: skip
    assert orders.row(order.sitting_id).state == "running"

    close_package(kit, store, package_id, order.sitting_id, Ending("accepted"))
    row = orders.row(order.sitting_id)
    assert (row.state, row.result, row.package_id) == ("ended", "accepted", package_id)


# Twice is once


def test_a_key_is_kept_with_the_order_and_for_three_days(store):
    """The same request gives the earlier answer, another one is refused, four days on it is new."""
    now = [TODAY_MS]
    once = Once.of("token", "k" * 16, "POST", "/v1/sittings", b"{}")
    other = Once.of("token", "k" * 16, "POST", "/v1/sittings", b"{} ")
    stranger = Once.of("another", "k" * 16, "POST", "/v1/sittings", b"{}")
    with opened(store, clock_ms=lambda: now[0]) as orders:
        with orders.repeats.first(once) as earlier:
            assert earlier is None
            orders.add(wanted(), once=once, answer=lambda row: row.sitting_id)
            with pytest.raises(KeyBusy), orders.repeats.first(once):
                pass
        (row,) = orders.rows()
        with orders.repeats.first(once) as earlier:
            assert earlier == row.sitting_id
        with pytest.raises(KeyReused), orders.repeats.first(other):
            pass
        with orders.repeats.first(stranger) as earlier:
            assert earlier is None
        now[0] += idempotency.KEPT_MS - 1
        orders.sweep()
        with orders.repeats.first(once) as earlier:
            assert earlier is not None
        now[0] += 1
        orders.sweep()
        with orders.repeats.first(once) as earlier:
            assert earlier is None


def test_an_order_whose_answer_cannot_be_kept_is_not_kept_either(orders):
    """One transaction for the effect and for what is said of it."""
    once = Once.of("token", "k" * 16, "POST", "/v1/sittings", b"{}")

    def fail(_):
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        orders.add(wanted(), once=once, answer=fail)

    assert orders.rows() == []
    with orders.repeats.first(once) as earlier:
        assert earlier is None


# The earlier photo


def test_a_photo_is_held_until_its_fate_is_known(orders):
    """Brought once or twice, read by the sitting, forgotten with every end of it."""
    for over in ("used", "declined", "unfit", "needed"):
        order = orders.add(wanted())
        orders.take(order.sitting_id)
        orders.bring_photo(order.sitting_id, PHOTO)
        orders.bring_photo(order.sitting_id, PHOTO)
        assert orders.row(order.sitting_id).photo == "held"
        assert orders.photo(order.sitting_id, 0) == PHOTO
        orders.mark_photo(order.sitting_id, over)

        assert orders.row(order.sitting_id).photo == over
        assert orders.photo(order.sitting_id, 0) is None
    for nonsense in ("held", "none", "陈"):
        with pytest.raises(ValueError, match="nobody can make"):
            orders.mark_photo(order.sitting_id, nonsense)


def test_a_photo_that_nobody_wants_is_refused(orders):
    """Unknown sitting, no candidate, decided already, ended."""
    plain = orders.add(wanted(candidates=()))
    order = orders.add(wanted())
    with pytest.raises(NoSuchOrder):
        orders.bring_photo(new_id(), PHOTO)
    with pytest.raises(OrderClosed):
        orders.bring_photo(plain.sitting_id, PHOTO)
    orders.mark_photo(plain.sitting_id, "used")
    assert orders.row(plain.sitting_id).photo == "none"
    orders.mark_photo(order.sitting_id, "declined")
    with pytest.raises(OrderClosed):
        orders.bring_photo(order.sitting_id, PHOTO)
    orders.mark_photo(order.sitting_id, "needed")
    orders.end(order.sitting_id, "cancelled")
    with pytest.raises(OrderClosed):
        orders.bring_photo(order.sitting_id, PHOTO)


def test_other_bytes_than_ordered_are_refused(orders):
    """The digest decides; any of several candidates will do."""
    first, second = photo(1), photo(2)
    order = orders.add(wanted(candidates=(candidate(first), candidate(second))))
    with pytest.raises(OtherPhoto):
        orders.bring_photo(order.sitting_id, PHOTO)
    assert orders.row(order.sitting_id).photo == "needed"
    orders.bring_photo(order.sitting_id, second)

    assert orders.photo(order.sitting_id, 0) == second


HUGE = photo().replace((441).to_bytes(2, "big") + (358).to_bytes(2, "big"), b"\x40\x00\x40\x00", 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_jpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "wrong_type"),
        (b"\xff\xd8\xff", "truncated"),
        (photo(width_px=40, height_px=40), "too_small"),
        (HUGE, "too_many_pixels"),
        (PHOTO + bytes(2 << 20), "too_large"),
    ],
)
def test_a_photo_that_its_header_disqualifies_is_refused_undecoded(orders, content, code):
    """Size, type and pixels by the header alone; the rest is for the vision worker's cell."""
    order = orders.add(wanted(candidates=(candidate(content),)))
    with pytest.raises(PhotoUnreadable) as refused:
        orders.bring_photo(order.sitting_id, content)

    assert refused.value.code.value == code
    assert orders.row(order.sitting_id).photo == "needed"


def test_what_only_decoding_can_show_is_held_for_the_worker(orders):
    """A photo cut in its picture has a good header."""
    half = PHOTO[: len(PHOTO) * 3 // 4]
    order = orders.add(wanted(candidates=(candidate(half),)))
    orders.bring_photo(order.sitting_id, half)

    assert orders.row(order.sitting_id).photo == "held"


def test_photos_never_fill_the_memory(store):
    """Beyond the room a photo is refused for now; one that is replaced makes room."""
    with opened(store, held=HeldPhotos(len(PHOTO) + 10)) as orders:
        first, second = orders.add(wanted()), orders.add(wanted())
        orders.bring_photo(first.sitting_id, PHOTO)
        orders.bring_photo(first.sitting_id, PHOTO)
        with pytest.raises(NoRoomForPhotos):
            orders.bring_photo(second.sitting_id, PHOTO)
        orders.end(first.sitting_id, "accepted")
        orders.bring_photo(second.sitting_id, PHOTO)

        assert orders.row(second.sitting_id).photo == "held"


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, "needed", None),
        ({"born_on": "1966-11-22"}, "needed", None),
        ({"born_on": "1966-11-23"}, "unfit", "under_age"),
        ({"born_on": None}, "unfit", "birth_date_unknown"),
        ({"candidates": (candidate(captured_at="2021-11-22"),)}, "needed", None),
        ({"candidates": (candidate(captured_at="2021-11-21"),)}, "unfit", "too_old"),
        ({"candidates": (candidate(captured_at="2026-11-23"),)}, "unfit", "date_unknown"),
        ({"candidates": (candidate(source="selfie"),)}, "unfit", "other_source"),
        ({"applies_for": ""}, "unfit", "other_document"),
        ({"applied_at": "9999"}, "unfit", "application_date_unknown"),
        ({"candidates": ()}, "none", None),
    ],
)
def test_no_photo_is_asked_for_that_the_rule_would_not_offer(store, changes, state, reason):
    """The rule decides when the order comes: no picture travels for nothing."""
    with opened(store, clock_ms=lambda: TODAY_MS) as orders:
        order = orders.add(wanted(**changes))
        row = orders.row(order.sitting_id)

        assert (row.photo, row.photo_reason) == (state, reason)
        if state == "unfit":
            with pytest.raises(OrderClosed):
                orders.bring_photo(order.sitting_id, PHOTO)


def test_a_station_without_the_rule_wants_no_photos(store):
    """Reuse is off: nothing is asked for."""
    orders = orders_module.Orders(store, orders_module.Known(), None)
    order = orders.add(wanted(documents=(), positions=None))
    assert orders.row(order.sitting_id).photo_reason == "reuse_off"
    orders.close()


# Asked from the centre


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    with HostileCentre(tmp_path_factory.mktemp("centre"), lambda _: None) as centre:
        yield centre


@pytest.fixture
def asking(kit, store, centre):
    """Orders that ask this centre."""
    centre.requests.clear()
    centre.stream = None
    lookup = open_lookup("https", centre.options, STATION, kit.station_key.sign_jws)
    with opened(store, lookup=lookup) as orders:
        yield orders


def test_a_photo_that_did_not_come_is_asked_for_once_the_sitting_runs(asking, centre):
    """Never before; then it is held like any other, and not asked for again."""
    centre.script = lambda _: jpeg(PHOTO)
    order = asking.add(wanted())
    assert asking.photo(order.sitting_id, PATIENT_S) is None
    assert centre.requests == []
    asking.take()

    assert asking.photo(order.sitting_id, PATIENT_S) == PHOTO
    assert asking.photo(order.sitting_id, PATIENT_S) == PHOTO
    assert len(centre.requests) == 1
    assert asking.row(order.sitting_id).photo == "held"


def test_a_photo_that_came_is_not_asked_for(asking, centre):
    """No request leaves the station for what is here."""
    order = asking.add(wanted())
    asking.take()
    asking.bring_photo(order.sitting_id, PHOTO)

    assert asking.photo(order.sitting_id, PATIENT_S) == PHOTO
    assert centre.requests == []


def test_a_centre_that_stumbles_is_asked_again_in_the_same_time(asking, centre):
    """A restart of the centre costs a moment, not the photo."""
    centre.script = lambda _: jpeg(PHOTO) if len(centre.requests) > 2 else answer(503)
    order = asking.add(wanted())
    asking.take()

    assert asking.photo(order.sitting_id, PATIENT_S) == PHOTO
    assert len(centre.requests) == 3


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (answer(404), "needed", "not_found"),
        (answer(403), "needed", "http_403"),
        (answer(302, Location="/"), "needed", "http_302"),
        (answer(500), "needed", "http_500"),
        (jpeg(photo(9)), "unfit", "digest_mismatch"),
        (answer(200, "<html>"), "unfit", "wrong_type"),
        (jpeg(bytes((2 << 20) + 1)), "unfit", "too_large"),
    ],
)
def test_what_a_centre_answers_has_its_reason(asking, centre, said, state, reason):
    """Not there or later: still needed, and it may be brought. Not the photo: unfit for good."""
    centre.script = lambda _: said
    order = asking.add(wanted())
    asking.take()
    before = asking.row(order.sitting_id).etag
    assert asking.photo(order.sitting_id, 0.5) is None
    row = asking.row(order.sitting_id)

    assert (row.photo, row.photo_reason) == (state, reason)
    assert row.etag != before
    if state == "needed":
        asking.bring_photo(order.sitting_id, PHOTO)
        assert asking.row(order.sitting_id).photo_reason is None


def test_ordered_bytes_that_are_no_photo_are_unfit(asking, centre):
    """The digest is right and the file is not: another look-up would not help."""
    text = b"no picture at all"
    centre.script = lambda _: jpeg(text)
    order = asking.add(wanted(candidates=(candidate(text),)))
    asking.take()

    assert asking.photo(order.sitting_id, PATIENT_S) is None
    assert asking.row(order.sitting_id).photo_reason == "not_jpeg"


def test_a_silent_centre_costs_no_more_than_its_time(asking, centre):
    """The sitting's own thread is not even here; the look-up ends and says why."""
    centre.stream = lambda secure, _: secure.recv(1)
    order = asking.add(wanted())
    asking.take()
    began_s = time.monotonic()

    assert asking.photo(order.sitting_id, 0.3) is None
    assert time.monotonic() - began_s < PATIENT_S
    assert asking.row(order.sitting_id).photo_reason == "timeout"


def test_a_station_that_stops_does_not_wait_for_the_centre(asking, centre):
    """Closing cuts the look-up that runs; whoever asked for the photo is told that none came."""
    centre.stream = lambda secure, _: secure.recv(1)
    order = asking.add(wanted())
    asking.take()
    came = []
    thread = threading.Thread(target=lambda: came.append(asking.photo(order.sitting_id, 600)))
    thread.start()
    until(lambda: centre.requests)
    asking.close()
    thread.join(PATIENT_S)

    assert came == [None]


def test_another_candidate_is_asked_for_when_the_first_is_not_there(asking, centre):
    """In the rule's order: the exit-entry photo first, whatever the order's sequence."""
    second, first = photo(1), photo(2)
    centre.script = lambda r: jpeg(second) if candidate(second).sha256 in r.path else answer(404)
    both = (candidate(second, source="resident_id"), candidate(first))
    order = asking.add(wanted(candidates=both))
    asking.take()

    assert asking.photo(order.sitting_id, PATIENT_S) == second
    assert [candidate(one).sha256 in r.path for one, r in
            zip((first, second), centre.requests, strict=True)] == [True, True]  # fmt: skip


@pytest.mark.parametrize("state", ["used", "declined", "unfit"])
def test_a_photo_that_comes_after_the_choice_is_not_held(asking, centre, state):
    """The answer is late, the choice was made without it: nobody has a use for it."""
    order = asking.add(wanted())
    asking.take()

    def late(_):
        asking.mark_photo(order.sitting_id, state)
        return jpeg(PHOTO)

    centre.script = late
    asking.photo(order.sitting_id, PATIENT_S)

    assert asking._held.get(order.sitting_id) is None
    assert asking.row(order.sitting_id).photo == state


def test_a_photo_brought_while_the_choice_is_written_is_not_held(store, orders, monkeypatch):
    """Whichever of the two comes first, nothing of the photo is left."""
    order = orders.add(wanted())
    orders.take()
    write = store.write

    def meanwhile(*job, **options):
        monkeypatch.undo()
        orders.bring_photo(order.sitting_id, PHOTO)
        return write(*job, **options)

    monkeypatch.setattr(store, "write", meanwhile)
    orders.mark_photo(order.sitting_id, "declined")

    assert orders._held.get(order.sitting_id) is None


def test_an_order_that_ends_while_its_photo_comes_holds_nothing(asking, centre):
    """The answer is late: nobody has a use for it."""
    order = asking.add(wanted())
    asking.take()

    def late(_):
        asking.end(order.sitting_id, "cancelled")
        return jpeg(PHOTO)

    centre.script = late
    asking.photo(order.sitting_id, PATIENT_S)

    assert asking._held.get(order.sitting_id) is None
    assert load_reuse_policy().version


# Whatever comes in whatever order


class Lives(RuleBasedStateMachine):
    """Random lives of orders against the simplest model of them."""

    folder = None

    @initialize()
    def begin(self):
        Lives.count = getattr(Lives, "count", 0) + 1
        self.store = Store.open(
            self.folder / f"{Lives.count}.db", self.folder / "store.key", floor_bytes=1
        )
        self.orders = orders_module.Orders(self.store, orders_module.Known(), load_reuse_policy())
        self.model = {}

    @rule()
    def add(self):
        order = self.orders.add(wanted(documents=(), positions=None))
        self.model[order.sitting_id] = "waiting"

    @precondition(lambda self: self.model)
    @rule(n=st.integers(0, 9))
    def take(self, n):
        sitting_id = list(self.model)[n % len(self.model)]
        taken = self.orders.take(sitting_id)
        assert (taken is None) == (self.model[sitting_id] == "ended")
        if taken:
            self.model[sitting_id] = "running"

    @precondition(lambda self: self.model)
    @rule(n=st.integers(0, 9), how=st.sampled_from(["end", "put_back", "cancel"]))
    def go_on(self, n, how):
        sitting_id = list(self.model)[n % len(self.model)]
        state = self.model[sitting_id]
        if how == "end":
            self.orders.end(sitting_id, "accepted")
            self.model[sitting_id] = "ended"
        elif how == "put_back":
            self.orders.put_back(sitting_id)
            self.model[sitting_id] = "waiting" if state == "running" else state
        elif state == "waiting":
            self.orders.cancel(sitting_id, any_etag)
            self.model[sitting_id] = "ended"
        else:
            with pytest.raises(OrderClosed):
                self.orders.cancel(sitting_id, any_etag)

    @rule()
    def restart(self):
        self.orders.close()
        self.orders = orders_module.Orders(self.store, orders_module.Known(), load_reuse_policy())
        # Nobody agreed to anything here: what ran waits again.
        self.model = {k: "waiting" if v == "running" else v for k, v in self.model.items()}

    @invariant()
    def agrees(self):
        if hasattr(self, "orders"):
            assert {row.sitting_id: row.state for row in self.orders.rows()} == self.model
            waits = [key for key, state in self.model.items() if state == "waiting"]
            assert [order.sitting_id for order in self.orders.waiting()] == waits

    def teardown(self):
        if hasattr(self, "orders"):
            self.orders.close()
            audit.verify(self.store.audit_rows())
            self.store.close()


def test_an_order_lives_as_its_model_does(tmp_path):
    """Added, begun, put back, cancelled, ended, restarted: in any sequence, no order is lost."""
    Lives.folder = tmp_path
    machine = Lives.TestCase
    machine.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
    machine().runTest()
