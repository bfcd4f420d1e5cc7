"""The reader's owner at a simulated module: a pulled plug, a password, and the way out of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from drivers.load import reader_opener
from drivers.peers.zfm import ZfmPeer
from edge.plug_stamp import stamp_of
from edge.reader_owner import ReaderOwner
from edge.supervisor import DeviceState, Upkeep

LONG_S = 30.0


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ZfmPeer]:
    with ZfmPeer(width_px=64, height_px=64, folder=tmp_path) as module:
        yield module


@contextmanager
def owned(peer: ZfmPeer) -> Iterator[ReaderOwner]:
    options = {
        "port": str(peer.port), "model": "test", "width_px": 64, "height_px": 64,
        "resolution_ppi": 500, "scan_baud": (57600,), "handshake_s": 0.5, "poll_s": 0.01,
    }  # fmt: skip
    owner = ReaderOwner(
        Upkeep("reader-1", "fingerprint", "zfm"),
        reader_opener("zfm", options),
        partial(stamp_of, peer.port),
    )
    owner.start()
    try:
        until(lambda: owner.status.state is DeviceState.READY)
        yield owner
    finally:
        owner.close()


def until(wanted: Callable[[], object]) -> None:
    until_s = time.monotonic() + LONG_S
    while not wanted():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_pulled_plug_is_seen_at_the_node_and_so_is_its_return(peer):
    """Nobody need press for it; the moves are told once."""
    with owned(peer) as owner:
        peer.unplug()
        until(lambda: owner.status.state is DeviceState.ABSENT)
        assert owner.status.reason == "not_connected"
        peer.replug()
        until(lambda: owner.status.state is DeviceState.READY)

        moves = [move.state.value for move in owner.transitions()]
        assert moves[-4:] == ["ready", "absent", "opening", "ready"]


def test_a_locked_module_is_failed_until_somebody_says_that_it_is_open_again(peer):
    """Taking its power away changes nothing: it waits for the technician's word."""
    with owned(peer) as owner:
        peer.lock(locked=True)
        until(lambda: owner.status.state is DeviceState.FAILED)
        assert owner.status.reason == "password_locked"
        assert "password" in owner.status.detail
        peer.lock(locked=False)
        peer.unplug()
        peer.replug()
        time.sleep(0.5)
        assert owner.status.state is DeviceState.FAILED
        owner.clear()

        until(lambda: owner.status.state is DeviceState.READY)
