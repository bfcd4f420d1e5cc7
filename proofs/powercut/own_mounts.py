"""A job in a process of its own that sees mounts of its own.

Whoever makes a mount namespace copies every mount, and a copy of ours would keep a file system
alive that was cut and unmounted here: what is mounted again would be the old one, still shut down.
"""

from __future__ import annotations

import ctypes
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from proofs import CannotRun, ToolMissing
from proofs.powercut.forked import start, tail
from proofs.powercut.volume import command

T = TypeVar("T")
CLONE_NEWNS: Final = 0x00020000


def in_own_mounts(job: Callable[[], T]) -> T:
    """Return what the job returns. Raises `CannotRun`, also where the job does or dies."""
    with TemporaryDirectory(prefix="anxin-mounts-") as name:
        folder = Path(name)
        answer = folder / "answer"

        def run(_: Path, __: object) -> None:
            try:
                _leave_the_others()
                result: tuple[object, CannotRun | None] = (job(), None)
            except CannotRun as reason:
                result = (None, reason)
            answer.write_bytes(pickle.dumps(result))

        process = start(run, folder, folder / "acks", folder / "log")
        try:
            while process.wait(1.0) is None:
                continue
        finally:
            process.kill()
        if not answer.exists():
            raise CannotRun(f"it ended with {process.status}: {tail(folder / 'log')}")
        value, reason = pickle.loads(answer.read_bytes())
    if reason is not None:
        raise reason
    returned: T = value
    return returned


def _leave_the_others() -> None:
    if os.geteuid():
        raise ToolMissing("it needs root, for loop devices and mounts")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise ToolMissing(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    command("mount", "--make-rprivate", "/")
