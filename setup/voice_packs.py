"""A voice pack on disk: one Ogg Opus file a line, and a manifest that says what each of them says.

`voice/<locale>/<line_id>.opus` beside `voice/<locale>/manifest.json`: {locale, engine, voice,
speed, lines: {<line_id>: {text_sha256, file, sha256, duration_ms, approved_by}}}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from api.kiosk.spoken import text_digest

MANIFEST: Final = "manifest.json"
LONGEST_MS: Final = 8_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How a whole pack is read: the engine, its voice, and its speed (1 is the voice's own)."""

    locale: str
    engine: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a pack.

    Attributes:
        text_sha256: of what the file says.
        sha256: of the file.
        approved_by: who listened to it and took the responsibility, None if nobody has.
    """

    text_sha256: str
    file: str
    sha256: str
    duration_ms: int
    approved_by: str | None = None


class Pack:
    """The pack of one locale, being brought up to the present texts."""

    def __init__(self, folder: Path, reading: Reading) -> None:
        self._folder, self._reading = folder, reading
        told = _read(folder / MANIFEST)
        rows = {line_id: Row(**row) for line_id, row in told.get("lines", {}).items()}
        same = all(told.get(key) == value for key, value in asdict(reading).items())
        # A person's recording outlives a change of the engine, not a change of the text.
        self._rows = {key: row for key, row in rows.items() if same or row.approved_by}

    def outdated(self, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield each line whose file is missing, damaged, or says something else."""
        for line_id, text in texts.items():
            row = self._rows.get(line_id)
            if row is None or row.text_sha256 != text_digest(text) or not self._stands(row):
                yield line_id, text

    def put(self, line_id: str, text: str, opus: bytes, duration_ms: int) -> None:
        """Keep one line's sound; the manifest on disk names it as soon as it is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{line_id}.opus"
        _write(self._folder / name, opus)
        row = Row(text_digest(text), name, sha256(opus).hexdigest(), duration_ms)
        self._rows[line_id] = row
        self._save()

    def prune(self, texts: Mapping[str, str]) -> list[str]:
        """Drop rows and files of lines that no longer exist; return their ids."""
        gone = sorted(self._rows.keys() - texts.keys())
        for line_id in gone:
            del self._rows[line_id]
        if gone:
            self._save()
        for file in self._folder.glob("*.opus"):
            if file.stem not in texts:
                file.unlink()
        return gone

    def _stands(self, row: Row) -> bool:
        file = self._folder / row.file
        return file.is_file() and sha256(file.read_bytes()).hexdigest() == row.sha256

    def _save(self) -> None:
        lines = {line_id: asdict(row) for line_id, row in sorted(self._rows.items())}
        told = {**asdict(self._reading), "lines": lines}
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        _write(self._folder / MANIFEST, text.encode())


def bring_up(
    pack: Pack, texts: Mapping[str, str], speak: Callable[[str], tuple[bytes, int]]
) -> Iterator[tuple[str, int]]:
    """Render every outdated line, one at a time; yield its id and length in ms.

    Raises:
        ValueError: lines that take longer than `LONGEST_MS`; all the others are kept.
    """
    too_long = []
    for line_id, text in list(pack.outdated(texts)):
        opus, duration_ms = speak(text)
        if duration_ms > LONGEST_MS:
            too_long.append(line_id)
            continue
        pack.put(line_id, text, opus, duration_ms)
        yield line_id, duration_ms
    if too_long:
        raise ValueError(f"longer than {LONGEST_MS} ms, say them in fewer words: {too_long}")


def faults(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Return whatever parts a pack from the present texts, in words; nothing of a whole pack."""
    rows = {
        line_id: Row(**row) for line_id, row in _read(folder / MANIFEST).get("lines", {}).items()
    }
    found = [f"{line_id} has no sound" for line_id in texts if line_id not in rows]
    for line_id, row in rows.items():
        found.extend(_faults_of(folder, line_id, row, texts.get(line_id)))
    named = {row.file for row in rows.values()}
    strays = sorted(file.name for file in folder.glob("*.opus") if file.name not in named)
    return [*found, *(f"{name} belongs to no line" for name in strays)]


def _faults_of(folder: Path, line_id: str, row: Row, text: str | None) -> Iterator[str]:
    file = folder / row.file
    if text is None:
        yield f"{line_id} is no line any more"
        return
    if row.text_sha256 != text_digest(text):
        yield f"{line_id} says another text"
    if not file.is_file():
        yield f"{line_id} has no file"
    elif sha256(file.read_bytes()).hexdigest() != row.sha256:
        yield f"{line_id} is another file than the manifest says"
    if row.duration_ms > LONGEST_MS:
        yield f"{line_id} takes longer than {LONGEST_MS} ms"


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(content)
    part.replace(file)
