"""The limit that remains: damage which keeps sum and length shows no fault, to any reader.

Measured without a line, on packets of synthetic prints: which share of random damage inside one
packet the family's sum does not see, and how often noise of bit flips makes a whole image wrong in
such a way that nothing of it shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from accuracy.line.cases import FRAME_BYTES, PACKET_BYTES
from accuracy.line.shown import faultless_content
from drivers.errors import ProtocolViolation
from drivers.zfm_packets import Kind, PacketParser, stream

Dice = random.Random
PAYLOAD_FROM: Final = 9


@dataclass(frozen=True, slots=True)
class Unseen:
    """Random damage of one kind inside one packet.

    Attributes:
        tries: how often it was tried.
        changed: how often it changed the payload, or the number of bytes.
        unseen: how often it changed the payload and nothing showed it.
    """

    tries: int
    changed: int
    unseen: int


def _flips(count: int) -> Callable[[bytearray, Dice], None]:
    def flip(frame: bytearray, dice: Dice) -> None:
        for bit in dice.sample(range(8 * PAYLOAD_FROM, 8 * len(frame)), count):
            frame[bit // 8] ^= 1 << bit % 8

    return flip


def _drop(frame: bytearray, dice: Dice) -> None:
    del frame[dice.randrange(len(frame))]


def _double(frame: bytearray, dice: Dice) -> None:
    at = dice.randrange(len(frame))
    frame.insert(at, frame[at])


def _swap(frame: bytearray, dice: Dice) -> None:
    at = dice.randrange(PAYLOAD_FROM, PAYLOAD_FROM + PACKET_BYTES - 1)
    frame[at], frame[at + 1] = frame[at + 1], frame[at]


def _compensate(frame: bytearray, dice: Dice) -> None:
    """Flip one bit up and the same bit of another payload byte down."""
    payload = range(PAYLOAD_FROM, PAYLOAD_FROM + PACKET_BYTES)
    while True:
        one, other, bit = dice.choice(payload), dice.choice(payload), 1 << dice.randrange(8)
        if (frame[one] ^ frame[other]) & bit:
            frame[one] ^= bit
            frame[other] ^= bit
            return


DAMAGES: Final[Mapping[str, Callable[[bytearray, Dice], None]]] = {
    "1 bit flipped": _flips(1),
    "2 bits flipped": _flips(2),
    "3 bits flipped": _flips(3),
    "4 bits flipped": _flips(4),
    "one byte dropped": _drop,
    "one byte doubled": _double,
    "two neighbouring payload bytes swapped": _swap,
    "two flips that compensate": _compensate,
}


def unseen(damage: str, contents: list[bytes], tries: int, seed: int = 1) -> Unseen:
    """Try one kind of damage in random full packets of these images.

    Args:
        damage: a key of `DAMAGES`.
        contents: packed images, whole packets each.
        tries: how often.
        seed: of the dice.
    """
    dice = random.Random(seed)  # noqa: S311 - faults, not secrets
    changed = missed = 0
    for _ in range(tries):
        content = dice.choice(contents)
        at = dice.randrange(1, len(content) // PACKET_BYTES - 1) * PACKET_BYTES
        three = content[at - PACKET_BYTES : at + 2 * PACKET_BYTES]
        frames = [bytearray(packet.to_bytes()) for packet in stream(three, PACKET_BYTES)]
        DAMAGES[damage](frames[1], dice)
        believed = _believed(b"".join(frames), len(three))
        changed += frames[1][PAYLOAD_FROM:-2] != three[PACKET_BYTES : 2 * PACKET_BYTES]
        missed += believed is not None and believed != three
    return Unseen(tries, changed, missed)


def _believed(line: bytes, content_bytes: int) -> bytes | None:
    """Return what the driver's own parser makes of a stream, if it shows no fault."""
    parser, content, kind = PacketParser(), b"", Kind.DATA
    parser.feed(line)
    try:
        while kind is not Kind.END and (packet := parser.next_packet()):
            content, kind = content + packet.payload, packet.kind
    except ProtocolViolation:
        return None
    shows = kind is not Kind.END or parser.skipped_bytes or len(content) != content_bytes
    return None if shows else content


@dataclass(frozen=True, slots=True)
class Flipped:
    """Images in a noise of bit flips.

    Attributes:
        per_image: mean number of flipped bits in an image.
        images: how many were sent.
        hit: in how many at least one bit was flipped.
        silent: how many were wrong and showed nothing.
    """

    per_image: float
    images: int
    hit: int
    silent: int


def silent_images(content: bytes, per_image: float, images: int, seed: int = 1) -> Flipped:
    """Send an image again and again through a noise of independent bit flips."""
    dice = random.Random(seed)  # noqa: S311 - faults, not secrets
    sent = b"".join(packet.to_bytes() for packet in stream(content, PACKET_BYTES))
    hit = silent = 0
    for _ in range(images):
        bits = {dice.randrange(8 * len(sent)) for _ in range(_poisson(dice, per_image))}
        hit += bool(bits)
        if _may_hide(bits):
            arrived = bytearray(sent)
            for bit in bits:
                arrived[bit // 8] ^= 1 << bit % 8
            believed = faultless_content(bytes(arrived), len(content))
            silent += believed is not None and believed != content
    return Flipped(per_image, images, hit, silent)


def _may_hide(bits: set[int]) -> bool:
    """Whether no packet has exactly one flip: its sum would show it, so nothing need be sent."""
    packets = [bit // 8 // FRAME_BYTES for bit in bits]
    return bool(bits) and all(packets.count(one) > 1 for one in packets)


def _poisson(dice: Dice, mean: float) -> int:
    """Return how many events of a Poisson process come in one unit of time."""
    count, passed = 0, dice.expovariate(mean)
    while passed < 1.0:
        count, passed = count + 1, passed + dice.expovariate(mean)
    return count
