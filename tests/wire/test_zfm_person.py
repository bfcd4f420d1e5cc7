"""The simulated person and its skin: presses come in the plan's order, when the reader asks."""

from __future__ import annotations

import numpy as np

from drivers.fingerprint import FingerImage, Retry
from drivers.peers.presses import Person, Press, Skin
from drivers.peers.synthetic_prints import grow, press
from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import pack_4bit, unpack_4bit
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

PLAN = (Press(3, 1, "dry"), Press(3, 2), Press(4, 1))


def as_sent(planned: Press) -> bytes:
    """Return the pixels that a 4-bit module delivers for a press."""
    finger = grow(planned.finger, WIDTH_PX, HEIGHT_PX)
    pixels = press(finger, planned.number, planned.condition, planned.severity).tobytes()
    return unpack_4bit(pack_4bit(pixels))


def test_presses_come_in_the_plans_order_and_then_again(open_on):
    """The demo's person gives the next press each time the reader asks for one."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, plan=PLAN, delay_s=0.05) as peer:
        reader = open_on(peer)
        images = [reader.capture(30.0, lambda *_: None) for _ in range(4)]

    assert all(isinstance(image, FingerImage) for image in images)
    assert [image.pixels for image in images] == [as_sent(one) for one in (*PLAN, PLAN[0])]


def test_another_plan_brings_another_person(open_on):
    """A new sitting starts its plan from the beginning."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX, plan=PLAN, delay_s=0.0) as peer:
        reader = open_on(peer)
        reader.capture(30.0, lambda *_: None)
        peer.start_plan((Press(4, 1),))
        image = reader.capture(30.0, lambda *_: None)

    assert image.pixels == as_sent(Press(4, 1))


def test_without_a_plan_nobody_presses(open_on):
    """An empty glass stays empty."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX) as peer:
        assert open_on(peer).capture(0.1, lambda *_: None) is Retry.NO_FINGER


def test_a_person_takes_a_moment_after_being_asked():
    """Polls that stopped for a while were another request: the moment starts again."""
    skin = Skin(WIDTH_PX, HEIGHT_PX, 500)
    person = Person((Press(3, 1),), skin, delay_s=1.0)
    skin.wanted(Press(3, 1)).result()
    came = [person.pixels(now) is not None for now in (0.0, 0.5, 0.9, 5.0, 5.5, 6.1)]
    person.lift()
    after = person.pixels(6.2)
    skin.close()

    assert came == [False, False, False, False, False, True]
    assert after is None


def test_the_same_arguments_are_the_same_finger_and_others_are_not():
    """A demo can be repeated, and no two presses or fingers are alike."""
    one = grow(5, WIDTH_PX, HEIGHT_PX)

    assert np.array_equal(one.ridges, grow(5, WIDTH_PX, HEIGHT_PX).ridges)
    assert not np.array_equal(one.ridges, grow(6, WIDTH_PX, HEIGHT_PX).ridges)
    assert not np.array_equal(press(one, 1), press(one, 2))
