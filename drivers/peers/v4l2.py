"""The other end of the v4l2 driver: a simulated kernel with one video node, and a hand at its plug.

Video4Linux cannot be emulated without a kernel module, so this stands where the five system calls
would: the driver's questions come in as the kernel's bytes and the answers go back as such. It
answers what a listing of `v4l2_listings` says, fills buffers at the camera's rate, and loses frames
when none is free, as the kernel does. What no real camera showed us, this cannot show either.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import Any, Final

import cv2
import numpy as np

from drivers.cameras import v4l2
from drivers.cameras.v4l2 import kernel
from drivers.cameras.v4l2.node import System
from drivers.peers.v4l2_listing import INACTIVE, Listing, Setting, listing

BUFFER_BYTES: Final = 4 << 20
PICTURES: Final = 6
_EXPOSURE_AUTO, _EXPOSURE, _GAIN = 0x009A0901, 0x009A0902, 0x00980913
_WHITE_AUTO, _WHITE, _FOCUS_AUTO, _FOCUS = 0x0098090C, 0x0098091A, 0x009A090C, 0x009A090A


class VideoNode(System):
    """The kernel as the driver meets it, with one camera that a tester does things to.

    Attributes:
        plugged: the cable.
        stalled: the camera is there and silent.
        busy, forbidden: the errno that opening or streaming ends with; 0 for none.
        spoils: done to each frame's bytes before the driver sees them.
        damaged: the kernel's own sign that bytes were lost is set on every frame.
        clock: False stamps frames by a clock that is not the monotonic one.
        stubborn: control number to the value that is kept whatever is written.
        refuses: control number to the errno that writing ends with.
        picks: instead of the size asked for, as a driver answers the nearest that it has.
    """

    def __init__(self, path: Path, name: str = "uvc_1080p") -> None:
        self.answers: Listing = listing(name)
        self.plugged = True
        self.stalled = self.damaged = False
        self.clock = True
        self.busy = self.forbidden = 0
        self.spoils: Callable[[bytes], bytes] = bytes
        self.stubborn: dict[int, int] = {}
        self.refuses: dict[int, int] = {}
        self.picks: tuple[int, int] | None = None
        self.lost_frames = 0
        self.opened: set[int] = set()
        self.asked: list[str] = []
        self._path, self._name = path, name
        self._news = Condition()
        self._size, self._format, self._rate_hz = (640, 480), "YUYV", 30.0
        self._buffers: list[bytearray] = []
        self._free: deque[int] = deque()
        self._filled: deque[tuple[int, int, float]] = deque()
        self._since_s: float | None = None
        self._ticks = self._sequence = 0
        self._pictures: dict[tuple[str, tuple[int, int]], list[bytes]] = {}

    def open(self, path: Path) -> int:
        """Open the node as the kernel would."""
        if not self.plugged or path != self._path:
            raise _failed(errno.ENOENT)
        if self.forbidden:
            raise _failed(self.forbidden)
        descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.opened.add(descriptor)
        return descriptor

    def close(self, node: int) -> None:
        """Close it; stream and buffers end with it."""
        self.opened.discard(node)
        os.close(node)
        self._since_s, self._buffers = None, []

    def map(self, node: int, length: int, offset: int) -> Any:
        """Share one buffer."""
        self._require(node)
        buffer = self._buffers[offset // BUFFER_BYTES]
        return _Shared(buffer, length)

    def wait(self, node: int, timeout_s: float) -> bool:
        """Wait as poll does: for a frame, or for the plug to be pulled."""
        until_s = time.monotonic() + timeout_s
        with self._news:
            while True:
                if not self.plugged:
                    return True
                self._advance()
                left_s = until_s - time.monotonic()
                if self._filled or left_s <= 0:
                    return bool(self._filled)
                self._news.wait(min(left_s, 0.25 / self._rate_hz))

    def ioctl(self, node: int, request: int, answer: bytearray) -> None:
        """Answer one question over itself, as the kernel does."""
        self._require(node)
        with self._news:
            what, act = self._acts()[request]
            question = what.from_buffer_copy(bytes(answer))
            self.asked.append(act.__name__.lstrip("_"))
            act(question)
            answer[:] = bytes(question)

    def turn(self, *, plugged: bool) -> None:
        """Pull the plug or put it in; a camera that comes back has forgotten its settings."""
        with self._news:
            self.plugged = plugged
            if plugged:
                self.answers = listing(self._name)
            self._since_s = None
            self._news.notify_all()

    def setting(self, number: int) -> Setting:
        """Return one control as the camera holds it."""
        return self.answers.settings[number]

    def _require(self, node: int) -> None:
        if not self.plugged or node not in self.opened:
            raise _failed(errno.ENODEV)

    def _acts(self) -> dict[int, tuple[Any, Callable[[Any], None]]]:
        return {
            kernel.QUERYCAP: (kernel.Capability, self._identity),
            kernel.ENUM_FMT: (kernel.FormatDescription, self._enum_format),
            kernel.ENUM_FRAMESIZES: (kernel.FrameSize, self._enum_size),
            kernel.ENUM_FRAMEINTERVALS: (kernel.FrameInterval, self._enum_rate),
            kernel.S_FMT: (kernel.Format, self._set_format),
            kernel.S_PARM: (kernel.Parameters, self._set_rate),
            kernel.REQBUFS: (kernel.RequestBuffers, self._request_buffers),
            kernel.QUERYBUF: (kernel.Buffer, self._query_buffer),
            kernel.QBUF: (kernel.Buffer, self._queue),
            kernel.DQBUF: (kernel.Buffer, self._dequeue),
            kernel.STREAMON: (ctypes.c_int32, self._stream_on),
            kernel.STREAMOFF: (ctypes.c_int32, self._stream_off),
            kernel.QUERYCTRL: (kernel.ControlQuery, self._query_control),
            kernel.QUERYMENU: (kernel.MenuQuery, self._query_menu),
            kernel.G_CTRL: (kernel.ControlValue, self._get_control),
            kernel.S_CTRL: (kernel.ControlValue, self._set_control),
        }

    def _identity(self, out: kernel.Capability) -> None:
        out.driver, out.card = self.answers.driver.encode(), self.answers.card.encode()
        out.bus_info = self.answers.bus.encode()
        out.capabilities, out.device_caps = self.answers.capabilities, self.answers.device_caps

    def _enum_format(self, out: kernel.FormatDescription) -> None:
        out.pixelformat = kernel.fourcc(_nth(list(self.answers.formats), out.index))

    def _enum_size(self, out: kernel.FrameSize) -> None:
        sizes = self.answers.formats.get(kernel.letters(out.pixel_format), {})
        out.type = kernel.SIZE_DISCRETE
        out.discrete.width, out.discrete.height = _nth(list(sizes), out.index)

    def _enum_rate(self, out: kernel.FrameInterval) -> None:
        sizes = self.answers.formats.get(kernel.letters(out.pixel_format), {})
        rate_hz = _nth(sizes.get((out.width, out.height), []), out.index)
        out.type = kernel.INTERVAL_DISCRETE
        out.discrete.numerator, out.discrete.denominator = 1000, round(rate_hz * 1000)

    def _set_format(self, out: kernel.Format) -> None:
        if self._buffers:
            raise _failed(errno.EBUSY)
        name = kernel.letters(out.pix.pixelformat)
        if name not in self.answers.formats:
            name = next(iter(self.answers.formats))
        asked, offered = (out.pix.width, out.pix.height), list(self.answers.formats[name])
        size = self.picks or min(offered, key=lambda s: abs(s[0] - asked[0]) + abs(s[1] - asked[1]))
        self._format, self._size = name, size
        out.pix.pixelformat = kernel.fourcc(name)
        out.pix.width, out.pix.height = size
        out.pix.bytesperline = size[0] * 2 if name == "YUYV" else 0
        out.pix.sizeimage = BUFFER_BYTES

    def _set_rate(self, out: kernel.Parameters) -> None:
        frame = out.capture.timeperframe
        wanted_hz = frame.denominator / max(1, frame.numerator)
        rates = self.answers.formats[self._format][self._size]
        self._rate_hz = min(rates, key=lambda rate: abs(rate - wanted_hz))
        frame.numerator, frame.denominator = 1000, round(self._rate_hz * 1000)

    def _request_buffers(self, out: kernel.RequestBuffers) -> None:
        if self.busy:
            raise _failed(self.busy)
        self._buffers = [bytearray(BUFFER_BYTES) for _ in range(out.count)]
        self._free.clear()
        self._filled.clear()

    def _query_buffer(self, out: kernel.Buffer) -> None:
        if out.index >= len(self._buffers):
            raise _failed(errno.EINVAL)
        out.length, out.offset = BUFFER_BYTES, out.index * BUFFER_BYTES

    def _queue(self, out: kernel.Buffer) -> None:
        self._free.append(out.index)

    def _dequeue(self, out: kernel.Buffer) -> None:
        self._advance()
        if not self._filled:
            raise _failed(errno.EAGAIN)
        out.index, out.bytesused, at_s = self._filled.popleft()
        out.flags = (kernel.CLOCK_MONOTONIC if self.clock else 0) | (
            kernel.BUFFER_ERROR if self.damaged else 0
        )
        out.timestamp.tv_sec, out.timestamp.tv_usec = int(at_s), int(at_s % 1 * 1e6)
        out.sequence = self._sequence

    def _stream_on(self, _: object) -> None:
        self._since_s, self._ticks = time.monotonic(), 0

    def _stream_off(self, _: object) -> None:
        self._since_s = None
        self._free.clear()
        self._filled.clear()

    def _query_control(self, out: kernel.ControlQuery) -> None:
        held = self._control(out.id)
        out.type, out.name, out.flags = held.kind, held.name.encode(), held.flags
        out.minimum, out.maximum, out.step = held.least, held.most, held.step
        out.default_value = held.default

    def _query_menu(self, out: kernel.MenuQuery) -> None:
        choices = self._control(out.id).choices
        if out.index not in choices:
            raise _failed(errno.EINVAL)
        out.name = choices[out.index].encode()

    def _get_control(self, out: kernel.ControlValue) -> None:
        out.value = self._control(out.id).value

    def _set_control(self, out: kernel.ControlValue) -> None:
        held = self._control(out.id)
        if out.id in self.refuses:
            raise _failed(self.refuses[out.id])
        if held.flags & INACTIVE:
            raise _failed(errno.EACCES)
        if not held.least <= out.value <= held.most or (
            held.choices and out.value not in held.choices
        ):
            raise _failed(errno.ERANGE)
        held.value = self.stubborn.get(out.id, out.value)
        self._release(out.id, held.value)

    def _release(self, number: int, value: int) -> None:
        """Let what an automatism held go, or take it again, as uvcvideo marks it."""
        pairs = {_EXPOSURE_AUTO: (_EXPOSURE, value != 1), _WHITE_AUTO: (_WHITE, bool(value)),
                 _FOCUS_AUTO: (_FOCUS, bool(value))}  # fmt: skip
        if number in pairs and pairs[number][0] in self.answers.settings:
            held, automatic = self.answers.settings[pairs[number][0]], pairs[number][1]
            held.flags = held.flags | INACTIVE if automatic else held.flags & ~INACTIVE

    def _control(self, number: int) -> Setting:
        if number not in self.answers.settings:
            raise _failed(errno.EINVAL)
        return self.answers.settings[number]

    def _advance(self) -> None:
        """Fill buffers with what the sensor took since we last looked."""
        if self._since_s is None or self.stalled:
            return
        due = int((time.monotonic() - self._since_s) * self._rate_hz)
        while self._ticks < due:
            self._ticks += 1
            self._sequence += 1
            if not self._free:
                self.lost_frames += 1
                continue
            index = self._free.popleft()
            content = self.spoils(self._picture())
            self._buffers[index][: len(content)] = content
            taken_at_s = self._since_s + self._ticks / self._rate_hz
            self._filled.append((index, len(content), taken_at_s))

    def _picture(self) -> bytes:
        key = (self._format, self._size)
        if key not in self._pictures:
            self._pictures[key] = [drawn(*key, seed) for seed in range(PICTURES)]
        return self._pictures[key][self._sequence % PICTURES]


class _Shared:
    """A buffer as mmap shows it."""

    def __init__(self, buffer: bytearray, length: int) -> None:
        self._buffer, self._length = buffer, length

    def __getitem__(self, part: slice) -> bytes:
        return bytes(self._buffer[: self._length][part])

    def close(self) -> None:
        self._length = 0


class Peer:
    """The node of one simulated camera, where the v4l2 driver looks for it.

    Attributes:
        options: for `drivers.load.open_camera("v4l2", options)`.
        node: the simulated kernel, and what can be done to the camera.
    """

    def __init__(self, folder: Path, name: str = "uvc_1080p") -> None:
        device = folder / "usb-HD_USB_Camera-video-index0"
        self.node = VideoNode(device, name)
        self.options: dict[str, object] = {
            "device": device,
            "width_px": 320,
            "height_px": 240,
            "rate_hz": 30,
            "still_width_px": 640,
            "still_height_px": 480,
            "settle_frames": 1,
        }
        self._kernel = v4l2.system
        v4l2.system = self.node

    def plug(self) -> None:
        """Put the cable in."""
        self.node.turn(plugged=True)

    def unplug(self) -> None:
        """Pull the cable."""
        self.node.turn(plugged=False)

    def close(self) -> None:
        """Give the driver its kernel back."""
        v4l2.system = self._kernel


def drawn(pixel_format: str, size: tuple[int, int], seed: int) -> bytes:
    """Return a noisy picture whose left half is darker, in a camera's own bytes."""
    width_px, height_px = size
    noise = np.random.default_rng(seed).integers(0, 12, (height_px, width_px, 3))
    picture = np.full((height_px, width_px, 3), 90, np.uint8) + noise.astype(np.uint8)
    picture[:, width_px // 2 :] += 80
    if pixel_format == "YUYV":
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_YUY2), np.uint8).tobytes()
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return jpeg.tobytes()


def _nth(things: list[Any], index: int) -> Any:
    if index >= len(things):
        raise _failed(errno.EINVAL)
    return things[index]


def _failed(code: int) -> OSError:
    return OSError(code, os.strerror(code))
