"""The makers' settings under the house's names: as menus, as these cameras have them.

libgphoto2 names a choice by the maker's word: "1/125", "0.0080s", "f/5.6", "Auto". Where a word is
a measure its number becomes the key: 80 is 8 ms on every camera; else the choice's place is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from drivers.camera import Control
from drivers.errors import DeviceError, SettingsRefused

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def _exposure_100us(word: str) -> int | None:
    """Return "1/125", "0.0080s" or "2" in units of 100 us; None for "Bulb"."""
    parts = word.removesuffix("s").split("/")
    if not all(_NUMBER.fullmatch(part) for part in parts) or len(parts) > 2:
        return None
    seconds = float(parts[0]) / (float(parts[1]) or 1.0 if len(parts) == 2 else 1.0)
    return round(seconds * 10_000) or None


def _tenths(word: str) -> int | None:
    bare = word.removeprefix("f/")
    return round(float(bare) * 10) if _NUMBER.fullmatch(bare) else None


def _whole(word: str) -> int | None:
    return int(word) if word.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Known:
    """One setting: our name, the library's names for it by maker, and how a word is read."""

    name: str
    widgets: tuple[str, ...]
    read: Callable[[str], int | None] | None = None
    unit: str = ""


KNOWN: Final = (
    Known("exposure_auto_mode", ("autoexposuremode", "expprogram")),
    Known("exposure_100us", ("shutterspeed2", "shutterspeed"), _exposure_100us, "100 us"),
    Known("aperture_tenths", ("f-number", "aperture"), _tenths, "f/10"),
    Known("iso", ("iso",), _whole, "ISO"),
    Known("white_balance_mode", ("whitebalance",)),
    Known("white_balance_k", ("colortemperature",), _whole, "K"),
    Known("focus_mode", ("focusmode", "focusmode2")),
    Known("image_format", ("imageformat", "imagequality")),
)
_BY_NAME: Final = {known.name: known for known in KNOWN}


def listed(gp: Any, device: Any) -> tuple[Control, ...]:
    """Return what can be set, as it stands now. Raises the library's error."""
    tree = widgets(device.get_config())
    found = (_described(gp, known, tree) for known in KNOWN)
    return tuple(control for control in found if control is not None)


def write(gp: Any, device: Any, name: str, value: int) -> Control:
    """Set one and return it as the camera then says it is.

    Raises:
        DeviceError: no such setting, a value that it does not take, or another one was kept.
        GPhoto2Error: the library's, for the caller to name.
    """
    known = _BY_NAME.get(name)
    tree = widgets(device.get_config())
    before = _described(gp, known, tree) if known else None
    if known is None or before is None:
        raise DeviceError(f"the camera has no {name}")
    before.require(value)
    widget = next(tree[word] for word in known.widgets if word in tree)
    widget.set_value(before.choices[value])
    device.set_single_config(widget.get_name(), widget)
    after = _described(gp, known, widgets(device.get_config()))
    if after is None or after.value != value:
        kept = "nothing" if after is None else after.choices.get(after.value, str(after.value))
        raise DeviceError(f"{name} was set to {before.choices[value]}, but the camera kept {kept}")
    return after


def apply(gp: Any, device: Any, wanted: Mapping[str, int]) -> None:
    """Write several, modes first, whatever order they are given in. Raises `SettingsRefused`."""
    unknown = sorted(wanted.keys() - _BY_NAME.keys())
    if unknown:
        raise SettingsRefused(f"no camera has {unknown[0]}; there are {', '.join(_BY_NAME)}")
    for known in KNOWN:
        if known.name in wanted:
            _demand(gp, device, known.name, wanted[known.name])


def _demand(gp: Any, device: Any, name: str, value: int) -> None:
    try:
        write(gp, device, name, value)
    except DeviceError as refused:
        # One that is gone or silent may be back; one that says no goes on saying it.
        if type(refused) is DeviceError:
            raise SettingsRefused(str(refused)) from refused
        raise


def widgets(window: Any) -> dict[str, Any]:
    """Return the settings of the library's tree by their names; the first of a name counts."""
    found: dict[str, Any] = {}
    waiting = [window]
    while waiting:
        widget = waiting.pop(0)
        waiting += [widget.get_child(place) for place in range(widget.count_children())]
        found.setdefault(widget.get_name(), widget)
    return found


def _described(gp: Any, known: Known, tree: Mapping[str, Any]) -> Control | None:
    widget = next((tree[word] for word in known.widgets if word in tree), None)
    if widget is None or widget.get_type() not in (gp.GP_WIDGET_RADIO, gp.GP_WIDGET_MENU):
        return None
    words = [widget.get_choice(place) for place in range(widget.count_choices())]
    choices = keyed(known, words)
    keys = {word: key for key, word in choices.items()}
    value = keys.get(widget.get_value())
    if widget.get_readonly() or value is None:
        # What stands between its own choices cannot be put back: it is not ours to set.
        return None
    return Control(
        known.name, "menu", value, min(choices), max(choices), 1, value, choices, known.unit
    )


def keyed(known: Known, words: list[str]) -> dict[int, str]:
    """Return the choices by their keys; of two with one key the first stays."""
    choices: dict[int, str] = {}
    for place, word in enumerate(words):
        key = known.read(word) if known.read else place
        if key is not None:
            choices.setdefault(key, word)
    return choices
