"""A visit list: whom an officer shall visit, as the centre signed it for this one device.

    anxin-visits+jws  {"v":1,"list_id","station_id","sequence","issued_at","not_before",
                       "expires_at","place","orders":[...],"photos":[{"n","sha256","size"}]}

An order is the body of `POST /v1/sittings`; who reads it is not known here. The centre signs with a
receipt key of its list.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.portable.device_key import DeviceKeys
from edge.portable.list_file import NotAList, NotForUs, SealedRecord, records_of
from edge.trust.key_list import ListedKey
from edge.trust.signatures import SignatureInvalid, verified
from edge.utc import moment_ms

LIST_TYP: Final = "anxin-visits+jws"
ORDERS_MAX: Final = 200
STANDS_MAX_MS: Final = 31 * 24 * 3600 * 1000
AHEAD_MS: Final = 24 * 3600 * 1000
"""A list that was made later than now by more than this shows that our clock is wrong."""
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLACE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

CHANGED: Final = (
    "This file is no visit list of our centre, or it was changed on its way:"
    " fetch it from the centre once more."
)


class VisitListRefused(Exception):
    """A visit list that is not taken in; nothing changed. The message says why and what to do.

    Attributes:
        code: "changed", "foreign", "expired", "replayed", "unfit", "clock".
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class VisitList:
    """One list whose seal and signature hold.

    Attributes:
        sequence: grows with every list that the centre makes for this device.
        not_before_ms, expires_at_ms: UTC; no order of it stands outside.
        place: the site's tag, such as "liuhe-village"; "" if the list has none.
        orders: bodies of `POST /v1/sittings`.
        photos: where in the file a photo lies, by its SHA-256 in hexadecimal.
    """

    list_id: str
    sequence: int
    not_before_ms: int
    expires_at_ms: int
    place: str
    orders: tuple[Mapping[str, Any], ...] = field(repr=False)
    photos: Mapping[str, int] = field(repr=False)


def open_list(
    content: bytes,
    station_id: str,
    keys: DeviceKeys,
    receipts: Mapping[str, ListedKey],
    now_ms: int,
) -> VisitList:
    """Return the list in a file, if it is whole, the centre's, for this device and not over.

    Args:
        content: of the file.
        station_id: ours.
        keys: that lists are sealed to.
        receipts: the centre's keys that sign for it, by kid.
        now_ms: UTC.

    Raises:
        VisitListRefused: "changed", "foreign", "expired" or "clock".
    """
    try:
        records = records_of(content)
    except NotAList:
        raise VisitListRefused("changed", CHANGED) from None
    head = records[0]
    if head.station_id != station_id:
        raise VisitListRefused(
            "foreign",
            f"This visit list is for another station, not for {station_id}:"
            " ask the centre for this station's own.",
        )
    listed = _read(head, keys, receipts, now_ms)
    photos = set(listed.photos.values())
    if photos != set(range(1, len(records))):
        raise VisitListRefused("changed", CHANGED)
    for sha256, number in listed.photos.items():
        _check_photo(records[number], keys, sha256)
    _check_times(listed, now_ms)
    return listed


def photo_in(content: bytes, keys: DeviceKeys, sha256: str) -> bytes | None:
    """Return one photo of a list that was taken in; None if it is not there.

    Raises:
        NotAList, NotForUs: the file is not what it was, or its key is gone.
    """
    records = records_of(content)
    said = _unsigned(records[0].opened(keys))
    number = next((row["n"] for row in said["photos"] if row["sha256"] == sha256), None)
    return None if number is None else records[number].opened(keys)


def _read(
    head: SealedRecord, keys: DeviceKeys, receipts: Mapping[str, ListedKey], now_ms: int
) -> VisitList:
    signers = {kid: key.key for kid, key in receipts.items()}
    try:
        token = head.opened(keys).decode("ascii")
        said, kid = verified(token, LIST_TYP, signers)
        listed, issued_at_ms = _listed(said), moment_ms(said["issued_at"])
    except NotForUs:
        raise VisitListRefused(
            "foreign",
            "This visit list is sealed to a key that this device does not have:"
            " give the centre this device's card and ask for the list anew.",
        ) from None
    except (NotAList, SignatureInvalid, KeyError, TypeError, ValueError):
        raise VisitListRefused("changed", CHANGED) from None
    named = (listed.list_id, said.get("station_id"), listed.sequence)
    # By its own date: our clock, which may be wrong, is judged by it below.
    in_time = receipts[kid].valid(issued_at_ms)
    if named != (head.list_id, head.station_id, head.sequence) or not in_time:
        raise VisitListRefused("changed", CHANGED)
    if now_ms < issued_at_ms - AHEAD_MS:
        raise VisitListRefused(
            "clock", "This machine's clock is behind the visit list's own date: set the clock."
        )
    return listed


def _listed(said: Mapping[str, Any]) -> VisitList:
    orders, place = said["orders"], str(said.get("place", ""))
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        raise ValueError("orders are a list of bodies")
    if not _ID.fullmatch(str(said["list_id"])) or (place and not _PLACE.fullmatch(place)):
        raise ValueError("a list without its name")
    if not 0 < len(orders) <= ORDERS_MAX or not isinstance(said["sequence"], int):
        raise ValueError("no orders, too many, or no number")
    return VisitList(
        str(said["list_id"]), said["sequence"],
        moment_ms(said["not_before"]), moment_ms(said["expires_at"]),
        place, tuple(orders), _photos(said["photos"]),
    )  # fmt: skip


def _photos(rows: Any) -> dict[str, int]:
    found = {str(row["sha256"]): int(row["n"]) for row in rows}
    if len(found) != len(rows) or not all(_SHA256.fullmatch(sha256) for sha256 in found):
        raise ValueError("photos are named by their digests, each once")
    return found


def _check_photo(record: SealedRecord, keys: DeviceKeys, sha256: str) -> None:
    try:
        whole = hashlib.sha256(record.opened(keys)).hexdigest() == sha256
    except (NotAList, NotForUs):
        whole = False
    if not whole:
        raise VisitListRefused("changed", CHANGED)


def _check_times(listed: VisitList, now_ms: int) -> None:
    if listed.expires_at_ms <= now_ms:
        raise VisitListRefused("expired", "This visit list is over: ask the centre for a new one.")
    if not listed.not_before_ms < listed.expires_at_ms <= now_ms + STANDS_MAX_MS:
        raise VisitListRefused("changed", CHANGED)


def _unsigned(token: bytes) -> dict[str, Any]:
    """Return what a list says that was believed when it came in."""
    try:
        payload = token.split(b".")[1]
        said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + b"=="))
        return said
    except (ValueError, IndexError):
        raise NotAList("no list stands there") from None
