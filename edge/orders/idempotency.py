"""A request that is sent twice has one effect: its answer is kept with what it did, for 72 hours.

Source: draft-ietf-httpapi-idempotency-key-header. The answer is written in the transaction of the
effect, so that neither is there without the other.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import apsw

from edge.store import Store

KEPT_MS: Final = 72 * 3600 * 1000


class KeyReused(Exception):
    """The key belongs to another request. Send that one as it was, or take a new key."""


class KeyBusy(Exception):
    """The same request runs just now. Ask again in a moment."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request that must have its effect once.

    Attributes:
        client: who asks; keys of two clients are two keys.
        key: 16 to 64 characters, the client's own.
        request_sha256: of method, path and body.
    """

    client: str
    key: str
    request_sha256: bytes

    @classmethod
    def of(cls, client: str, key: str, method: str, path: str, body: bytes) -> Once:
        """Return the mark of a request."""
        digest = hashlib.sha256(f"{method}\n{path}\n".encode() + body).digest()
        return cls(client, key, digest)


class Repeats:
    """Knows which requests run and what was answered to those that had an effect."""

    def __init__(self, store: Store) -> None:
        """Use the journal's table."""
        self._store = store
        self._lock = threading.Lock()
        self._running: set[tuple[str, str]] = set()

    @contextmanager
    def first(self, once: Once) -> Iterator[str | None]:
        """Hold the key for the duration of a block; yields the earlier answer, None the first time.

        Raises:
            KeyReused: it belongs to another request.
            KeyBusy: that request still runs.
        """
        place = (once.client, once.key)
        with self._lock:
            if place in self._running:
                raise KeyBusy
            self._running.add(place)
        try:
            yield self._earlier(once)
        finally:
            with self._lock:
                self._running.discard(place)

    def _earlier(self, once: Once) -> str | None:
        row = self._store.read(
            lambda db: (
                db.execute(
                    "select request_sha256, answer from idempotency where client = ? and key = ?",
                    (once.client, once.key),
                ).get
            )
        )
        if row is None:
            return None
        if row[0] != once.request_sha256:
            raise KeyReused
        return str(row[1])


def keep(db: apsw.Connection, once: Once, answer: str, now_ms: int) -> None:
    """Keep the answer, in the transaction of the effect."""
    db.execute(
        "insert into idempotency(client, key, request_sha256, answer, kept_at_ms)"
        " values(?, ?, ?, ?, ?)",
        (once.client, once.key, once.request_sha256, answer, now_ms),
    )


def forget(db: apsw.Connection, now_ms: int) -> None:
    """Delete what was kept for 72 hours."""
    db.execute("delete from idempotency where kept_at_ms <= ?", (now_ms - KEPT_MS,))


def any_stale(db: apsw.Connection, now_ms: int) -> bool:
    """Tell whether there is anything to forget."""
    row = db.execute(
        "select 1 from idempotency where kept_at_ms <= ? limit 1", (now_ms - KEPT_MS,)
    ).get
    return row is not None
