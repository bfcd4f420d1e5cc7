"""Every package arrives, and once in effect: real processes, real sockets, a line that fails.

The station is a process with the real store, outbox and https sink; the centre a process with the
real stand-in; between them `proofs/delivering/faulty_line.py`. Either end is killed at every step.
A trial is one package: it failed if the station let go of it and the centre has it not (lost), or
if the centre took it more than once (doubled).
"""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from centre.shelf import Shelf
from edge.seal import Sealer
from edge.store import NoSuchPackage, PackageGone, Store
from edge.trust.centre import CentreKeys
from edge.trust.keys import StationKey
from proofs import Proof, Tally, each_of
from proofs.delivering.ends import SINK, STATION, open_ledger, open_store
from proofs.delivering.faulty_line import FAULTS, faults
from proofs.delivering.jumping_clock import JUMPS, Clock, clock_library
from proofs.delivering.stage import Broken, Stage

PROMISE: Final = "Every package arrives, once in effect"
SHARE: Final = 0.25
"""Of all requests, how many meet a fault."""
ROUND: Final = 250
"""Packages that wait at once: a station that was away for a few days."""
FEW: Final = (
    "cut_in_body",
    "drop_answer",
    "twice",
    "empty_200",
    "earlier_receipt",
    "kill_station_before_answer",
    "kill_centre_before_answer",
)
"""For the test suite: each of the others is but another moment of these."""
CLOCK_PROMISE: Final = "A clock that jumps by years holds up no delivery"
CLOCK_ROUND: Final = 25
CLOCK_FAULTS: Final = ("drop_answer", "busy", "cut_after_body", "error_after")
CLOCK_LIMIT_S: Final = 120.0
CLOCK_PATIENCE_S: Final = 30.0
"""For the control, which gets stuck: longer than a round of ours takes."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the packages of one stage."""

    lost: int
    doubled: int
    waiting: int


def run(trials: int, seed: int) -> Tally:
    """Deliver so many packages over a line that fails every fourth time."""
    return _tally(trials, seed, Broken())


def deletes_on_200(trials: int, seed: int) -> Tally:
    """Control: the station takes any 2xx for custody. It must lose packages."""
    return _tally(trials, seed, Broken(believing=True))


def no_unique_key(trials: int, seed: int) -> Tally:
    """Control: the centre takes what it has already. It must count two effects."""
    return _tally(trials, seed, Broken(keyless=True))


def _tally(trials: int, seed: int, broken: Broken) -> Tally:
    began_s = time.monotonic()
    # Beside the checkout, not in /tmp, which is memory on some machines.
    here = Path("var")
    here.mkdir(exist_ok=True)
    done: Counter[str] = Counter()
    lost = doubled = 0
    with TemporaryDirectory(prefix="proof-delivery-", dir=here) as name:
        for number, at in enumerate(range(0, trials, ROUND)):
            folder = Path(name) / str(number)
            counted, happened = _round(folder, min(ROUND, trials - at), seed + number, broken)
            done += happened
            lost += counted.lost + counted.waiting
            doubled += counted.doubled
    faults = sum(count for fault, count in done.items() if fault != "pass")
    kinds = len([fault for fault in done if fault != "pass"])
    kills = sum(count for fault, count in done.items() if fault.startswith("kill"))
    note = f"{faults} faults of {kinds} kinds, {kills} kills; lost {lost}, doubled {doubled}"
    return Tally(PROMISE, trials, lost + doubled, time.monotonic() - began_s, note)


def _round(folder: Path, packages: int, seed: int, broken: Broken) -> tuple[Counted, Counter[str]]:
    kinds = FAULTS if packages >= len(FAULTS) else FEW
    with Stage(folder, faults(seed, SHARE, kinds), broken) as stage:
        rows = hand_in(folder, packages, random.Random(seed))
        stage.play()
        done = stage.line.done
    return count(folder, rows), done


def hand_in(folder: Path, packages: int, chance: random.Random) -> Mapping[str, str]:
    """Close so many packages; return their digests under their ids."""
    keys = CentreKeys.load(folder / "centre")
    key = StationKey.open_or_make(folder / "station-key.pem")
    card = folder / "centre" / "stations" / f"{STATION}.json"
    card.write_text(key.registration(STATION))
    sealer = Sealer(STATION, key, keys.sealing[0])
    with open_store(folder) as store:
        return dict(_closed(store, sealer, chance) for _ in range(packages))


def _closed(store: Store, sealer: Sealer, chance: random.Random) -> tuple[str, str]:
    package_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    store.open_package(package_id, "s", STATION, sealer.sealing_key.kid, {})
    plain = chance.randbytes(chance.choice((200, 4_000, 30_000, 100_000)))
    store.add_part(package_id, sealer.part(package_id, 0, "a.png", "image/png", plain))
    previous = store.previous_digest()
    fields = {"sitting_id": "s", "result": "accepted", "previous": previous}
    manifest = sealer.manifest(package_id, 1, fields, store.parts(package_id))
    row = store.close_package(
        package_id, manifest, sealer.statement, previous=previous, sinks={SINK: "custody"}
    )
    return package_id, row.digest


def count(folder: Path, digests: Mapping[str, str]) -> Counted:
    """Return what is lost, doubled and still waiting, by both ends' books."""
    shelf = Shelf(folder / "centre")
    book = open_ledger(folder / "centre")
    effects = Counter(package_id for (package_id,) in book.execute("select package_id from effect"))
    book.close()
    arrived = set()
    for package_id, digest in digests.items():
        word = shelf.word(package_id)
        if word is not None and word.digest == digest:
            arrived.add(package_id)
    with open_store(folder) as store:
        kept = {package_id for package_id in digests if _kept(store, package_id)}
    lost = len(digests.keys() - arrived - kept)
    return Counted(lost, sum(n > 1 for n in effects.values()), len(kept))


def _kept(store: Store, package_id: str) -> bool:
    try:
        store.sealed(package_id)
    except (PackageGone, NoSuchPackage):
        return False
    return True


def run_clock(trials: int, seed: int) -> Tally:
    """Deliver while the station's clock jumps by hours, days and years, before and back."""
    return _clock_tally(trials, seed, Broken())


def waits_by_the_wall(trials: int, seed: int) -> Tally:
    """Control: the waits are reckoned by the clock on the wall. It must get stuck."""
    return _clock_tally(trials, seed, Broken(by_the_wall=True))


def _clock_tally(trials: int, seed: int, broken: Broken) -> Tally:
    began_s = time.monotonic()
    library = clock_library()
    failures = jumps = 0
    with TemporaryDirectory(prefix="proof-clock-") as name:
        for number, at in enumerate(range(0, trials, CLOCK_ROUND)):
            folder, packages = Path(name) / str(number), min(CLOCK_ROUND, trials - at)
            clock = Clock(Path(name) / f"{number}.clock", random.Random(seed + number))
            plan = clock.begin_with(faults(seed + number, SHARE, CLOCK_FAULTS))
            with clock, Stage(folder, plan, broken, clock.environment(library)) as stage:
                rows = hand_in(folder, packages, random.Random(seed + number))
                with suppress(TimeoutError):
                    stage.play(CLOCK_PATIENCE_S if broken.by_the_wall else CLOCK_LIMIT_S)
            counted = count(folder, rows)
            failures += counted.lost + counted.doubled + counted.waiting
            jumps += clock.jumps
    note = f"{jumps} jumps of the clock, {', '.join(JUMPS)}"
    return Tally(CLOCK_PROMISE, trials, failures, time.monotonic() - began_s, note)


PROOFS: Final[Mapping[str, Proof]] = {
    "once": Proof(
        PROMISE,
        run,
        each_of({"deletes on 200": deletes_on_200, "no unique key": no_unique_key}),
        short=6,
        long=10_000,
        control_trials=500,
    ),
    "clock": Proof(
        CLOCK_PROMISE, run_clock, waits_by_the_wall, short=6, long=500, control_trials=25
    ),
}
