"""Taking a package into custody, whether a request, the rest of one or a stick brought it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from centre.audit_heads import HeadBook
from centre.keys import CentreKeyring
from centre.opening import Refused, check_statement, open_package
from centre.shelf import Shelf

REPEATED: Final = ("package_id", "station_id", "digest", "size")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a package that a registered station truly sent.

    Attributes:
        outcome: "stored" now, "known" before, "conflict" with other bytes of this id, or "refused".
        receipt: the centre's signed word; on a conflict the one about those other bytes.
        code: why it was refused, else None.
    """

    outcome: Literal["stored", "known", "conflict", "refused"]
    receipt: str
    code: str | None = None


class Intake:
    """One centre's hand: checks, opens, keeps, and gives its word. Twice is once."""

    def __init__(self, shelf: Shelf, keyring: CentreKeyring, name: str = "centre-demo") -> None:
        """Use the shelf and the keys; `name` is what receipts say in `by`."""
        self.shelf = shelf
        self.heads = HeadBook(shelf.folder)
        self._keyring = keyring
        self._name = name

    def take(self, package_id: str, content: bytes, token: str) -> Taken:
        """Take a package with its seal statement.

        Raises:
            Rejected: not evidently from a registered station, or other bytes than it states.
        """
        stations = self.shelf.stations()
        statement = check_statement(token, package_id, content, stations)
        self.heads.note_statement(statement)
        earlier = self.shelf.word(package_id)
        if earlier:
            same = earlier.digest == statement["digest"]
            return Taken("known" if same else "conflict", earlier.receipt)
        try:
            keys = stations[str(statement["station_id"])]
            opened = open_package(content, statement, self._keyring, keys)
        except Refused as refusal:
            word = self._receipt(statement, "refused", refusal.code)
            self.shelf.refuse(package_id, word)
            return Taken("refused", word, refusal.code)
        word = self._receipt(statement, "stored", None)
        said = self.shelf.store(package_id, opened, token, word)
        if said.receipt == word:
            return Taken("stored", word)
        # Another request was faster.
        same = said.digest == statement["digest"]
        return Taken("known" if same else "conflict", said.receipt)

    def word(self, package_id: str) -> str | None:
        """Return what was said about a package, stored or refused; None if it never came."""
        word = self.shelf.word(package_id) or self.shelf.refusal(package_id)
        return None if word is None else word.receipt

    def _receipt(self, statement: Mapping[str, Any], outcome: str, code: str | None) -> str:
        return self._keyring.sign_receipt(
            {
                "v": 1,
                "receipt_id": str(uuid.uuid4()),
                **{name: statement[name] for name in REPEATED},
                "outcome": outcome,
                "code": code,
                "received_at": _now(),
                "by": self._name,
            }
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
