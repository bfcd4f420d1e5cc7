"""The page of service measures names only what there is: screens, members of records, tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edge.sitting import Overlay, State

CHECKOUT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \| (.+) \| `(\S+)::(\S+)` \|$", re.MULTILINE)
ROWS = ROW.findall((CHECKOUT / "docs" / "experience.md").read_text(encoding="utf-8"))
SCREENS = {one.value for one in (*State, *Overlay)}


def written() -> str:
    """Return all code that writes records, journal rows and answers."""
    rooms = [CHECKOUT / "edge", CHECKOUT / "api" / "v1", CHECKOUT / "centre"]
    files = [file for room in rooms for end in ("py", "sql") for file in room.rglob(f"*.{end}")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


CODE = written()


def test_every_measure_has_its_row():
    """Twenty-six, in their order."""
    assert [int(row[0]) for row in ROWS] == list(range(1, 27))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_screen_record_and_test_of_a_measure_exist(row):
    """A screen of the sitting or the console; a member that our code writes; a test by its name."""
    _, _, _, screen, record, file, name = row
    (member,) = re.findall(r"^`(\w+)`", record)
    tree = ast.parse((CHECKOUT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    assert screen == "console" or screen.strip("`") in SCREENS
    assert re.search(rf"\b{member}\b", CODE), member
    assert name in tests if name != "*" else any(one.startswith("test_") for one in tests)
