"""What must hold for any bytes at all that a line delivers: one function for each fuzz target.

Each takes what the fuzzer made up and asserts promises, not just the absence of exceptions: what
comes out was in, nothing that stands intact is lost, memory is bounded, and every call gets on.
The oracles read the protocols again, slowly and by themselves.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import Any, Final

from drivers import (
    gt521_line,
    gt521_packets,
    gt521_upload,
    zfm_line,
    zfm_packets,
    zfm_size,
    zfm_upload,
)
from drivers.errors import ProtocolViolation
from tests.fuzz.camera_targets import jpeg_frame_target, v4l2_answers_target

ZFM_HEAD: Final = bytes.fromhex("EF01FFFFFFFF")
ZFM_LONGEST: Final = 9 + 258
GT_MESSAGE_HEAD: Final = bytes.fromhex("55AA0100")
GT_CONTENT_HEAD: Final = bytes.fromhex("5AA50100")


@dataclass(frozen=True)
class Cut:
    """What a parser made of a line: packets, and where each of them begins and ends."""

    packets: list[Any]
    places: list[tuple[int, int]]
    held_bytes: int
    refused: int


def cut(parser: Any, line: bytes, pieces: Iterator[int], held_max: int) -> Cut:
    """Feed a line in pieces and take everything out; assert that it gets on in bounded memory."""
    packets: list[Any] = []
    places: list[tuple[int, int]] = []
    fed = taken = refused = calls = 0
    while fed < len(line):
        size = next(pieces)
        parser.feed(line[fed : fed + size])
        fed = min(fed + size, len(line))
        while True:
            calls += 1
            assert calls <= 2 * len(line) + 2, "it does not get on"
            try:
                packet = parser.next_packet()
            except ProtocolViolation:
                refused += 1
                continue
            if packet is None:
                break
            length = len(packet.to_bytes())
            begin = taken + parser.skipped_bytes
            assert line[begin : begin + length] == packet.to_bytes(), "it was not in the line"
            packets.append(packet)
            places.append((begin, begin + length))
            taken += length
        assert parser.held_bytes <= held_max, f"it holds {parser.held_bytes} bytes"
    assert taken + parser.skipped_bytes + parser.held_bytes == len(line), "bytes came or went"
    return Cut(packets, places, parser.held_bytes, refused)


def pieces_of(control: int) -> Iterator[int]:
    """Return sizes of pieces, all from 1 to 300, that a control byte chooses."""
    state = control
    while True:
        state = (state * 75 + 74) % 65537
        yield 1 + state % (1, 3, 17, 300)[control % 4]


def nothing_intact_is_lost(line: bytes, seen: Cut, intact: Callable[[int], int]) -> None:
    """Assert that every packet that stands in the line came out, or overlaps one that did.

    `intact` returns the length of the packet that begins at a place, 0 if none does.
    """
    searched = len(line) - seen.held_bytes
    for begin in range(searched):
        length = intact(begin)
        if not length:
            continue
        end = begin + length
        overlaps = any(a < end and begin < b for a, b in seen.places)
        assert overlaps or end > searched, f"the packet at {begin} is lost"


def zfm_intact(line: bytes, begin: int) -> int:
    """Return the length of the EF01 packet that begins here, 0 if none does."""
    if not line.startswith(ZFM_HEAD, begin) or len(line) < begin + 11:
        return 0
    length = int.from_bytes(line[begin + 7 : begin + 9])
    frame = line[begin : begin + 9 + length]
    if line[begin + 6] not in (1, 2, 7, 8) or not 2 <= length <= 258 or len(frame) < 9 + length:
        return 0
    fits = sum(frame[6:-2]) % 65536 == int.from_bytes(frame[-2:])
    return len(frame) if fits else 0


def zfm_packets_target(given: bytes) -> None:
    """The EF01 parser: any line, in any pieces."""
    if not given:
        return
    line = given[1:]
    whole = cut(zfm_packets.PacketParser(), line, iter([len(line)] * 2), ZFM_LONGEST)
    split = cut(zfm_packets.PacketParser(), line, pieces_of(given[0]), ZFM_LONGEST)

    assert (whole.packets, whole.places) == (split.packets, split.places)
    assert all(len(packet.payload) <= 256 for packet in whole.packets)
    nothing_intact_is_lost(line, whole, lambda begin: zfm_intact(line, begin))


def gt521_intact(line: bytes, begin: int) -> int:
    """Return the length of the gt521 message that begins here, 0 if none does."""
    frame = line[begin : begin + 12]
    if not frame.startswith(GT_MESSAGE_HEAD) or len(frame) < 12:
        return 0
    return 12 if sum(frame[:10]) % 65536 == int.from_bytes(frame[10:], "little") else 0


def gt521_packets_target(given: bytes) -> None:
    """The gt521 parser: any line, in any pieces, expecting no content, some, or any."""
    if len(given) < 2:
        return
    line, expected = given[2:], given[1]

    def parser() -> gt521_packets.PacketParser:
        fresh = gt521_packets.PacketParser()
        if expected:
            fresh.expect(None if expected == 255 else expected)
        return fresh

    held_max = gt521_packets.MAX_CONTENT_BYTES + 6 if expected == 255 else max(12, expected + 6)
    whole = cut(parser(), line, iter([len(line)] * 2), held_max)
    split = cut(parser(), line, pieces_of(given[0]), held_max)
    contents = [one for one in whole.packets if isinstance(one, gt521_packets.Content)]

    assert (whole.packets, whole.places) == (split.packets, split.places)
    assert len(contents) <= 1
    assert all(len(content.payload) == expected for content in contents)
    nothing_intact_is_lost(line, whole, lambda begin: gt521_intact(line, begin))
    if expected == 255:
        _content_after(line)


def _content_after(line: bytes) -> None:
    """Silence ends content only if it is exactly one packet with a right sum."""
    parser = gt521_packets.PacketParser()
    parser.expect(None)
    cut(parser, line, iter([len(line)] * 2), gt521_packets.MAX_CONTENT_BYTES + 6)
    tail = line[len(line) - parser.held_bytes :]
    try:
        content = parser.content_at_silence([8, 32, 64])
    except ProtocolViolation:
        return

    assert content.to_bytes() == tail
    assert len(content.payload) in (8, 32, 64)


class Clock:
    """The time of a line that is made up: it goes on only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        """Return what time it is."""
        return self.now_s

    @contextmanager
    def ruling(self) -> Iterator[None]:
        """Be the clock of the drivers that collect images."""
        drivers: list[Any] = [room for name, room in sys.modules.items() if name[:8] == "drivers."]
        rooms = [room for room in drivers if vars(room).get("time") is time]
        for room in rooms:
            room.time = self
        try:
            yield
        finally:
            for room in rooms:
                room.time = time


SILENCE_S: Final = 1.0
"""Longer than a gap inside an image may be, shorter than an answer may take."""


class ScriptedPort:
    """A line that says what it is told, piece by piece, on a clock of its own."""

    path = "fuzz"
    speed_fixed = False
    baud = 115200
    READS_MAX: Final = 5_000

    def __init__(self, clock: Clock, answer: bytes, line: list[bytes | None]) -> None:
        self._clock = clock
        self._answer = answer
        self._line = line
        self._coming: list[bytes | None] = []
        self._silent_s = SILENCE_S
        self.reads = 0

    def write(self, _content: bytes) -> None:
        """Take the command, and answer as was told."""
        self._coming += [self._answer, *self._line]

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        """Return the next piece, b"" for silence; None among them is a silence of a second."""
        self.reads += 1
        assert self.reads <= self.READS_MAX, "it reads for ever"
        limit_s = max(0.0, limit_s)
        if self._coming and self._coming[0] is None:
            if self._silent_s > limit_s:
                self._silent_s -= limit_s
                self._clock.now_s += limit_s
                return b""
            self._clock.now_s += self._silent_s
            limit_s -= self._silent_s
            self._silent_s = SILENCE_S
            self._coming.pop(0)
            return self.read(limit_s, rest_s)
        if not self._coming:
            self._clock.now_s += limit_s
            return b""
        self._clock.now_s += max(0.0, rest_s)
        return self._coming.pop(0) or b""

    def drop_input(self) -> None:
        """Forget what has arrived: all but what comes after a silence."""
        while self._coming and self._coming[0] is not None:
            self._coming.pop(0)

    def drain(self, silence_s: float, limit_s: float) -> int:
        """Read until silence, or for so long."""
        dropped, until_s = 0, self._clock.now_s + limit_s
        while (left_s := until_s - self._clock.now_s) > 0:
            piece = self.read(min(silence_s, left_s))
            dropped += len(piece)
            if not piece:
                break
        return dropped

    def close(self) -> None:
        """Nothing is held."""


TIME_MAX_S: Final = 10.0
"""An image takes 2.1 s at most, and what is still under way after a fault 3 s."""

IMAGE: Final = bytes(range(7, 135))
"""What the module has taken: 128 bytes, no two alike."""


def zfm_line_of(script: bytes) -> list[bytes | None]:
    """Return what a module and its line make of an image, as the fuzzer's bytes say.

    Each step is two bytes, what and how much: the next true packet, one again, one left out, one
    with a flipped byte, an intact one with another payload or kind, noise, silence.
    """
    packets = list(zfm_packets.stream(IMAGE, 32))
    line: list[bytes | None] = []
    reader = io.BytesIO(script)
    at = 0
    while len(step := reader.read(2)) == 2 and len(line) < 64:
        what, how = step[0] % 8, step[1]
        frame = packets[min(at, len(packets) - 1)].to_bytes()
        if what == 0:
            line.append(frame)
            at += 1
        elif what == 1:
            line.append(packets[how % len(packets)].to_bytes())
        elif what == 2:
            at += 1
        elif what == 3:
            line.append(bytes(byte ^ (i == how % len(frame)) for i, byte in enumerate(frame)))
            at += 1
        elif what == 4:
            kind = (zfm_packets.Kind.DATA, zfm_packets.Kind.END)[how % 2]
            line.append(zfm_packets.Packet(kind, reader.read(how // 2)).to_bytes())
        elif what == 5:
            line.append(reader.read(how))
        elif what == 6:
            line.append(None)
        else:
            kind = list(zfm_packets.Kind)[how % 4]
            line.append(zfm_packets.Packet(kind, IMAGE[:32]).to_bytes())
    return [piece for piece in line if piece != b""]


def until_silence(line: list[bytes | None]) -> bytes:
    """Return what comes before the first silence."""
    first = line.index(None) if None in line else len(line)
    return b"".join(piece for piece in line[:first] if piece)


def zfm_image_target(given: bytes) -> None:
    """The image collector: what it believes is what intact packets held, whole and in order."""
    line = zfm_line_of(given)
    acknowledge = zfm_packets.Packet(zfm_packets.Kind.ACKNOWLEDGE, b"\0").to_bytes()
    clock = Clock()
    port = ScriptedPort(clock, acknowledge, line)
    module = zfm_line.ZfmLine(port, zfm_packets.ANY_ADDRESS, zfm_line.Limits())
    told: list[int] = []
    with clock.ruling():
        upload = zfm_upload.upload(module, len(IMAGE), told.append, Event())
    held = _zfm_payloads(until_silence(line))

    assert told == sorted(told)
    assert all(received <= len(IMAGE) for received in told)
    assert clock.now_s <= TIME_MAX_S, "it waits for ever"
    if upload.content is None:
        assert upload.fault
        return
    assert len(upload.content) == len(IMAGE)
    if not upload.fault:
        assert upload.content == b"".join(held), "what it believes was not in the line"
        assert not any(a == b and len(set(a)) > 1 for a, b in pairwise(held))


def _zfm_payloads(line: bytes) -> list[bytes]:
    """Return the payloads of data packets up to END, read by ourselves; garbage ends it."""
    payloads, at = [], 0
    while length := zfm_intact(line, at):
        frame = line[at : at + length]
        payloads.append(frame[9:-2])
        at += length
        if frame[6] == 8:
            break
    return payloads


def gt521_line_of(script: bytes) -> list[bytes | None]:
    """Return what a line makes of the second family's only packet, as the fuzzer's bytes say.

    Each step is two bytes, what and how much: a piece of it, bytes of it lost, a bit flipped,
    noise, silence, an answer in between; then the rest of it.
    """
    frame = bytearray(gt521_packets.Content(IMAGE).to_bytes())
    line: list[bytes | None] = []
    reader = io.BytesIO(script)
    while len(step := reader.read(2)) == 2 and len(line) < 64:
        what, how = step[0] % 6, step[1]
        if what == 0:
            line.append(bytes(frame[: how + 1]))
            del frame[: how + 1]
        elif what == 1:
            del frame[: how % 4]
        elif what == 2 and frame:
            frame[how % len(frame)] ^= 1 << how % 8
        elif what == 3:
            line.append(reader.read(how))
        elif what == 4:
            line.append(None)
        elif what == 5:
            line.append(gt521_packets.Message(0x30, how).to_bytes())
    return [piece for piece in [*line, bytes(frame)] if piece != b""]


def gt521_image_target(given: bytes) -> None:
    """The second family's collector: an intact packet of a listed size, or no image."""
    line = gt521_line_of(given[1:])
    clock = Clock()
    port = ScriptedPort(clock, gt521_packets.Message(0x30).to_bytes(), line)
    module = gt521_line.Gt521Line(port, gt521_line.Limits())
    told: list[int] = []
    sizes = [len(IMAGE)] if given[:1] < b"\x80" else [len(IMAGE), 64]
    with clock.ruling():
        upload = gt521_upload.upload(module, sizes, told.append, Event())

    assert all(received <= len(IMAGE) for received in told)
    assert clock.now_s <= TIME_MAX_S, "it waits for ever"
    if upload.content is None:
        assert upload.fault
        return
    everything = b"".join(piece for piece in line if piece)
    packet = gt521_packets.Content(upload.content).to_bytes()
    assert len(upload.content) in sizes
    assert packet in everything, "what it believes was not in the line"
    assert upload.fault or everything.startswith(packet), "noise before the image is a fault"


def answers_target(given: bytes) -> None:
    """What modules say of themselves: refused, or bounded and the same when written again."""
    for decode in (
        zfm_packets.SystemParameters.from_bytes,
        zfm_size.ProductInfo.from_bytes,
        gt521_packets.Description.from_bytes,
        gt521_packets.ModuleInfo.from_bytes,
    ):
        try:
            told: Any = decode(given)
        except ProtocolViolation:
            continue
        if hasattr(told, "to_bytes"):
            assert given.startswith(told.to_bytes())
        if hasattr(told, "width_px"):
            assert 0 < told.width_px * told.height_px <= 1024 * 1024
        if isinstance(told, zfm_packets.SystemParameters):
            assert told.packet_bytes in (32, 64, 128, 256)
            assert told.baud >= 9600
        if isinstance(told, zfm_size.ProductInfo):
            assert str(told).isprintable()


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "zfm_packets": zfm_packets_target,
    "zfm_image": zfm_image_target,
    "gt521_packets": gt521_packets_target,
    "gt521_image": gt521_image_target,
    "answers": answers_target,
    "jpeg_frame": jpeg_frame_target,
    "v4l2_answers": v4l2_answers_target,
}
