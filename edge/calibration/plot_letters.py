"""The letters of everything that is printed: one font, embedded, and lines broken to a width."""

from __future__ import annotations

import gzip
import re
import threading
from io import BytesIO
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]

FONT: Final = "AnxinMicroHei"
FILE: Final = Path(__file__).parent / "fonts" / "wqy-microhei-gb2312.ttf.gz"
_LOCK: Final = threading.Lock()
_PIECES: Final = re.compile(r"[(（“《]?[\u2e80-\uffef][)）”》]?|[^\s\u2e80-\uffef]+\s*|\s+")
_LONG: Final = 24
_FORBIDDEN_FIRST: Final = frozenset("，。、；：！？）》”’%°);")


def font() -> TTFont:
    """Return the font, which reportlab knows from now on by the name `FONT`."""
    with _LOCK:
        if FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(FONT, BytesIO(gzip.decompress(FILE.read_bytes()))))
        return pdfmetrics.getFont(FONT)


def printable(text: str) -> str:
    """Return a text of which the font has every letter; others stand as their code point."""
    known = font().face.charToGlyph
    return "".join(char if ord(char) in known else f"[U+{ord(char):04X}]" for char in text)


def width_of(text: str, size: float) -> float:
    """Return how wide a text is, in points."""
    return float(font().stringWidth(text, size))


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return a text in lines of at most a width in points; no line is empty but that of nothing."""
    lines, line = [], ""
    for piece in _pieces(printable(text)):
        fits = width_of(line + piece.rstrip(), size) <= width
        if line and not fits and piece not in _FORBIDDEN_FIRST:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def cut(text: str, size: float, width: float) -> str:
    """Return a text that fits into a width in points, its end left out if need be."""
    text = printable(text)
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text}…"


def _pieces(text: str) -> list[str]:
    # A digest has nowhere to break by itself.
    found: list[str] = []
    for piece in _PIECES.findall(text):
        found += [piece[n : n + _LONG] for n in range(0, len(piece), _LONG)]
    return found
