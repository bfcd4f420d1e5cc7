"""One open video node: the five calls that reach the kernel, and its errors in the house's words.

`System` is all that touches the machine. What cannot be had without a camera is what answers there:
see docs/cameras.md for what the tests put in its place.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from drivers import port_claims
from drivers.cameras.v4l2 import kernel
from drivers.errors import DeviceAbsent, DeviceError, DeviceHeld, PermissionRefused, WrongModel


class Memory(Protocol):
    """A frame's memory, shared with the kernel."""

    def __getitem__(self, part: slice, /) -> bytes: ...
    def close(self) -> None:
        """Give it back."""


class System:
    """The kernel of this machine."""

    def open(self, path: Path) -> int:
        """Open the node without waiting for frames. Raises `OSError`."""
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def ioctl(self, node: int, request: int, answer: bytearray) -> None:
        """Ask, and have the answer written over the question. Raises `OSError`."""
        fcntl.ioctl(node, request, answer)

    def map(self, node: int, length: int, offset: int) -> Memory:
        """Share a buffer's memory. Raises `OSError`."""
        return mmap.mmap(node, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)

    def wait(self, node: int, timeout_s: float) -> bool:
        """Return whether a frame, or an error, is there within the time."""
        poll = select.poll()
        poll.register(node, select.POLLIN)
        return bool(poll.poll(max(0, round(timeout_s * 1000))))

    def close(self, node: int) -> None:
        """Close the node."""
        os.close(node)


class Node:
    """An open node; every call raises `DeviceAbsent` once the camera is gone."""

    def __init__(self, path: Path, system: System) -> None:
        self._path = path
        self._system = system
        with self._failures("opening it"):
            self._descriptor: int | None = system.open(path)

    def ask(self, request: int, question: Any, doing: str) -> None:
        """Send a structure of `kernel` and have it filled with the answer.

        Raises:
            DeviceAbsent: unplugged.
            DeviceHeld: another program has it; the sentence names it.
            DeviceError: it refuses; `__cause__` is the `OSError`.
        """
        with self._failures(doing):
            raw = bytearray(bytes(question))
            self._system.ioctl(self._open(), request, raw)
            ctypes.memmove(ctypes.byref(question), bytes(raw), ctypes.sizeof(question))

    def answers(self, request: int, question: Any, doing: str) -> bool:
        """Ask as `ask`; False where the node says that there is no such thing (EINVAL, ENOTTY)."""
        try:
            self.ask(request, question, doing)
        except DeviceError as refused:
            if _code(refused) in (errno.EINVAL, errno.ENOTTY):
                return False
            raise
        return True

    def wait(self, timeout_s: float) -> bool:
        """Return whether a frame, or an error, is there within the time."""
        with self._failures("waiting for a frame"):
            return self._system.wait(self._open(), timeout_s)

    def map(self, length: int, offset: int) -> Memory:
        """Share a buffer's memory; raises as `ask`."""
        with self._failures("sharing its memory"):
            return self._system.map(self._open(), length, offset)

    def close(self) -> None:
        """Close the node. Closing twice is allowed."""
        if self._descriptor is not None:
            self._system.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise DeviceAbsent("the camera was closed")
        return self._descriptor

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as failure:
            if isinstance(failure, DeviceError):
                raise
            raise self._named(failure, doing) from failure

    def _named(self, failure: OSError, doing: str) -> DeviceError:
        name = self._path.name
        match failure.errno:
            case errno.ENOENT | errno.ENODEV | errno.ENXIO | errno.EBADF:
                return DeviceAbsent(f"{name} is not connected")
            case errno.EACCES | errno.EPERM:
                return PermissionRefused(
                    f"{name}: no permission; put the station's account into the group video"
                )
            case errno.EBUSY:
                holder = port_claims.claim_on(Path(os.path.realpath(self._path)))
                return DeviceHeld(f"{name}: {holder or 'another program has the camera'}")
            case errno.ENOSPC:
                return DeviceError(
                    f"{name}: not enough USB bandwidth; give the camera a port of its own, or ask "
                    "for MJPG, a smaller size or a lower rate"
                )
        return DeviceError(f"{name}: {doing} failed: {os.strerror(failure.errno or 0)}")


def _code(refused: DeviceError) -> int | None:
    return refused.__cause__.errno if isinstance(refused.__cause__, OSError) else None


def identity(node: Node) -> kernel.Capability:
    """Return who the camera says it is. Raises `WrongModel` if it captures no video."""
    answer = kernel.Capability()
    node.ask(kernel.QUERYCAP, answer, "asking who it is")
    able = (
        answer.device_caps if answer.capabilities & kernel.CAP_DEVICE_CAPS else answer.capabilities
    )
    if not able & kernel.CAP_VIDEO_CAPTURE or not able & kernel.CAP_STREAMING:
        # A UVC camera has a second node for its metadata, with the same name.
        raise WrongModel("this node delivers no video; take the one that ends in video-index0")
    return answer
