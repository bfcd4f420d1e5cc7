"""The journal: sealed parts, closed packages, deliveries and the audit chain, in one SQLite file.

Every method that changes something returns when the change is durable; if it raised, or the power
failed first, call it again: twice is once. Nothing plain of a sample ever comes here.

Long, but one list in one piece: what can be asked of the journal, and which reserve each may use.
How it is done stands beside it, by noun: `open_packages`, `close`, `delivery`, `retention`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import apsw

from edge.seal import Closing, KeptPart, Part
from edge.store import close as store_close
from edge.store import delivery as store_delivery
from edge.store import open_packages, retention
from edge.store.damage import DAMAGED, sealed_content, set_unreadable
from edge.store.disk_floor import DiskFloor, Reserve
from edge.store.errors import (
    PackageGone,
    PackageUnreadable,
    StoreFull,
)
from edge.store.file import StoreFile, open_store_file
from edge.store.idle_check import Idling
from edge.store.notes import delete_notes, take_in, waiting_notes
from edge.store.numbers import Numbers, go_on_above, used
from edge.store.open_packages import note
from edge.store.orders import Ending
from edge.store.retention import Holdings, Limits
from edge.store.rows import OpenPackage, PackageRow, Pending, Role
from edge.store.writer import Readers, Writer
from edge.trust import audit
from edge.trust.audit import STATION, Actor
from edge.utc import now_ms

T = TypeVar("T")
MIB: Final = 1 << 20
# Record 63, at the most, is the manifest.
PARTS_MAX: Final = 63
LIMITS: Final = Limits()


class Store:
    """One station's journal. Any thread may call it; one at a time writes."""

    def __init__(
        self,
        file: StoreFile,
        floor: DiskFloor,
        limits: Limits,
        observe_commit: Callable[[float], None] | None = None,
    ) -> None:
        """Use `Store.open`."""
        self._file = file
        self._floor = floor
        self._closing = threading.Lock()
        self._closed = False
        self._limits = limits
        self._numbers = Numbers(file.path)
        self._found = _found(file)
        self._readers = Readers(file.reader)
        self._writer = Writer(file.db, floor, Idling(file.path), observe_commit)
        self.commits = self._writer.commits
        """Wakes whoever waits for something new."""

    @classmethod
    def open(
        cls,
        path: Path,
        key_file: Path,
        *,
        floor_bytes: int = 256 * MIB,
        reserve_bytes: int = 32 * MIB,
        limits: Limits = LIMITS,
        observe_commit: Callable[[float], None] | None = None,
    ) -> Store:
        """Open or make the journal; a new one gets a new key file (mode 0600).

        Args:
            path: the database; lock, key check and reserve lie beside it.
            key_file: 32 random bytes.
            floor_bytes: below this much free space no new package is opened.
            reserve_bytes: kept free for sittings that run when the floor is reached.
            limits: from where on `warnings` are given.
            observe_commit: is told the seconds of every transaction, by whoever made it.

        Raises:
            StoreBusy, StoreKeyWrong, StoreBroken, StoreError: each is a plain sentence.
        """
        file = open_store_file(path, key_file)
        try:
            floor = DiskFloor(path.parent, floor_bytes, reserve_bytes)
            store = cls(file, floor, limits, observe_commit)
        except BaseException:
            file.close()
            raise
        try:
            notes = waiting_notes(path)
            store._writer.run(lambda db: store._note_start(db, notes), reserve=Reserve.LAST)
            delete_notes(notes)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def folder(self) -> Path:
        """Where the journal lies, and beside it what outlasts it."""
        return self._file.path.parent

    def close(self) -> None:
        """Finish what was asked for and let another service have the store. Twice is allowed."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._writer.close()
                self._readers.close()
                self._file.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # One sitting, from its first part to the signed package

    def open_package(
        self,
        package_id: str,
        sitting_id: str,
        station_id: str,
        kid: str,
        sitting: Mapping[str, Any],
        *,
        urgent: bool = False,
    ) -> None:
        """Begin a package, sealed to the key `kid` throughout.

        Args:
            package_id: UUIDv7, fixed from here on.
            sitting_id: UUIDv7.
            station_id: as the centre knows it.
            kid: of the sealing key.
            sitting: what a restart needs to go on; JSON, not biometric, erased at the closing.
            urgent: of the green channel; outboxes let it go first.

        Raises:
            StoreFull: below the floor, or no room; nothing happened.
        """
        if "store_full" in self.refusals:
            raise StoreFull("The disk is almost full: no new sitting is begun.")
        row = OpenPackage(package_id, sitting_id, station_id, kid, now_ms(), sitting, ())
        self._writer.run(lambda db: open_packages.begin(db, row, urgent=urgent))

    def next_n(self, package_id: str, name: str | None = None) -> int:
        """Return the place for a part of that name: its own if it is in already, else the next.

        Without a name: the manifest's place, behind all parts.
        """
        with self._readers.lend() as db:
            return open_packages.next_n(db, package_id, name)

    def add_part(self, package_id: str, part: Part) -> None:
        """Keep one sealed part. Raises as `add_parts`."""
        self.add_parts(package_id, [part])

    def add_parts(
        self, package_id: str, parts: Sequence[Part], sitting: Mapping[str, Any] | None = None
    ) -> None:
        """Keep sealed parts, all or none; one of the same name, an earlier attempt, is replaced.

        Args:
            package_id: of an open package.
            parts: what was accepted together.
            sitting: replaces what a restart needs to go on, in the same transaction.

        Raises:
            NoSuchPackage, PackageClosed, StoreFull: nothing happened.
            ValueError: a place is taken by another part, or impossible.
        """
        for part in parts:
            if not 0 <= part.n < PARTS_MAX:
                raise ValueError(f"no place {part.n} in a package")
        self._writer.run(
            lambda db: open_packages.add(db, package_id, parts, sitting), reserve=Reserve.SITTING
        )

    def update_sitting(self, package_id: str, sitting: Mapping[str, Any]) -> None:
        """Replace what a restart needs to go on. Raises as `add_parts`."""
        self.add_parts(package_id, (), sitting)

    def drop_package(self, package_id: str, actor: Actor) -> None:
        """Delete an open package: the person left or declined. The audit row stays.

        Raises:
            PackageClosed: it is signed and on its way; nothing happened.
        """
        self._writer.run(
            lambda db: open_packages.drop(db, package_id, actor, now_ms()), reserve=Reserve.LAST
        )

    def previous_digest(self) -> str | None:
        """Return the digest of the package closed last, which the next manifest names."""
        with self._readers.lend() as db:
            digest: str | None = db.execute("select digest from chain").get
            return digest

    def close_package(
        self,
        package_id: str,
        manifest_record: bytes,
        statement_of: Callable[[Closing], str],
        *,
        previous: str | None,
        sinks: Mapping[str, Role],
        actor: Actor = STATION,
        ending: Ending | None = None,
    ) -> PackageRow:
        """Close and sign the package in one durable transaction: the point of no return.

        Args:
            package_id: of an open package; of a closed one: nothing happens, its row is returned.
            manifest_record: the sealed manifest, at place `next_n(package_id)`.
            statement_of: signs the seal statement; called inside the transaction.
            previous: what the manifest names as the package before (`previous_digest`).
            sinks: every sink that shall have it; at least one of role "custody".
            actor: who handed it in.
            ending: how the sitting's order ends with it, if there was one.

        Raises:
            NoSuchPackage, StoreFull, OutOfTurn: nothing happened.
        """
        if "custody" not in sinks.values():
            raise ValueError("a package needs a sink whose receipt allows deletion")
        order = store_close.Order(
            manifest_record, statement_of, previous, sinks, actor, self._numbers.reserve, ending
        )
        self._writer.run(
            lambda db: store_close.close(db, package_id, order, now_ms()), reserve=Reserve.LAST
        )
        return self.package(package_id)

    # What lies here

    def open_packages(self) -> list[OpenPackage]:
        """Return the packages of sittings that have not ended, oldest first."""
        with self._readers.lend() as db:
            return open_packages.every(db)

    def parts(self, package_id: str) -> tuple[KeptPart, ...]:
        """Return what is kept in clear of an open package's parts, for its manifest."""
        with self._readers.lend() as db:
            return open_packages.kept_parts(db, open_packages.open_cursor(db, package_id))

    def sealed(self, package_id: str) -> bytes:
        """Return the file as it leaves, checked against its digest.

        Raises:
            NoSuchPackage: unknown or not yet closed.
            PackageGone: receipted and deleted.
            PackageUnreadable: the bytes are damaged.
        """
        try:
            content = self._sealed(package_id)
        except PackageUnreadable:
            self._writer.run(
                lambda db: set_unreadable(db, store_delivery.package_row(db, package_id).cursor),
                reserve=Reserve.LAST,
            )
            raise
        if content is None:
            raise PackageGone(f"package {package_id} was receipted and deleted")
        return content

    def _sealed(self, package_id: str) -> bytes | None:
        with self._readers.lend() as db:
            row = store_delivery.package_row(db, package_id)
            try:
                return sealed_content(db, row.cursor, row.digest)
            except DAMAGED:
                raise PackageUnreadable(
                    f"package {package_id} cannot be read as it was sealed"
                ) from None

    def package(self, package_id: str) -> PackageRow:
        """Return one closed package. Raises `NoSuchPackage`."""
        with self._readers.lend() as db:
            return store_delivery.package_row(db, package_id)

    def packages(
        self, after: int = 0, limit: int = 100, state: str | None = None
    ) -> list[PackageRow]:
        """Return closed packages behind the cursor `after`, in order of age."""
        with self._readers.lend() as db:
            return store_delivery.package_rows(db, after, limit, state)

    def counts(self) -> dict[str, int]:
        """Return how many packages are open, ready, receipted and quarantined."""
        with self._readers.lend() as db:
            found = db.execute("select state, count(*) from package group by state")
            return dict.fromkeys(("open", "ready", "receipted", "quarantined"), 0) | dict(found)

    def audit_rows(self, after: int = 0, limit: int = 1000) -> list[audit.Row]:
        """Return rows of the audit chain behind row `after`."""
        with self._readers.lend() as db:
            found = db.execute(
                "select n, hash, entry from audit where n > ? order by n limit ?", (after, limit)
            )
            return [audit.Row(*row) for row in found]

    # Rows that other modules of the house keep here

    def write(self, job: Callable[[apsw.Connection], T], reserve: Reserve = Reserve.NONE) -> T:
        """Run a job in one durable transaction; it may run twice, the first time without effect.

        Raises:
            StoreFull, StoreBroken: nothing happened. And what the job itself refuses with.
        """
        return self._writer.run(job, reserve=reserve)

    def read(self, job: Callable[[apsw.Connection], T]) -> T:
        """Let a job read one consistent moment."""
        with self._readers.lend() as db:
            return job(db)

    # Room and retention

    @property
    def alarms(self) -> tuple[str, ...]:
        """Codes of damage that a technician must look at; empty if all is well.

        "store_set_aside", "audit_broken", "log_damaged", "upgraded_without_copy",
        "package_unreadable".
        """
        return (*self._found, *(("package_unreadable",) if self.holdings().unreadable else ()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of limits that are reached; what they mean is never done by itself.

        "unsent_too_old", "unsent_too_many", "persons_limit", "space_low".
        """
        share = retention.free_share(self._file.path.parent)
        return retention.warnings(self.holdings(), self._limits, share, now_ms())

    def holdings(self) -> Holdings:
        """Count what lies here and what was here."""
        with self._readers.lend() as db:
            return retention.holdings(db)

    @property
    def free_bytes(self) -> int:
        """Free space beyond the reserve; pages that deliveries freed in the database count."""
        return self._floor.free_bytes(self._reusable_bytes())

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why no new sitting may begin: "store_full", "store_broken"; empty if one may."""
        if self._writer.broken:
            return ("store_broken",)
        return ("store_full",) if self._floor.low(self._reusable_bytes()) else ()

    def _reusable_bytes(self) -> int:
        with self._readers.lend() as db:
            return int(db.pragma("freelist_count")) * int(db.pragma("page_size"))

    # Delivery

    def pending(
        self, sink: str, limit: int = 100, after: int = 0, *, urgent: bool = False
    ) -> list[Pending]:
        """Return what waits for the sink, oldest first, behind the cursor `after`.

        With `urgent` only what is of the green channel, at a cost of its own few.
        """
        with self._readers.lend() as db:
            return store_delivery.pending(db, sink, limit, after, urgent=urgent)

    def waiting(self, sink: str) -> tuple[int, int | None]:
        """Return how many packages wait for the sink and when the oldest was sealed (UTC ms)."""
        with self._readers.lend() as db:
            return store_delivery.waiting(db, sink)

    def begin_try(self, package_id: str, sink: str) -> None:
        """Note that a try begins: should the service end in it, the receipt is asked for first."""
        self._writer.run(lambda db: store_delivery.begin_try(db, package_id, sink, now_ms()))

    def record_try(self, package_id: str, sink: str, code: str) -> None:
        """Note that the try failed with this code; the package waits."""
        self._writer.run(lambda db: store_delivery.record_try(db, package_id, sink, code))

    def record_receipt(
        self, package_id: str, sink: str, receipt: str | None, actor: Actor = STATION
    ) -> None:
        """Note that the sink has it, and delete the parts in the same transaction if they may go.

        They may go when a custody sink has receipted and no copy sink still waits.

        Args:
            package_id: of a closed package.
            sink: the one that took it.
            receipt: the verified, signed receipt; None only from a copy sink.
            actor: who brought the receipt.
        """

        def record(db: apsw.Connection) -> None:
            store_delivery.record_receipt(db, package_id, sink, receipt)
            note(db, actor, "package.receipt", package_id, sink=sink)

        self._writer.run(record, reserve=Reserve.LAST)

    def quarantine(self, package_id: str, sink: str, code: str, receipt: str | None = None) -> None:
        """Set the package aside for this sink; it stays here, is listed and can be exported."""

        def set_aside(db: apsw.Connection) -> None:
            store_delivery.quarantine(db, package_id, sink, code, receipt)
            note(db, STATION, "package.quarantine", package_id, outcome=code, sink=sink)

        self._writer.run(set_aside, reserve=Reserve.LAST)

    def _note_start(self, db: apsw.Connection, notes: Sequence[Path]) -> None:
        store_delivery.recover(db)
        take_in(db, notes)
        note(db, STATION, "store.open", "", outcome=",".join(self._found) or "ok")
        if self._file.opening.continues:
            go_on_above(db, self._numbers.ceilings)
            above = str(used(db).sequence)
            note(db, STATION, "store.continue", "", outcome="numbers_go_on", sequence=above)
        for cursor in self._file.opening.unreadable:
            set_unreadable(db, cursor)
        self._numbers.reserve(db)


def _found(file: StoreFile) -> tuple[str, ...]:
    """Return the codes of what was found at this start."""
    try:
        audit.verify_tail(file.db)
        broken = False
    except audit.AuditBroken:
        broken = True
    found = {
        "store_set_aside": file.opening.set_aside is not None,
        "audit_broken": broken,
        "log_damaged": file.opening.log_kept is not None,
        "upgraded_without_copy": file.opening.uncopied,
    }
    return tuple(code for code, holds in found.items() if holds)
