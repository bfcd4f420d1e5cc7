"""How starts are remembered, what the next one dares, and what of a refused file can be used."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edge.settings_file import SettingsError
from edge.store.errors import StoreFull
from edge.upkeep.fault import fault_of, keep_fault, kept_fault
from edge.upkeep.health_watch import HealthWatch, Healthy
from edge.upkeep.known_good import FILE, FOLDER, KnownGood
from edge.upkeep.rescue import rescue
from edge.upkeep.starts import AGAIN_MS, TRIES, Clocks, Level, Starts
from edge.upkeep.ways import ASK, Ways
from tests.upkeep_kit import new_home

SUBJECT = "settings 1.0.0"


@dataclass
class Machine:
    """A machine whose clocks and boots a test moves."""

    now_ms: int = 1_000_000_000
    up_ms: int = 50_000
    boot: str = "boot-1"

    def clocks(self):
        return Clocks(lambda: self.now_ms, lambda: self.up_ms, lambda: self.boot)

    def passes(self, ms):
        self.now_ms += ms
        self.up_ms += ms


class Book:
    """Starts as processes make them: each reads what the one before left."""

    def __init__(self, folder):
        self.folder, self.machine = folder, Machine()

    def open(self):
        return Starts(self.folder, self.machine.clocks())

    def due(self, *, known_good=False):
        return self.open().due(SUBJECT, known_good=known_good)

    def dies(self, level=Level.WHOLE, subject=SUBJECT, after_ms=3000):
        self.open().begin(subject, level)
        self.machine.passes(after_ms)


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


def test_three_silent_starts_let_the_next_one_dare_less(book):
    """The last good settings first, if there are others; then no device; then nothing at all."""
    for _ in range(TRIES):
        assert book.due() is Level.WHOLE
        book.dies()
    assert book.due(known_good=True) is Level.KNOWN_GOOD
    book.dies(Level.KNOWN_GOOD)
    book.dies(Level.KNOWN_GOOD)
    assert book.due(known_good=True) is Level.DELIVERY
    book.dies(Level.DELIVERY)
    assert book.due() is Level.DELIVERY
    book.dies(Level.DELIVERY)
    assert book.due() is Level.BARE


def test_the_whole_is_tried_again_after_a_while_and_each_time_later(book):
    """A cause that passes needs no technician; one that stays is not tried every two seconds."""
    for _ in range(TRIES):
        book.dies(after_ms=0)
    for pause_ms in (*AGAIN_MS, AGAIN_MS[-1]):
        assert book.due() is Level.DELIVERY
        assert book.open().again_in_ms(SUBJECT) == pause_ms
        book.machine.passes(pause_ms - 1)
        assert book.due() is not Level.WHOLE
        book.machine.passes(1)
        assert book.due() is Level.WHOLE
        book.dies(after_ms=0)


@pytest.mark.parametrize("why", ["healthy", "stopped", "other settings", "other boot", "damaged"])
def test_what_says_nothing_against_the_settings_is_not_counted(book, why):
    """A healthy start, a stop, other settings, a power cut, and a book that cannot be read."""
    for _ in range(TRIES):
        match why:
            case "healthy":
                starts = book.open()
                starts.begin(SUBJECT, Level.WHOLE)
                starts.reached("healthy")
            case "stopped":
                starts = book.open()
                starts.begin(SUBJECT, Level.WHOLE)
                starts.reached("serving")
                starts.ended("stopped")
            case "other settings":
                book.dies(subject="others 1.0.0")
            case _:
                book.dies()
    if why == "other boot":
        book.machine.boot = "boot-2"
    if why == "damaged":
        (book.folder / "starts.json").write_bytes(b"\xff{")
    assert book.due() is Level.WHOLE


def test_a_start_that_hung_until_it_was_told_to_stop_counts_as_silent(book):
    """systemd ends what never says that it is ready."""
    for _ in range(TRIES):
        starts = book.open()
        starts.begin(SUBJECT, Level.WHOLE)
        book.machine.passes(90_000)
        starts.ended("stopped")
    assert book.due() is not Level.WHOLE


def test_on_a_machine_that_hides_its_boot_id_both_clocks_tell_one_boot_from_another(book):
    """The unit shows the service nothing of /proc but processes."""
    book.machine.boot = ""
    for _ in range(TRIES):
        book.dies()
    assert book.due() is Level.DELIVERY
    book.machine.now_ms += 300_000
    book.machine.up_ms = 20_000
    assert book.due() is Level.WHOLE


def test_what_refuses_is_tried_anew_at_every_start_and_soon(book):
    """It costs no process: the whole comes first each time, a minute later."""
    for _ in range(TRIES + 2):
        assert book.due() is Level.WHOLE
        starts = book.open()
        starts.begin(SUBJECT, Level.WHOLE)
        starts.ended("key_unusable")
        starts.begin(SUBJECT, Level.DELIVERY)
        starts.ended("again")
    assert book.due() is Level.WHOLE


def test_settings_known_good_are_those_whose_digest_agrees(tmp_path):
    """Kept byte for byte, once; a changed byte and they are not used."""
    good = KnownGood(tmp_path)
    assert good.kept() is None
    assert good.keep(b"a = 1\n", "1.0.0")
    assert not good.keep(b"a = 1\n", "1.0.0")
    assert good.kept().path.read_bytes() == b"a = 1\n"
    (tmp_path / FOLDER / FILE).write_bytes(b"a = 2\n")
    assert good.kept() is None
    assert good.keep(b"a = 3\n", "1.0.0")
    assert good.kept().release == "1.0.0"


def test_only_settings_that_were_not_written_since_are_kept_as_good(tmp_path):
    """What stands in the file by then is not what was healthy."""
    file = tmp_path / "station.toml"
    file.write_text("a = 1\n")
    ways = Ways(file, tmp_path / "state", "1.0.0")
    assert not ways.changed()
    file.write_text("a = 2\n")
    ways.keep_good()
    assert ways.changed()
    assert ways.good.kept() is None
    file.write_text("a = 1\n")
    ways.keep_good()
    assert ways.good.kept().path.read_text() == "a = 1\n"
    (tmp_path / "state" / ASK).touch()
    assert ways.changed()


def test_a_start_is_healthy_after_a_while_and_its_settings_good_once_devices_worked_as_long():
    """By a clock that a test moves; what speaks of the day and not of the settings is let pass."""
    now, said = [0.0], []
    state = {"failed": False, "reasons": (), "devices": False}
    watch = HealthWatch(
        Healthy(
            lambda: state["failed"], lambda: state["reasons"], lambda: state["devices"],
            lambda: said.append("lived"), lambda: said.append("good"),
        ),
        100.0,
        lambda: now[0],
    )  # fmt: skip

    def after(seconds):
        now[0] += seconds
        watch.look()
        return list(said)

    assert after(99) == []
    assert after(1) == ["lived"]
    state["devices"] = True
    assert after(99) == ["lived"]
    state["reasons"] = ("device_out",)
    assert after(1) == ["lived"]
    state["reasons"] = ("maintenance", "battery_low")
    assert after(99) == ["lived"]
    assert after(1) == ["lived", "good"]
    assert after(500) == ["lived", "good"]


@pytest.mark.parametrize(
    ("error", "code", "file", "line"),
    [
        (SettingsError("/e/s.toml, line 7: a.b is 1; no."), "settings_refused", "/e/s.toml", 7),
        (SettingsError("s.toml: not valid TOML: no (at line 3, column 5)."),
         "settings_refused", "s.toml", 3),
        (StoreFull("no room"), "store_full", "", 0),
        (FileNotFoundError(2, "No such file", "/x/y.pem"), "system_refused", "/x/y.pem", 0),
        (ValueError("an option"), "option_refused", "", 0),
        (RuntimeError("what"), "unexpected", "", 0),
    ],
    ids=["settings", "toml", "store", "system", "option", "unexpected"],
)  # fmt: skip
def test_what_a_start_met_is_told_with_its_place(tmp_path, error, code, file, line):
    """Code, file and line; kept for the command line and taken away again."""
    fault = fault_of(error)
    assert (fault.code, fault.file, fault.line) == (code, file, line)
    assert str(error.args[-1]) in fault.sentence or fault.file in fault.sentence
    keep_fault(tmp_path, fault)
    assert kept_fault(tmp_path) == fault
    keep_fault(tmp_path, None)
    assert kept_fault(tmp_path) is None
    (tmp_path / "fault.json").write_text("[]")
    assert kept_fault(tmp_path) is None


def test_of_a_refused_file_each_section_that_holds_is_used(tmp_path):
    """A wrong camera keeps neither the page from its port nor packages from the centre; of a file
    that is no TOML nothing is taken, and the last good one stands in.
    """
    home = new_home(tmp_path / "home")
    home.file.write_text(home.settings().replace('driver = "folder"', "driver = 3", 1))
    found = rescue([home.file])
    assert (found.kiosk.port, found.v1.port) == (home.kiosk, home.v1)
    assert found.station.id == "st-upkeep"
    assert found.delivery.sinks[0].name == "copies"
    assert found.delivery.store.folder == home.folder / "store"
    home.file.write_text(home.settings().replace('language = "en"', 'language = "klingon"'))
    assert (rescue([home.file]).station.id, rescue([home.file]).station.language) == (
        "st-upkeep", "zh-CN",
    )  # fmt: skip
    assert rescue([home.file]).delivery is not None
    home.file.write_text("[kiosk\n")
    assert rescue([home.file]).delivery is None
    assert rescue([home.file]).kiosk.port == 8080
    good = tmp_path / "good.toml"
    good.write_text(home.settings())
    assert rescue([home.file, good]).kiosk.port == home.kiosk
