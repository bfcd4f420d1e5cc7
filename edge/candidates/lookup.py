"""What orders need of a place that knows earlier photos, and the ways in which one can fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Sign = Callable[[bytes, str], str]
"""Returns the compact JWS of a payload under a `typ`, by the station's own key."""


class LookupFailed(Exception):
    """Base of what a look-up may raise. `code` is short, for the record; it holds no content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LookupAway(LookupFailed):
    """Nobody answers in time, or says: later. Asking again may help."""


class LookupRefused(LookupFailed):
    """It will not give this photo to this station, or has none. Asking again does not help."""


class PhotoUnfit(LookupFailed):
    """What it gave is not the photo that was ordered. Take a new one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One photo that is wanted.

    Attributes:
        order_ref: the centre's own reference.
        sha256: of the wanted bytes, 64 hexadecimal digits.
    """

    order_ref: str = field(repr=False)
    sha256: str


class Lookup(Protocol):
    """One place that knows earlier photos. Any thread may call it."""

    def find(self, ask: Ask, timeout_s: float) -> bytes:
        """Return exactly the bytes that are wanted, within the time, whatever the other side does.

        Raises:
            LookupFailed: one of its kinds.
        """

    def close(self) -> None:
        """Make running look-ups end soon and release everything. Closing twice is allowed."""


def exactly(content: bytes, ask: Ask) -> bytes:
    """Return the bytes if they are those that were asked for. Raises `PhotoUnfit`."""
    if hashlib.sha256(content).hexdigest() != ask.sha256:
        raise PhotoUnfit("digest_mismatch")
    return content
