"""A version on trial never changes a journal that the version before could not read then."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.record_room import RecordRoom
from edge.settings import load_settings
from edge.store import Store
from edge.store.errors import StoreBusy
from edge.store.file import open_reader
from edge.store.schema import SCHEMA_VERSION
from edge.upkeep.notices import FELL_BACK, TRYING, Notices
from edge.upkeep.slots import Slots, Update
from edge.upkeep.trial import FOLDER, UpdateWatch, on_trial
from tests.delivery_kit import make_kit, new_id

GOLDEN = Path(__file__).resolve().parent / "golden" / "journal-step-3"
STATION = Path(__file__).resolve().parent.parent / "firmware_configs" / "stations" / "demo.toml"
TRYING_NEW = Update("id-1", "trying", "old", "new", "2.0.0", on_copy=True)


@pytest.fixture
def settings(tmp_path):
    """Of a station whose journal was written by the release of three steps."""
    for file in GOLDEN.glob("store.*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "station-key.pem").write_text("a private key")
    read = load_settings(STATION, check_camera=False)
    store = read.store.model_copy(update={"folder": tmp_path})
    return read.model_copy(update={"store": store})


def step_of(folder):
    db = open_reader(folder / "store.db", (folder / "store.key").read_bytes().hex())
    try:
        return db.pragma("user_version"), db.execute("select count(*) from package").get
    finally:
        db.close()


def test_the_trial_steps_a_copy_and_the_journal_stays_what_the_version_before_wrote(settings):
    """The copy is whole and stepped; the journal is locked, unchanged, and as it was afterwards."""
    folder = settings.store.folder
    before, kept = step_of(folder), (folder / "store.db").read_bytes()
    with ExitStack() as stack:
        trial = on_trial(settings, TRYING_NEW, "new", stack)
        where = trial.store.folder
        assert where == folder / FOLDER
        assert where.stat().st_mode & 0o777 == 0o700
        with Store.open(where / "store.db", where / "store.key") as store:
            assert len(store.packages()) == before[1] - len(store.open_packages())
        assert step_of(where) == (SCHEMA_VERSION, before[1])
        assert (trial.sinks, trial.v1.network, trial.guide.enabled) == ((), None, False)
        with pytest.raises(StoreBusy):
            Store.open(folder / "store.db", folder / "store.key").close()
    assert (folder / "store.db").read_bytes() == kept
    assert step_of(folder) == before == (3, before[1])
    assert (folder / "station-key.pem").stat().st_nlink == 2
    with ExitStack() as stack:
        after = on_trial(settings, TRYING_NEW, "old", stack)
        assert after is settings
    assert not (folder / FOLDER).exists()
    assert (folder / "station-key.pem").stat().st_nlink == 1


@pytest.mark.parametrize(
    "update",
    [
        None,
        Update("id-1", "passed", "old", "new", "2.0.0", on_copy=True),
        Update("id-1", "trying", "old", "new", "2.0.0", on_copy=False),
    ],
    ids=["none", "passed", "same-tables"],
)
def test_nothing_is_copied_where_nothing_would_be_changed(settings, update):
    """A version of the same tables, or one that has passed, works on the journal itself."""
    with ExitStack() as stack:
        assert on_trial(settings, update, "new", stack) is settings
    assert not (settings.store.folder / FOLDER).exists()


def audited(store):
    rows = [json.loads(row.entry) for row in store.audit_rows()]
    return [(one["act"], one["outcome"]) for one in rows if one["act"].startswith("update.")]


def test_how_an_update_ended_stands_in_audit_and_notices_once(tmp_path):
    """The version that is back tells it, also after a restart; nobody is let in during a trial."""
    slots = Slots(tmp_path / "opt")
    tried = slots.note(Update("id-1", "trying", "old", "new", "2.0.0"))
    assert slots.unsettled.exists()
    on_new = Notices()
    UpdateWatch(slots, "new", on_new)
    assert on_new.reasons() == (TRYING,)
    slots.note(tried, state="fell_back", reason="not_answering")
    assert not slots.unsettled.exists()
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        for _ in range(2):
            notices = Notices()
            watch = UpdateWatch(slots, "old", notices)
            watch.note(store)
            watch.note(store)
            assert (notices.codes, notices.reasons()) == ((FELL_BACK,), ())
        assert audited(store) == [("update.fell_back", "not_answering")]
        slots.note(Update("id-2", "passed", "old", "new", "2.0.0"))
        watch = UpdateWatch(slots, "new", on_new)
        watch.note(store)
        assert on_new.codes == ()
        assert audited(store)[1:] == [("update.passed", "ok")]


def test_a_trial_on_a_copy_lets_nobody_in_even_after_it_has_passed(tmp_path):
    """Until its process ends it works on what will be thrown away."""
    slots, notices = Slots(tmp_path), Notices()
    tried = slots.note(TRYING_NEW)
    watch = UpdateWatch(slots, "new", notices)
    slots.note(tried, state="passed")
    watch.look()
    assert notices.reasons() == (TRYING,)


def test_a_version_on_trial_goes_on_with_nobody_s_sitting_and_drops_none(tmp_path):
    """Samples that it took would be lost with it; what it dropped would be missed."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id())
        trying: list[str] = [TRYING]
        room = RecordRoom(
            store, lambda for_ms: [kit.sealer], {"centre": "custody"}, dict, lambda: None,
            keep_master=False, distrust=lambda: tuple(trying),
        )  # fmt: skip
        assert room.interrupted(600.0) is None
        assert [one.package_id for one in store.open_packages()] == [package_id]
        trying.clear()
        # Without a consent in it, an ordinary start drops it: the trial did not.
        assert room.interrupted(600.0) is None
        assert store.open_packages() == []
