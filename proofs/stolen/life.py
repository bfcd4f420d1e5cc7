"""How a station lives until its machine is gone."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from edge.logs import configure_logs
from edge.orders import Known, Orders
from edge.store import Store
from proofs.premises import SINK, Premises, open_store
from proofs.sitters import DOCUMENTS, FINGERS, USUAL, portrait, sit, steps
from proofs.stolen.people import RECORDS, Person

SAMPLE_BYTES_MIN: Final = 1000
Keeping = Callable[[Premises, Store, str, Path], None]


def live(
    premises: Premises,
    disk: Path,
    outside: Path,
    people: Sequence[Person],
    keep: Keeping | None = None,
) -> None:
    """Run the station until the machine is gone; what is true of it is kept outside.

    Args:
        premises: its keys.
        disk: where the station keeps everything.
        outside: where the thief does not come: what the samples are.
        people: who sit down.
        keep: keeps the truth of a closed package, as the centre opens it if nothing is said.
    """
    configure_logs((disk / "station.log").open("a", encoding="utf-8"))
    with open_store(disk) as store:
        known = Known(DOCUMENTS, FINGERS, (), RECORDS)
        orders = Orders(store, known, None)
        rooms = premises.rooms(store)
        for person in people:
            order = orders.add(person.wanted)
            _talk(person)
            if person.ends == "ordered":
                continue
            record = rooms.begin("zh-CN", order)
            orders.take(order.sitting_id)
            label = f"{person.number}/{record.package_id}"
            if person.ends == "in hand":
                for step in islice(steps(record, USUAL, label, RECORDS), 2):
                    step.do()
                (outside / str(person.number)).mkdir(exist_ok=True)
                plain = outside / str(person.number) / "0.plain"
                plain.write_bytes(portrait(label, USUAL).master)
                continue
            sit(store, record, USUAL, lambda word: None, label=label, records=RECORDS)
            (keep or keep_outside)(premises, store, record.package_id, outside / str(person.number))
            if person.ends == "delivered":
                row = store.package(record.package_id)
                store.record_receipt(record.package_id, SINK, premises.receipt(row))
        os.kill(os.getpid(), signal.SIGKILL)


def _talk(person: Person) -> None:
    """Let careless code speak of the person through the product's log."""
    structlog.get_logger("orders").info("order", code=person.surname, sitting=person.surname)
    logging.getLogger("library").error("cannot greet %s", person.surname)
    try:
        raise ValueError(f"no slip {person.slip_code} of {person.surname}")
    except ValueError:
        logging.getLogger("library").exception("while greeting")


def keep_outside(premises: Premises, store: Store, package_id: str, folder: Path) -> None:
    """Keep what only the centre may see where the thief does not come."""
    row, content = store.package(package_id), store.sealed(package_id)
    folder.mkdir(exist_ok=True)
    (folder / "package").write_bytes(content)
    for number, plain in enumerate(premises.opened(row, content).parts.values()):
        if len(plain) > SAMPLE_BYTES_MIN:
            (folder / f"{number}.plain").write_bytes(plain)
