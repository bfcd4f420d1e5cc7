"""The present screen: one immutable snapshot, replaced by its one writer, waited for by many."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from edge.sitting import Snapshot


class Screen:
    """Holds the newest snapshot, and in memory only the portrait that is under review."""

    def __init__(self, first: Snapshot) -> None:
        self._news = threading.Condition()
        self._snapshot = first
        self._portrait: bytes | None = None

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
            self._portrait = None
            self._snapshot = replace(first, revision=self._snapshot.revision + 1)
            self._news.notify_all()

    def hold_portrait(self, jpeg: bytes | None) -> None:
        """Keep the portrait under review, or forget it."""
        with self._news:
            self._portrait = jpeg

    def portrait_jpeg(self, token: str) -> bytes | None:
        """Return the portrait under review to whoever shows the sitting's token; else None."""
        with self._news:
            expected = self._snapshot.token
            allowed = bool(expected) and secrets.compare_digest(expected.encode(), token.encode())
            return self._portrait if allowed else None
