"""Whether a device's node is there, and whether it is still the one that it was.

Looked at by name, without opening anything: a cable that was pulled and put in again within one
look gives another stamp, because the kernel or udev made the node or its link anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

PlugStamp = Callable[[], Hashable]
"""Returns what changes with the plug; the same value as long as nothing was pulled or put in."""


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """Return the identity of the node at this name and of the link to it; None if it is gone."""
    try:
        link, node = path.lstat(), path.stat()
    except OSError:
        return None
    return (link.st_ino, link.st_ctime_ns if path.is_symlink() else 0, node.st_dev, node.st_ino)


def stamp_of_all(paths: Iterable[Path]) -> tuple[tuple[str, tuple[int, ...] | None], ...]:
    """Return the identities of several nodes, by name."""
    return tuple((str(path), stamp_of(path)) for path in paths)
