"""The whole audit chain, read beside a running station, and held against heads that left it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from edge.store.damage import DAMAGED
from edge.store.errors import StoreBroken, StoreKeyWrong
from edge.store.file import unlock
from edge.trust.audit import AuditBroken, Head, Row, verify
from edge.trust.heads import HEAD_TYP
from edge.trust.keys import KeyUnusable
from edge.trust.signatures import PublicKey, SignatureInvalid, public_key, verified
from edge.trust.station_key import former_keys

STATEMENT_TYP: Final = "anxin-seal+jws"
CARDS: Final = "to-centre"


def verify_whole(folder: Path, known: Sequence[Head] = ()) -> Head:
    """Check every row from the first on, and return the end.

    Args:
        folder: of the store.
        known: heads that the chain must contain.

    Raises:
        AuditBroken: a row is edited, missing or cut off; its number is in it.
        StoreKeyWrong, StoreBroken: the journal cannot be read.
    """
    wanted = {head.n: head for head in known}
    if any(wanted[head.n] != head for head in known):
        raise AuditBroken(known[0].n, "two heads that left the station contradict each other")
    db = _open(folder)
    try:
        with db:
            end = verify(_held_against(_rows(db), wanted))
    except DAMAGED as error:
        raise StoreBroken(f"The store in {folder} cannot be read.") from error
    finally:
        db.close()
    missing = [n for n in wanted if n > end.n]
    if missing:
        raise AuditBroken(end.n + 1, f"the tail is cut: row {max(missing)} had left the station")
    return end


def read_heads(file: Path, folder: Path, station_id: str) -> list[Head]:
    """Return the heads in a file: signed heads or seal statements, one compact JWS a line.

    Raises:
        KeyUnusable: the file cannot be read, or a line is not signed by this station.
    """
    try:
        lines = [line.strip() for line in file.read_text("ascii").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file} cannot be read as heads, one a line.") from error
    keys = _station_keys(folder, station_id)
    heads = [_head(line, keys, station_id) for line in lines]
    if not heads or None in heads:
        raise KeyUnusable(f"{file} holds a line that this station has not signed.")
    return [head for head in heads if head is not None]


def _head(token: str, keys: dict[str, PublicKey], station_id: str) -> Head | None:
    for typ in (HEAD_TYP, STATEMENT_TYP):
        try:
            said, _ = verified(token, typ, keys)
            if said.get("station_id") != station_id:
                return None
            end = said if typ == HEAD_TYP else said["audit"]
            return Head(int(end["n"]), bytes.fromhex(end["head"]))
        except SignatureInvalid:
            continue
        except (KeyError, TypeError, ValueError):
            return None
    return None


def _station_keys(folder: Path, station_id: str) -> dict[str, PublicKey]:
    """Return the station's public keys, of its card and of those before: no private one."""
    card = folder / CARDS / f"{station_id}.json"
    try:
        listed: list[dict[str, Any]] = json.loads(card.read_bytes())["keys"]
        keys = [public_key(jwk) for jwk in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyUnusable(
            f"{card} is missing or damaged: run run_edge.py provision --settings FILE."
        ) from error
    return {key.thumbprint(): key for key in (*keys, *former_keys(folder))}


def _open(folder: Path) -> apsw.Connection:
    path, key_file = folder / "store.db", folder / "store.key"
    if not path.exists() or not key_file.exists():
        raise StoreKeyWrong(f"There is no store in {folder} yet, or its key is missing.")
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(5000)
        unlock(db, key_file.read_bytes().hex())
    except apsw.Error as error:
        raise StoreBroken(
            f"{path} cannot be read: it is damaged or belongs to another key than {key_file}."
        ) from error
    return db


def _rows(db: apsw.Connection) -> Iterator[Row]:
    for row in db.execute("select n, hash, entry from audit order by n"):
        yield Row(*row)


def _held_against(rows: Iterator[Row], wanted: dict[int, Head]) -> Iterator[Row]:
    for row in rows:
        # After its own check: the row before was yielded, so this one comes only if that held.
        head = wanted.get(row.n)
        if head is not None and head.hash != row.hash:
            raise AuditBroken(row.n, "differs from the head that left the station")
        yield row
