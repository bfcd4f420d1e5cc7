"""Who waits on the porch, for what, and for how long: limits without any I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from api.connection import Connection
from api.head import Head


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many. The times are ours, from the slowest link that counts: 256 kbit/s.

    Attributes:
        handshake_s: from the connection to the end of the TLS handshake.
        request_s: from a request's first byte to its last; longer by what came at `bytes_per_s`.
        idle_s: without a byte, before a request or between two.
        leave_s: how long the rest of a refused request is read away, so that the refusal arrives.
        bytes_per_s: how fast a long request must come and a long answer must be taken.
        answer_s: what sending an answer may take, longer by its size at `bytes_per_s`.
        per_address: connections of one address; None where all come from this machine.
        total: connections of the listener; beyond it the one that has waited longest is closed.
        idle: connections kept open between requests.
        buffered_bytes: of requests that are not here in whole; then the oldest is closed.
        slow_readers: answers at once that wait for their readers.
    """

    handshake_s: float = 3.0
    request_s: float = 5.0
    idle_s: float = 10.0
    leave_s: float = 1.0
    bytes_per_s: int = 16 * 1024
    answer_s: float = 10.0
    per_address: int | None = None
    total: int = 256
    idle: int = 64
    buffered_bytes: int = 32 * 1024 * 1024
    slow_readers: int = 8


class Stage(Enum):
    SHAKING = "shaking"
    IDLE = "idle"
    READING = "reading"
    LEAVING = "leaving"


@dataclass(slots=True)
class Visitor:
    """One connection that waits, since when and for what."""

    conn: Connection
    stage: Stage
    since_s: float
    received: bytearray = field(default_factory=bytearray)
    head: Head | None = None

    def until_s(self, limits: Limits) -> float:
        """Return when it must have gone on."""
        if self.stage is Stage.READING:
            long_s = len(self.received) / limits.bytes_per_s
            return self.since_s + limits.request_s + long_s
        allowed = {
            Stage.SHAKING: limits.handshake_s,
            Stage.IDLE: limits.idle_s,
            Stage.LEAVING: limits.leave_s,
        }
        return self.since_s + allowed[self.stage]
