"""What a technician did at the console, each a row of the audit chain: who, what, codes only."""

from __future__ import annotations

from typing import Final

from edge.staff import Member
from edge.store import Store
from edge.store.disk_floor import Reserve
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import now_ms, rfc3339

ACTS: Final = frozenset(
    {
        "technician.sign_in", "technician.sign_out", "technician.shutter", "technician.clear",
        "technician.retry", "technician.support", "technician.settings", "technician.staff",
        "technician.screen", "technician.calibrate",
    }
)  # fmt: skip
"""What the console notes (`docs/technician.md`); maintenance, calibrations and packages that are
released or deleted are noted where they are done, in the same transaction."""


def actor_of(member: Member) -> Actor:
    """Return a member of the staff as the audit chain names who acts."""
    return Actor("auditor" if member.role == "auditor" else "technician", member.staff_id)


class TechnicianBook:
    """Writes the rows. Any thread may call it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, member: Member, act: str, outcome: str = "ok", **about: str) -> None:
        """Append one row, durably.

        Args:
            member: who did it.
            act: one of `ACTS`.
            outcome: a code, "ok" or why not.
            about: ids and codes, never anything of a person.

        Raises:
            ValueError: the console does not do that.
            StoreFull, StoreBroken: it was not noted.
        """
        if act not in ACTS:
            raise ValueError(f"the console does not do {act!r}")
        actor, told = actor_of(member), {name: value for name, value in about.items() if value}
        self._store.write(
            lambda db: audit.append(db, rfc3339(now_ms()), actor, act, told, outcome), Reserve.LAST
        )
