"""Uploading one finger image of the gt521 family: against the line's own time.

The simulated module runs in a process of its own, so its processor time is nobody's. The picture is
compared before any figure is printed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from contextlib import closing
from typing import Final

from bench import CannotRun, Figures
from bench.other_end import other_end
from drivers.fingerprint import FingerImage
from drivers.gt521_packets import image_line_bytes
from drivers.peers.gt521 import Gt521Peer
from drivers.readers.gt521 import Baud, Config, open_reader

WIDTH_PX: Final = 202
HEIGHT_PX: Final = 258
IMAGE_BYTES: Final = WIDTH_PX * HEIGHT_PX
SPEEDS: Final[tuple[Baud, ...]] = (57600, 115200)


def measure(long: bool) -> Figures:
    """Return seconds, efficiency and share of a core for one image; medians of three or seven."""
    figures: dict[str, float | int | str | None] = {}
    for baud in SPEEDS:
        uploads = [_upload(baud) for _ in range(7 if long else 3)]
        seconds = statistics.median(wall for wall, _ in uploads)
        cpu_s = statistics.median(cpu for _, cpu in uploads)
        line_s = image_line_bytes(IMAGE_BYTES) * 10 / baud
        figures |= {
            f"seconds_{baud}": seconds,
            f"line_seconds_{baud}": line_s,
            f"efficiency_{baud}": line_s / seconds,
            f"cpu_share_{baud}": cpu_s / seconds,
        }
    return figures


def serve_peer() -> None:
    """Be the module until standard input closes; the port's path is the first line of output."""
    with Gt521Peer(throttled=True) as peer:
        peer.put(_pixels())
        print(peer.port, flush=True)
        sys.stdin.read()


def _pixels() -> bytes:
    return random.Random(1).randbytes(IMAGE_BYTES)


def _upload(baud: Baud) -> tuple[float, float]:
    """Return wall and processor seconds of this thread, from the command to the checked image."""
    began: list[tuple[float, float]] = []

    def progress(received: int, _total: int) -> None:
        if not received:
            began.append((time.monotonic(), time.thread_time()))

    with other_end(__name__, "serve_peer()") as module:
        config = Config(port=module.port, model="bench", resolution_ppi=450, baud=baud)
        with closing(open_reader(config)) as reader:
            image = reader.capture(10.0, progress)
            wall_s, cpu_s = time.monotonic() - began[0][0], time.thread_time() - began[0][1]
    if not isinstance(image, FingerImage) or image.pixels != _pixels():
        raise CannotRun("our own driver brought another picture than the module holds")
    return wall_s, cpu_s
