"""Numbers that outlive a restart; every function runs in the caller's transaction."""

from __future__ import annotations

import apsw


def count(db: apsw.Connection, name: str, by: int = 1) -> int:
    """Add to a counter, which begins at 0, and return what it is now.

    Args:
        db: the write connection, in the transaction of what is counted.
        name: such as "persons" or "sittings/2026-11/accepted"; never anything about a person.
        by: how much more.
    """
    value: int = db.execute(
        "insert into counter(name, value) values(?, ?)"
        " on conflict(name) do update set value = value + excluded.value returning value",
        (name, by),
    ).get
    return value


def counted(db: apsw.Connection, name: str) -> int:
    """Return a counter; 0 if it never counted."""
    value: int | None = db.execute("select value from counter where name = ?", (name,)).get
    return value or 0


def counters(db: apsw.Connection, prefix: str) -> dict[str, int]:
    """Return the counters whose names begin so, by the rest of their names."""
    found = db.execute(
        "select substr(name, ?), value from counter where substr(name, 1, ?) = ? order by name",
        (len(prefix) + 1, len(prefix), prefix),
    )
    return {str(rest): int(str(value)) for rest, value in found}
