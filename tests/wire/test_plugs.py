"""A reader's plug, pulled anywhere in an image: its owner has it again, and the next image is true.

The smoke version of `make proof-plugs`, which pulls the plugs of whole stations.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import drivers.load
from drivers.find_reader import candidate_ports
from drivers.fingerprint import FingerImage
from drivers.load import reader_opener
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.zfm import ZfmPeer
from drivers.zfm_packets import stream_line_bytes
from edge.reader_owner import ReaderOwner
from edge.supervisor import PAUSES_S, DeviceState, Upkeep
from tests.serial_server import SerialServer
from tests.wire.glass import HEIGHT_PX, WIDTH_PX

LONG_S = 60.0
LINE_BYTES = stream_line_bytes(WIDTH_PX * HEIGHT_PX // 2, 128)
MOMENTS = sorted(random.Random(7).sample(range(1, LINE_BYTES), 6))


@contextmanager
def owner_on(port: str) -> Iterator[ReaderOwner]:
    """The reader's owner as the station has it, on a small and quick module."""
    options = {
        "port": port, "model": "test", "width_px": WIDTH_PX, "height_px": HEIGHT_PX,
        "resolution_ppi": 500, "scan_baud": (57600,), "handshake_s": 0.5, "poll_s": 0.01,
    }  # fmt: skip
    owner = ReaderOwner(Upkeep("reader-1", "fingerprint", "zfm"), reader_opener("zfm", options))
    owner.start()
    try:
        yield owner
    finally:
        owner.close()


def until(wanted: Callable[[], bool]) -> float:
    """Wait, and return for how long."""
    began_s = time.monotonic()
    while not wanted():
        assert time.monotonic() - began_s < LONG_S
        time.sleep(0.005)
    return time.monotonic() - began_s


def press(owner: ReaderOwner) -> FingerImage | object:
    return owner.capture(LONG_S, lambda *_: None).result(LONG_S)


def pulled_at(owner: ReaderOwner, peer: ZfmPeer, at_byte: int) -> None:
    """Pull the plug at one byte of an image, and let the press end."""
    peer.harm(Fault(Harm.UNPLUG, at_byte))
    owner.capture(LONG_S, lambda *_: None).exception(LONG_S)
    until(lambda: not peer.plugged and not owner.status.working)


def test_wherever_in_an_image_the_plug_is_pulled_the_reader_comes_back(peer, pixels):
    """Six bytes by chance, nothing restarted; the next image is the one on the glass.

    The quickest return keeps the 5 s by far; the slowest is this machine's matter, and every one
    ends.
    """
    back_s = []
    with owner_on(str(peer.port)) as owner:
        until(lambda: owner.status.working)
        for at_byte in MOMENTS:
            pulled_at(owner, peer, at_byte)
            peer.replug()
            back_s.append(until(lambda: owner.status.working))
            image = press(owner)

            assert isinstance(image, FingerImage)
            assert image.pixels == pixels
    assert min(back_s) < PAUSES_S[DeviceState.ABSENT][1] + 1


def test_a_reader_put_into_another_port_is_found_by_its_owner(
    peer, pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`port = "auto"`, pulled in mid-image: the name of the new port is in its facts."""
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    monkeypatch.setattr(drivers.load, "candidate_ports", lambda: candidate_ports(by_id, tmp_path))
    left, right = by_id / "usb-left", by_id / "usb-right"
    left.symlink_to(os.path.realpath(peer.port))
    with owner_on("auto") as owner:
        until(lambda: owner.status.working)
        left.unlink()
        pulled_at(owner, peer, 3000)
        peer.replug()
        right.symlink_to(os.path.realpath(peer.port))
        until(lambda: owner.status.working)
        image = press(owner)
        facts = owner.status.facts

    assert facts is not None
    assert facts.port == str(right)
    assert isinstance(image, FingerImage)
    assert image.pixels == pixels


@pytest.mark.parametrize("rfc2217", [False, True], ids=["socket", "rfc2217"])
def test_a_reader_behind_a_serial_server_is_back_when_its_network_is(peer, pixels, rfc2217):
    """Its owner knows no difference between a plug and a network."""
    with (
        SerialServer(peer.port, rfc2217=rfc2217) as server,
        owner_on(server.address) as owner,
    ):
        until(lambda: owner.status.working)
        server.pull_cable()
        until(lambda: not owner.status.working)
        server.plug_cable()
        until(lambda: owner.status.working)
        image = press(owner)

    assert isinstance(image, FingerImage)
    assert image.pixels == pixels
