"""The centre as this station has pinned it: which keys may be used now, and why none may.

The folder `store.centre_keys` holds the pin: `root.json` and the list `keys.jws` that was current
then. Newer lists come by the interface or by a newer `keys.jws` and are kept in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from edge.store import Store
from edge.trust.key_list import (
    NEWEST_FILE,
    KeyList,
    ListedKey,
    Rollback,
    SignatureInvalid,
    accept_key_list,
    current_keys,
    keep_beside,
)
from edge.trust.keys import KeyUnusable, SealingKey
from edge.trust.signed_list import pin_root, read_root
from edge.utc import now_ms

KEYS_FILE: Final = "keys.jws"
LIST_BYTES_MAX: Final = 256 << 10
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SITTING_MS: Final = HOUR_MS
"""A key that ends sooner is not begun with: a sitting keeps its key to its end [ours: the longest
that a sitting may stand still is an hour, `sitting.idle_s`]."""
EXPIRING_MS: Final = 30 * DAY_MS

log = structlog.get_logger("trust")


@dataclass(frozen=True, slots=True)
class CentreKeys:
    """What may be used of a list at one moment.

    Attributes:
        sealing: newest first; a sitting takes the first.
        receipts: by kid.
    """

    sealing: tuple[SealingKey, ...]
    receipts: Mapping[str, ListedKey]

    @classmethod
    def load(cls, folder: Path) -> CentreKeys:
        """Read the pinned folder alone, without a journal. Raises `KeyUnusable`."""
        listed = read_key_list(folder)
        return cls(listed.sealing(now_ms()), listed.receipts())


class PinnedCentre:
    """The centre's keys by the newest list. Any thread may call it."""

    def __init__(self, store: Store, clock_ms: Callable[[], int] = now_ms) -> None:
        """Use the root and the list that the journal holds; `clock_ms` gives UTC."""
        self._store = store
        self._clock_ms = clock_ms

    @classmethod
    def open(cls, folder: Path, store: Store, beside: Path | None = None) -> PinnedCentre:
        """Take over what is pinned in the folder; of all lists the newest counts.

        Args:
            folder: of the pin.
            store: the journal.
            beside: a folder that outlasts the journal, else the journal's own; a copy of the newest
                list is kept there, so that no older one comes back when a damaged journal was set
                aside.

        Raises:
            KeyUnusable: nothing is pinned, another root than before, or no list at all.
        """
        pin_root(store, read_root(folder))
        beside = beside or store.folder
        if (beside / NEWEST_FILE).exists():
            _take_over(store, lambda: _read(beside / NEWEST_FILE))
        _take_over(store, lambda: read_key_list(folder).token)
        kept = current_keys(store)
        if kept is None:
            # For the sentence that says what is wrong with it.
            read_key_list(folder)
        else:
            keep_beside(store, beside)
        return cls(store)

    def sealing(self, for_ms: int = 0) -> tuple[SealingKey, ...]:
        """Return the keys that may be sealed to now, newest first.

        Args:
            for_ms: they must be valid for so long; `SITTING_MS` to begin with.
        """
        listed = current_keys(self._store)
        if listed is None or self.clock_suspect:
            return ()
        now = self._clock_ms()
        return tuple(key for key in listed.sealing(now) if key in listed.sealing(now + for_ms))

    def receipts(self) -> Mapping[str, ListedKey]:
        """Return the keys that receipts may be signed with, by kid."""
        listed = current_keys(self._store)
        return {} if listed is None else listed.receipts()

    def content(self) -> Mapping[str, ListedKey]:
        """Return the keys that content packs may be signed with, by kid."""
        listed = current_keys(self._store)
        return {} if listed is None else listed.content()

    @property
    def clock_suspect(self) -> bool:
        """Whether this machine's clock is behind a moment that the centre has signed."""
        listed = current_keys(self._store)
        # Behind the list by a day can be a zone that was set wrongly; no clock gives 1970 by that.
        return listed is not None and self._clock_ms() < listed.issued_at_ms - DAY_MS

    def reasons(self) -> tuple[str, ...]:
        """Why no sitting may begin now: "clock_suspect", "no_sealing_key"; empty if one may."""
        if self.clock_suspect:
            return ("clock_suspect",)
        return () if self.sealing(SITTING_MS) else ("no_sealing_key",)

    @property
    def days_left(self) -> float | None:
        """Days until the last sealing key expires; None if the clock cannot be believed."""
        listed = current_keys(self._store)
        if listed is None or self.clock_suspect:
            return None
        return max(0.0, (listed.sealing_ends_ms - self._clock_ms()) / DAY_MS)

    @property
    def expiring(self) -> bool:
        """Whether staff must see to a new list: less than 30 days are left."""
        left = self.days_left
        return left is not None and left < EXPIRING_MS / DAY_MS

    @property
    def denied(self) -> frozenset[str]:
        """Names of clients whose certificates are no longer accepted."""
        listed = current_keys(self._store)
        return frozenset() if listed is None else listed.deny_clients


def _take_over(store: Store, token: Callable[[], str]) -> None:
    try:
        accept_key_list(store, token())
    except Rollback:
        # The journal has had newer ones since.
        log.info("key_list_older")
    except (KeyUnusable, SignatureInvalid, OSError, ValueError):
        log.warning("key_list_unusable")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LIST_BYTES_MAX).decode("ascii").strip()


def read_key_list(folder: Path) -> KeyList:
    """Return the list that lies in the pinned folder. Raises `KeyUnusable`."""
    path = folder / KEYS_FILE
    root = read_root(folder)
    try:
        return KeyList.verify(_read(path), root)
    except (OSError, ValueError, SignatureInvalid) as error:
        raise KeyUnusable(
            f"{path} is no key list by the pinned root: fetch it from the centre again."
        ) from error


def newest_key_list(folder: Path, beside: Path) -> KeyList:
    """Return the newest list that lies in files, for who must not open the journal.

    Args:
        folder: of the pin.
        beside: the journal's folder, where a copy of the newest list is kept.

    Raises:
        KeyUnusable: nothing is pinned.
    """
    pinned = read_key_list(folder)
    try:
        kept = KeyList.verify(_read(beside / NEWEST_FILE), read_root(folder))
    except (OSError, ValueError, SignatureInvalid):
        # None was kept yet, or it is another centre's.
        return pinned
    return max(pinned, kept, key=lambda listed: listed.seq)
