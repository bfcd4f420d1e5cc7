"""Waits after wrong PINs: over restarts, whatever the clock says, and the technician's own PIN."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.store import Store
from edge.trust.keys import KeyUnusable
from edge.trust.pin import (
    PIN_FILE,
    TECHNICIAN,
    BootClock,
    TechnicianPin,
    Throttle,
    set_technician_pin,
)

CHECKOUT = Path(__file__).resolve().parent.parent
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
PIN, WRONG = "190604", "190605"


class Machine:
    """A machine: what runs since it started, and which start that was."""

    def __init__(self, folder: Path) -> None:
        self.boot_id_file = folder / "boot_id"
        self.now_ms = 5_000_000
        self.start("start-1")

    def start(self, boot_id: str) -> None:
        self.boot_id_file.write_text(f"{boot_id}\n")
        self.now_ms = 20_000

    def read_ms(self) -> int:
        return self.now_ms

    @property
    def clock(self) -> BootClock:
        return BootClock(self.boot_id_file, self.read_ms)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def open_store(tmp_path):
    return lambda: Store.open(tmp_path / "store.db", tmp_path / "store.key")


def fail_until_it_waits(pin: TechnicianPin) -> float:
    """Give wrong PINs until there is a wait, and return it."""
    for _ in range(TECHNICIAN.free + 1):
        assert not pin.check(WRONG)
    return pin.wait_s()


def test_the_technicians_pin_opens_and_five_slips_are_free(tmp_path, machine, open_store):
    """Then a minute, doubling to an hour, and never a lock-out for ever."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        pin = TechnicianPin(tmp_path, store, machine.clock)
        waits = []
        for _ in range(16):
            assert not pin.check(WRONG)
            waits.append(pin.wait_s())
            machine.now_ms += round(waits[-1] * 1000)

        assert waits[:8] == [0, 0, 0, 0, 0, 60, 120, 240]
        assert waits[-1] == 3600
        assert pin.check(PIN)
        assert not pin.check(WRONG)
        assert pin.wait_s() == 0


def test_while_a_wait_runs_not_even_the_right_pin_is_looked_at(tmp_path, machine, open_store):
    """Else whoever guesses learns something, and many tries at once are a way round."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        pin = TechnicianPin(tmp_path, store, machine.clock)
        wait_s = fail_until_it_waits(pin)
        (tmp_path / PIN_FILE).unlink()

        assert not pin.check(PIN)
        assert pin.wait_s() == wait_s


def test_a_restart_of_the_service_shortens_no_wait(tmp_path, machine, open_store):
    """The waits lie in the journal, not in memory."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        wait_s = fail_until_it_waits(TechnicianPin(tmp_path, store, machine.clock))
    machine.now_ms += 10_000
    with open_store() as store:
        again = TechnicianPin(tmp_path, store, machine.clock)

        assert again.wait_s() == wait_s - 10
        assert not again.check(PIN)


@pytest.mark.parametrize("off_s", [0, 59, 86_400 * 3650])
def test_a_restart_of_the_machine_begins_the_wait_anew(tmp_path, machine, open_store, off_s):
    """Its own clock begins at nought, and the wall's may say anything: neither is believed."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        wait_s = fail_until_it_waits(TechnicianPin(tmp_path, store, machine.clock))
    machine.now_ms += off_s * 1000
    machine.start("start-2")
    with open_store() as store:
        again = TechnicianPin(tmp_path, store, machine.clock)
        assert again.wait_s() == wait_s
        machine.now_ms += round(wait_s * 1000) - 1
        assert not again.check(PIN)
        machine.now_ms += 1

        assert again.check(PIN)


def test_restarting_over_and_over_gains_no_try(tmp_path, machine, open_store):
    """A thief with the mains switch waits as long as one without."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        fail_until_it_waits(TechnicianPin(tmp_path, store, machine.clock))
    for start in range(2, 7):
        machine.start(f"start-{start}")
        with open_store() as store:
            assert not TechnicianPin(tmp_path, store, machine.clock).check(PIN)


def test_a_machine_without_a_boot_id_waits_rather_too_long(tmp_path, machine, open_store):
    """What cannot be told apart counts as another start."""
    machine.boot_id_file.unlink()
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        wait_s = fail_until_it_waits(TechnicianPin(tmp_path, store, machine.clock))
    machine.now_ms += 30_000
    with open_store() as store:
        assert TechnicianPin(tmp_path, store, machine.clock).wait_s() == wait_s


CHILD = """
import sys, time
from pathlib import Path
from edge.store import Store
from edge.trust.pin import TECHNICIAN, TechnicianPin, Throttle
folder = Path(sys.argv[1])
with Store.open(folder / "store.db", folder / "store.key") as store:
    pin = TechnicianPin(folder, store)
    for _ in range(int(sys.argv[2])):
        Throttle(store, "technician", TECHNICIAN).failed("technician")
    print(pin.wait_s(), pin.check("190604"), time.time())
"""


def in_a_process(folder: Path, tries: int, faked: str = "") -> tuple[float, bool, float]:
    """Run tries in a process of its own, with its wall clock set: wait, right PIN taken, time."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    if faked:
        env |= {"LD_PRELOAD": str(FAKETIME), "FAKETIME": faked, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(tries)],
        env=env, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    wait_s, taken, time_s = done.stdout.split()[-3:]
    return float(wait_s), taken == b"True", float(time_s)


@pytest.mark.parametrize("faked", ["+3650d", "1970-01-02 00:00:00"])
def test_setting_the_wall_clock_shortens_no_wait(tmp_path, faked):
    """Three days or ten years, forward or back: the real service on the machine's real clocks."""
    if not FAKETIME.exists():
        pytest.skip("NOT TESTED: no libfaketime on this machine")
    set_technician_pin(tmp_path, PIN)
    first_s, _, told_s = in_a_process(tmp_path, TECHNICIAN.free + 12)
    later_s, taken, faked_s = in_a_process(tmp_path, 0, faked)

    assert abs(faked_s - told_s) > 86_400 * 365
    assert not taken
    # An hour to wait, of which these two processes took a little; the clock was set by years.
    assert 0 < later_s <= first_s <= TECHNICIAN.longest_s


def test_a_wrong_pin_is_a_row_of_the_audit_chain_without_its_digits(tmp_path, machine, open_store):
    """Who looks later sees when somebody guessed."""
    set_technician_pin(tmp_path, PIN)
    with open_store() as store:
        TechnicianPin(tmp_path, store, machine.clock).check(WRONG)
        rows = [json.loads(row.entry) for row in store.audit_rows()]

    assert (rows[-1]["act"], rows[-1]["outcome"]) == ("pin.check", "wrong_pin")
    assert WRONG not in json.dumps(rows)


def test_kinds_do_not_slow_each_other(machine, open_store):
    """Who plays with the attendants' pad does not keep the technician out."""
    with open_store() as store:
        attendants = Throttle(store, "attendant", TECHNICIAN, machine.clock)
        technician = Throttle(store, "technician", TECHNICIAN, machine.clock)
        for _ in range(9):
            attendants.failed("technician")

        assert attendants.wait_s("technician") > 0
        assert technician.wait_s("technician") == 0


def test_only_a_hash_is_kept_and_it_is_argon2id(tmp_path):
    """19 MiB and two passes, a salt of its own, mode 0600; a new PIN takes the place of the old."""
    set_technician_pin(tmp_path, PIN)
    first = (tmp_path / PIN_FILE).read_text()
    set_technician_pin(tmp_path, PIN)
    second = (tmp_path / PIN_FILE).read_text()

    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert PIN not in second
    assert (tmp_path / PIN_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "190604", "$argon2id$v=19$m=1,t=0,p=0$AAAA$AAAA"])
def test_a_damaged_hash_lets_nobody_in(tmp_path, machine, open_store, content):
    """It is an error that names the remedy, never an open door."""
    (tmp_path / PIN_FILE).write_text(content)
    with open_store() as store:
        pin = TechnicianPin(tmp_path, store, machine.clock)
        with pytest.raises(KeyUnusable, match="provision"):
            pin.check(PIN)


def test_without_a_pin_the_command_is_named(tmp_path, machine, open_store):
    """A station that was never provisioned has no default."""
    with open_store() as store, pytest.raises(KeyUnusable, match="provision"):
        TechnicianPin(tmp_path, store, machine.clock).check("000000")
