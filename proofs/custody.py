"""The judge of custody: what was told, held against what a restarted station has.

Every word told must be true; more may be there (a cut between commit and word). Each closed package
is opened as the centre opens it; the chains of packages and of audit rows must be whole; and the
sitting that was in hand must be found again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from centre.opening import Opened, Refused, Rejected
from edge.store import (
    OpenPackage,
    PackageGone,
    PackageRow,
    PackageUnreadable,
    Store,
    StoreError,
)
from edge.trust import audit
from proofs.powercut.forked import Verdict
from proofs.premises import Premises, open_store

ALL: Final = 1 << 20
RESUME_WITHIN_S: Final = 86_400.0


@dataclass(slots=True)
class Told:
    """What was told so far: the last word about each package.

    Attributes:
        parts: by package, digest of the record by the part's name ("": any).
        closed: digest of the file by package.
        receipted: packages whose receipt is recorded.
        left: whose person was led to the window: nobody goes on with them.
    """

    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    receipted: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, words: Iterable[str]) -> Told:
        """Read the words of a writer."""
        told = cls()
        for word in words:
            said: Mapping[str, Any] = json.loads(word)
            if "kept" in said:
                told.parts.setdefault(said["kept"], {}).update(said["parts"])
            elif "closed" in said:
                told.closed[said["closed"]] = said["digest"]
            elif "receipted" in said:
                told.receipted.add(said["receipted"])
            elif "left" in said:
                told.left.add(said["left"])
        return told

    @property
    def newest(self) -> str | None:
        """The package that was told of last."""
        return next(reversed(self.parts), None)


@dataclass(slots=True)
class Found:
    """What a restarted station has, and what is wrong with it."""

    open: dict[str, OpenPackage]
    closed: dict[str, PackageRow]
    opened: dict[str, Opened]
    damaged: int
    faults: list[str]


def judge(
    premises: Premises,
    folder: Path,
    words: Sequence[str],
    arrived: Callable[[PackageRow], bool] = lambda row: True,
) -> Verdict:
    """Restart the station in the folder and judge it.

    Args:
        premises: of the station and its centre.
        folder: of the station's journal.
        words: what was told.
        arrived: whether the centre has this package, by its digest.
    """
    told = Told.of(words)
    try:
        with open_store(folder) as store:
            found = look(premises, store)
            lost = len(list(missing(told, found)))
            gone = [row for row in found.closed.values() if row.state == "receipted"]
            lost += sum(not arrived(row) for row in gone)
            found.faults += resumption(premises, store, told, found)
    except (StoreError, audit.AuditBroken) as error:
        return Verdict(lost=len(told.parts), corrupt=True, said=f"{type(error).__name__}: {error}")
    present = len(found.open) + len(found.closed)
    said = "; ".join(found.faults[:3])
    return Verdict(present, lost, found.damaged, bool(found.faults), said)


def look(premises: Premises, store: Store) -> Found:
    """Open everything that is there and hold the chains. Raises `AuditBroken`."""
    rows = store.packages(limit=ALL)
    found = Found({p.package_id: p for p in store.open_packages()}, {}, {}, 0, [])
    found.faults += [f"alarm {alarm}" for alarm in store.alarms]
    audit_rows = store.audit_rows(limit=ALL)
    audit.verify(audit_rows)
    hashes = {row.n: row.hash.hex() for row in audit_rows}
    previous = None
    # A journal made anew after a loss counts on from far above, so that no number comes twice.
    for place, row in enumerate(rows, rows[0].sequence if rows else 1):
        found.closed[row.package_id] = row
        said = _statement(row)
        if row.sequence != place or said["previous"] != previous:
            found.faults.append(f"package {place} does not follow the one before")
        if hashes.get(said["audit"]["n"]) != said["audit"]["head"]:
            found.faults.append("a signed head of the audit chain is not in it")
        previous = row.digest
        try:
            found.opened[row.package_id] = premises.opened(row, store.sealed(row.package_id))
        except PackageGone:
            if row.state != "receipted":
                found.damaged += 1
        except (PackageUnreadable, Rejected, Refused) as error:
            found.damaged += 1
            found.faults.append(f"{type(error).__name__} {error}")
    return found


def missing(told: Told, found: Found) -> Iterable[str]:
    """Return the package of every word that is not true any more."""
    for package_id, parts in told.parts.items():
        here = _kept(found, package_id)
        if here is not None and any(not _here(here, *part) for part in parts.items()):
            yield package_id
    for package_id, digest in told.closed.items():
        if package_id not in found.closed or found.closed[package_id].digest != digest:
            yield package_id
    for package_id in told.receipted:
        if package_id not in found.closed or found.closed[package_id].state != "receipted":
            yield package_id


def _kept(found: Found, package_id: str) -> Mapping[str, str] | None:
    """Return digests by part; nothing of a package that is not there; None: let go, receipted."""
    if package_id in found.open:
        return {part.name: part.record_sha256 for part in found.open[package_id].parts}
    if package_id in found.opened:
        rows = found.opened[package_id].manifest["parts"]
        return {row["name"]: row["record_sha256"] for row in rows}
    closed = found.closed.get(package_id)
    return None if closed is not None and closed.state == "receipted" else {}


def _here(here: Mapping[str, str], name: str, digest: str) -> bool:
    return name in here and digest in ("", here[name])


def resumption(premises: Premises, store: Store, told: Told, found: Found) -> list[str]:
    """Return what is wrong with how the sitting in hand is found again."""
    newest = told.newest
    record = premises.rooms(store).interrupted(RESUME_WITHIN_S)
    if newest is None or newest in told.left or newest != next(reversed(found.open), None):
        return []
    if "consent.json" not in told.parts[newest]:
        return []
    if record is None or record.package_id != newest:
        return ["the sitting in hand is not found again"]
    names = told.parts[newest]
    portrait = any(name.startswith("portrait/") for name in names)
    if portrait and not record.portrait_in:
        return ["the sitting in hand has lost its portrait"]
    return []


def _statement(row: PackageRow) -> Mapping[str, Any]:
    payload = str(row.statement).split(".")[1]
    said: Mapping[str, Any] = {}
    with suppress(ValueError):
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said
