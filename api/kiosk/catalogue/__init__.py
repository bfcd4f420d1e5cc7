"""Every line that the screen can show, by language and id. Sentences are never assembled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MASTER: Final = "zh-CN"
SECOND: Final = "en"
FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The lines of all languages; a language without a line borrows the master's."""

    names: Mapping[str, str]
    lines: Mapping[str, Mapping[str, str]]

    def line(self, language: str, line_id: str) -> str:
        """Return one line. Raises `KeyError` if no language has it: a fault of ours."""
        for tongue in (language, MASTER, SECOND):
            found = self.lines.get(tongue, {}).get(line_id)
            if found is not None:
                return found
        raise KeyError(line_id)

    def has(self, line_id: str) -> bool:
        """Say whether the master has this line."""
        return line_id in self.lines[MASTER]

    def next_language(self, language: str) -> str:
        """Return the language that one touch leads to."""
        tongues = list(self.lines)
        here = tongues.index(language) if language in tongues else 0
        return tongues[(here + 1) % len(tongues)]


def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read every `<language>.toml` of a folder, the master first."""
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != MASTER, path.stem))
    tables = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    names = {tongue: str(table.pop("tongue")) for tongue, table in tables.items()}
    return Catalogue(names, {tongue: dict(flat_lines(table)) for tongue, table in tables.items()})


def flat_lines(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Go through the lines of a table: id with dots, text."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat_lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
