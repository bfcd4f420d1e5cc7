"""Packages that somebody carries: on a stick there, receipts on a stick back."""

from __future__ import annotations

import base64
import json
import os
import shutil

import pytest
from click.testing import CliRunner

from centre.handover import import_medium, leave_receipts, main
from centre.intake import Intake
from centre.keys import open_or_make_keys
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.sinks.load import open_sink
from edge.sinks.sink import Home, Outgoing, ReceiptPending, SinkAway
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until

PACE = Pace(first_max_s=0, base_s=0.01, max_s=0.02, pending_s=0.02, pending_max_s=0.02)
SLOW = Pace(first_max_s=0, base_s=0.01, max_s=0.02, pending_s=900)


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def stick(tmp_path):
    return _stick(tmp_path / "stick")


def _stick(folder):
    folder.mkdir()
    return folder


def sink_on(kit, stick, taken=None):
    home = Home(kit.station_key.sign_jws, (taken if taken is not None else []).append)
    return open_sink("folder", {"folder": str(stick), "station_id": STATION}, home)


def intake(kit):
    return Intake(kit.shelf, open_or_make_keys(kit.folder / "centre"))


def deliver(kit, store, stick, done, pace=PACE):
    """Run the station's queue for this stick until something holds."""
    outbox = Outbox(store, SINK, sink_on(kit, stick), kit.verifier, pace=pace)
    outbox.start()
    try:
        until(done)
    finally:
        outbox.close()


def lying(stick):
    return sorted(path.stem for path in (stick / "anxin" / STATION / "outbox").glob("*.sealed"))


def indexed(stick):
    """What the newest index names, and how many there are."""
    found = sorted((stick / "anxin" / STATION / "outbox").glob("index-*.jws"))
    if not found:
        return [], 0
    payload = found[-1].read_text().split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return sorted(row["package_id"] for row in said["packages"]), len(found)


def receipted(store, rows):
    return all(store.package(row.package_id).state == "receipted" for row in rows)


def test_packages_go_by_stick_and_their_receipts_come_back_by_it(kit, stick):
    """There: sealed, indexed. At the centre: taken, receipted, the stick empties. Back: deleted."""
    with kit.open_store() as store:
        rows = [kit.hand_in(store) for _ in range(5)]
        ids = sorted(row.package_id for row in rows)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == ids)
        assert all(store.sealed(one) for one in ids)

        (said,) = import_medium(intake(kit), stick)
        assert (sorted(said.stored), said.missing, said.bad) == (ids, [], [])
        assert said.index_holds
        assert lying(stick) == []
        deliver(kit, store, stick, lambda: receipted(store, rows))

    assert {kit.shelf.word(one) is not None for one in ids} == {True}


def test_taking_a_stick_in_twice_is_once(kit, stick):
    """Also when the files were left on it."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == [row.package_id])
    first = import_medium(intake(kit), stick, keep_files=True)[0]
    word = kit.shelf.word(row.package_id).receipt
    second = import_medium(intake(kit), stick, keep_files=True)[0]
    receipt = stick / "anxin" / STATION / "receipts" / f"{row.package_id}.jws"

    assert (first.stored, second.known) == ([row.package_id], [row.package_id])
    assert len(list(kit.shelf.listing())) == 1
    assert receipt.read_text() == word == kit.shelf.word(row.package_id).receipt


def test_what_was_on_a_lost_stick_goes_on_the_next_one(kit, stick, tmp_path):
    """The package stays here until its receipt is back, so a stick may be lost at any time."""
    with kit.open_store() as store:
        rows = [kit.hand_in(store) for _ in range(2)]
        ids = sorted(row.package_id for row in rows)
        deliver(kit, store, stick, lambda: lying(stick) == ids)
        shutil.rmtree(stick)
        other = _stick(tmp_path / "stick")
        deliver(kit, store, other, lambda: lying(other) == ids)


def test_receipts_may_come_on_another_stick(kit, stick, tmp_path):
    """Written by the centre to whatever stick goes back first; a lost one is written again."""
    back, again = _stick(tmp_path / "back"), _stick(tmp_path / "again")
    with kit.open_store() as store:
        row = kit.hand_in(store)
        deliver(kit, store, stick, lambda: lying(stick) == [row.package_id])
        import_medium(intake(kit), stick, receipts_to=back)
        assert not (stick / "anxin" / STATION / "receipts").exists()
        shutil.rmtree(back)

        arguments = [str(again), "--centre", str(kit.folder / "centre"), "--lost-receipts", STATION]
        said = CliRunner().invoke(main, arguments)
        assert said.output == f"{STATION}: 1 receipts written\n"
        assert leave_receipts(intake(kit), STATION, again) == 0
        with pytest.raises(ValueError, match="no id of a station"):
            leave_receipts(intake(kit), "../elsewhere", again)
        deliver(kit, store, again, lambda: receipted(store, [row]))


def test_a_receipt_that_lies_ready_is_not_waited_for(kit, stick):
    """The stick came back: its receipts are read at the next look, not after the long wait."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        outbox = Outbox(store, SINK, sink_on(kit, stick), kit.verifier, pace=SLOW)
        outbox.start()
        try:
            until(lambda: lying(stick) == [row.package_id] and outbox.status.state == "idle")
            import_medium(intake(kit), stick)
            outbox.wake()
            until(lambda: receipted(store, [row]))
        finally:
            outbox.close()


def test_a_stick_that_is_pulled_while_it_is_written_costs_nothing(kit, stick):
    """A half is no package: nobody takes it, the next plug-in sweeps it and writes the whole."""
    outbox = stick / "anxin" / STATION / "outbox"
    with kit.open_store() as store:
        row = kit.hand_in(store)
        outbox.mkdir(parents=True)
        half = outbox / f".{row.package_id}.sealed.part"
        half.write_bytes(store.sealed(row.package_id)[:900])
        (said,) = import_medium(intake(kit), stick)
        assert (said.stored, said.bad) == ([], [])
        deliver(kit, store, stick, lambda: indexed(stick)[0] == [row.package_id])

    assert not half.exists()


@pytest.mark.parametrize("damage", ["rotten", "cut", "empty", "no-seal", "rotten-seal"])
def test_a_file_that_the_stick_damaged_is_written_again(kit, stick, damage):
    """The centre renames it, the station sees that it is gone, and writes it anew."""
    outbox = stick / "anxin" / STATION / "outbox"
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == [row.package_id])
        sealed, seal = outbox / f"{row.package_id}.sealed", outbox / f"{row.package_id}.seal"
        {
            "rotten": lambda: sealed.write_bytes(content[:-1] + b"\0"),
            "cut": lambda: sealed.write_bytes(content[:1000]),
            "empty": lambda: sealed.write_bytes(b""),
            "no-seal": seal.unlink,
            "rotten-seal": lambda: seal.write_bytes(b"\xff" * 300),
        }[damage]()
        (said,) = import_medium(intake(kit), stick)
        assert (said.bad, said.stored) == ([row.package_id], [])

        deliver(kit, store, stick, lambda: lying(stick) == [row.package_id])
        (said,) = import_medium(intake(kit), stick)
        assert said.stored == [row.package_id]


def test_a_package_that_vanished_from_a_stick_is_missed(kit, stick):
    """The signed index names it: somebody looks for it, and the station still has it."""
    with kit.open_store() as store:
        rows = [kit.hand_in(store) for _ in range(2)]
        ids = sorted(row.package_id for row in rows)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == ids)
    outbox = stick / "anxin" / STATION / "outbox"
    (outbox / f"{ids[0]}.sealed").unlink()
    (said,) = import_medium(intake(kit), stick)

    assert (said.missing, said.stored) == ([ids[0]], [ids[1]])


def test_an_index_by_another_hand_does_not_hold(kit, stick):
    """Whoever adds or hides something on the way cannot sign for it."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == [row.package_id])
    (index,) = (stick / "anxin" / STATION / "outbox").glob("index-*.jws")
    head, body, signature = index.read_text().split(".")
    index.write_text(f"{head}.{body[:-4]}AAAA.{signature}")
    (said,) = import_medium(intake(kit), stick)

    assert not said.index_holds


def test_packages_of_a_stranger_are_not_taken(kit, stick, tmp_path):
    """A stick may bring anything; only a registered station's signature counts."""
    stranger = make_kit(tmp_path / "elsewhere")
    with stranger.open_store() as store:
        row = stranger.hand_in(store)
        deliver(stranger, store, stick, lambda: lying(stick) == [row.package_id])
    (said,) = import_medium(intake(kit), stick)

    assert said.bad == [row.package_id]
    assert list(kit.shelf.listing()) == []


def test_other_bytes_under_an_id_are_an_incident_and_stay(kit, stick):
    """The centre holds another package of this id: its word about those bytes says so."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
        intake(kit).take(row.package_id, content, row.statement)
        word = kit.shelf.folder / "packages" / row.package_id / "receipt.jws"
        said = {
            "v": 1, "receipt_id": "r", "package_id": row.package_id, "station_id": STATION,
            "digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "size": 0,
            "outcome": "stored", "code": None, "received_at": "2026-11-22T01:00:00.000Z", "by": "t",
        }  # fmt: skip
        word.write_text(kit.keyring.sign_receipt(said))
        deliver(kit, store, stick, lambda: lying(stick) == [row.package_id])
        (found,) = import_medium(intake(kit), stick)
        assert found.conflict == [row.package_id]
        assert lying(stick) == [row.package_id]
        deliver(
            kit, store, stick, lambda: store.package(row.package_id).state == "quarantined"
        )  # fmt: skip


def test_the_centre_leaves_its_newest_key_list_and_the_station_takes_it_once(kit, stick):
    """For a station far from any network the stick is also how keys change."""
    taken = []
    (stick / "anxin" / STATION / "outbox").mkdir(parents=True)
    import_medium(intake(kit), stick)
    sink = sink_on(kit, stick, taken)
    for _ in range(3):
        sink.receipts_here()

    assert taken == [(kit.folder / "centre" / "keys.jws").read_text().strip()]


def test_a_key_list_that_does_not_hold_does_not_stop_the_delivery(kit, stick):
    """Whatever lies on a stick."""

    def refuse(_token):
        raise ValueError("not by the pinned root")

    inbox = stick / "anxin" / STATION / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "keys.jws").write_bytes(b"\xff\x00 no list")
    home = Home(kit.station_key.sign_jws, refuse)
    sink = open_sink("folder", {"folder": str(stick), "station_id": STATION}, home)

    assert sink.receipts_here() == frozenset()


def test_a_medium_that_is_full_or_away_waits(kit, tmp_path):
    """Nothing is quarantined for a stick's sake."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        package = Outgoing(
            row.package_id, STATION, row.digest, row.statement, store.sealed(row.package_id)
        )
    sink = sink_on(kit, tmp_path / "not-there")
    with pytest.raises(SinkAway, match="medium_absent"):
        sink.send(package)
    with pytest.raises(SinkAway, match="medium_absent"):
        sink.receipt(row.package_id)
    assert sink.receipts_here() == frozenset()


def test_a_medium_that_writes_something_else_is_noticed_at_once(kit, stick, monkeypatch):
    """What was written is read back: a worn stick is told from a good one before it is carried."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        package = Outgoing(
            row.package_id, STATION, row.digest, row.statement, store.sealed(row.package_id)
        )
    fsync = os.fsync

    def worn(descriptor):
        fsync(descriptor)
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.endswith(".sealed.part"):
            with open(path, "r+b") as file:
                file.seek(100)
                file.write(b"\0")

    monkeypatch.setattr(os, "fsync", worn)
    with pytest.raises(SinkAway, match="medium_unreadable"):
        sink_on(kit, stick).send(package)

    assert lying(stick) == []


def test_what_lies_on_the_medium_is_known_without_reading_it_again(kit, stick):
    """After a restart 50,000 packages are asked for by name, not read back from the stick."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        deliver(kit, store, stick, lambda: lying(stick) == [row.package_id])
    sealed = stick / "anxin" / STATION / "outbox" / f"{row.package_id}.sealed"
    os.utime(sealed, (1, 1))
    with pytest.raises(ReceiptPending, match="written"):
        sink_on(kit, stick).receipt(row.package_id)
    assert sink_on(kit, stick).receipt(new_id()) is None


def test_the_command_says_what_became_of_a_stick(kit, stick, tmp_path):
    """In one line a station; 1 if somebody has to look, or if nothing lies there."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        deliver(kit, store, stick, lambda: indexed(stick)[0] == [row.package_id])
    arguments = [str(stick), "--centre", str(kit.folder / "centre")]
    said = CliRunner().invoke(main, arguments)
    nothing = CliRunner().invoke(main, [str(_stick(tmp_path / "new")), *arguments[1:]])

    assert said.output == (
        f"{STATION}: 1 stored, 0 known, 0 refused, 0 conflict, 0 bad, 0 missing; index holds\n"
    )
    assert (said.exit_code, nothing.exit_code) == (0, 1)
