"""How the zfm driver brings line and module to a speed that works, and never fails for it."""

from __future__ import annotations

import pytest

from drivers import zfm_opening
from drivers.errors import DeviceTimeout, ProtocolViolation, SpeedRefused
from drivers.fingerprint import FingerImage
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.uart import BaudChange
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import Make
from drivers.serial_local import LocalPort
from drivers.zfm_packets import BAUD_STEP, Opcode, Register
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

SIZE = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def speeds_asked_for(peer: ZfmPeer) -> list[int]:
    """Return every speed that the module was asked for, in order."""
    return [
        heard.parameters[1] * BAUD_STEP
        for heard in peer.heard
        if heard.opcode == Opcode.SET_SYS_PARA and heard.parameters[0] == Register.BAUD
    ]


def test_the_fastest_speed_that_the_model_allows_is_taken(open_on, pixels):
    """921,600 baud by the model's file: eight times the manuals' speed."""
    with ZfmPeer(**SIZE, make=Make(fastest_baud=921_600)) as peer:
        peer.put(pixels)
        reader = open_on(peer, baud="fastest", fastest_baud=921_600)
        image = reader.capture(5.0, nobody)

        assert (reader.baud, peer.baud) == (921_600, 921_600)
        assert speeds_asked_for(peer) == [921_600]
        assert isinstance(image, FingerImage)


def test_fastest_means_115200_unless_the_model_is_known_for_more(open_on):
    """Some adapters and modules fail beyond it: it is an opt-in of the model's file."""
    with ZfmPeer(**SIZE, make=Make(fastest_baud=921_600)) as peer:
        reader = open_on(peer, baud="fastest")

        assert reader.baud == 115_200
        assert speeds_asked_for(peer) == [115_200]


def test_a_module_that_refuses_is_asked_for_less_until_it_agrees(open_on):
    """1A, bad register: the next slower one, without a look at the refused speed."""
    with ZfmPeer(**SIZE) as peer:
        reader = open_on(peer, baud="fastest", fastest_baud=460_800)

        assert reader.baud == 115_200
        assert speeds_asked_for(peer) == [460_800, 230_400, 115_200]


def test_a_module_beyond_the_allowed_speed_is_brought_back(open_on):
    """Another program has left it at a speed that this model's file does not trust."""
    with ZfmPeer(**SIZE, baud=115_200) as peer:
        reader = open_on(peer, baud="fastest", fastest_baud=57_600)

        assert reader.baud == 57_600


def test_a_module_that_an_earlier_run_left_fast_is_found(open_on):
    """Its speed is in none of the factory's lists."""
    with ZfmPeer(**SIZE, baud=460_800, make=Make(fastest_baud=921_600)) as peer:
        reader = open_on(peer, baud=57_600, fastest_baud=921_600)

        assert reader.baud == 57_600


def test_what_was_refused_is_not_asked_for_again(open_on):
    """Each try costs the person a second, and may wear the module's flash."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.NEVER) as peer:
        for _ in range(2):
            reader = open_on(peer, baud=115_200)
            assert reader.baud == 57_600
            reader.close()

        assert speeds_asked_for(peer) == [115_200]


def test_where_it_was_found_is_where_it_is_looked_for_first(open_on):
    """A reader that is plugged in again serves at once, not after a scan."""
    with ZfmPeer(**SIZE, baud=19_200) as peer:
        scan = {"scan_baud": (57_600, 115_200, 9_600, 19_200)}
        first = open_on(peer, **scan)
        first.close()
        second = open_on(peer, **scan)

        assert second.baud == 19_200
        # The trace counts what is said again and again, as greetings at other speeds are.
        assert any("VFY_PWD (" in line for line in first.trace())
        assert not any("VFY_PWD (" in line for line in second.trace())


def test_a_speed_that_waits_for_the_next_power_up_is_found_then(open_on):
    """pyfingerprint issue 41."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.AFTER_POWER_OFF) as peer:
        first = open_on(peer, baud=115_200)
        before = first.baud
        first.close()
        peer.unplug()
        peer.replug()
        second = open_on(peer, baud=115_200)

        assert (before, second.baud) == (57_600, 115_200)


def test_a_speed_that_comes_late_is_a_time_out_and_then_found(open_on):
    """It took one user's module 90 minutes: the owner opens it again, as after any silence."""
    late = {"baud_change": BaudChange.AFTER_DELAY, "baud_delay_s": 90 * 60.0, "garbles": False}
    with ZfmPeer(**SIZE, **late) as peer:
        reader = open_on(peer, baud=115_200, answer_s=1.0)
        early = reader.baud
        # The 90 minutes are over.
        peer._baud_at_s = 0.0
        with pytest.raises(DeviceTimeout):
            reader.check()
        reader.close()
        again = open_on(peer, baud=115_200)
        again.check()

        assert (early, again.baud, peer.baud) == (57_600, 115_200, 115_200)


def test_a_speed_that_damages_images_is_lowered_once(open_on, pixels):
    """Three uploads brought nothing: one step down, and the next two agree."""
    with ZfmPeer(**SIZE, baud=115_200) as peer:
        peer.put(pixels)
        reader = open_on(peer, baud=115_200)
        peer.harm(Fault(Harm.FLIP, 1000, uploads=3))
        image = reader.capture(5.0, nobody)

        assert isinstance(image, FingerImage)
        assert image.pixels == pixels
        assert (reader.baud, peer.baud) == (57_600, 57_600)
        assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 5


def test_a_lowered_speed_stays_low(open_on, pixels):
    """The adapter will not be better after the next opening."""
    with ZfmPeer(**SIZE, baud=115_200) as peer:
        peer.put(pixels)
        reader = open_on(peer, baud=115_200)
        peer.harm(Fault(Harm.FLIP, 1000, uploads=3))
        reader.capture(5.0, nobody)
        reader.close()

        assert open_on(peer, baud=115_200).baud == 57_600
        assert speeds_asked_for(peer) == [57_600]


def test_a_line_that_is_bad_at_every_speed_gives_no_image(open_on, pixels):
    """Three uploads, one step down, three more: then the truth."""
    with ZfmPeer(**SIZE, baud=115_200) as peer:
        peer.put(pixels)
        reader = open_on(peer, baud=115_200)
        peer.harm(Fault(Harm.FLIP, 1000, uploads=99))
        with pytest.raises(ProtocolViolation, match="no image could be trusted"):
            reader.capture(5.0, nobody)

        assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 6
        assert speeds_asked_for(peer) == [57_600]


def test_a_module_whose_speed_is_left_alone_is_not_slowed(peer, open_on):
    """Without `baud` in its file nothing is written to its flash, for better or worse."""
    reader = open_on(peer)
    peer.harm(Fault(Harm.FLIP, 1000, uploads=99))
    with pytest.raises(ProtocolViolation):
        reader.capture(5.0, nobody)

    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 3
    assert Opcode.SET_SYS_PARA not in peer.heard_opcodes()


class Adapter(LocalPort):
    """A line that cannot run as fast as the module."""

    @property
    def baud(self) -> int:
        return LocalPort.baud.fget(self)

    @baud.setter
    def baud(self, baud: int) -> None:
        if baud > 57_600:
            raise SpeedRefused(f"no line of {baud} baud")
        LocalPort.baud.fset(self, baud)


class Server(LocalPort):
    """A line whose speed is set at its other end."""

    speed_fixed = True

    @property
    def baud(self) -> int:
        return LocalPort.baud.fget(self)

    @baud.setter
    def baud(self, baud: int) -> None:
        if baud != self.baud:
            raise SpeedRefused("set at the server")


@pytest.mark.parametrize("port", [Adapter, Server])
def test_a_port_that_cannot_follow_keeps_its_module_where_it_is(open_on, monkeypatch, port):
    """Asked first of the port: a module that has changed alone is lost until its power goes."""
    monkeypatch.setattr(zfm_opening, "open_port", lambda address, _baud: port(address, 57_600))
    with ZfmPeer(**SIZE) as peer:
        reader = open_on(peer, baud="fastest")
        peer.harm(Fault(Harm.FLIP, 1000, uploads=1))
        reader.check()

        assert reader.baud == 57_600
        assert speeds_asked_for(peer) == []


def test_a_module_that_falls_silent_for_good_is_said_to(open_on):
    """Neither speed answers, nor any other: a time-out that names the wish."""
    with ZfmPeer(**SIZE, baud_change=BaudChange.NEVER, garbles=False) as peer:
        # Deaf from the wish on: as if it had changed to a speed that is in no list.
        peer.force(Opcode.SET_SYS_PARA, None)
        peer.force(Opcode.VFY_PWD, 0, *[None] * 99)
        with pytest.raises(DeviceTimeout, match="since it was asked for 115200"):
            open_on(peer, baud=115_200, scan_baud=(57_600,), handshake_s=0.2)
