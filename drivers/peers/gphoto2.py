"""The other end of the gphoto2 driver: a PTP/IP camera on a real socket, and a hand at its cable.

libgphoto2's own ptp2 driver talks to it, over its own network port: nothing of the library is
replaced. It answers as a Nikon does that has a live view, as far as ISO 15740, CIPA DC-005 and that
driver tell; no real camera has been compared with it. Its knobs: cut, busy, torn live view, a slow
shutter, a file that is no JPEG.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Final

import cv2
import numpy as np

from drivers.peers import ptp_bytes as ptp

NIKON: Final = 10
STORAGE: Final = 0x00010001
PICTURES: Final = 8
_PATIENCE_S: Final = 0.02
_OPERATIONS: Final = (
    0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1007, 0x1008, 0x1009, 0x100A, 0x100B,
    0x100E, 0x1014, 0x1015, 0x1016, 0x9201, 0x9202, 0x9203, 0x90C8,
)  # fmt: skip


@dataclass
class Setting:
    """One property: the form of its value, what it takes, and how it stands."""

    form: str
    values: tuple[int, ...]
    value: int


@dataclass
class _Talk:
    """What is open between the library and the camera."""

    command: socket.socket
    event: socket.socket | None = None
    heard: bytes = b""
    written: dict[int, bytes] = field(default_factory=dict)


class PtpPeer:
    """One simulated camera, plugged in from the start.

    Attributes:
        port: where it listens, the same after every replug.
        busy: it answers "busy" to whoever wants a picture.
        torn: its live view is cut in the middle.
        spliced: its live view goes on as the next one, in its middle.
        shutter_s: how long the shutter takes.
        raw: what it saves is no JPEG.
        stubborn: it keeps its settings whatever is written.
        settings: property number to what it holds.
        asked: the operations that came, in their order.
        objects: what lies on its card.
    """

    def __init__(self) -> None:
        self.busy = self.torn = self.spliced = self.raw = self.stubborn = False
        self.shutter_s = 0.0
        self.asked: list[int] = []
        self.objects: dict[int, bytes] = {}
        self.settings = _settings()
        self._live = [_jpeg(320, 216, seed) for seed in range(PICTURES)]
        self._large = [_jpeg(960, 648, seed) for seed in range(2)]
        self._live_view = False
        self._count = 0
        self._listener: socket.socket | None = None
        self._thread: Thread | None = None
        self._closing = False
        self.port = 0
        self.plug()

    def plug(self) -> None:
        """Put the cable in: it listens, at the same port as before."""
        if self._thread is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(4)
        self.port = listener.getsockname()[1]
        self._closing, self._listener = False, listener
        self.settings, self.objects, self._live_view = _settings(), {}, False
        self._thread = Thread(target=self._serve, name="ptp-peer", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Pull the cable: both connections break, and nothing listens any more."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Pull it for good."""
        self.unplug()

    def _serve(self) -> None:
        assert self._listener is not None  # noqa: S101  # `plug` made it
        talks: list[_Talk] = []
        with self._listener as listener:
            while not self._closing:
                open_lines = {talk.command: talk for talk in talks}
                ready = select.select([listener, *open_lines], [], [], _PATIENCE_S)[0]
                for line in ready:
                    if line is listener:
                        self._accept(listener.accept()[0], talks)
                    elif not self._hear(open_lines[line]):
                        self._hang_up(open_lines[line])
                        talks.remove(open_lines[line])
        for talk in talks:
            self._hang_up(talk)

    def _accept(self, line: socket.socket, talks: list[_Talk]) -> None:
        """Take a connection: the first of two carries commands, the second events."""
        # A pulled cable says no goodbye.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.settimeout(5.0)
        with suppress(OSError):
            kind, _ = _one(line)
            if kind == ptp.INIT_COMMAND:
                line.sendall(
                    ptp.packet(
                        ptp.INIT_COMMAND_ACK,
                        struct.pack("<I16s", 1, b"anxin-ptp-peer-1")
                        + "peer\0".encode("utf-16-le")
                        + struct.pack("<I", 0x10000),
                    )
                )
                talks.append(_Talk(line))
                return
            if kind == ptp.INIT_EVENT and talks:
                line.sendall(ptp.packet(ptp.INIT_EVENT_ACK, b""))
                talks[-1].event = line
                return
        line.close()

    def _hang_up(self, talk: _Talk) -> None:
        talk.command.close()
        if talk.event is not None:
            talk.event.close()

    def _hear(self, talk: _Talk) -> bool:
        """Answer what came; False once the library hung up."""
        with suppress(OSError):
            piece = talk.command.recv(65536)
            talk.heard += piece
            while len(talk.heard) >= 8:
                length, kind = struct.unpack_from("<II", talk.heard)
                if len(talk.heard) < length:
                    break
                payload, talk.heard = talk.heard[8:length], talk.heard[length:]
                self._packet(talk, kind, payload)
            return bool(piece)
        return False

    def _packet(self, talk: _Talk, kind: int, payload: bytes) -> None:
        if kind == ptp.PING:
            talk.command.sendall(ptp.packet(ptp.PONG, b""))
        elif kind in (ptp.DATA, ptp.END_DATA):
            transaction = int.from_bytes(payload[:4], "little")
            code, parameter, before = self._waiting
            self._waiting = (code, parameter, before + payload[4:])
            if kind == ptp.END_DATA:
                answer = self._set(parameter, self._waiting[2]) if code == 0x1016 else ptp.OK
                talk.command.sendall(ptp.response(answer, transaction))
        elif kind == ptp.REQUEST:
            phase, code, transaction = struct.unpack_from("<IHI", payload)
            parameters = struct.unpack_from(f"<{(len(payload) - 10) // 4}I", payload, 10)
            self.asked.append(code)
            if phase == 2:
                self._waiting = (code, parameters[0] if parameters else 0, b"")
                return
            self._obey(talk, code, transaction, parameters)

    _waiting: tuple[int, int, bytes] = (0, 0, b"")

    def _obey(self, talk: _Talk, code: int, transaction: int, parameters: tuple[int, ...]) -> None:
        first = parameters[0] if parameters else 0
        answers: dict[int, Callable[[int], bytes | int]] = {
            0x1001: lambda _: ptp.device_description(
                "Nikon Corporation", "Anxin PTP peer", NIKON, _OPERATIONS, tuple(self.settings)
            ),
            0x1002: lambda _: ptp.OK,
            0x1003: lambda _: ptp.OK,
            0x1004: lambda _: struct.pack("<II", 1, STORAGE),
            0x1005: lambda _: ptp.storage_description(),
            0x1006: lambda _: ptp.OK,
            0x1007: lambda _: ptp.handles(list(self.objects)),
            0x1008: self._describe_object,
            0x1009: lambda handle: self.objects.get(handle, ptp.BAD_OBJECT),
            0x100B: lambda handle: ptp.OK if self.objects.pop(handle, b"") else ptp.BAD_OBJECT,
            0x1014: self._describe_setting,
            0x1015: self._read_setting,
            0x9201: lambda _: self._view(live=True),
            0x9202: lambda _: self._view(live=False),
            0x9203: lambda _: self._live_picture(),
            0x90C8: lambda _: ptp.BUSY if self.busy else ptp.OK,
        }  # fmt: skip
        if code == 0x100E:
            self._shoot(talk, transaction)
            return
        answer = answers[code](first) if code in answers else ptp.NOT_SUPPORTED
        if isinstance(answer, int):
            talk.command.sendall(ptp.response(answer, transaction))
        else:
            talk.command.sendall(ptp.data(answer, transaction) + ptp.response(ptp.OK, transaction))

    def _shoot(self, talk: _Talk, transaction: int) -> None:
        if self.busy:
            talk.command.sendall(ptp.response(ptp.BUSY, transaction))
            return
        talk.command.sendall(ptp.response(ptp.OK, transaction))
        until_s = time.monotonic() + self.shutter_s
        while time.monotonic() < until_s and not self._closing:
            time.sleep(_PATIENCE_S)
        self._count += 1
        handle = 0x100 + self._count
        self.objects[handle] = b"NEF" * 999 if self.raw else self._large[self._count % 2]
        if talk.event is not None:
            talk.event.sendall(ptp.event(0x4002, handle) + ptp.event(0x400D, 0))

    def _view(self, *, live: bool) -> int:
        if self.busy:
            return ptp.BUSY
        self._live_view = live
        return ptp.OK

    def _live_picture(self) -> bytes | int:
        if not self._live_view or self.busy:
            return 0xA00B if not self.busy else ptp.BUSY
        self._count += 1
        jpeg = self._live[self._count % PICTURES]
        # A Nikon's live view has a head of its own before the JPEG.
        half = jpeg[: len(jpeg) // 2]
        return bytes(128) + (half if self.torn else half + jpeg if self.spliced else jpeg)

    def _describe_object(self, handle: int) -> bytes | int:
        if handle not in self.objects:
            return ptp.BAD_OBJECT
        suffix = "NEF" if self.raw else "JPG"
        length = len(self.objects[handle])
        return ptp.object_description(f"ANX_{handle:04}.{suffix}", STORAGE, length, (960, 648))

    def _describe_setting(self, code: int) -> bytes | int:
        held = self.settings.get(code)
        if held is None:
            return ptp.BAD_PROPERTY
        return ptp.property_description(code, held.form, held.values, held.value)

    def _read_setting(self, code: int) -> bytes | int:
        held = self.settings.get(code)
        return ptp.BAD_PROPERTY if held is None else struct.pack("<" + held.form, held.value)

    def _set(self, code: int, content: bytes) -> int:
        held = self.settings.get(code)
        if held is None:
            return ptp.BAD_PROPERTY
        value = int.from_bytes(content, "little")
        if value not in held.values:
            return ptp.BAD_VALUE
        if not self.stubborn:
            held.value = value
        return ptp.OK


class Peer(PtpPeer):
    """The contract test's camera.

    Attributes:
        options: for `drivers.load.open_camera("gphoto2", options)`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.options: dict[str, object] = {
            "port": f"ptpip:127.0.0.1:{self.port}:{self.port}",
            "still_width_px": 960,
            "rate_hz": 60,
        }


def _one(line: socket.socket) -> tuple[int, bytes]:
    """Read exactly one packet. Raises `OSError` once the line is closed."""
    head = _exactly(line, 8)
    length, kind = struct.unpack("<II", head)
    return kind, _exactly(line, min(length, 1 << 16) - 8)


def _exactly(line: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        piece = line.recv(length - len(got))
        if not piece:
            raise OSError("hung up")
        got += piece
    return got


def _settings() -> dict[int, Setting]:
    """Return what a camera has after it was switched on: battery, aperture, shutter, ISO."""
    return {
        0x5007: Setting("H", (280, 400, 560, 800), 560),
        0x500D: Setting("I", (10, 20, 40, 80, 160, 333), 80),
        0x500F: Setting("H", (100, 200, 400, 800), 100),
    }


def _jpeg(width_px: int, height_px: int, seed: int) -> bytes:
    """Return a noisy picture whose left half is darker: mirroring would show."""
    noise: Any = np.random.default_rng(seed).integers(0, 12, (height_px, width_px, 3))
    picture = np.full((height_px, width_px, 3), 90, np.uint8) + noise.astype(np.uint8)
    picture[:, width_px // 2 :] += 80
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
