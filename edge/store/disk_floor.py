"""How much room the store has, and the reserves that let what runs come to its end on a full disk.

Two reserves, because one purpose must not eat the other's room: a running sitting may still keep
its samples; closing and delivery, which free the disk in the end, have some left after that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

from edge.durable import sync_folder


class Reserve(IntEnum):
    """For what a job may give a reserve up; a higher one may use the lower as well."""

    NONE = 0
    SITTING = 1
    """A sample of a sitting that was let in."""
    LAST = 2
    """Closing, dropping, delivering."""


LAST_SHARE: Final = 0.25
"""The last reserve, as a share of the sitting's and on top of it."""


class DiskFloor:
    """Free space measured against a floor, and reserve files that are given up below it."""

    def __init__(self, folder: Path, floor_bytes: int, reserve_bytes: int) -> None:
        """Measure the file system of `folder`; make the reserves there if there is room."""
        self._folder = folder
        self._floor_bytes = floor_bytes
        self._sizes = {
            Reserve.SITTING: reserve_bytes,
            Reserve.LAST: round(reserve_bytes * LAST_SHARE),
        }
        self._lock = threading.Lock()
        with self._lock, suppress(OSError):
            self._take_reserves()

    def free_bytes(self, reusable_bytes: int = 0) -> int:
        """Return what is free beyond the reserves.

        Args:
            reusable_bytes: free pages inside the database: what delivery freed is there.
        """
        owed = sum(size for kind, size in self._sizes.items() if not self._file(kind).exists())
        return max(0, self._room_bytes() + reusable_bytes - owed)

    def low(self, reusable_bytes: int = 0) -> bool:
        """Whether no new sitting may begin. Gives the sitting's reserve up, or takes it again."""
        with self._lock:
            try:
                if self.free_bytes(reusable_bytes) < self._floor_bytes:
                    self._drop(Reserve.SITTING)
                    return True
                self._take_reserves()
            except OSError:
                # A disk that cannot even be asked has no room for anybody.
                return True
            return False

    def make_room(self, allowed: Reserve) -> bool:
        """Give up the first reserve that is left and allowed; False if there is none."""
        with self._lock:
            kinds = [kind for kind in self._sizes if kind <= allowed]
            try:
                return any(self._drop(kind) for kind in kinds)
            except OSError:
                return False

    def spent(self, reusable_bytes: Callable[[], int]) -> bool:
        """Whether the last reserve was given up and is still needed: only what frees may write.

        Else the samples of a sitting would eat what its closing and its delivery need.

        Args:
            reusable_bytes: returns the free pages inside the database; asked only in need.
        """
        last = self._file(Reserve.LAST)
        if last.exists():
            return False
        try:
            return self._room_bytes() + reusable_bytes() < self._sizes[Reserve.LAST]
        except OSError:
            return True

    def _file(self, kind: Reserve) -> Path:
        return self._folder / ("reserve" if kind is Reserve.SITTING else "reserve-last")

    def _room_bytes(self) -> int:
        room = os.statvfs(self._folder)
        return room.f_bavail * room.f_frsize

    def _take_reserves(self) -> None:
        # The last one first: without it a full disk could not even be delivered.
        for kind in sorted(self._sizes, reverse=True):
            self._take(self._file(kind), self._sizes[kind])

    def _take(self, file: Path, size: int) -> None:
        if file.exists() or not size or self._room_bytes() < self._floor_bytes + size:
            return
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # Not a hole: blocks that are really taken.
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            file.unlink()
        finally:
            os.close(descriptor)

    def _drop(self, kind: Reserve) -> bool:
        file = self._file(kind)
        if not file.exists():
            return False
        file.unlink()
        sync_folder(self._folder)
        return True
