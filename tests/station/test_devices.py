"""The smoke of `make proof-replug`: plugs are pulled in a whole station while somebody watches."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack

from api.app import KIOSK_STREAMS, create_kiosk_app
from api.listener import Listener
from api.serve import behind_kiosk
from demo.console.knobs import Knobs
from drivers.peers.reader_control import CONTROL_NAME, ReaderControl
from edge.settings import Settings
from edge.supervisor import DeviceState
from proofs.replug import OLD_PICTURE, Bench, Run
from proofs.replugging.viewer import Sighting
from proofs.replugging.watched import LIVE_S, Seen, Watching
from tests.station.bed import LONG_S, Bed, station_bed

PULLS = 2


def with_a_clock(settings: Settings) -> Settings:
    camera = settings.camera.model_copy(update={"options": {"clock": True}})
    return settings.model_copy(update={"camera": camera})


def watched(bed: Bed, stack: ExitStack) -> Watching:
    """Open the kiosk's pages and somebody who watches them, who has seen a picture."""
    closing = threading.Event()
    app = create_kiosk_app(behind_kiosk(bed.station), closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    stack.callback(listener.close)
    watching = stack.enter_context(Watching(listener.url))
    until_s = time.monotonic() + LONG_S
    while not watching.seen.pictures:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    return watching


def test_pulled_plugs_are_told_and_come_back_and_no_picture_is_told_twice(tmp_path, scenes):
    """By the demo's own knobs, in the photograph; how quickly, only the long proof measures."""
    with (
        station_bed(tmp_path, scenes, subject="tilted", centre=False, change=with_a_clock) as bed,
        ReaderControl(tmp_path / "reader" / CONTROL_NAME, bed.peer),
        ExitStack() as stack,
    ):
        bed.begin()
        watching, run, dice = watched(bed, stack), Run(), random.Random(3)
        knobs = Knobs(tmp_path, "tilted")
        bench = Bench(bed.station, knobs, watching, lambda: "portrait", 0.3, LONG_S)
        for _ in range(PULLS):
            bench.pull(dice, run)

        assert set(run.whys) <= {OLD_PICTURE}
        assert watching.seen.again == 0
        assert {move.state for move in bed.station.camera.transitions()} <= {
            DeviceState.OPENING, DeviceState.READY, DeviceState.ABSENT
        }  # fmt: skip


def sighting(at_s: float, age_s: float, hidden_s: float, sequence: int = 1) -> Sighting:
    return Sighting(at_s, sequence, age_s, hidden_s, at_s - age_s)


def test_the_watcher_finds_an_old_picture_one_that_stays_too_long_and_one_told_twice():
    """What the proof would say of a station that shows them."""
    seen = Seen()
    seen.add(sighting(10.0, 0.1, LIVE_S))
    assert seen.faults == 0
    seen.add(sighting(11.0, 1.2, 1.2))
    seen.add(sighting(12.0, 0.2, 1.1))
    assert seen.too_old == 2
    seen.add(sighting(13.0, 0.2, 0.9))
    seen.add(Sighting(13.5, 9, 0.7, 0.9, 12.8))

    assert (seen.too_old, seen.again, seen.pictures) == (2, 1, 5)
