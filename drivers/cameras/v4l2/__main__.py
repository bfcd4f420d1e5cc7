"""`python -m drivers.cameras.v4l2 [DEVICE]`: what is connected, or what one camera says of itself.

For whoever stands before a new camera: its name, what it delivers, what can be set. Nothing is
changed and nothing streams.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drivers.camera import Control
from drivers.cameras.v4l2.controls import listed
from drivers.cameras.v4l2.modes import modes
from drivers.cameras.v4l2.node import Node, System, identity
from drivers.errors import DeviceError

BY_ID: Final = Path("/dev/v4l/by-id")


def told(device: Path, system: System) -> Iterator[str]:
    """Yield what the camera says of itself, a line each. Raises `DeviceError`."""
    node = Node(device, system)
    try:
        answer = identity(node)
        yield f'card = "{answer.card.decode("utf-8", "replace")}"'
        for mode in modes(node):
            rates = ", ".join(f"{rate:g}" for rate in mode.rates_hz) or "any rate"
            yield f"{mode.pixel_format} {mode.width_px}x{mode.height_px} at {rates} Hz"
        for control in listed(node):
            yield f"{control.name} = {control.value}  ({_takes(control)})"
    finally:
        node.close()


def _takes(control: Control) -> str:
    if control.choices:
        takes = ", ".join(f"{key}: {word}" for key, word in sorted(control.choices.items()))
    else:
        takes = f"{control.least} to {control.most} by {control.step}"
    held = f"; held by {control.held_by}" if control.held_by else ""
    return f"{takes}; {control.unit + ', ' if control.unit else ''}maker's {control.default}{held}"


def main(*names: str) -> int:
    """Write the lines; return the exit status."""
    try:
        if names:
            lines = list(told(Path(names[0]), System()))
        else:
            lines = sorted(str(path) for path in BY_ID.glob("*-video-index0"))
    except DeviceError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    sys.stdout.write("\n".join(lines or ["no camera is connected"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
