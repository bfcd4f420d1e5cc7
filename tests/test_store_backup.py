"""A backup is read whole before it counts; a restore never goes back unnoticed nor doubles."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.custody import backup
from edge.custody.backup import BackupUnfit, make_backup
from edge.custody.restore import Wish, restore
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.events import Events
from edge.sinks.load import open_sink
from edge.store import Store, StoreBusy, StoreError, StoreKeyWrong
from edge.store.beside import CopyUnfit, verify_copy
from edge.store.notes import leave_note
from edge.store.numbers import UNKNOWN_JUMP
from edge.trust import audit
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until

QUICK = Pace(first_max_s=0, base_s=0.01, max_s=0.02, pending_s=0.02)
GOLDEN = Path(__file__).resolve().parent / "golden" / "journal-step-2"
NOTES_SEEN_SQL = "select count(*) from counter where name glob 'note/*'"
CENTRE = """
import sys
from pathlib import Path
from centre.app import serve
serve(Path(sys.argv[1]), "127.0.0.1", 0, lambda port: print(port, flush=True))
"""


class Station:
    """A store's folder as the station has it, and where its backups go."""

    def __init__(self, folder):
        self.kit = make_kit(folder)
        self.store = folder / "store"
        self.medium = folder / "medium"
        self.medium.mkdir()
        self.store.mkdir()

    @property
    def key_file(self):
        return self.store / "store.key"

    def open(self):
        return Store.open(self.store / "store.db", self.key_file)

    def backup(self):
        return make_backup(self.store, STATION, self.kit.station_key, self.medium)

    def wish(self, **changed):
        signers = frozenset({self.kit.station_key.kid})
        return replace(Wish(self.store, None, signers, STATION, replace=True), **changed)


@pytest.fixture
def station(tmp_path):
    return Station(tmp_path)


def entries(store, act):
    rows = [json.loads(row.entry) for row in store.audit_rows(limit=10_000)]
    return [row for row in rows if row["act"] == act]


def lose_the_disk(station):
    """Everything of the store but what the operator has elsewhere: the key."""
    key = station.key_file.read_bytes()
    shutil.rmtree(station.store)
    station.store.mkdir()
    station.key_file.write_bytes(key)


def test_a_backup_holds_one_moment_while_the_station_goes_on(station):
    """Taken beside a running station, read whole, signed; what comes later is not in it."""
    with station.open() as store:
        rows = [station.kit.hand_in(store) for _ in range(3)]
        opened = station.kit.fill(store, new_id())
        made = station.backup()
        later = station.kit.hand_in(store)

        assert made.said["packages"] == {"open": 1, "ready": 3, "receipted": 0, "quarantined": 0}
        assert made.said["station_id"] == STATION
        listed = [line.split()[1] for line in made.facts.listing.decode().splitlines()]
        assert listed == [row.package_id for row in rows]
        assert later.package_id not in listed
        assert station.kit.shut(store, opened).sequence == 5
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in made.folder.iterdir()} == {
        "store.db", "packages.txt", "station.json", "backup.jws",
    }  # fmt: skip
    assert [folder.name[0] for folder in station.medium.iterdir()] == ["a"]


def test_a_backup_holds_neither_a_key_nor_anything_plain(station):
    """What lies on a lost medium is of use to nobody."""
    with station.open() as store:
        package_id = station.kit.fill(store, new_id(), (b"MARKER-SAMPLE" * 90,))
        store.update_sitting(package_id, {"order": "MARKER-ORDER"})
        made = station.backup()
    secrets = [station.key_file.read_bytes(), b"PRIVATE KEY", b"MARKER"]
    secrets += [station.key_file.read_bytes().hex().encode()]

    content = b"".join(file.read_bytes() for file in made.folder.iterdir())
    assert not any(secret in content for secret in secrets)


def test_a_backup_of_a_stopped_station_is_noted_at_its_next_start(station):
    """Only the service writes the journal: what was done beside it is in the audit chain once."""
    with station.open() as store:
        station.kit.hand_in(store)
    station.backup()
    for _ in range(2):
        with station.open() as store:
            (noted,) = entries(store, "store.backup")
            audit.verify(store.audit_rows())

    assert noted["about"] == {"packages": "1", "sequence": "1"}
    assert noted["actor"] == {"kind": "technician", "id": "command"}
    assert list((station.store / "notes").iterdir()) == []


def test_a_backup_of_a_running_station_is_noted_when_it_has_time(station):
    """Without a restart, and whatever lies beside the note."""
    with station.open() as store:
        station.kit.hand_in(store)
        station.backup()
        (station.store / "notes" / "0.json").write_bytes(b"{")
        until(lambda: entries(store, "store.backup"))
        until(lambda: not list((station.store / "notes").iterdir()))

        assert len(entries(store, "store.backup")) == 1


def test_a_note_is_taken_in_once_though_the_power_fails_in_between(station):
    """Between the commit and the deletion of the file."""
    with station.open() as store:
        station.kit.hand_in(store)
    station.backup()
    (note,) = (station.store / "notes").iterdir()
    content = note.read_bytes()
    for _ in range(2):
        note.write_bytes(content)
        with station.open() as store:
            assert len(entries(store, "store.backup")) == 1
    leave_note(station.store / "store.db", "package.export", {}, "ok", audit.Actor("a", "b"))
    with station.open() as store:
        assert len(entries(store, "package.export")) == 1
    with station.open() as store:
        # What kept it from being taken in twice is forgotten with its file.
        assert store.read(lambda db: db.execute(NOTES_SEEN_SQL).get) == 0


def spoil(file, how):
    content = bytearray(file.read_bytes())
    file.unlink()
    if how == "flipped":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)


@pytest.mark.parametrize("how", ["gone", "flipped"])
def test_a_backup_that_was_changed_is_refused_and_nothing_is_touched(station, how):
    """Any file missing or one bit of it: found before anything is put anywhere."""
    with station.open() as store:
        row = station.kit.hand_in(store)
        made = station.backup()
    for name in ("store.db", "packages.txt", "station.json", "backup.jws"):
        folder = station.medium / f"spoilt-{name}"
        shutil.copytree(made.folder, folder)
        spoil(folder / name, how)
        with pytest.raises((BackupUnfit, CopyUnfit)):
            restore(folder, station.wish())
    with station.open() as store:
        assert store.packages()[0].package_id == row.package_id
        assert store.alarms == ()


def test_a_copy_with_a_package_that_does_not_agree_is_no_backup(station):
    """Every digest is held against the bytes: a copy of damage is not a backup."""
    with station.open() as store:
        row = station.kit.hand_in(store)
        store.write(lambda db: db.execute("update part set record = zeroblob(9) where n = 0").get)
        with pytest.raises(CopyUnfit, match=row.package_id):
            station.backup()
    assert list(station.medium.iterdir()) == []


def test_a_cut_audit_chain_is_no_backup(station):
    """A copy in which a row was removed is refused, whoever removed it."""
    with station.open() as store:
        station.kit.hand_in(store)
        made = station.backup()
        store.write(lambda db: db.execute("delete from audit where n = 2").get)
        with pytest.raises(CopyUnfit, match="audit"):
            station.backup()
    with pytest.raises(CopyUnfit, match="key"):
        verify_copy(made.folder / "store.db", os.urandom(32))


@pytest.mark.parametrize("number", [28, 5])
def test_a_medium_that_fails_leaves_nothing_half_behind(station, monkeypatch, number):
    """Full or broken: one sentence, and no folder that looks like a backup."""

    def fail(*_):
        raise OSError(number, "planted")

    monkeypatch.setattr(backup, "_write", fail)
    with station.open() as store:
        station.kit.hand_in(store)
        with pytest.raises(BackupUnfit, match="room" if number == 28 else "planted"):
            station.backup()
    assert list(station.medium.iterdir()) == []


def test_a_medium_that_is_not_there_is_named(station):
    """Not made by us: it would be a folder on the station's own disk."""
    station.medium.rmdir()
    with station.open(), pytest.raises(BackupUnfit, match="plug in"):
        station.backup()


def test_a_restore_never_writes_over_a_store(station):
    """It wants an empty place, or the word to move what is there aside; and no running station."""
    with station.open() as store:
        station.kit.hand_in(store)
        made = station.backup()
        with pytest.raises(StoreBusy):
            restore(made.folder, station.wish())
    with pytest.raises(StoreError, match="--set-aside"):
        restore(made.folder, station.wish(replace=False))
    with pytest.raises(BackupUnfit, match="station"):
        restore(made.folder, station.wish(station_id="st-other"))
    with pytest.raises(BackupUnfit, match="signed-by"):
        restore(made.folder, station.wish(signers=frozenset({"another"})))
    assert not (station.store / "set-aside").exists()


def test_a_restored_store_says_so_and_numbers_go_on_above_what_was_used_since(station):
    """With the file beside the lost journal the numbers go on closely; packages since are missed
    by the centre as a gap, never as a number that comes twice.
    """
    with station.open() as store:
        rows = [station.kit.hand_in(store) for _ in range(2)]
        made = station.backup()
        lost = [station.kit.hand_in(store) for _ in range(3)]
        newest_event = Events(store).kept()[1]
    done = restore(made.folder, station.wish())
    assert done.left_behind == 3
    assert done.set_aside is not None
    with station.open() as store:
        assert [row.package_id for row in store.packages()] == [row.package_id for row in rows]
        assert all(store.sealed(row.package_id) for row in rows)
        (said,) = entries(store, "store.restore")
        assert said["about"]["made_at"] == made.said["made_at"]
        assert said["about"]["left_behind"] == "3"
        audit.verify(store.audit_rows())
        after = station.kit.hand_in(store)
        assert lost[-1].sequence < after.sequence < UNKNOWN_JUMP
        assert Events(store).kept()[1] > newest_event
        assert store.alarms == ()
    with station.open() as store:
        assert station.kit.hand_in(store).sequence == after.sequence + 1


@pytest.mark.parametrize("stranger", [False, True])
def test_on_another_disk_numbers_go_on_far_above(station, stranger):
    """Nothing tells how far the lost journal was; a new one that was begun there tells nothing."""
    with station.open() as store:
        row = station.kit.hand_in(store)
        made = station.backup()
        for _ in range(4):
            station.kit.hand_in(store)
    lose_the_disk(station)
    if stranger:
        with station.open() as store:
            for _ in range(9):
                station.kit.hand_in(store)
    done = restore(made.folder, station.wish())
    assert done.left_behind == (9 if stranger else 0)
    with station.open() as store:
        assert store.packages()[0].package_id == row.package_id
        assert station.kit.hand_in(store).sequence > UNKNOWN_JUMP


def test_a_backup_s_own_key_is_put_in_place_and_the_other_kept(station, tmp_path, monkeypatch):
    """A machine that was set up anew has another key: both are needed, each with its own store."""
    with station.open() as store:
        row = station.kit.hand_in(store)
        made = station.backup()
    safe = tmp_path / "safe.key"
    shutil.copy(station.key_file, safe)
    shutil.rmtree(station.store)
    with station.open() as store:
        station.kit.hand_in(store)
    new_key = station.key_file.read_bytes()
    with pytest.raises(CopyUnfit, match="key"):
        restore(made.folder, station.wish())
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda n: (fsync(n), synced.append(os.fstat(n).st_ino))[0])
    done = restore(made.folder, station.wish(key_file=safe))

    # A power cut just then must not leave a journal that nobody can open any more.
    other, own = ((where / "store.key").stat().st_ino for where in (done.set_aside, station.store))
    assert synced.index(other) < synced.index(own)
    assert (done.set_aside / "store.key").read_bytes() == new_key
    with station.open() as store:
        assert store.packages()[0].package_id == row.package_id
    with Store.open(done.set_aside / "store.db", done.set_aside / "store.key") as store:
        assert len(store.packages()) == 1


def test_a_sitting_that_was_open_at_the_backup_is_dropped(station):
    """Its person left long ago, and her package may have been closed and delivered since."""
    with station.open() as store:
        package_id = station.kit.fill(store, new_id())
        made = station.backup()
        station.kit.shut(store, package_id)
    done = restore(made.folder, station.wish())
    with station.open() as store:
        assert (done.dropped, store.open_packages(), store.packages()) == (1, [], [])
        (said,) = entries(store, "package.drop")
        assert (said["about"]["package_id"], said["outcome"]) == (package_id, "restored")


@pytest.mark.parametrize(("in_backup", "here"), [(4, 7), (7, 4)])
def test_a_list_of_the_centre_is_never_taken_back(station, in_backup, here):
    """A restore brings an older store, not older keys: what was withdrawn stays withdrawn."""

    def keep(seq):
        return lambda db: (
            db.execute(
                "insert or replace into signed_list(kind, seq, token, kept_at_ms)"
                " values('keys', ?, ?, 0)",
                (seq, f"token-{seq}"),
            ).get
        )

    with station.open() as store:
        store.write(keep(in_backup))
        made = station.backup()
        store.write(keep(here))
    restore(made.folder, station.wish())
    with station.open() as store:
        kept = store.read(lambda db: db.execute("select seq, token from signed_list").fetchall())

    assert kept == [(7, "token-7")]


@pytest.mark.parametrize("step", ["move_aside", "_install_key", "write_ceilings", "sync_folder"])
def test_a_restore_that_is_cut_off_can_be_said_again(station, monkeypatch, step):
    """Before whichever step: nothing is lost, and the second time it is whole."""
    with station.open() as store:
        row = station.kit.hand_in(store)
        made = station.backup()
        last = station.kit.hand_in(store).sequence
    with monkeypatch.context() as power:

        def cut(*_):
            raise KeyboardInterrupt

        power.setattr(f"edge.custody.restore.{step}", cut)
        wish = station.wish()
        if step == "_install_key":
            key = station.key_file.read_bytes()
            station.key_file.write_bytes(os.urandom(32))
            safe = station.medium / "safe.key"
            safe.write_bytes(key)
            wish = station.wish(key_file=safe)
        with pytest.raises(KeyboardInterrupt):
            restore(made.folder, wish)
    restore(made.folder, wish)
    with station.open() as store:
        assert [one.package_id for one in store.packages()] == [row.package_id]
        assert station.kit.hand_in(store).sequence > last


def test_a_backup_of_the_release_before_is_brought_up_to_this_one(station):
    """Restored later: the tables are made as at any upgrade, the numbers go on far above."""
    facts = verify_copy(GOLDEN / "store.db", (GOLDEN / "store.key").read_bytes())
    assert (facts.schema, facts.used.sequence) == (2, 4)
    folder = station.medium / "old"
    folder.mkdir()
    shutil.copy(GOLDEN / "store.db", folder)
    key = station.kit.station_key
    backup._describe(folder, station.store / "store.db", facts, STATION, key)
    done = restore(folder, station.wish(key_file=GOLDEN / "store.key"))
    assert done.set_aside is None
    with station.open() as store:
        assert len(store.packages()) == 4
        assert store.holdings().persons == 4
        assert station.kit.hand_in(store).sequence == UNKNOWN_JUMP + 5


def test_a_backup_of_the_release_before_says_all_of_its_numbers(station):
    """Its tables count events and persons as ours do: none of them is read as "nobody knows"."""
    old = GOLDEN.with_name("journal-step-3")
    facts = verify_copy(old / "store.db", (old / "store.key").read_bytes())

    assert (facts.schema, facts.used.sequence, facts.used.event, facts.used.persons) == (3, 4, 9, 4)


def test_a_wrong_key_file_is_named(station):
    """Neither backup nor restore makes a key."""
    with station.open() as store:
        station.kit.hand_in(store)
        made = station.backup()
    with pytest.raises(StoreKeyWrong):
        restore(made.folder, station.wish(key_file=station.medium / "no.key"))
    station.key_file.write_bytes(b"short")
    with pytest.raises(StoreKeyWrong):
        station.backup()


@contextmanager
def running_centre(kit):
    """The centre as its own process; its port."""
    words = [sys.executable, "-c", CENTRE, str(kit.folder / "centre")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with process.stdout:
        try:
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def deliver(kit, store, port, rows):
    """Run the outbox until these are receipted."""
    ca_file = str(kit.folder / "centre" / "tls-ca.pem")
    sink = open_sink("https", {"url": f"https://127.0.0.1:{port}", "ca_file": ca_file})
    codes = []
    outbox = Outbox(store, SINK, sink, kit.verifier, pace=QUICK, observe_try=codes.append)
    outbox.start()
    try:
        until(lambda: all(store.package(row.package_id).state == "receipted" for row in rows), 60)
    finally:
        outbox.close()
    return codes


def test_after_a_restore_the_centre_says_what_it_has_and_nothing_is_doubled(station):
    """Delivered before the backup, after it, and new: each is at the centre once, whole."""
    kit = station.kit
    with running_centre(kit) as port:
        with station.open() as store:
            before = kit.hand_in(store)
            deliver(kit, store, port, [before])
            since = [kit.hand_in(store) for _ in range(2)]
            made = station.backup()
            deliver(kit, store, port, since)
        restore(made.folder, station.wish())
        with station.open() as store:
            assert [row.package_id for row in store.pending(SINK)] == [
                row.package_id for row in since
            ]
            new = kit.hand_in(store)
            deliver(kit, store, port, [*since, new])
            assert store.counts() == {"open": 0, "ready": 0, "receipted": 4, "quarantined": 0}
    taken = [said["package_id"] for said in kit.shelf.listing()]

    assert sorted(taken) == sorted(row.package_id for row in [before, *since, new])
    assert new.sequence > since[-1].sequence
