"""What can happen to bytes on their way from a module to the host."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from drivers.zfm_packets import MAX_PAYLOAD_BYTES, Kind, Packet, stream


class Harm(Enum):
    """One way in which a stream is damaged. `at` counts bytes, or packets where it says so."""

    FLIP = "flip one bit of byte `at`"
    DROP = "lose byte `at`"
    DOUBLE = "send byte `at` twice"
    SWAP = "swap byte `at` with its neighbour"
    LOSE_PACKET = "lose packet `at`"
    DOUBLE_PACKET = "send packet `at` twice"
    LOSE_AND_DOUBLE = "lose packet `at`, send the one before it twice: sums and total stay right"
    GARBAGE = "noise before packet `at`"
    WRONG_LENGTH = "`value` in the length field of packet `at`"
    WRONG_TOTAL = "`value` payload bytes more in the last packet, or fewer: its sum fits"
    NO_END = "mark the last packet as one that more follow"
    TRUNCATE = "stop at byte `at`"
    STALL = "stay silent for `seconds` at byte `at`, then go on; inf: for ever"
    UNPLUG = "pull the plug at byte `at`"


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm to the next image, or to the next few.

    Attributes:
        at: counted from the first byte or packet after the acknowledge of UpImage.
        uploads: how many uploads it hits before the line is well again.
        spares: how many uploads it lets pass before.
    """

    harm: Harm
    at: int = 0
    uploads: int = 1
    spares: int = 0
    bit: int = 0
    seconds: float = 0.0
    value: int = 0xFFFF
    noise: bytes = b"\x00\x55\xef\x01\xff\xff garbage"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to deliver, and what happens after them."""

    content: bytes
    stall_s: float = 0.0
    unplug: bool = False


class Noise:
    """A line that hits each byte with a small chance, for as long as it stays so.

    The same seed and the same bytes bring the same faults.
    """

    HARMS = (Harm.FLIP, Harm.DROP, Harm.DOUBLE, Harm.SWAP)

    def __init__(self, per_byte: float, seed: int = 0) -> None:
        if not 0.0 <= per_byte <= 1.0:
            raise ValueError(f"{per_byte} is no share")
        self.per_byte = per_byte
        self._random = random.Random(seed)  # noqa: S311 - faults, not secrets

    def over(self, content: bytes) -> bytes:
        """Return what arrives of these bytes."""
        hits: list[int] = []
        at = self._gap()
        while at < len(content):
            hits.append(at)
            at += 1 + self._gap()
        line = bytearray(content)
        # From the end: a dropped byte moves those behind it only.
        for at in reversed(hits):
            harm = self._random.choice(self.HARMS)
            _harm_bytes(line, Fault(harm, at, bit=self._random.randrange(8)))
        return bytes(line)

    def _gap(self) -> int:
        """Return how many bytes pass unharmed before the next hit."""
        if self.per_byte in (0.0, 1.0):
            return 0 if self.per_byte else 1 << 62
        # Drawn at once: a dice for each byte of an image takes longer than the image.
        return int(math.log(1.0 - self._random.random()) / math.log1p(-self.per_byte))


def damaged(packets: Sequence[Packet], faults: Sequence[Fault]) -> list[Piece]:
    """Return what the line delivers instead of these packets."""
    frames = [packet.to_bytes() for packet in packets]
    for fault in faults:
        _harm_packets(frames, packets, fault)
    return damaged_bytes(b"".join(frames), faults)


def damaged_bytes(content: bytes, faults: Sequence[Fault]) -> list[Piece]:
    """Return what the line delivers instead of these bytes; faults of packets do nothing."""
    line = bytearray(content)
    for fault in faults:
        _harm_bytes(line, fault)
    return _pieces(bytes(line), faults)


def _harm_packets(frames: list[bytes], packets: Sequence[Packet], fault: Fault) -> None:
    at, last = fault.at, packets[-1]
    match fault.harm:
        case Harm.LOSE_PACKET:
            frames[at] = b""
        case Harm.DOUBLE_PACKET:
            frames[at] *= 2
        case Harm.LOSE_AND_DOUBLE:
            frames[at] = frames[at - 1]
        case Harm.GARBAGE:
            frames[at] = fault.noise + frames[at]
        case Harm.WRONG_LENGTH:
            frames[at] = frames[at][:7] + fault.value.to_bytes(2) + frames[at][9:]
        case Harm.WRONG_TOTAL:
            frames[-1] = _resized(last, fault.value)
        case Harm.NO_END:
            frames[-1] = Packet(Kind.DATA, last.payload, last.address).to_bytes()
        case _:
            pass


def _resized(last: Packet, more_bytes: int) -> bytes:
    length = max(0, len(last.payload) + more_bytes)
    payload = last.payload[:length].ljust(length, b"\x5a")
    packets = stream(payload, MAX_PAYLOAD_BYTES, last.address)
    return b"".join(packet.to_bytes() for packet in packets)


def _harm_bytes(line: bytearray, fault: Fault) -> None:
    at = fault.at
    if at >= len(line):
        return
    match fault.harm:
        case Harm.FLIP:
            line[at] ^= 1 << fault.bit
        case Harm.DROP:
            del line[at]
        case Harm.DOUBLE:
            line.insert(at, line[at])
        case Harm.SWAP:
            line[at : at + 2] = line[at : at + 2][::-1]
        case Harm.TRUNCATE:
            del line[at:]
        case _:
            pass


def _pieces(line: bytes, faults: Sequence[Fault]) -> list[Piece]:
    """Cut the line where something happens in time."""
    cuts = [fault for fault in faults if fault.harm in (Harm.STALL, Harm.UNPLUG)]
    pieces, start = [], 0
    for fault in sorted(cuts, key=lambda cut: cut.at):
        unplug = fault.harm is Harm.UNPLUG
        pieces.append(Piece(line[start : fault.at], fault.seconds, unplug))
        start = fault.at
    return [*pieces, Piece(line[start:])]
