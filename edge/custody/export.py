"""Packages out of the journal into a folder, by hand: for a stick, or because the way out is gone.

The layout is the folder sink's, so a centre takes them in as from any stick. While the station runs
the journal is only read. Deleting needs the station stopped, and the centre's receipt or a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw

from edge.custody.backup import DATABASE
from edge.delivery.receipt import ReceiptConflict, ReceiptInvalid, ReceiptVerifier
from edge.events import note_event
from edge.seal import digest_of
from edge.sinks.folder import Config, FolderSink, open_sink
from edge.sinks.sink import Home, Outgoing, ReceiptPending, SinkAway
from edge.store import PackageGone, PackageUnreadable, Store
from edge.store.beside import Beside
from edge.store.damage import delete_parts
from edge.store.disk_floor import Reserve
from edge.store.notes import leave_note
from edge.store.open_packages import note
from edge.store.rows import PackageRow
from edge.trust.audit import Actor
from edge.trust.keys import StationKey
from edge.utc import now_ms

TECHNICIAN: Final = Actor("technician", "command")
REASONS: Final = ("handed_over", "test_data", "duplicate", "by_authority")
"""Why a technician may delete what has no receipt; codes, since no audit row holds free words."""
EXPORTED: Final = "exported"


class ExportStopped(Exception):
    """The medium failed or is full. What was written is whole; do it again, twice is once."""


@dataclass(slots=True)
class Exported:
    """What was done; package ids."""

    written: list[str] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which packages: these ids, or all of these states that still have their parts."""

    package_ids: tuple[str, ...] = ()
    states: tuple[str, ...] = ("ready", "quarantined")

    def of(self, journal: Beside) -> Iterator[PackageRow]:
        """Yield them. Raises `NoSuchPackage`, `StoreBroken`."""
        if self.package_ids:
            yield from (journal.package(package_id) for package_id in self.package_ids)
            return
        for state in self.states:
            yield from journal.packages(state)


def export(
    store: Path, choice: Choice, to: Path, station_key: StationKey, *, key_file: Path | None = None
) -> Exported:
    """Write packages into a folder; those that lie there whole are not written again.

    Args:
        store: the folder of a store, also of one that was set aside.
        choice: which packages.
        to: the medium.
        station_key: signs the index of what lies there.
        key_file: of the journal; None: beside it.

    Raises:
        ExportStopped: the medium is absent, full or fails.
        NoSuchPackage, StoreKeyWrong, StoreBroken: the journal.
    """
    done, path = Exported(), store / DATABASE
    with Beside(path, key_file or store / "store.key") as journal:
        rows = list(choice.of(journal))
        with _one_sentence(to, done):
            for row in rows:
                with _sink(to, row.station_id, station_key) as sink:
                    _write(journal, row, sink, done)
            for station_id in sorted({row.station_id for row in rows}):
                with _sink(to, station_id, station_key) as sink:
                    # Brings the index of what lies there up to date.
                    sink.receipts_here()
    about = {"packages": str(len(done.written)), "unreadable": str(len(done.unreadable))}
    leave_note(path, "package.export", about, "ok", TECHNICIAN)
    return done


def settle(
    store: Store, done: Exported, verifier: ReceiptVerifier, reason: str | None, actor: Actor
) -> tuple[int, int]:
    """Delete what was exported: by its receipt where the medium has one, else for the reason.

    Args:
        store: the journal, opened by us: the station is stopped.
        done: what was exported just now.
        verifier: of receipts.
        reason: one of `REASONS`; None: only what the centre has receipted.
        actor: who says so.

    Returns:
        How many by receipt, how many for the reason.

    Raises:
        StoreFull, StoreBroken: from there on nothing happened.
    """
    by_receipt = for_reason = 0
    for package_id in done.written:
        row = store.package(package_id)
        token = done.receipts.get(package_id)
        if token is not None and _true(verifier, token, row):
            sink = next(one.sink for one in row.deliveries if one.role == "custody")
            store.record_receipt(package_id, sink, token, actor)
            by_receipt += 1
        elif reason is not None and row.state != "receipted":
            store.write(_giving_up(row, reason, actor), Reserve.LAST)
            for_reason += 1
    return by_receipt, for_reason


def _write(journal: Beside, row: PackageRow, sink: FolderSink, done: Exported) -> None:
    try:
        content = journal.sealed(row)
    except PackageGone:
        done.gone.append(row.package_id)
        return
    except PackageUnreadable:
        done.unreadable.append(row.package_id)
        return
    outgoing = Outgoing(row.package_id, row.station_id, digest_of(content), row.statement, content)
    with suppress(ReceiptPending):
        done.receipts[row.package_id] = sink.send(outgoing)
    done.written.append(row.package_id)


def _true(verifier: ReceiptVerifier, token: str, row: PackageRow) -> bool:
    try:
        found = verifier.verify(token, row.package_id, row.digest, row.size)
    except (ReceiptInvalid, ReceiptConflict):
        return False
    return found.outcome == "stored"


def _giving_up(row: PackageRow, reason: str, actor: Actor) -> Callable[[apsw.Connection], None]:
    def give_up(db: apsw.Connection) -> None:
        db.execute(
            "update delivery set state = 'quarantined', last_code = ?"
            " where package = ? and state in ('waiting', 'sending')",
            (EXPORTED, row.cursor),
        )
        db.execute(
            "update package set state = 'quarantined' where id = ? and state = 'ready'",
            (row.cursor,),
        )
        if db.changes():
            facts = {"sink": None, "code": EXPORTED}
            note_event(db, "package.quarantined", row.package_id, facts, now_ms())
        delete_parts(db, row.cursor)
        note(db, actor, "package.delete", row.package_id, outcome=reason)

    return give_up


@contextmanager
def _sink(to: Path, station_id: str, station_key: StationKey) -> Iterator[FolderSink]:
    home = Home(sign=station_key.sign_jws, take_keys=lambda _: None)
    sink = open_sink(Config(folder=to, station_id=station_id), home)
    try:
        yield sink
    finally:
        sink.close()


@contextmanager
def _one_sentence(to: Path, done: Exported) -> Iterator[None]:
    try:
        yield
    except SinkAway as away:
        why = {
            "medium_absent": "is not there: plug it in",
            "medium_full": "is full: take another as well, or free some room",
        }.get(away.code, "cannot be written or read back: take another medium")
        raise ExportStopped(
            f"{to} {why}. {len(done.written)} packages lie there whole: say it again to go on."
        ) from away
