"""Writers that meet a failing journal: as the product does, and as it must not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw

from edge.record import Record
from edge.record_room import RecordRoom
from edge.store import Store, StoreBroken, StoreError, StoreFull
from edge.store.writer import Writer as JournalWriter
from proofs.custody import RESUME_WITHIN_S
from proofs.powercut.forked import Ack, Writer
from proofs.premises import Premises, open_store
from proofs.sitters import SMALL, sit

OPENINGS: Final = 2
SITTINGS: Final = 2


def going_on(premises: Premises) -> Writer:
    """Return a writer that refuses a sitting on a full disk and begins the next."""

    def write(folder: Path, tell: Ack) -> None:
        for _ in range(OPENINGS):
            with open_store(folder) as store:
                rooms = premises.rooms(store)
                record = rooms.interrupted(RESUME_WITHIN_S)
                for _ in range(SITTINGS):
                    walk = partial(sit, build=SMALL, tell=tell)
                    _one(store, rooms, record, walk, tell)
                    record = None

    return write


def _one(
    store: Store,
    rooms: RecordRoom,
    record: Record | None,
    walk: Callable[[Store, Record], None],
    tell: Ack,
) -> None:
    """Walk one person through, or lead her to the window, as the sitting's moves do."""
    try:
        record = record or rooms.begin("zh-CN")
        walk(store, record)
    except StoreFull:
        if record is not None:
            # Not gone on with after a restart, whether that can be recorded now or not.
            tell(json.dumps({"left": record.package_id}))
            with suppress(StoreFull):
                record.leave_alone()


def enduring(writer: Writer) -> Writer:
    """Return a writer that ends at the first failure of the journal, as the service does."""

    def write(folder: Path, tell: Ack) -> None:
        try:
            writer(folder, tell)
        except (StoreError, OSError, apsw.Error) as error:
            # SQLite's own errors too: closing a journal whose disk has failed lets them through.
            sys.stderr.write(f"ended: {type(error).__name__}\n")

    return write


def swallowing(writer: Writer) -> Writer:
    """Return the writer on a journal that was broken on purpose: it takes a failure for done."""

    def write(folder: Path, tell: Ack) -> None:
        swallow()
        writer(folder, tell)

    return write


def swallow() -> None:
    """Break the journal of this process: a transaction that failed is called done."""
    whole: Callable[..., Any] = JournalWriter._once

    def once(self: JournalWriter, job: Any) -> Any:
        try:
            return whole(self, job)
        except (StoreBroken, StoreFull):
            raise
        except Exception:
            return None

    JournalWriter._once = once  # type: ignore[method-assign]
