"""The station's process is killed (SIGKILL) at a random instant and started again, over and over.

`killed.sitting` is the long count. In the process that is killed runs the product's own code from
the accepted sample on: record, seal, journal, closing, outbox, HTTPS to a stand-in centre that runs
beside it and gives signed receipts, and at the start the search for the sitting in hand, which is
gone on with. Not in it: camera, reader, vision worker, the screen's loop; the pictures are made up.
`killed.station` is the same with the whole real station: vision worker, camera of demo pictures,
reader on a pseudo-terminal, the sitting's loop and the walk of one person after the other. What
counts as told is what the screen showed.

After each kill what is left is judged as in `power`; and a package may only have left the journal
if the centre has it. After each run everything is delivered, and the centre must have each package
once, with the digest that was told. Kill -9 cannot see a missing flush: `power` does.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from demo.station import demo_settings
from edge.record import Record
from edge.record_room import RecordRoom
from edge.store import Store
from proofs import CannotRun, Proof, Tally, Trial, each_of, whole_station
from proofs.beside_centre import Scene, centre_in, deliver_all
from proofs.custody import RESUME_WITHIN_S, judge
from proofs.powercut.forked import Ack, Cuts, Writer, acknowledged, check, start, tail
from proofs.premises import Premises, make_premises, open_store
from proofs.sitters import USUAL, When, shuffled, sit
from proofs.whole_station import plan_in

PROMISE: Final = "Nothing that was told is lost by a kill, and the sitting in hand goes on"
LONGEST_S: Final = 0.5
WHOLE_LONGEST_S: Final = 10.0
"""About so long takes a whole sitting after its portrait, and the beginning of the next."""
EARLY_SHARE: Final = 0.2
FIRST_WORD_LIMIT_S: Final = 60.0
FIRST_LIMIT_S: Final = 300.0
FRESH_EVERY: Final = 25
"""Kills on one journal, so that judging one does not grow without end."""


class Forgetful(RecordRoom):
    """Broken on purpose: after a restart nobody looks for the sitting in hand."""

    def interrupted(self, within_s: float) -> Record | None:
        """Find nothing."""
        return None


@dataclass(frozen=True, slots=True)
class Forgetting(Premises):
    """Premises of a station that forgets."""

    def rooms(self, store: Store, announce: Callable[[], None] = lambda: None) -> RecordRoom:
        """Return a room that forgets."""
        room = Premises.rooms(self, store, announce)
        room.__class__ = Forgetful
        return room


def serve(scene: Scene, seed: int, folder: Path, tell: Ack, when: When) -> None:
    """Run the station until it is killed: the sitting in hand, then one after the other."""
    pause = shuffled(random.Random(seed), 0.0, 0.03)
    with open_store(folder) as store, scene.outbox(store) as outbox:
        rooms = scene.premises.rooms(store, outbox.wake)
        record = rooms.interrupted(RESUME_WITHIN_S)
        while True:
            sit(store, record or rooms.begin("zh-CN"), USUAL, tell, when=when, pause=pause)
            record = None


def one_kill(
    writer: Writer, folder: Path, scratch: Path, dice: random.Random, longest_s: float
) -> list[str]:
    """Run the writer for a while; return what it had told before it was killed.

    Four kills in five fall up to `longest_s` after the first word of their run, however slow the
    machine is; the fifth at any time after the start, in a start or a resumption.
    """
    acks = scratch / "acks"
    acks.unlink(missing_ok=True)
    process = start(writer, folder, acks, scratch / "writer.log")
    try:
        if dice.random() >= EARLY_SHARE:
            end_s = time.monotonic() + FIRST_WORD_LIMIT_S
            while not acknowledged(acks) and process.poll() is None and time.monotonic() < end_s:
                time.sleep(0.002)
        if process.wait(dice.uniform(0.0, longest_s)) is not None:
            raise CannotRun(f"the station ended by itself: {tail(scratch / 'writer.log')}")
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
    return acknowledged(acks)


def lap(scene: Scene, kills: int, seed: int, cuts: Cuts, when: When, *, forgets: bool) -> None:
    """Kill so many times on one journal, then deliver everything."""
    dice = random.Random(seed)
    scene.store.mkdir()
    judging = _forgetting(scene.premises) if forgets else scene.premises
    checker = partial(judge, judging, arrived=scene.arrived)
    told: list[str] = []
    for number in range(kills):
        writer = partial(serve, scene, seed + number, when=when)
        new = one_kill(writer, scene.store, scene.folder, dice, LONGEST_S)
        told += new
        cuts.acked += len(new)
        cuts.add(f"kill {number}", check(checker, scene.store, told, scene.folder))
    deliver_all(scene, cuts)


def _forgetting(premises: Premises) -> Forgetting:
    names = Premises.__slots__
    return Forgetting(**{name: getattr(premises, name) for name in names})


def killing(when: When = When.TRUE, *, forgets: bool = False) -> Trial:
    """Return the trial of `killed.sitting`."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        cuts = Cuts()
        with TemporaryDirectory(prefix="anxin-killed-") as name:
            centre = Path(name) / "centre"
            with centre_in(centre) as url:
                for first in range(0, trials, FRESH_EVERY):
                    kills = min(FRESH_EVERY, trials - first)
                    # Each journal is a station of its own: the centre holds its chain.
                    folder = Path(name) / f"station-{first}"
                    folder.mkdir()
                    key_file, station_id = folder / "station-key.pem", f"st-proof-{first}"
                    premises = make_premises(Path(name), key_file, station_id)
                    scene = Scene(folder, centre, premises, url)
                    lap(scene, kills, seed + first, cuts, when, forgets=forgets)
        cuts.require_substance()
        seconds = time.monotonic() - began_s
        return Tally(PROMISE, cuts.cuts, cuts.failing, seconds, cuts.note)

    return run


def walking(*, behind: bool = False) -> Trial:
    """Return the trial of `killed.station`; `behind` breaks it: the journal writes later."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        cuts = Cuts()
        dice = random.Random(seed)
        with TemporaryDirectory(prefix="anxin-killed-") as name:
            folder = Path(name)
            with centre_in(folder / "centre") as url:
                _kill_stations(folder, url, trials, dice, cuts, behind=behind)
        cuts.require_substance()
        seconds = time.monotonic() - began_s
        return Tally(PROMISE, cuts.cuts, cuts.failing, seconds, cuts.note)

    return run


def _kill_stations(
    folder: Path, url: str, kills: int, dice: random.Random, cuts: Cuts, *, behind: bool
) -> None:
    port = int(url.rpartition(":")[2])
    station_id = demo_settings(plan_in(folder, port)).station.id
    premises = make_premises(folder, folder / "store" / "station-key.pem", station_id)
    scene = Scene(folder, folder / "centre", premises, url)
    writer = partial(
        whole_station.serve, centre_port=port, change=_write_behind if behind else _leave_it
    )
    checker = partial(judge, premises, arrived=scene.arrived)
    told = one_kill_after_first(writer, folder)
    for number in range(kills):
        new = one_kill(writer, folder, folder, dice, WHOLE_LONGEST_S)
        told += new
        cuts.acked += len(new)
        cuts.add(f"kill {number}", check(checker, scene.store, told, folder))
    deliver_all(scene, cuts)


def one_kill_after_first(writer: Writer, folder: Path) -> list[str]:
    """Let the first person through before anything is killed: the demo composes its pictures."""
    acks = folder / "acks"
    process = start(writer, folder, acks, folder / "writer.log")
    end_s = time.monotonic() + FIRST_LIMIT_S
    try:
        while not any('"closed"' in word for word in acknowledged(acks)):
            if process.poll() is not None or time.monotonic() > end_s:
                raise CannotRun(f"no sitting came to its end: {tail(folder / 'writer.log')}")
            time.sleep(0.05)
    finally:
        process.kill()
    return acknowledged(acks)


def _leave_it(_: Store) -> None:
    return


def _write_behind(store: Store) -> None:
    """Break the journal on purpose: samples are called kept two seconds before they are."""
    whole = store.add_parts

    def later(*given: Any) -> None:
        threading.Timer(2.0, lambda: whole(*given)).start()

    store.add_parts = later  # type: ignore[assignment, method-assign]


PROOFS: Final[Mapping[str, Proof]] = {
    "sitting": Proof(
        f"{PROMISE}: from the accepted sample to the centre's receipt",
        killing(),
        each_of(
            {
                "told before the commit": killing(When.EARLY),
                "a restart that forgets the sitting in hand": killing(forgets=True),
            }
        ),
        short=4,
        long=1000,
        control_trials=100,
    ),
    "station": Proof(
        f"{PROMISE}: a whole real station",
        walking(),
        walking(behind=True),
        short=2,
        long=40,
        control_trials=12,
    ),
}
