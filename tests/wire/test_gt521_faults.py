"""The gt521 driver on a real terminal line: time, the plug, the speed, another process.

What it does with a module's answers is tested without waiting in `test_gt521_driver.py`, and every
fault at every byte in `test_gt521_matrix.py`.
"""

from __future__ import annotations

import threading
import time

import pytest

from drivers.errors import DeviceAbsent, DeviceTimeout
from drivers.fingerprint import FingerImage
from drivers.gt521_packets import Command, image_line_bytes
from drivers.peers.glass import EmptyGlass
from drivers.peers.gt521 import Gt521Peer
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from tests.leaving import leaving
from tests.wire.gt521_kit import HEIGHT_PX, SIZE, WIDTH_PX, nobody, opened, random_pixels

PIXELS = random_pixels()
IMAGE = FingerImage(PIXELS, WIDTH_PX, HEIGHT_PX, 450)
NOTICED_S = 0.15
"""So late may a cancel or a pulled plug be noticed."""


@pytest.fixture
def peer():
    """A module with something on its glass, as fast as the terminal."""
    with Gt521Peer(**SIZE) as module:
        module.put(PIXELS)
        yield module


def test_a_press_is_read_over_a_terminal_line(peer):
    """What lies on the glass comes back, from one upload."""
    with opened(peer) as reader:
        image = reader.capture(2.0, nobody)

    assert image == IMAGE
    assert peer.heard_opcodes()[Command.GET_IMAGE] == 1


@pytest.mark.parametrize("harm", [Harm.FLIP, Harm.DROP])
def test_a_fault_in_one_upload_is_mended_by_two_that_agree(peer, harm):
    """A wrong sum is known at once, a lost byte by the silence that follows."""
    with opened(peer) as reader:
        peer.harm(Fault(harm, 1000))
        image = reader.capture(2.0, nobody)

    assert image == IMAGE
    assert peer.heard_opcodes()[Command.GET_IMAGE] == 3
    assert peer.heard_opcodes()[Command.CAPTURE] == 1


def test_a_module_that_stalls_for_ever_is_silent(peer):
    """It is there and says nothing more: no image, and no endless wait."""
    with opened(peer, answer_s=0.3, gap_s=0.2) as reader:
        peer.harm(Fault(Harm.STALL, 1000, seconds=float("inf")))
        with pytest.raises(DeviceTimeout):
            reader.capture(2.0, nobody)


def test_a_reader_unplugged_in_mid_image_is_absent_and_comes_back(peer):
    """The cable is pulled at byte 1000; plugged in again it is dark, at 9600, and serves."""
    with opened(peer, baud=115200) as reader:
        peer.harm(Fault(Harm.UNPLUG, 1000))
        with pytest.raises(DeviceAbsent):
            reader.capture(2.0, nobody)
        with pytest.raises(DeviceAbsent):
            reader.check()
    with pytest.raises(DeviceAbsent), opened(peer):
        pass
    peer.replug()
    speed = peer.baud
    with opened(peer, baud=115200) as reader:
        image = reader.capture(2.0, nobody)

    assert speed == 9600
    assert image == IMAGE


def test_a_reader_unplugged_between_presses_is_absent(peer):
    """Proof of life fails at once, not after a time-out."""
    with opened(peer) as reader:
        reader.check()
        peer.unplug()
        with pytest.raises(DeviceAbsent):
            reader.check()


def test_another_process_cannot_take_the_open_port(peer):
    """One owner: two readers of one line would each get half the bytes."""
    with opened(peer), pytest.raises(DeviceAbsent), opened(peer):
        pass


def test_a_closed_reader_says_so_and_closes_twice(peer):
    """Closing twice is allowed; using it then is not."""
    with opened(peer) as reader:
        reader.close()
        with pytest.raises(DeviceAbsent):
            reader.check()


def test_the_speed_is_raised_on_the_terminal_itself(peer):
    """The peer sees with which speed its port is open, and answers noise at any other."""
    with opened(peer, baud=115200) as reader:
        image = reader.capture(2.0, nobody)
        speeds = reader.baud, peer.baud

    assert speeds == (115200, 115200)
    assert image == IMAGE


def test_power_up_junk_does_not_hurt():
    """Noise before the first answer, even one that looks like an image's header."""
    with (
        Gt521Peer(**SIZE, power_up_junk=b"\x00\x55\x5a\xa5\x01\x00") as peer,
        opened(peer) as reader,
    ):
        peer.put(PIXELS)

        assert reader.capture(2.0, nobody) == IMAGE


def test_a_print_that_was_left_on_the_glass_is_taken_for_a_finger(peer):
    """Some optical modules do; the gates behind the driver tell a latent print."""
    peer.lift()
    peer.leave_glass(EmptyGlass.LATENT)
    with opened(peer) as reader:
        image = reader.capture(2.0, nobody)

    assert isinstance(image, FingerImage)
    assert image != IMAGE


def test_cancel_while_waiting_returns_soon(peer):
    """The person leaves: the reader is free and dark, long before the press would time out."""
    peer.lift()
    with opened(peer) as reader:
        start = time.monotonic()
        with leaving(reader.cancel):
            outcome = reader.capture(60.0, nobody)

    assert outcome is None
    assert time.monotonic() - start < 30
    assert not peer.lit


def test_cancel_in_mid_image_costs_the_next_press_nothing():
    """GetImage cannot be stopped; what still comes is drained before the next command."""
    other = random_pixels(seed=2)
    with Gt521Peer(**SIZE, baud=57600, throttled=True) as peer:
        peer.put(PIXELS)
        # The old image takes 1.1 s on the line, longer than an answer may.
        with opened(peer, baud=57600, answer_s=0.8) as reader:

            def leave(received: int, _expected: int) -> None:
                if received:
                    reader.cancel()

            first = reader.capture(2.0, leave)
            peer.put(other)
            second = reader.capture(2.0, nobody)

    assert first is None
    assert second.pixels == other


def test_an_upload_sleeps_but_never_past_a_cancel_or_the_end(monkeypatch):
    """Every sleep is short, and shorter than what is still to come needs; there are few."""
    baud = 57600
    sleeps: list[tuple[float, int]] = []
    with Gt521Peer(**SIZE, baud=baud, throttled=True) as peer, opened(peer, baud=baud) as reader:
        peer.put(PIXELS)
        sleep = time.sleep

        def noted(seconds: float) -> None:
            if threading.current_thread() is threading.main_thread():
                sleeps.append((seconds, reader._line.parser.held_bytes))
            sleep(seconds)

        monkeypatch.setattr(time, "sleep", noted)
        image = reader.capture(10.0, nobody)
        monkeypatch.undo()
    line_s = image_line_bytes(len(PIXELS)) * 10 / baud

    assert image == IMAGE
    assert sleeps
    assert len(sleeps) <= line_s / NOTICED_S + 12
    assert max(seconds for seconds, _ in sleeps) <= NOTICED_S
    assert all(seconds < (len(PIXELS) + 6 - held) * 10 / baud for seconds, held in sleeps)


def test_whose_image_was_cut_off_gives_the_same_finger_again():
    """The plug was pulled in mid-image: nobody goes on to the next finger of their own."""
    plan = (Press(RIGHT_THUMB, 1), Press(LEFT_THUMB, 1))
    with Gt521Peer(width_px=96, height_px=96, plan=plan, delay_s=0.0) as peer:
        wanted = [peer._glass._skin.wanted(one).result() for one in plan]
        peer.harm(Fault(Harm.UNPLUG, 1000))
        with opened(peer) as reader, pytest.raises(DeviceAbsent):
            reader.capture(60.0, nobody)
        peer.replug()
        with opened(peer) as reader:
            images = [reader.capture(60.0, nobody) for _ in plan]

    assert [image.pixels for image in images] == wanted


def test_a_persons_press_comes_as_it_was_grown(peer):
    """Plan, skin and line together: a synthetic thumb at 450 ppi."""
    plan = (Press(RIGHT_THUMB, 1),)
    with (
        Gt521Peer(plan=plan, delay_s=0.0) as module,
        opened(module, baud=115200) as reader,
    ):
        image = reader.capture(60.0, nobody)
        grown = module._glass._skin.wanted(plan[0]).result()

    assert image == FingerImage(grown, 202, 258, 450)
