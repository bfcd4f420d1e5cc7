"""A version on trial whose tables the version before could not read: it works on a copy.

    <store>/trial/    the journal as it was, copied, and what lies beside it; gone after the trial

The journal itself is not opened by such a version, so that going back loses nothing: there is
nothing to be undone. Meanwhile nobody is let in, nothing is delivered and no network listened to:
else the copy would know what the journal does not.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import apsw

from edge.settings_sections import Settings
from edge.store import STATION, Store
from edge.store.counters import counted
from edge.store.disk_floor import Reserve
from edge.store.file import take_lock
from edge.trust import audit
from edge.upkeep.notices import FELL_BACK, TRYING, Notices
from edge.upkeep.slots import Slots, Update
from edge.utc import now_ms, rfc3339

FOLDER: Final = "trial"
_LEFT_OUT: Final = (
    "trial",
    "before-upgrade",
    "reserve*",
    "*.lock",
    "*-shm",
    "set-aside*",
    "*.sock",
)
_NEVER_WRITTEN: Final = frozenset({".pem", ".key"})
"""Private keys are linked, not copied: they are replaced, never written in place."""


def on_trial_here(update: Update | None, slot: str) -> bool:
    """Whether this slot's version is on trial now."""
    return update is not None and update.state == "trying" and update.new == slot


def on_trial(settings: Settings, update: Update | None, slot: str, stack: ExitStack) -> Settings:
    """Return the settings of this start: as they are, or those of a trial on a copy.

    Args:
        settings: of the file.
        update: the last update here, if any.
        slot: name of our own slot.
        stack: holds the journal's lock for the time of a trial, so that no other service opens it.

    Raises:
        StoreBusy: another service runs on the journal.
        OSError: no room for the copy.
    """
    folder = settings.store.folder
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    if update is None or not (on_trial_here(update, slot) and update.on_copy):
        return settings
    stack.callback(os.close, take_lock(folder / "store.db"))
    copy = folder / FOLDER
    left_out = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(folder, copy, symlinks=True, ignore=left_out, copy_function=_copy)
    copy.chmod(0o700)
    v1 = settings.v1.model_copy(update={"network": None})
    off = {"enabled": False}
    return settings.model_copy(
        update={
            "store": settings.store.model_copy(update={"folder": copy}),
            "sinks": (),
            "v1": v1,
            "guide": settings.guide.model_copy(update=off),
            "technician": settings.technician.model_copy(update=off),
        }
    )


def _copy(source: str, place: str) -> str:
    if Path(source).suffix in _NEVER_WRITTEN:
        os.link(source, place)
        return place
    return shutil.copy2(source, place)


class UpdateWatch:
    """Follows the update that is written beside the slots, while the station runs."""

    def __init__(self, slots: Slots, slot: str, notices: Notices) -> None:
        """Take the slots, our own one's name, and what a technician is told by."""
        self._slots, self._slot, self._notices = slots, slot, notices
        self._noted = ""
        self._on_copy = False
        self.look()

    def look(self) -> Update | None:
        """Look once, put the notices right, and return the update."""
        update = self._slots.update()
        ours = update is not None and update.new == self._slot
        trying = on_trial_here(update, self._slot)
        # A trial on a copy lets nobody in at all: it ends with the process.
        self._on_copy = self._on_copy or (trying and update is not None and update.on_copy)
        self._notices.put(TRYING, holds=trying or self._on_copy)
        fell_back = update is not None and not ours and update.state == "fell_back"
        self._notices.put(FELL_BACK, holds=fell_back)
        return update

    def note(self, store: Store) -> None:
        """Append an audit row for a state of the update, once each. Raises `StoreError`."""
        update = self.look()
        if (
            update is None
            or self._on_copy
            or update.open
            or self._noted == update.id + update.state
        ):
            return
        name = f"update/{update.id}/{update.state}"
        if not store.read(lambda db: counted(db, name)):
            store.write(lambda db: _note(db, update, name), Reserve.LAST)
        self._noted = update.id + update.state


def _note(db: apsw.Connection, update: Update, name: str) -> None:
    db.execute("insert or ignore into counter(name, value) values(?, 1)", (name,))
    about = {"from": update.old, "to": update.new}
    outcome = update.reason or "ok"
    audit.append(db, rfc3339(now_ms()), STATION, f"update.{update.state}", about, outcome)
