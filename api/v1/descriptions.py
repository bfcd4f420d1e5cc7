"""What the interface's document says of a route beyond its models: bodies, headers, answers, why.

spectree knows query parameters and JSON answers of 200. Whatever else a route takes or gives stands
here, under its endpoint: bytes, headers, bodies that the route reads itself, and every status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from api.v1.leases import LeaseAnswer, LongerLease, NewLease
from api.v1.metrics import MEDIA_TYPE as METRICS_TYPE
from api.v1.new_sitting import NewSitting
from api.v1.packages import RECEIPT_TYPE
from api.v1.photo_body import JPEG
from api.v1.sitting_answer import Sitting
from edge.seal import MEDIA_TYPE

Schema = Mapping[str, Any] | type[BaseModel]

BINARY: Final[Mapping[str, Any]] = {"type": "string", "format": "binary"}
TEXT: Final[Mapping[str, Any]] = {"type": "string"}
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: what it means, what it carries, under which media type, with which headers."""

    means: str
    media_type: str = ""
    schema: Schema = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """One route.

    Attributes:
        takes: its body by media type; one body in several types is one schema.
        parameters: names of `PARAMETERS`.
        answers: by status; 200 replaces what spectree found.
        problems: by status, in addition to those that every route may answer.
    """

    takes: Mapping[str, Schema] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    answers: Mapping[str, Said] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def _header(name: str, says: str, schema: Mapping[str, Any], *, needed: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": needed, "description": says,
            "schema": dict(schema)}  # fmt: skip


PARAMETERS: Final[Mapping[str, dict[str, Any]]] = {
    "IdempotencyKey": _header(
        "Idempotency-Key", "The client's own mark of this request; a new one for each new request.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"}, needed=True,
    ),
    "IfMatch": _header(
        "If-Match", "The ETag of the sitting as it was read.", TEXT, needed=True
    ),
    "ContentDigest": _header(
        "Content-Digest", "Of the body, RFC 9530.",
        {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"}, needed=True,
    ),
    "Range": _header(
        "Range", "One range of bytes, RFC 9110, section 14.",
        TEXT, needed=False,
    ),
    "IfRange": _header(
        "If-Range", "The ETag of the bytes that are there already.",
        TEXT, needed=False,
    ),
    "IfNoneMatch": _header(
        "If-None-Match", "The ETag of what the client has.",
        TEXT, needed=False,
    ),
    "LastEventID": _header(
        "Last-Event-ID", "Id of the last event that was received; counts before `after`.",
        {"type": "string", "pattern": "^[0-9]{1,18}$"}, needed=False,
    ),
}  # fmt: skip
HEADERS: Final[Mapping[str, str]] = {
    "Anxin-Api-Version": "Version of this interface.",
    "Request-Id": "The id that logs and problems carry.",
    "Location": "Path of what was made.",
    "ETag": "Differs with every change that a client can see.",
    "Idempotency-Replayed": "`true` if the same request was answered before.",
    "Retry-After": "Seconds.",
    "Repr-Digest": "Of the whole file, RFC 9530.",
    "Content-Digest": "Of this message, RFC 9530.",
    "Content-Range": "Which bytes of how many.",
}
EVERYWHERE: Final = ("Anxin-Api-Version", "Request-Id")
PROBLEMS: Final[Mapping[str, str]] = {
    "403": "No client that the station knows, or one without the scope.",
    "422": "A parameter or member is not known or not allowed.",
    "default": "Any other problem; `type` says which.",
}
"""What every route may answer."""

_PATH: Final[Mapping[str, tuple[str, bool]]] = {
    "package_id": ("Id of a package, from a list or a lease.", True),
    "lease_id": ("Id of a lease, from the answer that made it.", True),
    "sitting_id": ("Id of a sitting, from the answer to its order or from the list.", True),
    "device_id": ("Id of a device, from the list.", False),
    "calibration_id": ("Id of a calibration, from the list.", False),
}


def path_parameter(name: str) -> tuple[str, dict[str, Any]]:
    """Return what a part of a path means and its schema."""
    says, uuid = _PATH.get(name, (f"`{name}`, from the list.", False))
    return says, {"type": "string", **({"format": "uuid"} if uuid else {})}


_FILE_HEADERS: Final = ("ETag", "Repr-Digest")

DESCRIBED: Final[Mapping[str, Described]] = {
    "packages.download_package": Described(
        parameters=("Range", "IfRange", "IfNoneMatch"),
        answers={
            "200": Said("The whole file.", MEDIA_TYPE, BINARY, (*_FILE_HEADERS, "Content-Digest")),
            "206": Said("The range asked for.", MEDIA_TYPE, BINARY,
                        (*_FILE_HEADERS, "Content-Range")),
            "304": Said("The client has it already.", headers=_FILE_HEADERS),
        },
        problems={
            "404": "No such package.",
            "409": "`leased-by-other`: another client collects it now.",
            "410": "`package-gone`: receipted and deleted.",
            "416": "No such range.",
        },
    ),
    "packages.put_receipt": Described(
        takes={RECEIPT_TYPE: {**BINARY, "description": "The receipt, a compact JWS."}},
        answers={"204": Said("Recorded, now or before.")},
        problems={
            "404": "No such package.",
            "409": "`receipt-conflict`: it contradicts what is held.",
            "415": "Not application/jose.",
            "422": "`receipt-invalid`: it proves nothing.",
        },
    ),
    "leases.take_lease": Described(
        takes={JSON: NewLease},
        parameters=("IdempotencyKey",),
        answers={
            "201": Said("Leased, now or before.", JSON, LeaseAnswer,
                        ("Location", "Idempotency-Replayed")),
            "204": Said("Nothing waits.", headers=("Retry-After",)),
        },
        problems={
            "400": "No usable Idempotency-Key.",
            "409": "`leases-exhausted`, or `lease-expired`: the key made a lease that is over.",
            "415": "Not application/json.",
        },
    ),
    "leases.extend_lease": Described(
        takes={JSON: LongerLease, "application/merge-patch+json": LongerLease},
        answers={"200": Said("The lease as it stands now.", JSON, LeaseAnswer)},
        problems={
            "404": "No such lease of this client.",
            "409": "`lease-expired`: others may have its packages.",
            "415": "Not application/json.",
        },
    ),
    "leases.end_lease": Described(
        answers={"204": Said("Ended.")},
        problems={
            "404": "No such lease of this client.",
            "409": "`lease-expired`: others may have had its packages.",
        },
    ),
    "events.follow_events": Described(
        parameters=("LastEventID",),
        answers={
            "200": Said("Events as they happen, one CloudEvents object each; never ends by itself "
                        "before an hour is over.", "text/event-stream", TEXT),
        },
        problems={"503": "`streams-exhausted`: eight streams are open, or two of this client."},
    ),
    "metrics.read_metrics": Described(answers={"200": Said("Figures.", METRICS_TYPE, TEXT)}),
    "sittings.order_sitting": Described(
        takes={JSON: NewSitting},
        parameters=("IdempotencyKey",),
        answers={
            "201": Said("Ordered, now or before.", JSON, Sitting,
                        ("Location", "ETag", "Idempotency-Replayed")),
        },
        problems={
            "400": "No usable Idempotency-Key.",
            "409": "The same request is being served.",
            "413": "More than 256 KiB.",
            "415": "Not application/json.",
            "422": "A member is not allowed, or the key belongs to another request.",
            "503": "No order is taken now; `reasons` say why.",
        },
    ),
    "sittings.read_sitting": Described(
        answers={"200": Said("The sitting as it stands now.", JSON, Sitting, ("ETag",))}
    ),
    "sittings.cancel_sitting": Described(
        parameters=("IfMatch",),
        answers={"204": Said("Cancelled; what was personal is erased.")},
        problems={
            "404": "No such sitting.",
            "409": "It does not wait any more.",
            "412": "It changed since it was read.",
            "428": "No If-Match.",
        },
    ),
    "sittings.put_photo": Described(
        takes={JPEG: BINARY},
        parameters=("ContentDigest",),
        answers={"204": Said("Held in memory, now or before.")},
        problems={
            "404": "No such sitting.",
            "409": "The sitting wants no photo, or no photo any more.",
            "411": "No Content-Length.",
            "413": "Too many bytes or pixels.",
            "415": "Not image/jpeg.",
            "422": "Another digest, or no photo that can be taken over.",
            "503": "No room for a photo now.",
        },
    ),
}  # fmt: skip
"""Endpoint as Flask names it to what is to be said of it; a route without a row needs none."""
