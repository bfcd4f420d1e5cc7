"""The other end of the rtsp driver: a small RTSP server on a real socket, and a hand at its cable.

It speaks RTSP 1.0 (RFC 2326) as far as a client that plays one video asks for it, and sends RTP
inside the same connection: JPEG by RFC 2435, H.264 by RFC 6184. One client at a time. Its knobs are
what happens to a camera at the end of a long cable: cut, silence, noise, lost packets, late frames.
"""

from __future__ import annotations

import base64
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any, Final

import cv2
import numpy as np

from drivers.peers import rtp_payload as rtp

WIDTH_PX, HEIGHT_PX = 320, 240
PICTURES: Final = 8
_PATIENCE_S: Final = 0.02


class RtspPeer:
    """One simulated network camera, plugged in from the start.

    Attributes:
        port: where it listens, the same after every replug.
        stalled: it keeps the connection and sends nothing.
        garbage: what it sends is noise.
        loses: every n-th RTP packet is not sent; 0 sends all.
        held: frames are kept back, with their stamps, and come all at once when it is let go.
        user, password: asked for if set (RFC 2617, basic).
        large: its pictures are twice as wide and high: a camera may change while it plays.
        sent_frames: how many left.
        clients: how many connected.
    """

    def __init__(self, codec: str = "jpeg", rate_hz: float = 30.0, user: str = "") -> None:
        self.codec, self.rate_hz = codec, rate_hz
        self.stalled = self.garbage = self.held = False
        self.loses = 0
        self.user, self.password = user, "stick:ground/7" if user else ""
        self.path = "/stream"
        self.large = False
        self.sent_frames = self.clients = 0
        self._units = {large: _coded(codec, large=large) for large in (False, True)}
        self._sender = rtp.Sender(rtp.JPEG_TYPE if codec == "jpeg" else rtp.H264_TYPE)
        self._line: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._closing = False
        self.port = 0
        self._backlog: list[bytes] = []
        self._thread: Thread | None = None
        self.plug()

    @property
    def url(self) -> str:
        """Where it plays."""
        return f"rtsp://127.0.0.1:{self.port}{self.path}"

    def plug(self) -> None:
        """Put the cable in: it listens, at the same port as before."""
        if self._thread is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(4)
        self.port = listener.getsockname()[1]
        self._closing = False
        self._listener = listener
        self._thread = Thread(target=self._serve, name="rtsp-peer", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Pull the cable: the connection breaks, and nothing listens any more."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Pull it for good."""
        self.unplug()

    def _serve(self) -> None:
        assert self._listener is not None  # noqa: S101  # `plug` made it
        with self._listener as listener:
            while not self._closing:
                if not select.select([listener], [], [], _PATIENCE_S)[0]:
                    continue
                line, _ = listener.accept()
                self.clients += 1
                with line, suppress(OSError, _Gone):
                    # A pulled cable says no goodbye.
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        """Answer requests and send frames, until the client goes or the cable is pulled."""
        self._sender.sequence, heard, playing_since_s, ticks = 0, b"", None, 0
        self._backlog = []
        while not self._closing:
            if select.select([line], [], [], _PATIENCE_S / 4)[0]:
                piece = line.recv(4096)
                if not piece:
                    return
                heard += piece
            while (end := heard.find(b"\r\n\r\n")) >= 0 or heard[:1] == b"$":
                if heard[:1] == b"$":
                    # The client's own reports about what it received.
                    size = 4 + int.from_bytes(heard[2:4])
                    if len(heard) < size:
                        break
                    heard = heard[size:]
                    continue
                request, heard = heard[:end].decode("latin-1"), heard[end + 4 :]
                if self._reply(line, request):
                    playing_since_s, ticks = time.monotonic(), 0
            while playing_since_s is not None and not self._closing:
                due_s = playing_since_s + ticks / self.rate_hz
                if due_s > time.monotonic():
                    break
                self._frame(line, ticks)
                ticks += 1

    def _frame(self, line: socket.socket, tick: int) -> None:
        if self.stalled:
            return
        if self.garbage:
            self._send(line, np.random.default_rng(tick).bytes(3000))
            return
        stamp = round(tick / self.rate_hz * rtp.CLOCK_HZ)
        units = self._units[self.large]
        unit = units[tick % len(units)]
        payloads = rtp.jpeg_payloads(unit) if self.codec == "jpeg" else rtp.h264_payloads(unit)
        packets = b""
        for number, payload in enumerate(payloads):
            packet = self._sender.packet(payload, stamp, last=number == len(payloads) - 1)
            if not self.loses or self._sender.sequence % self.loses:
                packets += b"$\0" + len(packet).to_bytes(2) + packet
        if self.held:
            self._backlog.append(packets)
            return
        for late in self._backlog:
            self._send(line, late)
        self._backlog = []
        self._send(line, packets)
        self.sent_frames += 1

    def _send(self, line: socket.socket, content: bytes) -> None:
        """Send as far as the client takes it; a pulled cable ends it in the middle."""
        at = 0
        while at < len(content):
            if self._closing:
                raise _Gone
            if select.select([], [line], [], _PATIENCE_S)[1]:
                at += line.send(content[at : at + 8192])

    def _reply(self, line: socket.socket, request: str) -> bool:
        """Answer one request; return whether it lets the pictures begin."""
        first, *fields = request.split("\r\n")
        method, _, rest = first.partition(" ")
        said = {k.strip().lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
        number = said.get("cseq", "0")
        if self.user and not self._knows(said.get("authorization", "")):
            self._say(line, number, "401 Unauthorized", ['WWW-Authenticate: Basic realm="camera"'])
            return False
        if method == "DESCRIBE" and not rest.split(" ")[0].endswith(self.path):
            self._say(line, number, "404 Not Found", [])
            return False
        match method:
            case "OPTIONS":
                extra, body = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"], ""
            case "DESCRIBE":
                extra, body = ["Content-Type: application/sdp"], self._description()
            case "SETUP":
                extra, body = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"], ""
            case _:
                extra, body = [], ""
        self._say(line, number, "200 OK", [*extra, "Session: 7;timeout=60"], body)
        if method == "TEARDOWN":
            raise _Gone
        return method == "PLAY"

    def _say(
        self, line: socket.socket, number: str, status: str, fields: list[str], body: str = ""
    ) -> None:
        head = [f"RTSP/1.0 {status}", f"CSeq: {number}", *fields, f"Content-Length: {len(body)}"]
        self._send(line, ("\r\n".join(head) + "\r\n\r\n" + body).encode())

    def _knows(self, shown: str) -> bool:
        wanted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return shown == f"Basic {wanted}"

    def _description(self) -> str:
        if self.codec == "jpeg":
            media = [f"m=video 0 RTP/AVP {rtp.JPEG_TYPE}"]
        else:
            media = [
                f"m=video 0 RTP/AVP {rtp.H264_TYPE}",
                f"a=rtpmap:{rtp.H264_TYPE} H264/{rtp.CLOCK_HZ}",
                f"a=fmtp:{rtp.H264_TYPE} packetization-mode=1",
            ]
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 127.0.0.1", "t=0 0",
                 *media, "a=control:track1"]  # fmt: skip
        return "\r\n".join(lines) + "\r\n"


class Peer(RtspPeer):
    """The contract test's camera: it sends JPEG.

    Attributes:
        options: for `drivers.load.open_camera("rtsp", options)`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.options: dict[str, object] = {"url": self.url, "stall_s": 5.0, "model": "Peer camera"}


class _Gone(Exception):
    """The client hung up, or the cable was pulled."""


def _coded(codec: str, *, large: bool) -> list[bytes]:
    """Return one period of the film: JPEGs, or H.264 access units of which the first is whole."""
    size = (WIDTH_PX * 2, HEIGHT_PX * 2) if large else (WIDTH_PX, HEIGHT_PX)
    pictures = [_drawn(*size, seed) for seed in range(PICTURES)]
    if codec == "jpeg":
        quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
        return [cv2.imencode(".jpg", picture, quality)[1].tobytes() for picture in pictures]
    return list(_h264(pictures))


def _h264(pictures: list[Any]) -> Iterator[bytes]:
    import av  # noqa: PLC0415  # of the extra, and only for this codec

    coder = av.CodecContext.create("libx264", "w")
    coder.height, coder.width = pictures[0].shape[:2]
    coder.pix_fmt, coder.framerate = "yuv420p", Fraction(30)
    coder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(PICTURES)}
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        for packet in coder.encode(frame):
            yield bytes(packet)


def _drawn(width_px: int, height_px: int, seed: int) -> Any:
    """Return a noisy picture whose left half is darker: mirroring would show."""
    noise = np.random.default_rng(seed).integers(0, 12, (height_px, width_px, 3))
    picture = np.full((height_px, width_px, 3), 90, np.uint8) + noise.astype(np.uint8)
    picture[:, width_px // 2 :] += 80
    return picture
