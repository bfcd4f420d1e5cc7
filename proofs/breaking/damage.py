"""Damage to the journal's files between two runs, and what the station says to it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from centre.opening import Refused, Rejected
from edge.seal import digest_of
from edge.store import PackageGone, PackageUnreadable, Store, StoreError
from edge.store import file as store_file
from edge.trust import audit
from proofs import CannotRun
from proofs.custody import ALL, Told
from proofs.power import few
from proofs.powercut.forked import Ack, Cuts, Verdict, acknowledged, check, start, tail
from proofs.premises import Premises, open_store
from proofs.sitters import SMALL, sit

SECTOR: Final = 512
PAGE: Final = 4096
LIMIT_S: Final = 60.0
Breaking = Callable[[], None]


def damage_often(
    premises: Premises,
    folder: Path,
    trials: int,
    seed: int,
    *,
    breaking: Breaking = lambda: None,
) -> Cuts:
    """Damage a fresh copy of a journal in each trial: its database, or its write-ahead log.

    `breaking` breaks the product on purpose, in the process that makes and in that which reads.
    """
    dice, cuts = random.Random(seed), Cuts()
    silent = 0
    made = {"store.db": folder / "closed", "store.db-wal": folder / "running"}
    told = {
        name: _made(premises, place, breaking, closes=name == "store.db")
        for name, place in made.items()
    }
    for number in range(trials):
        name = dice.choice(("store.db", "store.db", "store.db-wal"))
        with TemporaryDirectory(dir=folder) as copy:
            store = Path(copy) / "store"
            shutil.copytree(made[name], store)
            how = _damage(store / name, dice)
            words = told[name]
            verdict = check(partial(_judge, premises, breaking, name), store, words, folder)
        silent += verdict.present < 0
        cuts.acked += len(words)
        cuts.add(f"trial {number}: {name} {how}", verdict)
    if silent:
        cuts.examples.append(f"in {silent} trials the end of the log was gone without a word")
    return cuts


def _made(premises: Premises, place: Path, breaking: Breaking, *, closes: bool) -> list[str]:
    """Make a journal; one that is not closed has its last commits in the log."""
    place.mkdir()
    acks, log = place.with_suffix(".acks"), place.with_suffix(".log")

    def write(folder: Path, tell: Ack) -> None:
        breaking()
        few(premises)(folder, tell)
        if not closes:
            _and_one_more(premises, folder, tell)

    process = start(write, place, acks, log)
    process.wait(LIMIT_S)
    process.kill()
    told = acknowledged(acks)
    if not told:
        raise CannotRun(f"no journal was made: {tail(log)}")
    return told


def _and_one_more(premises: Premises, folder: Path, tell: Ack) -> None:
    """Serve one more person and vanish: what she gave lies in the log."""
    with open_store(folder) as store:
        sit(store, premises.rooms(store).begin("zh-CN"), SMALL, tell)
        os._exit(0)


def _damage(file: Path, dice: random.Random) -> str:
    """Flip a bit, some bits, or overwrite a sector or a page; never the whole header alone."""
    content = bytearray(file.read_bytes())
    how = dice.choice(("a bit", "sixteen bits", "a sector", "a page"))
    if how in ("a bit", "sixteen bits"):
        for _ in range(1 if how == "a bit" else 16):
            at = dice.randrange(len(content))
            content[at] ^= 1 << dice.randrange(8)
    else:
        size = SECTOR if how == "a sector" else PAGE
        at = dice.randrange(len(content) // size) * size
        content[at : at + size] = dice.choice((bytes(size), dice.randbytes(size)))
    file.write_bytes(content)
    return how


def _judge(
    premises: Premises, breaking: Breaking, name: str, folder: Path, words: Sequence[str]
) -> Verdict:
    """Start the station on damaged files; a word may be taken back aloud, never turned."""
    breaking()
    told = Told.of(words)
    try:
        with open_store(folder) as store:
            return _held(premises, store, told, name)
    except StoreError as error:
        # It does not start, says why, and nothing was handed out.
        return Verdict(said=f"{type(error).__name__}")
    except audit.AuditBroken as error:
        return Verdict(corrupt=True, said=str(error))


def _held(premises: Premises, store: Store, told: Told, name: str) -> Verdict:
    aloud = bool(store.alarms)
    turned, hidden = 0, 0
    rows = {row.package_id: row for row in store.packages(limit=ALL)}
    for package_id, digest in told.closed.items():
        row = rows.get(package_id)
        if row is None:
            hidden += not aloud
            continue
        try:
            content = store.sealed(package_id)
        except PackageGone:
            hidden += row.state != "receipted"
            continue
        except PackageUnreadable:
            continue
        with suppress(Refused, Rejected):
            premises.opened(row, content)
            turned += digest_of(content) != digest
            continue
        turned += 1
    if "audit_broken" not in store.alarms:
        audit.verify(store.audit_rows(limit=ALL))
    # The log's end is taken for its end: SQLite's own rule, and nothing is left that could tell.
    silent = name.endswith("-wal") and hidden > 0
    return Verdict(-1 if silent else len(rows), 0 if silent else hidden, turned)


def no_authentication() -> None:
    """Break the journal of this process on purpose: no cipher, no check of digests or pages."""

    def unchecked(self: Store, package_id: str) -> bytes:
        def read(db: apsw.Connection) -> bytes:
            found = db.execute(
                "select record from part join package on package.id = part.package"
                " where package_id = ? order by n",
                (package_id,),
            )
            return b"ANXPKG1\n" + b"".join(record for (record,) in found)

        return self.read(read)

    vars(store_file).update(unlock=lambda db, key_hex: None, find_damage=lambda db: [])
    Store.sealed = unchecked  # type: ignore[method-assign]
