"""The console's lines: its own files, those of its further pages, and of whoever adds a page.

A folder holds `<language>.toml` and, beside it, `<page>.<language>.toml` for pages with lines of
their own. Keys of all files of a language are one list; a key may stand in one file only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from api.kiosk.catalogue import MASTER, SECOND, Catalogue, flat_lines

FOLDER: Final = Path(__file__).parent / "catalogue"
TONGUE: Final = "tongue"


def load_lines(folders: Sequence[Path] = (FOLDER,)) -> Catalogue:
    """Read and join every file of these folders, the master language first.

    Raises:
        ValueError: two files say the same line.
    """
    names: dict[str, str] = {}
    lines: dict[str, dict[str, str]] = {MASTER: {}, SECOND: {}}
    for file in sorted(file for folder in folders for file in folder.glob("*.toml")):
        language = file.stem.rpartition(".")[2]
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        if TONGUE in table:
            names[language] = str(table.pop(TONGUE))
        _join(lines.setdefault(language, {}), dict(flat_lines(table)), file.name)
    return Catalogue({tongue: names.get(tongue, tongue) for tongue in lines}, lines)


def _join(into: dict[str, str], more: Mapping[str, str], file: str) -> None:
    twice = into.keys() & more.keys()
    if twice:
        raise ValueError(f"{file} says {sorted(twice)[0]} again")
    into.update(more)
