"""What staff did at a console, each a row of the audit chain: who it was, ids and codes only."""

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
        "guide.sign_in", "guide.sign_out", "guide.open_row", "guide.begin", "guide.take_over",
        "guide.give_back", "guide.move", "guide.shutter", "guide.exception", "guide.same_person",
        "guide.close_missing", "guide.to_window", "guide.left_resume", "guide.left_close",
        "guide.left_delete", "remote.ask", "remote.on", "remote.end", "remote.say", "remote.point",
        "remote.retry", "remote.to_window",
    }
)  # fmt: skip
"""Everything that a console notes (`docs/guide.md`); calls for staff are noted by their tickets."""


class ActBook:
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
            ValueError: no console does that.
            StoreFull, StoreBroken: it was not noted.
        """
        if act not in ACTS:
            raise ValueError(f"no console does {act!r}")
        actor = Actor("remote" if member.role == "remote" else "attendant", member.staff_id)
        told = {name: value for name, value in about.items() if value}
        self._store.write(
            lambda db: audit.append(db, rfc3339(now_ms()), actor, act, told, outcome), Reserve.LAST
        )
