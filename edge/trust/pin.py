"""PINs: how slowly one may guess, over restarts and whatever the clock says; the technician's PIN.

The pace lies in the journal. It is counted by the clock that runs since the machine started, which
nobody can set, together with that start's id: after another start the whole wait begins anew, so
that neither a restart nor a clock that was set shortens it. It never becomes a lock-out for ever.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw
import structlog
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from edge.durable import write_secret
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.trust import audit
from edge.trust.audit import Actor
from edge.trust.keys import KeyUnusable
from edge.utc import now_ms, rfc3339

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
PASSES: Final = 2
MEMORY_KIB: Final = 19 * 1024
"""With one lane 35 ms a try here. Source: OWASP Password Storage; RFC 9106, section 4."""
PIN_BYTES_MAX: Final = 64

log = structlog.get_logger("pin")


@dataclass(frozen=True, slots=True)
class Pace:
    """How the wait grows.

    Attributes:
        free: so many wrong tries cost no wait.
        first_s: the first wait; each further one is twice as long.
        longest_s: no wait is longer.
    """

    free: int
    first_s: float
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """Return the wait after so many wrong tries."""
        if failures <= self.free:
            return 0.0
        return float(min(self.first_s * 2 ** min(failures - self.free - 1, 32), self.longest_s))


@dataclass(frozen=True, slots=True)
class BootClock:
    """The time since this machine started, suspension included, and which start it was."""

    boot_id_file: Path = BOOT_ID
    read_ms: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def boot_id(self) -> str:
        """Return the id of this start; a machine without one counts every look as a new start."""
        try:
            return self.boot_id_file.read_text("ascii").strip()
        except OSError:
            return secrets.token_hex(16)


class Throttle:
    """The waits of one kind of PIN. Any thread may call it."""

    def __init__(self, store: Store, kind: str, pace: Pace, clock: BootClock | None = None) -> None:
        """Count in the journal; waits of an earlier start of the machine begin anew.

        Args:
            store: the journal.
            kind: "attendant" or "technician"; kinds do not slow each other.
            pace: how the wait grows.
            clock: of this machine.
        """
        self._store, self._kind, self._pace = store, kind, pace
        self._clock = clock or BootClock()
        self._boot_id = self._clock.boot_id()
        kept = store.read(self._of_earlier_starts)
        if kept:
            store.write(self._begin_anew, Reserve.LAST)

    def wait_s(self, account: str) -> float:
        """Return how long the next try must wait."""
        until_ms = self._store.read(lambda db: db.execute(
            "select until_boot_ms from throttle where account = ?", (self._name(account),)
        ).get)  # fmt: skip
        return 0.0 if until_ms is None else max(0.0, (until_ms - self._clock.read_ms()) / 1000)

    def failed(self, account: str) -> None:
        """Count a wrong try, durably, with its audit row."""

        def count(db: apsw.Connection) -> None:
            name = self._name(account)
            before = db.execute("select failures from throttle where account = ?", (name,)).get
            failures = (before or 0) + 1
            self._keep(db, name, failures)
            actor = Actor(self._kind, account)
            audit.append(db, rfc3339(now_ms()), actor, "pin.check", {}, "wrong_pin")

        self._store.write(count, Reserve.LAST)
        log.warning("wrong_pin")

    def passed(self, account: str) -> None:
        """Forget the wrong tries of somebody who has shown the right PIN."""
        name = self._name(account)
        known = "select 1 from throttle where account = ?"
        if self._store.read(lambda db: db.execute(known, (name,)).get):
            forget = "delete from throttle where account = ?"
            self._store.write(lambda db: db.execute(forget, (name,)).get, Reserve.LAST)

    def _name(self, account: str) -> str:
        return f"{self._kind}/{account}"

    def _of_earlier_starts(self, db: apsw.Connection) -> list[tuple[str, int]]:
        return list(
            db.execute(
                "select account, failures from throttle where account glob ? and boot_id <> ?",
                (f"{self._kind}/*", self._boot_id),
            )
        )

    def _begin_anew(self, db: apsw.Connection) -> None:
        for name, failures in self._of_earlier_starts(db):
            self._keep(db, name, failures)

    def _keep(self, db: apsw.Connection, name: str, failures: int) -> None:
        wait_ms = round(self._pace.wait_s(failures) * 1000)
        db.execute(
            "insert or replace into throttle values(?, ?, ?, ?, ?)",
            (name, failures, self._boot_id, self._clock.read_ms() + wait_ms, now_ms() + wait_ms),
        )


TECHNICIAN: Final = Pace(free=5, first_s=60.0, longest_s=3600.0)
"""Five slips; then a minute, doubling to an hour: all PINs of six digits take 114 years."""
PIN_FILE: Final = "technician.pin"
_ACCOUNT: Final = "technician"


class TechnicianPin:
    """The technician's PIN: it opens the console and no key. Any thread may call it."""

    def __init__(self, folder: Path, store: Store, clock: BootClock | None = None) -> None:
        """Use the hash in `folder`; it is read anew for every check."""
        self._file = folder / PIN_FILE
        self._throttle = Throttle(store, "technician", TECHNICIAN, clock)
        self._lock = threading.Lock()

    def check(self, pin: str) -> bool:
        """Tell whether it is the PIN; False without a look at it while a wait runs.

        Raises:
            KeyUnusable: no PIN was set, or its file is damaged.
        """
        with self._lock:
            if self._throttle.wait_s(_ACCOUNT) > 0:
                return False
            if self._fits(pin):
                self._throttle.passed(_ACCOUNT)
                return True
            self._throttle.failed(_ACCOUNT)
            return False

    def wait_s(self) -> float:
        """Return how long the next try must wait."""
        return self._throttle.wait_s(_ACCOUNT)

    def _fits(self, pin: str) -> bool:
        try:
            hashed = self._file.read_text("ascii")
            if not hashed.startswith("$argon2id$"):
                raise ValueError("no hash")
            Argon2id.verify_phc_encoded(pin.encode()[:PIN_BYTES_MAX], hashed)
        except InvalidKey:
            return False
        except (OSError, ValueError) as error:
            raise KeyUnusable(
                f"{self._file} holds no PIN: run run_edge.py provision --settings FILE."
            ) from error
        return True


def set_technician_pin(folder: Path, pin: str) -> None:
    """Keep the hash of a PIN, mode 0600, in the place of an earlier one."""
    hashed = Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=PASSES, lanes=1, memory_cost=MEMORY_KIB
    )
    write_secret(folder / PIN_FILE, hashed.derive_phc_encoded(pin.encode()).encode("ascii"))
