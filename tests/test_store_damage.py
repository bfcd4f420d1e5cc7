"""Damage stays as small as it is: one package if it is one package's, announced in any case."""

from __future__ import annotations

import json
import os

import apsw
import pytest

from edge.store import NoSuchPackage, PackageUnreadable
from edge.store.damage import set_unreadable
from edge.store.file import open_store_file
from edge.store.idle_check import IdleCheck
from tests.delivery_kit import SINK, make_kit, new_id

PAGE_BYTES = 4096
PARTS = (os.urandom(9000), os.urandom(7000))


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


def hand_in(kit, store):
    return kit.shut(store, kit.fill(store, new_id(), PARTS))


def page_map(kit):
    """What every page of the file holds: table or index, kind, and of sample pages the package."""
    file = open_store_file(kit.folder / "store.db", kit.folder / "keys" / "store.key")
    try:
        file.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        return file.db.execute(
            "select pageno, name, pagetype from dbstat order by pageno"
        ).fetchall()
    finally:
        file.close()


def flip(kit, page):
    """One bit in the middle of a page, as a disk does that forgets."""
    path = kit.folder / "store.db"
    # The log is kept after a clean end and would cover the damaged page.
    (kit.folder / "store.db-wal").unlink(missing_ok=True)
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + PAGE_BYTES // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def acts(store):
    entries = [json.loads(row.entry) for row in store.audit_rows()]
    return [(entry["act"], entry["outcome"]) for entry in entries]


def sample_pages(kit):
    return [page for page, name, kind in page_map(kit) if (name, kind) == ("part", "overflow")]


def test_one_damaged_sample_sets_its_package_aside_and_the_queue_goes_on(kit):
    """At a start: that package is quarantined and announced, all others are delivered."""
    with kit.open_store() as store:
        rows = [hand_in(kit, store) for _ in range(3)]
    flip(kit, sample_pages(kit)[-1])

    with kit.open_store() as store:
        assert store.alarms == ("package_unreadable",)
        assert [row.package_id for row in store.pending(SINK)] == [r.package_id for r in rows[:2]]
        assert store.package(rows[2].package_id).state == "quarantined"
        assert store.package(rows[2].package_id).deliveries[0].last_code == "unreadable"
        assert ("package.quarantine", "unreadable") in acts(store)
        with pytest.raises(PackageUnreadable):
            store.sealed(rows[2].package_id)
        for row in rows[:2]:
            assert store.sealed(row.package_id)
            store.record_receipt(row.package_id, SINK, "a.b.c")
        assert kit.hand_in(store).sequence == 4
    with kit.open_store() as store:
        assert store.alarms == ("package_unreadable",)
        assert [act for act, _ in acts(store)].count("package.quarantine") == 1


def test_whichever_page_is_damaged_the_station_goes_on_and_keeps_what_is_readable(tmp_path):
    """Page after page: a sample's costs its package, any other moves the whole file aside; what is
    still there is readable, numbers never come twice, and no byte is thrown away.
    """
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        rows = [hand_in(kit, store) for _ in range(2)]
        kit.fill(store, new_id(), PARTS)
    pages = page_map(kit)
    whole = (kit.folder / "store.db").read_bytes()
    outcomes = set()
    for page, name, kind in pages:
        (kit.folder / "store.db").write_bytes(whole)
        flip(kit, page)
        damaged = (kit.folder / "store.db").read_bytes()
        with kit.open_store() as store:
            outcomes.add((store.alarms, (name, kind) == ("part", "overflow")))
            if store.alarms == ("store_set_aside",):
                newest = max(
                    (kit.folder / "set-aside").iterdir(), key=lambda f: f.stat().st_ctime_ns
                )
                assert (newest / "store.db").read_bytes() == damaged
            else:
                for row in store.packages(state="ready"):
                    assert store.sealed(row.package_id)
                assert store.counts()["quarantined"] + store.counts()["ready"] in {2, 3}
            assert kit.hand_in(store).sequence > len(rows)

    assert outcomes == {(("store_set_aside",), False), (("package_unreadable",), True)}


def test_a_damaged_sitting_is_not_resumed_and_blocks_nobody(kit):
    """It gets no number and is nobody's; who it was begins anew, and the rest goes on."""
    with kit.open_store() as store:
        kept = hand_in(kit, store)
        lost = kit.fill(store, new_id(), PARTS)
    flip(kit, sample_pages(kit)[-1])

    with kit.open_store() as store:
        assert store.alarms == ("package_unreadable",)
        assert store.open_packages() == []
        assert store.counts() == {"open": 0, "ready": 1, "receipted": 0, "quarantined": 1}
        assert [row.package_id for row in store.packages()] == [kept.package_id]
        with pytest.raises(NoSuchPackage):
            store.package(lost)
        assert kit.hand_in(store).sequence == 2


def test_damage_that_a_reader_meets_sets_the_package_aside_at_once(kit):
    """Not only at a start: whoever reads it first announces it, for every sink."""
    with kit.open_store() as store:
        row = hand_in(kit, store)
        store.write(lambda db: db.execute("update part set record = zeroblob(99) where n = 0").get)
        assert store.alarms == ()
        with pytest.raises(PackageUnreadable):
            store.sealed(row.package_id)
        store.quarantine(row.package_id, SINK, "unreadable")

        assert store.alarms == ("package_unreadable",)
        assert store.holdings().unreadable == 1
        assert store.pending(SINK) == []
        assert [act for act, _ in acts(store)].count("package.quarantine") == 2


def test_damage_in_the_list_of_free_pages_is_never_written_on(kit):
    """Beside a damaged sample too: whoever wrote next would take pages from that list."""
    with kit.open_store() as store:
        rows = [hand_in(kit, store) for _ in range(3)]
        for row in rows[:2]:
            store.record_receipt(row.package_id, SINK, "a.b.c")
    used = {page for page, _, _ in page_map(kit)}
    sample = sample_pages(kit)[-1]
    whole = (kit.folder / "store.db").read_bytes()
    free = set(range(1, len(whole) // PAGE_BYTES + 1)) - used
    outcomes = set()
    for page in sorted(free):
        (kit.folder / "store.db").write_bytes(whole)
        flip(kit, sample)
        flip(kit, page)
        with kit.open_store() as store:
            outcomes.add(store.alarms)
            for _ in range(2):
                hand_in(kit, store)

    # A free page that lists others, and one that does not and is never read.
    assert outcomes == {("store_set_aside",), ("package_unreadable",)}


def test_idle_time_finds_what_no_start_and_no_reader_met(kit):
    """A start has time for a part only; idle time reads on and holds each against its digest."""
    with kit.open_store() as store:
        rows = [hand_in(kit, store) for _ in range(3)]
        store.write(
            lambda db: (
                db.execute(
                    "update part set record = zeroblob(99) where n = 0 and package ="
                    " (select id from package where sequence = 2)"
                ).get
            )
        )
        check, found = IdleCheck(), []
        while not check.rounds:
            found += store.read(check.step)

        assert found == [rows[1].cursor]
        assert not check.due()


def test_idle_time_reads_on_behind_a_page_that_cannot_be_read(kit, monkeypatch):
    """After a bit flipped on the disk: the rest of that slice is read as well."""
    with kit.open_store() as store:
        rows = [hand_in(kit, store) for _ in range(3)]
    flip(kit, sample_pages(kit)[0])
    monkeypatch.setattr("edge.store.file.find_damage", lambda _: [])
    file = open_store_file(kit.folder / "store.db", kit.folder / "keys" / "store.key")
    try:
        check, found = IdleCheck(), []
        while not check.rounds:
            found += check.step(file.db)
        assert len(found) == 1
        file.db.execute("begin immediate")
        assert set_unreadable(file.db, found[0])
        file.db.execute("commit")
    finally:
        file.close()
    with kit.open_store() as store:
        assert store.counts()["ready"] == len(rows) - 1
        assert store.alarms == ("package_unreadable",)


@pytest.mark.parametrize("had_time", [True, False])
def test_a_receipt_for_what_cannot_be_deleted_is_kept_all_the_same(kit, monkeypatch, had_time):
    """Deleting reads: the receipt counts, the damaged bytes stay, the service does not end; also
    where the start had no time to notice.
    """
    with kit.open_store() as store:
        row = hand_in(kit, store)
    flip(kit, sample_pages(kit)[-1])
    if not had_time:
        monkeypatch.setattr("edge.store.file.find_damage", lambda _: [])
    with kit.open_store() as store:
        assert bool(store.alarms) is had_time
        store.record_receipt(row.package_id, SINK, "a.b.c")

        assert store.package(row.package_id).state == "receipted"
        assert store.alarms == ("package_unreadable",)
        assert store.refusals == ()
        assert kit.hand_in(store).sequence == 2
