"""What another process did with the journal, noted beside it until the service takes it in.

Only the service writes the journal. A backup or an export that ran beside it leaves a file here,
and the service makes an audit row of it at its next idle moment or start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw
from uuid_utils import uuid7

from edge.durable import write_secret
from edge.store.counters import count
from edge.trust import audit
from edge.trust.audit import Actor
from edge.utc import now_ms, rfc3339

ACTS: Final = frozenset({"store.backup", "package.export"})
"""Of others nothing is taken in."""
SEEN: Final = "note/"


def notes_folder(path: Path) -> Path:
    """Return where notes lie beside a journal."""
    return path.parent / "notes"


def leave_note(path: Path, act: str, about: Mapping[str, str], outcome: str, actor: Actor) -> None:
    """Leave a note; durable on return.

    Args:
        path: of the journal.
        act: one of `ACTS`.
        about: ids and counts.
        outcome: a code.
        actor: who did it.
    """
    note = {
        "at": rfc3339(now_ms()),
        "act": act,
        "about": dict(about),
        "outcome": outcome,
        "actor": {"kind": actor.kind, "id": actor.id},
    }
    write_secret(notes_folder(path) / f"{uuid7()}.json", json.dumps(note).encode())


def waiting_notes(path: Path) -> list[Path]:
    """Return the notes that lie there, oldest first."""
    try:
        return sorted(notes_folder(path).glob("*.json"))
    except OSError:
        return []


def delete_notes(notes: Sequence[Path]) -> None:
    """Delete notes that were taken in; one that cannot be is known by its name the next time."""
    for note in notes:
        with suppress(OSError):
            note.unlink()


def take_in(db: apsw.Connection, notes: Sequence[Path]) -> None:
    """Make audit rows of notes, each once; in the caller's transaction, before they are deleted."""
    left = {f"{SEEN}{note.stem}" for note in notes}
    seen = {
        str(name)
        for (name,) in db.execute(f"select name from counter where name glob '{SEEN}*'")  # noqa: S608
    }
    for name in seen - left:
        db.execute("delete from counter where name = ?", (name,))
    for note in notes:
        if f"{SEEN}{note.stem}" not in seen:
            _take(db, note)
            count(db, f"{SEEN}{note.stem}")


def _take(db: apsw.Connection, note: Path) -> None:
    try:
        said: Mapping[str, Any] = json.loads(note.read_bytes())
        actor = Actor(str(said["actor"]["kind"]), str(said["actor"]["id"]))
        act, at, outcome = (str(said[name]) for name in ("act", "at", "outcome"))
        about = {str(name): str(value) for name, value in said["about"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    if act in ACTS:
        audit.append(db, at, actor, act, about, outcome)
