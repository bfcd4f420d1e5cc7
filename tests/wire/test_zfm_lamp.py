"""The light of a zfm module: shown where the model's file names one, and never a reason to fail."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceTimeout
from drivers.fingerprint import FingerImage, Retry
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import R503, Make
from drivers.zfm_packets import Opcode
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
LIGHTS = {Opcode.AURA_LED, Opcode.LED_ON, Opcode.LED_OFF}


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def lights(peer: ZfmPeer) -> list[tuple[int, bytes]]:
    """Return what the light was told, in order."""
    return [(one.opcode, one.parameters) for one in peer.heard if one.opcode in LIGHTS]


@pytest.mark.parametrize(
    ("led", "make", "told"),
    [
        ("aura", R503, [(Opcode.AURA_LED, "01640700"), (Opcode.AURA_LED, "04000700")]),
        ("optical", Make(), [(Opcode.LED_ON, ""), (Opcode.LED_OFF, "")]),
    ],
    ids=["ring", "lamp"],
)
def test_the_light_waits_with_the_person_and_rests_after(open_on, pixels, led, make, told):
    """On before the first look, dark after the image; nothing of it in between."""
    with ZfmPeer(**SIZE, make=make) as peer:
        peer.put(pixels)
        reader = open_on(peer, led=led)
        start = len(peer.heard)
        reader.capture(2.0, nobody)
        heard = [one.opcode for one in peer.heard[start:]]

        assert lights(peer) == [(opcode, bytes.fromhex(how)) for opcode, how in told]
        assert heard == [
            told[0][0], Opcode.GET_IMAGE, Opcode.IMG_2_TZ, Opcode.UP_IMAGE, told[1][0],
        ]  # fmt: skip


def test_the_light_rests_when_nobody_came(open_on):
    """The time is up: the next person is not to press at once."""
    with ZfmPeer(**SIZE, make=R503) as peer:
        assert open_on(peer, led="aura").capture(0.05, nobody) is Retry.NO_FINGER
        assert [how[0] for _, how in lights(peer)] == [1, 4]


@pytest.mark.parametrize("answer", [0x01, 0x1A, 0x77, None], ids=str)
def test_a_module_without_a_light_is_asked_once(peer, open_on, answer):
    """35 on a module without a ring (Adafruit_CircuitPython_Fingerprint issues 30, 31, 45)."""
    reader = open_on(peer, led="aura", answer_s=0.3)
    # A packet that is called damaged is sent three times before that is believed.
    peer.force(Opcode.AURA_LED, *[answer] * 3)
    images = [reader.capture(2.0, nobody) for _ in range(2)]

    assert all(isinstance(image, FingerImage) for image in images)
    assert len(lights(peer)) == (3 if answer == 0x01 else 1)


def test_a_dead_module_is_known_by_its_light_already(peer, open_on):
    """A person waits: it is asked once and greeted once, and not looked at after that."""
    reader = open_on(peer, led="aura", answer_s=0.3)
    before = len(reader.trace())
    peer.deaf = True
    with pytest.raises(DeviceTimeout):
        reader.capture(2.0, nobody)

    assert [line.split()[-1] for line in reader.trace()[before:]] == ["AURA_LED", "VFY_PWD"]


def test_no_light_is_told_anything_that_the_file_does_not_name(peer, open_on):
    """35 is a handshake on another branch, and 50 and 51 are nothing on most."""
    reader = open_on(peer)
    reader.capture(2.0, nobody)

    assert lights(peer) == []


def test_after_a_cancel_the_light_rests_at_the_next_check(open_on, pixels):
    """What was cancelled may still be on the line: nothing is sent into it for a light."""
    with ZfmPeer(**SIZE, make=R503) as peer:
        peer.put(pixels)
        reader = open_on(peer, led="aura")
        reader.capture(2.0, lambda received, _: reader.cancel() if received else None)
        before = [how[0] for _, how in lights(peer)]
        reader.check()

        assert before == [1]
        assert [how[0] for _, how in lights(peer)] == [1, 4]
