"""What the zfm driver makes of the module's own word on a press, and of its faults."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.fingerprint import FingerImage, Retry
from drivers.peers.glass import EmptyGlass
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import R503
from drivers.zfm_packets import Confirmation, Opcode
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
FEW = Confirmation.FEW_POINTS
LOOKS = {Opcode.GET_IMAGE, Opcode.GET_IMAGE_EX}


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


@pytest.fixture
def pressed(peer, open_on, pixels):
    """A reader that was opened on an empty glass, on which something lies now."""
    peer.lift()
    reader = open_on(peer)
    peer.put(pixels)
    return reader


def test_a_second_refusal_in_a_row_is_fetched_all_the_same(peer, pressed, pixels):
    """A worn finger has too few points for the module; the station must see it, to keep the best.

    The first refusal costs the person half a second instead of an upload of seven.
    """
    peer.force(Opcode.IMG_2_TZ, FEW, FEW)
    first, second = pressed.capture(2.0, nobody), pressed.capture(2.0, nobody)

    assert first is Retry.SMEARED
    assert isinstance(second, FingerImage)
    assert second.pixels == pixels


def test_a_good_press_starts_the_count_again(peer, pressed):
    """Refused, good, refused: the second refusal is again a first one."""
    peer.force(Opcode.IMG_2_TZ, FEW, Confirmation.OK, FEW)
    kinds = [type(pressed.capture(2.0, nobody)) for _ in range(3)]

    assert kinds == [Retry, FingerImage, Retry]


def test_a_module_without_a_gate_is_used_without_it(peer, pressed):
    """An unknown confirmation means "not supported": asked once, and never an error on screen."""
    peer.force(Opcode.IMG_2_TZ, 0x77)
    images = [pressed.capture(2.0, nobody) for _ in range(2)]

    assert all(isinstance(image, FingerImage) for image in images)
    assert peer.heard_opcodes()[Opcode.IMG_2_TZ] == 1


def test_a_module_that_cannot_take_an_image_is_for_staff(peer, pressed):
    """Without GetImage there is no reader; the person did nothing wrong."""
    peer.force(Opcode.GET_IMAGE, 0x77)

    with pytest.raises(DeviceError, match="cannot take an image: 77"):
        pressed.capture(2.0, nobody)


def test_the_better_image_command_is_used_where_the_file_names_it(open_on, pixels):
    """GetImageEx says "poor" where GetImage says "taken": once, and then the plain one looks."""
    with ZfmPeer(**SIZE, make=R503) as peer:
        reader = open_on(peer, image_command="GetImageEx")
        peer.put(pixels)
        peer.force(Opcode.GET_IMAGE_EX, FEW)
        peer.force(Opcode.IMG_2_TZ, FEW)
        start = len(peer.heard)
        outcomes = [reader.capture(2.0, nobody) for _ in range(3)]
        looks = [one.opcode for one in peer.heard[start:] if one.opcode in LOOKS]

    assert outcomes[0] is Retry.SMEARED
    assert [type(outcome) for outcome in outcomes[1:]] == [FingerImage] * 2
    assert looks == [Opcode.GET_IMAGE_EX, Opcode.GET_IMAGE, Opcode.GET_IMAGE_EX]


def test_a_module_without_the_better_command_gets_the_plain_one(peer, open_on, pixels):
    """Its file promised too much: one question, then GetImage for good."""
    peer.lift()
    reader = open_on(peer, image_command="GetImageEx")
    peer.put(pixels)
    peer.force(Opcode.GET_IMAGE_EX, 0x1A)
    images = [reader.capture(2.0, nobody) for _ in range(2)]

    assert all(isinstance(image, FingerImage) for image in images)
    assert peer.heard_opcodes()[Opcode.GET_IMAGE_EX] == 1


@pytest.mark.parametrize("code", [Confirmation.CANNOT_TAKE, Confirmation.CANNOT_SEND])
def test_a_module_that_cannot_send_takes_its_image_once_more(peer, pressed, pixels, code):
    """0E or 0F: GetImage again, once."""
    before = peer.heard_opcodes()[Opcode.GET_IMAGE]
    peer.force(Opcode.UP_IMAGE, code)
    image = pressed.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert peer.heard_opcodes()[Opcode.GET_IMAGE] == before + 2


def test_a_module_that_cannot_send_twice_breaks_the_protocol(peer, pressed):
    """It took an image and has none: nothing to be guessed from that."""
    peer.force(Opcode.UP_IMAGE, Confirmation.CANNOT_SEND, Confirmation.CANNOT_SEND)

    with pytest.raises(ProtocolViolation, match="0F"):
        pressed.capture(2.0, nobody)


def test_a_module_that_was_reset_in_mid_press_is_greeted_and_asked_again(peer, pressed, pixels):
    """21 to UpImage: with the handshake it lost the image, so that is taken once more."""
    peer.force(Opcode.UP_IMAGE, Confirmation.VERIFY_FIRST)
    image = pressed.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (Confirmation.BAD_PACKET, ProtocolViolation),
        (Confirmation.DAMAGED, ProtocolViolation),
        (Confirmation.TIMED_OUT, DeviceTimeout),
    ],
)
def test_what_did_not_arrive_whole_is_sent_three_times(peer, pressed, code, error):
    """01, FE and FF: repeated, at most twice; two of them are mended, three are not."""
    before = peer.heard_opcodes()[Opcode.GET_IMAGE]
    peer.force(Opcode.GET_IMAGE, code, code)
    mended = pressed.capture(2.0, nobody)
    peer.force(Opcode.GET_IMAGE, code, code, code)
    with pytest.raises(error, match=f"{code:02X}"):
        pressed.capture(2.0, nobody)

    assert isinstance(mended, FingerImage)
    assert peer.heard_opcodes()[Opcode.GET_IMAGE] == before + 6


@pytest.mark.parametrize("code", [0x29, 0x35])
@pytest.mark.parametrize("opcode", [Opcode.GET_IMAGE, Opcode.IMG_2_TZ, Opcode.UP_IMAGE])
def test_a_fault_of_the_module_is_for_staff_wherever_it_shows(peer, pressed, opcode, code):
    """Sensor abnormal, illegal data: no hint to the person, no silent repetition."""
    peer.force(opcode, code)

    with pytest.raises(DeviceError, match=f"{code:02X}") as caught:
        pressed.capture(2.0, nobody)
    assert type(caught.value) is DeviceError
    assert peer.heard_opcodes()[opcode] <= 2


def test_a_faulty_sensor_is_known_when_the_reader_is_opened(peer, open_on):
    """A technician learns it before any person comes, and the port is free again."""
    peer.force(Opcode.GET_IMAGE, 0x29)
    with pytest.raises(DeviceError, match="sensor"):
        open_on(peer)

    assert open_on(peer).baud == 57_600


def test_a_password_that_was_set_meanwhile_is_named_so(peer, pressed):
    """Another program set one while the reader was open: not "dead", not "try again"."""
    peer.force(Opcode.GET_IMAGE, Confirmation.VERIFY_FIRST)
    peer.force(Opcode.VFY_PWD, Confirmation.WRONG_PASSWORD)

    with pytest.raises(DeviceError, match="has a password"):
        pressed.capture(2.0, nobody)


def test_a_module_that_knows_no_handshake_is_alive(peer, open_on):
    """Whatever it answers to VfyPwd, it answers."""
    peer.force(Opcode.VFY_PWD, 0x77)

    assert open_on(peer).baud == 57_600


def test_a_module_that_always_sees_a_finger_is_marked(open_on):
    """AS608, R503: seen on the empty glass at opening, taken back as soon as it says "none"."""
    with ZfmPeer(**SIZE) as peer:
        peer.leave_glass(EmptyGlass.BLANK)
        reader = open_on(peer)
        marked = reader.finger_always, reader.facts.finger_at_opening
        peer.leave_glass(EmptyGlass.NOTHING)
        reader.capture(0.05, nobody)

    assert marked == (True, True)
    assert (reader.finger_always, reader.finger_at_opening) == (False, True)


def test_a_module_that_always_sees_a_finger_waits_for_a_print(peer, open_on):
    """What it refuses there may be the empty glass: nobody is told to press again for that."""
    reader = open_on(peer)
    peer.force(Opcode.IMG_2_TZ, FEW, Confirmation.NO_VALID_IMAGE, FEW)
    image = reader.capture(30.0, nobody)

    assert isinstance(image, FingerImage)
    assert peer.heard_opcodes()[Opcode.IMG_2_TZ] == 4
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


def test_a_module_that_always_sees_a_finger_shows_at_last_what_it_sees(peer, open_on, pixels):
    """The time is up: the station tells a worn finger from an empty glass, the module cannot."""
    reader = open_on(peer)
    peer.force(Opcode.IMG_2_TZ, *[FEW] * 10_000)
    image = reader.capture(0.1, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_looking_gating_and_fetching_stay_together(peer, pressed):
    """R503 modules forget what they took when asked for anything else in between."""
    start = len(peer.heard)
    pressed.capture(2.0, nobody)

    assert [heard.opcode for heard in peer.heard[start:]] == [
        Opcode.GET_IMAGE, Opcode.IMG_2_TZ, Opcode.UP_IMAGE,
    ]  # fmt: skip


def test_an_image_without_end_that_is_short_is_not_taken(peer, open_on, pixels):
    """Silence is an end only where every byte is there."""
    reader = open_on(peer, gap_s=0.1)
    peer.harm(Fault(Harm.NO_END), Fault(Harm.WRONG_TOTAL, value=-1))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3
