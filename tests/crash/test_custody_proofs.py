"""Short forms of the custody proofs: the long ones are `make proof`."""

from __future__ import annotations

import gc

import apsw
import pytest

from proofs import ToolMissing
from proofs.power import less_synced, many, on_a_file_system, trial
from proofs.premises import SINK, make_premises, open_store
from proofs.sitters import SMALL, sit
from proofs.trial_run import proofs_named

SEED = 7
WITH_CONTROL = {"power.vfs": 4, "broken_disk.errors": 10, "broken_disk.flips": 8}
"""What chance decides here follows from the seed alone, so a control is found out every time."""
REAL = {"power.ext4": 2, "broken_disk.full": 1, "stolen_disk.sittings": 5, "killed.sitting": 2}


def tried(run, trials):
    """Run a trial; where the machine lacks what it needs, say so aloud."""
    try:
        return run(trials, SEED)
    except ToolMissing as reason:
        pytest.skip(f"NOT TESTED: {reason}")


@pytest.mark.parametrize("name", WITH_CONTROL)
def test_a_promise_holds_and_its_broken_twin_is_found_out(name):
    """Cut or failed at chosen operations, or damaged: nothing told is lost, and the same trial
    finds out each product that was broken on purpose.
    """
    proof = proofs_named((name,))[name]
    tally = tried(proof.run, WITH_CONTROL[name])
    control = tried(proof.control, WITH_CONTROL[name])

    assert tally.failures == 0, tally.note
    assert tally.trials == WITH_CONTROL[name]
    assert control.failures > 0, control.note


@pytest.mark.parametrize("name", REAL)
def test_a_promise_holds_on_real_disks_and_processes(name):
    """A few trials of each; whether they can fail at all is tried by the long form."""
    proof = proofs_named((name,))[name]
    tally = tried(proof.run, REAL[name])

    assert tally.failures == 0, tally.note
    assert tally.trials == REAL[name]


def test_a_file_system_that_is_shut_down_loses_what_was_not_synced():
    """Else no cut of a real file system could find anything out."""
    unsynced = trial(lambda premises: less_synced(many(premises), "off"), on_a_file_system("ext4"))
    tally = tried(unsynced, 2)

    assert tally.failures > 0, tally.note


def test_a_package_leaves_no_cursor_behind(tmp_path):
    """apsw 3.54 never frees a cursor that is held while the next one runs: half a kilobyte each."""
    premises = make_premises(tmp_path)

    def cursors():
        gc.collect()
        return sum(isinstance(one, apsw.Cursor) for one in gc.get_objects())

    with open_store(tmp_path / "store") as store:
        rooms = premises.rooms(store)
        sit(store, rooms.begin("zh-CN"), SMALL, lambda word: None)
        before = cursors()
        for _ in range(5):
            record = rooms.begin("zh-CN")
            sit(store, record, SMALL, lambda word: None)
            store.begin_try(record.package_id, SINK)
            row = store.package(record.package_id)
            store.record_receipt(record.package_id, SINK, premises.receipt(row))
            assert store.pending(SINK, limit=5) or store.packages(limit=5)

        assert cursors() == before
