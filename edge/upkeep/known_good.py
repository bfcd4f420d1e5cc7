"""The last settings that a healthy station ran on, kept byte for byte beside their digest.

<state>/known-good/station.toml    the file as it was
<state>/known-good/about.json      its digest, when and by which release it was kept
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.durable import write_secret
from edge.utc import now_ms, rfc3339

FOLDER: Final = "known-good"
FILE: Final = "station.toml"
ABOUT: Final = "about.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """Settings that are whole.

    Attributes:
        path: of the file.
        sha256: of its bytes, hexadecimal.
        at: when it was kept, RFC 3339.
        release: the version that was healthy on it.
    """

    path: Path
    sha256: str
    at: str
    release: str


class KnownGood:
    """The one file that is kept."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def kept(self) -> Kept | None:
        """Return what is kept, if it is there and whole."""
        path = self._folder / FILE
        try:
            about = json.loads((self._folder / ABOUT).read_bytes())
            sha256, at, release = (str(about[name]) for name in ("sha256", "at", "release"))
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Kept(path, sha256, at, release) if found == sha256 else None

    def keep(self, content: bytes, release: str) -> bool:
        """Keep these settings; False where they are kept already. Durable on return.

        Cut off between the two files it leaves one that is not whole, and is kept again.

        Raises:
            OSError: no room, or no right.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        before = self.kept()
        if before is not None and before.sha256 == sha256:
            return False
        write_secret(self._folder / FILE, content)
        about = {"v": 1, "sha256": sha256, "at": rfc3339(now_ms()), "release": release}
        write_secret(self._folder / ABOUT, json.dumps(about, indent=1).encode())
        return True
