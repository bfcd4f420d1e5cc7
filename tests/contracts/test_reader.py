"""What every reader driver owes, found by listing: a new one is tested without touching a test."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from drivers.errors import DeviceAbsent
from drivers.load import open_reader, reader_names

MODELS = sorted(Path(__file__).parents[2].glob("firmware_configs/readers/*.toml"))
METHODS = ("capture", "cancel", "check", "close")


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
