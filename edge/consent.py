"""Which words a person agrees to: the version of the text, and its digest in each language.

The words themselves stand in the catalogue of the pages; a test compares them with what is here, so
that no word changes without a new version.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Final

CONSENT_VERSION: Final = "2026-11/3"
LINES: Final = ("face", "seen", "fingers", "sealed", "centre", "choice", "relative")
"""Of the section `consent`, in the order in which they are read."""
_SHA256: Final[Mapping[str, str]] = {
    "zh-CN": "524a74eeb6fda60e30da93da3abcb408e7e78e7bbc95595bfdea15c468f40420",
    "en": "0570dd768ed229e1a7b8120c04e3efdc6b0610f8e38384ef703ea304baf913f0",
}


def consent_sha256(language: str) -> str:
    """Return the hex digest of the text in this language. Raises `KeyError`: no such text."""
    return _SHA256[language]


def digest_of_text(lines: Mapping[str, str]) -> str:
    """Return the hex SHA-256 of a text, by the names of its lines: NFC, UTF-8, a line each."""
    text = "\n".join(lines[name] for name in LINES)
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()
