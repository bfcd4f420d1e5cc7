"""The map of the house, held against the house."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOMS = ("api", "bench", "centre", "demo", "drivers", "edge", "formats", "quality", "setup")
STATION = ("api", "edge", "drivers", "quality", "formats")

MODULES = sorted(
    module.relative_to(CHECKOUT).as_posix()
    for room in ROOMS
    for module in (CHECKOUT / room).rglob("*.py")
)
NAMES_WITHOUT_A_NOUN = {
    *("common", "data", "handler", "handlers", "helper", "helpers", "info"),
    *("manager", "managers", "misc", "util", "utils"),
}
# In pieces, or this file would name them itself.
PACKAGE_SOURCES = [
    "".join(pieces)
    for pieces in (
        *(("pypi", ".org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com")),
        *(("deb.", "debian.org"), ("npm", "mirror.com"), ("/sim", "ple/")),
    )
]


@cache
def _syntax(module: str) -> ast.Module:
    return ast.parse((CHECKOUT / module).read_text(encoding="utf-8"))


def _imports(module: str) -> set[str]:
    """Return the top-level names that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(_syntax(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _importers(name: str, rooms: tuple[str, ...] = ROOMS) -> list[str]:
    return [
        module
        for module in [*MODULES, "run_edge.py"]
        if (CHECKOUT / module).exists()
        and (module.startswith(rooms) or module == "run_edge.py")
        and name in _imports(module)
    ]


def _tracked() -> list[Path]:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout: nothing is tracked")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True, text=True
    )
    paths = [CHECKOUT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_imports_point_down_the_page():
    """What the contracts in pyproject.toml say is so: no room imports upwards or sideways."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_vision_worker_loads_mediapipe():
    """A crash of the native library, or its wish to call home, ends at the worker's border."""
    assert set(_importers("mediapipe")) <= {"edge/vision/worker.py", "bench/guidance.py"}


def test_nobody_uses_the_plain_sqlite():
    """The standard library's module cannot encrypt, and its version is the system's."""
    assert _importers("sqlite3") == []


def test_one_file_touches_the_serial_line():
    """One place knows pyserial's habits and turns its errors into ours."""
    assert set(_importers("serial", STATION)) <= {"drivers/serial_local.py"}


def test_drivers_and_measures_block_openly():
    """Serial lines and cameras block anyway: one thread a device, no event loop."""
    assert _importers("asyncio", ("drivers", "quality", "edge", "api")) == []


def test_measures_know_no_clock_and_no_disk():
    """A measure is a pure function of one sample."""
    impure = {"os", "pathlib", "random", "socket", "subprocess", "threading", "time"}
    found = {
        module: sorted(_imports(module) & impure)
        for module in MODULES
        if module.startswith("quality/") and _imports(module) & impure
    }

    assert found == {}


def test_every_module_is_named_by_a_noun_of_the_house():
    """What has no noun of its own has no place of its own."""
    assert [name for name in MODULES if Path(name).stem in NAMES_WITHOUT_A_NOUN] == []


def test_every_module_says_what_it_knows():
    """The first lines of a module are for the reader who opens it first."""
    assert [name for name in MODULES if not ast.get_docstring(_syntax(name))] == []


def test_settings_come_from_the_settings_file():
    """The environment of a kiosk is nobody's to set: what may be set stands in one file."""
    # The vision worker's environment is made by its parent: it is told there where not to call.
    readers = {name for name in MODULES if name.startswith(STATION) and _reads_environment(name)}

    assert {name for name in readers if not name.startswith("edge/vision")} == set()


def _reads_environment(module: str) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(_syntax(module))
    )


def test_no_tracked_file_names_a_package_source():
    """Where packages come from is the machine's matter: a mirror, a disk, an air gap."""
    found = {
        path.relative_to(CHECKOUT).as_posix(): source
        for path in _tracked()
        for source in PACKAGE_SOURCES
        if source.encode() in path.read_bytes()
    }

    assert found == {}


def test_no_tracked_file_is_heavy():
    """Models, photographs and recordings are fetched by digest, never committed."""
    heavy = {path.name: path.stat().st_size for path in _tracked() if path.stat().st_size > 1 << 20}

    assert heavy == {}


def test_no_tracked_file_holds_a_private_key():
    """Keys are made at the first start and stay on their machine."""
    mark = b"PRIVATE " + b"KEY-----"
    holders = [path.name for path in _tracked() if mark in path.read_bytes()]

    assert holders == []
