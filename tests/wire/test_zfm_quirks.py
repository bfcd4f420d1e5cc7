"""Every quirk that users of this family met and reported, each with the rule that serves it now.

The ids are the reports: a project's issue or pull request. Reference: the table of quirks in
docs/add-a-reader.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from drivers.errors import DeviceAbsent, DeviceError, PortHeld, ProtocolViolation
from drivers.fingerprint import FingerImage
from drivers.peers.glass import EmptyGlass
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import R503, Make
from drivers.port_claims import Machine, demand_free
from drivers.readers.zfm import ZfmReader
from drivers.zfm_packets import HEADER, Opcode, unpack_4bit
from tests.wire.glass import HEIGHT_PX, WIDTH_PX, random_pixels

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


@dataclass
class Desk:
    """What a quirk is tried with: the driver on a module that has it."""

    open_on: Callable[..., ZfmReader]
    pixels: bytes

    def sees(self, peer: ZfmPeer, reader: ZfmReader) -> bool:
        """Lay the pixels on the glass; whether exactly they come back."""
        peer.put(self.pixels)
        image = reader.capture(5.0, nobody)
        return isinstance(image, FingerImage) and image.pixels == self.pixels


@pytest.fixture
def desk(open_on, pixels) -> Desk:
    """The driver, and something for the glass."""
    return Desk(open_on, pixels)


def junk_at_power_up(desk: Desk) -> None:
    """A bare 55 or 00 before the first packet is drained; three tries, never offset 0."""
    with ZfmPeer(**SIZE, power_up_junk=b"\x00\x55") as peer:
        peer.force(Opcode.VFY_PWD, None, None)
        assert desk.sees(peer, desk.open_on(peer))


def needs_half_a_second(desk: Desk) -> None:
    """A module that is dead for 0.5 s after power-up is found by the tries that follow."""
    with ZfmPeer(**SIZE, dead_s=0.5) as peer:
        assert desk.sees(peer, desk.open_on(peer, handshake_s=0.3))


def wakes_up_late(desk: Desk) -> None:
    """A time-out at wake-up: unplugged and in again, it serves again."""
    with ZfmPeer(**SIZE, power_up_junk=b"\x55", dead_s=0.2) as peer:
        desk.open_on(peer).close()
        peer.unplug()
        peer.replug()
        assert desk.sees(peer, desk.open_on(peer))


def stale_bytes(desk: Desk) -> None:
    """Bytes of an earlier exchange are no answer: the line is emptied before each command."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        peer.put(desk.pixels)
        reader.capture(5.0, lambda received, _: reader.cancel() if received else None)
        reader.check()
        assert desk.sees(peer, reader)


def wrong_speed(desk: Desk) -> None:
    """The factory's speed is not this module's: every speed is tried."""
    with ZfmPeer(**SIZE, baud=38_400) as peer:
        reader = desk.open_on(peer, scan_baud=(57_600, 38_400))
        assert desk.sees(peer, reader)
        assert reader.baud == 38_400


def bad_wires(desk: Desk) -> None:
    """Bytes but no packet is called so, and is not the same as silence."""
    with ZfmPeer(**SIZE, baud=9_600) as peer:
        with pytest.raises(ProtocolViolation, match="wrong speed or a bad wire"):
            desk.open_on(peer, scan_baud=(57_600,))
        peer.deaf = True
        with pytest.raises(DeviceAbsent, match="nothing answers"):
            desk.open_on(peer, scan_baud=(57_600,))


def swallowed_header(desk: Desk) -> None:
    """Bytes lost or merged: the whole image again, and two uploads that agree."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        peer.harm(Fault(Harm.DROP, 140))
        assert desk.sees(peer, reader)
        assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3


def speed_after_power_off(desk: Desk) -> None:
    """Both speeds are looked at, and neither is a failure."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.AFTER_POWER_OFF) as peer:
        reader = desk.open_on(peer, baud=115_200)
        assert (reader.baud, desk.sees(peer, reader)) == (57_600, True)
        reader.close()
        peer.unplug()
        peer.replug()
        assert desk.open_on(peer, baud=115_200).baud == 115_200


def speed_never(desk: Desk) -> None:
    """It says yes and stays: used as it is, and not asked again."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.NEVER) as peer:
        for _ in range(2):
            reader = desk.open_on(peer, baud=115_200)
            assert desk.sees(peer, reader)
            reader.close()
        assert peer.heard_opcodes()[Opcode.SET_SYS_PARA] == 1


def stuck_at_9600(desk: Desk) -> None:
    """Slow, but it works: no failure because of a speed."""
    with ZfmPeer(**SIZE, baud=9_600, baud_change=BaudChange.NEVER) as peer:
        reader = desk.open_on(peer, baud=115_200, scan_baud=(57_600, 9_600))
        assert (reader.baud, desk.sees(peer, reader)) == (9_600, True)


def password_by_accident(desk: Desk) -> None:
    """A sample program set one: named so, with what to do; ours never sends one."""
    with ZfmPeer(**SIZE, password=1) as peer:
        with pytest.raises(DeviceError, match="set it back with its maker's program"):
            desk.open_on(peer)
        assert set(peer.heard_opcodes()) == {Opcode.VFY_PWD}


def no_end(desk: Desk) -> None:
    """All bytes but no last packet: taken after half a second of silence."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        peer.harm(Fault(Harm.NO_END))
        assert desk.sees(peer, reader)


def wrong_image(desk: Desk) -> None:
    """A clone whose image has another size: refused by the count, never sheared into shape."""
    with ZfmPeer(width_px=192, height_px=192) as peer:
        reader = desk.open_on(peer, width_px=256, height_px=288)
        peer.put(random_pixels(192, 192))
        with pytest.raises(DeviceError, match="image size not known: 18432 bytes"):
            reader.capture(5.0, nobody)


def half_an_image(desk: Desk) -> None:
    """R307S: half of 256 x 288 is 18,432 bytes too, and is no 192 x 192 for that."""
    with ZfmPeer(width_px=256, height_px=144) as peer:
        reader = desk.open_on(peer, width_px=256, height_px=288)
        peer.put(random_pixels(256, 144))
        with pytest.raises(DeviceError, match="instead of 36864"):
            reader.capture(5.0, nobody)


def forgets_between(desk: Desk) -> None:
    """No poll and no light between GetImage and UpImage."""
    with ZfmPeer(**SIZE, make=R503) as peer:
        reader = desk.open_on(peer, led="aura", image_command="GetImageEx")
        start = len(peer.heard)
        assert desk.sees(peer, reader)
        heard = [one.opcode for one in peer.heard[start:]]
        at = heard.index(Opcode.GET_IMAGE_EX)
        assert heard[at : at + 3] == [Opcode.GET_IMAGE_EX, Opcode.IMG_2_TZ, Opcode.UP_IMAGE]


def no_identity(desk: Desk) -> None:
    """System id 0000 or 0009: both are used alike."""
    for system_id in (0, 9):
        with ZfmPeer(**SIZE, make=Make(system_id=system_id)) as peer:
            reader = desk.open_on(peer)
            assert reader.parameters is not None
            assert (reader.parameters.system_id, desk.sees(peer, reader)) == (system_id, True)


def no_parameters(desk: Desk) -> None:
    """R308 has no ReadSysPara: its file serves, whether or not it says so."""
    for reads_parameters in (True, False):
        with ZfmPeer(**SIZE, make=Make(reads_parameters=False)) as peer:
            reader = desk.open_on(peer, reads_parameters=reads_parameters, packet_bytes=128)
            assert reader.parameters is None
            assert (reader.facts.packet_bytes, desk.sees(peer, reader)) == (128, True)


def finger_without_finger(desk: Desk) -> None:
    """Marked when it is opened; the image goes to the host's gates, and to no one as a print."""
    with ZfmPeer(**SIZE) as peer:
        peer.leave_glass(EmptyGlass.BLANK)
        reader = desk.open_on(peer)
        image = reader.capture(1.0, nobody)
        assert reader.finger_always
        assert isinstance(image, FingerImage)
        assert set(image.pixels) == {255}


def no_ring(desk: Desk) -> None:
    """35 only where the file names it, and best effort even there."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        assert desk.sees(peer, reader)
        assert Opcode.AURA_LED not in peer.heard_opcodes()
        reader.close()
        # This module calls it a damaged packet: three times the same answer, and then no more.
        assert desk.sees(peer, desk.open_on(peer, led="aura"))
        assert peer.heard_opcodes()[Opcode.AURA_LED] == 3


def illegal_data(desk: Desk) -> None:
    """R558 says 35: for staff."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        peer.force(Opcode.GET_IMAGE, 0x35)
        with pytest.raises(DeviceError, match="illegal data"):
            reader.capture(1.0, nobody)


def slow_images(desk: Desk) -> None:
    """115,200 baud and packets of 256: half the time of the factory's 57,600 and 128."""
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer, baud="fastest", packet_bytes=256)
        assert (reader.baud, reader.facts.packet_bytes) == (115_200, 256)
        assert desk.sees(peer, reader)


def upper_four_bits(_desk: Desk) -> None:
    """The left pixel is the high nibble: each byte taken twice looks plausible, and is wrong."""
    assert unpack_4bit(b"\xf0\x3c") == bytes((255, 0, 51, 204))


def header_in_the_picture(desk: Desk) -> None:
    """A print may hold the bytes of a header: only what stands where a packet begins is one."""
    packed = bytearray(WIDTH_PX * HEIGHT_PX // 2)
    for at in range(0, len(packed) - 97, 97):
        packed[at : at + 7] = HEADER + b"\xff\xff\xff\xff" + bytes((at % 9,))
    desk.pixels = unpack_4bit(bytes(packed))
    with ZfmPeer(**SIZE) as peer:
        reader = desk.open_on(peer)
        assert desk.sees(peer, reader)
        assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


QUIRKS: dict[str, Callable[[Desk], None]] = {
    "ESPHome-fingerprint_grow": junk_at_power_up,
    "Adafruit-Fingerprint-Sensor-Library-4": needs_half_a_second,
    "esphome-issues-6128": wakes_up_late,
    "pyfingerprint-1-52-53-55-56": stale_bytes,
    "pyfingerprint-71-73-78": wrong_speed,
    "pyfingerprint-98-99-104": bad_wires,
    "Adafruit_CircuitPython_Fingerprint-29": swallowed_header,
    "pyfingerprint-41": speed_after_power_off,
    "Adafruit-Fingerprint-Sensor-Library-114": speed_never,
    "FPM-13-speed": stuck_at_9600,
    "FPM-13-19-pyfingerprint-20-esphome-issues-3185": password_by_accident,
    "FPM-11": no_end,
    "FPM-8-11": wrong_image,
    "FPM-61": half_an_image,
    "FPM-25-pyfingerprint-90": forgets_between,
    "FPM-25-system-id": no_identity,
    "FPM-15-pyfingerprint-44": no_parameters,
    "Adafruit_CircuitPython_Fingerprint-52-esphome-issues-6350": finger_without_finger,
    "Adafruit_CircuitPython_Fingerprint-30-31-45": no_ring,
    "Adafruit-Fingerprint-Sensor-Library-130": illegal_data,
    "pyfingerprint-41-Adafruit-48-R502-6": slow_images,
    "Adafruit-Fingerprint-Sensor-Library-36": upper_four_bits,
    "r503-0.0.4": header_in_the_picture,
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_users_met_is_served(desk, quirk):
    """Each report has its rule; the rule's own words stand at the function."""
    QUIRKS[quirk](desk)


def test_a_login_console_on_the_port_is_said(tmp_path):
    """pyfingerprint issues 52 to 104: a console on the port eats half of what the module says."""
    machine = Machine(
        proc=tmp_path / "proc", dev=tmp_path / "dev", consoles=tmp_path / "none",
        locks=(), units=(),
    )  # fmt: skip
    getty = machine.proc / "7"
    getty.mkdir(parents=True)
    (getty / "cmdline").write_bytes(b"/sbin/agetty\x00-o\x00--\x00ttyS0\x00")
    machine.dev.mkdir()
    (machine.dev / "ttyS0").touch()

    with pytest.raises(PortHeld, match="login console"):
        demand_free(str(machine.dev / "ttyS0"), machine)
