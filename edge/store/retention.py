"""How much lies here and for how long: counted and announced, never deleted by itself.

What has no receipt stays whatever these say; a person decides. The limit of persons is a legal
matter: whoever stores the faces of 100,000 persons has to file it with the authority (Measures for
Security of Face Recognition Applications, order 19, in force since 2025-06-01).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import apsw

from edge.store.counters import counted
from edge.store.damage import COUNTER


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a technician is called.

    Attributes:
        unsent_days: age of the oldest package that no custody sink has.
        unsent: how many of them.
        persons: whose packages were closed here, ever.
        free_share: of the file system, 0 to 1.
    """

    unsent_days: float = 14.0
    unsent: int = 10_000
    persons: int = 100_000
    free_share: float = 0.2


@dataclass(frozen=True, slots=True)
class Holdings:
    """What lies here.

    Attributes:
        unsent: packages that no custody sink has yet, without the quarantined.
        oldest_sealed_at_ms: the first of them, UTC; None if all are sent.
        persons: whose packages were closed here, ever.
        unreadable: packages that were set aside for damage.
    """

    unsent: int
    oldest_sealed_at_ms: int | None
    persons: int
    unreadable: int


def holdings(db: apsw.Connection) -> Holdings:
    """Count what lies here, at the cost of what is unsent."""
    unsent: int = db.execute("select count(*) from package where state = 'ready'").get
    oldest: int | None = db.execute(
        "select sealed_at_ms from package where state = 'ready' order by sequence limit 1"
    ).get
    return Holdings(unsent, oldest, counted(db, "persons"), counted(db, COUNTER))


def warnings(held: Holdings, limits: Limits, free_share: float, now_ms: int) -> tuple[str, ...]:
    """Return codes of what a technician should look at before it becomes trouble.

    "unsent_too_old", "unsent_too_many", "persons_limit", "space_low".

    Args:
        held: what lies here.
        limits: from where on.
        free_share: of the file system, 0 to 1.
        now_ms: UTC.
    """
    oldest_ms = now_ms if held.oldest_sealed_at_ms is None else held.oldest_sealed_at_ms
    found = {
        "unsent_too_old": now_ms - oldest_ms > limits.unsent_days * 86_400_000,
        "unsent_too_many": held.unsent >= limits.unsent,
        "persons_limit": held.persons >= limits.persons,
        "space_low": free_share < limits.free_share,
    }
    return tuple(code for code, holds in found.items() if holds)


def free_share(folder: Path) -> float:
    """Return how much of the file system is free, 0 to 1; 0 of one that does not answer."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return 0.0
    return room.f_bavail / room.f_blocks if room.f_blocks else 1.0
