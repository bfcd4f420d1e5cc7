"""Many presses on damaged lines, side by side, and what came of them in all."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Final

from accuracy.line.cases import Case
from accuracy.line.trial import BROKEN, HANG_S, Bench, Outcome, Trial
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB
from drivers.peers.synthetic_prints import grow, press
from drivers.zfm_packets import pack_4bit, unpack_4bit

BENCHES: Final = 16
"""Side by side in one process, hence on one core: most of a trial is silence."""

GIVE_UP_S: Final = 4 * HANG_S
"""A trial that takes so long, times `patience`, hangs: its thread is left and the proof failed."""


class Hangs(Exception):
    """A press never came back. The message says which."""


@dataclass(slots=True)
class Tally:
    """What came of all trials.

    Attributes:
        outcomes: by the case's name.
        broken: the trials that broke a promise.
        shown: how many trials showed a fault.
        seconds: of every press.
        errors: how often each device error was said.
    """

    outcomes: dict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    broken: list[Trial] = field(default_factory=list)
    shown: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, trial: Trial) -> None:
        """Count one trial."""
        self.outcomes[trial.case.name][trial.outcome] += 1
        self.shown += trial.shown
        self.seconds.append(trial.seconds)
        if trial.outcome in BROKEN:
            self.broken.append(trial)
        if trial.outcome is Outcome.REFUSED:
            self.errors[trial.why] += 1

    def total(self, *outcomes: Outcome) -> int:
        """Return how many trials ended so; all of them without an argument."""
        counted = outcomes or tuple(Outcome)
        return sum(row[one] for row in self.outcomes.values() for one in counted)


def two_prints(width_px: int, height_px: int) -> tuple[bytes, bytes]:
    """Return two synthetic prints as a 4-bit module delivers them, 8-bit pixels."""
    fingers = (grow(seed, width_px, height_px) for seed in (RIGHT_THUMB, LEFT_THUMB))
    first, second = (unpack_4bit(pack_4bit(press(one, 1).tobytes())) for one in fingers)
    return first, second


def tried(
    cases: Iterable[Case],
    prints: Sequence[bytes],
    size_px: tuple[int, int],
    benches: int = BENCHES,
    patience: float = 1.0,
) -> Tally:
    """Try every case on one of several simulated modules.

    Raises:
        Hangs: a press did not come back.
    """
    queue = _Queue(iter(cases))
    workers = [_Worker(queue, lambda: Bench(prints, size_px, patience)) for _ in range(benches)]
    for worker in workers:
        worker.start()
    tally = Tally()
    left = len(workers)
    while left:
        found = queue.results.get()
        if isinstance(found, Trial):
            tally.add(found)
        elif found is None:
            left -= 1
        else:
            raise found
        _demand_progress(workers, GIVE_UP_S * patience)
    for worker in workers:
        worker.join()
    return tally


def _demand_progress(workers: Iterable[_Worker], give_up_s: float) -> None:
    now = time.monotonic()
    for worker in workers:
        case, began_s = worker.trying
        if case and now - began_s > give_up_s:
            raise Hangs(f"{case} has not come back for {now - began_s:.0f} s")


class _Queue:
    """Cases to take, one at a time, and what came of them."""

    def __init__(self, cases: Iterator[Case]) -> None:
        self.results: SimpleQueue[Trial | Exception | None] = SimpleQueue()
        self._cases = cases
        self._lock = Lock()

    def take(self) -> Case | None:
        with self._lock:
            return next(self._cases, None)


class _Worker(Thread):
    """One bench, until no case is left."""

    def __init__(self, queue: _Queue, open_bench: Callable[[], Bench]) -> None:
        super().__init__(name="proof", daemon=True)
        self.trying: tuple[Case | None, float] = (None, 0.0)
        self._queue = queue
        self._open_bench = open_bench

    def run(self) -> None:
        try:
            with self._open_bench() as bench:
                while case := self._queue.take():
                    self.trying = (case, time.monotonic())
                    self._queue.results.put(bench.attempt(case))
                self.trying = (None, 0.0)
        except Exception as error:  # raised again where the results are counted
            self._queue.results.put(error)
        else:
            self._queue.results.put(None)
