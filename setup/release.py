"""`python3 -m setup.release`: the release as files to carry to a station, whole and countable.

    dist/anxin-station-<version>/
        anxin-station-<version>.tar.gz   the committed tree, the same bytes for the same commit
        wheels/                          every package of the lock, so that no network is needed
        runtime.lock, fingerprints.lock, comparison.lock     what may be installed, by digest
        sbom.cdx.json                    CycloneDX 1.6: what is in it, by name, version, licence
        models/                          the model files, so that set-up has nothing to fetch
        schema.json                      which step of the journal's tables it makes
        SHA256SUMS                       of all of these

Nothing is signed here: whoever releases signs with a key that never sees this machine, SHA256SUMS
for who installs by hand, and by `python -m setup.release_file pack` the one file that a station
installs by itself (`docs/update.md`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from setup import environment, files, steps
from setup.commands import CACHE, CHECKOUT, Stop, run, say

LOCKS: Final = ("runtime", "fingerprints", "comparison")
DIST: Final = CHECKOUT / "dist"
DELIVERED: Final = CACHE / "delivered"


def release(*, wheels: bool = True) -> Path:
    """Write the release of the commit that is checked out; return its folder.

    Args:
        wheels: carry the packages too; without them a station needs a registry to install from.

    Raises:
        Stop: there are uncommitted changes, or a tool failed.
    """
    if run("release-status", ["git", "status", "--porcelain"]).strip():
        raise Stop("There are changes that are not committed: a release is of a commit")
    steps.prepare("test")
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    name = f"anxin-station-{version}"
    folder = DIST / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say("packing the tree")
    (folder / f"{name}.tar.gz").write_bytes(_archive(name))
    for lock in LOCKS:
        shutil.copy(CHECKOUT / "requirements" / f"{lock}.lock", folder)
    (folder / "schema.json").write_text(json.dumps({"schema": _schema()}) + "\n", encoding="utf-8")
    say("listing what is in it")
    _list_parts(folder / "sbom.cdx.json")
    if wheels:
        say("fetching the packages")
        _fetch(folder / "wheels")
        _copy_models(folder / "models")
    _sum_up(folder)
    say(f"released into {folder.relative_to(CHECKOUT)}")
    return folder


def _archive(name: str) -> bytes:
    words = ["git", "archive", f"--prefix={name}/", "HEAD"]
    tree = subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
    # Without the hour of packing, so that two releases of a commit are the same file.
    return gzip.compress(tree, mtime=0)


def _list_parts(file: Path) -> None:
    # Of an environment that holds what is delivered and nothing that only tests need.
    environment.install(environment.COMPARISON, DELIVERED)
    tool = str(environment.OUTSIDE / "bin" / "cyclonedx-py")
    form = ["--sv", "1.6", "--of", "JSON", "--output-reproducible"]
    what = ["--pyproject", str(CHECKOUT / "pyproject.toml"), "-o", str(file)]
    python = str(DELIVERED / "bin" / "python")
    run("release-sbom", [tool, "environment", *form, *what, python])
    told = json.loads(file.read_text(encoding="utf-8"))
    told["components"] += [*_models(), *_fetched("web.toml", "library", "web")]
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _models() -> list[dict[str, object]]:
    return _fetched("models.toml", "machine-learning-model", "model")


def _fetched(table: str, kind: str, mark: str) -> list[dict[str, object]]:
    """Return a list's files as components: they are no packages, and are fetched by digest."""
    named = tomllib.loads((CHECKOUT / "setup" / table).read_text(encoding="utf-8"))
    return [
        {
            "type": kind,
            "bom-ref": f"{mark}:{model['file']}",
            "name": model["file"],
            "version": f"{model['package']} {model['version']}",
            "licenses": [{"license": {"name": model["licence"]}}],
            "hashes": [{"alg": "SHA-256", "content": model["sha256"]}],
        }
        for model in named["file"]
    ]


def _fetch(folder: Path) -> None:
    # The last lock holds all that the others hold; the first is of what installs.
    pip = str(environment.TOOLS / "bin" / "pip")
    tools = ["--require-hashes", "-r", str(environment.SETUP)]
    run("release-tools", [pip, "download", "--no-deps", "-d", str(folder), *tools])
    wanted = ["--require-hashes", "-r", str(CHECKOUT / "requirements" / f"{LOCKS[-1]}.lock")]
    run("release-wheels", [pip, "download", "--no-deps", "-d", str(folder), *wanted])


def _schema() -> int:
    """Return how many steps of the journal's tables the tree has, without running it."""
    words = (CHECKOUT / "edge" / "store" / "schema.py").read_text(encoding="utf-8")
    steps = re.search(r"^SCHEMA_STEPS: Final = \((.*?)^\)", words, re.DOTALL | re.MULTILINE)
    if steps is None:
        raise Stop("edge/store/schema.py does not say the steps of the journal's tables")
    return len(re.findall(r"\"[a-z_]+\.sql\"", steps[1]))


def _copy_models(folder: Path) -> None:
    folder.mkdir()
    for wanted in files.listed(CACHE / "models", CHECKOUT / "setup" / "models.toml"):
        if not wanted.is_here():
            raise Stop(f"{wanted.place.name} is not here: run set-up first")
        shutil.copy(wanted.place, folder)


def _sum_up(folder: Path) -> None:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in found
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    try:
        release(wheels="--without-wheels" not in sys.argv[1:])
    except Stop as stop:
        sys.exit(f"set-up: {stop}.")
