"""The journal: durable before it answers, twice is once, nothing plain, nothing lost."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import apsw
import pytest

from edge.seal import package_file
from edge.store import (
    NoSuchPackage,
    PackageClosed,
    PackageGone,
    PackageUnreadable,
    StoreBroken,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreKeyWrong,
)
from edge.store import file as store_file
from edge.store.errors import OutOfTurn
from edge.trust import audit
from edge.trust.audit import Actor, AuditBroken
from tests.delivery_kit import SINK, STATION, make_kit, new_id

PERSON = Actor("person", "kiosk")
MIB = 1 << 20


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def store(kit):
    with kit.open_store() as store:
        yield store


def audit_acts(store):
    return [json.loads(row.entry)["act"] for row in store.audit_rows()]


def test_the_database_is_encrypted_durable_and_of_the_right_library(kit):
    """WAL, synchronous FULL, AEGIS; asserted at every start."""
    file = store_file.open_store_file(kit.folder / "s.db", kit.folder / "s.key")
    modes = [file.db.pragma(name) for name in ("journal_mode", "synchronous", "cipher")]
    erasing = file.db.pragma("secure_delete")
    file.close()

    assert modes == ["wal", 2, "aegis"]
    # "fast": what a page held is overwritten wherever that costs no further write.
    assert erasing == 2
    secret = [*kit.folder.glob("s.db*"), kit.folder / "s.key"]
    assert {file.stat().st_mode & 0o777 for file in secret} == {0o600}


def test_an_sqlite_without_the_cipher_is_refused(kit, monkeypatch):
    """The wrong wheel would work silently in the clear."""
    monkeypatch.setattr(apsw, "mc_version", "")

    with pytest.raises(StoreError, match="apsw-sqlite3mc"):
        kit.open_store()


def test_an_sqlite_with_the_lost_commit_bug_is_refused(kit, monkeypatch):
    """Before 3.53 a checkpoint racing a commit can lose it."""
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")

    with pytest.raises(StoreError, match=r"3\.54"):
        kit.open_store()


class HalfHearted(apsw.Connection):
    """A library that takes synchronous=FULL and keeps to NORMAL."""

    def pragma(self, name, *value, **more):
        answer = super().pragma(name, *value, **more)
        return 1 if name == "synchronous" and not value else answer


def test_an_sqlite_that_does_not_sync_every_commit_is_refused(kit, monkeypatch):
    """Asking for FULL is not enough: with NORMAL a power cut loses what was acknowledged."""
    monkeypatch.setattr(apsw, "Connection", HalfHearted)

    with pytest.raises(StoreError, match="synchronous=FULL"):
        kit.open_store().close()


def test_a_second_service_on_the_same_store_is_told_so(kit, store):
    """Plain sentence; the first goes on undisturbed."""
    with pytest.raises(StoreBusy, match="already uses"):
        kit.open_store()
    kit.hand_in(store)

    assert store.counts()["ready"] == 1


def test_a_second_process_on_the_same_store_is_told_so(kit, store):
    """The lock holds between processes, not only inside one."""
    code = (
        "import sys; from pathlib import Path; from edge.store import Store\n"
        "Store.open(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    words = [sys.executable, "-c", code, kit.folder / "store.db", kit.folder / "keys/store.key"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "StoreBusy" in done.stderr


def test_a_closed_store_can_be_opened_again_and_closed_twice(kit):
    """Closing frees the lock; what was stored is there."""
    first = kit.open_store()
    row = kit.hand_in(first)
    first.close()
    first.close()
    with pytest.raises(StoreError, match="closed"):
        first.counts()

    with kit.open_store() as second:
        assert second.package(row.package_id) == row


def test_a_wrong_key_is_told_apart_from_a_damaged_database(kit):
    """A good database must never be set aside because somebody brought another key file."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
    key_file = kit.folder / "keys" / "store.key"
    right = key_file.read_bytes()
    key_file.write_bytes(os.urandom(32))
    with pytest.raises(StoreKeyWrong):
        kit.open_store()
    (kit.folder / "store.db.key-check").unlink()
    with pytest.raises(StoreKeyWrong):
        kit.open_store()
    key_file.write_bytes(right)

    with kit.open_store() as store:
        assert store.package(row.package_id) == row
        assert store.alarms == ()


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_lost_key_file_is_never_replaced_by_a_new_one(kit, content):
    """A new key would make the old packages unreadable for good."""
    kit.open_store().close()
    key_file = kit.folder / "keys" / "store.key"
    key_file.unlink()
    if content:
        key_file.write_bytes(content)

    with pytest.raises(StoreKeyWrong):
        kit.open_store()


@pytest.mark.parametrize("at_share", [0.0, 0.3, 0.6, 0.95])
def test_a_damaged_database_is_set_aside_whole_and_announced(kit, at_share):
    """The station goes on with a new store; the damaged one is kept for salvage, byte by byte."""
    with kit.open_store() as store:
        kit.hand_in(store)
    path = kit.folder / "store.db"
    # The WAL is kept after a clean end and would cover the damaged page.
    (kit.folder / "store.db-wal").unlink()
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * at_share) + 100)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    damaged = path.read_bytes()

    with kit.open_store() as store:
        assert store.alarms == ("store_set_aside",)
        assert store.counts()["ready"] == 0
        kit.hand_in(store)
    (aside,) = (kit.folder / "set-aside").iterdir()
    assert (aside / "store.db").read_bytes() == damaged


def test_no_file_of_the_store_holds_anything_plain(kit):
    """Not the sample, not the sitting, not a name: database, WAL and shared memory."""
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id(), (b"MARKER-SAMPLE" * 50,))
        store.update_sitting(package_id, {"order": "MARKER-ORDER"})
        files = {file.name: file.read_bytes() for file in kit.folder.glob("store.db*")}

    assert {"store.db", "store.db-wal", "store.db-shm"} <= files.keys()
    assert not any(b"MARKER" in content for content in files.values())
    assert not any(STATION.encode() in content for content in files.values())


def test_an_open_package_is_there_after_a_restart(kit):
    """Ids, the sitting and what is known of the parts: enough to go on where it was."""
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id())
        store.update_sitting(package_id, {"step": "finger"})
    with kit.open_store() as store:
        (found,) = store.open_packages()

    assert (found.package_id, found.sitting_id) == (package_id, "sitting-1")
    assert found.sitting == {"step": "finger"}
    assert [part.name for part in found.parts] == ["finger/a.png", "finger/b.png"]
    assert found.parts[0].sha256 == hashlib.sha256(b"portrait" * 500).hexdigest()
    assert found.parts[0].facts["readings"] == []


def test_a_part_of_the_same_name_replaces_the_earlier_attempt(kit, store):
    """The person was photographed again: the earlier portrait is gone, its place is reused."""
    package_id = kit.fill(store, new_id())
    place = store.next_n(package_id, "finger/a.png")
    part = kit.sealer.part(package_id, place, "finger/a.png", "image/png", b"better")
    store.add_part(package_id, part)

    assert place == 0
    assert [part.size for part in store.parts(package_id)] == [6, 1800]
    assert store.next_n(package_id) == 2


def test_a_taken_or_impossible_place_is_refused(kit, store):
    """Two parts never share a place, and the last place belongs to the manifest."""
    package_id = kit.fill(store, new_id())
    part = kit.sealer.part(package_id, 0, "finger/other.png", "image/png", b"x")
    with pytest.raises(ValueError, match="taken"):
        store.add_part(package_id, part)
    with pytest.raises(ValueError, match="no place"):
        store.add_part(package_id, replace(part, n=63))

    assert len(store.parts(package_id)) == 2


def test_closing_numbers_signs_and_queues_the_package(kit, store):
    """Sequence, predecessor, digest and audit head agree with what lies in the store."""
    first, second = kit.hand_in(store), kit.hand_in(store)
    content = store.sealed(second.package_id)
    _, payload, _ = second.statement.split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    heads = {row.n: row.hash.hex() for row in store.audit_rows()}

    assert [first.sequence, second.sequence] == [1, 2]
    assert said["previous"] == first.digest
    assert (said["digest"], said["size"]) == (second.digest, len(content))
    assert said["audit"]["head"] == heads[said["audit"]["n"]]
    assert content.startswith(b"ANXPKG1\n")
    assert [package.package_id for package in store.pending(SINK)] == [
        first.package_id, second.package_id,
    ]  # fmt: skip


def test_closing_twice_is_once(kit, store):
    """The second call changes nothing and answers the same row."""
    package_id = kit.fill(store, new_id())
    row = kit.shut(store, package_id)
    acts = audit_acts(store)
    again = store.close_package(
        package_id, b"whatever", kit.sealer.statement, previous=None, sinks={SINK: "custody"}
    )

    assert again == row
    assert audit_acts(store) == acts


def test_closing_erases_the_sitting_and_the_facts(kit, store):
    """What the sitting left for a restart does not outlive it."""
    row = kit.hand_in(store)
    with store._readers.lend() as db:
        left = db.execute(
            "select sitting, facts from package join part on package = package.id"
        ).fetchall()

    assert store.open_packages() == []
    assert left == [(None, None)] * 3
    with pytest.raises(PackageClosed):
        store.update_sitting(row.package_id, {})


def test_a_manifest_made_before_another_closing_is_refused(kit, store):
    """The chain of packages never forks: the manifest has to be made again."""
    package_id = kit.fill(store, new_id())
    kit.hand_in(store)
    with pytest.raises(OutOfTurn):
        store.close_package(
            package_id,
            kit.sealer.manifest(package_id, 2, _fields(None), store.parts(package_id)),
            kit.sealer.statement,
            previous=None,
            sinks={SINK: "custody"},
        )

    assert kit.shut(store, package_id).sequence == 2


def test_a_manifest_sealed_for_another_place_is_refused(kit, store):
    """It would not open at the centre; better to know while the person is here."""
    package_id = kit.fill(store, new_id())
    manifest = kit.sealer.manifest(package_id, 5, _fields(None), store.parts(package_id))
    with pytest.raises(ValueError, match="place 2"):
        store.close_package(
            package_id, manifest, kit.sealer.statement, previous=None, sinks={SINK: "custody"}
        )

    assert store.counts()["open"] == 1


def _fields(previous):
    return {"sitting_id": "s", "result": "accepted", "previous": previous}


def test_a_closing_that_fails_leaves_no_gap(kit, store):
    """A signature that cannot be made undoes everything: number, audit row and manifest."""
    package_id = kit.fill(store, new_id())
    manifest = kit.sealer.manifest(package_id, 2, _fields(None), store.parts(package_id))

    def broken(closing):
        raise RuntimeError("no key")

    acts = audit_acts(store)
    with pytest.raises(RuntimeError):
        store.close_package(package_id, manifest, broken, previous=None, sinks={SINK: "custody"})

    assert audit_acts(store) == acts
    assert kit.shut(store, package_id).sequence == 1


def test_a_package_without_a_sink_that_receipts_is_refused(kit, store):
    """Nothing could ever delete it."""
    package_id = kit.fill(store, new_id())
    with pytest.raises(ValueError, match="receipt"):
        kit.shut(store, package_id, sinks={"stick": "copy"})


def test_a_dropped_package_leaves_its_audit_row_alone(kit, store):
    """The person left: the parts are gone at once, who did it remains."""
    package_id = kit.fill(store, new_id())
    store.drop_package(package_id, PERSON)
    store.drop_package(package_id, PERSON)

    assert store.counts() == {"open": 0, "ready": 0, "receipted": 0, "quarantined": 0}
    assert audit_acts(store).count("package.drop") == 1
    with pytest.raises(NoSuchPackage):
        store.parts(package_id)


def test_a_closed_package_can_neither_be_dropped_nor_grow(kit, store):
    """The point of no return."""
    row = kit.hand_in(store)
    with pytest.raises(PackageClosed):
        store.drop_package(row.package_id, PERSON)
    with pytest.raises(PackageClosed):
        kit.fill(store, row.package_id)


def test_a_receipt_deletes_the_parts_and_stays(kit, store):
    """Deletion and receipt are one transaction; the row and the receipt remain."""
    row = kit.hand_in(store)
    for _ in range(2):
        store.record_receipt(row.package_id, SINK, "a.b.c")

    assert store.package(row.package_id).state == "receipted"
    assert store.package(row.package_id).deliveries[0].receipt == "a.b.c"
    assert store.pending(SINK) == []
    with pytest.raises(PackageGone):
        store.sealed(row.package_id)


def test_custody_never_passes_without_a_receipt(kit, store):
    """Not even by mistake of a caller."""
    row = kit.hand_in(store)
    with pytest.raises(ValueError, match="receipt"):
        store.record_receipt(row.package_id, SINK, None)

    assert store.sealed(row.package_id)


def test_parts_wait_for_every_copy(kit, store):
    """One custody receipt and every copy settled: only then may the parts go."""
    row = kit.hand_in(store, sinks={SINK: "custody", "stick": "copy"})
    store.record_receipt(row.package_id, SINK, "a.b.c")
    assert store.sealed(row.package_id)
    store.record_receipt(row.package_id, "stick", None)

    with pytest.raises(PackageGone):
        store.sealed(row.package_id)


def test_a_copy_alone_deletes_nothing(kit, store):
    """Only custody allows deletion."""
    row = kit.hand_in(store, sinks={SINK: "custody", "stick": "copy"})
    store.record_receipt(row.package_id, "stick", None)

    assert store.sealed(row.package_id)
    assert store.package(row.package_id).state == "ready"


def test_a_quarantined_package_stays_and_is_listed(kit, store):
    """Quarantine is a state, not a place."""
    row = kit.hand_in(store)
    store.quarantine(row.package_id, SINK, "http_422")

    assert [one.package_id for one in store.packages(state="quarantined")] == [row.package_id]
    assert store.pending(SINK) == []
    assert store.sealed(row.package_id)


def test_a_copy_that_waits_keeps_no_refused_package_out_of_quarantine(kit, store):
    """Only another custody sink is hope: a copy never brings the receipt that ends the matter."""
    row = kit.hand_in(store, sinks={SINK: "custody", "stick": "copy"})
    store.quarantine(row.package_id, SINK, "http_422")

    assert store.package(row.package_id).state == "quarantined"
    assert [one.package_id for one in store.pending("stick")] == [row.package_id]
    assert store.sealed(row.package_id)


def test_a_second_custody_sink_that_waits_keeps_the_package_ready(kit, store):
    """One centre's refusal is not the last word while another may still take it."""
    row = kit.hand_in(store, sinks={SINK: "custody", "second": "custody"})
    store.quarantine(row.package_id, SINK, "http_422")

    assert store.package(row.package_id).state == "ready"


def test_a_try_that_was_interrupted_is_known_after_the_restart(kit):
    """The receipt has to be asked for first: it may have arrived."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        store.begin_try(row.package_id, SINK)
    with kit.open_store() as store:
        (pending,) = store.pending(SINK)

    assert (pending.attempts, pending.last_code) == (1, "interrupted")


def test_pages_follow_each_other_without_gap_or_repetition(kit, store):
    """Keyset paging, also while rows change their state."""
    rows = [kit.hand_in(store) for _ in range(7)]
    found, after = [], 0
    while page := store.packages(after, limit=3):
        found += [row.package_id for row in page]
        store.quarantine(page[0].package_id, SINK, "test")
        after = page[-1].cursor

    assert found == [row.package_id for row in rows]


def test_a_package_whose_bytes_changed_is_named_unreadable(kit, store):
    """One bad row is set aside by its digest; the queue goes on."""
    row = kit.hand_in(store)
    store._writer.run(
        lambda db: db.execute("update part set record = zeroblob(100) where n = 0").get
    )

    with pytest.raises(PackageUnreadable):
        store.sealed(row.package_id)


def test_many_threads_close_packages_into_one_gapless_chain(kit, store):
    """One writer: whoever asks, the numbers come in order and each names its predecessor."""
    lock = threading.Lock()

    def one(_):
        package_id = kit.fill(store, new_id())
        with lock:
            kit.shut(store, package_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(20)))

    assert sorted(row.sequence for row in store.packages()) == list(range(1, 21))
    audit.verify(store.audit_rows())


def test_readers_never_wait_for_the_writer(kit, store):
    """A page is drawn while a transaction is open."""
    kit.hand_in(store)
    entered, leave = threading.Event(), threading.Event()

    def long(db):
        db.execute("update package set sitting = 'x'")
        entered.set()
        leave.wait(30)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(store._writer.run, long)
        entered.wait(30)
        counts = store.counts()
        leave.set()
        running.result()

    assert counts["ready"] == 1


def test_below_the_floor_no_package_is_opened_and_running_ones_close(kit):
    """Refused before the person stands at the camera; who is inside gets through."""
    with kit.open_store(floor_bytes=1, reserve_bytes=MIB) as store:
        package_id = kit.fill(store, new_id())
        # As if the disk had filled up: the floor is now above what is free.
        store._floor._floor_bytes = 1 << 60
        assert store.refusals == ("store_full",)
        assert store.refusals == ("store_full",)
        assert not (kit.folder / "reserve").exists()
        with pytest.raises(StoreFull):
            kit.fill(store, new_id())
        assert kit.shut(store, package_id).sequence == 1
        store._floor._floor_bytes = 1
        assert store.refusals == ()
        assert (kit.folder / "reserve").stat().st_blocks * 512 >= MIB


def test_what_delivery_freed_counts_as_free(kit):
    """The file does not shrink: its free pages are the room that deliveries made."""
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id(), (os.urandom(4 * MIB),))
        kit.shut(store, package_id)
        store.record_receipt(package_id, SINK, "a.b.c")

        assert store._reusable_bytes() > 3 * MIB


def test_after_an_io_error_nothing_is_written_any_more(kit, store):
    """A failed flush is never retried: the service ends, and says why it takes nobody."""

    def fails(db):
        raise apsw.IOError("disk I/O error")

    with pytest.raises(StoreBroken, match="restart"):
        store._writer.run(fails)
    with pytest.raises(StoreBroken, match="restart"):
        kit.fill(store, new_id())

    assert store.refusals == ("store_broken",)


def test_an_edited_audit_row_is_announced_at_the_start(kit):
    """Announced, never repaired; the station goes on."""
    with kit.open_store() as store:
        kit.hand_in(store)
        store._writer.run(
            lambda db: (
                db.execute(
                    "update audit set entry = cast(replace(cast(entry as text), '\"ok\"', '\"no\"')"
                    " as blob) where n = 3"
                ).get
            )
        )
    with kit.open_store() as store:
        assert store.alarms == ("audit_broken",)


def test_a_removed_row_and_a_cut_tail_are_found(kit, store):
    """The hole by the chain itself, the tail by a head that left the station."""
    for _ in range(3):
        kit.hand_in(store)
    rows = store.audit_rows()
    known = audit.verify(rows)

    with pytest.raises(AuditBroken, match="missing"):
        audit.verify(rows[:3] + rows[4:])
    with pytest.raises(AuditBroken, match="tail"):
        audit.verify(rows[:-2], known=known)
    with pytest.raises(AuditBroken):
        audit.verify([*rows[:-1], replace(rows[-1], entry=rows[-1].entry.replace(b"ok", b"no"))])
    assert audit.verify(rows[:-2]).n == known.n - 2
    assert audit.verify(rows, known=known) == known


def test_a_rewritten_chain_differs_from_the_head_that_left(kit, store):
    """Whoever rewrites every row after a change is found by the seal statement."""
    kit.hand_in(store)
    rows = store.audit_rows()
    known = audit.verify(rows)
    forged, last = [], audit.ZERO
    for row in rows:
        entry = row.entry.replace(b'"service"', b'"nobody"')
        last = audit.link(last, entry)
        forged.append(audit.Row(row.n, last, entry))

    audit.verify(forged)
    with pytest.raises(AuditBroken, match="head"):
        audit.verify(forged, known=known)


def test_audit_rows_hold_ids_and_codes_only(kit, store):
    """The members are fixed; nothing of the sitting or of a part gets in."""
    kit.hand_in(store)
    entries = [json.loads(row.entry) for row in store.audit_rows()]

    assert all(e.keys() == {"n", "at", "actor", "act", "about", "outcome"} for e in entries)
    assert all(e["about"].keys() <= {"package_id", "sink"} for e in entries)


def test_the_last_rows_alone_are_checked_at_a_start(kit, store):
    """A long chain does not hold up the start."""
    for _ in range(5):
        kit.hand_in(store)
    store._writer.run(lambda db: db.execute("delete from audit where n = 2").get)
    with store._readers.lend() as db:
        assert audit.verify_tail(db, rows_max=5).n == audit.head(db).n
        with pytest.raises(AuditBroken):
            audit.verify_tail(db)


def test_the_stored_file_is_the_rows_in_order(kit, store):
    """The file that leaves is the magic and the records by their place."""
    row = kit.hand_in(store)
    with store._readers.lend() as db:
        records = [record for (record,) in db.execute("select record from part order by n")]

    assert store.sealed(row.package_id) == package_file(records)
