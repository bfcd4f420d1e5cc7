"""What the store answers: packages that are open, closed, or waiting for a sink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edge.seal import KeptPart

Role = Literal["custody", "copy"]
"""`custody`: this sink's receipt allows deletion; `copy`: it does not."""


@dataclass(frozen=True, slots=True)
class OpenPackage:
    """A package of a sitting that has not ended; what a restart needs to go on.

    Attributes:
        sitting: what the sitting left there, not biometric.
        parts: in order of `n`.
    """

    package_id: str
    sitting_id: str
    station_id: str
    kid: str
    opened_at_ms: int
    sitting: Mapping[str, Any]
    parts: tuple[KeptPart, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where one package stands with one sink."""

    sink: str
    role: Role
    state: str
    attempts: int
    last_code: str | None
    last_try_at_ms: int | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class PackageRow:
    """One closed package.

    Attributes:
        cursor: grows with the age of the row; pages begin after one.
        state: "ready", "receipted" or "quarantined".
        digest: of the file, RFC 9530.
        statement: the signed seal statement, compact JWS.
    """

    cursor: int
    package_id: str
    sitting_id: str
    station_id: str
    kid: str
    state: str
    sequence: int
    sealed_at_ms: int
    size: int
    digest: str
    statement: str
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A closed package that a sink still has to take.

    Attributes:
        attempts: tries that were begun.
        last_code: how the last one ended; "interrupted" if the service ended in the middle of it.
        urgent: of the green channel.
    """

    cursor: int
    package_id: str
    station_id: str
    sequence: int
    sealed_at_ms: int
    size: int
    digest: str
    statement: str
    attempts: int
    last_code: str | None
    urgent: bool = False
