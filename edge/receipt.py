"""The centre's signed word about a package: the only thing that lets the station delete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from edge.keys import ALGORITHM

RECEIPT_TYP: Final = "anxin-receipt+jws"


class ReceiptInvalid(Exception):
    """Not a receipt for this package by a pinned key. Keep the package and try again."""


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
    """Checks receipts against the pinned receipt keys and this station's own id."""

    station_id: str
    keys: Mapping[str, OKPKey]

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
        try:
            head = jws.extract_compact(token.encode()).headers()
            key = self.keys.get(str(head.get("kid")))
            if key is None or head.get("typ") != RECEIPT_TYP:
                raise ReceiptInvalid("the receipt is not by a pinned key")
            said = json.loads(jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload)
        except (JoseError, ValueError, RecursionError) as error:
            raise ReceiptInvalid("the receipt's signature does not hold") from error
        if not isinstance(said, dict) or said.get("v") != 1:
            raise ReceiptInvalid("the receipt is of another version")
        return said
