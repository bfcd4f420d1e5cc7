"""Earlier photos that came with orders: bytes in memory, bounded, gone with the process."""

from __future__ import annotations

import threading
from typing import Final

HELD_BYTES_MAX: Final = 64 << 20
"""[ours] A thousand photos of 64 KB, or thirty of the largest size."""


class NoRoomForPhotos(Exception):
    """So many photos wait in memory that this one finds no room. Bring it later."""


class HeldPhotos:
    """Photos under the id of their sitting. Any thread may call it."""

    def __init__(self, bytes_max: int = HELD_BYTES_MAX) -> None:
        """Hold so many bytes at most."""
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._held: dict[str, bytes] = {}

    def hold(self, sitting_id: str, content: bytes) -> None:
        """Hold a photo in place of an earlier one. Raises `NoRoomForPhotos`."""
        with self._lock:
            others = sum(len(held) for key, held in self._held.items() if key != sitting_id)
            if others + len(content) > self._bytes_max:
                raise NoRoomForPhotos
            self._held[sitting_id] = content

    def get(self, sitting_id: str) -> bytes | None:
        """Return the photo, None if there is none."""
        with self._lock:
            return self._held.get(sitting_id)

    def drop(self, sitting_id: str) -> None:
        """Forget the photo. Harmless if there is none."""
        with self._lock:
            self._held.pop(sitting_id, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._held.clear()
