"""How the zfm driver waits for an image: asleep, but never past a cancel or the image's end."""

from __future__ import annotations

import os
import time

import pytest

from drivers.fingerprint import FingerImage
from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import packed_line_bytes
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

IMAGE_BYTES = WIDTH_PX * HEIGHT_PX // 2
NOTICED_S = 0.2
"""So late may a cancel or a pulled plug be noticed."""


class Watched:
    """One upload at a line's own speed: its reads, its sleeps, and what had come before each."""

    def __init__(self, open_on, monkeypatch, pixels, baud, packet_bytes):
        self.baud = baud
        self.packet_bytes = packet_bytes
        self.reads = 0
        self.sleeps: list[tuple[float, int]] = []
        self._received = 0
        with ZfmPeer(
            width_px=WIDTH_PX, height_px=HEIGHT_PX, baud=baud, packet_bytes=packet_bytes,
            throttled=True,
        ) as peer:  # fmt: skip
            peer.put(pixels)
            reader = open_on(peer, baud=baud)
            self._watch(monkeypatch, reader._line.port._fd)
            image = reader.capture(30.0, self._progress)
        self.pixels = image.pixels if isinstance(image, FingerImage) else image

    def _watch(self, monkeypatch, descriptor):
        """Count at the system's border, on the port alone: the peer lives in this process too."""
        read, sleep = os.read, time.sleep

        def counted_read(one, size):
            self.reads += one == descriptor
            return read(one, size)

        def noted_sleep(seconds):
            self.sleeps.append((seconds, self._received))
            sleep(seconds)

        monkeypatch.setattr(os, "read", counted_read)
        monkeypatch.setattr(time, "sleep", noted_sleep)

    def _progress(self, received, _expected):
        if received == 0:
            self.reads, self.sleeps = 0, []
        self._received = received

    def line_s(self, content_bytes):
        """Return how long the line needs for so much of the image."""
        return packed_line_bytes(content_bytes, self.packet_bytes) * 10 / self.baud


@pytest.mark.parametrize(("baud", "packet_bytes"), [(38400, 256), (57600, 32)])
def test_an_upload_wakes_seldom(open_on, monkeypatch, pixels, baud, packet_bytes):
    """Some five reads a second, and a few for the ends; the line has hundreds of pieces."""
    upload = Watched(open_on, monkeypatch, pixels, baud, packet_bytes)

    assert upload.pixels == pixels
    assert upload.reads <= upload.line_s(IMAGE_BYTES) / NOTICED_S + 24


@pytest.mark.parametrize(("baud", "packet_bytes"), [(38400, 256), (57600, 32)])
def test_no_sleep_hides_a_cancel_or_the_end(open_on, monkeypatch, pixels, baud, packet_bytes):
    """Every sleep is short, and shorter than what is still to come needs."""
    upload = Watched(open_on, monkeypatch, pixels, baud, packet_bytes)

    assert upload.pixels == pixels
    assert upload.sleeps
    assert max(seconds for seconds, _ in upload.sleeps) <= NOTICED_S
    assert all(
        seconds < upload.line_s(IMAGE_BYTES - received) for seconds, received in upload.sleeps
    )
