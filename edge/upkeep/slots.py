"""Two version folders and the one link that says which of them runs.

    <root>/anxin-station-0.1.0/     a slot: the tree, its environment and its models
    <root>/anxin-station-0.2.0/
    <root>/current -> anxin-station-0.2.0      what the service's unit starts
    <root>/previous -> anxin-station-0.1.0     what it falls back to, and who watches over that
    <root>/update/state.json        the update in hand or the last one; everybody may read it
    <root>/update/unsettled         stands while an update is not settled: the unit that settles
                                    it after a power cut looks for this file

Only who may write `root` updates; the service reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from edge.durable import sync_folder, write_secret
from edge.utc import now_ms, rfc3339

CURRENT: Final = "current"
PREVIOUS: Final = "previous"
FOLDER: Final = "update"
BOOK: Final = "state.json"
UNSETTLED: Final = "unsettled"
OPEN: Final = frozenset({"trying", "falling_back"})
"""States in which an update is not settled."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update.

    Attributes:
        id: random; an audit row names it once for each state.
        state: "trying", "passed", "falling_back", "fell_back" or "interrupted".
        old, new: names of the two slots.
        version: of the new one.
        on_copy: the new version steps the journal's tables, so it is tried on a copy of it.
        allowed: reasons for which the old version let nobody in before; the new one may have them.
        reason: a code of why it fell back, "" else.
        at: of the last change, RFC 3339.
    """

    id: str
    state: str
    old: str
    new: str
    version: str
    on_copy: bool = False
    allowed: tuple[str, ...] = ()
    reason: str = ""
    at: str = ""

    @property
    def open(self) -> bool:
        """Whether it still has to be settled."""
        return self.state in OPEN


class Slots:
    """The folders below one root. One process at a time changes them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._book = root / FOLDER / BOOK
        self.unsettled = root / FOLDER / UNSETTLED

    def pointed(self, link: str = CURRENT) -> str | None:
        """Return the name of the slot that a link points to; None where there is no link."""
        try:
            return Path(os.readlink(self.root / link)).name
        except OSError:
            return None

    def point(self, link: str, slot: str) -> None:
        """Let a link point to a slot: at every instant it points to the old one or the new one.

        Raises:
            OSError: no right, or what stands there is no link.
        """
        place = self.root / link
        if place.exists() and not place.is_symlink():
            raise FileExistsError(17, "is no link, so no update can change it", str(place))
        part = self.root / f".{link}.part"
        part.unlink(missing_ok=True)
        part.symlink_to(slot)
        part.replace(place)
        sync_folder(self.root)

    def update(self) -> Update | None:
        """Return the update in hand, or the last one; None: there was none."""
        try:
            told = json.loads(self._book.read_bytes())
            return _update(told)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, update: Update, **changes: Any) -> Update:
        """Keep a state of an update, durably, and return it. Raises `OSError`."""
        noted = replace(update, at=rfc3339(now_ms()), **changes)
        told = {"v": 1, **asdict(noted)}
        self._book.parent.mkdir(parents=True, exist_ok=True)
        if noted.open:
            # First: a state that nobody would look at again must not come to be.
            self.unsettled.touch()
            sync_folder(self._book.parent)
        write_secret(self._book, json.dumps(told, indent=1).encode(), 0o644)
        if not noted.open:
            self.unsettled.unlink(missing_ok=True)
        return noted


def own_slots(module: Path) -> tuple[Slots, str]:
    """Return the slots among which this software lies, and the name of its own.

    Args:
        module: a file of this software, two folders below its slot: `edge/station.py`.
    """
    slot = module.resolve().parents[1]
    return Slots(slot.parent), slot.name


def _update(told: Mapping[str, Any]) -> Update:
    if told["v"] != 1:
        raise ValueError("of another version")
    names = ("id", "state", "old", "new", "version", "reason", "at")
    return Update(
        **{name: str(told[name]) for name in names},
        on_copy=bool(told["on_copy"]),
        allowed=tuple(str(one) for one in told["allowed"]),
    )
