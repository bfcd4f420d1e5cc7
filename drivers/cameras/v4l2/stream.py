"""Frames out of a node: buffers shared with the kernel, filled by the camera, given back."""

from __future__ import annotations

import errno
from contextlib import suppress
from ctypes import c_int32
from dataclasses import dataclass
from typing import Final

from drivers.cameras.v4l2 import kernel
from drivers.cameras.v4l2.node import Memory, Node
from drivers.errors import DeviceError

BUFFERS: Final = 4
LENGTH_MAX: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the camera put into one buffer.

    Attributes:
        content: the bytes, copied out.
        taken_at_s: `time.monotonic` of its exposure by the kernel's clock; None if by another.
        damaged: the kernel saw that bytes of it were lost on the way.
    """

    content: bytes
    taken_at_s: float | None
    damaged: bool


class Stream:
    """A running stream. One thread uses it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._memory: list[Memory] = []
        asked = kernel.RequestBuffers(count=BUFFERS, type=kernel.CAPTURE, memory=kernel.MMAP)
        node.ask(kernel.REQBUFS, asked, "asking for buffers")
        try:
            for index in range(min(asked.count, 32)):
                self._share(index)
            if len(self._memory) < 2:
                raise DeviceError("the camera has no memory for frames")
            node.ask(kernel.STREAMON, _capture(), "starting the stream")
        except BaseException:
            self.close()
            raise

    def take(self) -> Delivery | None:
        """Return the oldest frame that is there, None if none is. Raises `DeviceError`."""
        filled = _buffer()
        try:
            self._node.ask(kernel.DQBUF, filled, "taking a frame")
        except DeviceError as refused:
            if isinstance(refused.__cause__, OSError) and refused.__cause__.errno == errno.EAGAIN:
                return None
            raise
        if filled.index >= len(self._memory):
            raise DeviceError("the camera filled a buffer that it was not given")
        delivery = Delivery(
            bytes(self._memory[filled.index][: filled.bytesused]),
            _taken_at_s(filled),
            bool(filled.flags & kernel.BUFFER_ERROR),
        )
        self._node.ask(kernel.QBUF, _buffer(filled.index), "giving a buffer back")
        return delivery

    def close(self) -> None:
        """Stop it and give the memory back; a camera that is gone is no reason to fail."""
        with suppress(DeviceError):
            self._node.ask(kernel.STREAMOFF, _capture(), "stopping the stream")
        while self._memory:
            self._memory.pop().close()
        with suppress(DeviceError):
            none = kernel.RequestBuffers(count=0, type=kernel.CAPTURE, memory=kernel.MMAP)
            self._node.ask(kernel.REQBUFS, none, "giving the buffers back")

    def _share(self, index: int) -> None:
        place = _buffer(index)
        self._node.ask(kernel.QUERYBUF, place, "asking for a buffer's place")
        if not 0 < place.length <= LENGTH_MAX:
            raise DeviceError("the camera asks for a buffer of a size that cannot be")
        self._memory.append(self._node.map(place.length, place.offset))
        self._node.ask(kernel.QBUF, _buffer(index), "giving it a buffer")


def _capture() -> c_int32:
    return c_int32(kernel.CAPTURE)


def _buffer(index: int = 0) -> kernel.Buffer:
    return kernel.Buffer(index=index, type=kernel.CAPTURE, memory=kernel.MMAP)


def _taken_at_s(filled: kernel.Buffer) -> float | None:
    if filled.flags & kernel.CLOCK_MASK != kernel.CLOCK_MONOTONIC:
        return None
    return float(filled.timestamp.tv_sec + filled.timestamp.tv_usec / 1e6)
