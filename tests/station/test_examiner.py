"""The examiner in a whole station: it comes with a person, may die, and goes with the person."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from edge.sitting import Event, State
from run_edge import open_listeners
from tests.station.bed import LONG_S, station_bed


def awaited(true) -> None:
    until_s = time.monotonic() + LONG_S
    while not true() and time.monotonic() < until_s:
        time.sleep(0.02)

    assert true()


@pytest.mark.skipif(
    find_spec("nbis") is None, reason="nbis-py is not set up: python3.11 -m setup fingerprints"
)
def test_a_visit_goes_on_when_its_examiner_is_killed_and_leaves_none_that_saw_its_prints(
    tmp_path, scenes
):
    """Killed between two fingers: the next press has another. After the last both are gone."""
    with ExitStack() as stack:
        right = [Press(RIGHT_THUMB, number) for number in (1, 2)]
        bed = stack.enter_context(
            station_bed(tmp_path / "demo", scenes, presses=right, centre=False)
        )
        _, v1 = open_listeners(bed.station, stack)
        token = (bed.station.settings.store.folder / "v1.token").read_text().strip()
        health = urllib.request.Request(
            f"{v1.url}v1/health", headers={"Authorization": f"Bearer {token}"}
        )

        def said() -> str:
            with urllib.request.urlopen(health, timeout=LONG_S) as answer:
                return str(json.load(answer)["examiner"])

        examiner = bed.station.judge._examiner
        bed.begin()
        awaited(lambda: said() == "ready")
        bed.take_portrait()
        bed.until(lambda s: s.finger is not None and s.finger.position == "left_thumb", "the left")
        first = examiner.pid
        os.kill(first, signal.SIGKILL)
        bed.peer.start_plan([Press(LEFT_THUMB, 1, last=True)])
        bed.until(lambda s: s.finger is not None and s.finger.presentation == 2, "one press")
        second = examiner.pid
        bed.peer.start_plan([Press(LEFT_THUMB, 2, last=True)])
        bed.until_state(State.REVIEW)
        # Nobody has to hand in first, nor any screen to go away.
        awaited(lambda: examiner.pid not in (None, first, second))
        (package,) = bed.station.store.open_packages()
        presses = package.sitting["presentations"]
        bed.finish()
        bed.until_state(State.RESULT)
        bed.ask(Event.FINISH)

        assert second not in (None, first)
        assert all(row["score"] is not None for rows in presses.values() for row in rows)
        assert not Path(f"/proc/{first}").exists()
        assert not Path(f"/proc/{second}").exists()
