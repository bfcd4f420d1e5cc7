"""Waiting for the next try to open a device: time, a changed plug, or a technician's word.

Both owners wait here. A plug that is put in ends the wait at once, however long the back-off is:
that is what brings a replugged device back within seconds though a broken one is asked ever less.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from typing import Final

from edge.plug_stamp import PlugStamp

LOOK_S: Final = 0.2
"""So often the plug is looked at while nothing is open: two system calls each time."""


class Reopening:
    """When one device is tried again. `wait` is its owner's; the rest is anybody's."""

    def __init__(self, plugged: PlugStamp | None = None) -> None:
        """Prepare; `plugged` is None for what has no node to look at, such as a network camera."""
        self._plugged = plugged
        self._stamp: Hashable = None
        self._turned = threading.Condition()
        self._closing = False
        self._wanted = False

    def watch(self, plugged: PlugStamp) -> None:
        """Look at this plug from now on."""
        self._plugged = plugged
        self.note_plug()

    @property
    def blind(self) -> bool:
        """Whether a plug that is put in goes unseen until the next try."""
        return self._plugged is None

    @property
    def closing(self) -> bool:
        """Whether the owner is to end."""
        return self._closing

    def close(self) -> None:
        """End every wait, now and from now on."""
        with self._turned:
            self._closing = True
            self._turned.notify_all()

    def try_now(self) -> None:
        """End the present wait: somebody says that it is mended."""
        with self._turned:
            self._wanted = True
            self._turned.notify_all()

    def note_plug(self) -> None:
        """Remember how the plug is, before a try: what changes during the try is not missed."""
        self._stamp = self._plugged() if self._plugged else None

    def replugged(self) -> bool:
        """Whether the plug is not as it was when it was last noted."""
        return self._plugged is not None and self._plugged() != self._stamp

    def wait(self, pause_s: float | None) -> None:
        """Wait so long, or less. With None only `try_now` or `close` ends it."""
        until_s = float("inf") if pause_s is None else time.monotonic() + pause_s
        with self._turned:
            while not (self._closing or self._wanted):
                left_s = until_s - time.monotonic()
                if left_s <= 0 or (pause_s is not None and self.replugged()):
                    break
                self._turned.wait(min(left_s, LOOK_S))
            self._wanted = False
