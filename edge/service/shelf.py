"""Where a station keeps its content packs: two slots for each, so that a bad one costs nothing.

    content/<pack>/a, b     an issue each
    content/<pack>/current  which of the two counts

An issue is checked, written into the slot that does not count, read back from there, and only then
counts. One that can no longer be used, by a damaged disk or its last day, gives way to the other.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import structlog

from edge.durable import sync_folder, write_secret
from edge.service.content import Content, load_pack, read_pack
from edge.service.pack import Pack, PackUnfit
from edge.service.sealed_pack import SEAL_FILE, SealedPack, read_sealed
from edge.trust.key_list import ListedKey

FOLDER: Final = "content"
SLOTS: Final = ("a", "b")
CURRENT: Final = "current"
LOOK_EVERY_S: Final = 2.0
NOTHING: Final = Content()

log = structlog.get_logger("content")

Keys = Callable[[], Mapping[str, ListedKey]]


class ContentShelf:
    """The packs of one station. Any thread may call it; another process may install meanwhile."""

    def __init__(
        self,
        folder: Path,
        keys: Keys,
        today: Callable[[], date] = date.today,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Use a folder; it need not exist.

        Args:
            folder: of all packs, below the store's.
            keys: returns the centre's keys of use `content`, by kid.
            today: the civil date.
            look_every_s: how soon an installation is noticed.
        """
        self._folder = folder
        self._keys = keys
        self._today = today
        self._lock = threading.Lock()
        self._read_of: tuple[object, ...] | None = None
        self._content = NOTHING
        self._look_every_s = look_every_s
        self._look_at_s = float("-inf")

    @property
    def content(self) -> Content:
        """What may be shown now; read anew after an installation, a change of keys, a midnight."""
        with self._lock:
            now_s = time.monotonic()
            if now_s < self._look_at_s:
                return self._content
            self._look_at_s = now_s + self._look_every_s
            seen = self._marks()
            if seen != self._read_of:
                self._content, self._read_of = self._read(), seen
            return self._content

    def checked(self, source: Path) -> Content:
        """Return what a pack would say here. Raises `PackUnfit`."""
        return load_pack(source, self._keys(), self._today())

    def install(self, source: Path) -> Pack:
        """Take over an issue of a pack; the one before stays in the other slot.

        Args:
            source: a folder, such as one on a stick.

        Returns:
            What the pack says of itself; the same issue again changes nothing.

        Raises:
            PackUnfit: it cannot be used, or ours is newer; ours counts as before.
            OSError: it cannot be written; ours counts as before.
        """
        sealed = read_sealed(source, self._keys())
        (head,) = read_pack(sealed, self._today()).heads
        place = self._folder / head.pack
        ours = self._whole(place)
        if ours is not None and ours[1].number >= head.number:
            if ours[1].seal == sealed.seal:
                return head
            raise PackUnfit(f"issue {head.number} is not newer than the one that is here")
        slot = place / SLOTS[ours is not None and ours[0].name == SLOTS[0]]
        _write(slot, sealed)
        load_pack(slot, self._keys(), self._today())
        write_secret(place / CURRENT, slot.name.encode() + b"\n")
        return head

    def _marks(self) -> tuple[object, ...]:
        """Return what must be as it was for what was read to hold."""
        marks = tuple((place.name, *_mark(place / CURRENT)) for place in _folders(self._folder))
        return (*marks, self._today(), *sorted(self._keys()))

    def _read(self) -> Content:
        found = [self._usable(place) for place in _folders(self._folder)]
        return NOTHING.joined(found).in_force(self._today())

    def _usable(self, place: Path) -> Content:
        """Return the issue that counts, or if it cannot be used today the other one, or nothing."""
        for n, slot in enumerate(_slots(place)):
            try:
                content = load_pack(slot, self._keys(), self._today()).in_force(self._today())
            except (PackUnfit, OSError):
                log.error("content_unusable", part=f"{place.name}/{slot.name}")
                continue
            if content.packs:
                if n:
                    log.warning("content_fell_back", part=f"{place.name}/{slot.name}")
                return content
        return NOTHING

    def _whole(self, place: Path) -> tuple[Path, SealedPack] | None:
        """Return the slot and issue that is as it was signed, the counting one before the other."""
        for slot in _slots(place):
            try:
                return slot, read_sealed(slot, self._keys())
            except (PackUnfit, OSError):
                continue
        return None


def _slots(place: Path) -> list[Path]:
    """Return the slots that were ever written, the one that counts first; none before the first."""
    try:
        counts = (place / CURRENT).read_text("ascii").strip()
    except (OSError, ValueError):
        return []
    slots = sorted((place / name for name in SLOTS), key=lambda slot: slot.name != counts)
    return [slot for slot in slots if slot.exists()]


def _write(slot: Path, sealed: SealedPack) -> None:
    """Write an issue into a slot that does not count, durably."""
    if slot.exists():
        shutil.rmtree(slot)
    for name, content in {**sealed.files, SEAL_FILE: sealed.seal}.items():
        write_secret(slot / name, content)
    for folder in (*(path for path in slot.rglob("*") if path.is_dir()), slot, slot.parent):
        sync_folder(folder)


def _folders(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(place for place in folder.iterdir() if place.is_dir())
    except OSError:
        return


def _mark(path: Path) -> tuple[int, ...]:
    try:
        told = path.stat()
    except OSError:
        return ()
    return told.st_mtime_ns, told.st_ino
