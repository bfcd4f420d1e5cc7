"""The knobs of the demo's reader and camera: what their control files say, and how it is changed.

The files are the only memory: whoever writes into them by hand is seen on the page as well.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from demo.lens import BENCH
from demo.pictures import MOVING, SUBJECTS
from drivers.cameras.folder.script import Hand, Lens
from drivers.errors import DeviceError
from drivers.peers.lens_bench import TARGETS, Target, control_path, read_hand, write_hand
from drivers.peers.lens_bench import Hand as Held
from drivers.peers.reader_control import CONTROL_NAME, PRESSES, Controls, read_controls

NOISES: Final[Mapping[str, float]] = {"none": 0.0, "some": 20.0, "much": 400.0}
"""Bytes hit in a million: of an image's 36,864 about one, or about fifteen."""
GLASSES: Final = ("clear", "latent", "always")
PLAYS: Final = (*SUBJECTS, MOVING)
LENSES: Final = tuple(lens.value for lens in Lens)
SHEETS: Final = tuple(target.value for target in TARGETS)
KNOBS: Final[Mapping[str, tuple[str, ...]]] = {
    "reader.plug": ("in", "out"),
    "reader.press": PRESSES,
    "reader.line": ("talks", "silent"),
    "reader.lock": ("open", "locked"),
    "reader.noise": tuple(NOISES),
    "reader.glass": GLASSES,
    "camera.plug": ("in", "out"),
    "camera.lens": LENSES,
    "camera.still": ("quick", "slow"),
    "camera.holder": ("station", "other"),
    "camera.play": PLAYS,
    "camera.sheet": SHEETS,
}
"""Every knob with its positions, in the order of the page."""


class Knobs:
    """Both devices' control files in a demo's folder; one writer at a time."""

    def __init__(self, folder: Path, subject: str) -> None:
        """Take the demo's folder; `subject` stands before the camera where no file says more."""
        self._reader = folder / "reader" / CONTROL_NAME
        self._camera = folder / "camera" / "camera.control"
        self._plugged = folder / "camera" / "camera.plugged"
        self._bench = folder / "camera" / BENCH
        self._subject = subject
        self._lock = threading.Lock()

    def stand(self) -> dict[str, str]:
        """Return where every knob stands now; what no button sets reads ""."""
        reader, camera = self._reader_now(), self._camera_now()
        noise = {rate: name for name, rate in NOISES.items()}.get(reader.noise_per_megabyte, "")
        glass = "latent" if reader.latent else "always" if reader.finger_always else "clear"
        return {
            "reader.plug": "out" if reader.unplugged else "in",
            "reader.press": reader.press,
            "reader.line": "silent" if reader.silent else "talks",
            "reader.lock": "locked" if reader.locked else "open",
            "reader.noise": noise,
            "reader.glass": glass,
            "camera.plug": "in" if self._plugged.exists() else "out",
            "camera.lens": camera.lens.value,
            "camera.still": "slow" if camera.slow_still else "quick",
            "camera.holder": "other" if camera.held else "station",
            "camera.play": camera.play or self._subject,
            "camera.sheet": self._held().target.value,
        }

    def turn(self, knob: str, to: str) -> None:
        """Turn one knob. Raises `ValueError` for one that is not there, or no position of it."""
        if to not in KNOBS.get(knob, ()):
            raise ValueError(f"{knob} has no position {to}")
        device, _, name = knob.partition(".")
        with self._lock:
            if device == "reader":
                _write(self._reader, asdict(_turned(self._reader_now(), name, to)))
            elif name == "plug":
                self._plug_camera(to == "in")
            elif name == "sheet":
                # What was turned at the lens stays turned, whatever is held up before it.
                write_hand(self._bench, Target(to), self._held().whole())
            else:
                hand = self._camera_now().model_copy(update=_handled(name, to))
                _write(self._camera, hand.model_dump(mode="json", exclude_none=True))

    def reset(self) -> None:
        """Bring both devices to where a demo begins: plugged in, clean, the usual person."""
        with self._lock:
            self._plug_camera(True)
            self._reader.unlink(missing_ok=True)
            self._camera.unlink(missing_ok=True)
            control_path(self._bench).unlink(missing_ok=True)

    def _plug_camera(self, plugged: bool) -> None:
        if plugged and self._plugged.parent.exists():
            self._plugged.touch()
        elif not plugged:
            self._plugged.unlink(missing_ok=True)

    def _held(self) -> Held:
        try:
            return read_hand(self._bench)
        except DeviceError:
            return Held()

    def _reader_now(self) -> Controls:
        return read_controls(_text(self._reader))[0]

    def _camera_now(self) -> Hand:
        try:
            return Hand.model_validate(tomllib.loads(_text(self._camera)))
        except (tomllib.TOMLDecodeError, ValidationError):
            return Hand()


def _handled(name: str, to: str) -> dict[str, object]:
    """Return what a knob of the camera changes in its file."""
    if name == "still":
        return {"slow_still": to == "slow"}
    if name == "holder":
        return {"held": to == "other"}
    return {"lens": Lens(to)} if name == "lens" else {"play": to}


def _turned(now: Controls, name: str, to: str) -> Controls:
    if name == "plug":
        return replace(now, unplugged=to == "out")
    if name == "press":
        return replace(now, press=to)
    if name == "line":
        return replace(now, silent=to == "silent")
    if name == "lock":
        return replace(now, locked=to == "locked")
    if name == "noise":
        return replace(now, noise_per_megabyte=NOISES[to])
    return replace(now, latent=to == "latent", finger_always=to == "always")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _write(path: Path, said: Mapping[str, Any]) -> None:
    """Write flat TOML in one piece: strings, numbers and booleans are spelled as in JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items()))
    part.replace(path)
