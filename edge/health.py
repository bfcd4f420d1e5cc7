"""What the station counts and times as it works; `/v1/metrics` adds what it reads on demand.

No label ever holds an id of a person, a sitting or a package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from edge.sitting import Result

HELP_BUCKETS_S: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
COMMIT_BUCKETS_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class Figures:
    """The station's own counters, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sittings = Counter(
            "anxin_sittings", "Sittings that ended.", ["result"], registry=self.registry
        )
        self._tries = Counter(
            "anxin_outbox_tries", "Tries to deliver.", ["sink", "code"], registry=self.registry
        )
        self._commits = Histogram(
            "anxin_commit_seconds",
            "Durable transactions of the store.",
            buckets=COMMIT_BUCKETS_S,
            registry=self.registry,
        )
        self._help = Counter("anxin_help_calls", "Calls for staff.", registry=self.registry)
        self._help_waits = Histogram(
            "anxin_help_wait_seconds",
            "From a call for staff to its answer.",
            buckets=HELP_BUCKETS_S,
            registry=self.registry,
        )
        for result in Result:
            self._sittings.labels(result.value)

    def count_sitting(self, result: Result) -> None:
        """One sitting ended so."""
        self._sittings.labels(result.value).inc()

    def count_help(self) -> None:
        """Somebody asked for staff."""
        self._help.inc()

    def observe_help(self, waited_s: float) -> None:
        """Somebody came, or was needed no more, so long after a call for staff."""
        self._help_waits.observe(waited_s)

    def observe_commit(self, seconds: float) -> None:
        """One transaction of the store took so long."""
        self._commits.observe(seconds)

    def observe_tries(self, sink: str) -> Callable[[str], None]:
        """Return what counts the tries of one sink by their code."""
        return lambda code: self._tries.labels(sink, code).inc()
