"""`python -m setup.print_font FILE`: cut the letters of what is printed out of a collection.

FILE is `wqy-microhei.ttc` of Debian's fonts-wqy-microhei 0.2.0-beta: WenQuanYi Micro Hei, dual
licensed, taken under Apache-2.0. Its outlines are TrueType, which the PDF writer can embed; Noto
Sans CJK's are not. A PDF embeds only the letters that stand in it.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Final

from setup.commands import CHECKOUT, say
from setup.font import LETTERS, hanzi

FILE: Final = CHECKOUT / "edge" / "calibration" / "fonts" / "wqy-microhei-gb2312.ttf.gz"
FACE: Final = 0
"""Micro Hei; the other is its monospaced face."""
SIGNS: Final = "±≥≤Δ°µμ²→←↑↓–—×·σλ≈−✓"


def cut(collection: Path) -> bytes:
    """Return the letters as TrueType in gzip: the same bytes for the same collection and tools.

    Raises:
        OSError: the collection cannot be read.
    """
    from io import BytesIO  # noqa: PLC0415

    from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]  # noqa: PLC0415
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # noqa: PLC0415

    options = Options()
    options.hinting = False
    options.layout_features = []
    options.notdef_outline = True
    options.glyph_names = False
    options.drop_tables += ["vhea", "vmtx", "GSUB", "GPOS", "kern", "FFTM"]
    written = BytesIO()
    with TTFont(collection, fontNumber=FACE, recalcTimestamp=False, lazy=True) as font:
        subsetter = Subsetter(options)
        points = [point for first, last in LETTERS for point in range(first, last + 1)]
        subsetter.populate(unicodes=[*points, *map(ord, hanzi() + SIGNS)])
        subsetter.subset(font)
        font.save(written)
    return gzip.compress(written.getvalue(), 9, mtime=0)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(cut(Path(sys.argv[1])))
    say(f"{FILE.relative_to(CHECKOUT)}: {FILE.stat().st_size} bytes")
