"""Somebody who guesses the technician's PIN, and pulls the plug and the service in between.

The oracle keeps the wait by true time alone. At no moment may the product's wait be shorter; the
right PIN must not open while it runs, and must open once it is over: nobody is locked out for ever.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from edge.store import Store
from edge.trust.pin import TECHNICIAN, BootClock, TechnicianPin, set_technician_pin
from proofs import Tally
from proofs.premises import open_store

PROMISE: Final = "PINs are tried no faster than the pace allows, over restarts and power cuts."
RIGHT: Final = "190604"
STEPS: Final = 30
ROUNDING_S: Final = 0.01


@dataclass(slots=True)
class _Machine:
    """A machine whose time we turn: its start's id in a file, and the time since then."""

    boot_id_file: Path
    since_start_s: float = 20.0
    starts: int = 0

    def start(self) -> None:
        self.starts += 1
        self.since_start_s = 20.0
        self.boot_id_file.write_text(f"start-{self.starts}\n", encoding="ascii")

    @property
    def clock(self) -> BootClock:
        return BootClock(self.boot_id_file, lambda: round(self.since_start_s * 1000))


@dataclass(slots=True)
class _Siege:
    """One attempt to get in, and what it may do by now."""

    folder: Path
    dice: random.Random
    forgetful: bool
    machine: _Machine
    journals: int = 0
    failures: int = 0
    wait_s: float = 0.0
    store: Store = field(init=False)
    pin: TechnicianPin = field(init=False)

    def open(self) -> None:
        """Start the service; a forgetful one begins with an empty journal."""
        self.journals += self.forgetful or not self.journals
        folder = self.folder / f"journal-{self.journals}"
        folder.mkdir(exist_ok=True)
        self.store = open_store(folder)
        self.pin = TechnicianPin(self.folder, self.store, self.machine.clock)

    def step(self) -> None:
        """Do one thing that somebody at the machine can do."""
        match self.dice.choice(("guess", "guess", "guess", "wait", "wait", "restart", "cut")):
            case "guess":
                self.pin.check(f"{self.dice.randrange(100_000):05d}x")
                if not self.wait_s:
                    self.failures += 1
                    self.wait_s = TECHNICIAN.wait_s(self.failures)
            case "wait":
                passed_s = self.dice.choice((1.0, 59.9, 60.1, 600.0, 3600.1))
                self.machine.since_start_s += passed_s
                self.wait_s = max(0.0, self.wait_s - passed_s)
            case "restart":
                self.store.close()
                self.open()
            case _:
                self.store.close()
                self.machine.start()
                self.wait_s = TECHNICIAN.wait_s(self.failures)
                self.open()

    def holds(self) -> bool:
        """Tell whether the product waits at least as long as it must."""
        return self.pin.wait_s() >= self.wait_s - ROUNDING_S

    def end_holds(self) -> bool:
        """Tell whether the right PIN opens now exactly if no wait runs, and later in any case."""
        if self.pin.check(RIGHT) == (self.wait_s > 0):
            return False
        self.machine.since_start_s += TECHNICIAN.longest_s + 1
        return self.pin.check(RIGHT)


def guess(trials: int, seed: int) -> Tally:
    """Besiege the product's own throttle over its own journal."""
    return _besiege(trials, seed, forgetful=False)


def guess_forgetful(trials: int, seed: int) -> Tally:
    """Control: a throttle that a restart empties."""
    return _besiege(trials, seed, forgetful=True)


def _besiege(trials: int, seed: int, *, forgetful: bool) -> Tally:
    began_s, failures, guesses = time.monotonic(), 0, 0
    for trial in range(trials):
        with TemporaryDirectory(prefix="anxin-pins-") as name:
            folder = Path(name)
            machine = _Machine(folder / "boot_id")
            machine.start()
            set_technician_pin(folder, RIGHT)
            siege = _Siege(folder, random.Random(f"{seed}/{trial}"), forgetful, machine)
            siege.open()
            try:
                failures += not _withstood(siege)
            finally:
                siege.store.close()
            guesses += siege.failures
    note = f"{trials * STEPS} steps, {guesses} wrong PINs looked at"
    return Tally(PROMISE, trials, failures, time.monotonic() - began_s, note)


def _withstood(siege: _Siege) -> bool:
    for _ in range(STEPS):
        siege.step()
        if not siege.holds():
            return False
    return siege.end_holds()
