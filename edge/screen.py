"""The present screen: one immutable snapshot, replaced by its one writer, waited for by many."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any

from edge.sitting import Snapshot


class Picture(Enum):
    """Which picture of the person a screen can show."""

    PORTRAIT = "portrait"
    """The new portrait under review."""
    EARLIER = "earlier"
    """The earlier photo that may be taken over, made anew from its pixels."""
    LIVE_LOOK = "live-look"
    """The one live frame that the earlier photo is compared with."""


class Screen:
    """Holds the newest snapshot, and in memory only the pictures that it lets the person see."""

    def __init__(self, first: Snapshot) -> None:
        self._news = threading.Condition()
        self._snapshot = first
        self._pictures: dict[Picture, bytes] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The present screen."""
        with self._news:
            return self._snapshot

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the present screen, as soon as it is newer than this revision or time is up."""
        with self._news:
            self._news.wait_for(lambda: self._snapshot.revision > after_revision, timeout_s)
            return self._snapshot

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let nobody see a screen between the changes made in here. Keep it short."""
        with self._news:
            yield

    def show(self, **changes: Any) -> None:
        """Change what is shown; an unchanged screen keeps its revision and wakes nobody."""
        with self._news:
            shown = replace(self._snapshot, **changes)
            if shown != self._snapshot:
                self._snapshot = replace(shown, revision=self._snapshot.revision + 1)
                self._news.notify_all()

    def wipe(self, first: Snapshot) -> None:
        """Forget everything of the last sitting; only the revision goes on."""
        with self._news:
            self._pictures.clear()
            self._snapshot = replace(first, revision=self._snapshot.revision + 1)
            self._news.notify_all()

    def hold(self, picture: Picture, jpeg: bytes | None) -> None:
        """Keep one picture to be shown, or forget it."""
        with self._news:
            self._pictures.pop(picture, None)
            if jpeg is not None:
                self._pictures[picture] = jpeg

    def jpeg(self, picture: Picture, token: str) -> bytes | None:
        """Return a picture to whoever shows the sitting's token; else None."""
        with self._news:
            expected = self._snapshot.token
            allowed = bool(expected) and secrets.compare_digest(expected.encode(), token.encode())
            return self._pictures.get(picture) if allowed else None
