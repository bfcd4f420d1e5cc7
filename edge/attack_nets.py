"""The files of networks that an operator installed against pictures of faces, checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


class AttackNetUnfit(Exception):
    """A network's file is missing or another one. It stays so until somebody mends it."""


@dataclass(frozen=True, slots=True)
class NetFile:
    """One network: its ONNX file, that file's SHA-256 (hex), how much around the face it sees."""

    file: Path
    sha256: str
    around: float

    def content(self) -> bytes:
        """Return the file's bytes. Raises `AttackNetUnfit`."""
        try:
            content = self.file.read_bytes()
        except OSError as error:
            raise AttackNetUnfit(f"{self.file} cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise AttackNetUnfit(f"{self.file} is not the file whose sha256 the settings name")
        return content
