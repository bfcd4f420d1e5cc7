"""What the zfm driver never sends, over whole sessions, by what the module heard."""

from __future__ import annotations

import logging

import pytest

from drivers.errors import DeviceError
from drivers.peers.glass import EmptyGlass
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import OLDEST, R503, Make
from drivers.zfm_packets import Opcode, Register
from edge.logs import CODE, PLAIN
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}

FORBIDDEN = {
    0x03: "Match", 0x04: "Search", 0x05: "RegModel", 0x06: "Store", 0x07: "LoadChar",
    0x08: "UpChar", 0x09: "DownChar", 0x0B: "DownImage", 0x0C: "DeleteChar", 0x0D: "Empty",
    0x12: "SetPwd", 0x15: "SetAddr", 0x16: "ReadInfPage", 0x17: "PortControl",
    0x18: "WriteNotepad", 0x19: "ReadNotepad", 0x1B: "HiSpeedSearch", 0x1D: "TemplateNum",
    0x1F: "ReadIndexTable", 0x29: "GetEnrollImage", 0x30: "Cancel", 0x31: "AutoEnroll",
    0x32: "AutoIdentify", 0x33: "Sleep", 0x3D: "SoftRst",
}  # fmt: skip
"""Commands that write flash, use the module's own templates, or take it from us."""

ALLOWED = {0x01, 0x02, 0x0A, 0x0E, 0x0F, 0x13}
"""What any module of the family is sent; the rest only where its file says so."""


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def tried(reader, seconds: float = 0.5):
    """Take a press; what the reader makes of it is another test's."""
    try:
        return reader.capture(seconds, nobody)
    except DeviceError as failure:
        return failure


def a_bad_day(peer, reader, pixels):
    """Let everything happen to a reader that can happen to an open one."""
    tried(reader, 0.05)
    peer.put(pixels)
    for opcode in (Opcode.GET_IMAGE, Opcode.IMG_2_TZ, Opcode.UP_IMAGE, Opcode.VFY_PWD):
        for code in (0x01, 0x06, 0x0F, 0x13, 0x21, 0x35, 0x77):
            peer.force(opcode, code)
            tried(reader)
            peer.heal()
    for harm in (Harm.FLIP, Harm.GARBAGE):
        peer.harm(Fault(harm, 9, uploads=3))
        tried(reader)
    reader.capture(2.0, lambda received, _: reader.cancel() if received else None)
    peer.leave_glass(EmptyGlass.LATENT)
    peer.lift()
    tried(reader)
    reader.check()


SESSIONS = {
    "plain": ({}, {}),
    "oldest": ({"make": OLDEST}, {"baud": 115_200, "packet_bytes": 256}),
    "fastest": ({"make": Make(fastest_baud=921_600)}, {"baud": "fastest", "fastest_baud": 921_600}),
    "stubborn": ({"baud_change": BaudChange.NEVER}, {"baud": 115_200, "packet_bytes": 32}),
}


@pytest.mark.parametrize("session", SESSIONS)
def test_a_whole_session_writes_nothing_but_speed_and_packet_size(open_on, pixels, session):
    """No password, address, library, template or matching, whatever happens."""
    built, options = SESSIONS[session]
    with ZfmPeer(**SIZE, **built) as peer:
        reader = open_on(peer, **options)
        if session in {"plain", "fastest"}:
            a_bad_day(peer, reader, pixels)
        reader.close()
        reader = open_on(peer, **options)
        peer.put(pixels)
        tried(reader)
        heard = peer.heard

    assert {one.opcode for one in heard} <= ALLOWED
    assert {one.parameters for one in heard if one.opcode == Opcode.VFY_PWD} == {bytes(4)}
    assert {one.parameters[0] for one in heard if one.opcode == Opcode.SET_SYS_PARA} <= {
        Register.BAUD, Register.PACKET_SIZE,
    }  # fmt: skip


def test_a_session_with_everything_the_file_can_name_stays_within_it(open_on, pixels):
    """An R503 with its light, its image command and its product information."""
    with ZfmPeer(**SIZE, make=R503) as peer:
        reader = open_on(peer, led="aura", image_command="GetImageEx", reads_product=True)
        a_bad_day(peer, reader, pixels)
        heard = set(peer.heard_opcodes())

    assert heard <= ALLOWED | {Opcode.AURA_LED, Opcode.GET_IMAGE_EX, Opcode.READ_PROD_INFO}
    assert {Opcode.AURA_LED, Opcode.GET_IMAGE_EX, Opcode.READ_PROD_INFO} <= heard


def test_the_driver_has_no_name_for_what_it_never_sends():
    """Every command goes through `Opcode`: a forbidden one could not even be asked for."""
    assert not {int(opcode) for opcode in Opcode} & FORBIDDEN.keys()
    assert {int(register) for register in Register} == {4, 6}


def test_a_password_is_never_tried(open_on):
    """Only zero is ever offered, and a refusal ends the opening."""
    with ZfmPeer(**SIZE, password=0x12345678) as peer:
        with pytest.raises(DeviceError, match="has a password"):
            open_on(peer)

        assert [one.parameters for one in peer.heard] == [bytes(4)]


def test_what_the_driver_logs_is_codes_that_the_log_lets_through(open_on, pixels, caplog):
    """A formatted message is no code, and would lose what it says on its way to the technician."""
    caplog.set_level(logging.INFO, logger="drivers")
    with ZfmPeer(**SIZE, baud_change=BaudChange.NEVER) as peer:
        reader = open_on(peer, led="aura", baud=115_200, packet_bytes=64, reads_product=True)
        peer.put(pixels)
        peer.force(Opcode.UP_IMAGE, 0x0F)
        peer.harm(Fault(Harm.FLIP, 300), Fault(Harm.TRUNCATE, 3000, spares=1))
        tried(reader)
    records = [record for record in caplog.records if record.name.startswith("drivers.")]

    assert {record.msg for record in records} >= {
        "zfm_open", "zfm_speed_refused", "zfm_upload_repeated", "zfm_image_taken_again",
        "zfm_not_supported",
    }  # fmt: skip
    assert all(CODE.match(record.msg) and not record.args for record in records)
    reasons = [record.reason for record in records if record.msg == "zfm_upload_repeated"]
    assert reasons
    assert all(PLAIN.match(reason) for reason in reasons)
