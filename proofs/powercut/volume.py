"""A real file system in an image file on a loop device, with a power switch.

The switch is the shutdown ioctl without a log flush: from then on nothing is written any more, and
nothing that was not synced before is kept. What it does not show: a disk that lies about flushes,
and writes reordered inside the disk's own cache.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from proofs import CannotRun, ToolMissing

SHUTDOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN, equal to XFS_IOC_GOINGDOWN: _IOR('X', 125, __u32)."""
NO_LOG_FLUSH: Final = 2
OPTIONS: Final = {"ext4": "commit=300", "xfs": ""}
"""A long journal interval, so that it saves nothing by itself."""
CHECKERS: Final = {"ext4": ("e2fsck", "-fn"), "xfs": ("xfs_repair", "-n")}
FORCE: Final = {"ext4": ("-F",), "xfs": ("-f",)}
UNMOUNT_TRIES: Final = 200


def command(*words: str | Path) -> str:
    """Run a command of the system. Raises `ToolMissing` with what it said."""
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ToolMissing(f"{words[0]} is not installed") from None
    if done.returncode:
        raise ToolMissing(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout.strip()


class Volume:
    """One file system; `volume` makes it and leaves no mount and no loop device behind."""

    def __init__(self, scratch: Path, kind: str, size_mib: int) -> None:
        if os.geteuid():
            raise ToolMissing("it needs root, for loop devices and mounts")
        if not shutil.which(f"mkfs.{kind}"):
            raise ToolMissing(f"mkfs.{kind} is not installed")
        self.kind = kind
        self.point = scratch / "mount"
        self.point.mkdir()
        self.image = scratch / "image"
        with self.image.open("wb") as image:
            image.truncate(size_mib << 20)
        self._device = command("losetup", "--find", "--show", self.image)
        self._switch: int | None = None

    def make(self) -> None:
        """Make an empty file system, whatever was there."""
        command(f"mkfs.{self.kind}", "-q", *FORCE[self.kind], self._device)

    def mount(self, *more: str) -> None:
        """Mount it, which replays its journal; `more` are further mount options."""
        options = ",".join(option for option in (OPTIONS[self.kind], *more) if option)
        chosen = ["-o", options] if options else []
        command("mount", "-t", self.kind, *chosen, self._device, self.point)

    def arm(self) -> None:
        """Open the switch before the writer starts: afterwards it must not wait."""
        self._switch = os.open(self.point, os.O_RDONLY)

    def cut(self) -> None:
        """Let the power fail."""
        if self._switch is None:
            raise RuntimeError("not armed")
        fcntl.ioctl(self._switch, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))

    def disarm(self) -> None:
        """Close the switch."""
        if self._switch is not None:
            os.close(self._switch)
            self._switch = None

    @property
    def mounted(self) -> bool:
        """Whether it is mounted now."""
        # Not os.path.ismount: on an xfs that was shut down its lstat fails, taken for "no".
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        return any(line.split()[4] == str(self.point) for line in mounts)

    def unmount(self) -> None:
        """Unmount it. Raises `CannotRun` if a writer or checker left a process behind."""
        for _ in range(UNMOUNT_TRIES):
            if not self.mounted:
                return
            done = subprocess.run(["umount", self.point], capture_output=True, check=False)
            if done.returncode:
                time.sleep(0.05)
        raise CannotRun("the file system stays busy")

    def sound(self) -> bool:
        """Whether the file system's own checker finds nothing to repair."""
        words = [*CHECKERS[self.kind], self._device]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def remove(self) -> None:
        """Unmount it whatever still uses it, and free the loop device."""
        self.disarm()
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.point], capture_output=True, check=False)
        subprocess.run(["losetup", "--detach", self._device], capture_output=True, check=False)


@contextmanager
def volume(scratch: Path, kind: str = "ext4", size_mib: int = 400) -> Iterator[Volume]:
    """Lend a device for a file system, and clean it away again. Raises `CannotRun`."""
    made = Volume(scratch, kind, size_mib)
    try:
        yield made
    finally:
        made.remove()
