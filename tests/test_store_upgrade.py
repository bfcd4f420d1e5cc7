"""A journal of a release before: brought up whole or left as it was, and copied first.

`tests/golden/journal-step-<n>` was written by the release that had so many steps of the tables.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.events import Events
from edge.service.tickets import Tickets
from edge.store import Store, StoreError
from edge.store import file as store_file
from edge.store import schema as store_schema
from edge.store.counters import counters
from edge.store.file import open_reader
from edge.store.schema import SCHEMA_VERSION, copies_folder, forget_old_copies
from edge.trust import audit
from tests.delivery_kit import SINK, make_kit, new_id

GOLDEN = Path(__file__).resolve().parent / "golden"
FACTS = {
    step: json.loads((GOLDEN / f"journal-step-{step}/facts.json").read_text()) for step in (2, 3)
}


@pytest.fixture(params=[2, 3], ids=["step-2", "step-3"])
def step(request):
    """Of which release the journal is."""
    return request.param


@pytest.fixture
def where(step, tmp_path):
    """A journal of a release before, and its key."""
    for file in (GOLDEN / f"journal-step-{step}").glob("store.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "store.db", tmp_path / "store.key"


def found_in(path, key_file):
    """What an open file holds: step of its tables, packages, parts, rows of audit."""
    db = open_reader(path, key_file.read_bytes().hex())
    try:
        counts = [
            db.execute(f"select count(*) from {table}").get
            for table in ("package", "part", "delivery", "audit", "sitting_order")
        ]
        return db.pragma("user_version"), counts, db.pragma("integrity_check")
    finally:
        db.close()


def test_a_journal_of_a_release_before_goes_on_where_it_was(where, step, tmp_path):
    """Numbers, deliveries, the sitting that was interrupted, the audit chain, and an order."""
    facts = FACTS[step]
    kit = make_kit(tmp_path / "kit")
    with Store.open(*where) as store:
        rows = {row.package_id: row for row in store.packages()}
        assert [rows[fact["package_id"]].state for fact in facts["rows"]] == [
            fact["state"] for fact in facts["rows"]
        ]
        assert [row.package_id for row in store.pending(SINK)] == [
            fact["package_id"] for fact in facts["rows"][2:]
        ]
        assert store.pending(SINK)[0].last_code == "interrupted"
        for fact in facts["rows"][1:]:
            assert store.sealed(fact["package_id"])
        assert [one.package_id for one in store.open_packages()] == [facts["open"]]
        assert store.holdings().persons == 4
        kept = store.audit_rows()
        assert kept[facts["audit_rows"] - 1].hash.hex() == facts["audit_head"]
        audit.verify(kept)
        assert kit.hand_in(store).sequence == 5
        orders = store.read(lambda db: db.execute("select state from shown_order").fetchall())
        assert orders == [("waiting",)]
        assert store.alarms == ()


def test_numbers_and_counts_of_the_release_before_go_on(tmp_path):
    """No event's number comes twice, and the month's counts stay."""
    for file in (GOLDEN / "journal-step-3").glob("store.*"):
        shutil.copy(file, tmp_path)
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        newest = FACTS[3]["newest_event"]
        assert [event.id for event in Events(store).after(newest - 1)] == [newest]
        assert store.read(lambda db: counters(db, "help/")) == {"2026-11/raised": 2}
        tickets = Tickets(store)
        tickets.raise_("help", None, "touched")
        assert [event.id for event in Events(store).after(newest)] == [newest + 1]
        assert [one.why for one in Tickets(store).open()] == ["touched"]


def test_the_file_is_copied_before_it_is_touched(where, step):
    """As it was, under the same key; a mistake of ours in the new release costs nothing."""
    before = found_in(*where)
    Store.open(*where).close()
    (copy,) = copies_folder(where[0]).iterdir()

    assert found_in(copy, where[1]) == before
    assert before[0] == step
    assert copy.name.endswith(f"-step-{step}.db")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert found_in(*where)[0] == SCHEMA_VERSION


def test_a_copy_is_deleted_when_it_was_not_needed_for_two_weeks(where):
    """Orders in it are personal."""
    Store.open(*where).close()
    (copy,) = copies_folder(where[0]).iterdir()
    made_s = copy.stat().st_mtime
    forget_old_copies(where[0], made_s + 13 * 86400)
    assert copy.exists()
    forget_old_copies(where[0], made_s + 15 * 86400)

    assert not copy.exists()
    forget_old_copies(where[0].parent / "elsewhere" / "store.db", made_s)


def test_without_room_for_a_copy_the_station_goes_on_and_says_so(where, monkeypatch):
    """The change itself is one transaction; a full disk must not end a station."""
    monkeypatch.setattr(store_schema, "SPARE_BYTES", 1 << 60)
    with Store.open(*where) as store:
        assert store.alarms == ("upgraded_without_copy",)
        assert len(store.packages()) == 4
    assert not copies_folder(where[0]).exists()


UPGRADER = """
import os, signal, sys
from pathlib import Path
import apsw
from edge.store import Store

left = int(sys.argv[3])
def trace(cursor, words, values):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return True

class Dying(apsw.Connection):
    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self.exec_trace = trace

apsw.Connection = Dying
Store.open(Path(sys.argv[1]), Path(sys.argv[2])).close()
print("done", left)
"""


def upgrade_killed_at(where, statement):
    """Open the journal in a process that is killed before its nth statement; True if it ended."""
    words = [sys.executable, "-c", UPGRADER, str(where[0]), str(where[1]), str(statement)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode == 0


KILLS = [(2, 28), (2, 37), (2, 45), (2, 49), *((3, at) for at in (32, 34, 36, 38, 39, 40))]
"""Of which release, and before which statement: the copy, the tables, the number, the commit."""


@pytest.mark.parametrize(("step", "statement"), KILLS)
def test_a_change_that_is_killed_leaves_the_old_file_or_the_new_one(
    where, step, tmp_path, statement
):
    """Killed before whichever statement: nothing half, and the next start goes on."""
    kit = make_kit(tmp_path / "kit")
    before = found_in(*where)
    ended = upgrade_killed_at(where, statement)
    found, counts, sound = found_in(*where)

    assert sound == "ok"
    assert found in ({SCHEMA_VERSION} if ended else {step, SCHEMA_VERSION})
    assert counts[:3] == before[1][:3]
    with Store.open(*where) as store:
        assert len(store.packages()) == 4
        assert store.alarms == ()
        assert kit.hand_in(store).sequence == 5


def test_a_newer_release_s_journal_is_refused_and_not_touched(where, monkeypatch):
    """Whoever goes back a release is told which one to install."""
    Store.open(*where).close()
    before = found_in(*where)
    monkeypatch.setattr(store_schema, "SCHEMA_VERSION", SCHEMA_VERSION - 1)
    with pytest.raises(StoreError, match="newer release"):
        Store.open(*where)

    assert found_in(*where) == before


def test_a_journal_can_be_made_where_there_was_none(tmp_path):
    """A new station has nothing to copy."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        kit.fill(store, new_id())
        assert store.alarms == ()
    assert not copies_folder(kit.folder / "store.db").exists()
    assert store_file.check_file_of(kit.folder / "store.db").exists()
