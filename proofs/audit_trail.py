"""The audit trail cannot be shortened, edited or replaced unseen: the centre notices.

Each trial takes a copy of a station's disk after some delivered sittings and does one thing to its
chain, drawn by chance: cuts rows off the end, edits one, edits one and hashes all again, takes one
out, or puts an older disk back; the chain then grows again by up to thirty rows and a sitting.
What the station delivers next, and the rows that the centre collects, are held against what the
centre knew. The rows alone must show each harm; how many the next delivery showed is in the note.
One trial in six does nothing but grow: there any alarm, of either, is a failure.

Not tried, because no centre can see it: rows that were cut or changed before any head of them had
left the station.

The control is a centre that kept no head: a cut tail and a chain that was hashed anew pass by it.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from centre.audit_heads import HeadBook
from centre.opening import signed_by_station
from edge.store import Store
from edge.store.file import unlock
from edge.trust import audit
from edge.trust.audit import Actor
from edge.trust.heads import signed_head
from proofs import Proof, Tally
from proofs.premises import SINK, STATION, Premises, make_premises, open_store

PROMISE: Final = "A cut, edited or replaced audit chain is noticed by the centre, an honest one not"
SITTINGS: Final = 4
OLDER_AFTER: Final = 2
GROWN_MAX: Final = 30
SERVICE: Final = Actor("station", "service")
Harm = Callable[[apsw.Connection, random.Random, int], None]


def cut(db: apsw.Connection, dice: random.Random, last: int) -> None:
    """Take away the last rows."""
    db.execute("delete from audit where n > ?", (last - dice.randint(1, last - 1),))


def edit(db: apsw.Connection, dice: random.Random, last: int) -> None:
    """Change one row and nothing else."""
    row = "update audit set entry = cast(replace(entry, '\"at\"', '\"At\"') as blob) where n = ?"
    db.execute(row, (dice.randint(1, last),))


def rehash(db: apsw.Connection, dice: random.Random, last: int) -> None:
    """Change one row and make every later hash fit again."""
    edit(db, dice, last)
    hashed = audit.ZERO
    for n, entry in list(db.execute("select n, entry from audit order by n")):
        hashed = audit.link(hashed, entry)
        db.execute("update audit set hash = ? where n = ?", (hashed, n))


def take_out(db: apsw.Connection, dice: random.Random, last: int) -> None:
    """Take one row out of the middle."""
    db.execute("delete from audit where n = ?", (dice.randint(1, last - 1),))


def grow_only(db: apsw.Connection, dice: random.Random, last: int) -> None:
    """Do no harm."""


HARMS: Final[Mapping[str, Harm]] = {
    "cut": cut, "edited": edit, "hashed anew": rehash, "row taken out": take_out,
    "older disk": grow_only, "honest": grow_only,
}  # fmt: skip


def run(trials: int, seed: int, *, forgetful: bool = False) -> Tally:
    """Harm so many chains, one after the other, and count what the centre did not notice.

    Args:
        trials: how many.
        seed: of every choice.
        forgetful: the control: the centre has kept no head.
    """
    began_s, dice = time.monotonic(), random.Random(seed)
    failed: list[str] = []
    by_delivery = by_rows = 0
    with TemporaryDirectory(prefix="anxin-proof-") as name:
        home = Path(name)
        premises = make_premises(home)
        _live(home, premises)
        for trial in range(trials):
            kind = list(HARMS)[trial % len(HARMS)]
            delivered, collected = _harmed(home, premises, kind, dice, forgetful=forgetful)
            by_delivery += kind != "honest" and bool(delivered)
            by_rows += kind != "honest" and bool(collected)
            if (delivered or collected) if kind == "honest" else not collected:
                failed.append(kind)
    harmed = trials - trials // len(HARMS)
    return Tally(
        PROMISE, trials, len(failed), time.monotonic() - began_s,
        f"{by_delivery} of {harmed} noticed by the next delivery already, {by_rows} by the rows;"
        f" missed: {', '.join(sorted(set(failed))) or 'none'}",
    )  # fmt: skip


def control(trials: int, seed: int) -> Tally:
    """Try it on a centre that has kept no head."""
    return run(trials, seed, forgetful=True)


def _live(home: Path, premises: Premises) -> None:
    """Some sittings, delivered; a copy of the disk is kept from before the last ones."""
    book = HeadBook(home / "centre")
    (home / "disk").mkdir()
    for sitting in range(SITTINGS):
        with open_store(home / "disk") as store:
            _sit(store, premises, f"p-{sitting}")
            _deliver(store, premises, book)
        if sitting + 1 == OLDER_AFTER:
            shutil.copytree(home / "disk", home / "older")


def _harmed(
    home: Path, premises: Premises, kind: str, dice: random.Random, *, forgetful: bool
) -> tuple[set[str], set[str]]:
    """Return what the next delivery raised, and what the collected rows did."""
    with TemporaryDirectory(prefix="anxin-proof-") as name:
        here = Path(name)
        shutil.copytree(home / ("older" if kind == "older disk" else "disk"), here / "disk")
        if not forgetful:
            shutil.copytree(home / "centre" / "audit", here / "audit")
        book = HeadBook(here)
        _tamper(here / "disk", HARMS[kind], dice)
        with open_store(here / "disk") as store:
            rows = dice.randint(0, GROWN_MAX)
            store.write(lambda db: _grow(db, rows))
            if dice.random() < 0.5:
                _sit(store, premises, f"later-{dice.random()}")
            delivered = _deliver(store, premises, book)
            found = store.audit_rows(limit=10_000)
        return delivered, set(book.check_rows(STATION, [(r.n, r.hash, r.entry) for r in found]))


def _tamper(disk: Path, harm: Harm, dice: random.Random) -> None:
    db = apsw.Connection(str(disk / "store.db"))
    try:
        unlock(db, (disk / "store.key").read_bytes().hex())
        harm(db, dice, int(db.execute("select max(n) from audit").get))
    finally:
        db.close()


def _grow(db: apsw.Connection, rows: int) -> None:
    for _ in range(rows):
        audit.append(db, "2026-11-22T00:00:00.000Z", SERVICE, "store.open", {}, "ok")


def _sit(store: Store, premises: Premises, package_id: str) -> None:
    sealer = premises.sealer
    store.open_package(package_id, package_id, STATION, sealer.sealing_key.kid, {})
    part = sealer.part(package_id, 0, "finger/left_thumb.png", "image/png", b"f" * 500)
    store.add_part(package_id, part)
    previous = store.previous_digest()
    fields = {"sitting_id": package_id, "result": "accepted", "previous": previous}
    manifest = sealer.manifest(package_id, 1, fields, store.parts(package_id))
    store.close_package(
        package_id, manifest, sealer.statement, previous=previous, sinks={SINK: "custody"}
    )


def _deliver(store: Store, premises: Premises, book: HeadBook) -> set[str]:
    """Send what waits, with a head each; return the centre's alarms."""
    stations = {STATION: premises.station_keys}
    flags: list[str] = []
    for row in store.packages(limit=1000, state="ready"):
        said = signed_by_station(str(row.statement), "anxin-seal+jws", stations)
        flags += book.note_statement(said)
        flags += book.note_head(signed_head(store, premises.station_key, STATION), stations)
        store.record_receipt(row.package_id, SINK, "receipt")
    flags += book.note_head(signed_head(store, premises.station_key, STATION), stations)
    return set(flags)


PROOFS: Final = {
    "audit": Proof(PROMISE, run, control, short=12, long=1_200, control_trials=120),
}
