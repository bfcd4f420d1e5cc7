"""The zfm driver on a line where things go wrong: never a wrong image, never an endless wait."""

from __future__ import annotations

import time

import pytest

from drivers.errors import DeviceAbsent, DeviceError, DeviceTimeout, ProtocolViolation
from drivers.fingerprint import FingerImage, Retry
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import Confirmation, Opcode
from tests.leaving import leaving
from tests.wire.glass import HEIGHT_PX, WIDTH_PX, random_pixels

IMAGE_BYTES = WIDTH_PX * HEIGHT_PX // 2


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def test_a_clean_line_costs_one_upload(peer, open_on, pixels):
    """What lies on the glass comes back, at its resolution, from a single upload."""
    image = open_on(peer).capture(2.0, nobody)

    assert image == FingerImage(pixels, WIDTH_PX, HEIGHT_PX, 500)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


def test_eight_bits_a_pixel_come_as_they_are(open_on):
    """Nothing is unpacked that was not packed."""
    pixels = random_pixels(WIDTH_PX, HEIGHT_PX)
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, bits=8) as peer:
        peer.put(pixels)
        image = open_on(peer, bits=8).capture(2.0, nobody)

    assert image == FingerImage(pixels, WIDTH_PX, HEIGHT_PX, 500)


def test_light_ridges_are_turned_dark(peer, open_on, pixels):
    """A model's polarity is fixed once, at the border."""
    image = open_on(peer, ridges_dark=False).capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == bytes(255 - grey for grey in pixels)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Harm.FLIP, 1000, bit=3),
        Fault(Harm.FLIP, 0),
        Fault(Harm.FLIP, 7),
        Fault(Harm.DROP, 1000),
        Fault(Harm.DOUBLE, 1000),
        Fault(Harm.LOSE_PACKET, 7),
        Fault(Harm.DOUBLE_PACKET, 7),
        Fault(Harm.LOSE_AND_DOUBLE, 7),
        Fault(Harm.GARBAGE, 7),
        Fault(Harm.TRUNCATE, 1000),
        Fault(Harm.STALL, 1000, seconds=0.7),
    ],
    ids=lambda fault: f"{fault.harm.name.lower()}-{fault.at}",
)
def test_a_fault_in_one_upload_is_mended_by_two_that_agree(peer, open_on, pixels, fault):
    """Whatever happens to an image's bytes once, the image that counts is the true one."""
    reader = open_on(peer)
    peer.harm(fault)
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert 2 <= peer.heard_opcodes()[Opcode.UP_IMAGE] <= 3


def test_a_swap_that_no_sum_can_see_is_known(peer, open_on, pixels):
    """Two neighbouring bytes swapped keep sum and length: the limit of the protocol, on record."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.SWAP, 1000))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels != pixels


def test_after_a_fault_a_swap_is_caught_too(peer, open_on, pixels):
    """On a line that has shown a fault, one upload alone is never believed."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.GARBAGE, 3), Fault(Harm.SWAP, 1000))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3


@pytest.mark.parametrize("harm", [Harm.FLIP, Harm.DROP])
def test_a_line_that_stays_bad_gives_no_image(peer, open_on, harm):
    """Three uploads, then the truth: a refusal, never a patched image."""
    reader = open_on(peer)
    peer.harm(Fault(harm, 9, uploads=9))

    with pytest.raises(ProtocolViolation):
        reader.capture(2.0, nobody)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3


def test_an_image_without_end_is_taken_if_it_is_whole(peer, open_on, pixels):
    """R551 modules were reported to send no END packet (brianrho/FPM issue 11)."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.NO_END))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_untouched_glass_is_no_fault(peer, open_on):
    """Neighbouring packets of one single grey are equal and honest."""
    peer.put(b"\xff" * (WIDTH_PX * HEIGHT_PX))
    image = open_on(peer).capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


def test_an_image_of_another_size_is_refused(open_on):
    """The model's file and the module disagree, twice the same: no guess, and no third time."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX + 8) as peer:
        peer.put(random_pixels(WIDTH_PX, HEIGHT_PX + 8))
        reader = open_on(peer)
        with pytest.raises(DeviceError, match="image size not known: 6656 bytes"):
            reader.capture(2.0, nobody)

    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 2


def test_a_reader_unplugged_in_mid_image_is_absent_and_comes_back(peer, open_on, pixels):
    """The cable is pulled at byte 1000; plugged in again, the same path serves again."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.UNPLUG, 1000))
    with pytest.raises(DeviceAbsent):
        reader.capture(2.0, nobody)
    with pytest.raises(DeviceAbsent):
        reader.check()
    reader.close()
    with pytest.raises(DeviceAbsent):
        open_on(peer)
    peer.replug()
    image = open_on(peer).capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_reader_unplugged_between_presses_is_absent(peer, open_on):
    """Proof of life fails at once, not after a time-out."""
    reader = open_on(peer)
    reader.check()
    peer.unplug()

    with pytest.raises(DeviceAbsent):
        reader.check()


def test_another_process_cannot_take_the_open_port(peer, open_on):
    """One owner: two readers of one line would each get half the bytes."""
    open_on(peer)

    with pytest.raises(DeviceAbsent):
        open_on(peer)


def test_a_module_at_another_speed_is_found(open_on, pixels):
    """The module answers noise at 57600; the scan goes on to 115200."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, baud=115200) as peer:
        peer.put(pixels)
        reader = open_on(peer)
        image = reader.capture(2.0, nobody)

    assert reader.baud == 115200
    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_noise_at_every_speed_is_called_a_bad_wire(open_on):
    """Bytes that are no packets are not the same as silence: a technician acts differently."""
    with (
        ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, baud=38400) as peer,
        pytest.raises(ProtocolViolation, match="wrong speed or a bad wire"),
    ):
        open_on(peer, handshake_s=0.1)


def test_silence_at_every_speed_is_called_absent(open_on):
    """A port with nothing on it."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX) as peer:
        peer.deaf = True
        with pytest.raises(DeviceAbsent, match="nothing answers"):
            open_on(peer, handshake_s=0.1)


def test_a_path_that_does_not_exist_is_absent(peer, open_on, tmp_path):
    """The cable is out before the station starts."""
    with pytest.raises(DeviceAbsent):
        open_on(peer, port=tmp_path / "ttyUSB0")


def test_a_module_that_falls_silent_times_out(peer, open_on):
    """It is there and says nothing: the call ends by its own deadline."""
    reader = open_on(peer, answer_s=0.1)
    peer.deaf = True

    with pytest.raises(DeviceTimeout):
        reader.capture(60.0, nobody)


def test_a_silent_module_is_asked_once_and_greeted_once(peer, open_on):
    """A person waits: silence is known after one answer's time and one handshake's, not three."""
    reader = open_on(peer, answer_s=0.1)
    before = len(reader.trace())
    peer.deaf = True
    with pytest.raises(DeviceTimeout, match="GET_IMAGE"):
        reader.capture(60.0, nobody)
    said = reader.trace()[before:]

    assert [line.split()[-1] for line in said] == ["GET_IMAGE", "VFY_PWD"]


def test_a_command_that_was_lost_is_sent_again(peer, open_on, pixels):
    """Silence of a module that still answers the handshake: the line swallowed the command."""
    reader = open_on(peer, answer_s=0.1)
    peer.force(Opcode.GET_IMAGE, None, None)
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_an_answer_that_comes_late_is_not_taken_for_the_next(open_on):
    """The glass is empty; the OK that belongs to the handshake must not pass for a finger."""
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    # Slow, so that the handshake's answer is still under way when the late one has been read.
    with (
        ZfmPeer(**size, baud=9600, throttled=True, exposure_s=0.45) as peer,
        pytest.raises(DeviceTimeout, match="GET_IMAGE"),
    ):
        open_on(peer, baud=9600, answer_s=0.3)


def test_speed_and_packet_size_are_raised_and_stay_in_flash(open_on, pixels):
    """Written only if they differ: flash wears."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, baud=57600) as peer:
        peer.put(pixels)
        wanted = {"baud": 115200, "packet_bytes": 256}
        first = open_on(peer, **wanted)
        raised = first.baud, first.parameters.packet_bytes, peer.baud
        first.close()
        written = peer.heard_opcodes()[Opcode.SET_SYS_PARA]
        second = open_on(peer, **wanted)
        image = second.capture(2.0, nobody)

    assert raised == (115200, 256, 115200)
    assert second.baud == 115200
    assert (written, peer.heard_opcodes()[Opcode.SET_SYS_PARA]) == (2, 2)
    assert isinstance(image, FingerImage)


@pytest.mark.parametrize("change", [BaudChange.NEVER, BaudChange.AFTER_POWER_OFF])
def test_a_module_that_keeps_its_speed_is_still_used(open_on, pixels, change):
    """Users met modules that change speed later or never; none of them is a failure."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, baud_change=change) as peer:
        peer.put(pixels)
        reader = open_on(peer, baud=115200)
        image = reader.capture(2.0, nobody)

    assert reader.baud == 57600
    assert isinstance(image, FingerImage)


def test_a_module_without_readsyspara_is_opened(peer, open_on):
    """R308 has none (brianrho/FPM issue 15): the model's file serves."""
    peer.force(Opcode.READ_SYS_PARA, 0x1A, 0x1A)
    reader = open_on(peer, packet_bytes=256)

    assert reader.parameters is None
    assert isinstance(reader.capture(2.0, nobody), FingerImage)


def test_power_up_junk_and_late_answers_do_not_hurt(open_on):
    """A bare 55, a rising edge as 00, and a module that answers the third time."""
    junk = b"\x00\x55"
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, power_up_junk=junk) as peer:
        peer.force(Opcode.VFY_PWD, None, None, None)
        reader = open_on(peer)

    assert reader.baud == 57600


def test_a_module_that_answers_the_try_before_is_waited_for(open_on):
    """Tries overlap; the last one's answer must not pass for that of the next command."""
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    # An answer begins 17 ms after its question, a little more than lies between two tries.
    with ZfmPeer(**size, baud=9600, throttled=True) as peer:
        peer.force(Opcode.VFY_PWD, None)
        reader = open_on(peer, baud=9600, handshake_s=0.08)
        heard = peer.heard_opcodes()

    assert reader.parameters.baud == 9600
    assert heard[Opcode.READ_SYS_PARA] == 1


def test_a_module_with_a_password_is_named_so(open_on):
    """Not "dead": a fault of configuration that only its owner can mend."""
    with (
        ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, password=7) as peer,
        pytest.raises(DeviceError, match="password"),
    ):
        open_on(peer)


def test_a_module_that_forgot_the_handshake_is_greeted_again(peer, open_on):
    """A brown-out resets it behind our back: 21, verify first."""
    reader = open_on(peer)
    peer.force(Opcode.GET_IMAGE, Confirmation.VERIFY_FIRST)

    assert isinstance(reader.capture(2.0, nobody), FingerImage)


def test_a_damaged_answer_is_asked_for_again(peer, open_on):
    """The module itself says 01 when our command arrived damaged."""
    reader = open_on(peer)
    peer.force(Opcode.GET_IMAGE, Confirmation.BAD_PACKET, Confirmation.BAD_PACKET)

    assert isinstance(reader.capture(2.0, nobody), FingerImage)


@pytest.mark.parametrize(
    ("opcode", "confirmations", "retry"),
    [
        (Opcode.IMG_2_TZ, [Confirmation.IMAGE_MESSY], Retry.SMEARED),
        (Opcode.IMG_2_TZ, [Confirmation.FEW_POINTS], Retry.SMEARED),
        (Opcode.IMG_2_TZ, [Confirmation.NO_FINGER], Retry.LIFTED_EARLY),
        (Opcode.GET_IMAGE, [Confirmation.IMAGE_FAILED] * 2, Retry.SMEARED),
    ],
)
def test_a_poor_presentation_is_a_value(peer, open_on, opcode, confirmations, retry):
    """Normal life, not an error; and nothing is uploaded for it."""
    peer.lift()
    reader = open_on(peer)
    peer.put(random_pixels(WIDTH_PX, HEIGHT_PX))
    peer.force(opcode, *confirmations)

    assert reader.capture(2.0, nobody) is retry
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 0


def test_a_finger_that_is_still_landing_is_no_retry(peer, open_on):
    """One failed image is followed by another look."""
    reader = open_on(peer)
    peer.force(Opcode.GET_IMAGE, Confirmation.IMAGE_FAILED, Confirmation.NO_FINGER)

    assert isinstance(reader.capture(2.0, nobody), FingerImage)


def test_a_fault_of_the_module_is_an_error(peer, open_on):
    """29, sensor abnormal: staff, not the subject."""
    reader = open_on(peer)
    peer.force(Opcode.GET_IMAGE, 0x29)

    with pytest.raises(DeviceError, match="29"):
        reader.capture(2.0, nobody)


def test_no_finger_ends_with_the_time(peer, open_on):
    """Nobody presses: place your finger."""
    peer.lift()

    assert open_on(peer).capture(0.1, nobody) is Retry.NO_FINGER


def test_progress_says_when_the_finger_may_go_and_never_goes_past_the_end(peer, open_on):
    """(0, n) first, then growing, at last (n, n)."""
    seen: list[tuple[int, int]] = []
    open_on(peer).capture(2.0, lambda *step: seen.append(step))

    assert seen[0] == (0, IMAGE_BYTES)
    assert seen[-1] == (IMAGE_BYTES, IMAGE_BYTES)
    assert seen == sorted(seen)


def test_cancel_while_waiting_returns_soon(peer, open_on):
    """The person leaves: the reader is free, long before the press would time out."""
    peer.lift()
    reader = open_on(peer)
    start = time.monotonic()
    with leaving(reader.cancel):
        outcome = reader.capture(60.0, nobody)

    assert outcome is None
    assert time.monotonic() - start < 30


def test_cancel_in_mid_image_costs_the_next_press_nothing(open_on, pixels):
    """UpImage cannot be stopped; what still comes is drained before the next command."""
    other = random_pixels(WIDTH_PX, HEIGHT_PX, seed=2)
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, baud=38400, throttled=True) as peer:
        peer.put(pixels)
        # The old image takes 1.7 s on the line, longer than an answer may.
        reader = open_on(peer, baud=38400, answer_s=0.8)

        def leave(received: int, _expected: int) -> None:
            if received:
                reader.cancel()

        first = reader.capture(2.0, leave)
        peer.put(other)
        second = reader.capture(2.0, nobody)

    assert first is None
    assert isinstance(second, FingerImage)
    assert second.pixels == other


def test_cancel_without_a_capture_is_harmless(peer, open_on):
    """It belongs to no press, so the next press is taken."""
    reader = open_on(peer)
    reader.cancel()

    assert isinstance(reader.capture(2.0, nobody), FingerImage)


def test_the_trace_holds_commands_and_no_image(peer, open_on):
    """Support sees what was said, never a print."""
    reader = open_on(peer)
    reader.capture(2.0, nobody)
    said = [line.split(" ms ")[1] for line in reader.trace()]

    assert "> 01  GET_IMAGE" in said
    assert "< 02 00 80  DATA of 128 bytes (47 times)" in said
    assert "< 08 00 80  END of 128 bytes" in said
    assert max(len(line) for line in said) <= 100


def test_a_closed_reader_says_so_and_closes_twice(peer, open_on):
    """Closing twice is allowed; using it then is not."""
    reader = open_on(peer)
    reader.close()
    reader.close()

    with pytest.raises(DeviceAbsent):
        reader.check()
