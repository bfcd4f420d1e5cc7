"""Whether the end of the log was damaged, or never written: SQLite itself takes both for its end.

A commit is flushed before the next one is begun. So where SQLite stops reading a log although a
whole commit and the beginning of another lie behind that place, bytes were lost that had been
durable: acknowledged packages are missing, and somebody must know. Damage in the last commit, or
the last but one, looks like a power cut in the middle of it and cannot be told from it.

Source: the WAL's format, sqlite.org/fileformat2.html, section 4; the pages in it are encrypted,
the headers of the log and of its frames are not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
MAGICS: Final = {0x377F0682: "<", 0x377F0683: ">"}
"""From the magic to the byte order of its checksums."""


@dataclass(frozen=True, slots=True)
class LogFrames:
    """What the headers of a log say.

    Attributes:
        sound: the log's own header holds.
        last: number of the last frame that belongs to this log, from 1; 0 if there is none.
        commits: numbers of the frames that end a commit, ascending.
    """

    sound: bool
    last: int
    commits: tuple[int, ...]

    def lost_behind(self, read: int) -> bool:
        """Whether commits that were durable are missing, if SQLite reads so many frames."""
        if not self.sound:
            return self.last > 0
        return any(read < commit < self.last for commit in self.commits)


def log_frames(path: Path) -> LogFrames:
    """Read the headers in the log of the journal at `path`; none of a log that is not there.

    Raises:
        OSError: the disk failed.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        return LogFrames(True, 0, ())
    with log.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            return LogFrames(True, 0, ())
        sound = _sound(header)
        page_bytes = struct.unpack_from(">I", header, 8)[0] if sound else 4096
        salts, number, last, commits = header[16:24], 0, 0, list[int]()
        while len(frame := file.read(FRAME_HEADER_BYTES)) == FRAME_HEADER_BYTES:
            number += 1
            if not sound or frame[8:16] == salts:
                last = number
                if frame[4:8] != bytes(4):
                    commits.append(number)
            file.seek(page_bytes, 1)
    return LogFrames(sound, last, tuple(commits))


def _sound(header: bytes) -> bool:
    order = MAGICS.get(struct.unpack_from(">I", header)[0])
    if order is None:
        return False
    words = struct.unpack_from(f"{order}6I", header)
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack_from(">2I", header, 24)
