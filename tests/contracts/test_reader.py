"""What every reader driver owes, found by listing: a new one is tested without touching a test."""

from __future__ import annotations

import random
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from drivers.errors import DeviceAbsent, DeviceError
from drivers.fingerprint import FingerImage, FingerprintReader, Progress, Retry
from drivers.load import open_reader, reader_names
from drivers.peers.line_faults import Fault, Harm
from tests.leaving import leaving

MODELS = sorted(Path(__file__).parents[2].glob("firmware_configs/readers/*.toml"))
METHODS = ("capture", "cancel", "check", "close", "trace")
WIDTH_PX, HEIGHT_PX = 128, 64
PATIENCE_S = 30.0


def options_of(model: Path) -> dict[str, object]:
    """Return what a model's file says."""
    return tomllib.loads(model.read_text(encoding="utf-8"))


def driver_of(options: dict[str, object]) -> str:
    """Return the driver whose options a model's file holds."""
    for name in reader_names():
        with suppress(ValidationError):
            import_module(f"drivers.readers.{name}").Config.model_validate(
                {**options, "port": "/dev/null"}
            )
            return name
    raise AssertionError(f"no driver takes {options}")


def test_there_is_a_reader():
    """A listing that finds nothing would make every test below pass."""
    assert {"gt521", "zfm"} <= set(reader_names())
    assert {driver_of(options_of(model)) for model in MODELS} == set(reader_names())


@pytest.mark.parametrize("name", reader_names())
def test_every_reader_has_a_frozen_config_that_refuses_the_unknown(name):
    """A mistyped option is an error at start, never a silent default."""
    config = import_module(f"drivers.readers.{name}").Config

    assert issubclass(config, BaseModel)
    assert config.model_config["extra"] == "forbid"
    assert config.model_config["frozen"] is True


@pytest.mark.parametrize("name", reader_names())
def test_every_reader_has_a_peer(name):
    """A reader nobody can simulate is not finished."""
    assert find_spec(f"drivers.peers.{name}")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_model_opens_on_its_drivers_peer(model):
    """Every model's file fits a driver, and the driver keeps what the station relies on."""
    options = options_of(model)
    size = {key: options[key] for key in ("width_px", "height_px", "bits") if key in options}
    name = driver_of(options)
    peer_class = getattr(import_module(f"drivers.peers.{name}"), f"{name.capitalize()}Peer")
    with peer_class(**size) as peer:
        reader = open_reader(name, {**options, "port": peer.port})
        reader.check()
        reader.close()
        reader.close()

    assert reader.model == options["model"]
    assert all(callable(getattr(reader, method)) for method in METHODS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_number_of_a_model_names_its_source(model):
    """A number without a source cannot be checked by the next person."""
    options = options_of(model)
    sources = options.get("sources", {})
    numbers = {key for key, value in options.items() if isinstance(value, int | float)}

    assert numbers <= sources.keys()
    assert all(sources.values())


def test_a_small_window_says_that_it_is_not_for_enrolment():
    """192 x 192 px readers miss seven genuine pairs in ten."""
    small = [options for options in map(options_of, MODELS) if options.get("width_px", 0) < 200]

    assert small
    assert all("Not for enrolment" in str(options["warning"]) for options in small)
    assert not any(options["enrolment_grade"] for options in small)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_model_that_may_not_enrol_says_why_and_no_other_warns(model):
    """The console, the health page and the log show this one sentence."""
    options = options_of(model)
    refused = not options["enrolment_grade"]

    assert str(options.get("warning", "")).startswith("Not for enrolment: ") == refused


def test_no_reader_enrols_whose_different_fingers_reach_the_match_limit():
    """202 x 258 px at 450 ppi: different synthetic fingers came to 47, and 40 is one finger."""
    family = [options for options in map(options_of, MODELS) if driver_of(options) == "gt521"]

    assert len(family) >= 3
    assert not any(options["enrolment_grade"] for options in family)


@pytest.mark.parametrize("name", reader_names())
def test_a_missing_port_is_absent(name, tmp_path):
    """Nothing to wait for: the station says so and looks again later."""
    options = next(one for one in map(options_of, MODELS) if driver_of(one) == name)

    with pytest.raises(DeviceAbsent):
        open_reader(name, {**options, "port": tmp_path / "none"})


def test_an_unknown_option_is_refused(tmp_path):
    """The message names the key."""
    with pytest.raises(ValidationError, match="colour"):
        open_reader("zfm", {"port": tmp_path / "none", "colour": "red"})


def test_an_unknown_driver_is_refused_before_any_import():
    """A settings file cannot name any module of the machine."""
    with pytest.raises(ValueError, match="no reader driver"):
        open_reader("os", {})


@dataclass
class Bench:
    """A simulated module of one family, and its driver on it; both families look alike here."""

    name: str
    peer: object
    options: dict[str, object]
    opened: list[FingerprintReader] = field(default_factory=list)

    def open(self) -> FingerprintReader:
        """Open the driver, as the station does after each fault."""
        while self.opened:
            self.opened.pop().close()
        self.opened.append(open_reader(self.name, self.options))
        return self.opened[-1]


@contextmanager
def bench_of(name: str) -> Iterator[Bench]:
    """Set up a module with a small window, as the first model's file of its family says."""
    options = next(one for one in map(options_of, MODELS) if driver_of(one) == name)
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "bits": options["bits"]}
    peer_class = getattr(import_module(f"drivers.peers.{name}"), f"{name.capitalize()}Peer")
    with peer_class(**size) as peer:
        quick = {"port": peer.port, "baud": peer.baud, "poll_s": 0.01, "answer_s": 3.0}
        bench = Bench(name, peer, {**options, **size, **quick})
        yield bench
        for reader in bench.opened:
            reader.close()


def pixels_of(seed: int) -> bytes:
    """Return what lies on the glass: greys that four bits can hold, no two rows alike."""
    dice = random.Random(seed)
    return bytes(dice.randrange(16) * 17 for _ in range(WIDTH_PX * HEIGHT_PX))


def image_of(seed: int, reader: FingerprintReader) -> FingerImage:
    """Return the image that a driver owes for it."""
    return FingerImage(pixels_of(seed), WIDTH_PX, HEIGHT_PX, reader.resolution_ppi)


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def leaving_at(step: int, leave: Callable[[], None]) -> Progress:
    """Return a progress that does something at its n-th call."""
    calls = iter(range(1000))
    return lambda *_: leave() if next(calls) == step else None


@pytest.mark.parametrize("name", reader_names())
def test_what_lies_on_the_glass_comes_back_with_what_the_station_must_know(name):
    """Pixels, size, resolution; and one truth about what it is good for."""
    with bench_of(name) as bench:
        bench.peer.put(pixels_of(1))
        reader = bench.open()
        image = reader.capture(PATIENCE_S, nobody)
        facts = reader.facts

    assert image == image_of(1, reader)
    assert reader.resolution_ppi == bench.options["resolution_ppi"]
    assert (facts.width_px, facts.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert (facts.port, facts.baud) == (str(bench.peer.port), bench.options["baud"])
    assert not reader.enrolment_grade
    assert reader.warning.startswith("Not for enrolment")


@pytest.mark.parametrize("name", reader_names())
def test_nobody_pressing_is_a_value_and_a_cancel_none(name):
    """Place your finger; or the person left, and the reader is free for the next one."""
    with bench_of(name) as bench:
        reader = bench.open()
        reader.cancel()
        nothing = reader.capture(0.05, nobody)
        start = time.monotonic()
        with leaving(reader.cancel):
            left = reader.capture(2 * PATIENCE_S, nobody)
        took_s = time.monotonic() - start
        bench.peer.put(pixels_of(1))
        image = reader.capture(PATIENCE_S, nobody)

    assert (nothing, left) == (Retry.NO_FINGER, None)
    assert took_s < PATIENCE_S
    assert image == image_of(1, reader)


@pytest.mark.parametrize("name", reader_names())
@pytest.mark.parametrize("step", [0, 2])
def test_a_cancel_at_any_step_costs_the_next_person_nothing(name, step):
    """The next image is the next person's, never the rest of the one before."""
    with bench_of(name) as bench:
        bench.peer.put(pixels_of(1))
        reader = bench.open()
        first = reader.capture(PATIENCE_S, leaving_at(step, reader.cancel))
        bench.peer.put(pixels_of(2))
        second = reader.capture(PATIENCE_S, nobody)

    # A cancel at the last step may find the image whole already.
    assert first in (None, image_of(1, reader))
    assert second == image_of(2, reader)


@pytest.mark.parametrize("name", reader_names())
@pytest.mark.parametrize("at", [3, 2000])
def test_a_plug_that_is_pulled_at_any_byte_is_noticed_and_forgotten(name, at):
    """Absent, not wrong; back on the same path it is opened again, and the next image is true."""
    with bench_of(name) as bench:
        bench.peer.put(pixels_of(1))
        reader = bench.open()
        bench.peer.harm(Fault(Harm.UNPLUG, at))
        with pytest.raises(DeviceAbsent):
            reader.capture(PATIENCE_S, nobody)
        with pytest.raises(DeviceAbsent):
            reader.check()
        with pytest.raises(DeviceAbsent):
            bench.open()
        bench.peer.replug()
        image = bench.open().capture(PATIENCE_S, nobody)

    assert image == image_of(1, reader)


@pytest.mark.parametrize("name", reader_names())
def test_a_closed_reader_is_absent_and_still_has_its_last_words(name):
    """Support reads the trace of a reader that is gone; no byte of an image is in it."""
    with bench_of(name) as bench:
        bench.peer.put(pixels_of(1))
        with closing(bench.open()) as reader:
            reader.capture(PATIENCE_S, nobody)
        with pytest.raises(DeviceAbsent):
            reader.check()
        with pytest.raises(DeviceAbsent):
            reader.capture(0.01, nobody)
        reader.cancel()
        words = reader.trace()
    content = pixels_of(1) if bench.options["bits"] == 8 else _packed(pixels_of(1))
    shown = [content[at : at + 8].hex(" ") for at in range(0, len(content), 8)]

    assert all(isinstance(line, str) for line in words)
    assert words[-1].startswith("0 ms ")
    assert not any(piece in line for piece in shown for line in words)


def _packed(pixels: bytes) -> bytes:
    return bytes(
        left & 0xF0 | right >> 4 for left, right in zip(pixels[::2], pixels[1::2], strict=True)
    )


@pytest.mark.parametrize("name", reader_names())
def test_the_trace_may_be_read_while_a_finger_is_taken(name):
    """The support bundle asks from another thread, at any time."""
    read: list[int] = []
    with bench_of(name) as bench:
        bench.peer.put(pixels_of(1))
        reader = bench.open()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                read.append(len(reader.trace()))

        looker = threading.Thread(target=look, name="looker")
        looker.start()
        try:
            images = [reader.capture(PATIENCE_S, nobody) for _ in range(3)]
        finally:
            done.set()
            looker.join()

    assert images == [image_of(1, reader)] * 3
    assert read


TROUBLES = ("cancel", "flip", "unplug", "cancel", "close", "unplug", "flip")


@pytest.mark.parametrize("name", reader_names())
def test_whatever_happens_the_next_image_is_true(name):
    """Cancels, faults and pulled plugs, one after another on the same module."""
    dice = random.Random(8)
    with bench_of(name) as bench:
        for person, what in enumerate(TROUBLES):
            bench.peer.put(pixels_of(person))
            reader = bench.opened[-1] if bench.opened else bench.open()
            leave = reader.cancel if what == "cancel" else lambda: None
            if what == "flip":
                bench.peer.harm(Fault(Harm.FLIP, dice.randrange(4000)))
            if what == "unplug":
                bench.peer.harm(Fault(Harm.UNPLUG, dice.randrange(4000)))
            if what == "close":
                reader.close()
            with suppress(DeviceError):
                first = reader.capture(PATIENCE_S, leaving_at(dice.randrange(3), leave))
                assert first in (None, image_of(person, reader))
            if what == "unplug":
                bench.peer.replug()
            if what in ("unplug", "close"):
                reader = bench.open()
            reader.check()

            assert reader.capture(PATIENCE_S, nobody) == image_of(person, reader), what
