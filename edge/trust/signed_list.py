"""Lists that the centre's root signs: kept as their exact token, and their number never goes down.

The root's public half is pinned at provisioning and lies in the journal beside them: who swaps the
file of the pin alone is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import apsw

from edge.store import STATION, Store
from edge.trust import audit
from edge.trust.audit import Actor
from edge.trust.keys import KeyUnusable
from edge.trust.signatures import PublicKey, SignatureInvalid, public_key, signs, verified
from edge.utc import now_ms, rfc3339

ROOT_FILE: Final = "root.json"
ListKind = Literal["keys", "policies"]
TYPES: Final[Mapping[ListKind, str]] = {
    "keys": "anxin-keys+jws",
    "policies": "anxin-policies+jws",
}
NOT_PINNED: Final = "The centre is not pinned here yet: run_edge.py provision --centre FOLDER."


class Rollback(Exception):
    """A list that is older than the one we have, or another of the same number. Keep ours."""


def read_root(folder: Path) -> PublicKey:
    """Return the pinned root out of `root.json`.

    Raises:
        KeyUnusable: no such file, or no public key that signs.
    """
    path = folder / ROOT_FILE
    try:
        jwk = json.loads(path.read_bytes())["jwk"]
        key = public_key(jwk)
    except NotADirectoryError as error:
        why = f"{folder} is a file; store.centre_keys names the folder with {ROOT_FILE} now."
        raise KeyUnusable(f"{why} Run run_edge.py provision --centre FOLDER.") from error
    except KeyUnusable as error:
        raise KeyUnusable(f"{path}: {error}. {NOT_PINNED}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyUnusable(f"{path} holds no root key of a centre. {NOT_PINNED}") from error
    if not signs(key):
        raise KeyUnusable(f"{path} holds a key that cannot sign. {NOT_PINNED}")
    return key


def pin_root(store: Store, root: PublicKey, actor: Actor = STATION, *, anew: bool = False) -> None:
    """Keep the root in the journal; the same one again changes nothing.

    Args:
        store: the journal.
        root: the public half.
        actor: who pinned it.
        anew: another root takes the place of the one before, and its lists go.

    Raises:
        KeyUnusable: another root is pinned already.
    """
    kid, token = root.thumbprint(), json.dumps(root.as_dict(private=False), sort_keys=True)

    def pin(db: apsw.Connection) -> None:
        kept = pinned_root(db)
        if kept is not None and kept.thumbprint() == kid:
            return
        if kept is not None and not anew:
            raise KeyUnusable(
                "Another centre is pinned here already: compare the fingerprints; to change the"
                " centre on purpose run run_edge.py provision --centre FOLDER --another-centre."
            )
        db.execute("delete from signed_list")
        db.execute("insert into signed_list values('root', 0, ?, ?)", (token, now_ms()))
        audit.append(db, rfc3339(now_ms()), actor, "centre.pin", {"kid": kid}, "ok")

    store.write(pin)


def pinned_root(db: apsw.Connection) -> PublicKey | None:
    """Return the root that the journal holds, None before provisioning."""
    token = pinned_token(db)
    return None if token is None else public_key(json.loads(token))


def pinned_token(db: apsw.Connection) -> str | None:
    """Return the pinned root as its JWK's text."""
    token: str | None = db.execute("select token from signed_list where kind = 'root'").get
    return token


def current_token(store: Store, kind: ListKind) -> str | None:
    """Return the newest accepted list as it was signed, None before the first."""
    token: str | None = store.read(
        lambda db: db.execute("select token from signed_list where kind = ?", (kind,)).get
    )
    return token


def said_by_root(root: PublicKey, kind: ListKind, token: str) -> Mapping[str, Any]:
    """Return what a list says. Raises `SignatureInvalid`."""
    said, _ = verified(token, TYPES[kind], {root.thumbprint(): root})
    seq = said.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq < 1 << 53:
        raise SignatureInvalid("a list has a number from 1 on")
    return said


def accept_list(store: Store, kind: ListKind, token: str, actor: Actor = STATION) -> None:
    """Keep a list that the pinned root signed; the same one again changes nothing.

    Raises:
        SignatureInvalid: not by the pinned root, or nothing is pinned.
        Rollback: ours is newer.
        StoreFull, StoreBroken: nothing happened.
    """

    def accept(db: apsw.Connection) -> None:
        root = pinned_root(db)
        if root is None:
            raise SignatureInvalid(NOT_PINNED)
        seq = int(said_by_root(root, kind, token)["seq"])
        kept = db.execute("select seq, token from signed_list where kind = ?", (kind,)).get
        if kept is not None and kept[1] == token:
            return
        if kept is not None and seq <= kept[0]:
            raise Rollback(f"list {seq} is not newer than ours, {kept[0]}")
        db.execute("insert or replace into signed_list values(?, ?, ?, ?)",
                   (kind, seq, token, now_ms()))  # fmt: skip
        audit.append(db, rfc3339(now_ms()), actor, f"{kind}.accept", {"seq": str(seq)}, "ok")

    store.write(accept)
