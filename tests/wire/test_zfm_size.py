"""How the zfm driver learns its images' size: told, stated or counted; never guessed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drivers.errors import DeviceError, ProtocolViolation
from drivers.fingerprint import FingerImage
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import R503, Make
from drivers.zfm_packets import Opcode
from drivers.zfm_size import KNOWN_SIZES, ImageSize, ProductInfo, size_of_count
from tests.wire.glass import random_pixels

UNSTATED = {"width_px": None, "height_px": None}


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def pressed_on(peer: ZfmPeer, size: ImageSize) -> bytes:
    """Lay something of this size on the glass and return it."""
    pixels = random_pixels(size.width_px, size.height_px)
    peer.put(pixels)
    return pixels


def test_the_module_is_asked_where_its_file_allows_it(open_on):
    """ReadProdInfo comes first: no file is needed, and the size is known before any press."""
    size = ImageSize(96, 80, 4)
    with ZfmPeer(width_px=96, height_px=80, make=R503) as peer:
        reader = open_on(peer, **UNSTATED, reads_product=True)
        pixels = pressed_on(peer, size)
        facts, image = reader.facts, reader.capture(5.0, nobody)

    assert (facts.width_px, facts.height_px) == (96, 80)
    assert facts.product.startswith("R503")
    assert image == FingerImage(pixels, 96, 80, 500)


def test_a_module_that_is_not_known_to_have_it_is_not_asked(peer, open_on):
    """3C is the light's command on another branch of the family."""
    open_on(peer)

    assert Opcode.READ_PROD_INFO not in peer.heard_opcodes()


def test_module_and_file_that_contradict_each_other_are_refused(open_on):
    """The wrong model's file was chosen: its resolution and its warning would be wrong as well."""
    with ZfmPeer(make=Make(extras=R503.extras, told_size_px=(192, 192))) as peer:
        with pytest.raises(DeviceError, match=r"192 x 192 px, its model's file 256 x 288 px"):
            open_on(peer, width_px=256, height_px=288, reads_product=True)
        # The port is free again.
        open_on(peer, width_px=256, height_px=288)


@pytest.mark.parametrize("told", [(0, 0), (65535, 1)], ids=["zero", "absurd"])
def test_a_senseless_answer_leaves_the_count_to_decide(open_on, told):
    """No sensor has such a window, so the module has not told."""
    with ZfmPeer(make=Make(extras=R503.extras, told_size_px=told)) as peer:
        reader = open_on(peer, **UNSTATED, reads_product=True)
        pixels = pressed_on(peer, ImageSize(256, 288, 4))

        assert reader.facts.width_px == 0
        assert reader.capture(5.0, nobody) == FingerImage(pixels, 256, 288, 500)


@pytest.mark.parametrize("size", KNOWN_SIZES, ids=lambda size: f"{size.content_bytes}-{size.bits}")
def test_a_known_count_is_a_size(open_on, size):
    """Neither told nor stated: the number of bytes decides, and is kept for the session."""
    with ZfmPeer(width_px=size.width_px, height_px=size.height_px, bits=size.bits) as peer:
        reader = open_on(peer, **UNSTATED, bits=size.bits)
        before = reader.warning, reader.enrolment_grade
        pixels = pressed_on(peer, size)
        image = reader.capture(5.0, nobody)

    assert before == ("Not for enrolment: the size of its images is not known.", False)
    assert image == FingerImage(pixels, size.width_px, size.height_px, 500)
    assert reader.enrolment_grade is (size.width_px > 192)
    assert (reader.warning == "") is (size.width_px > 192)


def test_an_unknown_count_is_refused(open_on):
    """A guessed width would shear a print into one that looks real."""
    with ZfmPeer(width_px=128, height_px=96) as peer:
        pressed_on(peer, ImageSize(128, 96, 4))
        reader = open_on(peer, **UNSTATED)
        with pytest.raises(DeviceError, match="image size not known: 6144 bytes came"):
            reader.capture(5.0, nobody)


def test_one_count_may_be_two_sizes_and_the_bits_decide():
    """36,864 bytes: 256 x 288 of 4 bits, or 192 x 192 of 8, which nobody has been seen to send."""
    assert size_of_count(36_864, 4) == ImageSize(256, 288, 4)
    with pytest.raises(DeviceError, match="not known"):
        size_of_count(36_864, 8)


def test_without_a_stated_size_an_image_needs_its_end(open_on):
    """Nothing to check against: silence could be a cut as well, so it counts as a fault."""
    with ZfmPeer(width_px=192, height_px=192) as peer:
        pixels = pressed_on(peer, ImageSize(192, 192, 4))
        reader = open_on(peer, **UNSTATED, gap_s=0.1)
        peer.harm(Fault(Harm.NO_END))
        image = reader.capture(5.0, nobody)

    assert image == FingerImage(pixels, 192, 192, 500)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3


@pytest.mark.parametrize("missing", ["width_px", "height_px"])
def test_one_side_alone_is_no_size(peer, open_on, missing):
    """A file that states one side is a mistake in the file."""
    with pytest.raises(ValidationError, match="belong together"):
        open_on(peer, **{missing: None})


def test_product_information_is_read_as_the_manual_lays_it_out():
    """16 bytes of module, 4 of batch, 8 of serial number, 2 of hardware, 8 of sensor, four numbers.

    Source: the R503 manual 1.2.2, and Adafruit-Fingerprint-Sensor-Library.
    """
    answer = (
        b"R503".ljust(16, b"\x00") + b"0102" + b"20220101" + b"\x01\x02"
        + b"GR192RGB" + bytes.fromhex("00C0 00C0 0600 00C8")
    )  # fmt: skip

    product = ProductInfo.from_bytes(answer)

    assert product == ProductInfo(
        "R503", "0102", "20220101", (1, 2), "GR192RGB", 192, 192, 1536, 200
    )
    assert str(product) == "R503 GR192RGB 1.2"


@pytest.mark.parametrize("length", [0, 45, 47])
def test_product_information_of_another_length_is_refused(length):
    """Another branch's answer to the same number is no size."""
    with pytest.raises(ProtocolViolation, match=f"{length} bytes"):
        ProductInfo.from_bytes(bytes(length))


def test_what_a_maker_fills_a_name_up_with_is_not_shown():
    """Control characters and stray bytes never reach a console."""
    answer = bytearray(46)
    answer[:7] = b"R5\x1b\xff3\x00x"
    answer[38:42] = bytes.fromhex("00C0 00C0")

    assert "\x1b" not in str(ProductInfo.from_bytes(bytes(answer)))
