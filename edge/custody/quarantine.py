"""Packages that were set aside: sent once more, or deleted, by a technician who says why.

Both are done in one transaction with their audit row. Nothing here looks into a package: it stays
sealed to the centre.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import apsw

from edge.events import note_event
from edge.store import NoSuchPackage, PackageGone, PackageUnreadable, Store
from edge.store.damage import delete_parts
from edge.store.delivery import package_row
from edge.store.disk_floor import Reserve
from edge.store.open_packages import note
from edge.store.rows import PackageRow
from edge.trust.audit import Actor
from edge.utc import now_ms

RELEASE_REASONS: Final = ("sink_mended", "settings_changed", "centre_asked", "by_authority")
"""Why something is sent once more; codes, since no audit row holds free words."""
DELETE_REASONS: Final = ("handed_over", "test_data", "duplicate", "by_authority")
"""Why what has no receipt may be deleted: the same as of `edge.custody.export`."""
RELEASED: Final = "released"
"""The last code of a delivery that was let go again: its receipt is not asked for first."""
GIVEN_UP: Final = "deleted"


def quarantined(store: Store, limit: int = 100) -> tuple[PackageRow, ...]:
    """Return packages that are set aside for a sink and still lie here, oldest first."""
    return tuple(store.read(partial(_quarantined, limit=limit)))


def release(store: Store, package_id: str, reason: str, actor: Actor) -> None:
    """Let a package that was set aside wait again for every sink that it was set aside for.

    Raises:
        ValueError: no such reason.
        NoSuchPackage: none of this id is set aside.
        PackageGone, PackageUnreadable: there is nothing that could be sent.
        StoreFull, StoreBroken: nothing happened.
    """
    if reason not in RELEASE_REASONS:
        raise ValueError(f"{reason!r} is no reason to send it once more")
    store.write(partial(_release, package_id=package_id, reason=reason, actor=actor), Reserve.LAST)


def delete(store: Store, package_id: str, reason: str, actor: Actor) -> None:
    """Delete what lies here of a package that no custody sink may take any more, for ever.

    Raises:
        ValueError: no such reason.
        NoSuchPackage: none of this id is set aside, or a custody sink may still take it.
        PackageGone: it is deleted already.
        StoreFull, StoreBroken: nothing happened.
    """
    if reason not in DELETE_REASONS:
        raise ValueError(f"{reason!r} is no reason to delete it")
    store.write(partial(_delete, package_id=package_id, reason=reason, actor=actor), Reserve.LAST)


def _quarantined(db: apsw.Connection, limit: int) -> list[PackageRow]:
    found = db.execute(
        "select distinct package_id, package.id from package"
        " join delivery on delivery.package = package.id"
        " where delivery.state = 'quarantined' and package.state in ('ready', 'quarantined')"
        " and sequence is not null and exists (select 1 from part where package = package.id)"
        " order by package.id limit ?",
        (limit,),
    ).fetchall()
    return [package_row(db, str(package_id)) for package_id, _ in found]


def _set_aside(db: apsw.Connection, package_id: str) -> PackageRow:
    """Return it, if it is set aside and lies here. Raises as `release`."""
    row = package_row(db, package_id)
    aside = any(one.state == "quarantined" for one in row.deliveries)
    if not aside or row.state == "receipted":
        raise NoSuchPackage(f"package {package_id} is not set aside")
    if db.execute("select 1 from part where package = ? limit 1", (row.cursor,)).get is None:
        raise PackageGone(f"package {package_id} was deleted")
    return row


def _release(db: apsw.Connection, package_id: str, reason: str, actor: Actor) -> None:
    row = _set_aside(db, package_id)
    if db.execute("select damaged from package where id = ?", (row.cursor,)).get:
        raise PackageUnreadable(f"package {package_id} cannot be read as it was sealed")
    db.execute(
        "update delivery set state = 'waiting', last_code = ?, receipt = null"
        " where package = ? and state = 'quarantined'",
        (RELEASED, row.cursor),
    )
    db.execute("update package set state = 'ready' where id = ?", (row.cursor,))
    note(db, actor, "package.release", package_id, outcome=reason)


def _delete(db: apsw.Connection, package_id: str, reason: str, actor: Actor) -> None:
    row = _set_aside(db, package_id)
    if row.state != "quarantined":
        raise NoSuchPackage(f"package {package_id} may still be taken by a custody sink")
    db.execute(
        "update delivery set state = 'quarantined', last_code = ?"
        " where package = ? and state in ('waiting', 'sending')",
        (GIVEN_UP, row.cursor),
    )
    delete_parts(db, row.cursor)
    note(db, actor, "package.delete", package_id, outcome=reason)
    note_event(db, "package.quarantined", package_id, {"sink": None, "code": GIVEN_UP}, now_ms())
