"""Other people's drivers against our peer: so driver and peer cannot be wrong alike."""

from __future__ import annotations

import pytest
import serial
from PIL import Image

from drivers.fingerprint import FingerImage
from drivers.load import open_reader
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import R503
from drivers.zfm_packets import unpack_4bit
from tests.wire.glass import random_pixels

# Their warnings are theirs; ours stay errors everywhere else.
pytestmark = pytest.mark.filterwarnings("ignore")

WIDTH_PX, HEIGHT_PX = 256, 288
PACKET_SIZES_BYTES = (256, 128, 64, 32)


def ours(peer, packet_bytes):
    """Return the pixels that the station's own driver reads."""
    options = {
        "port": peer.port, "model": "test", "width_px": WIDTH_PX, "height_px": HEIGHT_PX,
        "resolution_ppi": 500, "scan_baud": (57600,), "packet_bytes": packet_bytes,
        "poll_s": 0.01,
    }  # fmt: skip
    reader = open_reader("zfm", options)
    try:
        image = reader.capture(5.0, lambda *_: None)
    finally:
        reader.close()
    assert isinstance(image, FingerImage)
    return image.pixels


def adafruits(client, peer):
    """Return the pixels that adafruit-circuitpython-fingerprint reads."""
    with serial.Serial(str(peer.port), 57600, timeout=5) as line:
        reader = client.Adafruit_Fingerprint(line)
        assert (reader.get_image(), reader.image_2_tz(1)) == (0, 0)
        return unpack_4bit(bytes(reader.get_fpdata("image")))


@pytest.fixture
def adafruit():
    """The client, or aloud nothing."""
    return pytest.importorskip("adafruit_fingerprint", reason="third-party client missing")


@pytest.fixture
def pyfingerprint():
    """The client, or aloud nothing."""
    return pytest.importorskip("pyfingerprint.pyfingerprint", reason="third-party client missing")


@pytest.fixture
def print_on(pixels):
    """A module with packets of this size and something on its glass."""

    def lay(packet_bytes):
        peer = ZfmPeer(packet_bytes=packet_bytes)
        peer.put(pixels)
        return peer

    return lay


@pytest.fixture
def pixels():
    """What lies on the glass: two full packets never alike, whatever their size."""
    return random_pixels(WIDTH_PX, HEIGHT_PX)


@pytest.mark.parametrize("packet_bytes", PACKET_SIZES_BYTES[:3])
def test_adafruit_and_we_read_the_same_image(adafruit, print_on, pixels, packet_bytes):
    """Pixel for pixel, and what lies on the glass (adafruit-circuitpython-fingerprint)."""
    with print_on(packet_bytes) as peer:
        theirs = adafruits(adafruit, peer)

        assert theirs == ours(peer, packet_bytes) == pixels


def test_adafruit_gives_up_at_the_smallest_packets_and_we_do_not(adafruit, print_on, pixels):
    """One call deeper for each packet: 1,152 of them are too many for it, not for us."""
    with print_on(32) as peer:
        with pytest.raises(RecursionError):
            adafruits(adafruit, peer)

        assert ours(peer, 32) == pixels


@pytest.mark.parametrize("packet_bytes", PACKET_SIZES_BYTES)
def test_pyfingerprint_and_we_read_the_same_image(
    pyfingerprint, print_on, pixels, packet_bytes, tmp_path
):
    """Pixel for pixel, and what lies on the glass (pyfingerprint)."""
    with print_on(packet_bytes) as peer:
        reader = pyfingerprint.PyFingerprint(str(peer.port), 57600)
        assert reader.verifyPassword()
        assert reader.getMaxPacketSize() == packet_bytes
        assert (reader.readImage(), reader.convertImage(1)) == (True, True)
        reader.downloadImage(str(tmp_path / "print.bmp"))
        del reader
        with Image.open(tmp_path / "print.bmp") as picture:
            theirs = picture.convert("L").tobytes()

        assert theirs == ours(peer, packet_bytes) == pixels


def test_adafruit_understands_what_the_module_says_of_itself(adafruit):
    """System parameters, an empty library, no match, and the echo of the optical branch."""
    with ZfmPeer() as peer, serial.Serial(str(peer.port), 57600, timeout=5) as line:
        reader = adafruit.Adafruit_Fingerprint(line)
        said = (reader.system_id, reader.library_size, reader.baudrate, reader.data_packet_size)
        counted = reader.count_templates(), reader.template_count
        listed = reader.read_templates(), reader.templates
        searched = reader.finger_search(), reader.finger_fast_search(), reader.confidence
        echoed = reader.check_module()

    assert said == (9, 200, 6, 2)
    assert counted == (0, 0)
    assert listed == (0, [])
    assert searched == (9, 9, 0)
    assert echoed


def test_adafruit_lights_and_resets_a_module_of_the_newer_branch(adafruit):
    """The ring of light is acknowledged; after SoftRst a bare 55 says that it is up again."""
    with (
        ZfmPeer(make=R503, dead_s=0.05, width_px=192, height_px=192) as peer,
        serial.Serial(str(peer.port), 57600, timeout=5) as line,
    ):
        # It is up 50 ms after power-up; what came before is lost, as with a real one.
        line.timeout = 0.2
        for _ in range(50):
            line.write(bytes.fromhex("EF01FFFFFFFF01000713 00000000 001B"))
            if line.read(12):
                break
        line.timeout = 5
        reader = adafruit.Adafruit_Fingerprint(line)
        lit = reader.set_led(color=1, mode=3)
        reader.soft_reset()
        verified = reader.verify_password()

    assert (reader.system_id, lit, verified) == (0, 0, 0)
