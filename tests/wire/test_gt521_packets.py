"""The gt521 codec: bytes that the world has fixed, and promises for all others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import ProtocolViolation
from drivers.gt521_packets import (
    MAX_CONTENT_BYTES,
    MESSAGE_BYTES,
    Answer,
    Command,
    Content,
    Description,
    Message,
    ModuleInfo,
    PacketParser,
    Refusal,
    image_line_bytes,
)

GOLDEN = [  # as other people's drivers and traces print them
    ("Open(1)", "55 AA 01 00 01 00 00 00 01 00 02 01", Message(Command.OPEN, 1)),
    ("ACK", "55 AA 01 00 00 00 00 00 30 00 30 01", Message(Answer.ACK)),
    ("CmosLed(1)", "55 AA 01 00 01 00 00 00 12 00 13 01", Message(Command.CMOS_LED, 1)),
    ("CmosLed(0), SparkFun's guide", "55 AA 01 00 00 00 00 00 12 00 12 01",
     Message(Command.CMOS_LED, 0)),
    ("IsPressFinger", "55 AA 01 00 00 00 00 00 26 00 26 01", Message(Command.IS_PRESS_FINGER)),
    ("Capture(1)", "55 AA 01 00 01 00 00 00 60 00 61 01", Message(Command.CAPTURE, 1)),
    ("GetImage", "55 AA 01 00 00 00 00 00 62 00 62 01", Message(Command.GET_IMAGE)),
    ("ChangeBaud(115200)", "55 AA 01 00 00 C2 01 00 04 00 C7 01",
     Message(Command.CHANGE_BAUD, 115200)),
    ("NACK, not pressed", "55 AA 01 00 12 10 00 00 31 00 53 01",
     Message(Answer.NACK, Refusal.NOT_PRESSED)),
]  # fmt: skip

DESCRIPTION = bytes.fromhex(  # a real module's answer to Open(1), pyGT511C3 issue 29
    "5A A5 01 00 20 09 16 20 00 00 00 00 EF 13 EF 40 14 DC 64 40 64 CD 9A 68 34 00 00 00 8B 07"
)

messages = st.builds(Message, st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF))
contents = st.builds(Content, st.binary(min_size=1, max_size=64))
noise = st.binary(max_size=40).filter(lambda bytes_: not {0x55, 0x5A} & set(bytes_))


def read_all(parser: PacketParser) -> tuple[list[Message | Content], int]:
    """Return every packet that is whole, and how many were refused."""
    got, refused = [], 0
    while True:
        try:
            packet = parser.next_packet()
        except ProtocolViolation:
            refused += 1
            continue
        if packet is None:
            return got, refused
        got.append(packet)


@pytest.mark.parametrize(("frame", "packet"), [case[1:] for case in GOLDEN], ids=str)
def test_packets_are_the_bytes_that_the_world_has_fixed(frame, packet):
    """Driver and peer share the codec: only foreign bytes can show that both are not wrong."""
    parser = PacketParser()
    parser.feed(bytes.fromhex(frame))

    assert packet.to_bytes() == bytes.fromhex(frame)
    assert parser.next_packet() == packet


def test_a_real_modules_description_is_read():
    """Firmware as a date in BCD, no ISO area, 16 bytes of serial number; its sum fits."""
    parser = PacketParser()
    parser.expect(24)
    parser.feed(DESCRIPTION)
    content = parser.next_packet()

    assert content.to_bytes() == DESCRIPTION
    assert Description.from_bytes(content.payload) == Description(
        0x20160920, 0, bytes.fromhex("EF13EF4014DC644064CD9A6834000000")
    )
    assert Description.from_bytes(content.payload).to_bytes() == content.payload


@given(st.lists(st.tuples(messages, contents), max_size=4), st.data())
def test_packets_survive_any_split(sent, data):
    """Whatever pieces the line delivers, the same packets come out, an answer and its content."""
    rest = b"".join(packet.to_bytes() for pair in sent for packet in pair)
    sizes = iter([len(content.payload) for _, content in sent])
    parser, got = PacketParser(), []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        parser.feed(rest[:size])
        rest = rest[size:]
        while (packet := parser.next_packet()) is not None:
            got.append(packet)
            if isinstance(packet, Message):
                parser.expect(next(sizes))

    assert got == [packet for pair in sent for packet in pair]


@given(st.lists(st.tuples(noise, messages), max_size=4))
def test_noise_between_packets_is_counted_and_costs_none(sent):
    """A packet is found wherever its header stands."""
    parser = PacketParser()
    parser.feed(b"".join(before + packet.to_bytes() for before, packet in sent))

    assert read_all(parser) == ([packet for _, packet in sent], 0)
    assert parser.skipped_bytes == sum(len(before) for before, _ in sent)


@given(messages, messages, messages, st.integers(0, 8 * MESSAGE_BYTES - 1))
def test_one_flipped_bit_costs_only_its_packet(before, hit, after, bit):
    """A damaged packet never comes out, and its neighbours always do."""
    frame = bytearray(hit.to_bytes())
    frame[bit // 8] ^= 1 << bit % 8
    parser = PacketParser()
    parser.feed(before.to_bytes() + bytes(frame) + after.to_bytes())

    assert read_all(parser)[0] == [before, after]


@given(contents, messages, st.data())
def test_one_flipped_bit_costs_only_its_content(hit, after, data):
    """What a broken packet covers is searched for others; those behind it come out."""
    frame = bytearray(hit.to_bytes())
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    parser = PacketParser()
    parser.expect(len(hit.payload))
    parser.feed(bytes(frame) + after.to_bytes())
    got = read_all(parser)[0]

    assert not any(isinstance(packet, Content) for packet in got)
    assert got[-1:] == [after]


def test_content_is_no_packet_until_it_is_expected():
    """Its header may stand in noise; only who asked knows how long it is."""
    parser = PacketParser()
    parser.feed(Content(b"abc").to_bytes())

    assert parser.next_packet() is None
    assert parser.held_bytes < 4


def test_content_is_expected_once():
    """An image that comes twice is one image, and noise behind it."""
    parser = PacketParser()
    parser.expect(3)
    parser.feed(2 * Content(b"abc").to_bytes() + Message(Answer.ACK).to_bytes())

    assert read_all(parser) == ([Content(b"abc"), Message(Answer.ACK)], 0)


def test_headers_inside_an_image_are_pixels():
    """An image may hold the bytes of any packet."""
    payload = Message(Answer.ACK).to_bytes() + Content(b"x").to_bytes() + b"\x55\xaa\x01\x00"
    parser = PacketParser()
    parser.expect(len(payload))
    parser.feed(Content(payload).to_bytes())

    assert parser.next_packet() == Content(payload)
    assert parser.skipped_bytes == 0


def test_silence_ends_content_of_a_size_that_is_listed():
    """Nobody knew the size: the one whose sum fits exactly is it."""
    parser = PacketParser()
    parser.expect(None)
    parser.feed(Content(bytes(range(200))).to_bytes())

    assert parser.next_packet() is None
    assert parser.content_at_silence([100, 200]) == Content(bytes(range(200)))
    assert parser.held_bytes == 0


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x5a\xa5",
        Content(bytes(99)).to_bytes(),
        Content(bytes(100)).to_bytes() + b"\x00",
        Content(bytes(100)).to_bytes()[:-1] + b"\x07",
    ],
    ids=["nothing", "half a head", "another size", "a byte too many", "a wrong sum"],
)
def test_silence_after_anything_else_is_refused(line):
    """The right count and the right sum, or nothing."""
    parser = PacketParser()
    parser.expect(None)
    parser.feed(line)
    parser.next_packet()

    with pytest.raises(ProtocolViolation):
        parser.content_at_silence([100, 200])


def test_content_without_end_is_refused_in_bounded_memory():
    """A line that talks for ever fills no memory."""
    parser = PacketParser()
    parser.expect(None)
    parser.feed(Content(b"x").to_bytes()[:4])
    held = []
    for _ in range(64):
        parser.feed(bytes(4096))
        read_all(parser)
        held.append(parser.held_bytes)

    assert max(held) <= MAX_CONTENT_BYTES + 6
    assert held[-1] < 4


@pytest.mark.parametrize("size", [0, MAX_CONTENT_BYTES + 1, -1])
def test_an_impossible_size_is_never_expected(size):
    """Nobody waits for bytes that cannot come."""
    with pytest.raises(ValueError, match=str(size)):
        PacketParser().expect(size)


@given(st.binary(max_size=400), st.sampled_from([0, 24, None]))
def test_no_bytes_at_all_break_the_parser(received, expected):
    """Noise yields refusals, or nothing: never another exception, never an endless loop."""
    parser = PacketParser()
    if expected != 0:
        parser.expect(expected)
    parser.feed(received)
    got = read_all(parser)[0]
    out = sum(len(packet.to_bytes()) for packet in got)

    assert out + parser.skipped_bytes + parser.held_bytes == len(received)


def test_a_modules_account_is_read_as_pygt521f32_reads_it():
    """Two texts of 12 bytes, then seven numbers."""
    told = ModuleInfo(b"GT-521", b"1.0", 160, 120, 202, 258, 200, 3, 498)

    assert ModuleInfo.from_bytes(told.to_bytes() + b"later") == ModuleInfo(
        b"GT-521".ljust(12, b"\0"), b"1.0".ljust(12, b"\0"), 160, 120, 202, 258, 200, 3, 498
    )


@pytest.mark.parametrize(
    "told",
    [b"", bytes(37), ModuleInfo(b"", b"", 1, 1, 0, 258, 0, 0, 0).to_bytes(),
     ModuleInfo(b"", b"", 1, 1, 0xFFFF, 0xFFFF, 0, 0, 0).to_bytes()],
    ids=["nothing", "too short", "no width", "4 GB"],
)  # fmt: skip
def test_an_impossible_account_is_refused(told):
    """Nobody waits for an image that no packet carries."""
    with pytest.raises(ProtocolViolation):
        ModuleInfo.from_bytes(told)


@pytest.mark.parametrize("size", [0, 23, 25])
def test_a_description_of_another_length_is_refused(size):
    """24 bytes, or another thing was said."""
    with pytest.raises(ProtocolViolation):
        Description.from_bytes(bytes(size))


@pytest.mark.parametrize(
    ("baud", "seconds"), [(9600, 54.3), (19200, 27.2), (57600, 9.05), (115200, 4.53)]
)
def test_the_line_needs_as_many_bytes_as_the_reference_says(baud, seconds):
    """52,116 bytes of image, in 10 bits each."""
    assert image_line_bytes(52116) * 10 / baud == pytest.approx(seconds, abs=0.05)
