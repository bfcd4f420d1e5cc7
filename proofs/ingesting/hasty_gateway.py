"""``python -m proofs.ingesting.hasty_gateway SETTINGS serve``: answers first, stores later.

The control. It is the reference gateway but for one thing: the package is handed to a queue, as
one does for speed, and the receipt goes out at once.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

from gateway import __main__ as real
from gateway.places import Bus, Objects
from gateway.seal import Stored

LATER_S: Final = 30.0
"""Longer than a busy machine takes between an acknowledgement and the kill."""


class HastyObjects(Objects):
    """A store behind a queue."""

    def put(self, stored: Stored, content: bytes) -> Stored | None:
        """Promise; the bytes are written later."""
        threading.Timer(LATER_S, super().put, (stored, content)).start()
        return None


class SilentBus(Bus):
    """Nobody is told: the loss of bytes is what this is about."""

    def publish(self, stored: Stored) -> None:
        """Say nothing."""


if __name__ == "__main__":
    vars(real).update(Objects=HastyObjects, Bus=SilentBus)
    sys.exit(real.main())
