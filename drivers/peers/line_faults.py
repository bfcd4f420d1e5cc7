"""What can happen to an image on its way from the module to the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from drivers.zfm_packets import Kind, Packet


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
    NO_END = "mark the last packet as one that more follow"
    TRUNCATE = "stop at byte `at`"
    STALL = "stay silent for `seconds` at byte `at`, then go on"
    UNPLUG = "pull the plug at byte `at`"


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm to the next image, or to the next few.

    Attributes:
        at: counted from the first byte or packet after the acknowledge of UpImage.
        uploads: how many uploads it hits before the line is well again.
    """

    harm: Harm
    at: int = 0
    uploads: int = 1
    bit: int = 0
    seconds: float = 0.0
    noise: bytes = b"\x00\x55\xef\x01\xff\xff garbage"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to deliver, and what happens after them."""

    content: bytes
    stall_s: float = 0.0
    unplug: bool = False


def damaged(packets: Sequence[Packet], faults: Sequence[Fault]) -> list[Piece]:
    """Return what the line delivers instead of these packets."""
    frames = [packet.to_bytes() for packet in packets]
    for fault in faults:
        _harm_packets(frames, packets, fault)
    stream = bytearray(b"".join(frames))
    for fault in faults:
        _harm_bytes(stream, fault)
    return _pieces(bytes(stream), faults)


def _harm_packets(frames: list[bytes], packets: Sequence[Packet], fault: Fault) -> None:
    at = fault.at
    match fault.harm:
        case Harm.LOSE_PACKET:
            frames[at] = b""
        case Harm.DOUBLE_PACKET:
            frames[at] *= 2
        case Harm.LOSE_AND_DOUBLE:
            frames[at] = frames[at - 1]
        case Harm.GARBAGE:
            frames[at] = fault.noise + frames[at]
        case Harm.NO_END:
            last = packets[-1]
            frames[-1] = Packet(Kind.DATA, last.payload, last.address).to_bytes()
        case _:
            pass


def _harm_bytes(stream: bytearray, fault: Fault) -> None:
    at = fault.at
    match fault.harm:
        case Harm.FLIP:
            stream[at] ^= 1 << fault.bit
        case Harm.DROP:
            del stream[at]
        case Harm.DOUBLE:
            stream.insert(at, stream[at])
        case Harm.SWAP:
            stream[at], stream[at + 1] = stream[at + 1], stream[at]
        case Harm.TRUNCATE:
            del stream[at:]
        case _:
            pass


def _pieces(stream: bytes, faults: Sequence[Fault]) -> list[Piece]:
    """Cut the stream where something happens in time."""
    cuts = [fault for fault in faults if fault.harm in (Harm.STALL, Harm.UNPLUG)]
    pieces, start = [], 0
    for fault in sorted(cuts, key=lambda cut: cut.at):
        unplug = fault.harm is Harm.UNPLUG
        pieces.append(Piece(stream[start : fault.at], fault.seconds, unplug))
        start = fault.at
    return [*pieces, Piece(stream[start:])]
