"""`python3.11 -m setup font`: cut the page's letters out of Debian's Noto Sans CJK, always alike.

Each weight is cut into slices by code point, so that no file is large and a page may ask for those
it needs; `api/kiosk/static/kiosk.css` names the same ranges. What is not in them, a rare surname
above all, the browser draws from the system's own font, which the station's package depends on.

Knows characters and files; what is written where, pages decide.
Needs fontTools of the environment for tests; the set-up's own Python only starts it.
"""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from setup.commands import CHECKOUT, Stop, run, say

if TYPE_CHECKING:
    from fontTools.subset import Options  # type: ignore[import-untyped]

FOLDER: Final = CHECKOUT / "api" / "kiosk" / "static" / "fonts"
SYSTEM: Final = Path("/usr/share/fonts/opentype/noto")
FACE_SC: Final = 2
"""The face of Simplified Chinese in Debian's collections (fonts-noto-cjk 20220127)."""

LETTERS: Final = (
    *((0x20, 0x7E), (0xA0, 0xFF), (0x2010, 0x2027), (0x2030, 0x203B)),
    *((0x2190, 0x2193), (0x2460, 0x2469), (0x3000, 0x3020), (0xFF01, 0xFF5E)),
)
"""Latin letters, digits, and the punctuation of both languages, first and last of each block."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One file of one weight.

    Attributes:
        name: as the file and the stylesheet call it.
        first: its lowest code point; hanzi only, letters have blocks of their own.
        last: its highest.
    """

    name: str
    first: int
    last: int


LATIN: Final = Slice("latin", 0x20, 0xFF5E)
SLICES: Final = (
    LATIN,
    Slice("hanzi-1", 0x4E00, 0x62FF),
    Slice("hanzi-2", 0x6300, 0x7AFF),
    Slice("hanzi-3", 0x7B00, 0x9FFF),
)
WEIGHTS: Final = {"regular": "NotoSansCJK-Regular.ttc", "bold": "NotoSansCJK-Bold.ttc"}


def hanzi() -> str:
    """Return the 6763 hanzi of GB 2312 in the order of their code points."""
    found = []
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            # Row D7 ends five cells early.
            found.append(bytes((row, cell)).decode("gb2312", errors="ignore"))
    return "".join(sorted("".join(found)))


def code_points(part: Slice) -> list[int]:
    """Return the code points that are asked of this slice."""
    if part is LATIN:
        return [point for first, last in LETTERS for point in range(first, last + 1)]
    return [ord(char) for char in hanzi() if part.first <= ord(char) <= part.last]


def file_of(part: Slice, weight: str) -> Path:
    """Return where this slice of this weight lies."""
    return FOLDER / f"noto-sans-sc-{weight}-{part.name}.woff2"


def cut(collection: Path, part: Slice) -> bytes:
    """Return the slice as WOFF2: the same bytes for the same collection and tools.

    Raises:
        OSError: the collection cannot be read.
    """
    from fontTools.subset import Subsetter  # noqa: PLC0415 - the set-up's Python has none
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # noqa: PLC0415

    written = io.BytesIO()
    with TTFont(collection, fontNumber=FACE_SC, recalcTimestamp=False, lazy=True) as font:
        subsetter = Subsetter(_options())
        subsetter.populate(unicodes=code_points(part))
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(written)
    return written.getvalue()


def _options() -> Options:
    from fontTools.subset import Options  # noqa: PLC0415

    options = Options()
    # At eight millimetres and more no hint moves a stroke, and they are half the bytes.
    options.hinting = False
    options.layout_features = ["kern"]
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 5, 6, 13, 14]
    options.drop_tables += ["vhea", "vmtx", "VORG"]
    return options


def make() -> None:
    """Write all slices of all weights.

    Raises:
        Stop: the collections are not on this machine.
    """
    for weight, collection in WEIGHTS.items():
        if not (SYSTEM / collection).exists():
            raise Stop(f"{collection} is missing: install fonts-noto-cjk")
        for part in SLICES:
            file = file_of(part, weight)
            file.write_bytes(cut(SYSTEM / collection, part))
            say(f"{file.relative_to(CHECKOUT)}: {file.stat().st_size} bytes")


def start(python: Path) -> None:
    """Make them with the Python that has fontTools.

    Raises:
        Stop: it failed; its log says how.
    """
    for line in run("font", [python, "-m", "setup.font"]).splitlines():
        print(line)  # noqa: T201  # already in the set-up's words


if __name__ == "__main__":
    try:
        make()
    except (Stop, OSError, subprocess.SubprocessError) as problem:
        sys.exit(f"set-up: {problem}.")
