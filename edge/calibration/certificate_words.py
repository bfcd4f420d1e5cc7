"""The lines of certificates, targets and trends, whole and in both languages: `words/*.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "words"
LANGUAGES: Final = ("zh-CN", "en")


class Words:
    """The lines of one language."""

    def __init__(self, language: str, lines: Mapping[str, str]) -> None:
        """Use `words_of`."""
        self.language = language
        self._lines = lines

    def line(self, line_id: str, **values: str | int) -> str:
        """Return a line with its values. Raises `KeyError`: a fault of ours."""
        return self._lines[line_id].format(**values)

    def named(self, kind: str, code: str) -> str:
        """Return the word for a code of a kind; one that nobody has worded stays as it is."""
        return self._lines.get(f"{kind}.{code}", code)

    def codes(self, kind: str) -> list[str]:
        """Return the codes of a kind that are worded, in the order in which they shall be shown."""
        return [one.removeprefix(f"{kind}.") for one in self._lines if one.startswith(f"{kind}.")]


@cache
def words_of(language: str) -> Words:
    """Return the lines of a language. Raises `ValueError`: there is no such language."""
    if language not in LANGUAGES:
        raise ValueError(f"no words in {language!r}")
    table = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return Words(language, dict(_flat(table)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
