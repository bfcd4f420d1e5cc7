"""Who else has a serial port of this machine: a login console, the kernel, another program.

Half the bytes would go to them, and "packet do not begin with a valid header" is what users then
read (pyfingerprint issues 1, 52, 71 and others). Only looked at; nobody is stopped from here.

What other users' programs hold is seen by root alone; for the rest there is the port's own lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.errors import PortHeld

GETTIES: Final = frozenset({"agetty", "getty", "mgetty", "fgetty", "mingetty", "login"})
"""`login` is what a getty becomes once it took a line's noise for somebody's name."""

STATION: Final = "run_edge.py"
_MASKED: Final = Path("/dev/null")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where this machine tells what runs on it."""

    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    consoles: Path = Path("/sys/class/tty/console/active")
    locks: tuple[Path, ...] = (Path("/run/lock"), Path("/var/lock"))
    units: tuple[Path, ...] = (
        Path("/etc/systemd/system"),
        Path("/run/systemd/system"),
        Path("/run/systemd/generator"),
        Path("/run/systemd/generator.late"),
        Path("/usr/lib/systemd/system"),
    )


HERE: Final = Machine()


def demand_free(path: str, machine: Machine = HERE) -> None:
    """Raise `PortHeld`, in a sentence that says how to free it, if somebody else has the port."""
    device = Path(os.path.realpath(path))
    claim = claim_on(device, machine) if device.exists() else ""
    if claim:
        raise PortHeld(f"{path}: {claim}")


def claim_on(device: Path, machine: Machine = HERE) -> str:
    """Return who has a device and how to free it; "" if nobody is seen to have it.

    Args:
        device: the device itself, not a link to it.
        machine: where to look.
    """
    line = device.relative_to(machine.dev).as_posix() if _inside(device, machine.dev) else ""
    holder = _holder(device, machine)
    if line:
        unit = f"serial-getty@{line.replace('/', '-')}.service"
        logs_in = _getty_on(line, machine) or (holder and _name(holder) in GETTIES)
        if logs_in or _starts_with_the_machine(unit, machine):
            return f"a login console owns it; free it with: systemctl disable --now {unit}"
        if line in _kernel_consoles(machine):
            return (
                "the kernel writes its messages to it; take console="
                f"{line} out of the kernel's command line and restart"
            )
    holder = holder or _locker(line, machine)
    return _said_of(holder) if holder else ""


def _inside(device: Path, folder: Path) -> bool:
    return device.is_relative_to(folder)


def _getty_on(line: str, machine: Machine) -> bool:
    commands = [words for process in _processes(machine) if (words := _command(process))]
    return any(
        Path(words[0]).name in GETTIES and {line, f"/dev/{line}"} & set(words[1:])
        for words in commands
    )


def _starts_with_the_machine(unit: str, machine: Machine) -> bool:
    wanted = any(
        (folder / wants / unit).is_symlink()
        for folder in machine.units
        for wants in ("getty.target.wants", "multi-user.target.wants")
    )
    masked = any((folder / unit).resolve() == _MASKED for folder in machine.units)
    return wanted and not masked


def _kernel_consoles(machine: Machine) -> list[str]:
    with suppress(OSError):
        return machine.consoles.read_text(encoding="ascii").split()
    return []


def _holder(device: Path, machine: Machine) -> Path | None:
    others = (process for process in _processes(machine) if process.name != str(os.getpid()))
    return next((process for process in others if _has_open(process, device)), None)


def _has_open(process: Path, device: Path) -> bool:
    held = False
    with suppress(OSError):
        for number in os.listdir(process / "fd"):
            with suppress(OSError):
                target = os.readlink(process / "fd" / number)
                held = held or target == str(device)
                if target.endswith("/ptmx") and _serves(process, number, device):
                    # It is what this pseudo-terminal leads to: the line's other end, no rival.
                    return False
    return held


def _serves(process: Path, number: str, device: Path) -> bool:
    index = (process / "fdinfo" / number).read_text(encoding="ascii").partition("tty-index:")[2]
    return bool(index) and device.parent.name == "pts" and device.name == index.split()[0]


def _locker(line: str, machine: Machine) -> Path | None:
    """Look at the lock files of older programs (FHS, LCK..ttyS0: a process number in ten bytes)."""
    for folder in machine.locks if line else ():
        with suppress(OSError, ValueError):
            lock = folder / f"LCK..{Path(line).name}"
            number = int(lock.read_text(encoding="ascii").split()[0])
            process = machine.proc / str(number)
            if number != os.getpid() and process.exists():
                return process
    return None


def _said_of(process: Path) -> str:
    if any(Path(word).name == STATION for word in _command(process)):
        return f"the station itself has it open (process {process.name})"
    return f"{_name(process)} has it open (process {process.name}); end that program"


def _name(process: Path) -> str:
    words = _command(process)
    return Path(words[0]).name if words else "a program"


def _processes(machine: Machine) -> Iterator[Path]:
    with suppress(OSError):
        for name in os.listdir(machine.proc):
            if name.isdecimal():
                yield machine.proc / name


def _command(process: Path) -> list[str]:
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        return [word.decode("utf-8", "replace") for word in words if word]
    return []
