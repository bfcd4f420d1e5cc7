"""A UVC camera's settings under the house's names: listed, written, and read back after writing.

The kernel's automatic exposure is a menu of four and its mains frequency counts 0, 1, 2, 3: here
the first is a switch and the second is hertz, so that one settings file serves every maker.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.camera import Control
from drivers.cameras.v4l2 import kernel
from drivers.cameras.v4l2.node import Node
from drivers.errors import DeviceError, SettingsRefused

_USER: Final = 0x00980900
_CAMERA: Final = 0x009A0900

_MANUAL: Final = 1
_AUTOMATIC: Final = (3, 0)
"""V4L2_EXPOSURE_APERTURE_PRIORITY as UVC cameras have it, else V4L2_EXPOSURE_AUTO."""
POWER_LINE_HZ: Final[Mapping[int, int]] = {0: 0, 50: 1, 60: 2, 1: 3}
"""Hertz to the kernel's number; 1 stands for a camera that finds it out by itself."""
MIRROR: Final = _USER + 20
"""V4L2_CID_HFLIP: the station wants no mirror, and no setting may bring one in."""


@dataclass(frozen=True, slots=True)
class Known:
    """One control of the kernel.

    Attributes:
        name: ours.
        number: V4L2_CID_...
        unit: of its value.
        held_by: the automatism that must be off before it obeys.
        codes: our value to the kernel's, where they are not the same.
    """

    name: str
    number: int
    unit: str = ""
    held_by: str = ""
    codes: Mapping[int, int] = field(default_factory=dict)


# The automatisms come first: in this order settings are applied.
KNOWN: Final = (
    Known("exposure_auto", _CAMERA + 1),
    Known("white_balance_auto", _USER + 12),
    Known("focus_auto", _CAMERA + 12),
    Known("gain_auto", _USER + 18),
    Known("power_line_hz", _USER + 24, "Hz", codes=POWER_LINE_HZ),
    Known("exposure_slows_frames", _CAMERA + 3, held_by="exposure_auto"),
    Known("exposure_100us", _CAMERA + 2, "100 us", "exposure_auto"),
    Known("gain", _USER + 19, held_by="gain_auto"),
    Known("white_balance_k", _USER + 26, "K", "white_balance_auto"),
    Known("focus", _CAMERA + 10, held_by="focus_auto"),
    Known("zoom", _CAMERA + 13),
    Known("pan_arcsec", _CAMERA + 8, "arcsec"),
    Known("tilt_arcsec", _CAMERA + 9, "arcsec"),
    Known("brightness", _USER + 0),
    Known("contrast", _USER + 1),
    Known("saturation", _USER + 2),
    Known("hue", _USER + 3),
    Known("gamma", _USER + 16),
    Known("sharpness", _USER + 27),
    Known("backlight_compensation", _USER + 28),
)
_BY_NAME: Final = {known.name: known for known in KNOWN}
_KINDS: Final[Mapping[int, str]] = {
    kernel.TYPE_INTEGER: "int",
    kernel.TYPE_BOOLEAN: "bool",
    kernel.TYPE_MENU: "menu",
    kernel.TYPE_INTEGER_MENU: "menu",
}
_REFUSALS: Final = frozenset(
    {errno.EBUSY, errno.EACCES, errno.ERANGE, errno.EINVAL, errno.EIO, errno.EPIPE}
)
"""What a write ends with though the camera is there: UVC firmware stalls where it dislikes one."""
_HIDDEN: Final = kernel.CONTROL_DISABLED | kernel.CONTROL_READ_ONLY | kernel.CONTROL_WRITE_ONLY


def listed(node: Node) -> tuple[Control, ...]:
    """Return what the camera lets us set, as it stands now. Raises `DeviceError`."""
    found = (_described(node, known) for known in KNOWN)
    return tuple(control for control in found if control is not None)


def write(node: Node, name: str, value: int) -> Control:
    """Set one control and return it as the camera then says it is.

    Raises:
        DeviceError: no such control, a value that it does not take, or another one was kept.
    """
    known = _BY_NAME.get(name)
    control = _described(node, known) if known else None
    if known is None or control is None:
        raise DeviceError(f"the camera has no {name}")
    control.require(value)
    try:
        set_raw(node, known.number, _to_kernel(node, known, value), name)
    except DeviceError as refused:
        if _code(refused) not in _REFUSALS:
            raise
        raise DeviceError(f"the camera refuses {name} = {value}: {_why(refused)}") from refused
    after = _described(node, known)
    if after is None or after.value != value:
        kept = "nothing" if after is None else after.value
        raise DeviceError(f"{name} was set to {value}, but the camera kept {kept}")
    return after


def apply(node: Node, wanted: Mapping[str, int]) -> None:
    """Write several, automatisms first, in whatever order given. Raises `SettingsRefused`."""
    unknown = sorted(wanted.keys() - _BY_NAME.keys())
    if unknown:
        raise SettingsRefused(f"no camera has {unknown[0]}; there are {', '.join(_BY_NAME)}")
    for known in KNOWN:
        if known.name in wanted:
            _demand(node, known.name, wanted[known.name])


def _demand(node: Node, name: str, value: int) -> None:
    try:
        write(node, name, value)
    except DeviceError as refused:
        # One that is gone or silent may be back; one that says no goes on saying it.
        if type(refused) is DeviceError:
            raise SettingsRefused(str(refused)) from refused
        raise


def set_raw(node: Node, number: int, value: int, name: str) -> None:
    """Write the kernel's own number. Raises `DeviceError`."""
    node.ask(kernel.S_CTRL, kernel.ControlValue(id=number, value=value), f"setting {name}")


def unmirror(node: Node) -> None:
    """Switch the camera's own mirror off, where it has one. Raises `DeviceError`."""
    if node.answers(kernel.QUERYCTRL, kernel.ControlQuery(id=MIRROR), "asking for its mirror"):
        set_raw(node, MIRROR, 0, "its mirror")


def _described(node: Node, known: Known) -> Control | None:
    """Return one control, None if this camera has none of that name or none that is set."""
    query = kernel.ControlQuery(id=known.number)
    if not node.answers(kernel.QUERYCTRL, query, f"asking for {known.name}"):
        return None
    if query.flags & _HIDDEN or query.type not in _KINDS:
        return None
    current = kernel.ControlValue(id=known.number)
    node.ask(kernel.G_CTRL, current, f"reading {known.name}")
    held_by = known.held_by if query.flags & kernel.CONTROL_INACTIVE else ""
    if query.flags & kernel.CONTROL_INACTIVE and known.name == "gain":
        # UVC has no automatic gain of its own: it goes with the exposure.
        held_by = "exposure_auto"
    if known.name == "exposure_auto":
        return _exposure_switch(query, current.value)
    if _KINDS[query.type] == "menu":
        return _menu(node, known, query, current.value)
    if query.type == kernel.TYPE_BOOLEAN:
        return Control(
            known.name, "bool", int(bool(current.value)), 0, 1, 1, int(bool(query.default_value)),
            held_by=held_by,
        )  # fmt: skip
    return Control(
        known.name, "int", current.value, query.minimum, query.maximum, max(1, query.step),
        query.default_value, unit=known.unit, held_by=held_by,
    )  # fmt: skip


def _exposure_switch(query: kernel.ControlQuery, value: int) -> Control:
    return Control(
        "exposure_auto", "bool", int(value != _MANUAL), 0, 1, 1,
        int(query.default_value != _MANUAL),
    )  # fmt: skip


def _menu(node: Node, known: Known, query: kernel.ControlQuery, value: int) -> Control:
    ours = {code: own for own, code in known.codes.items()}
    choices = {
        ours.get(code, code): word
        for code, word in _words(node, known.number, query.minimum, query.maximum).items()
    }
    keys = choices or {0: ""}
    return Control(
        known.name, "menu", ours.get(value, value), min(keys), max(keys), 1,
        ours.get(query.default_value, query.default_value), choices, known.unit,
    )  # fmt: skip


def _words(node: Node, number: int, least: int, most: int) -> dict[int, str]:
    """Return a menu's choices. It may have holes, and its bounds are what the camera claims."""
    words = {}
    for index in range(max(0, least), min(most, 63) + 1):
        answer = kernel.MenuQuery(id=number, index=index)
        if node.answers(kernel.QUERYMENU, answer, "asking for its choices"):
            words[index] = answer.name.decode("ascii", "replace")
    return words


def _to_kernel(node: Node, known: Known, value: int) -> int:
    if known.name != "exposure_auto":
        return known.codes.get(value, value)
    if not value:
        return _MANUAL
    choices = _words(node, known.number, 0, 3)
    automatic = [code for code in _AUTOMATIC if code in choices]
    if not automatic:
        raise DeviceError("the camera has no automatic exposure")
    return automatic[0]


def _why(refused: DeviceError) -> str:
    if _code(refused) in (errno.EBUSY, errno.EACCES):
        return "not while it streams, or an automatism holds it"
    return "its firmware does not take it"


def _code(refused: DeviceError) -> int | None:
    cause = refused.__cause__
    return cause.errno if isinstance(cause, OSError) else None
