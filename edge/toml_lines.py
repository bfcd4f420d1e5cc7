"""On which line of a TOML file a key stands, for whoever has to mend it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def line_of(path: Path, keys: Sequence[str]) -> int | None:
    """Return the line on which a key stands, or that of the nearest table that does stand there.

    tomllib gives no positions, so the text is read once more: table headers and `key =` lines are
    all that a settings file needs.
    """
    wanted = [key for key in keys if not key.isdigit()]
    index = next((int(key) for key in keys if key.isdigit()), 0)
    table: list[str] = []
    best, depth, seen = None, 0, -1
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        header = re.match(r"\s*\[\[?\s*([\w.\-]+)\s*\]", text)
        if header:
            table = header[1].split(".")
            seen += text.lstrip().startswith("[[") and table == wanted[: len(table)]
        assigned = re.match(r"\s*([\w\-]+(?:\.[\w\-]+)*)\s*=", text)
        here = table + (assigned[1].split(".") if assigned else [])
        common = here == wanted[: len(here)]
        if common and len(here) > depth and (seen < 0 or seen >= index):
            best, depth = number, len(here)
    return best
