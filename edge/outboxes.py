"""The outboxes of a station: one for each sink of its settings that it sends to by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from edge.delivery.outbox import Outbox
from edge.delivery.pace import Hours, Pace
from edge.delivery.receipt import ReceiptVerifier
from edge.health import Figures
from edge.settings import Settings
from edge.sinks.load import PULL, open_sink
from edge.sinks.sink import Home
from edge.store import Store
from edge.trust.key_list import accept_key_list
from edge.trust.keys import StationKey


class Ground(Protocol):
    """What outboxes stand on; `edge.foundation.Foundation` is one."""

    @property
    def settings(self) -> Settings:
        """Name the sinks."""

    @property
    def figures(self) -> Figures:
        """Count the tries."""

    @property
    def store(self) -> Store:
        """Hold what waits."""


def open_outboxes(
    foundation: Ground,
    verifier: ReceiptVerifier,
    station_key: StationKey,
    audit_head: Callable[[], str],
    stack: ExitStack,
) -> tuple[Outbox, ...]:
    """Start an outbox for each sink; what clients collect from (`pull`) has no thread.

    Args:
        foundation: settings and store.
        verifier: of receipts.
        station_key: signs what a sink must show that it comes from here.
        audit_head: returns the signed end of the audit chain.
        stack: closes what is opened here, in reverse.

    Raises:
        ValueError, OSError: options of a sink.
    """
    outboxes = []
    home = Home(station_key.sign_jws, partial(accept_key_list, foundation.store))
    for sink in foundation.settings.sinks:
        if sink.driver == PULL:
            continue
        outbox = Outbox(
            foundation.store,
            sink.name,
            open_sink(sink.driver, sink.options, home),
            verifier,
            role=sink.role,
            pace=Pace(first_max_s=sink.first_wait_max_s, hours=Hours.parse(sink.hours)),
            observe_try=foundation.figures.observe_tries(sink.name),
            audit_head=audit_head,
        )
        outbox.start()
        stack.callback(outbox.close)
        outboxes.append(outbox)
    return tuple(outboxes)


def wake_all(outboxes: Sequence[Outbox]) -> None:
    """Let every outbox look into the store now: a package was closed."""
    for outbox in outboxes:
        outbox.wake()
