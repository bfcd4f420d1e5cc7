"""The EF01 codec: bytes that the world has fixed, and promises for all others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import ProtocolViolation
from drivers.zfm_packets import (
    ANY_ADDRESS,
    HEADER,
    Kind,
    Opcode,
    Packet,
    PacketParser,
    Register,
    SystemParameters,
    command,
    pack_4bit,
    stream,
    stream_line_bytes,
    unpack_4bit,
)

GOLDEN = [  # as other people's drivers and traces print them, after the header EF 01 FF FF FF FF
    ("VfyPwd(0), a trace in brianrho/FPM issue 25", "01 00 07 13 00 00 00 00 00 1B",
     command(Opcode.VFY_PWD, 0, 0, 0, 0)),
    ("acknowledge, the same trace", "07 00 03 00 00 0A", Packet(Kind.ACKNOWLEDGE, b"\x00")),
    ("no finger", "07 00 03 02 00 0C", Packet(Kind.ACKNOWLEDGE, b"\x02")),
    ("GetImage", "01 00 03 01 00 05", command(Opcode.GET_IMAGE)),
    ("Img2Tz(1)", "01 00 04 02 01 00 08", command(Opcode.IMG_2_TZ, 1)),
    ("UpImage", "01 00 03 0A 00 0E", command(Opcode.UP_IMAGE)),
    ("ReadSysPara", "01 00 03 0F 00 13", command(Opcode.READ_SYS_PARA)),
    ("baud 115200", "01 00 05 0E 04 0C 00 24", command(Opcode.SET_SYS_PARA, Register.BAUD, 12)),
    ("packets of 256", "01 00 05 0E 06 03 00 1D",
     command(Opcode.SET_SYS_PARA, Register.PACKET_SIZE, 3)),
]  # fmt: skip

packets = st.builds(
    Packet, st.sampled_from(Kind), st.binary(max_size=64), st.sampled_from([ANY_ADDRESS])
)
noise = st.binary(max_size=40).filter(lambda bytes_: 0xEF not in bytes_)


def read_all(parser: PacketParser) -> tuple[list[Packet], int]:
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


@pytest.mark.parametrize(("rest", "packet"), [case[1:] for case in GOLDEN], ids=str)
def test_packets_are_the_bytes_that_the_world_has_fixed(rest, packet):
    """Driver and peer share the codec: only foreign bytes can show that both are not wrong."""
    frame = bytes.fromhex("EF 01 FF FF FF FF" + rest)
    parser = PacketParser()
    parser.feed(frame)

    assert packet.to_bytes() == frame
    assert parser.next_packet() == packet


@given(st.lists(packets, max_size=4), st.data())
def test_packets_survive_any_split(sent, data):
    """Whatever pieces the line delivers, the same packets come out."""
    rest = b"".join(packet.to_bytes() for packet in sent)
    parser, got = PacketParser(), []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        parser.feed(rest[:size])
        got += read_all(parser)[0]
        rest = rest[size:]

    assert got == sent


@given(st.lists(st.tuples(noise, packets), max_size=4))
def test_noise_between_packets_is_counted_and_costs_none(sent):
    """A packet is found wherever its header stands."""
    parser = PacketParser()
    parser.feed(b"".join(before + packet.to_bytes() for before, packet in sent))

    assert read_all(parser) == ([packet for _, packet in sent], 0)
    assert parser.skipped_bytes == sum(len(before) for before, _ in sent)


@given(packets, packets, packets, st.data())
def test_one_flipped_bit_costs_only_its_packet(before, hit, after, data):
    """A damaged packet never comes out, and its neighbours always do."""
    frame = bytearray(hit.to_bytes())
    # A longer length would rightly wait for bytes that are another packet's: see the next test.
    bits = [bit for bit in range(8 * len(frame)) if bit // 8 not in (7, 8)]
    bit = data.draw(st.sampled_from(bits))
    frame[bit // 8] ^= 1 << bit % 8
    parser = PacketParser()
    parser.feed(before.to_bytes() + bytes(frame) + after.to_bytes())

    assert read_all(parser)[0] == [before, after]


def test_a_longer_length_swallows_no_packet_behind_it():
    """What a broken length covers is searched again for packets."""
    frame = bytearray(Packet(Kind.DATA, bytes(20)).to_bytes())
    frame[8] += 100
    after = [Packet(Kind.DATA, bytes([n] * 90)) for n in range(3)]
    parser = PacketParser()
    parser.feed(bytes(frame) + b"".join(packet.to_bytes() for packet in after))

    assert read_all(parser) == (after, 1)


@given(packets, st.lists(packets, min_size=2, max_size=3), st.data())
def test_a_packet_that_is_cut_short_swallows_none_behind_it(hit, after, data):
    """However little of it came: the next header may stand inside what it claims to be."""
    frame = hit.to_bytes()
    cut = data.draw(st.integers(1, len(frame) - 1))
    # What it may still claim is filled by what belongs to nobody.
    rest = b"".join(packet.to_bytes() for packet in after) + bytes(300)
    parser = PacketParser()
    parser.feed(frame[:cut] + rest)

    assert read_all(parser)[0] == after


@pytest.mark.parametrize("length", [0, 1, 259, 65535])
def test_an_impossible_length_is_refused_at_once(length):
    """Nobody waits for 65,535 bytes that never come."""
    parser = PacketParser()
    parser.feed(HEADER + b"\xff" * 4 + b"\x02" + length.to_bytes(2))

    with pytest.raises(ProtocolViolation):
        parser.next_packet()


@pytest.mark.parametrize("size", [0, 1, 255, 256])
def test_every_payload_size_that_fits_is_read(size):
    """The limits themselves belong to the allowed."""
    packet = Packet(Kind.END, (b"\xef\x01\xff\xff\xff\xff" * 43)[:size])
    parser = PacketParser()
    parser.feed(packet.to_bytes())

    assert parser.next_packet() == packet
    assert parser.skipped_bytes == 0


def test_a_payload_of_257_bytes_is_refused():
    """No module could read it."""
    with pytest.raises(ValueError, match="257"):
        Packet(Kind.DATA, bytes(257))


def test_a_packet_for_another_address_is_not_ours():
    """Two modules may share a line."""
    parser = PacketParser()
    parser.feed(Packet(Kind.ACKNOWLEDGE, b"\x00", address=1).to_bytes())

    assert parser.next_packet() is None


@given(st.binary(max_size=400))
def test_no_bytes_at_all_break_the_parser(received):
    """Noise yields refusals, or nothing: never another exception, never an endless loop."""
    parser = PacketParser()
    parser.feed(received)
    read_all(parser)

    assert parser.skipped_bytes <= len(received)


def test_the_left_pixel_is_the_high_nibble():
    """Repeating each byte twice instead would give a plausible, wrong picture."""
    assert unpack_4bit(b"\x0f\xa5") == bytes([0, 255, 170, 85])


@given(st.binary(max_size=64))
def test_packing_gives_back_what_was_unpacked(packed):
    """The peer's packing is the driver's unpacking."""
    assert pack_4bit(unpack_4bit(packed)) == packed


@pytest.mark.parametrize(("size", "last"), [(256, 256), (257, 1), (1, 1), (512, 256)])
def test_a_stream_ends_with_content(size, last):
    """The END packet carries bytes; there is no empty one after a full packet."""
    sent = list(stream(bytes(size), 256))

    assert [packet.kind for packet in sent] == [Kind.DATA] * (len(sent) - 1) + [Kind.END]
    assert len(sent[-1].payload) == last


def test_the_line_needs_as_many_bytes_as_the_reference_says():
    """7.0 s for an image at 57600 baud in packets of 128 (arithmetic of the family)."""
    assert stream_line_bytes(36864, 128) * 10 / 57600 == pytest.approx(6.95, abs=0.01)
    assert stream_line_bytes(36864, 256) * 10 / 115200 == pytest.approx(3.34, abs=0.01)


def test_system_parameters_are_read_as_adafruit_prints_them():
    """Status, system id, library, security, address, packet code, baud code."""
    answer = bytes.fromhex("0000 0009 00C8 0003 FFFFFFFF 0002 0006")

    assert SystemParameters.from_bytes(answer) == SystemParameters(
        0, 9, 200, 3, 0xFFFFFFFF, packet_bytes=128, baud=57600
    )
    assert SystemParameters.from_bytes(answer).to_bytes() == answer


@pytest.mark.parametrize("answer", ["00", "0000 0009 00C8 0003 FFFFFFFF 0004 0006",
                                    "0000 0009 00C8 0003 FFFFFFFF 0002 0000"])  # fmt: skip
def test_impossible_system_parameters_are_refused(answer):
    """A code that no module has is never guessed around."""
    with pytest.raises(ProtocolViolation):
        SystemParameters.from_bytes(bytes.fromhex(answer))
