"""The commands of docs/api.md, run as they stand against a real listener; and its tables."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.events import TYPES
from tests.collect_kit import SINKS, TOKEN, served
from tests.delivery_kit import STATION, make_kit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
SAID = """\
201
1
206
whole
204
410
204
event: package.sealed
"act":"store.open"
"""


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def receipts(kit, rows, folder: Path) -> Path:
    """The centre's words, each in a file of its package's name."""
    folder.mkdir()
    for row in rows:
        said = {
            "v": 1, "receipt_id": row.package_id, "package_id": row.package_id,
            "station_id": STATION, "digest": row.digest, "size": row.size, "outcome": "stored",
            "code": None, "received_at": "2026-11-22T01:00:00.000Z", "by": "centre",
        }  # fmt: skip
        (folder / f"{row.package_id}.jws").write_text(kit.keyring.sign_receipt(said))
    return folder


def test_the_commands_do_what_the_page_says(page, tmp_path):
    """Whoever copies them gets what stands beside them."""
    for tool in ("curl", "cmp"):
        if shutil.which(tool) is None:
            pytest.skip(f"NOT TESTED: {tool} is not installed, the page's commands cannot be run")
    script = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page))
    kit = make_kit(tmp_path / "keys")
    with served(kit, tmp_path) as station:
        rows = [kit.hand_in(station.store, sinks=SINKS) for _ in range(3)]
        words = receipts(kit, rows, tmp_path / "receipts")
        done = subprocess.run(
            ["bash", "-eu"], input=script, capture_output=True, text=True, timeout=120,
            cwd=tmp_path, check=False,
            env={"PATH": "/usr/bin:/bin", "V1": f"{station.url}/v1", "TOKEN": TOKEN,
                 "RECEIPTS": str(words), "NO_PROXY": "*"},
        )  # fmt: skip
        states = [station.store.package(row.package_id).state for row in rows]

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == SAID
    assert states == ["receipted", "ready", "ready"]


def test_every_event_stands_on_the_page(page):
    """A follower can rely on the table."""
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", page))

    assert named >= TYPES
    assert {name for name in named if name.split(".")[0] in
            {each.split(".")[0] for each in TYPES}} == TYPES  # fmt: skip
