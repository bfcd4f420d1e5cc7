"""Who else grabs cameras: the desktop's services take every one that is plugged in, unasked.

That is the most frequent complaint about libgphoto2 ("Could not claim the USB device"; gphoto2
issues 154, 181 and 406, libgphoto2 issues 617 and 902). Only looked at; nobody is stopped here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from drivers import port_claims

SERVICES: Final = ("gvfs-gphoto2-volume-monitor", "gvfsd-gphoto2", "kamera", "gphoto2")
"""Of GNOME and its kin, its child that holds the camera, of KDE, and the command line's program."""

_ADVICE: Final = (
    "stop it for good with: systemctl --global mask gvfs-gphoto2-volume-monitor.service, "
    "then log out of the desktop or restart"
)


def who(device: Path | None = None, proc: Path = Path("/proc")) -> str:
    """Return who has a camera, and how to stop it; "" if nobody is seen.

    Args:
        device: the camera's own node, /dev/bus/usb/BBB/DDD, where it is known.
        proc: where this machine tells what runs on it.
    """
    for name, number in _running(proc):
        if name in SERVICES[:2]:
            return f"{name} of the desktop has it (process {number}); {_ADVICE}"
    for name, number in _running(proc):
        if name in SERVICES:
            return f"{name} has it (process {number}); end that program"
    machine = port_claims.Machine(proc=proc)
    return port_claims.claim_on(device, machine) if device is not None else ""


def _running(proc: Path) -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        for process in sorted(proc.iterdir()):
            if not process.name.isdecimal():
                continue
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                yield Path(words[0].decode("utf-8", "replace")).name, process.name
