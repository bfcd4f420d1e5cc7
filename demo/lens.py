"""Sheets before the demo's camera: what is held up there, and ``python -m demo.lens TARGET``.

While nothing is held up the camera sees its own scene. Its pace, its cable and its faults stay its
own; only what lies before the lens is the bench's (`drivers.peers.lens_bench`).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import cv2
import numpy as np

from drivers.camera import Camera, Frame, Picture
from drivers.errors import DeviceError
from drivers.peers.lens_bench import TARGETS, Target, Truth, read_hand, render, write_hand

BENCH: Final = "bench"
FOLDER: Final = Path(__file__).resolve().parents[1] / "var" / "demo" / "camera" / BENCH


class BenchBefore:
    """A camera with a lens bench before it.

    Args:
        camera: whose pace, cable, controls and faults these are.
        folder: of the bench's control file; without one nothing is held up.
        photograph: who comes for the target "portrait"; None for nobody.
    """

    def __init__(self, camera: Camera, folder: Path, photograph: Path | None = None) -> None:
        self.model = camera.model
        self._camera = camera
        self._folder = folder
        self._photograph = photograph

    def __getattr__(self, name: str) -> Any:
        """Lend what the camera has beyond reading: controls, a held exposure, its counts."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._camera, name)

    def read(self, timeout_s: float) -> Frame:
        """Return the next frame. Raises as the camera, and `DeviceError` on a wrong file."""
        return self._seen(self._camera.read(timeout_s))

    def still(self, timeout_s: float) -> Frame:
        """Return the next still. Raises as `read`."""
        return self._seen(self._camera.still(timeout_s))

    def close(self) -> None:
        """Close the camera."""
        self._camera.close()

    def _seen(self, frame: Frame) -> Frame:
        hand = read_hand(self._folder)
        if hand.target is Target.NONE:
            return frame
        truth = hand.whole()
        shown_ms = 1000 * (time.time() - truth.latency_s)
        size_px = (frame.width_px, frame.height_px)
        bgr = render(
            hand.target, truth, size_px, frame.captured_at_s, frame.sequence,
            self._person(hand.target), shown_ms,
        )  # fmt: skip
        return Frame(bgr, frame.sequence, frame.captured_at_s, frame.still_scale)

    def _person(self, target: Target) -> Picture | None:
        if target is not Target.PORTRAIT:
            return None
        found = None if self._photograph is None else cv2.imread(str(self._photograph))
        if found is None:
            raise DeviceError("nobody is there for a portrait: a photograph is missing")
        return np.asarray(found, np.uint8)


@click.command()
@click.argument("target", type=click.Choice([one.value for one in TARGETS]))
@click.argument("knobs", nargs=-1, metavar="[KNOB=VALUE]...")
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def main(target: str, knobs: tuple[str, ...], folder: Path) -> None:
    """Hold up TARGET ("none" takes it away) and turn knobs, as pitch_deg=3 or lamp_left=0.2."""
    try:
        turned = {name: float(value) for name, _, value in (one.partition("=") for one in knobs)}
        truth = replace(Truth(), **turned)  # type: ignore[arg-type]  # unknown ones are refused
    except (TypeError, ValueError):
        names = ", ".join(name for name in Truth.__slots__ if name not in {"cast", "mirrored"})
        click.echo(f"demo.lens: write KNOB=NUMBER; knobs are {names}", err=True)
        sys.exit(2)
    write_hand(folder, Target(target), truth)


if __name__ == "__main__":
    main()
