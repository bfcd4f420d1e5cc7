"""The centre's key list: what samples are sealed to, who signs receipts, who is denied.

    anxin-keys+jws  {"v":1,"seq","issued_at","keys":[{"use","kid","jwk","not_before","not_after"}],
                     "deny_clients":[...]}

The pinned root signs it. Two keys of a use are valid together while the centre changes from one to
the other; `docs/package.md` is the specification.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from edge.durable import write_secret
from edge.store import STATION, Store
from edge.trust.audit import Actor
from edge.trust.keys import KeyUnusable, SealingKey
from edge.trust.signatures import PublicKey, SignatureInvalid, public_key, signs
from edge.trust.signed_list import (
    Rollback,
    accept_list,
    current_token,
    pinned_root,
    pinned_token,
    said_by_root,
)
from edge.utc import moment_ms

NEWEST_FILE: Final = "newest-keys.jws"
_USES: Final = frozenset({"seal", "receipt", "content"})
_keeping = threading.Lock()

log = structlog.get_logger("trust")

__all__ = ["KeyList", "ListedKey", "Rollback", "SignatureInvalid", "accept_key_list",
           "current_keys"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key of the list.

    Attributes:
        use: "seal", "receipt" or "content"; keys of other uses are left out of the list.
        not_before_ms, not_after_ms: UTC; the key is used from the first on, never after the other.
    """

    use: str
    kid: str
    key: PublicKey
    not_before_ms: int
    not_after_ms: int

    def valid(self, at_ms: int) -> bool:
        """Tell whether it may be used at that moment."""
        return self.not_before_ms <= at_ms < self.not_after_ms


@dataclass(frozen=True, slots=True)
class KeyList:
    """A list whose signature holds."""

    seq: int
    issued_at_ms: int
    keys: tuple[ListedKey, ...]
    deny_clients: frozenset[str]
    token: str

    @classmethod
    def verify(cls, token: str, root: PublicKey, known_seq: int = 0) -> KeyList:
        """Return the list if the root signed it and it is not older than what is known.

        Args:
            token: compact JWS.
            root: the pinned public key.
            known_seq: number of the list that we have; 0: none.

        Raises:
            SignatureInvalid: not the root's, or not a key list of version 1.
            Rollback: a list of a higher number was accepted before.
        """
        said = said_by_root(root, "keys", token)
        try:
            listed = cls(
                seq=int(said["seq"]),
                issued_at_ms=moment_ms(said["issued_at"]),
                keys=tuple(_listed(key) for key in said["keys"] if key["use"] in _USES),
                deny_clients=_denied(said.get("deny_clients", [])),
                token=token,
            )
        except (KeyError, TypeError, ValueError, KeyUnusable) as error:
            raise SignatureInvalid("this is no key list") from error
        if listed.seq < known_seq:
            raise Rollback(f"list {listed.seq} is older than ours, {known_seq}")
        return listed

    def sealing(self, at_ms: int) -> tuple[SealingKey, ...]:
        """Return the keys that may be sealed to at that moment, newest first."""
        valid = [key for key in self.keys if key.use == "seal" and key.valid(at_ms)]
        valid.sort(key=lambda key: key.not_before_ms, reverse=True)
        return tuple(
            SealingKey(key.kid, key.key.public_key)
            for key in valid
            if isinstance(key.key.public_key, X25519PublicKey)
        )

    def receipts(self) -> Mapping[str, ListedKey]:
        """Return the keys that receipts may be signed with, by kid."""
        return {key.kid: key for key in self.keys if key.use == "receipt"}

    def content(self) -> Mapping[str, ListedKey]:
        """Return the keys that content packs may be signed with, by kid."""
        return {key.kid: key for key in self.keys if key.use == "content"}

    @property
    def sealing_ends_ms(self) -> int:
        """When the last of the sealing keys expires (UTC); 0 without any."""
        return max((key.not_after_ms for key in self.keys if key.use == "seal"), default=0)


def accept_key_list(store: Store, token: str, actor: Actor = STATION) -> None:
    """Keep a newer key list; the same one again changes nothing.

    A copy lies beside the journal before this returns: a journal that is set aside or restored
    must not bring back a key, or a client, that was struck off.

    Raises:
        SignatureInvalid: not by the pinned root, or no key list.
        Rollback: ours is newer.
        StoreFull, StoreBroken: nothing happened.
    """
    root = store.read(pinned_root)
    if root is not None:
        # Whole before it is kept: a list that cannot be read would leave the station without one.
        KeyList.verify(token, root)
    accept_list(store, "keys", token, actor)
    keep_beside(store, store.folder)


def keep_beside(store: Store, folder: Path) -> None:
    """Copy the newest accepted list into a folder, if it is not there; a full disk may refuse."""
    path = folder / NEWEST_FILE
    # Of two lists that come at once the newer is written last.
    with _keeping:
        token = current_token(store, "keys")
        if token is None or _lies_in(path, token):
            return
        try:
            write_secret(path, token.encode() + b"\n")
        except OSError:
            # The journal has it, and the next start tries again.
            log.warning("key_list_not_copied")


def _lies_in(path: Path, token: str) -> bool:
    try:
        return path.read_text("ascii").strip() == token
    except (OSError, ValueError):
        return False


def current_keys(store: Store) -> KeyList | None:
    """Return the newest accepted key list, None before the first."""
    token, root = current_token(store, "keys"), store.read(pinned_token)
    return None if token is None or root is None else _verified(token, root)


@lru_cache(maxsize=8)
def _verified(token: str, root: str) -> KeyList:
    # Asked for several times a second, and the signature holds for good.
    return KeyList.verify(token, public_key(json.loads(root)))


def _listed(row: Mapping[str, Any]) -> ListedKey:
    key = public_key(row["jwk"])
    use = str(row["use"])
    if (use != "seal") != signs(key):
        raise KeyUnusable("a key of another kind than its use asks for")
    listed = ListedKey(
        use, key.thumbprint(), key, moment_ms(row["not_before"]), moment_ms(row["not_after"])
    )
    if row.get("kid", listed.kid) != listed.kid:
        raise KeyUnusable("a kid that is not the key's own")
    return listed


def _denied(names: Any) -> frozenset[str]:
    # One name in the place of a list would else shut out its letters, and nobody.
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("names to deny are a list of words")
    return frozenset(names)
