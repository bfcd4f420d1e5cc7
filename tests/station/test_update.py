"""Real releases of this very tree, through real stations; a minute each: `make proof-update`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edge.store.file import open_reader
from edge.store.schema import SCHEMA_VERSION
from edge.trust.keys import StationKey
from edge.upkeep.gate import Patience, StationDoor
from edge.upkeep.slots import Slots
from edge.upkeep.update import Bench, install
from setup.release_file import PRIVATE, make_key, pack
from tests.station.bed import keys_of_a_centre
from tests.update_kit import CHECKOUT, Line, ServiceKeeper
from tests.upkeep_kit import Home, new_home

pytestmark = pytest.mark.skipif("ANXIN_LONG" not in os.environ, reason="make proof-update")

LONG_S = 120.0
PATIENCE = Patience(within_s=60.0, steady_s=5.0, look_s=0.5)
SICK = """
import time as _time
_BEGUN_S = _time.monotonic()
_well = Station.reasons
Station.reasons = lambda self: (
    *_well(self), *(("service_failed",) if _time.monotonic() - _BEGUN_S > 6 else ())
)
"""


class RealBase:
    """A root with the tree that is checked out, run by real stations."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder, self.home, self.root = folder, home, folder / "opt"
        self.root.mkdir()
        self.keys_file = make_key(folder / "releaser")
        self.slots = Slots(self.root)
        self.tree(self.root / "anxin-station-0.1.0")
        self.slots.point("current", "anxin-station-0.1.0")
        self.door = StationDoor(home.v1, home.folder / "store" / "v1.token")

    def tree(self, place: Path, version: str = "0.1.0") -> Path:
        place.mkdir(parents=True)
        packed = subprocess.run(
            ["git", "archive", "HEAD"], cwd=CHECKOUT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", str(place)], input=packed, check=True)
        known = place / "edge" / "__init__.py"
        known.write_text(known.read_text().replace('"0.1.0"', f'"{version}"'))
        for name in (".venv", ".cache"):
            (place / name).symlink_to(CHECKOUT / name)
        return place

    def release(self, change, schema: int = SCHEMA_VERSION) -> Path:
        name = "anxin-station-0.2.0"
        tree = self.tree(self.folder / "made" / name, "0.2.0")
        for link in (".venv", ".cache"):
            (tree / link).unlink()
        change(tree)
        folder = self.folder / "dist" / name
        folder.mkdir(parents=True)
        words = ["tar", "-czf", str(folder / f"{name}.tar.gz"), "-C", str(tree.parent), name]
        subprocess.run(words, check=True)
        (folder / "schema.json").write_text(f'{{"schema": {schema}}}')
        shutil.rmtree(tree)
        return pack(folder, self.folder / "releaser" / PRIVATE)

    def update(self, release: Path):
        from edge.upkeep.release_file import read_release_keys  # noqa: PLC0415

        line = Line(self.folder / "keeper.sock")
        bench = Bench(self.slots, line, self.door.look, PATIENCE, print)
        return install(bench, release, dict(read_release_keys(self.keys_file)), older=False)

    def answers(self, version: str) -> None:
        until_s = time.monotonic() + LONG_S
        while (seen := self.door.look()).version != version:
            assert time.monotonic() < until_s, (version, seen)
            time.sleep(0.2)

    def step(self) -> int:
        store = self.home.folder / "store"
        db = open_reader(store / "store.db", (store / "store.key").read_bytes().hex())
        try:
            return db.pragma("user_version")
        finally:
            db.close()


@pytest.fixture
def base(tmp_path, scenes):
    home = new_home(tmp_path / "home")
    home.file.write_text(home.settings())
    home.provision(keys_of_a_centre(scenes))
    assert StationKey.open(home.folder / "store" / "station-key.pem")
    base = RealBase(tmp_path, home)
    words = ("run", "--settings", str(home.file), "--state", str(home.state))
    with ServiceKeeper(base, *words) as keeper:
        keeper.boot()
        base.answers("0.1.0")
        yield base


def stepped(tree: Path) -> None:
    """A release that adds a step to the journal's tables."""
    folder = tree / "edge" / "store"
    (folder / "schema_more.sql").write_text("create table more(a integer primary key);\n")
    schema = folder / "schema.py"
    words = schema.read_text()
    place = words.index(")", words.index("SCHEMA_STEPS"))
    schema.write_text(words[:place] + '    "schema_more.sql",\n' + words[place:])


def test_a_real_release_that_steps_the_tables_is_tried_on_a_copy_and_then_steps_them(base):
    """The journal has its step of before until the gate has passed."""
    assert base.update(base.release(stepped, SCHEMA_VERSION + 1)).state == "passed"
    base.answers("0.2.0")
    until_s = time.monotonic() + LONG_S
    while base.step() != SCHEMA_VERSION + 1:
        assert time.monotonic() < until_s
        time.sleep(0.2)
    assert not (base.home.folder / "store" / "trial").exists()
    assert "update_trying" not in base.home.health()["reasons"]


def dies(tree: Path) -> None:
    """A release with a mistake that no start survives; its tables are stepped as well."""
    stepped(tree)
    (tree / "api" / "start.py").write_text("raise SystemExit(1)\n")


def sickens(tree: Path) -> None:
    """A release that is well for six seconds."""
    stepped(tree)
    station = tree / "edge" / "station.py"
    station.write_text(station.read_text() + SICK)


@pytest.mark.parametrize(("change", "reason"), [(dies, "not_answering"), (sickens, "")])
def test_a_real_release_that_is_broken_is_taken_back_and_the_journal_was_never_stepped(
    base, change, reason
):
    """The station before runs on its own journal, and says what happened in health and audit."""
    update = base.update(base.release(change, SCHEMA_VERSION + 1))
    assert update.state == "fell_back"
    assert update.reason == reason or not reason
    base.answers("0.1.0")
    assert base.step() == SCHEMA_VERSION
    # It runs before the update is settled, and looks once a second how that ended.
    until_s = time.monotonic() + LONG_S
    while base.home.health()["notices"] != ["update_fell_back"]:
        assert time.monotonic() < until_s
        time.sleep(0.2)
