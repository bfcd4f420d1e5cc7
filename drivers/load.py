"""From a configured name to an open device: the name is the module's name, there is no registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from pydantic import BaseModel

from drivers import cameras, readers
from drivers.camera import Camera
from drivers.find_reader import ReaderFinder, candidate_ports
from drivers.fingerprint import FingerprintReader
from drivers.serial_port import AUTO


def camera_names() -> list[str]:
    """Return the names of the camera drivers that this station has."""
    return _names(cameras)


def reader_names() -> list[str]:
    """Return the names of the reader drivers that this station has."""
    return _names(readers)


def camera_config(name: str) -> type[BaseModel]:
    """Return what the options of a camera driver must fit. Raises `ValueError` as `open_camera`."""
    config: type[BaseModel] = _driver(cameras, "camera", name).Config
    return config


def reader_config(name: str) -> type[BaseModel]:
    """Return what the options of a reader driver must fit. Raises `ValueError` as `open_reader`."""
    config: type[BaseModel] = _driver(readers, "reader", name).Config
    return config


def open_camera(name: str, options: Mapping[str, object]) -> Camera:
    """Open the camera that module `drivers.cameras.<name>` drives.

    Raises:
        ValueError: no such driver, or options that it refuses (pydantic's `ValidationError`).
        DeviceError: the device could not be opened.
    """
    module = _driver(cameras, "camera", name)
    camera: Camera = module.open_camera(module.Config.model_validate(options))
    return camera


def open_reader(name: str, options: Mapping[str, object]) -> FingerprintReader:
    """Open the reader that module `drivers.readers.<name>` drives; raises as `open_camera`."""
    return reader_opener(name, options)()


def reader_opener(name: str, options: Mapping[str, object]) -> Callable[[], FingerprintReader]:
    """Return what opens the reader, each time anew; it raises as `open_reader`.

    With `port = "auto"` it looks for the port, and remembers from call to call where it was.
    """
    if options.get("port") != AUTO:
        return lambda: _open_reader(name, options)
    return ReaderFinder(
        lambda port: _open_reader(name, {**options, "port": port}), candidate_ports
    ).open


def _open_reader(name: str, options: Mapping[str, object]) -> FingerprintReader:
    module = _driver(readers, "reader", name)
    reader: FingerprintReader = module.open_reader(module.Config.model_validate(options))
    return reader


def _names(package: ModuleType) -> list[str]:
    return sorted(module.name for module in iter_modules(package.__path__))


def _driver(package: ModuleType, kind: str, name: str) -> ModuleType:
    # Before the import, so that a settings file cannot name any module of the machine.
    if name not in _names(package):
        raise ValueError(f"no {kind} driver {name!r}; there are: {', '.join(_names(package))}")
    return import_module(f"{package.__name__}.{name}")
