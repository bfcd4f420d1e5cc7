"""The simulated module's knobs do what they say: else a proof that turns them proves nothing."""

from __future__ import annotations

import math
import random
import time

import pytest
import serial
from PIL import Image

from drivers.errors import DeviceError, DeviceTimeout
from drivers.fingerprint import FingerImage
from drivers.peers.glass import EmptyGlass, Glass, Sight
from drivers.peers.line_faults import Fault, Harm, Noise, damaged, damaged_bytes
from drivers.peers.presses import Person, Press, Skin, pixels_of
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import OLDEST, R503, Extra, Make, Module
from drivers.zfm_packets import (
    Kind,
    Opcode,
    Packet,
    command,
    pack_4bit,
    packed_line_bytes,
    stream,
    unpack_4bit,
)
from tests.wire.glass import HEIGHT_PX, WIDTH_PX, random_pixels

IMAGE_BYTES = WIDTH_PX * HEIGHT_PX // 2
SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
HANDSHAKE = command(Opcode.VFY_PWD, 0, 0, 0, 0).to_bytes()
OK = bytes.fromhex("EF01FFFFFFFF 07 0003 00 000A")
WITHIN_S = 30.0


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def exchange(
    peer: ZfmPeer, *frames: bytes, answer_bytes: int | None = None, wait_s: float = WITHIN_S
) -> list[bytes]:
    """Say something on the raw line and return what comes back to each: one packet, or so much."""
    with serial.Serial(str(peer.port), 57600, timeout=wait_s) as line:
        answers = []
        for frame in frames:
            line.write(frame)
            head = line.read(answer_bytes or 9)
            rest = b"" if answer_bytes or not head else line.read(int.from_bytes(head[7:9]))
            answers.append(head + rest)
        return answers


def module(**options) -> Module:
    """A module with something on its glass, after power-up and handshake."""
    one = Module(look=lambda: Sight(bytes(range(256))), size_px=(16, 16), **options)
    one.power_up()
    return one


def confirmation(one: Module, opcode: int, *parameters: int) -> int:
    """What it says to a command."""
    return one.answer(command(opcode, *parameters)).confirmation


def test_a_foreign_address_is_ignored():
    """Several modules may share a line: only the one that is meant answers."""
    with ZfmPeer(address=0x12345678) as peer:
        (foreign,) = exchange(peer, HANDSHAKE, wait_s=0.2)
        (own,) = exchange(peer, command(Opcode.VFY_PWD, 0, 0, 0, 0, address=0x12345678).to_bytes())

    assert foreign == b""
    assert own == OK.replace(b"\xff\xff\xff\xff", b"\x12\x34\x56\x78")


def test_it_is_dead_for_a_while_after_power_up():
    """What arrives meanwhile is lost."""
    with ZfmPeer(dead_s=600.0) as peer:
        (early,) = exchange(peer, HANDSHAKE, wait_s=0.2)

    assert early == b""


def test_it_says_junk_before_its_first_answer_after_power_up():
    """A rising edge reads as 00, a bare 55 may follow; then all is well."""
    with ZfmPeer(power_up_junk=b"\x00\x55", dead_s=0.1) as peer:
        said = b""
        deadline = time.monotonic() + WITHIN_S
        with serial.Serial(str(peer.port), 57600, timeout=0.2) as line:
            while len(said) < 14 and time.monotonic() < deadline:
                line.write(HANDSHAKE)
                said += line.read(14 - len(said))
        (after,) = exchange(peer, HANDSHAKE)

    assert said == b"\x00\x55" + OK
    assert after == OK


def test_a_new_speed_can_take_effect_after_a_while(open_on, pixels):
    """Old speed first, then the new one: users met this (pyfingerprint issue 41)."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.AFTER_DELAY, baud_delay_s=0.05) as peer:
        peer.put(pixels)
        exchange(peer, command(Opcode.SET_SYS_PARA, 4, 12).to_bytes())
        deadline = time.monotonic() + WITHIN_S
        while peer.baud == 57600 and time.monotonic() < deadline:
            time.sleep(0.01)
        reader = open_on(peer)

        assert peer.baud == reader.baud == 115200


def test_a_password_is_asked_for_and_checked():
    """21 until VfyPwd, 13 for the wrong one."""
    one = module(password=7)

    assert confirmation(one, Opcode.GET_IMAGE) == 0x21
    assert confirmation(one, Opcode.VFY_PWD, 0, 0, 0, 0) == 0x13
    assert confirmation(one, Opcode.GET_IMAGE) == 0x21
    assert confirmation(one, Opcode.VFY_PWD, 0, 0, 0, 7) == 0
    assert confirmation(one, Opcode.GET_IMAGE) == 0
    one.power_up()
    assert confirmation(one, Opcode.GET_IMAGE) == 0x21


def test_what_a_branch_does_not_have_is_no_command():
    """The oldest knows nothing but handshake, image and speed; nobody has the library's."""
    extras = (Extra.GET_IMAGE_EX, Extra.AURA_LED, Extra.READ_PROD_INFO, Opcode.READ_SYS_PARA)
    writing = (0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x12, 0x15)

    assert {confirmation(module(make=OLDEST), one) for one in extras} == {1}
    assert {confirmation(module(make=R503), one) for one in extras} == {0}
    assert {confirmation(module(make=R503), one, 0, 0) for one in writing} == {1}


def test_product_information_tells_the_size():
    """46 bytes; a module may also tell a size that is not the truth."""
    told = module(make=R503).answer(command(Extra.READ_PROD_INFO)).result
    lie = Make(extras=frozenset({Extra.READ_PROD_INFO}), told_size_px=(192, 192))
    other = module(make=lie).answer(command(Extra.READ_PROD_INFO)).result

    assert len(told) == 46
    assert told[:4] == b"R503"
    assert told[38:42] == bytes((0, 16, 0, 16))
    assert other[38:42] == bytes((0, 192, 0, 192))


def test_a_poor_image_is_poor_where_the_module_judges_it():
    """GetImage says 00; GetImageEx says 07; Img2Tz says what is wrong."""
    one = Module(look=lambda: Sight(bytes(256), 6), size_px=(16, 16), make=R503)
    one.power_up()

    assert confirmation(one, Opcode.GET_IMAGE) == 0
    assert confirmation(one, Extra.GET_IMAGE_EX) == 7
    assert confirmation(one, Opcode.IMG_2_TZ, 1) == 6


def test_an_image_can_be_sent_again_until_the_next_look():
    """The buffer stays; a look that brings nothing empties it, and so does power."""
    seen: list[Sight | None] = [Sight(bytes(256)), None, Sight(bytes(256))]
    one = Module(look=lambda: seen.pop(0), size_px=(16, 16))
    one.power_up()
    answers = [confirmation(one, opcode) for opcode in (1, 0x0A, 0x0A, 1, 0x0A, 0x02, 1, 0x0A)]
    one.power_up()

    assert answers == [0, 0, 0, 2, 0x0F, 0x15, 0, 0]
    assert confirmation(one, 0x0A) == 0x0F


def test_registers_hold_what_they_may():
    """Speed 1..12, security 1..5, packet size 0..3; the rest is 1A and changes nothing."""
    one = module()
    wrong = [(4, 0), (4, 13), (5, 0), (5, 6), (6, 4), (7, 1)]
    said = [confirmation(one, Opcode.SET_SYS_PARA, *pair) for pair in wrong]
    before = one.answer(command(Opcode.READ_SYS_PARA)).result
    confirmation(one, Opcode.SET_SYS_PARA, 5, 4)
    confirmation(one, Opcode.SET_SYS_PARA, 6, 0)
    after = one.answer(command(Opcode.READ_SYS_PARA)).result

    assert said == [0x1A] * 6
    assert before == bytes.fromhex("0000 0009 00C8 0003 FFFFFFFF 0002 0006")
    assert after == bytes.fromhex("0000 0009 00C8 0004 FFFFFFFF 0000 0006")


def test_an_information_page_comes_as_packets():
    """ReadInfPage: an acknowledge, then 512 bytes."""
    with ZfmPeer(packet_bytes=256) as peer:
        (answer,) = exchange(
            peer, command(Extra.READ_INF_PAGE).to_bytes(), answer_bytes=len(OK) + 2 * 267
        )

    packets = [Packet(Kind.DATA, bytes(256)), Packet(Kind.END, bytes(256))]
    assert answer == OK + b"".join(packet.to_bytes() for packet in packets)


def test_a_finger_can_lift_early_or_never(tmp_path):
    """Held so long, then gone until it comes again; or there for good."""
    skin = Skin(WIDTH_PX, HEIGHT_PX, 500)
    picture, other = tmp_path / "print.png", tmp_path / "other.png"
    Image.frombytes("L", (WIDTH_PX, HEIGHT_PX), random_pixels(WIDTH_PX, HEIGHT_PX)).save(picture)
    Image.new("L", (WIDTH_PX, HEIGHT_PX)).save(other)
    hasty = Person((Press(1, held_s=0.3, picture=picture),), skin, delay_s=0.5)
    plan = (Press(1, held_s=math.inf, picture=picture), Press(2, picture=other))
    stuck = Person(plan, skin, delay_s=0.0)
    came = [hasty.pixels(at_s) is not None for at_s in (0.0, 0.5, 0.7, 0.9, 1.0, 1.5)]
    stuck.pixels(0.0)
    stuck.lift()
    skin.close()

    assert came == [False, True, True, False, False, True]
    assert stuck.pixels(9.0) == random_pixels(WIDTH_PX, HEIGHT_PX)


def test_a_picture_from_a_file_lies_on_the_glass(tmp_path, open_on, pixels):
    """As the module sends it; another size is refused before anybody presses."""
    picture = tmp_path / "print.png"
    Image.frombytes("L", (WIDTH_PX, HEIGHT_PX), pixels).save(picture)
    with ZfmPeer(**SIZE, plan=(Press(0, picture=picture),), delay_s=0.0) as peer:
        image = open_on(peer).capture(5.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    with pytest.raises(ValueError, match="px, not"):
        pixels_of(picture, 256, 288)


def test_a_planned_press_can_be_poor_to_the_module(tmp_path, pixels):
    """It takes the image and says 06 of it, as it would of a messy one."""
    picture = tmp_path / "print.png"
    Image.frombytes("L", (WIDTH_PX, HEIGHT_PX), pixels).save(picture)
    plan = (Press(0, picture=picture, confirmation=6),)
    commands = [command(Opcode.GET_IMAGE).to_bytes(), command(Opcode.IMG_2_TZ, 1).to_bytes()]
    with ZfmPeer(**SIZE, plan=plan, delay_s=0.0) as peer:
        taken, judged = exchange(peer, *commands)

    assert taken == OK
    assert judged[9:10] == b"\x06"


def test_the_empty_glass_shows_what_it_is_told():
    """Nothing, a blank frame, or 35 % of what lay there last."""
    glass = Glass(4, 4, 500)
    glass.put(bytes(16))
    present = glass.finger_present
    glass.look(0.0)
    glass.lift()
    shown = []
    for empty in EmptyGlass:
        glass.empty = empty
        seen = glass.look(0.0)
        shown.append(seen and set(seen.pixels))
    glass.close()

    assert present is True
    assert glass.finger_present is False
    assert shown == [None, {255}, {166}]


def test_noise_is_the_same_for_the_same_seed_and_as_frequent_as_it_says():
    """A rate a byte: a proof can be repeated, and its figures mean something."""
    content = random.Random(1).randbytes(200_000)
    heard = [Noise(0.001, seed).over(content) for seed in (1, 1, 2)]
    flips_only = Noise(0.001, 3)
    flips_only.HARMS = (Harm.FLIP,)
    arrived = flips_only.over(content)
    hits = sum(one != other for one, other in zip(content, arrived, strict=True))

    assert heard[0] == heard[1] != heard[2]
    assert 130 <= hits <= 270
    assert Noise(0.0).over(content) == content
    assert Noise(1.0).over(b"\x00\x00") != b"\x00\x00"
    with pytest.raises(ValueError, match="share"):
        Noise(1.1)


def test_noise_on_the_line_never_makes_a_wrong_image(peer, open_on, pixels):
    """Commands and answers are hit too: the true image, or an error that says so."""
    reader = open_on(peer)
    images = []
    for seed in range(6):
        peer.noise = Noise(1e-4, seed)
        try:
            images.append(reader.capture(2.0, nobody))
        except DeviceError:
            continue
        finally:
            peer.heal()

    assert {one.pixels for one in images if isinstance(one, FingerImage)} <= {pixels}
    assert reader.capture(2.0, nobody).pixels == pixels


@pytest.mark.parametrize("value", [0, 1, 2, 257, 259, 4096, 65535])
def test_a_wrong_length_field_costs_one_upload(peer, open_on, pixels, value):
    """Some drivers believe 65,535 and wait for bytes that never come."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.WRONG_LENGTH, 5, value=value))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] >= 2


@pytest.mark.parametrize("value", [-256, -1, 1, 300])
def test_a_wrong_total_whose_sums_fit_costs_one_upload(peer, open_on, pixels, value):
    """Every packet is good, and the image is not as long as it should be."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.WRONG_TOTAL, value=value))
    image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_module_that_stalls_for_ever_is_a_time_out_until_power_comes_again(peer, open_on):
    """It answers nothing any more, not even the handshake."""
    reader = open_on(peer, answer_s=0.2)
    peer.harm(Fault(Harm.STALL, 1000, seconds=math.inf))
    with pytest.raises(DeviceTimeout):
        reader.capture(2.0, nobody)
    reader.close()
    assert peer.deaf
    peer.unplug()
    peer.replug()

    assert isinstance(open_on(peer).capture(2.0, nobody), FingerImage)


@pytest.mark.parametrize("lost", [None, 4], ids=["clean", "packet-lost"])
def test_a_header_inside_the_picture_is_picture(open_on, lost):
    """Even a whole good END packet there ends nothing, and a lost packet does not bring it out."""
    inside = Packet(Kind.END, b"\x11" * 40).to_bytes() + b"\xef\x01\xff\xff\xff\xff"
    content = bytearray(pack_4bit(random_pixels(WIDTH_PX, HEIGHT_PX)))
    for at in (100, 700, 4090):
        content[at : at + len(inside)] = inside
    pixels = unpack_4bit(bytes(content))
    with ZfmPeer(**SIZE) as peer:
        peer.put(pixels)
        reader = open_on(peer)
        if lost is not None:
            # The packet's own header is hit: what hides inside it is hunted for.
            peer.harm(Fault(Harm.FLIP, lost * (128 + 11)), Fault(Harm.LOSE_PACKET, lost + 1))
        image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


def test_a_fault_can_spare_the_first_uploads(peer):
    """Each upload of a press may be hit by faults of its own."""
    peer.harm(Fault(Harm.FLIP, 1000), Fault(Harm.FLIP, 2000, spares=2, uploads=2))
    upload = command(Opcode.UP_IMAGE).to_bytes()
    exchange(peer, command(Opcode.GET_IMAGE).to_bytes(), wait_s=WITHIN_S)
    exchange(peer, *[upload] * 5, answer_bytes=len(OK) + packed_line_bytes(IMAGE_BYTES, 128))
    first, clean, third, fourth, last = map(bytes, peer.delivered)

    assert clean == last
    assert third == fourth != clean
    assert first not in {clean, third}


def test_power_off_keeps_flash_and_forgets_the_rest(peer):
    """Speed and packet size stay; the image does not."""
    take, send = command(Opcode.GET_IMAGE).to_bytes(), command(Opcode.UP_IMAGE).to_bytes()
    exchange(peer, command(Opcode.SET_SYS_PARA, 6, 3).to_bytes(), take)
    peer.unplug()
    peer.replug()
    said, parameters = exchange(peer, send, command(Opcode.READ_SYS_PARA).to_bytes())

    assert said[9:10] == b"\x0f"
    assert parameters[22:24] == b"\x00\x03"


@pytest.mark.parametrize("harm", list(Harm))
def test_every_harm_changes_what_arrives_or_when(harm):
    """A fault that does nothing would prove nothing."""
    packets = list(stream(random.Random(2).randbytes(1024), 256))
    clean = b"".join(packet.to_bytes() for packet in packets)
    pieces = damaged(packets, [Fault(harm, 1, seconds=1.0)])
    arrived = b"".join(piece.content for piece in pieces)
    in_time = any(piece.stall_s or piece.unplug for piece in pieces)

    assert (arrived != clean) is not in_time
    assert in_time is (harm in {Harm.STALL, Harm.UNPLUG})
    assert b"".join(one.content for one in damaged_bytes(clean, [])) == clean
