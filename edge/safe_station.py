"""What is left of a station in safe mode: no device, no sitting; what lies sealed goes on its way.

Each part is opened by itself, and one that cannot be opened is named and left out: a station whose
key is unreadable still shows its pages, and one whose camera kills it still delivers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import structlog

from edge.delivery.outbox import Outbox
from edge.delivery.receipt import ReceiptVerifier
from edge.delivery.standing import OutboxStatus
from edge.foundation import open_store
from edge.health import Figures
from edge.outboxes import open_outboxes
from edge.settings import Settings
from edge.store import STATION, Store
from edge.store.disk_floor import Reserve
from edge.trust import audit
from edge.trust.centre import PinnedCentre
from edge.trust.heads import head_signer
from edge.trust.station_key import open_station_key
from edge.upkeep.fault import Fault, fault_of
from edge.upkeep.rescue import Rescued
from edge.upkeep.starts import Level
from edge.utc import now_ms, rfc3339
from edge.watchdog import Door, Proof, answers, writes

REASON: Final = "safe_mode"
"""What stands among the reasons why no sitting may begin."""

log = structlog.get_logger("station")


@dataclass(frozen=True, slots=True)
class _Ground:
    settings: Settings
    figures: Figures
    store: Store


@dataclass(slots=True)
class SafeStation:
    """A station in safe mode.

    Attributes:
        fault: why it is.
        level: how much was opened.
        settings: the sections that could be read.
        beside: what else could not be opened: delivery.
    """

    fault: Fault
    level: Level
    settings: Rescued
    store: Store | None = None
    outboxes: tuple[Outbox, ...] = ()
    beside: list[Fault] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a thread of ours ended, which a restart mends."""
        return not all(outbox.alive for outbox in self.outboxes)

    @property
    def delivers(self) -> bool:
        """Whether what lies here goes on to the centre."""
        return self.store is not None and not self.beside

    def reasons(self) -> tuple[str, ...]:
        """Why no sitting may begin."""
        return (REASON,)

    def queues(self) -> Sequence[OutboxStatus]:
        """Return the present status of every outbox."""
        return tuple(outbox.status for outbox in self.outboxes)

    def proofs(self, *doors: Door) -> Mapping[str, Proof]:
        """Return what proves that each part that is left lives."""
        store = {} if self.store is None else {"store": writes(self.store)}
        return {**store, **{f"listener-{urlsplit(one.url).port}": answers(one) for one in doors}}


def open_safe_station(
    fault: Fault, level: Level, settings: Rescued, stack: ExitStack
) -> SafeStation:
    """Open what may be opened at this level; never raises for a part that cannot be.

    Args:
        fault: why the station is in safe mode.
        level: `DELIVERY` or `BARE`.
        settings: the sections that could be read.
        stack: closes what is opened here, in reverse.
    """
    station = SafeStation(fault, level, settings)
    log.error("safe_mode", code=fault.code, level_reached=level.name.lower())
    delivery = settings.delivery
    if delivery is None or level is not Level.DELIVERY:
        return station
    try:
        with ExitStack() as opening:
            figures = Figures()
            station.store = open_store(delivery, figures, opening)
            _note(station.store, fault)
            station.outboxes = _deliver(delivery, figures, station.store, opening)
            stack.push(opening.pop_all())
    except Exception as error:  # whatever it is, the pages must come
        station.store, station.outboxes = None, ()
        station.beside.append(fault_of(error))
        log.error("safe_mode_without_delivery", exc_info=error)
    return station


def _deliver(
    settings: Settings, figures: Figures, store: Store, stack: ExitStack
) -> tuple[Outbox, ...]:
    where = settings.store
    centre = PinnedCentre.open(where.centre_keys, store, where.folder)
    key = open_station_key(where.folder, where.tpm)
    verifier = ReceiptVerifier(settings.station.id, centre.receipts)
    heads = head_signer(store, key, settings.station.id)
    return open_outboxes(_Ground(settings, figures, store), verifier, key, heads, stack)


def _note(store: Store, fault: Fault) -> None:
    """Append the row that says since when, and by which code."""
    store.write(
        lambda db: audit.append(
            db, rfc3339(now_ms()), STATION, "station.safe_mode", {"code": fault.code}, "begun"
        ),
        Reserve.LAST,
    )
