"""The units that the station is installed with, judged by systemd's own tools without a machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parent.parent / "firmware_configs" / "systemd"
SCORE_MAX = {
    "anxin-station.service": 20,
    "anxin-kiosk.service": 23,
    "anxin-station-gate.service": 20,
}
"""Of 100, as `--threshold` counts; 20 are 2.0 of 10. A browser needs namespaces, a network, and
memory that it writes and runs: that makes 2.3 of the screen's."""
BARE = "[Service]\nExecStart=/bin/true\n"


def score(unit, score_max):
    """Return whether the unit keeps below the score, and what systemd said."""
    words = ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
    done = subprocess.run(
        [*words, f"--threshold={score_max}", str(unit)], capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.name)
def test_each_service_is_shut_in(unit):
    """Its exposure is at most what we say of it; a unit that we say nothing of fails here."""
    kept, said = score(unit, SCORE_MAX[unit.name])
    assert kept, said[-400:]


def test_a_bare_service_is_not(tmp_path):
    """The control: the same question about a service without walls is answered with no."""
    unit = tmp_path / "bare.service"
    unit.write_text(BARE)
    kept, said = score(unit, SCORE_MAX["anxin-kiosk.service"])
    assert not kept
    assert "UNSAFE" in said


def test_the_service_is_watched_by_proof_of_life():
    """It says when it is ready, restarted when it falls silent; its memory is never dumped."""
    text = (UNITS / "anxin-station.service").read_text()
    for line in ("Type=notify", "WatchdogSec=20", "Restart=always", "LimitCORE=0",
                 "MemorySwapMax=0", "IPAddressDeny=any", "StateDirectoryMode=0700"):  # fmt: skip
        assert f"\n{line}\n" in text


def test_the_service_remembers_its_starts_and_an_update_is_settled_after_a_power_cut():
    """Safe mode needs the state folder; the gate runs from the version that is known to work."""
    service = (UNITS / "anxin-station.service").read_text()
    gate = (UNITS / "anxin-station-gate.service").read_text()
    assert " --state /var/lib/anxin-station/upkeep\n" in service
    assert "ConditionPathExists=/opt/anxin-station/update/unsettled\n" in gate
    assert "/opt/anxin-station/previous/run_edge.py update settle\n" in gate
