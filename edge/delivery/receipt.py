"""The centre's signed word about a package: the only thing that lets the station delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from edge.trust.key_list import ListedKey
from edge.trust.signatures import SignatureInvalid, verified
from edge.utc import now_ms

RECEIPT_TYP: Final = "anxin-receipt+jws"


class ReceiptInvalid(Exception):
    """Not a receipt for this package by a listed key. Keep the package and try again."""


class ReceiptConflict(Exception):
    """A true receipt of the centre that names other bytes under this id. Quarantine, alarm."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a verified receipt says.

    Attributes:
        outcome: "stored" or "refused".
        code: why it was refused, None if it was stored.
        token: the compact JWS itself, to be kept.
    """

    receipt_id: str
    outcome: str
    code: str | None
    token: str


@dataclass(frozen=True, slots=True)
class ReceiptVerifier:
    """Checks receipts against the newest list's receipt keys and this station's own id."""

    station_id: str
    keys: Callable[[], Mapping[str, ListedKey]]

    def verify(self, token: str, package_id: str, digest: str, size: int) -> Receipt:
        """Return the receipt if signature, station, package, digest and size all agree.

        Args:
            token: compact JWS as the centre sent it.
            package_id: of the package in question.
            digest: of the file, `sha-256=:BASE64:`.
            size: of the file in bytes.

        Raises:
            ReceiptInvalid: it proves nothing.
            ReceiptConflict: it proves that the centre holds another package of this id.
        """
        said = self._said(token)
        if said.get("station_id") != self.station_id or said.get("package_id") != package_id:
            raise ReceiptInvalid("the receipt is for another package")
        if said.get("digest") != digest or said.get("size") != size:
            raise ReceiptConflict("the receipt names other bytes")
        outcome, receipt_id, code = (said.get(name) for name in ("outcome", "receipt_id", "code"))
        if outcome not in {"stored", "refused"} or not isinstance(receipt_id, str):
            raise ReceiptInvalid("the receipt has no outcome")
        return Receipt(receipt_id, str(outcome), None if code is None else str(code), token)

    def _said(self, token: str) -> Mapping[str, Any]:
        listed = self.keys()
        try:
            said, kid = verified(token, RECEIPT_TYP, {kid: key.key for kid, key in listed.items()})
        except SignatureInvalid as error:
            raise ReceiptInvalid("the receipt's signature does not hold") from error
        if _received_ms(said.get("received_at")) >= listed[kid].not_after_ms:
            raise ReceiptInvalid("the receipt's key had expired when it signed")
        return said


def _received_ms(received_at: object) -> float:
    # A receipt may be carried here months after it was signed: what counts is whether the key was
    # valid then. A key that leaked is struck off the list, whatever the receipt says of its time.
    try:
        return datetime.fromisoformat(str(received_at)).timestamp() * 1000
    except (ValueError, OverflowError, OSError):
        return now_ms()
