"""The voice packs as they are served: only files that say what the screen says now.

A pack is a folder `<locale>/` with a `manifest.json` (`docs/voice.md`). A dialect's pack brings
sound alone: its texts are those of zh-CN, and what it lacks is said in zh-CN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.kiosk.catalogue import MASTER, SECOND
from api.kiosk.spoken import spoken_lines, text_digest

PACKS: Final = Path(__file__).parents[2] / "voice"
MANIFEST: Final = "manifest.json"
_FILE_BYTES_MAX: Final = 256 * 1024


@dataclass(frozen=True)
class VoicePacks:
    """Ogg Opus of every line, by locale and id. Immutable; any thread may read it."""

    sounds: Mapping[str, Mapping[str, bytes]]

    def sound(self, locale: str, line_id: str) -> bytes | None:
        """Return a line in this locale, or in the one it falls back to; None if nobody says it.

        English falls back to nothing: a line in another language than its caption helps nobody.
        """
        for one in (locale,) if locale == SECOND else (locale, MASTER):
            found = self.sounds.get(one, {}).get(line_id)
            if found is not None:
                return found
        return None

    def locale_of(self, language: str, *wishes: str | None) -> str:
        """Return the locale that speaks a page's language: of the wishes the first there is.

        Args:
            language: of the page; only zh-CN is spoken in dialects.
            wishes: locales of dialects, None and "" for no wish.
        """
        dialects = (wish for wish in wishes if wish and wish in self.sounds and wish != SECOND)
        return next(dialects, language) if language == MASTER else language


def load_packs(more: Path | None = None) -> VoicePacks:
    """Read the station's own packs and those of one more folder, whose locales come first.

    A file that is missing, damaged, or says an older text is left out: never is anything said that
    the screen does not show. A pack whose manifest cannot be read is left out whole.
    """
    return VoicePacks({**_packs(PACKS), **(_packs(more) if more else {})})


@cache
def _packs(folder: Path) -> dict[str, dict[str, bytes]]:
    # Once a process: a thousand files are read and their digests compared.
    sounds = {}
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        pack = manifest.parent
        texts = spoken_lines(SECOND if pack.name == SECOND else MASTER)
        sounds[pack.name] = dict(_lines(pack, texts))
    return sounds


def _lines(pack: Path, texts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    try:
        rows = json.loads((pack / MANIFEST).read_text(encoding="utf-8"))["lines"].items()
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return
    for line_id, row in rows:
        text = texts.get(line_id)
        if text is None or row.get("text_sha256") != text_digest(text):
            continue
        opus = _content(pack, str(row.get("file", "")))
        if opus and sha256(opus).hexdigest() == row.get("sha256"):
            yield line_id, opus


def _content(pack: Path, name: str) -> bytes:
    """Return a file of the pack's own folder, nothing for any other or for a huge one."""
    if Path(name).name != name:
        return b""
    try:
        with (pack / name).open("rb") as file:
            opus = file.read(_FILE_BYTES_MAX + 1)
    except OSError:
        return b""
    return opus if len(opus) <= _FILE_BYTES_MAX else b""
