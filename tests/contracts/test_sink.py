"""What every sink of the station keeps; a new one is tested here without touching this file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from centre.opening import digest_of
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.sinks.load import open_sink, sending_sinks
from edge.sinks.sink import AlreadyThere, Outgoing, ReceiptPending, SinkAway, SinkError
from tests.delivery_kit import SINK, STATION, make_kit, until
from tests.hostile_centre import HostileCentre, answer


@dataclass
class Bench:
    """One sink, and the hand at its other end."""

    options: dict
    arrived: object
    """Returns the bytes that arrived under an id."""
    give: object
    """Makes the other end give this receipt."""
    vanish: object
    """Makes the other end go away."""


@contextmanager
def https(folder):
    held, receipts = {}, {}

    def script(request):
        package_id = request.path.split("/")[4]
        if request.method == "PUT":
            if package_id in held:
                return answer(412)
            held[package_id] = request.body
            return answer(201, receipts[package_id]) if receipts else answer(202)
        if package_id in receipts:
            return answer(200, receipts[package_id])
        return answer(202 if package_id in held else 404)

    with HostileCentre(folder / "centre", script) as centre:

        def vanish():
            centre.script = lambda _: None

        yield Bench(centre.options, held.get, receipts.__setitem__, vanish)


@contextmanager
def folder(folder):
    medium = folder / "stick"
    medium.mkdir()
    ours = medium / "anxin" / STATION

    def arrived(package_id):
        file = ours / "outbox" / f"{package_id}.sealed"
        return file.read_bytes() if file.exists() else None

    def give(package_id, receipt):
        (ours / "receipts").mkdir(parents=True, exist_ok=True)
        (ours / "receipts" / f"{package_id}.jws").write_text(receipt)

    options = {"folder": str(medium), "station_id": STATION}
    yield Bench(options, arrived, give, lambda: medium.rename(folder / "pulled-out"))


OTHER_ENDS = {"https": https, "folder": folder}


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def outgoing(kit):
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
    return Outgoing(row.package_id, STATION, row.digest, row.statement, content)


@contextmanager
def opened(name, folder):
    with OTHER_ENDS[name](folder) as bench:
        sink = open_sink(name, bench.options)
        try:
            yield bench, sink
        finally:
            sink.close()


every_sink = pytest.mark.parametrize("name", sending_sinks())


def test_every_sink_has_another_end():
    """A sink nobody can try out is not finished."""
    assert set(sending_sinks()) == set(OTHER_ENDS)


def send(sink, outgoing):
    try:
        return sink.send(outgoing)
    except (ReceiptPending, AlreadyThere):
        return None


@every_sink
def test_the_very_bytes_arrive_and_twice_is_once(name, kit, outgoing):
    """What was sealed arrives unchanged; sending it again is harmless."""
    with opened(name, kit.folder) as (bench, sink):
        for _ in range(2):
            send(sink, outgoing)

        assert bench.arrived(outgoing.package_id) == outgoing.content
        assert digest_of(bench.arrived(outgoing.package_id)) == outgoing.digest


@every_sink
def test_a_receipt_is_handed_over_as_it_was_given(name, kit, outgoing):
    """The sink judges nothing: verifying is the outbox's."""
    with opened(name, kit.folder) as (bench, sink):
        bench.give(outgoing.package_id, "one.two.three")

        assert sink.send(outgoing) == "one.two.three"
        assert sink.receipt(outgoing.package_id) == "one.two.three"


@every_sink
def test_a_package_that_was_never_sent_has_no_receipt(name, kit, outgoing):
    """None, so that the outbox sends it."""
    with opened(name, kit.folder) as (_, sink):
        assert sink.receipt(outgoing.package_id) is None


@every_sink
def test_an_absent_other_end_is_away(name, kit, outgoing):
    """The kind that waits: nothing is quarantined because a cable was pulled."""
    with opened(name, kit.folder) as (bench, sink):
        bench.vanish()

        with pytest.raises(SinkAway):
            sink.send(outgoing)


@every_sink
def test_cancelling_and_closing_are_harmless_at_any_time(name, kit, outgoing):
    """Twice, and without anything running; a cancelled sink sends no more or sends whole."""
    with opened(name, kit.folder) as (bench, sink):
        sink.cancel()
        sink.cancel()
        try:
            sink.send(outgoing)
        except SinkError:
            assert bench.arrived(outgoing.package_id) in {None, outgoing.content}
        sink.close()
        sink.close()


@every_sink
def test_a_setting_that_the_sink_does_not_know_is_refused(name, kit):
    """A typo must not be silently ignored."""
    with OTHER_ENDS[name](kit.folder) as bench, pytest.raises(ValidationError):
        open_sink(name, {**bench.options, "tpyo": 1})


@pytest.mark.parametrize("name", ["load", "sink", "os", "../x", ""])
def test_a_name_that_is_no_sink_is_refused_before_any_import(name):
    """A settings file cannot name any module of the machine."""
    with pytest.raises(ValueError, match="there are: folder, https"):
        open_sink(name, {})


@every_sink
def test_the_outbox_delivers_through_it(name, kit):
    """Sent, receipted later by the other end, verified, deleted."""
    with kit.open_store() as store, OTHER_ENDS[name](kit.folder) as bench:
        row = kit.hand_in(store)
        pace = Pace(first_max_s=0, base_s=0.01, max_s=0.02, pending_s=0.01)
        sink = open_sink(name, bench.options)
        outbox = Outbox(store, SINK, sink, kit.verifier, pace=pace)
        outbox.start()
        until(lambda: bench.arrived(row.package_id))
        receipt = {
            "v": 1, "receipt_id": "r", "package_id": row.package_id, "station_id": STATION,
            "digest": row.digest, "size": row.size, "outcome": "stored", "code": None,
            "received_at": "2026-11-22T01:00:00.000Z", "by": "test",
        }  # fmt: skip
        bench.give(row.package_id, kit.keyring.sign_receipt(receipt))
        until(lambda: store.package(row.package_id).state == "receipted")
        outbox.close()


def test_a_copy_is_content_without_a_receipt_and_deletes_nothing(kit):
    """Role copy: the folder took it, the package still waits for custody."""
    with kit.open_store() as store, folder(kit.folder) as bench:
        row = kit.hand_in(store, sinks={SINK: "custody", "stick": "copy"})
        sink = open_sink("folder", bench.options)
        outbox = Outbox(store, "stick", sink, kit.verifier, role="copy", pace=Pace(first_max_s=0))
        outbox.start()
        until(lambda: not store.pending("stick"))
        outbox.close()

        assert store.sealed(row.package_id) == bench.arrived(row.package_id)


def test_a_file_that_the_medium_forgot_is_written_again_beside_it(kit, outgoing):
    """What cannot be read is set aside, never written over."""
    with opened("folder", kit.folder) as (bench, sink):
        send(sink, outgoing)
        outbox = kit.folder / "stick" / "anxin" / STATION / "outbox"
        (outbox / f"{outgoing.package_id}.sealed").write_bytes(b"rotten")
        send(sink, outgoing)

        assert bench.arrived(outgoing.package_id) == outgoing.content
        assert (outbox / f"{outgoing.package_id}.bad").read_bytes() == b"rotten"
        assert (outbox / f"{outgoing.package_id}.seal").read_text() == outgoing.statement
