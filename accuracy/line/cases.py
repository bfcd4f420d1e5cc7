"""The faults of the proof: each alone at every packet of one image, and random mixtures."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drivers.peers.line_faults import Fault, Harm

PACKET_BYTES: Final = 256
FRAME_BYTES: Final = PACKET_BYTES + 11
STALL_S: Final = 0.4
"""Longer than the gap that the proof's driver allows."""

AT_BYTES: Final = {
    "header": 0, "address": 3, "kind": 6, "length": 8, "first": 9,
    "middle": 9 + PACKET_BYTES // 2, "last": 8 + PACKET_BYTES, "sum": 10 + PACKET_BYTES,
}  # fmt: skip
"""Where in a packet a byte is hit: one place for each part that means something else."""

BYTE_HARMS: Final = (Harm.FLIP, Harm.DROP, Harm.DOUBLE, Harm.SWAP, Harm.TRUNCATE)
PACKET_HARMS: Final = (
    Harm.LOSE_PACKET, Harm.DOUBLE_PACKET, Harm.LOSE_AND_DOUBLE, Harm.GARBAGE, Harm.WRONG_LENGTH,
)  # fmt: skip
LENGTHS: Final = (0, 1, 2, 257, 259, 260, 4096, 65535)
"""What a damaged length field may claim; a full packet's is 258."""

RATES: Final = (1e-6, 2e-4)
"""Of bytes that a noisy line hits: from one image in thirty to eight bytes an image."""

HIT_AGAIN: Final = 0.3
"""Chance that the second, and the third, upload of a mixture is hit too."""

MIXTURE: Final = (*BYTE_HARMS[:4], *BYTE_HARMS, *PACKET_HARMS, Harm.STALL, Harm.NO_END)


@dataclass(frozen=True, slots=True)
class Case:
    """One press on a line with these faults.

    Attributes:
        name: what the page counts it under.
        noise_per_byte, seed: of a line that stays noisy while this press lasts.
    """

    name: str
    faults: tuple[Fault, ...]
    noise_per_byte: float = 0.0
    seed: int = 0


def exhaustive(packets: int) -> Iterator[Case]:
    """Yield every fault at every packet of an image of so many full packets."""
    dice = random.Random(1)  # noqa: S311 - faults, not secrets
    for packet in range(packets):
        for harm in BYTE_HARMS:
            for place in AT_BYTES.values():
                at = packet * FRAME_BYTES + place
                yield _alone(Fault(harm, at, bit=dice.randrange(8)))
        for harm in PACKET_HARMS:
            yield _alone(Fault(harm, packet, value=LENGTHS[packet % len(LENGTHS)]))
        at = packet * FRAME_BYTES + dice.randrange(FRAME_BYTES)
        yield _alone(Fault(Harm.STALL, at, seconds=STALL_S))
        yield Case("silent for ever", (Fault(Harm.STALL, at, seconds=math.inf),))
        yield _alone(Fault(Harm.UNPLUG, at))
    yield _alone(Fault(Harm.NO_END))
    for more_bytes in (-256, -255, -1, 1, 255, 256):
        yield _alone(Fault(Harm.WRONG_TOTAL, value=more_bytes))


def stubborn(packets: int) -> Iterator[Case]:
    """Yield faults that every upload shows again, at every eighth packet: nothing to be had."""
    for harm in (Harm.FLIP, Harm.DROP, Harm.DOUBLE, Harm.LOSE_PACKET, Harm.WRONG_LENGTH):
        for packet in range(1, packets, 8):
            by_packet = harm in PACKET_HARMS
            at = packet if by_packet else packet * FRAME_BYTES + AT_BYTES["middle"]
            yield Case("again and again", (Fault(harm, at, uploads=99),))


def alike(packets: int) -> Iterator[Case]:
    """Yield faults that keep sums and length, in the same place of every upload."""
    for packet in range(1, packets, 8):
        fault = Fault(Harm.LOSE_AND_DOUBLE, packet, uploads=99)
        yield Case("lose and double, always alike", (fault,))
        swap = Fault(Harm.SWAP, packet * FRAME_BYTES + AT_BYTES["middle"], uploads=99)
        shown = Fault(Harm.GARBAGE, packet, uploads=99)
        yield Case("swap beside a fault, always alike", (swap, shown))


def swaps_after_a_fault(packets: int) -> Iterator[Case]:
    """Yield the swap that no sum sees, at every packet, in an upload that shows another fault."""
    for packet in range(packets):
        swap = Fault(Harm.SWAP, packet * FRAME_BYTES + AT_BYTES["middle"])
        shown = Fault(Harm.GARBAGE, (packet * 37 + 5) % packets)
        yield Case("swap beside a fault", (swap, shown))
        later = Fault(swap.harm, swap.at, spares=1)
        yield Case("swap after a fault", (Fault(Harm.FLIP, shown.at * FRAME_BYTES + 20), later))


def mixtures(count: int, packets: int, first: int = 0) -> Iterator[Case]:
    """Yield random faults: several, in each of up to three uploads, at any byte, often in noise."""
    for seed in range(first, first + count):
        dice = random.Random(seed)  # noqa: S311 - faults, not secrets
        faults = [fault for nth in range(3) for fault in _some(dice, nth, packets)]
        noisy = dice.random() < 0.5
        rate = math.exp(dice.uniform(*map(math.log, RATES))) if noisy else 0.0
        yield Case("mixture, in noise" if noisy else "mixture", tuple(faults), rate, seed)


def _some(dice: random.Random, nth: int, packets: int) -> Iterator[Fault]:
    if nth and dice.random() >= HIT_AGAIN:
        return
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        harm = Harm.UNPLUG if dice.random() < 0.01 else dice.choice(MIXTURE)
        by_packet = harm in PACKET_HARMS
        at = dice.randrange(1, packets) if by_packet else dice.randrange(packets * FRAME_BYTES)
        yield Fault(
            harm, at, spares=nth, bit=dice.randrange(8), seconds=dice.uniform(0.0, STALL_S),
            value=dice.choice(LENGTHS), noise=dice.randbytes(dice.randrange(1, 40)),
        )  # fmt: skip


def _alone(fault: Fault) -> Case:
    return Case(fault.harm.name.lower().replace("_", " "), (fault,))
