"""What the gt521 driver does with a module's answers, on a line in memory where silence is free."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from itertools import pairwise

import pytest

from drivers import gt521_upload
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    ProtocolViolation,
    SpeedRefused,
)
from drivers.fingerprint import FingerImage, FingerprintReader, Retry
from drivers.gt521_line import Gt521Line, Limits
from drivers.gt521_packets import Answer, Command, Message, Refusal
from drivers.peers.gt521_module import GT511, Make
from drivers.peers.line_faults import Fault, Harm
from drivers.readers.gt521 import LISTED_SIZES_PX
from tests.wire.gt521_kit import (
    WIRE_HEIGHT_PX,
    WIRE_WIDTH_PX,
    Wire,
    nobody,
    on_wire,
    random_pixels,
)

LIBRARY_AND_MATCHING = {
    *range(0x20, 0x26), 0x40, 0x41, *range(0x50, 0x54), 0x61, *range(0x70, 0x74), 0x80, 0x81, 0xF0,
}  # fmt: skip
PIXELS = random_pixels(WIRE_WIDTH_PX, WIRE_HEIGHT_PX)
IMAGE = FingerImage(PIXELS, WIRE_WIDTH_PX, WIRE_HEIGHT_PX, 450)
IMAGE_BYTES = len(PIXELS)


def said(reader: FingerprintReader) -> list[str]:
    """Return the commands that a reader sent, oldest first."""
    return [line.split("  ")[1] for line in reader.trace() if " ms > " in line]


def test_a_clean_line_costs_one_upload():
    """What lies on the glass comes back, at 450 ppi as the data sheet says, from one upload."""
    wire = Wire(PIXELS)

    assert on_wire(wire).capture(2.0, nobody) == IMAGE
    assert wire.times(Command.GET_IMAGE) == 1


def test_light_ridges_are_turned_dark():
    """A model's polarity is fixed once, at the border."""
    image = on_wire(Wire(PIXELS), ridges_dark=False).capture(2.0, nobody)

    assert image.pixels == bytes(255 - grey for grey in PIXELS)


def test_an_image_of_another_size_is_refused():
    """The module's account and its image disagree: no guess."""
    reader = on_wire(Wire(PIXELS, make=Make(told_size_px=(WIRE_WIDTH_PX, WIRE_HEIGHT_PX + 8))))

    with pytest.raises(ProtocolViolation, match="instead of"):
        reader.capture(2.0, nobody)


def test_the_module_knows_its_size_better_than_its_models_file():
    """ModuleInfo first: the file may be another model's."""
    reader = on_wire(Wire(PIXELS), width_px=160, height_px=120)

    assert reader.capture(2.0, nobody) == IMAGE


def test_rows_and_columns_are_the_models_files():
    """As many pixels, told the other way round: whoever looked at a print knows better."""
    wire = Wire(random_pixels(32, 40), size_px=(32, 40))
    image = on_wire(wire, width_px=40, height_px=32).capture(2.0, nobody)

    assert (image.width_px, image.height_px) == (40, 32)


@pytest.mark.parametrize("reads", [True, False])
def test_without_an_account_the_models_file_serves(reads):
    """GT-511 modules have no ModuleInfo, whether they are asked for it or not."""
    wire = Wire(PIXELS, make=GT511)

    assert on_wire(wire, reads_module_info=reads).capture(2.0, nobody) == IMAGE
    assert wire.times(Command.MODULE_INFO) == reads


@pytest.mark.parametrize("size_px", LISTED_SIZES_PX, ids=str)
@pytest.mark.parametrize("piece_bytes", [333, 4096])
def test_a_size_that_nobody_knows_is_found_by_its_sum(size_px, piece_bytes):
    """Read until silence: the listed size whose sum fits; from then on it is known."""
    wire = Wire(random_pixels(*size_px), size_px=size_px, piece_bytes=piece_bytes, make=GT511)
    reader = on_wire(wire, width_px=None, height_px=None)
    before = reader.size_px, reader.enrolment_grade
    images = [reader.capture(2.0, nobody) for _ in range(2)]

    assert before == (None, False)
    assert images == [FingerImage(random_pixels(*size_px), *size_px, 450)] * 2
    assert reader.size_px == size_px
    assert reader.enrolment_grade is (min(size_px) > 192)


def test_a_size_that_is_not_listed_is_refused():
    """Nobody knows how many bytes to a row: an image is never guessed."""
    reader = on_wire(Wire(PIXELS, make=GT511), width_px=None, height_px=None)

    with pytest.raises(ProtocolViolation, match="no size that is known"):
        reader.capture(2.0, nobody)


@pytest.mark.parametrize("harm", [Harm.FLIP, Harm.DROP])
def test_a_damaged_image_settles_no_size(harm):
    """Silence after a wrong sum or a wrong count proves nothing."""
    size_px = LISTED_SIZES_PX[1]
    wire = Wire(random_pixels(*size_px), [[Fault(harm, 9)], []], size_px=size_px, make=GT511)
    reader = on_wire(wire, width_px=None, height_px=None)
    image = reader.capture(2.0, nobody)

    assert image.pixels == random_pixels(*size_px)
    assert wire.times(Command.GET_IMAGE) == 3


def test_a_module_that_says_nothing_of_itself_is_opened():
    """Its name is nice to have; its images are what counts."""
    wire = Wire(PIXELS)
    wire.refusals[Command.MODULE_INFO] = [None, None, None]

    assert on_wire(wire).capture(2.0, nobody) == IMAGE


def test_a_module_that_falls_silent_times_out():
    """Silence is known after one command and one look whether it lives, not after three."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.deaf = True
    with pytest.raises(DeviceTimeout):
        reader.capture(60.0, nobody)

    assert said(reader)[-1] == "CMOS_LED 1 (2 times)"


@pytest.mark.parametrize("command", [Command.IS_PRESS_FINGER, Command.CAPTURE, Command.CMOS_LED])
@pytest.mark.parametrize("losses", [1, 2])
def test_a_command_that_was_lost_is_sent_again(command, losses):
    """Silence of a module that still answers: the line swallowed the command."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[command] = [None] * losses
    if command is Command.CMOS_LED and losses == 2:
        with pytest.raises(DeviceTimeout):  # the look whether it lives was lost as well
            reader.capture(2.0, nobody)
    else:
        assert reader.capture(2.0, nobody) == IMAGE


def test_a_damaged_command_is_sent_again():
    """The module itself says 1006 when our command arrived damaged."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.IS_PRESS_FINGER] = [Refusal.DAMAGED, Refusal.DAMAGED]

    assert reader.capture(2.0, nobody) == IMAGE


def test_a_line_that_damages_every_command_is_a_bad_wire():
    """Three times, then the truth."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.IS_PRESS_FINGER] = [Refusal.DAMAGED] * 3

    with pytest.raises(ProtocolViolation, match="damaged"):
        reader.capture(2.0, nobody)


@pytest.mark.parametrize(
    ("refusal", "retry"),
    [
        (Refusal.NOT_PRESSED, Retry.LIFTED_EARLY),
        (Refusal.BAD_FINGER, Retry.SMEARED),
        (Refusal.TIMED_OUT, Retry.LIFTED_EARLY),
        (Refusal.CANCELLED, Retry.LIFTED_EARLY),
    ],
)
def test_a_poor_presentation_is_a_value(refusal, retry):
    """Normal life, not an error; and nothing is uploaded for it."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.CAPTURE] = [refusal, refusal]

    assert reader.capture(2.0, nobody) is retry
    assert wire.times(Command.GET_IMAGE) == 0
    assert not wire.lit


def test_a_finger_that_is_still_landing_is_no_retry():
    """One refused image is followed by another look."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.CAPTURE] = [Refusal.NOT_PRESSED]

    assert reader.capture(2.0, nobody) == IMAGE


@pytest.mark.parametrize("refusal", [Refusal.DEVICE_FAULT, Refusal.NOT_SUPPORTED, 0x1234])
@pytest.mark.parametrize("command", [Command.CMOS_LED, Command.IS_PRESS_FINGER, Command.CAPTURE])
def test_a_fault_of_the_module_is_an_error(command, refusal):
    """100F and everything that nobody expects: staff, not the subject."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[command] = [refusal]

    with pytest.raises(DeviceError, match=f"{refusal:04X}"):
        reader.capture(2.0, nobody)


def test_a_module_that_cannot_send_its_image_is_asked_three_times():
    """NACK instead of an image is a fault of the upload."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.GET_IMAGE] = [Refusal.DEVICE_FAULT]
    image = reader.capture(2.0, nobody)
    wire.refusals[Command.GET_IMAGE] = [Refusal.DEVICE_FAULT] * 6

    assert image == IMAGE
    with pytest.raises(ProtocolViolation, match="100F"):
        reader.capture(2.0, nobody)


def test_no_finger_ends_with_the_time():
    """Nobody presses: place your finger; and nothing is captured for it."""
    wire = Wire(None)
    reader = on_wire(wire)

    assert reader.capture(0.02, nobody) is Retry.NO_FINGER
    assert wire.times(Command.CAPTURE) == 0
    assert not wire.lit


def test_the_light_goes_out_before_the_image_is_fetched():
    """It says that the finger may go; PyGT521F32 fetches its images so."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    lit = [wire.lit]
    reader.capture(2.0, lambda *_: lit.append(wire.lit))

    assert not any(lit)
    assert said(reader)[-5:] == [
        "CMOS_LED 1", "IS_PRESS_FINGER 0", "CAPTURE 1", "CMOS_LED 0", "GET_IMAGE 0"
    ]  # fmt: skip


def test_a_module_that_lost_its_power_unnoticed_gets_its_light_again(monkeypatch):
    """At 9600 baud it still answers, and without light it would never see a finger."""
    monkeypatch.setattr("drivers.readers.gt521.LIT_AGAIN_S", 0.02)
    wire = Wire(PIXELS, make=Make(must_be_opened=False))
    reader = on_wire(wire)
    wire.refusals[Command.IS_PRESS_FINGER] = [Refusal.NOT_PRESSED]
    forget = iter([wire.lose_power])
    obey = wire._obey

    def obey_and_fail(command):
        obey(command)
        if command.code == Command.IS_PRESS_FINGER:
            next(forget, lambda: None)()

    monkeypatch.setattr(wire, "_obey", obey_and_fail)

    assert reader.capture(30.0, nobody) == IMAGE


@pytest.mark.parametrize(
    ("pixels", "seen"), [(PIXELS, True), (None, False)], ids=["dirty", "clean"]
)
def test_a_finger_before_anyone_was_asked_is_known(pixels, seen):
    """The glass is not clean, or the module always sees one: the gates behind it must tell."""
    reader = on_wire(Wire(pixels))

    assert reader.finger_at_opening is seen
    assert reader.facts.finger_at_opening is seen


def test_progress_says_when_the_finger_may_go_and_never_goes_past_the_end():
    """(0, n) first, then growing, at last (n, n)."""
    seen: list[tuple[int, int]] = []
    on_wire(Wire(PIXELS, piece_bytes=100)).capture(2.0, lambda *step: seen.append(step))

    assert seen[0] == (0, IMAGE_BYTES)
    assert seen[-1] == (IMAGE_BYTES, IMAGE_BYTES)
    assert len(seen) > 10
    assert all(before <= after for before, after in pairwise(seen))


@pytest.mark.parametrize("piece", range(12))
def test_a_cancel_at_any_piece_of_an_image_costs_the_next_press_nothing(piece):
    """What still comes is dropped before the next command."""
    wire = Wire(PIXELS, piece_bytes=100)
    reader = on_wire(wire)
    pieces = iter(range(100))

    def leave(_received: int, _expected: int) -> None:
        if next(pieces) == piece:
            reader.cancel()

    first = reader.capture(2.0, leave)
    still_to_come_s = reader._line._stale_s
    reader.check()

    assert first is None
    assert still_to_come_s > 0
    assert reader.capture(2.0, nobody) == IMAGE


def test_cancel_without_a_capture_is_harmless():
    """It belongs to no press, so the next press is taken."""
    reader = on_wire(Wire(PIXELS))
    reader.cancel()

    assert reader.capture(2.0, nobody) == IMAGE


def test_nothing_is_sent_of_library_or_matching():
    """Whatever happens: they write the module's flash."""
    wire = Wire(PIXELS, [[Fault(Harm.FLIP, 100)], []])
    reader = on_wire(wire, baud=115200)
    reader.capture(2.0, nobody)
    reader.check()
    heard = {message.code for message in wire.heard}

    assert heard == set(Command)
    assert not heard & LIBRARY_AND_MATCHING


def test_the_trace_holds_commands_and_no_image():
    """Support sees what was said, never a print."""
    reader = on_wire(Wire(PIXELS))
    reader.capture(2.0, nobody)
    lines = reader.trace()
    image_hex = PIXELS.hex(" ")

    assert lines[-1].endswith(f"content of {IMAGE_BYTES} bytes")
    assert not any(image_hex[at : at + 11] in "".join(lines) for at in range(0, 3000, 3))


def test_refusals_are_named_in_the_trace():
    """The technician reads words; a number that nobody knows stays a number."""
    wire = Wire(PIXELS)
    reader = on_wire(wire)
    wire.refusals[Command.CAPTURE] = [Refusal.BAD_FINGER, Refusal.NOT_PRESSED]
    reader.capture(2.0, nobody)
    wire.refusals[Command.CMOS_LED] = [0x1FFF]
    with pytest.raises(DeviceError):
        reader.check()
    text = "\n".join(reader.trace())

    assert all(word in text for word in ("NACK BAD_FINGER", "NACK NOT_PRESSED", "NACK 1FFF"))


@pytest.mark.parametrize("baud", [9600, 19200, 38400, 57600, 115200])
def test_a_module_is_found_at_any_speed(baud):
    """It answers noise elsewhere; the speed it is found at is left as it is."""
    wire = Wire(PIXELS, module_baud=baud)
    reader = on_wire(wire)

    assert reader.baud == baud
    assert wire.times(Command.CHANGE_BAUD) == 0
    assert reader.capture(2.0, nobody) == IMAGE


def test_the_speed_is_raised_each_time_it_is_lower():
    """Nothing keeps it over a power-off; as long as there is power it is not asked for again."""
    wire = Wire(PIXELS)
    speeds = [on_wire(wire, baud=115200).baud for _ in range(2)]
    asked = wire.times(Command.CHANGE_BAUD)
    wire.lose_power()
    speeds.append(on_wire(wire, baud=115200).baud)

    assert speeds == [115200] * 3
    assert (asked, wire.times(Command.CHANGE_BAUD)) == (1, 2)


def test_a_module_that_keeps_its_speed_is_still_used():
    """Some hosts only got 9600 to work (pyGT511C3 issue 8): slow is better than dead."""
    reader = on_wire(Wire(PIXELS, keeps_speed=True), baud=115200)

    assert reader.baud == 9600
    assert reader.capture(2.0, nobody) == IMAGE


def test_what_we_say_ourselves_is_no_answer():
    """A line of one wire returns each command before its answer."""
    wire = Wire(PIXELS)
    wire.echoes = True

    assert on_wire(wire).capture(2.0, nobody) == IMAGE


def test_a_module_that_changes_while_it_is_looked_for_is_found():
    """Not yet at the new speed, not any more at the old one: so once more at the new one."""
    wire = Wire(PIXELS, changes_speed_after=3)

    assert on_wire(wire, baud=115200).baud == 115200


@pytest.mark.parametrize("late", range(12))
def test_a_module_that_changes_its_speed_late_is_found_again(late):
    """It says yes, and changes only after so many commands: in the worst case it is opened anew."""
    wire = Wire(PIXELS, changes_speed_after=late)
    images = []
    for _ in range(3):
        with suppress(DeviceTimeout, ProtocolViolation):
            images.append(on_wire(wire, baud=115200).capture(2.0, nobody))

    assert wire.module_baud == 115200
    assert len(images) >= 2
    assert images == [IMAGE] * len(images)


def test_a_module_that_refuses_a_speed_is_still_used():
    """1002: that speed is not there; it is not even tried."""
    wire = Wire(PIXELS)
    wire.refusals[Command.CHANGE_BAUD] = [Refusal.BAD_SPEED]
    reader = on_wire(wire, baud=115200)

    assert reader.baud == 9600
    assert reader.capture(2.0, nobody) == IMAGE


class Said:
    """A port that says what is written here, then the last of it for ever."""

    path = "said"
    speed_fixed = True
    baud = 115200

    def __init__(self, *said: bytes) -> None:
        self._said = list(said)
        self._reads = 0

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        time.sleep(0.002)
        self._reads += 1
        assert self._reads < 10_000, "nobody stopped listening"
        return self._said.pop(0) if len(self._said) > 1 else self._said[0]

    def write(self, _content: bytes) -> None:
        pass

    def drop_input(self) -> None:
        pass

    def drain(self, _silence_s: float, _limit_s: float) -> int:
        return 0


def test_an_image_that_drips_ends_with_its_time(monkeypatch):
    """A byte now and then is never silence, and never an image."""
    monkeypatch.setattr(gt521_upload, "stream_limit_s", lambda *_: 0.3)
    line = Gt521Line(Said(Message(Answer.ACK).to_bytes(), b"\x5a\xa5\x01\x00", b"\x00"), Limits())
    got = gt521_upload.upload(line, [52_116], lambda _: None, threading.Event())

    assert got.content is None
    assert got.fault.startswith("the stream stopped")


@pytest.mark.parametrize("claimed", [513, 65_535, 2**32 - 1])
def test_what_claims_more_than_a_module_can_say_is_not_waited_for(claimed):
    """The length of a module's account comes from the line, and may be damaged."""
    line = Gt521Line(Said(Message(Answer.ACK, claimed).to_bytes(), b""), Limits())

    assert line.fetch(Command.MODULE_INFO, 0, 0) is None


class LameWire(Wire):
    """A line that cannot run at 115200 baud: opened so it keeps its own speed, as by RFC 2217."""

    @property
    def baud(self) -> int:
        return self._baud

    @baud.setter
    def baud(self, baud: int) -> None:
        opening = not getattr(self, "_baud", 0)
        if baud == 115200 and not opening:
            raise SpeedRefused("the line does not run at 115200 baud")
        self._baud = 38400 if baud == 115200 else baud


def test_a_port_that_cannot_follow_keeps_its_module_where_it_is():
    """The module is not sent where nobody can hear it, and the scan goes on past that speed."""
    wire = LameWire(PIXELS)
    reader = on_wire(wire, baud=115200)

    assert reader.baud == wire.module_baud == 9600
    assert wire.times(Command.CHANGE_BAUD) == 0
    assert reader.capture(2.0, nobody) == IMAGE


def test_a_line_whose_speed_is_set_elsewhere_is_taken_as_it_is(monkeypatch):
    """Raw TCP to a serial server: no scan, and a module that changed would be lost."""
    monkeypatch.setattr(Wire, "speed_fixed", True)
    wire = Wire(PIXELS, module_baud=57600)
    reader = on_wire(wire, baud=57600)

    assert reader.baud == 57600
    assert wire.times(Command.CHANGE_BAUD) == 0


def test_a_bad_line_whose_speed_is_set_elsewhere_is_not_slowed(monkeypatch):
    """The server would not follow, and the reader would be lost until somebody comes."""
    monkeypatch.setattr(Wire, "speed_fixed", True)
    wire = Wire(PIXELS, [[Fault(Harm.FLIP, 100)]], module_baud=57600)
    reader = on_wire(wire, baud=57600)
    with pytest.raises(ProtocolViolation, match="no image could be trusted"):
        reader.capture(2.0, nobody)

    assert wire.times(Command.GET_IMAGE) == 3
    assert wire.times(Command.CHANGE_BAUD) == 0


def test_a_line_whose_speed_is_set_elsewhere_is_looked_at_with_no_other(monkeypatch):
    """A module at another speed is noise there: the technician sets the server."""
    monkeypatch.setattr(Wire, "speed_fixed", True)
    wire = Wire(PIXELS, module_baud=9600)
    with pytest.raises(ProtocolViolation, match="wrong speed"):
        on_wire(wire, baud=57600)

    assert wire.baud == 57600


def test_noise_at_every_speed_is_called_a_bad_wire():
    """Bytes that are no packets are not the same as silence: a technician acts differently."""
    with pytest.raises(ProtocolViolation, match="wrong speed or a bad wire"):
        on_wire(Wire(PIXELS, module_baud=1200))


def test_silence_at_every_speed_is_called_absent():
    """A port with nothing on it."""
    wire = Wire(PIXELS)
    wire.deaf = True
    with pytest.raises(DeviceAbsent, match="nothing answers"):
        on_wire(wire)


def test_a_module_that_answers_the_third_time_is_opened():
    """Late after power-up."""
    wire = Wire(PIXELS)
    wire.refusals[Command.OPEN] = [None, None, None]

    assert on_wire(wire).capture(2.0, nobody) == IMAGE


def test_what_is_known_of_a_reader_is_said():
    """The technician's page: port, speed, size, firmware; no packets of one size here."""
    facts = on_wire(Wire(PIXELS), baud=115200).facts

    assert (facts.port, facts.baud, facts.packet_bytes) == ("wire", 115200, None)
    assert (facts.width_px, facts.height_px) == (WIRE_WIDTH_PX, WIRE_HEIGHT_PX)
    assert facts.product == "firmware 20160920"


def test_a_small_window_is_not_for_enrolment_whoever_told_its_size():
    """The module's own account counts as much as its model's file."""
    reader = on_wire(Wire(PIXELS), width_px=202, height_px=258, enrolment_grade=True)

    assert not reader.enrolment_grade
    assert reader.warning.startswith("Not for enrolment")


def test_what_was_said_while_it_would_not_open_is_handed_over():
    """Support reads the last words of a line that brought no reader."""
    wire = Wire(PIXELS)
    wire.deaf = True
    with pytest.raises(DeviceAbsent) as absent:
        on_wire(wire)

    assert any("OPEN 0" in note for note in absent.value.__notes__)


def test_half_a_size_is_refused():
    """A width without a height is a mistake of the settings."""
    with pytest.raises(ValueError, match="belong together"):
        on_wire(Wire(PIXELS), height_px=None)
