"""Staff ids and PINs: who may sign, how slowly one may guess, and what a file must be."""

from __future__ import annotations

import os
import tomllib

import pytest

from edge import staff as staff_module
from edge.staff import ATTENDANT, Staff, StaffFileUnsafe, add_staff, remove_staff
from edge.store import Store
from edge.trust.pin import BootClock

WU, PIN, WRONG = "wu-7", "190604", "190605"


class Clock:
    """The clock that runs since the machine started; time passes when a test says so."""

    now_s = 1000.0

    def read_ms(self) -> int:
        return round(self.now_s * 1000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def staff(file, clock, tmp_path):
    """Whoever is in the file, with waits that lie in a journal."""
    (tmp_path / "boot_id").write_text("first")
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        yield Staff(file, store, BootClock(tmp_path / "boot_id", clock.read_ms))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "staff.toml"
    add_staff(path, WU, PIN)
    return path


def fail(staff: Staff, clock: Clock, times: int, staff_id: str = WU) -> list[float]:
    """Give a wrong PIN so often, each as soon as it is taken; return the waits after each."""
    waits = []
    for _ in range(times):
        assert not staff.check(staff_id, WRONG)
        waits.append(staff.wait_s(staff_id))
        clock.now_s += waits[-1]
    return waits


def test_only_the_right_pin_signs(file, staff):
    """Neither another PIN nor another's, and nobody who is not in the file."""
    add_staff(file, "li-2", "772211")

    assert staff.check(WU, PIN)
    assert staff.check("li-2", "772211")
    assert not staff.check(WU, "772211")
    assert not staff.check("nobody", PIN)
    assert not staff.check("", "")
    assert not staff.check(WU, "一二三四五六" * 1000)


def test_waits_grow_and_never_become_a_lock_out(staff, clock):
    """Two slips are free; then each wait is longer, up to a minute, and the right PIN still signs.

    A person stands at the station who needs the attendant.
    """
    waits = fail(staff, clock, 40)

    assert waits[: ATTENDANT.free] == [0.0] * ATTENDANT.free
    growing = waits[ATTENDANT.free :]
    assert growing == sorted(growing)
    assert growing[0] > 0
    assert growing[-1] == ATTENDANT.longest_s
    assert staff.check(WU, PIN)
    assert fail(staff, clock, 1) == [0.0]


def test_while_a_wait_runs_nothing_is_looked_at(staff, clock, monkeypatch):
    """Not even the right PIN is taken early, and trying costs no longer wait."""
    fail(staff, clock, ATTENDANT.free)
    assert not staff.check(WU, WRONG)
    wait_s = staff.wait_s(WU)
    monkeypatch.setattr(staff_module, "_digest", None)

    assert not staff.check(WU, PIN)
    assert staff.wait_s(WU) == wait_s
    monkeypatch.undo()


def test_guessing_at_strangers_ids_delays_nobody_who_works_here(staff, clock):
    """Whoever plays with the pad does not keep the attendant from helping."""
    fail(staff, clock, 10, "nobody")
    assert not staff.check("somebody-else", WRONG)

    assert staff.wait_s("anybody") > 0
    assert staff.check(WU, PIN)


def test_an_unknown_id_costs_the_same_hash_as_a_known_one(staff, monkeypatch):
    """How long an answer takes does not tell who works here."""
    hashed = []
    digest = staff_module._digest
    monkeypatch.setattr(
        staff_module, "_digest", lambda pin, salt: hashed.append(len(salt)) or digest(pin, salt)
    )
    staff.check(WU, WRONG)
    staff.check("nobody", WRONG)

    assert hashed == [16, 16]


def test_who_is_struck_off_signs_no_more_without_a_restart(file, staff):
    """The file is the truth at every check."""
    add_staff(file, "li-2", "772211")
    assert staff.check("li-2", "772211")
    add_staff(file, WU, "334455")
    assert not staff.check(WU, PIN)
    file.unlink()

    assert not staff.check("li-2", "772211")


def test_who_is_struck_off_stays_so_after_a_power_cut(file, monkeypatch):
    """The file and the name of it in its folder are both on the disk before the command ends."""
    add_staff(file, "li", "271828")
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda n: (fsync(n), synced.append(os.fstat(n).st_ino))[0])
    remove_staff(file, "li")

    assert synced == [file.stat().st_ino, file.parent.stat().st_ino]


def test_the_file_holds_no_pin_and_nobody_else_reads_it(file):
    """Each PIN has a salt of its own; a second one alike looks different."""
    add_staff(file, "li-2", PIN)
    rows = tomllib.loads(file.read_text())["staff"]

    assert PIN not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert rows[WU]["scrypt"] != rows["li-2"]["scrypt"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_touch_is_refused(file, mode):
    """Whoever can write it can sign as anybody."""
    file.chmod(mode)

    with (
        Store.open(file.parent / "store.db", file.parent / "store.key") as store,
        pytest.raises(StaffFileUnsafe, match="chmod 600"),
    ):
        Staff(file, store)


@pytest.mark.parametrize("text", ["staff = 3", "[staff.wu]\nsalt = 'zz'\nscrypt = ''", "\x00", "["])
def test_a_file_that_is_none_of_ours_is_refused(file, text):
    """At the start, in one sentence that quotes nothing of it."""
    file.write_text(text)

    with (
        Store.open(file.parent / "store.db", file.parent / "store.key") as store,
        pytest.raises(StaffFileUnsafe) as refused,
    ):
        Staff(file, store)
    assert text not in str(refused.value)
    assert not list(file.parent.glob(".*.part"))


@pytest.mark.parametrize(
    ("staff_id", "pin"), [("Wu 7", PIN), ("", PIN), (WU, "1234"), (WU, "12345a"), ("a" * 33, PIN)]
)
def test_ids_and_pins_have_a_form(file, staff_id, pin):
    """Ids fit into records and logs; PINs fit on the screen's pad and are long enough."""
    with pytest.raises(ValueError, match="is"):
        add_staff(file, staff_id, pin)
