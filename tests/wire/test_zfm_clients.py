"""Other people's drivers against our peer: so driver and peer cannot be wrong alike."""

from __future__ import annotations

import pytest
import serial
from PIL import Image

from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import unpack_4bit
from tests.wire.glass import random_pixels

# Their warnings are theirs; ours stay errors everywhere else.
pytestmark = pytest.mark.filterwarnings("ignore")

WIDTH_PX, HEIGHT_PX = 256, 288


@pytest.mark.parametrize("packet_bytes", [64, 128, 256])
def test_adafruit_reads_our_peers_image(packet_bytes):
    """Pixel for pixel what lies on the glass (adafruit-circuitpython-fingerprint)."""
    client = pytest.importorskip("adafruit_fingerprint", reason="third-party client missing")
    pixels = random_pixels(WIDTH_PX, HEIGHT_PX)
    with (
        ZfmPeer(packet_bytes=packet_bytes) as peer,
        serial.Serial(str(peer.port), 57600, timeout=5) as line,
    ):
        peer.put(pixels)
        reader = client.Adafruit_Fingerprint(line)
        taken = reader.get_image(), reader.image_2_tz(1)
        image = unpack_4bit(bytes(reader.get_fpdata("image")))

    assert taken == (0, 0)
    assert reader.data_packet_size == [32, 64, 128, 256].index(packet_bytes)
    assert image == pixels


@pytest.mark.parametrize("packet_bytes", [32, 128, 256])
def test_pyfingerprint_reads_our_peers_image(packet_bytes, tmp_path):
    """Pixel for pixel what lies on the glass (pyfingerprint)."""
    client = pytest.importorskip("pyfingerprint.pyfingerprint", reason="third-party client missing")
    pixels = random_pixels(WIDTH_PX, HEIGHT_PX)
    with ZfmPeer(packet_bytes=packet_bytes) as peer:
        peer.put(pixels)
        reader = client.PyFingerprint(str(peer.port), 57600)
        known = reader.verifyPassword()
        taken = reader.readImage(), reader.convertImage(1)
        reader.downloadImage(str(tmp_path / "print.bmp"))
        del reader
    with Image.open(tmp_path / "print.bmp") as picture:
        image = picture.convert("L").tobytes()

    assert known
    assert taken == (True, True)
    assert image == pixels
