"""Every fault of a line at every byte of a gt521 image: never a wrong image, always an end.

The line is in memory, where silence costs no time; the driver, its parser and the module are real.
A fault shows itself, or it is one of the two that no sum can see: bytes that changed places, and
errors that compensate each other. On a line that has shown a fault, two uploads must agree, and
those are caught too. Both halves have their negative control.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from drivers.agreement import Agreement
from drivers.errors import DeviceAbsent, DeviceError, ProtocolViolation
from drivers.fingerprint import FingerImage
from drivers.gt521_packets import OVERHEAD_BYTES, Command, PacketParser
from drivers.peers.line_faults import Fault, Harm
from tests.wire.gt521_kit import (
    WIRE_HEIGHT_PX,
    WIRE_WIDTH_PX,
    Wire,
    nobody,
    on_wire,
    random_pixels,
)

PIXELS = random_pixels(WIRE_WIDTH_PX, WIRE_HEIGHT_PX)
FRAME_BYTES = len(PIXELS) + OVERHEAD_BYTES
CLEAN: list[Fault] = []

AT_EVERY_BYTE = [
    *[(f"flip {bit}", lambda at, bit=bit: Fault(Harm.FLIP, at, bit=bit)) for bit in (0, 3, 7)],
    ("drop", lambda at: Fault(Harm.DROP, at)),
    ("double", lambda at: Fault(Harm.DOUBLE, at)),
    ("swap", lambda at: Fault(Harm.SWAP, at)),
    ("truncate", lambda at: Fault(Harm.TRUNCATE, at)),
    ("stall", lambda at: Fault(Harm.STALL, at, seconds=0.7)),
    ("unplug", lambda at: Fault(Harm.UNPLUG, at)),
]
OF_THE_PACKET = {
    "lost": Fault(Harm.LOSE_PACKET),
    "doubled": Fault(Harm.DOUBLE_PACKET),
    "behind noise": Fault(Harm.GARBAGE),
    "behind a header": Fault(Harm.GARBAGE, noise=b"\x5a\xa5\x01\x00 looks like an image"),
    "behind much noise": Fault(Harm.GARBAGE, noise=bytes(15_000)),
    "a byte short": Fault(Harm.WRONG_TOTAL, value=-1),
    "a byte long": Fault(Harm.WRONG_TOTAL, value=1),
    "nearly empty": Fault(Harm.WRONG_TOTAL, value=-1000),
}
STAYING = {
    "flip": Fault(Harm.FLIP, 500),
    "drop": Fault(Harm.DROP, 500),
    "lost": Fault(Harm.LOSE_PACKET),
    "truncated": Fault(Harm.TRUNCATE, 9),
}


@dataclass(frozen=True)
class Outcome:
    """What a capture brought: an image, or an error; and after how many uploads."""

    image: FingerImage | None
    error: type[DeviceError] | None
    uploads: int

    @property
    def wrong(self) -> bool:
        """Whether an image was believed that nobody took."""
        return self.image is not None and self.image.pixels != PIXELS


def outcome_of(*faults: list[Fault], piece_bytes: int = 4096) -> Outcome:
    """Take one press over a line that does this to its uploads, one after the other."""
    wire = Wire(PIXELS, faults, piece_bytes=piece_bytes)
    try:
        image = on_wire(wire, baud=115200).capture(1.0, nobody)
    except DeviceError as error:
        return Outcome(None, type(error), wire.times(Command.GET_IMAGE))
    assert isinstance(image, FingerImage)
    return Outcome(image, None, wire.times(Command.GET_IMAGE))


@pytest.mark.parametrize(("name", "fault"), AT_EVERY_BYTE, ids=[name for name, _ in AT_EVERY_BYTE])
def test_a_fault_at_any_byte_of_an_image_is_mended_or_named(name, fault):
    """Exhaustive: one upload is hit, at each byte in turn; the next ones are clean."""
    outcomes = [outcome_of([fault(at)], CLEAN) for at in range(FRAME_BYTES)]
    unseen = [at for at, outcome in enumerate(outcomes) if outcome.uploads == 1]

    if name == "unplug":
        assert {outcome.error for outcome in outcomes} == {DeviceAbsent}
    elif name == "swap":
        # The limit of a sum: only a swap with the header or the sum itself shows.
        assert sum(outcome.wrong for outcome in outcomes) > 0.9 * len(PIXELS)
        assert set(range(4, len(PIXELS) + 3)) <= set(unseen)
    else:
        assert not any(outcome.wrong for outcome in outcomes)
        assert all(outcome.image for outcome in outcomes)
        # Twice the last byte of a whole packet is noise behind it, and no fault of the image.
        assert unseen == ([FRAME_BYTES - 1] if name == "double" else [])


@pytest.mark.parametrize("fault", OF_THE_PACKET.values(), ids=OF_THE_PACKET)
@pytest.mark.parametrize("piece_bytes", [1, 700, 4096])
def test_a_fault_of_the_packet_is_mended(fault, piece_bytes):
    """Lost, doubled, behind noise, too short, too long; in pieces of any size."""
    outcome = outcome_of([fault], CLEAN, piece_bytes=piece_bytes)

    assert not outcome.wrong
    assert outcome.image
    assert outcome.uploads <= 3


@pytest.mark.parametrize("fault", STAYING.values(), ids=STAYING)
def test_a_line_that_stays_bad_gives_no_image(fault):
    """Three uploads at each of two speeds, then the truth: a refusal, never a patched image."""
    outcome = outcome_of([fault])

    assert (outcome.image, outcome.error, outcome.uploads) == (None, ProtocolViolation, 6)


def test_the_next_slower_speed_is_tried_once():
    """Three uploads fail at 115200; at 57600 the image comes, and the line stays there."""
    bad = [Fault(Harm.FLIP, 500)]
    wire = Wire(PIXELS, [bad, bad, bad, CLEAN])
    reader = on_wire(wire, baud=115200)
    image = reader.capture(1.0, nobody)

    assert image.pixels == PIXELS
    assert (reader.baud, wire.module_baud) == (57600, 57600)
    assert wire.times(Command.GET_IMAGE) == 5


def test_there_is_no_speed_below_the_slowest():
    """At 9600 three uploads are all."""
    wire = Wire(PIXELS, [[Fault(Harm.FLIP, 500)]])
    reader = on_wire(wire)
    with pytest.raises(ProtocolViolation):
        reader.capture(1.0, nobody)

    assert wire.times(Command.GET_IMAGE) == 3
    assert wire.times(Command.CHANGE_BAUD) == 0


@pytest.mark.parametrize("at", range(4, FRAME_BYTES - 4, 20))
def test_after_a_fault_what_no_sum_sees_is_caught_too(at):
    """On a line that has shown a fault, one upload alone is never believed."""
    for faults in (
        ([Fault(Harm.GARBAGE), Fault(Harm.SWAP, at + 14)], CLEAN),
        ([Fault(Harm.FLIP, 40)], [Fault(Harm.SWAP, at)], CLEAN),
        ([Fault(Harm.DROP, 40)], CLEAN, [Fault(Harm.SWAP, at)], CLEAN),
    ):
        outcome = outcome_of(*faults)

        assert not outcome.wrong


def drawn(rng: random.Random) -> list[Fault]:
    """Draw what happens to one upload: nothing, or up to three faults."""
    harms = [Harm.FLIP, Harm.DROP, Harm.DOUBLE, Harm.SWAP, Harm.TRUNCATE, Harm.GARBAGE]
    return [
        Fault(rng.choice(harms), rng.randrange(FRAME_BYTES - 1), bit=rng.randrange(8))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))
    ]


def believed_wrong(seed: int, rounds: int) -> list[Outcome]:
    """Return the wrong images that were believed although the line had shown a fault."""
    rng = random.Random(seed)
    outcomes = [outcome_of(drawn(rng), drawn(rng), drawn(rng), CLEAN) for _ in range(rounds)]
    return [outcome for outcome in outcomes if outcome.wrong and outcome.uploads > 1]


def test_random_faults_in_every_upload_never_pass_for_an_image():
    """Whatever comes together: after a shown fault a wrong image needs two equal wrong uploads."""
    assert believed_wrong(seed=7, rounds=3000) == []


def test_control_without_the_sum_wrong_images_are_believed(monkeypatch):
    """The tests above see it when the checksum is not looked at."""

    def unchecked(self: PacketParser, size: int) -> bytearray:
        frame = self._buffer[: size - 2]
        del self._buffer[:size]
        return frame

    monkeypatch.setattr(PacketParser, "_cut", unchecked)

    assert outcome_of([Fault(Harm.FLIP, 500)], CLEAN).wrong


def test_control_without_agreement_wrong_images_are_believed(monkeypatch):
    """The tests above see it when one upload is believed after a fault."""
    monkeypatch.setattr(Agreement, "_believes", lambda self, fetched: fetched.content is not None)

    assert believed_wrong(seed=7, rounds=400)
