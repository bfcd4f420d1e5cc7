"""libgphoto2: found, opened, and its errors in the house's words.

Only the worker's process loads it; see `worker` for why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from drivers.cameras.gphoto2 import holders
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceHeld,
    DeviceTimeout,
    SettingsRefused,
)

MISSING: Final = "these cameras need libgphoto2; install it with: python3.11 -m setup cameras"

GENERAL_ERROR: Final = -1
"""What it calls a live picture without an end, among others."""
NOT_SUPPORTED: Final = -6
_GONE: Final = frozenset({-5, -7, -31, -33, -34, -35, -52, -105})
"""Unknown port, I/O, its kin of the ports, and not found: what a pulled cable looks like."""
_HELD: Final = frozenset({-53, -60})
"""GP_ERROR_IO_USB_CLAIM and GP_ERROR_IO_LOCK."""
_SILENT: Final = frozenset({-10, -110})
"""GP_ERROR_TIMEOUT, and GP_ERROR_CAMERA_BUSY: it may answer in a moment."""
_MODEL_BY_PORT: Final = {"ptpip:": "PTP/IP Camera", "disk:": "Directory Browse"}


def library() -> Any:
    """Return the module `gphoto2`. Raises `DeviceError` where the extra is not installed."""
    try:
        return import_module("gphoto2")
    except ImportError as failure:
        raise DeviceError(MISSING) from failure


def open_device(wanted: str) -> Any:
    """Return the library's camera at this port, initialised. Raises `DeviceError`, its kinds."""
    gp = library()
    with failures(gp, "opening it"):
        ports, models = gp.PortInfoList(), gp.CameraAbilitiesList()
        ports.load()
        models.load()
        model, port = _found(gp, wanted, ports, models)
        camera = gp.Camera()
        camera.set_abilities(models.get_abilities(models.lookup_model(model)))
        camera.set_port_info(ports.get_info(ports.lookup_path(port)))
    with failures(gp, "opening it", _node(port)):
        camera.init()
    return camera


def _found(gp: Any, wanted: str, ports: Any, models: Any) -> tuple[str, str]:
    """Return model and port as the library names them. Raises `DeviceAbsent`, `DeviceError`."""
    for kind, model in _MODEL_BY_PORT.items():
        if wanted.startswith(kind):
            return model, wanted
    if wanted != "usb:":
        # usb:001,004 is another device after the next plug; libgphoto2 has no name that stays.
        raise SettingsRefused(
            'a camera by USB is found with port = "usb:"; serial_number tells which'
        )
    seen = models.detect(ports, gp.Context())
    there = [(seen.get_name(place), seen.get_value(place)) for place in range(seen.count())]
    if not there:
        raise DeviceAbsent("no camera is connected and switched on")
    if len(there) > 1:
        names = ", ".join(name for name, _ in there)
        raise DeviceError(f"several cameras are connected: {names}; leave one")
    return there[0]


def _node(port: str) -> Path | None:
    bus, _, number = port.removeprefix("usb:").partition(",")
    return Path(f"/dev/bus/usb/{bus}/{number}") if bus.isdecimal() and number.isdecimal() else None


@contextmanager
def failures(gp: Any, doing: str, node: Path | None = None) -> Iterator[None]:
    """Let what the library raises come out as `DeviceError` and its kinds."""
    try:
        yield
    except gp.GPhoto2Error as failure:
        raise named(failure.code, failure.string, doing, node) from failure


def named(code: int, words: str, doing: str, node: Path | None = None) -> DeviceError:
    """Return the library's error in the house's words.

    Args:
        code: GP_ERROR_..., below 0.
        words: the library's own for it.
        doing: what was tried.
        node: the camera's own under /dev/bus/usb, where it is known.
    """
    if code in _HELD:
        holder = holders.who(node) or "another program has the camera; end that program"
        return DeviceHeld(f"the camera is taken: {holder}")
    if code in _GONE:
        return DeviceAbsent("the camera is not connected, switched off, or does not answer")
    if code in _SILENT:
        return DeviceTimeout(f"the camera is busy: {doing} was not done in time")
    if code == NOT_SUPPORTED:
        return DeviceError(f"this camera cannot do it: {doing}")
    return DeviceError(f"{doing} failed: {words}")
