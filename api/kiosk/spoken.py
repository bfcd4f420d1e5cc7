"""What is said for each line: the caption itself; a label too short to be heard gets a carrier.

A voice made for sentences cannot say a word of one or two syllables so that it is understood.
`catalogue/say/<language>.toml` holds what is said instead; what is shown stays the caption.
"""

from __future__ import annotations

import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final
from unicodedata import normalize

from api.kiosk.catalogue import FOLDER, flat_lines

SAY: Final = "say"
HEARD_ONLY: Final = ("key.", "tongue.")
"""Ids of what has no line: a digit on a key, the name of another language on its button."""

SEEN_ONLY: Final = ("staff.", "sign.", "shutter.", "reason.", "exception.", "check.", "month.")
"""Ids of what staff read and nobody says to a hall, and of what is but a part of a date."""


@cache
def spoken_lines(language: str, folder: Path = FOLDER) -> dict[str, str]:
    """Return what is said in one language for every line that people hear, and for its keys.

    Raises:
        FileNotFoundError: there is no such language.
    """
    captions = _captions(language, folder)
    said = _carriers(language, folder)
    lines = {
        line_id: said.get(line_id, caption)
        for line_id, caption in captions.items()
        if not line_id.startswith(SEEN_ONLY)
    }
    return lines | {line_id: text for line_id, text in said.items() if _heard_only(line_id)}


def stray_carriers(language: str, folder: Path = FOLDER) -> list[str]:
    """Return the ids of carriers that stand for no line; a test lets none be."""
    strays = _carriers(language, folder).keys() - _captions(language, folder).keys()
    return sorted(line_id for line_id in strays if not _heard_only(line_id))


def text_digest(spoken: str) -> str:
    """Return the SHA-256 of a spoken text, NFC and UTF-8, hexadecimal."""
    return sha256(normalize("NFC", spoken).encode()).hexdigest()


def _heard_only(line_id: str) -> bool:
    return line_id.startswith(HEARD_ONLY)


def _captions(language: str, folder: Path) -> dict[str, str]:
    lines = _lines(folder / f"{language}.toml")
    lines.pop("tongue")
    return lines


def _carriers(language: str, folder: Path) -> dict[str, str]:
    file = folder / SAY / f"{language}.toml"
    return _lines(file) if file.exists() else {}


def _lines(file: Path) -> dict[str, str]:
    return dict(flat_lines(tomllib.loads(file.read_text(encoding="utf-8"))))
