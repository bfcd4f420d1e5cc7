"""How much room the store has, and the reserve that lets a running sitting end on a full disk."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from edge.keys import sync_folder


class DiskFloor:
    """Free space measured against a floor, and a reserve file that is given up below it."""

    def __init__(self, folder: Path, floor_bytes: int, reserve_bytes: int) -> None:
        """Measure the file system of `folder`; make the reserve there if there is room."""
        self._folder = folder
        self._floor_bytes = floor_bytes
        self._reserve_bytes = reserve_bytes
        self._reserve = folder / "reserve"
        self._lock = threading.Lock()
        with self._lock:
            self._take_reserve()

    def free_bytes(self, reusable_bytes: int = 0) -> int:
        """Return what is free beyond the reserve.

        Args:
            reusable_bytes: free pages inside the database: what delivery freed is there.
        """
        room = os.statvfs(self._folder)
        held = self._reserve.exists()
        owed = 0 if held else self._reserve_bytes
        return max(0, room.f_bavail * room.f_frsize + reusable_bytes - owed)

    def low(self, reusable_bytes: int = 0) -> bool:
        """Whether no new sitting may begin. Gives the reserve up, or takes it again."""
        with self._lock:
            if self.free_bytes(reusable_bytes) < self._floor_bytes:
                self._drop_reserve()
                return True
            if not self._reserve.exists():
                self._take_reserve()
            return False

    def make_room(self) -> bool:
        """Give the reserve up; False if it was gone already."""
        with self._lock:
            return self._drop_reserve()

    def _take_reserve(self) -> None:
        room = os.statvfs(self._folder)
        if self._reserve.exists() or not self._reserve_bytes:
            return
        if room.f_bavail * room.f_frsize < self._floor_bytes + self._reserve_bytes:
            return
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # Not a hole: blocks that are really taken.
            os.posix_fallocate(descriptor, 0, self._reserve_bytes)
        except OSError:
            self._reserve.unlink()
        finally:
            os.close(descriptor)

    def _drop_reserve(self) -> bool:
        if not self._reserve.exists():
            return False
        self._reserve.unlink()
        sync_folder(self._folder)
        return True
