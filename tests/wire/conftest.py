"""A simulated module on a pseudo-terminal, and something to lay on its glass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from drivers import zfm_speed
from drivers.peers.zfm import ZfmPeer
from drivers.readers.zfm import Config, ZfmReader, open_reader
from tests.wire.glass import HEIGHT_PX, WIDTH_PX, random_pixels


@pytest.fixture(autouse=True)
def no_waiting_for_power_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the driver listen for less long to a line on which a simulated module says nothing."""
    monkeypatch.setattr(zfm_speed, "DRAIN_S", 0.03)


@pytest.fixture
def pixels() -> bytes:
    """What lies on the glass."""
    return random_pixels(WIDTH_PX, HEIGHT_PX)


@pytest.fixture
def peer(pixels: bytes) -> Iterator[ZfmPeer]:
    """A module with something on its glass, as fast as the terminal."""
    with ZfmPeer(width_px=WIDTH_PX, height_px=HEIGHT_PX) as module:
        module.put(pixels)
        yield module


@pytest.fixture
def open_on() -> Iterator[Callable[..., ZfmReader]]:
    """Open the driver on a peer; closed when the test ends."""
    opened: list[ZfmReader] = []

    def opener(module: ZfmPeer, **options: object) -> ZfmReader:
        config = {
            "port": module.port, "model": "test", "width_px": WIDTH_PX, "height_px": HEIGHT_PX,
            "resolution_ppi": 500, "scan_baud": (57600, 115200), "handshake_s": 0.5,
            "answer_s": 3.0, "poll_s": 0.01,
        } | options  # fmt: skip
        opened.append(open_reader(Config.model_validate(config)))
        return opened[-1]

    yield opener
    for reader in opened:
        reader.close()
