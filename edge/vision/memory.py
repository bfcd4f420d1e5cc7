"""The memory that the station and a worker both map: pixels pass here, and nobody can resize it."""

from __future__ import annotations

import fcntl
import os
from typing import Final

_SEALS: Final = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def shared_memory(size_bytes: int) -> int:
    """Return a descriptor of a nameless memory of this size. Raises `OSError`."""
    descriptor = os.memfd_create("vision", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size_bytes)
    # A worker that shrank it would kill the station with SIGBUS.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor
