"""Pages by key: opaque cursors that belong to one list under one filter."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from api.problems import Refused


@dataclass(frozen=True, slots=True)
class Place:
    """One list under one filter: its cursors fit no other."""

    listing: str
    filtered_by: str | None

    def cursor(self, row: int) -> str:
        """Return the opaque cursor behind a row: version, row, and what the list is filtered by."""
        return base64.urlsafe_b64encode(f"1.{row}.{self._digest}".encode()).decode()

    def after(self, cursor: str | None) -> int:
        """Return the row that a cursor names, 0 without one.

        Raises:
            Refused: it belongs to another list, or to nothing.
        """
        if cursor is None:
            return 0
        try:
            given = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
            version, row, digest = given.split(".")
            after = int(row)
        except (binascii.Error, ValueError):
            raise Refused("cursor-invalid") from None
        if version != "1" or digest != self._digest or not 0 <= after < 1 << 62:
            raise Refused("cursor-invalid")
        return after

    @property
    def _digest(self) -> str:
        return hashlib.sha256(f"{self.listing}|{self.filtered_by}".encode()).hexdigest()[:8]
