"""Who has which packages for how long: exclusive for one client, in memory, by the monotonic clock.

A restart forgets all leases, and their packages may be leased again: at least once is the contract,
and a receipt needs no lease. Only how often a package was leased is kept, for the alarm: a package
that is taken again and again without a receipt means a client that cannot do its work.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import apsw
from uuid_utils import uuid7

from edge.delivery.collection import Collectable, Room, any_ready, choose, count_lease
from edge.orders.idempotency import KeyReused, Once
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import now_ms, rfc3339

K = TypeVar("K")
V = TypeVar("V")
OPEN_MAX: Final = 4
REMEMBERED: Final = 1024
"""So many keys, and so many ended leases, are told apart from ones that never were."""


class LeasesExhausted(Exception):
    """The client has four open leases. End one, or hand in the receipts of one."""


class NoSuchLease(Exception):
    """Not a lease of this client; also after a restart of the station. Take a new one."""


class LeaseExpired(Exception):
    """Its time is over and others may have its packages. Take a new lease, with a new key."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One client's hold on some packages.

    Attributes:
        expires_at_ms: by the wall clock, for the client to read; the station goes by another.
        packages: as they were when it was taken.
    """

    lease_id: str
    client: str
    expires_at_ms: int
    packages: tuple[Collectable, ...]


@dataclass(slots=True)
class _Held:
    lease: Lease
    until_s: float
    left: set[str] = field(default_factory=set)


class Leases:
    """All leases of one station. Any thread may call it."""

    def __init__(self, store: Store, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Begin without any.

        Args:
            store: the journal.
            clock_s: seconds that never jump.
        """
        self._store = store
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._open: dict[str, _Held] = {}
        self._by_package: dict[str, _Held] = {}
        self._expired: OrderedDict[str, str] = OrderedDict()
        self._done: OrderedDict[str, str] = OrderedDict()
        self._keys: OrderedDict[tuple[str, str], tuple[bytes, str]] = OrderedDict()

    def take(self, client: str, room: Room, ttl_s: int, once: Once) -> tuple[Lease, bool] | None:
        """Lease what is ready, urgent packages first, then the oldest.

        Args:
            client: who asks.
            room: how much at most.
            ttl_s: for how long.
            once: mark of the request; the same again is the same lease while that is open.

        Returns:
            The lease, and whether the request had made it before; None if nothing is ready.

        Raises:
            LeasesExhausted: nothing happened.
            KeyReused: the key belongs to another request.
            LeaseExpired: the request made a lease that is over.
            StoreFull, StoreBroken: nothing happened.
        """
        with self._lock:
            self._sweep()
            earlier = self._earlier(client, once)
            if earlier is not None:
                return earlier, True
            if sum(held.lease.client == client for held in self._open.values()) >= OPEN_MAX:
                raise LeasesExhausted
            taken = self._by_package
            if not self._store.read(lambda db: any_ready(db, taken)):
                return None
            made = self._lease(client, room, ttl_s, once)
            return None if made is None else (made, False)

    def extend(self, client: str, lease_id: str, ttl_s: int) -> Lease:
        """Let a lease last `ttl_s` from now. Raises `NoSuchLease`, `LeaseExpired`."""
        with self._lock:
            self._sweep()
            held = self._held(client, lease_id)
            held.until_s = self._clock_s() + ttl_s
            held.lease = replace(held.lease, expires_at_ms=now_ms() + ttl_s * 1000)
            return held.lease

    def end(self, client: str, lease_id: str) -> None:
        """Let others have what is left of it; of one that has nothing left: harmless.

        Raises:
            NoSuchLease: not this client's.
            LeaseExpired: others may have had its packages meanwhile.
        """
        with self._lock:
            self._sweep()
            if self._done.get(lease_id) == client:
                return
            held = self._held(client, lease_id)
            self._close(held, self._done)

    def settle(self, package_id: str) -> None:
        """Note that a receipt came: the package is out of its lease; the last one ends it."""
        with self._lock:
            held = self._by_package.pop(package_id, None)
            if held is None:
                return
            held.left.discard(package_id)
            if not held.left:
                self._close(held, self._done)

    def holder(self, package_id: str) -> str | None:
        """Return the client that has leased it, None if nobody has."""
        with self._lock:
            held = self._by_package.get(package_id)
            return None if held is None or self._over(held) else held.lease.client

    def leased(self) -> Container[str]:
        """Return the ids of all packages that somebody has leased now."""
        with self._lock:
            self._sweep()
            return frozenset(self._by_package)

    def _lease(self, client: str, room: Room, ttl_s: int, once: Once) -> Lease | None:
        lease_id, taken = str(uuid7()), self._by_package

        def lease(db: apsw.Connection) -> list[Collectable]:
            chosen = count_lease(db, choose(db, room, taken))
            if not chosen:
                return []
            about = {"lease_id": lease_id, "packages": str(len(chosen))}
            audit.append(db, rfc3339(now_ms()), Actor("client", client), "lease.add", about, "ok")
            return chosen

        # Collecting is what frees a full disk.
        chosen = self._store.write(lease, Reserve.LAST)
        if not chosen:
            return None
        made = Lease(lease_id, client, now_ms() + ttl_s * 1000, tuple(chosen))
        ids = {row.package_id for row in chosen}
        held = _Held(made, self._clock_s() + ttl_s, ids)
        self._open[lease_id] = held
        self._by_package |= dict.fromkeys(ids, held)
        _remember(self._keys, (client, once.key), (once.request_sha256, lease_id))
        return made

    def _earlier(self, client: str, once: Once) -> Lease | None:
        request_sha256, lease_id = self._keys.get((client, once.key), (b"", ""))
        if not lease_id:
            return None
        if request_sha256 != once.request_sha256:
            raise KeyReused
        held = self._open.get(lease_id)
        if held is None:
            raise LeaseExpired
        return held.lease

    def _held(self, client: str, lease_id: str) -> _Held:
        held = self._open.get(lease_id)
        if held is not None and held.lease.client == client:
            return held
        if client in (self._expired.get(lease_id), self._done.get(lease_id)):
            raise LeaseExpired
        raise NoSuchLease

    def _over(self, held: _Held) -> bool:
        return held.until_s <= self._clock_s()

    def _sweep(self) -> None:
        for held in [held for held in self._open.values() if self._over(held)]:
            self._close(held, self._expired)

    def _close(self, held: _Held, ended: OrderedDict[str, str]) -> None:
        del self._open[held.lease.lease_id]
        for package_id in held.left:
            del self._by_package[package_id]
        held.left.clear()
        _remember(ended, held.lease.lease_id, held.lease.client)


def _remember(book: OrderedDict[K, V], key: K, value: V) -> None:
    """Write it down; the oldest entry makes room."""
    book[key] = value
    if len(book) > REMEMBERED:
        book.popitem(last=False)
