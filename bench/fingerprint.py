"""Uploading one finger image: against the line's own time, and against two open drivers.

The simulated module runs in a process of its own, so its processor time is nobody's. All clients
fetch the same print from it, and the pictures are compared before any figure is printed. A whole
finger is measured too, from its landing on the glass to the verdict: the simulated module takes no
time of its own, real ones some 0.6 s for GetImage and 0.4 s for Img2Tz (brianrho/FPM issue 18).
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import serial
from PIL import Image

from bench import CannotRun, Figures
from bench.other_end import OtherEnd, other_end
from bench.whole_finger import seconds_over_line
from drivers.fingerprint import FingerImage, FingerprintReader
from drivers.peers.presses import RIGHT_THUMB
from drivers.peers.synthetic_prints import grow, press
from drivers.peers.zfm import ZfmPeer
from drivers.readers.zfm import Config, open_reader
from drivers.zfm_packets import (
    PacketParser,
    pack_4bit,
    stream,
    stream_line_bytes,
    unpack_4bit,
)

WIDTH_PX: Final = 256
HEIGHT_PX: Final = 288
PACKET_BYTES: Final = 256
IMAGE_BYTES: Final = WIDTH_PX * HEIGHT_PX // 2
PARSED_IMAGES: Final = 60
LARGE_PX: Final = 1024

Fetch = Callable[[Path, int], tuple[bytes, float, float]]
"""Fetch one image: 8-bit pixels, wall seconds, processor seconds of the calling thread."""


def measure(long: bool) -> Figures:
    """Return the figures of row *fingerprint*; most are medians of three, with `long` of seven."""
    # Processor time of a few milliseconds varies by a third from one upload to the next.
    rounds = 7 if long else 3
    figures: dict[str, float | int | str | None] = {}
    our_cpu_s = 0.0
    for baud in (57600, 115200, 921600):
        seconds, cpu_s = _measured(_ours, baud, rounds if long or baud > 57600 else 1)
        line_s = stream_line_bytes(IMAGE_BYTES, PACKET_BYTES) * 10 / baud
        figures[f"seconds_{baud}"] = seconds
        figures[f"line_seconds_{baud}"] = line_s
        figures[f"efficiency_{baud}"] = line_s / seconds
        if baud == 115200:
            our_cpu_s = cpu_s
            figures |= {"cpu_share_115200": cpu_s / seconds, "cpu_s": cpu_s}
    # They take thirty and ten times our processor time: fewer uploads tell enough.
    for name, client, times in (
        ("pyfingerprint", _pyfingerprint, rounds if long else 1),
        ("adafruit", _adafruit, rounds if long else 2),
    ):
        seconds, cpu_s = _measured(client, 115200, times)
        figures |= {f"{name}_seconds_115200": seconds, f"{name}_cpu_s": cpu_s}
        figures[f"cpu_ratio_{name}"] = our_cpu_s / cpu_s
    figures["parser_mb_per_s"] = _parser_mb_per_s()
    figures["upload_mb_per_s_unthrottled"] = _upload_mb_per_s()
    whole_s = seconds_over_line(5 if long else 2)
    figures["whole_finger_over_line_s"] = statistics.median(whole_s)
    figures["whole_finger_over_line_s_most"] = max(whole_s)
    return figures


def serve_peer(baud: int) -> None:
    """Be the module until standard input closes; the port's path is the first line of output."""
    with ZfmPeer(baud=baud, packet_bytes=PACKET_BYTES, throttled=True) as peer:
        peer.put(_print())
        print(peer.port, flush=True)
        sys.stdin.read()


def serve_large() -> None:
    """Be a module with the largest image that a model may have, as fast as the terminal."""
    with ZfmPeer(
        width_px=LARGE_PX, height_px=LARGE_PX, bits=8, baud=921600, packet_bytes=PACKET_BYTES
    ) as peer:
        peer.put(_large())
        print(peer.port, flush=True)
        sys.stdin.read()


@cache
def _print() -> bytes:
    return press(grow(RIGHT_THUMB, WIDTH_PX, HEIGHT_PX), 1).tobytes()


@cache
def _large() -> bytes:
    return random.Random(1).randbytes(LARGE_PX * LARGE_PX)


def _measured(client: Fetch, baud: int, rounds: int) -> tuple[float, float]:
    expected = unpack_4bit(pack_4bit(_print()))
    seconds, cpu_s = [], []
    with _peer(baud) as module:
        for _ in range(rounds):
            pixels, wall, cpu = client(Path(module.port), baud)
            if pixels != expected:
                raise CannotRun(f"{client.__name__} brought another picture than the module holds")
            seconds.append(wall)
            cpu_s.append(cpu)
    return statistics.median(seconds), statistics.median(cpu_s)


def _peer(baud: int) -> AbstractContextManager[OtherEnd]:
    return other_end(__name__, f"serve_peer({baud})")


class _Watch:
    """Wall and processor time of this thread since it was made."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), time.thread_time()

    def read(self) -> tuple[float, float]:
        return time.monotonic() - self._wall_s, time.thread_time() - self._cpu_s


def _ours(port: Path, baud: int) -> tuple[bytes, float, float]:
    config = Config(
        port=str(port), model="bench", width_px=WIDTH_PX, height_px=HEIGHT_PX, resolution_ppi=500,
        baud=baud, packet_bytes=PACKET_BYTES,
    )  # fmt: skip
    reader = open_reader(config)
    watches: list[_Watch] = []

    def progress(received: int, _total: int) -> None:
        if received == 0:
            watches.append(_Watch())

    try:
        image = reader.capture(10.0, progress)
    finally:
        reader.close()
    wall, cpu = watches[0].read()
    if not isinstance(image, FingerImage):
        raise CannotRun(f"our own driver brought {image}")
    return image.pixels, wall, cpu


def _pyfingerprint(port: Path, baud: int) -> tuple[bytes, float, float]:
    module = _client("pyfingerprint.pyfingerprint", "pyfingerprint")
    reader = module.PyFingerprint(str(port), baud)
    reader.verifyPassword()
    reader.readImage()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "print.bmp")
        watch = _Watch()
        reader.downloadImage(str(path))
        wall, cpu = watch.read()
        with Image.open(path) as picture:
            return picture.convert("L").tobytes(), wall, cpu


def _adafruit(port: Path, baud: int) -> tuple[bytes, float, float]:
    module = _client("adafruit_fingerprint", "adafruit-circuitpython-fingerprint")
    with serial.Serial(str(port), baud, timeout=3) as line:
        reader = module.Adafruit_Fingerprint(line)
        reader.get_image()
        watch = _Watch()
        packed = bytes(reader.get_fpdata("image"))
        wall, cpu = watch.read()
    return unpack_4bit(packed), wall, cpu


def _client(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise CannotRun(f"{package} is not installed: {missing}") from missing


def _upload_mb_per_s() -> float:
    """Return the best of three, from the first piece of a large image to its last, checked."""
    with other_end(__name__, "serve_large()") as module:
        reader = open_reader(
            Config(
                port=module.port, model="bench", width_px=LARGE_PX, height_px=LARGE_PX, bits=8,
                resolution_ppi=500, scan_baud=(921600,),
            )
        )  # fmt: skip
        try:
            return max(_upload_rate(reader) for _ in range(3))
        finally:
            reader.close()


def _upload_rate(reader: FingerprintReader) -> float:
    pieces: list[tuple[float, int]] = []
    image = reader.capture(
        10.0, lambda received, _total: pieces.append((time.monotonic(), received))
    )
    ended_s = time.monotonic()
    if not isinstance(image, FingerImage) or image.pixels != _large():
        raise CannotRun("our own driver brought another picture than the module holds")
    began_s, had_bytes = next(piece for piece in pieces if piece[1])
    return (LARGE_PX * LARGE_PX - had_bytes) / 1e6 / (ended_s - began_s)


def _parser_mb_per_s() -> float:
    content = pack_4bit(_print())
    line = b"".join(packet.to_bytes() for packet in stream(content, PACKET_BYTES)) * PARSED_IMAGES
    parser = PacketParser()
    brought = 0
    start = time.process_time()
    for offset in range(0, len(line), 4096):
        parser.feed(line[offset : offset + 4096])
        while (packet := parser.next_packet()) is not None:
            brought += len(packet.payload)
    seconds = time.process_time() - start
    if brought != len(content) * PARSED_IMAGES:
        raise CannotRun("the parser brought another number of bytes than it was fed")
    return len(line) / 1e6 / seconds
