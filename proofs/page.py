"""The written result: figures that outlive their run, and the page made of them.

A proof that was not run again keeps its last figures, with their own day, commit and machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from proofs.trial_run import module_names, proofs_of

CHECKOUT: Final = Path(__file__).resolve().parents[1]
FIGURES: Final = "reliability.json"
PAGE: Final = "reliability.md"
HEAD: Final = """\
# Reliability: what is promised, and how often that was tried

Written by `make proof`, one of them by `make proof ARGS=power`; the figures lie beside this page in
`reliability.json`, and nothing here is typed in by hand.
A row that was not run again keeps its last figures, with its own day, commit and machine.

**Failures** are trials in which the promise did not hold.
**Bound**: if none of N trials failed, at most 3/N of all trials of this kind do, with 95 %
confidence. It speaks of this kind of fault on this kind of machine, and of nothing else.
**Control**: the same trial on a product that was broken on purpose.
A control that passes fails the run: a proof that cannot fail proves nothing.

"""


def keep_figures(docs: Path, figures: Mapping[str, Any]) -> None:
    """Put a proof's figures in the place of its older ones, with day, commit and machine."""
    stamp = {"day": datetime.now(UTC).date().isoformat(), "commit": _commit(), **_machine()}
    with _kept(docs) as kept:
        kept[figures["name"]] = {**figures, **stamp}


def write_page(docs: Path) -> None:
    """Write the page from the figures that are kept."""
    with _kept(docs) as kept:
        (docs / PAGE).write_text(page(kept), encoding="utf-8")


def figures_of(docs: Path) -> dict[str, Any]:
    """Return the kept figures by the proof's name."""
    file = docs / FIGURES
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def page(kept: Mapping[str, Any]) -> str:
    """Return the page: one table, then what each proof does and what it cannot see."""
    lines = [
        "| promise | proof | trials | failures | bound | control | seconds | measured |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for module in module_names():
        for name, proof in proofs_of(module).items():
            lines.append(_row(name, proof.promise, kept.get(name)))
    lines += ["", *_machines(kept)]
    for module in module_names():
        lines += ["", f"## {module}", "", *_said(module), ""]
        for name in proofs_of(module):
            lines += _counted(name, kept.get(name))
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _row(name: str, promise: str, figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return f"| {promise} | `{name}` | not run yet | | | | | |"
    bound = "" if figures["bound"] is None else f"{100 * figures['bound']:.2g} %"
    found = f"{figures['control_failures']} of {figures['control_trials']}"
    word = "found out" if figures["control_failures"] else "PASSED: this proof is blind"
    failures = figures["failures"] if not figures["failures"] else f"**{figures['failures']}**"
    return (
        f"| {promise} | `{name}` | {figures['trials']} | {failures} | {bound}"
        f" | {word}: {found} | {figures['seconds']:.0f} + {figures['control_seconds']:.0f}"
        f" | {figures['day']}, `{figures['commit']}` |"
    )


def _machines(kept: Mapping[str, Any]) -> list[str]:
    said = sorted({f"{one['machine']}; {one['versions']}" for one in kept.values()})
    return [f"Measured on: {one}." for one in said]


def _said(module: str) -> list[str]:
    text = cleandoc(import_module(f"proofs.{module}").__doc__ or "")
    # The docstring is plain text: what looks like a heading or a table there stays so here.
    return text.splitlines()


def _counted(name: str, figures: Mapping[str, Any] | None) -> list[str]:
    if figures is None:
        return [f"- `{name}`: not run yet."]
    counted = f" {figures['note']}." if figures["note"] else ""
    broken = f" Control: {figures['control_note']}." if figures["control_note"] else ""
    return [f"- `{name}`: {figures['verdict']}.{counted}{broken}"]


@contextmanager
def _kept(docs: Path) -> Iterator[dict[str, Any]]:
    """Lend the figures; what was changed in them is written. Two runs may end at once."""
    docs.mkdir(parents=True, exist_ok=True)
    folder = os.open(docs, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        kept = figures_of(docs)
        before = json.dumps(kept)
        yield kept
        if json.dumps(kept) != before:
            text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False)
            (docs / FIGURES).write_text(f"{text}\n", encoding="utf-8")
    finally:
        os.close(folder)


def _commit() -> str:
    done = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{done} and changes" if done and changed else done or "no commit"


def _git(*words: str) -> str:
    if not shutil.which("git"):
        return ""
    done = subprocess.run(
        ["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _machine() -> dict[str, str]:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    kernel = platform.release().partition("-")[0]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("apsw-sqlite3mc", "cryptography"))
    cores = f"{os.cpu_count()} cores ({platform.machine()}), {gib:.0f} GiB"
    return {
        "machine": f"{cores}, {system}, Linux {kernel}",
        "versions": f"Python {platform.python_version()}, {libraries}",
    }
