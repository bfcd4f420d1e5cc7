"""A bench with a known lens, its wizard, and the technician's console over both, for tests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.calibration.procedure import Step
from edge.calibration.steps_board import FRAMING
from edge.calibration.steps_glass import BLANK
from edge.calibration.steps_identity import CAMERA_IDENTITY
from edge.calibration.steps_light import EXPOSURE
from edge.settings import load_settings
from tests.calibration_kit import calibration
from tests.lens_kit import CAMERA, GENEROUS_S, READER, Station, bench
from tests.technician_kit import DEMO, Notebook, Workshop, workshop

STEPS_HERE = (CAMERA_IDENTITY, EXPOSURE, FRAMING, BLANK)


@dataclass
class Booth:
    """A station on the bench, its console, and a technician before it."""

    bench: Station
    shop: Workshop
    technician: Notebook

    def runs(self) -> str:
        """Read the run's page."""
        return self.technician.sees("/calibration/run")

    def does(self, act: str, **form: str):
        """Post one act, as the page read last allows it, and return where it leads."""
        return self.technician.does(f"/calibration/{act}", **form)

    def measures(self) -> str:
        """Measure the present step and return the page once it is over."""
        until_s = time.monotonic() + GENEROUS_S
        while True:
            self.runs()
            assert self.does("measure").status == 303
            session = self.bench.wizard.wait(GENEROUS_S)
            assert session is not None
            # A busy machine makes frames late, and the camera then counts as away for a while.
            if session.failure != "device_out" or time.monotonic() > until_s:
                return self.runs()

    def begins(self, **form: str) -> None:
        """Begin a full calibration of the camera."""
        self.technician.sees("/calibration")
        answer = self.does("begin", kind="full", device=CAMERA, **form)
        assert answer.headers["Location"] == "/calibration/run"

    def kept(self, ended_at_ms: int) -> str:
        """Keep a calibration of the camera that passed, and return its id."""
        return self.bench.book.record(
            replace(calibration(ended_at_ms=ended_at_ms), device_id=CAMERA)
        )


def settings():
    """The demo's settings, with the bench's devices."""
    found = load_settings(DEMO, check_camera=False)
    camera = found.camera.model_copy(update={"id": CAMERA})
    reader = found.reader.model_copy(update={"id": READER})
    return found.model_copy(update={"camera": camera, "reader": reader})


@contextmanager
def booth(folder: Path, steps: Sequence[Step] = STEPS_HERE, **behind: Any) -> Iterator[Booth]:
    """Open a station on the bench with its console, and sign a technician in."""
    with ExitStack() as stack:
        station = stack.enter_context(bench(folder, steps))
        # Its one thread begins here, so that no test seems to leave it behind.
        station.wizard.wait(GENEROUS_S)
        behind = {
            "settings": settings(), "camera": station.camera, "wizard": station.wizard,
            "calibrations": station.book, "maintenance": station.maintenance, **behind,
        }  # fmt: skip
        shop = stack.enter_context(workshop(folder / "shop", **behind))
        yield Booth(station, shop, shop.notebook())
