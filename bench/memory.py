"""The vision worker's resident memory while it looks at frames and, every so often, at a still.

It is read from the kernel after every few looks, shared memory of the frames included. *Flat* is
judged between the first tenth after the warm-up and the last: what grows with the number of looks
shows there, what a first still fetches once does not. `--long` (`make soak-vision`) looks at
10,000 frames and 300 stills of 12 megapixels.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import CannotRun, Figures
from bench.frames import Picture, live_frames, model_files, still
from drivers.camera import Frame
from edge.vision.client import Depth, ModelFiles, VisionWorker

FRAMES: Final = 400
STILLS: Final = 12
LONG_FRAMES: Final = 10_000
LONG_STILLS: Final = 300
_READ_EVERY: Final = 5
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory in MiB: each reading in its order, and the most there ever was."""

    readings: tuple[float, ...]
    peak: float

    def _tenth(self) -> int:
        return max(1, len(self.readings) // 10)

    @property
    def begin(self) -> float:
        """The median of the first tenth."""
        return statistics.median(self.readings[: self._tenth()])

    @property
    def end(self) -> float:
        """The median of the last tenth."""
        return statistics.median(self.readings[-self._tenth() :])

    @property
    def growth(self) -> float:
        """End less begin."""
        return self.end - self.begin


def measure(long: bool) -> Figures:
    """Return the row *memory*.

    Raises:
        CannotRun: models or picture are not fetched, or the worker was lost meanwhile.
    """
    frames, stills = (LONG_FRAMES, LONG_STILLS) if long else (FRAMES, STILLS)
    began_s = time.monotonic()
    resident = watched(model_files(), live_frames(), still(), frames=frames, stills=stills)
    return {
        "worker_rss_mib": resident.end,
        "worker_rss_peak_mib": resident.peak,
        "worker_rss_growth_mib": resident.growth,
        "frames": frames,
        "stills": stills,
        "seconds": time.monotonic() - began_s,
    }


def watched(
    models: ModelFiles, live: Picture, picture: Picture, *, frames: int, stills: int
) -> Resident:
    """Let a worker look, stills spread evenly among the frames; return what it held.

    Raises:
        CannotRun: the worker had to be replaced: its memory began anew.
    """
    worker = VisionWorker(models, frame_bytes_max=picture.nbytes)
    worker.start()
    try:
        worker.wait_ready()
        # What both kinds of look fetch once is no growth.
        for depth, bgr in ((Depth.LIVE, live[0]), (Depth.STILL, picture)):
            worker.look(Frame(bgr, 0, time.monotonic()), depth, _TIMEOUT_S)
        readings, every = [], max(1, frames // max(1, stills))
        for number in range(1, frames + 1):
            bgr = live[number % len(live)]
            worker.look(Frame(bgr, number, time.monotonic()), Depth.LIVE, _TIMEOUT_S)
            if stills and number % every == 0:
                taken = Frame(picture, frames + number, time.monotonic())
                worker.look(taken, Depth.STILL, _TIMEOUT_S)
            if number % _READ_EVERY == 0:
                readings.append(_status_mib(worker.pid, "VmRSS"))
        peak = _status_mib(worker.pid, "VmHWM")
        if worker.restarts:
            raise CannotRun("the worker was lost and replaced")
        return Resident(tuple(readings), peak)
    finally:
        worker.close()


def _status_mib(pid: int | None, key: str) -> float:
    if pid is None:
        raise CannotRun("the worker was lost")
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) / 1024
