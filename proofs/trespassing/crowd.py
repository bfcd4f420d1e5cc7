"""Two hundred clients that say nothing or one byte at a time, and one who wants an answer."""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cheroot import wsgi

from api.listener import SPARE_THREADS
from proofs import Tally
from proofs.trespassing.authority import client_context
from proofs.trespassing.doors import TOKEN, guarded, kiosk_and_v1
from proofs.trespassing.slow import CLIENT_HELLO, HEAD, WITH_BODY, asked, slow_clients

PROMISE: Final = "With 200 silent or dripping clients everybody else is answered within a second."
NUMBER: Final = 200
PROBES: Final = 5
ANSWER_S: Final = 1.0
PATIENCE_S: Final = 5.0

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Target:
    """One listener: how it is attacked, and what is asked of it meanwhile."""

    name: str
    address: Address
    path: str
    drips: tuple[bytes, ...]
    context: ssl.SSLContext | None = None


def crowd(trials: int, seed: int) -> Tally:
    """Attack each listener of the station in turn, and ask all of them meanwhile."""
    with TemporaryDirectory(prefix="anxin-crowd-") as name, _station(Path(name)) as targets:
        return _attack(trials, seed, lambda dice: dice.choice(targets), targets)


@contextmanager
def _station(folder: Path) -> Iterator[list[_Target]]:
    with kiosk_and_v1(folder / "plain", lambda app: None) as (_, doors), guarded(folder) as at:
        ports = dict.fromkeys((door.app.name, door.listener.port) for door in doors)
        yield [
            *(
                _Target(name, ("127.0.0.1", port), path, (b"", HEAD, WITH_BODY))
                for (name, port), path in zip(ports, ("/", "/v1/station"), strict=True)
            ),
            _Target(
                "api.v1 TLS", ("127.0.0.1", at.listener.port), "/v1/station", (b"", CLIENT_HELLO),
                client_context(at.servers, at.right),
            ),
        ]  # fmt: skip


def as_it_comes(trials: int, seed: int) -> Tally:
    """Control: the server as it comes, with as many workers as a listener of ours has."""
    server = wsgi.Server(
        ("127.0.0.1", 0), _application, numthreads=SPARE_THREADS, max=SPARE_THREADS
    )
    setattr(server, "error_log", lambda *_, **__: None)  # noqa: B010, it is meant to be replaced so
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        target = _Target("cheroot", server.bind_addr, "/", (b"", HEAD, WITH_BODY))
        return _attack(trials, seed, lambda _: target, [target])
    finally:
        server.stop()
        thread.join()


def _application(
    environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def _attack(
    trials: int,
    seed: int,
    choose: Callable[[random.Random], _Target],
    asked_too: Sequence[_Target],
) -> Tally:
    dice, began_s, failures = random.Random(seed), time.monotonic(), 0
    slowest: Counter[str] = Counter()
    for _ in range(trials):
        target = choose(dice)
        with slow_clients(target.address, NUMBER, drip=dice.choice(target.drips)):
            times_s = [_probe(one) for one in asked_too for _ in range(PROBES)]
        failures += any(took_s > ANSWER_S for took_s in times_s)
        slowest["ms"] = max(slowest["ms"], round(1000 * max(times_s)))
    questions = PROBES * len(asked_too)
    note = f"{NUMBER} clients, {questions} questions a trial; slowest {slowest['ms']} ms"
    return Tally(PROMISE, trials, failures, time.monotonic() - began_s, note)


def _probe(target: _Target) -> float:
    """Return the seconds that an answer took; `PATIENCE_S` where none came."""
    try:
        status, took_s = asked(
            target.address, target.path, context=target.context, timeout_s=PATIENCE_S,
            Authorization=f"Bearer {TOKEN}",
        )  # fmt: skip
    except OSError:
        return PATIENCE_S
    return took_s if status == 200 else PATIENCE_S
