"""The demo's staff: an attendant and a technician, made at the first start, kept beside the demo.

A real station knows hashes only. The demo must be able to sign by itself, so each PIN lies in a
file that only its owner can read; it opens nothing but this demo.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from demo.neighbours import DemoError
from edge.staff import Role, add_staff, staff_ids

NUMBER: Final = "1024"
TECHNICIAN: Final = "7001"
PIN_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Badge:
    """Who signs, or signs in, in the demo; `new` right after it was made."""

    number: str
    pin: str = field(repr=False)
    new: bool = False


def open_or_make_badge(folder: Path) -> Badge:
    """Return the demo's attendant and see to it that the staff file knows it.

    Args:
        folder: the demo's; holds `staff.toml` (hashes) and `attendant.json` (the PIN).

    Raises:
        DemoError: what stands there is no badge.
        OSError: a file cannot be read or made.
        StaffFileUnsafe: the staff file is none of ours.
    """
    return _open_or_make(folder, folder / "attendant.json", NUMBER, "guide")


def open_or_make_technician(folder: Path) -> Badge:
    """Return the demo's technician, as `open_or_make_badge`; the PIN is in `technician.json`."""
    return _open_or_make(folder, folder / "technician.json", TECHNICIAN, "technician")


def _open_or_make(folder: Path, path: Path, number: str, role: Role) -> Badge:
    staff = staff_file(folder)
    if not path.exists():
        badge = Badge(number, f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}", new=True)
        add_staff(staff, badge.number, badge.pin, role)
        _write(path, badge)
        return badge
    try:
        kept = json.loads(path.read_bytes())
        badge = Badge(str(kept["number"]), str(kept["pin"]))
    except (ValueError, KeyError, TypeError):
        raise DemoError(f"{path} is no badge: remove it, the next start makes one.") from None
    if not staff.exists() or badge.number not in staff_ids(staff):
        add_staff(staff, badge.number, badge.pin, role)
    return badge


def staff_file(folder: Path) -> Path:
    """Return where this demo's staff file lies."""
    return folder / "staff.toml"


def _write(path: Path, badge: Badge) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    rows = {name: value for name, value in asdict(badge).items() if name != "new"}
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(rows, file)
    part.replace(path)
