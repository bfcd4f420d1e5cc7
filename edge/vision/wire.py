"""How the station and its vision worker talk: length-prefixed JSON, never code.

    | length, 4 bytes, big-endian | that many bytes of UTF-8 JSON, one object |

Pixels do not pass here; they lie in a memory that both sides map: first the frame's bytes or a
photo's file, and from `frame_bytes_max` on the mask or preview that the worker wrote. A reply bears
its request's `id`. Numbers are finite: neither side sends others, and none is accepted.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from typing import Any, Final

Message = dict[str, Any]

_LENGTH: Final = struct.Struct(">I")
MESSAGE_BYTES_MAX: Final = 1 << 20


class WireBroken(Exception):
    """The other side closed, or wrote what is no message. Nothing more can be read from it."""


def memory_bytes(frame_bytes_max: int) -> int:
    """Return the size of the shared memory: one frame of three channels, one mask of one."""
    return frame_bytes_max + frame_bytes_max // 3


def send(wire: socket.socket, message: Message) -> None:
    """Write one message. Raises `OSError`, `TimeoutError`."""
    body = json.dumps(message, allow_nan=False).encode()
    wire.sendall(_LENGTH.pack(len(body)) + body)


def receive(wire: socket.socket, timeout_s: float | None = None) -> Message:
    """Read one message; None waits for ever.

    Raises:
        TimeoutError: not complete in time. The wire is then out of step: give it up.
        WireBroken, OSError: nothing more will come.
    """
    until_s = None if timeout_s is None else time.monotonic() + timeout_s
    (length,) = _LENGTH.unpack(_exactly(wire, _LENGTH.size, until_s))
    if length > MESSAGE_BYTES_MAX:
        raise WireBroken(f"a message of {length} bytes")
    try:
        message = json.loads(
            _exactly(wire, length, until_s), parse_float=_finite, parse_constant=_finite
        )
    # Deep nesting is no ValueError.
    except (ValueError, RecursionError):
        raise WireBroken("not JSON") from None
    if not isinstance(message, dict):
        raise WireBroken("not an object")
    return message


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _exactly(wire: socket.socket, wanted: int, until_s: float | None) -> bytes:
    got = bytearray()
    while len(got) < wanted:
        if until_s is not None:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("no answer in time")
            wire.settimeout(left_s)
        piece = wire.recv(wanted - len(got))
        if not piece:
            raise WireBroken("closed")
        got += piece
    return bytes(got)
