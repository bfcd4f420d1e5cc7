"""Mutated photos through the real worker, and any bytes through its wire.

A short, repeatable run belongs to the tests. `make fuzz-vision` runs much longer, each time anew;
ANXIN_FUZZ_EXAMPLES says how many examples.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.camera import Frame
from edge.photos.fault import PHOTO_PIXELS_MAX, PhotoUnreadable
from edge.photos.header import photo_header
from edge.vision.client import Depth, ModelFiles, VisionLost, VisionWorker
from edge.vision.wire import WireBroken, receive
from tests import hostile_photos as hostile

PATIENCE_S = 60.0
EXAMPLES = int(os.environ.get("ANXIN_FUZZ_EXAMPLES", "0"))
LONG = EXAMPLES > 0
PHOTOS = settings(
    max_examples=EXAMPLES or 60,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
BYTES = settings(PHOTOS, max_examples=20 * EXAMPLES or 300)
GROWTH_MAX_KIB = 48 * 1024
"""What the allocator may keep; a leak of one photo's pixels would be 1 MiB an example."""


@pytest.fixture(scope="module")
def seeds(pictures):
    """Small honest photos, coded in the ways that archives use."""
    with Image.open(pictures / "man-35.jpg") as image:
        person = image.convert("RGB").resize((320, 320))
    return [
        hostile.jpeg(person),
        hostile.jpeg(person, progressive=True),
        hostile.jpeg(person, restart_marker_rows=1, icc_profile=hostile.srgb_profile()),
        hostile.lying(person, 6),
    ]


@pytest.fixture(scope="module")
def eyes(models):
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    worker.wait_ready(PATIENCE_S)
    yield worker
    worker.close()


@dataclass
class Tally:
    """What became of the photos."""

    read: int = 0
    refused: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Spoiling:
    """One thing that goes wrong with a photo: where and how much (both 0..1), and some bytes."""

    kind: str
    where: float
    much: float
    extra: bytes

    def of(self, photo: bytes, other: bytes) -> bytes:
        if not photo:
            return self.extra
        at = int(self.where * len(photo))
        # Tables and sizes stand in the first kilobyte.
        early = 2 + int(self.where * min(1000, len(photo)))
        spoilt = {
            "flip": photo[:at] + bytes([photo[at] ^ 1 << int(self.much * 8)]) + photo[at + 1 :],
            "cut": photo[:at],
            "drop": photo[:at] + photo[at + int(self.much * 400) :],
            "insert": photo[:at] + self.extra + photo[at:],
            "splice": photo[:at] + other[int(self.much * len(other)) :],
            "header": photo[:early] + self.extra[:3] + photo[early + len(self.extra[:3]) :],
            "segment": photo[:2] + bytes([0xFF, 0xC0 + int(self.much * 64)]) + self.extra
            + photo[2:],
        }  # fmt: skip
        return spoilt[self.kind]


KINDS = ("flip", "cut", "drop", "insert", "splice", "header", "segment")
SHARES = st.floats(0, 1, exclude_max=True)
SPOILINGS = st.lists(
    st.builds(Spoiling, st.sampled_from(KINDS), SHARES, SHARES, st.binary(max_size=40)),
    min_size=1,
    max_size=4,
)


def spoilt(spoilings: list[Spoiling], photo: bytes, other: bytes) -> bytes:
    for spoiling in spoilings:
        photo = spoiling.of(photo, other)
    return photo


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_no_mutated_photo_harms_the_worker(eyes, seeds, capsys):
    """Each is read or refused by name, in flat memory, by one worker; the next frame is seen."""
    tally = Tally()
    for seed in seeds:
        eyes.read_photo(seed, PATIENCE_S)
    before_kib = resident_kib(eyes.pid)

    @PHOTOS
    @given(SPOILINGS, st.integers(0, 3), st.integers(0, 3))
    def run(spoilings, one, other):
        try:
            photo = eyes.read_photo(spoilt(spoilings, seeds[one], seeds[other]), PATIENCE_S)
        except PhotoUnreadable:
            tally.refused += 1
        except VisionLost:
            tally.lost += 1
        else:
            tally.read += 1
            photo_header(photo.preview_jpeg)

    run()
    growth_kib = resident_kib(eyes.pid) - before_kib
    sight = eyes.look(Frame(np.zeros((90, 90, 3), np.uint8), 1, 0.0), Depth.LIVE, PATIENCE_S)
    if LONG:
        with capsys.disabled():
            # The only result that a long run leaves.
            print(f"\n{tally}, {eyes.restarts} restarts, {growth_kib} KiB grown")  # noqa: T201

    assert sight.faces == 0
    assert tally.read > 0
    assert tally.refused > 0
    assert (tally.lost, eyes.restarts) == (0, 0)
    assert growth_kib < GROWTH_MAX_KIB


@BYTES
@given(SPOILINGS, st.integers(0, 3), st.integers(0, 3))
def test_the_header_refuses_or_keeps_the_limits(seeds, spoilings, one, other):
    """Whatever the bytes are, the walk ends with a header within the limits or a named fault."""
    try:
        header = photo_header(spoilt(spoilings, seeds[one], seeds[other]))
    except PhotoUnreadable:
        return

    assert min(header.width_px, header.height_px) >= 96
    assert header.width_px * header.height_px <= PHOTO_PIXELS_MAX


@BYTES
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\xff\xd8" + tail))
def test_the_header_takes_any_bytes(content):
    """Nothing but the named fault ever comes of noise."""
    with pytest.raises(PhotoUnreadable):
        photo_header(content)


class Wire:
    """A socket that delivers bytes in pieces of drawn sizes, then closes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._left = content
        self._sizes = sizes or [1]
        self._turn = 0

    def settimeout(self, timeout_s: float) -> None:
        assert timeout_s > 0

    def recv(self, most: int) -> bytes:
        self._turn += 1
        size = min(most, self._sizes[self._turn % len(self._sizes)])
        piece, self._left = self._left[:size], self._left[size:]
        return piece


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@BYTES
@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=400).map(lambda body: struct.pack(">I", len(body)) + body),
        _JSON.map(lambda value: json.dumps(value).encode()).map(
            lambda body: struct.pack(">I", len(body)) + body
        ),
    ),
    st.lists(st.integers(1, 50), max_size=4),
)
def test_the_wire_takes_any_bytes(content, sizes):
    """An object of finite numbers, or `WireBroken`: whatever comes, in whatever pieces."""
    try:
        message = receive(Wire(content, sizes), 5.0)
    except WireBroken:
        return

    assert isinstance(message, dict)


def test_a_wire_that_says_half_is_given_up():
    """A length without its body is a time-out, and a closed end is no waiting."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(b"\0\0\0\x10{")
            with pytest.raises(TimeoutError):
                receive(theirs, 0.05)
        with pytest.raises(WireBroken):
            receive(theirs, PATIENCE_S)
