"""What had arrived of uploads that broke, so that a weak link need not begin again.

    uploads/<package_id>.<sha256 of the whole, hex>.half

Only bytes that a registered station's seal statement announces are kept, for a while and up to a
bound. They are a prefix by TCP's word alone: the digest of the whole decides in the end, and what
does not agree is forgotten.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

HALVES: Final = "uploads"
WORTH_BYTES: Final = 64 << 10
"""Less is sent again sooner than it is asked for."""
HALVES_MAX: Final = 64
KEPT_S: Final = 7 * 86_400.0
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


class Uploads:
    """Halves by package and digest."""

    def __init__(self, folder: Path) -> None:
        """Use the centre's folder."""
        self._folder = folder / HALVES
        self._lock = threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True)

    def offset(self, package_id: str) -> int:
        """Return how many bytes of this package lie here; 0 if none."""
        sizes = [half.stat().st_size for half in self._folder.glob(f"{package_id}.*.half")]
        return max(sizes, default=0)

    def keep(self, package_id: str, digest: str, content: bytes) -> None:
        """Keep what arrived, if it is worth it and more than lies here already."""
        half = self._half(package_id, digest)
        if half is None or len(content) < WORTH_BYTES:
            return
        with self._lock:
            if half.exists() and half.stat().st_size >= len(content):
                return
            part = half.with_suffix(".part")
            part.write_bytes(content)
            part.replace(half)
            self._prune()

    def half(self, package_id: str, digest: str) -> bytes:
        """Return what lies here of this package; empty if nothing does."""
        half = self._half(package_id, digest)
        with self._lock:
            return half.read_bytes() if half is not None and half.exists() else b""

    def forget(self, package_id: str) -> None:
        """The whole arrived, or what lies here is of no use."""
        with self._lock:
            for half in self._folder.glob(f"{package_id}.*"):
                half.unlink(missing_ok=True)

    def _half(self, package_id: str, digest: str) -> Path | None:
        found = _DIGEST.fullmatch(digest)
        if found is None:
            return None
        return self._folder / f"{package_id}.{base64.b64decode(found[1]).hex()}.half"

    def _prune(self) -> None:
        halves = sorted(self._folder.glob("*.half"), key=lambda half: -half.stat().st_mtime)
        for n, half in enumerate(halves):
            if n >= HALVES_MAX or time.time() - half.stat().st_mtime > KEPT_S:
                with suppress(OSError):
                    half.unlink()
