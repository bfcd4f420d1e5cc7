"""What a station did in a month: counts without any id, kept with what they count.

Each count grows in the transaction that ends a sitting, so that it is neither lost in a power cut
nor counted twice. Months are those of UTC, as every time in the journal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

import apsw

from edge.utc import rfc3339

SITTING: Final = "sittings"
ORDER: Final = "orders"
"""Orders that ended without a sitting."""
PORTRAIT: Final = "portraits"
FINGER: Final = "fingers"
HELP: Final = "help"
TICKET: Final = "tickets"
MATERIAL: Final = "materials"
"""Papers that were to be brought later, by their code."""
_PERSON_ENDS: Final = frozenset({"declined", "left"})
_MATERIAL_LACKS: Final = re.compile(r"material:([a-z][a-z0-9_]{0,39})")
_FINGER_PART: Final = re.compile(r"finger/([a-z_]+)\.png")


def count(db: apsw.Connection, kind: str, what: str, now_ms: int, by: int = 1) -> None:
    """Count `what` in the month of `now_ms`, in the caller's transaction."""
    if by:
        db.execute(
            "insert into counter(name, value) values(?, ?)"
            " on conflict(name) do update set value = value + excluded.value",
            (f"{kind}/{month_of(now_ms)}/{what}", by),
        )


def count_closed(
    db: apsw.Connection, cursor: int, result: str, missing: Iterable[str], now_ms: int
) -> None:
    """Count a sitting whose package is being closed, while the package still says how it came.

    Args:
        db: the write connection.
        cursor: of the package.
        result: of the sitting.
        missing: what the package lacks: "portrait", "finger:<position>" or "material:<code>".
        now_ms: when.
    """
    lacks = list(missing)
    kept = db.execute("select sitting from package where id = ?", (cursor,)).get
    origin = json.loads(kept or "{}").get("origin")
    names = [name for (name,) in db.execute("select name from part where package = ?", (cursor,))]
    taken = {found[1] for name in names if name and (found := _FINGER_PART.fullmatch(name))}
    count(db, SITTING, result, now_ms)
    if origin is not None:
        count(db, PORTRAIT, str(origin), now_ms)
    count(db, PORTRAIT, "missing", now_ms, lacks.count("portrait"))
    count(db, FINGER, "taken", now_ms, len(taken))
    count(db, FINGER, "missing", now_ms, sum(what.startswith("finger:") for what in lacks))
    for what in lacks:
        if (paper := _MATERIAL_LACKS.fullmatch(what)) is not None:
            count(db, MATERIAL, paper[1], now_ms)


def count_dropped(db: apsw.Connection, actor_id: str, now_ms: int) -> None:
    """Count a sitting that its person ended; what the station drops by itself is none."""
    if actor_id in _PERSON_ENDS:
        count(db, SITTING, "cancelled", now_ms)


def month_figures(db: apsw.Connection, month: str) -> dict[str, dict[str, int]]:
    """Return the counts of one month ("2026-11") by kind; what never happened is not there."""
    found: dict[str, dict[str, int]] = {}
    for name, value in db.execute(
        "select name, value from counter where name glob ?", (f"*/{month}/*",)
    ):
        kind, _, what = name.split("/")
        found.setdefault(kind, {})[what] = value
    return found


def month_of(now_ms: int) -> str:
    """Return the month of a moment as `2026-11`."""
    return rfc3339(now_ms)[:7]


def package_counts(db: apsw.Connection) -> list[tuple[tuple[str, str], int]]:
    """Return how many packages are in which state, by the key that they are sealed to.

    Of those that were receipted nothing is left to open, so they have no key here: looking theirs
    up would read the whole journal for each figure.
    """
    found = db.execute(
        "select state, kid, count(*) from package where state in ('open', 'ready', 'quarantined')"
        " group by state, kid"
    )
    counts = [((state, kid), number) for state, kid, number in found]
    receipted = db.execute("select count(*) from package where state = 'receipted'").get
    return [*counts, (("receipted", ""), int(receipted))]
