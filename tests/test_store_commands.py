"""The technician's commands as docs/backup.md has them, typed in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import run_edge
from edge.custody.export import REASONS
from edge.store import Store
from edge.store.damage import move_aside
from tests.delivery_kit import STATION, make_kit

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = (CHECKOUT / "docs" / "backup.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("run_edge.py ")
]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A folder with a settings file, a store, a medium; the shell stands in it."""
    kit = make_kit(tmp_path / "kit")
    demo = (CHECKOUT / "firmware_configs" / "stations" / "demo.toml").read_text(encoding="utf-8")
    for old, new in {
        "demo-000001": STATION,
        "var/demo/store": f"{tmp_path}/store",
        "var/demo/centre": f"{tmp_path}/kit/centre",
    }.items():
        assert old in demo
        demo = demo.replace(old, new)
    (tmp_path / "station.toml").write_text(demo, encoding="utf-8")
    (tmp_path / "store").mkdir()
    (tmp_path / "stick").mkdir()
    (tmp_path / "kit" / "keys" / "station.pem").rename(tmp_path / "store" / "station-key.pem")
    monkeypatch.chdir(tmp_path)
    return kit


def opened():
    return Store.open(Path("store/store.db").resolve(), Path("store/store.key").resolve())


def typed(line, answer=None):
    program, *words = shlex.split(line)
    assert program == "run_edge.py"
    return CliRunner().invoke(run_edge.cli, words, input=answer)


def test_the_page_s_commands_do_what_it_says(kit):
    """Backup while the station works, restore, export, and both ways of deleting."""
    backup, restore, every, quarantined, delete, delete_for = COMMANDS
    with opened() as store:
        rows = [kit.hand_in(store) for _ in range(3)]
        store.quarantine(rows[0].package_id, "centre", "refused:test")
        made = typed(backup)
        assert made.exit_code == 0, made.output
        assert "3 packages, 2 of them not yet sent" in made.output
        assert typed(restore).exit_code == 2
        assert "already uses" in typed(delete).output
        lost = kit.hand_in(store)
    (folder,) = Path("stick").glob(f"anxin-backup-{STATION}-*")
    of_page = re.search(r"--from (\S+)", restore)[1]
    assert re.fullmatch(f"anxin-backup-{STATION}-[0-9]{{8}}T[0-9]{{6}}Z", Path(of_page).name)
    refused = typed(restore.replace(of_page, str(folder)).replace(" --set-aside", ""))
    assert (refused.exit_code, "--set-aside" in refused.output) == (2, True)
    done = typed(restore.replace(of_page, str(folder)))
    assert done.exit_code == 0, done.output
    assert "1 packages that were never sent lie only there" in done.output
    (aside,) = Path("store/set-aside").iterdir()
    rescued = typed(f"run_edge.py export --settings station.toml --to stick --store {aside} --all")
    assert rescued.output.startswith("4 packages")
    with opened():
        assert typed(every).output.startswith("3 packages lie in stick")
        assert typed(quarantined).output.startswith("1 packages")
    kept = typed(delete)
    assert "Deleted: 0 by receipt, 0 for the reason given.\n3 stay here" in kept.output
    assert typed(delete_for, "2\n").output.endswith("Another number: nothing was deleted.\n")
    gone = typed(delete_for, "3\n")
    assert "0 by receipt, 3 for the reason given" in gone.output
    with opened() as store:
        assert store.counts() == {"open": 0, "ready": 0, "receipted": 0, "quarantined": 3}
        assert kit.hand_in(store).sequence > lost.sequence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("export --settings station.toml --to stick", "Say which"),
        ("export --settings station.toml --to stick --all --quarantined", "Say which"),
        ("export --settings station.toml --to stick --all --reason handed_over", "--reason goes"),
        ("export --settings station.toml --to stick --all --delete --reason why", "--reason goes"),
        ("export --settings station.toml --to stick --all --delete --store x", "never changed"),
        ("export --settings station.toml --to stick --all --store x", "There is no store"),
        ("export --settings station.toml --to nowhere --all", "plug it in"),
        (
            "export --settings station.toml --to stick --package 7",
            "There is no closed package 7 in",
        ),
        ("backup --settings station.toml --to nowhere", "plug in"),
        ("restore --settings station.toml --from stick --set-aside", "not a whole backup"),
    ],
    ids=lambda value: value.split("stick")[-1].strip().replace(" ", "_") or "bare",
)
def test_what_cannot_be_done_is_said_in_one_sentence(kit, line, said):
    """What is wrong and what to do; no traceback, and nothing changed."""
    with opened() as store:
        kit.hand_in(store)
    done = typed(f"run_edge.py {line}")

    assert done.exit_code == 2
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1
    with opened() as store:
        assert store.counts()["ready"] == 1


def test_what_cannot_be_read_is_named_and_ends_with_one(kit):
    """A script notices; whoever reads knows which."""
    with opened() as store:
        row = kit.hand_in(store)
        store.write(lambda db: db.execute("update part set record = zeroblob(9)").get)
    done = typed("run_edge.py export --settings station.toml --to stick --all")

    assert done.exit_code == 1
    assert f"Cannot be read: {row.package_id}" in done.output


def test_a_store_set_aside_under_its_own_key_is_read_with_it(kit):
    """A restore under another key lays the earlier one beside what was set aside."""
    with opened() as store:
        kit.hand_in(store)
    aside = move_aside(Path("store/store.db").resolve())
    Path("store/store.key").rename(aside / "store.key")
    done = typed(f"run_edge.py export --settings station.toml --to stick --store {aside} --all")

    assert done.output.startswith("1 packages")


def test_the_page_names_every_reason_and_every_code():
    """Nobody has to read the program."""
    codes = [
        "package_unreadable", "store_set_aside", "audit_broken", "upgraded_without_copy",
        "log_damaged",
        "unsent_too_old", "unsent_too_many", "persons_limit", "space_low",
    ]  # fmt: skip

    assert [name for name in [*REASONS, *codes] if f"`{name}`" not in PAGE] == []
