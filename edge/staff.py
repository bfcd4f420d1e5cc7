"""Who works here: ids and PINs, so that an attendant can sign for what only an attendant may do.

The file holds one scrypt hash for each id, what the person may do here, and no full name; PINs are
never stored, logged or shown. It is read anew for every check, so that whoever is struck off can no
longer sign, without a restart.
A wrong PIN makes the next one wait, longer each time, and never for ever: a person is standing at
the station who needs the attendant.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, get_args

import structlog

from edge.durable import write_secret
from edge.store import Store
from edge.trust.pin import BootClock, Pace, Throttle

STAFF_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
PIN: Final = re.compile(r"[0-9]{6,12}")
"""Digits only, as the screen's pad has them; six of them, so that guessing takes years."""
ATTENDANT: Final = Pace(free=2, first_s=2.0, longest_s=60.0)
"""Two slips of a finger cost no wait. At this pace all PINs of six digits take 694 days without a
break [ours: 10^6 x 60 s]."""
COST: Final = {"n": 2**14, "r": 8, "p": 1}
"""16 MiB and some 50 ms for each try (RFC 7914, section 2: interactive use)."""
_NOBODY: Final = "-"

Role = Literal["guide", "volunteer", "remote", "technician", "auditor"]
"""What somebody may do here. `volunteer`: drives the pages and sees no more of a person than the
first letter of the surname; `remote`: helps from afar, stores and signs nothing; `technician`:
devices, calibration, settings and upkeep, nothing of a sitting; `auditor`: reads what the
technician's console shows and changes nothing."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ASSISTING: Final[tuple[Role, ...]] = ("guide", "volunteer", "remote")
"""Who helps people, and so may sign in at the attendants' console."""
TECHNICAL: Final[tuple[Role, ...]] = ("technician", "auditor")
"""Who may sign in at the technician's console."""
ON_SITE: Final = frozenset[Role]({"guide", "volunteer"})
"""Who stands beside the person, and so can sign at the screen."""
SHOWN_AS: Final = re.compile(r"[^\W\d_]{0,12}")
"""Letters only, as a banner has room for: a surname, not a full name."""

log = structlog.get_logger("staff")


class StaffFileUnsafe(Exception):
    """The staff file is missing, readable by others, or not ours. Mend it; see `add_staff`."""


class WrongPin(Exception):
    """Id and PIN do not fit, or it is too early for another try. Ask again after `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("staff id and PIN do not fit")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the staff.

    Attributes:
        role: what the person may do here.
        shown_as: surname for the banner of who helps from afar; "": the id is shown.
        pin_mark: another after each new PIN, so that what was opened with the old one ends.
    """

    staff_id: str
    role: Role
    shown_as: str = ""
    pin_mark: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Hashed:
    salt: bytes
    digest: bytes
    role: Role = "guide"
    shown_as: str = ""


class Staff:
    """Checks PINs against one staff file. All methods may be called from any thread."""

    def __init__(self, path: Path, store: Store, clock: BootClock | None = None) -> None:
        """Take the file; the waits lie in the journal and outlast a restart.

        Raises:
            StaffFileUnsafe: the file cannot be used as it is.
        """
        self._path = path
        self._lock = threading.Lock()
        self._throttle = Throttle(store, "attendant", ATTENDANT, clock)
        # Whoever is not in the file costs the same time as whoever is.
        self._nobody = _Hashed(secrets.token_bytes(16), secrets.token_bytes(32))
        _read(path)

    def check(self, staff_id: str, pin: str, roles: Collection[Role] = ON_SITE) -> bool:
        """Tell whether id and PIN fit; False without a look at them while a wait runs.

        One check at a time, so that many at once are no way round the wait. Whoever has none of
        these roles is nobody here.
        """
        with self._lock:
            known = self._known().get(staff_id)
            known = known if known and known.role in roles else None
            account = staff_id if known else _NOBODY
            if self._throttle.wait_s(account) > 0:
                return False
            expected = known or self._nobody
            fits = hmac.compare_digest(_digest(pin, expected.salt), expected.digest)
            if fits and known is not None:
                self._throttle.passed(account)
                return True
            self._throttle.failed(account)
            return False

    def wait_s(self, staff_id: str) -> float:
        """Return how long the next try for this id must wait."""
        with self._lock:
            return self._throttle.wait_s(staff_id if staff_id in self._known() else _NOBODY)

    def member(self, staff_id: str) -> Member | None:
        """Return who has this id now; None: nobody, or not any more."""
        known = self._known().get(staff_id)
        if known is None:
            return None
        mark = hashlib.sha256(known.salt).hexdigest()[:16]
        return Member(staff_id, known.role, known.shown_as, mark)

    def _known(self) -> dict[str, _Hashed]:
        try:
            return _read(self._path)
        except StaffFileUnsafe:
            log.error("staff_file_unsafe")
            return {}


def add_staff(
    path: Path, staff_id: str, pin: str, role: Role | None = None, shown_as: str | None = None
) -> None:
    """Write one attendant into the staff file, or a new PIN for one who is in it.

    Args:
        path: the staff file.
        staff_id: as the person will type it.
        pin: the same.
        role: None: as it was, "guide" for somebody new.
        shown_as: surname for a banner; None: as it was.

    Raises:
        ValueError: the id, the PIN, the role or the surname does not have the form that we take.
        StaffFileUnsafe: there is a file and it is not a staff file.
    """
    if not STAFF_ID.fullmatch(staff_id):
        raise ValueError("an id is 1 to 32 lower-case letters, digits and hyphens")
    if not PIN.fullmatch(pin):
        raise ValueError("a PIN is 6 to 12 digits")
    rows = _read(path) if path.exists() else {}
    salt, before = secrets.token_bytes(16), rows.get(staff_id)
    role = role or (before.role if before else "guide")
    shown_as = (before.shown_as if before else "") if shown_as is None else shown_as
    if role not in ROLES or not SHOWN_AS.fullmatch(shown_as):
        raise ValueError(f"a role is one of {', '.join(ROLES)}; a surname has 12 letters at most")
    _write(path, {**rows, staff_id: _Hashed(salt, _digest(pin, salt), role, shown_as)})


def staff_ids(path: Path) -> tuple[str, ...]:
    """Return who is in the staff file, in order. Raises `StaffFileUnsafe`."""
    return tuple(sorted(_read(path)))


def members(path: Path) -> tuple[Member, ...]:
    """Return who is in the staff file and as what, in order. Raises `StaffFileUnsafe`."""
    rows = _read(path)
    return tuple(Member(name, row.role, row.shown_as) for name, row in sorted(rows.items()))


def give_role(path: Path, staff_id: str, role: Role, shown_as: str) -> None:
    """Let somebody do something else from now on, with the same PIN. Raises as `remove_staff`."""
    if role not in ROLES or not SHOWN_AS.fullmatch(shown_as):
        raise ValueError("no such role, or no surname")
    rows = _read(path)
    _write(path, {**rows, staff_id: replace(rows[staff_id], role=role, shown_as=shown_as)})


def remove_staff(path: Path, staff_id: str) -> None:
    """Strike one attendant off; whoever is struck off can sign no more, at once.

    Raises:
        KeyError: nobody has this id.
        StaffFileUnsafe: the file is not a staff file.
    """
    rows = _read(path)
    del rows[staff_id]
    _write(path, rows)


def _write(path: Path, rows: Mapping[str, _Hashed]) -> None:
    text = "".join(
        f'[staff.{name}]\nsalt = "{row.salt.hex()}"\nscrypt = "{row.digest.hex()}"\n'
        f'role = "{row.role}"\nshown_as = "{row.shown_as}"\n\n'
        for name, row in sorted(rows.items())
    )
    # Durable: a power cut must not bring back whoever was struck off.
    write_secret(path, text.encode())


def _read(path: Path) -> dict[str, _Hashed]:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise StaffFileUnsafe("others may read or write the staff file: chmod 600")
            rows = tomllib.load(file).get("staff", {})
        return {name: _hashed(row) for name, row in rows.items()}
    except OSError as error:
        raise StaffFileUnsafe(f"the staff file cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StaffFileUnsafe("the staff file is not one of ours") from None


def _hashed(row: Mapping[str, str]) -> _Hashed:
    role, shown_as = row.get("role", "guide"), row.get("shown_as", "")
    if role not in ROLES or not SHOWN_AS.fullmatch(shown_as):
        raise ValueError("no such role")
    return _Hashed(bytes.fromhex(row["salt"]), bytes.fromhex(row["scrypt"]), role, shown_as)


def _digest(pin: str, salt: bytes) -> bytes:
    # Far longer entries than any PIN would only cost time.
    return hashlib.scrypt(pin.encode()[:64], salt=salt, dklen=32, **COST)
