"""What the station needs of the system itself, each with the file or command that proves it.

Looking for the thing and not for the package's name keeps the check fast, and right on a machine
that has its Chromium or its Node.js from elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from setup.commands import Stop, run, say


@dataclass(frozen=True, slots=True)
class Need:
    """One Debian package and how to see that what it gives is there."""

    package: str
    is_here: Callable[[], bool]


def _command(name: str) -> Callable[[], bool]:
    # Administration tools lie outside an ordinary account's PATH.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return lambda: shutil.which(name, path=path) is not None


def _library(name: str) -> Callable[[], bool]:
    folders = (Path("/usr/lib"), *Path("/usr/lib").glob("*-linux-gnu"), Path("/usr/lib64"))
    return lambda: any((folder / name).exists() for folder in folders)


def _module(name: str) -> Callable[[], bool]:
    return lambda: find_spec(name) is not None


def _file(path: str) -> Callable[[], bool]:
    return Path(path).exists


RUN: Final = (
    Need(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv", _module("ensurepip")),
    # MediaPipe's library links against both, though the station draws nothing.
    Need("libegl1", _library("libEGL.so.1")),
    Need("libgles2", _library("libGLESv2.so.2")),
    # It reads surnames and numbers aloud, which no recording can hold.
    Need("espeak-ng", _command("espeak-ng")),
)
PICTURES: Final = (Need("npm", _command("npm")),)
TEST: Final = (
    Need("chromium", _command("chromium")),
    Need("fonts-noto-cjk", _file("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")),
    # The tests watch the vision worker's system calls and cut its network off.
    Need("strace", _command("strace")),
    Need("iproute2", _command("ip")),
    Need("util-linux", _command("unshare")),
    # A TPM of software, its commands, and the faults of a disk and a clock.
    Need("swtpm", _command("swtpm")),
    Need("tpm2-tools", _command("tpm2")),
    Need("fiu-utils", _command("fiu-run")),
    Need("libfaketime", _library("faketime/libfaketime.so.1")),
    Need("e2fsprogs", _command("mkfs.ext4")),
    Need("systemd", _command("systemd-analyze")),
)


def missing(needs: tuple[Need, ...]) -> list[str]:
    """Return the packages whose gift this machine lacks."""
    return [need.package for need in needs if not need.is_here()]


def install(packages: list[str]) -> None:
    """Install Debian packages, as root or through sudo.

    Raises:
        Stop: neither is possible, or apt-get failed.
    """
    by_hand = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise Stop(f"This is not Debian: install what gives {', '.join(packages)} by hand")
    root = _become_root(by_hand)
    say(f"installing system packages: {', '.join(packages)}")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    waiting = "-oDPkg::Lock::Timeout=300"
    run("apt-update", [*apt, waiting, "update"])
    run("apt-install", [*apt, waiting, "--no-install-recommends", "install", *packages])


def _become_root(by_hand: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise Stop(f"System packages are missing: run `{by_hand}` as root")
    try:
        # With a person at the terminal sudo may ask for the password; it asks there by itself.
        run("sudo", ["sudo", *([] if sys.stdin.isatty() else ["-n"]), "-v"])
    except Stop:
        raise Stop(f"System packages are missing: run `{by_hand}` as root") from None
    return ["sudo"]
