"""Delivery against a centre that misbehaves in every way the table knows."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from centre.keys import CentreKeyring
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Hours, Pace
from edge.delivery.receipt import ReceiptConflict, ReceiptInvalid
from edge.sinks.load import open_sink
from edge.sinks.sink import Outgoing, SinkClosed
from edge.store.writer import Writer
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until
from tests.hostile_centre import HostileCentre, answer

QUICK = Pace(first_max_s=0, base_s=0.01, max_s=0.02, pending_s=0.02)
PATIENT = Pace(first_max_s=0, base_s=600, max_s=600)


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def store(kit):
    with kit.open_store() as store:
        yield store


@contextmanager
def delivering(kit, store, options, pace=QUICK, **more):
    codes = []
    outbox = Outbox(
        store, SINK, open_sink("https", options), kit.verifier,
        pace=pace, observe_try=codes.append, **more,
    )  # fmt: skip
    outbox.codes = codes
    outbox.start()
    try:
        yield outbox
    finally:
        outbox.close()


def receipt(kit, row, keyring=None, **changed):
    said = {
        "v": 1, "receipt_id": "r-1", "package_id": row.package_id, "station_id": STATION,
        "digest": row.digest, "size": row.size, "outcome": "stored", "code": None,
        "received_at": "2026-11-22T01:00:00.000Z", "by": "test", **changed,
    }  # fmt: skip
    return (keyring or kit.keyring).sign_receipt(said)


def state(store, row):
    return store.package(row.package_id).state


def test_a_true_receipt_is_the_only_thing_that_deletes(kit, store):
    """The request is as specified; the receipt is kept, the parts are gone."""
    row = kit.hand_in(store)
    content = store.sealed(row.package_id)
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, receipt(kit, row))) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, row) == "receipted")
        (request,) = centre.requests

    assert (request.method, request.body) == ("PUT", content)
    assert request.path == f"/ingest/v1/packages/{row.package_id}"
    assert request.headers["content-type"] == "application/vnd.anxin.package"
    assert request.headers["content-digest"] == row.digest
    assert request.headers["if-none-match"] == "*"
    assert request.headers["anxin-seal"] == row.statement
    assert "transfer-encoding" not in request.headers


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (answer(500), "http_500"),
        (answer(503, Retry_After="0"), "http_503"),
        (answer(408), "http_408"),
        (answer(429), "http_429"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "cut"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\neyJ", "cut"),
        (None, "cut"),
        (answer(201, "x" * 70_000), "endless_answer"),
        (answer(200), "receipt_invalid"),
        (answer(201, "thank you"), "receipt_invalid"),
        (answer(201, "\x00\xff.\xff.\xff"), "receipt_invalid"),
    ],
    ids=["500", "503", "408", "429", "garbage", "cut-answer", "cut", "endless", "200-empty",
         "200-text", "200-noise"],
)  # fmt: skip
def test_whatever_a_failing_centre_answers_the_package_stays(kit, store, said, code):
    """It backs off and tries again; a later true receipt is taken."""
    row = kit.hand_in(store)

    def script(request):
        if len(centre.requests) <= 3:
            return said
        return answer(201 if request.method == "PUT" else 200, receipt(kit, row))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: code in outbox.codes)
        assert store.sealed(row.package_id)
        until(lambda: state(store, row) == "receipted")

    assert outbox.codes[0] == code
    assert outbox.codes[-1] == "ok"


@pytest.mark.parametrize("status", [400, 411, 413, 415, 422])
def test_a_package_that_is_refused_for_good_steps_aside(kit, store, status):
    """Quarantined at once; the next one goes."""
    first, second = kit.hand_in(store), kit.hand_in(store)

    def script(request):
        refused = first.package_id in request.path
        return answer(status) if refused else answer(201, receipt(kit, second))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: state(store, second) == "receipted")

    assert state(store, first) == "quarantined"
    assert store.sealed(first.package_id)
    assert outbox.codes == [f"http_{status}", "ok"]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 501])
def test_a_centre_that_will_not_talk_stops_the_sink_with_an_alarm(kit, store, status):
    """No hammering: it waits for new settings, or for the technician's retry."""
    row = kit.hand_in(store)
    said = [answer(status)]
    with (
        HostileCentre(kit.folder / "centre", lambda _: said[0]) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: outbox.status.state == "stopped")
        assert outbox.status.alarms == ("sink_closed",)
        assert outbox.status.next_try_s > 3000
        assert (state(store, row), len(centre.requests)) == ("ready", 1)
        said[0] = answer(201, receipt(kit, row))
        outbox.retry_now()
        until(lambda: state(store, row) == "receipted")
        until(lambda: outbox.status.alarms == ())


def test_a_conflict_is_an_incident(kit, store):
    """409: two packages with one id. Quarantine, alarm, go on."""
    row = kit.hand_in(store)
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(409)) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: state(store, row) == "quarantined")

        assert outbox.status.alarms == ("package_conflict",)
    assert store.sealed(row.package_id)


def test_a_receipt_that_names_other_bytes_is_an_incident(kit, store):
    """Signed by the centre, so it holds something else under this id."""
    row = kit.hand_in(store)
    other = receipt(kit, row, digest="sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, other)) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: state(store, row) == "quarantined")

        assert outbox.status.alarms == ("package_conflict",)
    assert store.sealed(row.package_id)


def test_a_signed_refusal_is_kept_with_its_code(kit, store):
    """The centre has it and cannot open it: a technician has to look."""
    row = kit.hand_in(store)
    refusal = receipt(kit, row, outcome="refused", code="seal_broken")
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, refusal)) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, row) == "quarantined")
    (delivery,) = store.package(row.package_id).deliveries

    assert (delivery.last_code, delivery.receipt) == ("refused:seal_broken", refusal)
    assert store.sealed(row.package_id)


def test_five_answers_without_a_receipt_raise_an_alarm(kit, store):
    """An answer of 200 proves nothing about custody."""
    kit.hand_in(store)
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(200, "ok")) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: "receipts_invalid" in outbox.status.alarms)

    assert len(outbox.codes) >= 5


def test_after_a_lost_answer_the_receipt_is_asked_for_first(kit, store):
    """1 KB instead of the upload; the centre sees one effect."""
    row = kit.hand_in(store)

    def script(request):
        return None if request.method == "PUT" else answer(200, receipt(kit, row))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, row) == "receipted")

        assert [request.method for request in centre.requests] == ["PUT", "GET"]


def test_after_a_restart_in_mid_send_the_receipt_is_asked_for_first(kit):
    """Killed between sending and receipt: the same bytes, and no second upload if it arrived."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        store.begin_try(row.package_id, SINK)
    with (
        kit.open_store() as store,
        HostileCentre(kit.folder / "centre", lambda _: answer(200, receipt(kit, row))) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, row) == "receipted")

        assert [request.method for request in centre.requests] == ["GET"]


def test_a_package_that_is_there_already_gets_its_receipt_by_asking(kit, store):
    """412, then GET."""
    row = kit.hand_in(store)

    def script(request):
        return answer(412) if request.method == "PUT" else answer(200, receipt(kit, row))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, row) == "receipted")

        assert [request.method for request in centre.requests] == ["PUT", "GET"]


def test_a_centre_that_takes_now_and_answers_later_is_asked_again(kit, store):
    """202: the package waits for its receipt, the others go on."""
    first, second = kit.hand_in(store), kit.hand_in(store)

    def script(request):
        if first.package_id not in request.path:
            return answer(201, receipt(kit, second))
        if len(centre.requests) < 5:
            return answer(202, Location="somewhere")
        return answer(200, receipt(kit, first))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: state(store, first) == "receipted")
        outbox.wake()

        asked = [r.method for r in centre.requests if first.package_id in r.path]
    assert asked[0] == "PUT"
    assert set(asked[1:]) == {"GET"}
    assert state(store, second) == "receipted"


def test_one_package_that_always_fails_does_not_hold_up_the_others(kit, store):
    """While the sink fails, each package gets its turn."""
    bad, good = kit.hand_in(store), kit.hand_in(store)

    def script(request):
        return answer(500) if bad.package_id in request.path else answer(201, receipt(kit, good))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: state(store, good) == "receipted")

    assert state(store, bad) == "ready"


def test_a_damaged_package_steps_aside(kit, store):
    """It is named and kept; the queue goes on."""
    bad, good = kit.hand_in(store), kit.hand_in(store)
    store._writer.run(
        lambda db: db.execute("update part set record = zeroblob(9) where package = 1").get
    )
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, receipt(kit, good))) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: state(store, good) == "receipted")

        assert outbox.status.alarms == ("package_unreadable",)
    assert state(store, bad) == "quarantined"


def test_a_closed_port_backs_off(kit, store):
    """Nobody listens: a calm wait, whatever time it takes."""
    kit.hand_in(store)
    with HostileCentre(kit.folder / "centre", lambda _: None) as centre:
        options = centre.options
    with delivering(kit, store, options) as outbox:
        until(lambda: outbox.status.failures >= 3)
        # Between two tries it is sending for a moment: look until a wait is seen.
        until(lambda: outbox.status.state == "backing_off")
        waiting = outbox.status.waiting

    assert waiting == 1
    assert set(outbox.codes) == {"connect"}


def test_a_foreign_certificate_is_a_failure_and_never_gets_a_byte(kit, store, tmp_path):
    """A captive portal, or somebody in between."""
    kit.hand_in(store)
    with HostileCentre(tmp_path / "foreign", lambda _: answer(201, "x")) as centre:
        (kit.folder / "pinned").mkdir()
        with HostileCentre(kit.folder / "pinned", lambda _: None) as pinned:
            options = {**centre.options, "ca_file": pinned.options["ca_file"]}
        with delivering(kit, store, options) as outbox:
            until(lambda: outbox.status.state == "stopped")

            assert (outbox.codes, centre.requests) == (["tls"], [])


def test_a_centre_that_speaks_only_tls_1_2_never_gets_a_byte(kit, store):
    """The right certificate over the older protocol is no way out either."""
    row = kit.hand_in(store)
    outgoing = Outgoing(
        row.package_id, STATION, row.digest, row.statement, store.sealed(row.package_id)
    )
    older = ssl.TLSVersion.TLSv1_2
    with HostileCentre(kit.folder / "centre", lambda _: answer(201, "x"), tls=older) as centre:
        sink = open_sink("https", centre.options)
        try:
            with pytest.raises(SinkClosed, match="tls"):
                sink.send(outgoing)
        finally:
            sink.close()

    assert centre.requests == []


def test_a_stalled_centre_is_given_up(kit, store):
    """No answer and no progress within the limit; then the receipt is asked for."""
    row = kit.hand_in(store)

    def script(request):
        if request.method == "PUT":
            centre.leave.wait(20)
            return None
        return answer(200, receipt(kit, row))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, {**centre.options, "stall_timeout_s": 0.3}) as outbox,
    ):
        until(lambda: state(store, row) == "receipted")

    assert outbox.codes == ["timeout", "ok"]


def test_a_kept_connection_that_the_centre_closed_is_no_failure(kit, store):
    """The next package goes at once over a new one: no back-off, no doubt about custody."""
    rows = [kit.hand_in(store), kit.hand_in(store)]

    def script(request):
        return answer(201, receipt(kit, next(r for r in rows if r.package_id in request.path)))

    with (
        HostileCentre(kit.folder / "centre", script, closes_late=True) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: all(state(store, row) == "receipted" for row in rows))

    assert outbox.codes == ["ok", "ok"]
    assert [request.method for request in centre.requests] == ["PUT", "PUT"]


def test_closing_does_not_wait_for_a_back_off(kit, store):
    """SIGTERM in the middle of a ten-minute wait."""
    kit.hand_in(store)
    with HostileCentre(kit.folder / "centre", lambda _: answer(503)) as centre:
        with delivering(kit, store, centre.options, PATIENT) as outbox:
            until(lambda: outbox.codes and outbox.status.state == "backing_off")
        assert not outbox.alive
        outbox.close()


def test_closing_does_not_wait_for_an_answer(kit, store):
    """SIGTERM while the centre thinks: the line is cut, the package stays."""
    row = kit.hand_in(store)

    def script(_):
        centre.leave.wait(25)

    with HostileCentre(kit.folder / "centre", script) as centre:
        with delivering(kit, store, {**centre.options, "stall_timeout_s": 600}):
            until(lambda: centre.requests)
            began_s = time.monotonic()
        # The centre would think for 25 s; a busy machine may take its time, but not that much.
        assert time.monotonic() - began_s < 15

    assert state(store, row) == "ready"


def test_waking_looks_at_once_and_leaves_a_back_off_alone(kit, store):
    """A new package goes without delay; a failing centre is not hammered by new ones."""
    rows = []
    with (
        HostileCentre(
            kit.folder / "centre", lambda _: answer(201, receipt(kit, rows[-1]))
        ) as centre,
        delivering(kit, store, centre.options, PATIENT) as outbox,
    ):
        until(lambda: outbox.status.state == "idle")
        rows.append(kit.hand_in(store))
        outbox.wake()
        until(lambda: state(store, rows[0]) == "receipted")
        centre.script = lambda _: answer(503)
        rows.append(kit.hand_in(store))
        outbox.wake()
        until(lambda: outbox.status.state == "backing_off")
        for _ in range(20):
            outbox.wake()
        assert outbox.status.failures == 1
        assert outbox.status.oldest_age_s >= 0


def test_the_wish_of_a_busy_centre_is_a_lower_bound(kit, store):
    """Retry-After, at most an hour."""
    kit.hand_in(store)
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(503, Retry_After="900")) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: outbox.codes and outbox.status.state == "backing_off")

        assert 800 < outbox.status.next_try_s <= 900


@given(st.integers(1, 10_000))
def test_back_off_is_drawn_from_the_whole_range(failures):
    """Full jitter with a cap, and no overflow after years of failures."""
    assert 0 <= Pace().back_off_s(failures) <= min(900.0, 2.0 * 2 ** min(failures - 1, 20))


@pytest.mark.parametrize(
    "changed",
    [{"station_id": "st-2"}, {"package_id": new_id()}, {"outcome": "maybe"}, {"v": 2},
     {"receipt_id": None}],
)  # fmt: skip
def test_a_receipt_about_anything_else_proves_nothing(kit, store, changed):
    """Every member is compared."""
    row = kit.hand_in(store)
    with pytest.raises(ReceiptInvalid):
        kit.verifier.verify(receipt(kit, row, **changed), row.package_id, row.digest, row.size)


def test_a_receipt_of_another_size_is_a_conflict(kit, store):
    """The same id with other bytes."""
    row = kit.hand_in(store)
    with pytest.raises(ReceiptConflict):
        kit.verifier.verify(receipt(kit, row, size=1), row.package_id, row.digest, row.size)


def test_a_receipt_by_another_key_proves_nothing(kit, store):
    """Also if it names the pinned key's kid, another type, or no algorithm at all."""
    row = kit.hand_in(store)
    stranger = CentreKeyring(kit.keyring.sealing, OKPKey.generate_key("Ed25519"))
    true = receipt(kit, row)
    head, body, signature = true.split(".")
    forged = receipt(kit, row, stranger).split(".")[2]
    manifest_like = kit.station_key.sign_jws(b"{}", "anxin-receipt+jws")
    none = "eyJhbGciOiJub25lIiwia2lkIjoieCJ9"
    lies = [receipt(kit, row, stranger), f"{head}.{body}.{forged}", f"{none}.{body}.", head,
            f"{head}.{body}", manifest_like, f"{head}.{body}.{signature[:-4]}AAAA"]  # fmt: skip

    for lie in lies:
        with pytest.raises(ReceiptInvalid):
            kit.verifier.verify(lie, row.package_id, row.digest, row.size)
    assert kit.verifier.verify(true, row.package_id, row.digest, row.size).outcome == "stored"


def test_a_captive_plain_http_server_is_a_failure(kit, store):
    """It speaks no TLS at all: the sink stops, nothing leaves."""
    kit.hand_in(store)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ca_file = kit.folder / "centre" / "ca.pem"
        with HostileCentre(kit.folder / "centre", lambda _: None) as centre:
            ca_file = centre.options["ca_file"]
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with delivering(kit, store, {"url": url, "ca_file": ca_file}) as outbox:
            line, _ = listener.accept()
            with line:
                line.recv(1000)
                line.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n")
                until(lambda: outbox.codes)

    assert outbox.codes[0] == "tls"


def test_a_backlog_costs_one_commit_for_many(kit):
    """Tries are noted before they begin and receipts when they came, sixteen to a transaction."""
    commits = []
    with kit.open_store(observe_commit=commits.append) as store:
        rows = {row.package_id: row for row in (kit.hand_in(store) for _ in range(24))}
        centre = HostileCentre(
            kit.folder / "centre",
            lambda request: answer(201, receipt(kit, rows[request.path.split("/")[4]])),
        )
        before = len(commits)
        with centre, delivering(kit, store, centre.options) as outbox:
            until(lambda: len(outbox.codes) == 24)
            until(lambda: not store.pending(SINK))
            spent = len(commits) - before

    # Two for the tries; the receipts wait for half a second at most, so a slow machine has more.
    assert 3 <= spent <= 2 + 24
    assert outbox.codes == ["ok"] * 24


def test_the_next_package_is_read_while_this_one_is_on_the_wire(kit, store, monkeypatch):
    """The line never waits for the disk, and nothing is read twice."""
    rows = {row.package_id: row for row in (kit.hand_in(store) for _ in range(4))}
    read, sealed = [], store.sealed

    def reading(package_id):
        read.append(package_id)
        return sealed(package_id)

    def script(request):
        wanted = min(4, len(centre.requests) + 1)
        until(lambda: len(read) >= wanted)
        return answer(201, receipt(kit, rows[request.path.split("/")[4]]))

    monkeypatch.setattr(store, "sealed", reading)
    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: not store.pending(SINK))

    assert read == list(rows)


def test_every_try_is_noted_before_a_byte_of_it_leaves(kit, store):
    """Killed at any moment, what may have left is asked for first."""
    rows = {row.package_id: row for row in (kit.hand_in(store) for _ in range(5))}
    seen = []

    def script(request):
        package_id = request.path.split("/")[4]
        (delivery,) = store.package(package_id).deliveries
        seen.append((delivery.state, delivery.attempts))
        return answer(201, receipt(kit, rows[package_id]))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options),
    ):
        until(lambda: not store.pending(SINK))

    assert seen == [("sending", 1)] * 5


def test_what_was_noted_as_begun_and_never_sent_waits_again(kit, store):
    """A sink that fails, a service that is closed: only what was tried counts as tried."""
    rows = [kit.hand_in(store) for _ in range(4)]
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(503)) as centre,
        delivering(kit, store, centre.options, PATIENT) as outbox,
    ):
        until(lambda: outbox.codes and outbox.status.state == "backing_off")
        deliveries = [store.package(row.package_id).deliveries[0] for row in rows]

    assert [(one.state, one.attempts) for one in deliveries] == [
        ("waiting", 1), ("waiting", 0), ("waiting", 0), ("waiting", 0),
    ]  # fmt: skip


def test_a_receipt_that_a_full_disk_kept_from_being_noted_is_asked_for_again(
    kit, store, monkeypatch
):
    """Not believed and forgotten, nor sent again: 1 KB, when there is room."""
    row = kit.hand_in(store)
    full = threading.Event()
    once = Writer._once

    def disk(writer, job):
        if full.is_set():
            raise apsw.FullError
        return once(writer, job)

    def script(request):
        if request.method == "PUT":
            full.set()
        return answer(201 if request.method == "PUT" else 200, receipt(kit, row))

    monkeypatch.setattr(Writer, "_once", disk)
    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: "store_full" in outbox.codes)
        assert store.sealed(row.package_id)
        full.clear()
        until(lambda: state(store, row) == "receipted")

        methods = [request.method for request in centre.requests]
    assert methods[0] == "PUT"
    assert set(methods[1:]) == {"GET"}


def test_the_green_channel_overtakes_a_backlog(kit, store):
    """An urgent package that is closed while others wait goes next."""
    rows = {row.package_id: row for row in (kit.hand_in(store) for _ in range(6))}
    order, hold = [], threading.Event()

    def script(request):
        package_id = request.path.split("/")[4]
        order.append(package_id)
        if len(order) == 1:
            hold.wait(20)
        return answer(201, receipt(kit, rows[package_id]))

    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options) as outbox,
    ):
        until(lambda: order)
        urgent = new_id()
        kid = kit.sealer.sealing_key.kid
        store.open_package(urgent, "sitting-2", STATION, kid, {}, urgent=True)
        rows[urgent] = kit.shut(store, urgent)
        outbox.wake()
        hold.set()
        until(lambda: not store.pending(SINK))

    assert order.index(urgent) == 1
    assert len(order) == 7


def test_out_of_hours_only_the_urgent_go(kit, store):
    """The others wait, are counted, and go when it opens; the state says why nothing moves."""
    minute = [600]
    rows = {(ordinary := kit.hand_in(store)).package_id: ordinary}
    pace = Pace(
        first_max_s=0, base_s=0.01, hours=Hours.parse(["20:00-06:00"]), minute=lambda: minute[0]
    )
    centre = HostileCentre(
        kit.folder / "centre",
        lambda request: answer(201, receipt(kit, rows[request.path.split("/")[4]])),
    )
    with centre, delivering(kit, store, centre.options, pace) as outbox:
        until(lambda: outbox.status.state == "out_of_hours")
        urgent = new_id()
        kid = kit.sealer.sealing_key.kid
        store.open_package(urgent, "sitting-2", STATION, kid, {}, urgent=True)
        rows[urgent] = kit.shut(store, urgent)
        outbox.wake()
        until(lambda: state(store, rows[urgent]) == "receipted")
        assert state(store, ordinary) == "ready"
        minute[0] = 1200
        outbox.wake()
        until(lambda: state(store, ordinary) == "receipted")


def test_when_the_hours_end_what_has_not_begun_waits(kit, store):
    """The upload that runs is finished; those that were noted as next are taken back."""
    minute = [1200]
    rows = {row.package_id: row for row in (kit.hand_in(store) for _ in range(4))}

    def script(request):
        minute[0] = 600
        return answer(201, receipt(kit, rows[request.path.split("/")[4]]))

    pace = Pace(
        first_max_s=0, base_s=0.01, hours=Hours.parse(["20:00-06:00"]), minute=lambda: minute[0]
    )
    with (
        HostileCentre(kit.folder / "centre", script) as centre,
        delivering(kit, store, centre.options, pace) as outbox,
    ):
        until(lambda: outbox.status.state == "out_of_hours")
        left = [store.package(one).deliveries[0] for one in rows]

    assert [(one.state, one.attempts) for one in left] == [("delivered", 1)] + [("waiting", 0)] * 3


def test_the_end_of_the_audit_chain_travels_along(kit, store):
    """Whatever else is lost or rewritten here, the centre has seen the end."""
    row = kit.hand_in(store)
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, receipt(kit, row))) as centre,
        delivering(kit, store, centre.options, audit_head=lambda: "signed.audit.head"),
    ):
        until(lambda: state(store, row) == "receipted")

        assert centre.requests[0].headers["anxin-audit-head"] == "signed.audit.head"
