"""Packages by hand onto a medium: whole, as the centre takes them, deleted only for cause."""

from __future__ import annotations

import json

import pytest

from edge.custody.export import TECHNICIAN as SOMEBODY
from edge.custody.export import Choice, Exported, ExportStopped, export, settle
from edge.seal import digest_of
from edge.store import NoSuchPackage, PackageGone, Store, StoreBroken
from edge.store.damage import move_aside
from tests.delivery_kit import SINK, STATION, make_kit, new_id


@pytest.fixture
def kit(tmp_path):
    kit = make_kit(tmp_path)
    (tmp_path / "store").mkdir()
    (tmp_path / "medium").mkdir()
    return kit


def folder_of(kit):
    return kit.folder / "store"


def opened(kit):
    return Store.open(folder_of(kit) / "store.db", folder_of(kit) / "store.key")


def outbox(kit):
    return kit.folder / "medium" / "anxin" / STATION / "outbox"


def run_export(kit, choice=None):
    return export(folder_of(kit), choice or Choice(), kit.folder / "medium", kit.station_key)


def receipt_on_the_medium(kit, row, **changed):
    said = {
        "v": 1, "receipt_id": "r-1", "package_id": row.package_id, "station_id": STATION,
        "digest": row.digest, "size": row.size, "outcome": "stored", "code": None,
        "received_at": "2026-11-22T01:00:00.000Z", "by": "test", **changed,
    }  # fmt: skip
    file = kit.folder / "medium" / "anxin" / STATION / "receipts" / f"{row.package_id}.jws"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(kit.keyring.sign_receipt(said))


def entries(store, act):
    rows = [json.loads(row.entry) for row in store.audit_rows()]
    return [row for row in rows if row["act"] == act]


def test_what_lies_here_is_written_beside_a_running_station_twice_as_once(kit):
    """Ready and quarantined ones, whole and read back, with their statements and an index."""
    with opened(kit) as store:
        rows = [kit.hand_in(store) for _ in range(3)]
        store.record_receipt(rows[0].package_id, SINK, "a.b.c")
        store.quarantine(rows[1].package_id, SINK, "refused:test")
        kit.fill(store, new_id())
        for _ in range(2):
            done = run_export(kit)
            assert sorted(done.written) == sorted(row.package_id for row in rows[1:])
        assert run_export(kit, Choice(states=("quarantined",))).written == [rows[1].package_id]
        assert run_export(kit, Choice((rows[0].package_id,))).gone == [rows[0].package_id]
    for row in rows[1:]:
        assert digest_of((outbox(kit) / f"{row.package_id}.sealed").read_bytes()) == row.digest
        assert (outbox(kit) / f"{row.package_id}.seal").read_text() == row.statement
    assert len(list(outbox(kit).glob("index-*.jws"))) == 1
    with opened(kit) as store:
        assert store.counts()["ready"] == 1
        assert entries(store, "package.export")[0]["about"]["packages"] == "2"


def test_a_medium_that_is_away_and_an_unknown_package_are_named(kit):
    """One sentence; nothing is written elsewhere."""
    with opened(kit) as store:
        kit.hand_in(store)
    with pytest.raises(NoSuchPackage):
        run_export(kit, Choice((new_id(),)))
    (kit.folder / "medium").rmdir()
    with pytest.raises(ExportStopped, match="plug it in"):
        run_export(kit)
    with pytest.raises(StoreBroken, match="no store"):
        export(kit.folder, Choice(), kit.folder / "medium", kit.station_key)


def test_what_cannot_be_read_is_named_and_the_rest_is_written(kit):
    """One damaged package keeps nobody else's from leaving."""
    with opened(kit) as store:
        rows = [kit.hand_in(store) for _ in range(2)]
        store.write(
            lambda db: db.execute("update part set record = zeroblob(9) where package = 1").get
        )
    done = run_export(kit)

    assert (done.written, done.unreadable) == ([rows[1].package_id], [rows[0].package_id])


def test_a_store_that_was_set_aside_gives_its_packages(kit):
    """By the folder it lies in, with the key that stayed."""
    with opened(kit) as store:
        row = kit.hand_in(store)
    aside = move_aside(folder_of(kit) / "store.db")
    key_file = folder_of(kit) / "store.key"
    done = export(aside, Choice(), kit.folder / "medium", kit.station_key, key_file=key_file)

    assert done.written == [row.package_id]


def test_a_true_receipt_deletes_and_a_false_one_does_not(kit):
    """Of another package, or refused: what was exported stays here."""
    with opened(kit) as store:
        rows = [kit.hand_in(store) for _ in range(4)]
        receipt_on_the_medium(kit, rows[0])
        receipt_on_the_medium(kit, rows[1], digest=rows[0].digest)
        receipt_on_the_medium(kit, rows[2], outcome="refused", code="x")
        done = run_export(kit)
        assert len(done.receipts) == 3
        assert settle(store, done, kit.verifier, None, SOMEBODY) == (1, 0)
        assert [row.package_id for row in store.pending(SINK)] == [r.package_id for r in rows[1:]]
        assert store.package(rows[0].package_id).state == "receipted"
        assert entries(store, "package.receipt")[0]["actor"]["kind"] == "technician"


def test_for_a_reason_what_has_no_receipt_is_deleted_and_its_row_stays(kit):
    """Number, digest and statement stay; who and why stands in the audit chain; a receipt that
    comes later still counts.
    """
    with opened(kit) as store:
        rows = [kit.hand_in(store) for _ in range(2)]
        done = Exported(written=[rows[0].package_id])
        assert settle(store, done, kit.verifier, "handed_over", SOMEBODY) == (0, 1)
        assert store.package(rows[0].package_id).state == "quarantined"
        assert [row.package_id for row in store.pending(SINK)] == [rows[1].package_id]
        with pytest.raises(PackageGone):
            store.sealed(rows[0].package_id)
        (deleted,) = entries(store, "package.delete")
        assert (deleted["outcome"], deleted["actor"]["kind"]) == ("handed_over", "technician")
        assert deleted["about"] == {"package_id": rows[0].package_id}
        store.record_receipt(rows[0].package_id, SINK, "a.b.c")
        assert store.package(rows[0].package_id).state == "receipted"
        assert store.alarms == ()
