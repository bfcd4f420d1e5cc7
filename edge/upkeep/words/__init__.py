"""The technician's lines of this room, by language and id; whole lines, never assembled."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

MASTER: Final = "zh-CN"
SECOND: Final = "en"
LANGUAGES: Final = (MASTER, SECOND)


def line(language: str, line_id: str) -> str:
    """Return one line; a language that lacks it borrows the master's.

    Args:
        language: one of `LANGUAGES`; another one is answered in the second.
        line_id: group and code, as "fault.store_full".

    Raises:
        KeyError: no language has it: a fault of ours.
    """
    group, _, code = line_id.partition(".")
    tongue = language if language in LANGUAGES else SECOND
    found = _lines(tongue).get(group, {}).get(code)
    return _lines(MASTER)[group][code] if found is None else found


@cache
def _lines(language: str) -> Mapping[str, Mapping[str, str]]:
    path = Path(__file__).with_name(f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
