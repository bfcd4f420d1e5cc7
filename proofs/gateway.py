"""Nothing acknowledged is lost when any process of the centre is killed: `docs/centre/gateway`.

Three NATS nodes with JetStream (R3, sync always), an S3 server, two gateways, and stations with the
real store, outbox and https sink. In each trial packages are on their way, and at a moment drawn by
chance one process is killed with SIGKILL and started again: the bus's leader, the object store, a
gateway, a follower. It failed if then a package that a station let go of is not in the store with
the bytes that were sealed (lost), or has at the end not exactly one effect at a worker whose
database keeps an id once (unheard, doubled). Events that were lost may come from the reconciler.
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from proofs import Proof, Tally, each_of
from proofs.ingesting.machinery import BUCKET, Machinery, Plan, Process, until
from proofs.ingesting.stations import Station
from proofs.ingesting.worker import Worker, stream_state

PROMISE: Final = "No process of a centre takes a package with it"
STATIONS: Final = 4
PACKAGES: Final = 6
"""Of each station, in each round."""
ROUNDS: Final = (
    ("leader",),
    ("gateway",),
    ("store",),
    ("follower",),
    ("gateway",),
    ("leader", "gateway", "store"),
)
"""Who is killed in turn; in the last all at once."""
TOGETHER: Final = ROUNDS[-1]
HASTY: Final = 9
"""The number of the control's gateway."""
SETTLE_S: Final = 180.0


@dataclass
class Counted:
    """What the rounds of one run came to."""

    kills: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)
    unheard: int = 0
    doubled: int = 0
    packages: int = 0
    in_flight: int = 0
    republished: int = 0
    repeated: int = 0
    failed_kills: int = 0

    @property
    def note(self) -> str:
        """Return the figures in one line."""
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"{self.packages} packages, {self.in_flight} of them waiting or on their way at a"
            f" kill; killed: {kinds}; lost {len(self.lost)}, doubled {self.doubled}, unheard"
            f" {self.unheard}; {self.repeated} brought twice by the bus,"
            f" {self.republished} published by the reconciler"
        )


def run(trials: int, seed: int) -> Tally:
    """Kill so many processes of a whole centre, one after the other."""
    began_s = time.monotonic()
    with _folder() as name, Machinery(Path(name), Plan()) as centre:
        counted = kill_in_turn(centre, trials, seed)
    failures = counted.failed_kills + counted.doubled + counted.unheard
    return Tally(PROMISE, trials, failures, time.monotonic() - began_s, counted.note)


def kill_in_turn(centre: Machinery, trials: int, seed: int, *, unique: bool = True) -> Counted:
    """Return what became of the packages; `unique` is the worker's key, False in a control."""
    chance = random.Random(seed)
    counted = Counted()
    with ExitStack() as stack:
        worker = Worker(centre.bus_servers, centre.s3, unique=unique)
        stack.callback(worker.close)
        stations = _stations(centre, chance, stack)
        for victims in _rounds(trials, chance):
            _round(centre, stations, victims, chance, counted)
        _settle(centre, stations, worker, counted)
    return counted


def answers_before_storing(trials: int, seed: int) -> Tally:
    """Control: a gateway with a queue before the store, killed once it has acknowledged."""
    began_s = time.monotonic()
    with _folder() as name, Machinery(Path(name), Plan(nodes=0, gateways=0)) as centre:
        failures = lost_by_haste(centre, trials, seed)
    return Tally(PROMISE, trials, failures, time.monotonic() - began_s)


def lost_by_haste(centre: Machinery, trials: int, seed: int) -> int:
    """Return how many kills of a hasty gateway at this centre took acknowledged packages along."""
    hasty = centre.gateway(HASTY, "proofs.ingesting.hasty_gateway")
    chance = random.Random(seed)
    failures = 0
    with ExitStack() as stack:
        stack.callback(hasty.kill)
        stations = _stations(centre, chance, stack, [hasty])
        for _ in range(trials):
            hasty.start()
            hasty.wait()
            failures += _lost_by_a_kill(centre, hasty, stations)
    return failures


def _lost_by_a_kill(centre: Machinery, hasty: Process, stations: Sequence[Station]) -> bool:
    before = {name for station in stations for name in station.acknowledged()}
    for station in stations:
        station.hand_in()
    until(lambda: _acknowledged(stations) > len(before), "nothing was acknowledged", SETTLE_S)
    hasty.kill()
    return bool(_lost(centre, stations, before))


def no_unique_key(trials: int, seed: int) -> Tally:
    """Control: a worker that counts an effect for every event that it is brought."""
    began_s = time.monotonic()
    with _folder() as name, Machinery(Path(name), Plan(nodes=1, gateways=1)) as centre:
        counted = kill_in_turn(centre, 0, seed, unique=False)
    return Tally(
        PROMISE, counted.packages, counted.doubled, time.monotonic() - began_s, counted.note
    )


def _folder() -> TemporaryDirectory[str]:
    # Beside the checkout, not in /tmp, which is memory on some machines.
    here = Path("var")
    here.mkdir(exist_ok=True)
    return TemporaryDirectory(prefix="proof-gateway-", dir=here.resolve())


def _rounds(trials: int, chance: random.Random) -> Sequence[tuple[str, ...]]:
    """Return who is killed in each round, as many in all as there are trials."""
    if trials <= len(TOGETHER):
        return [TOGETHER[:trials]]
    rounds: list[tuple[str, ...]] = []
    left = trials
    while left:
        for victims in chance.sample(ROUNDS, len(ROUNDS)):
            rounds.append(victims[:left])
            left -= len(rounds[-1])
    return [victims for victims in rounds if victims]


def _stations(
    centre: Machinery, chance: random.Random, stack: ExitStack, gateways: Sequence[Process] = ()
) -> list[Station]:
    stations: list[Station] = []
    for number in range(STATIONS):
        stations.append(Station(centre, number, random.Random(chance.random()), gateways))
        stack.callback(stations[-1].close)
    return stations


def _round(
    centre: Machinery,
    stations: Sequence[Station],
    victims: Sequence[str],
    chance: random.Random,
    counted: Counted,
) -> None:
    """Hand packages in, kill when some of them have been acknowledged, and wait for the rest."""
    known = {name for station in stations for name in station.digests}
    before = _acknowledged(stations)
    # Chosen first: to ask the bus for its leader takes time, in which the packages would arrive.
    doomed = [(kind, _victim(centre, kind, chance)) for kind in victims]
    for _ in range(PACKAGES):
        for station in stations:
            station.hand_in()
    many = len(stations) * PACKAGES
    counted.packages += many
    moment = before + chance.randrange(many * 2 // 3)
    until(lambda: _acknowledged(stations) >= moment, "nothing was acknowledged", SETTLE_S)
    counted.in_flight += before + many - _acknowledged(stations)
    for kind, process in doomed:
        process.kill()
        counted.kills[kind] += 1
        time.sleep(chance.uniform(0, 0.3))
        process.start()
    for process in centre.processes:
        process.wait()
    until(lambda: _acknowledged(stations) >= before + many, "packages still wait", SETTLE_S)
    lost = _lost(centre, stations, known)
    counted.lost |= lost
    counted.failed_kills += len(victims) if lost else 0


def _settle(
    centre: Machinery, stations: Sequence[Station], worker: Worker, counted: Counted
) -> None:
    """Let the reconciler make good what the bus forgot, then count effects."""
    every = {package_id for station in stations for package_id in station.digests}
    until(lambda: _acknowledged(stations) >= len(every), "packages still wait", SETTLE_S)
    said = "\n".join(worker.effects())
    told = centre.command("reconcile", "--minutes", "0", said=said)
    counted.republished = int(told.stdout.split()[0])
    until(lambda: worker.effects().keys() >= every, "an event never came", SETTLE_S)
    until(lambda: stream_state(centre).waiting == 0, "events stay on the bus", SETTLE_S)
    late = _lost(centre, stations) - counted.lost
    counted.lost |= late
    counted.failed_kills += len(late)
    effects = worker.effects()
    counted.repeated = sum(count > 1 for count in worker.brought.values())
    counted.unheard = len(every - effects.keys())
    counted.doubled = sum(count > 1 for count in effects.values())


def _acknowledged(stations: Sequence[Station]) -> int:
    return sum(len(station.acknowledged()) for station in stations)


def _lost(
    centre: Machinery, stations: Sequence[Station], but: AbstractSet[str] = frozenset()
) -> set[str]:
    """Return what a station let go of, `but` these, and is not in the store as it was sealed."""
    lost = set()
    for station in stations:
        for package_id in station.acknowledged() - but:
            try:
                key = f"p/{package_id[-2:]}/{package_id}"
                content = centre.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            except ClientError:
                lost.add(package_id)
                continue
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            if station.digests[package_id] != f"sha-256=:{digest}:":
                lost.add(package_id)
    return lost


def _victim(centre: Machinery, kind: str, chance: random.Random) -> Process:
    if kind == "store":
        return centre.store
    if kind == "gateway":
        return chance.choice(centre.gateways)
    leader = stream_state(centre).leader
    nodes = [node for node in centre.nodes if (node.name == leader) == (kind == "leader")]
    return chance.choice(nodes)


PROOFS: Final[Mapping[str, Proof]] = {
    "killed": Proof(
        PROMISE,
        run,
        each_of({"answers before storing": answers_before_storing, "no unique key": no_unique_key}),
        short=3,
        long=120,
        control_trials=4,
    ),
}
