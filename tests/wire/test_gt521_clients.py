"""Another's driver against our simulated gt521 module: so driver and peer cannot be wrong alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from drivers.gt521_packets import Command
from drivers.peers.gt521 import Gt521Peer
from tests.wire.gt521_kit import nobody, opened, random_pixels

CHECKOUT = Path(__file__).resolve().parents[2]
OUTSIDE = CHECKOUT / ".cache" / "anxin" / "outside" / "bin" / "python"
"""The environment of other people's programs (`make test` makes it)."""

CLIENT = Path(__file__).with_name("pygt521f32_client.py")


def outside_python() -> Path:
    """Return the interpreter that has PyGT521F32; without it the test is skipped, and says so."""
    if not OUTSIDE.exists():
        pytest.skip(f"third-party client missing: {OUTSIDE} (run `make test`)")
    known = subprocess.run([OUTSIDE, "-c", "import serial, gt521f32.packets"], check=False,
                           capture_output=True, text=True)  # fmt: skip
    if known.returncode and "sgio" not in known.stderr:
        pytest.skip(f"third-party client missing: {known.stderr.strip().splitlines()[-1]}")
    return OUTSIDE


@pytest.mark.parametrize("baud", [9600, 115200])
def test_pygt521f32_and_our_driver_read_the_same_image(baud):
    """52,116 bytes, pixel for pixel; and it understands what the module says of itself."""
    pixels = random_pixels(202, 258)
    with Gt521Peer() as peer:
        peer.put(pixels)
        done = subprocess.run(
            [outside_python(), CLIENT, peer.port, str(baud)], capture_output=True, timeout=120,
            check=False,
        )  # fmt: skip
        theirs = peer.heard_opcodes()
        with opened(peer) as reader:
            ours = reader.capture(30.0, nobody)
    head, _, image = done.stdout.partition(b"\n")

    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(head) == {
        "opened": ["20160920", 0, "EF13EF4014DC644064CD9A6834000000"],
        "size": [202, 258],
        "captured": True,
    }
    assert image == pixels
    assert ours.pixels == image
    assert (ours.width_px, ours.height_px) == (202, 258)
    assert theirs[Command.GET_IMAGE] == 1
