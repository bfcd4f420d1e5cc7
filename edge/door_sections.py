"""The sections of a station file that say where it listens and to whom (`docs/security.md`)."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, IPvAnyAddress, IPvAnyNetwork

from edge.section import Identifier, Section, each_once

Port = Annotated[int, Field(ge=0, le=65535)]
Scope = Literal[
    "station:read", "events:read", "metrics:read", "audit:read", "sittings:write", "sittings:read",
    "photo-checks:run", "packages:collect", "keys:write", "policies:write",
]  # fmt: skip
"""What a client of `/v1` may do (`docs/security.md`)."""


def _one_row_each(clients: tuple[V1Client, ...]) -> tuple[V1Client, ...]:
    each_once(tuple(client.name for client in clients))
    return clients


class Kiosk(Section):
    """The pages for the person. Loopback only."""

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Port = 8080
    screen_ppi: Annotated[float, Field(ge=50, le=400)] = 102.46
    printer: bool = False
    """The receipt can be printed here: the browser's policy must allow it as well."""


class Guide(Section):
    """The attendants' console: off until a station has staff; on a network with TLS only."""

    enabled: bool = False
    host: IPvAnyAddress = IPv4Address("127.0.0.1")
    port: Port = 8083
    certificate: Path | None = None
    private_key: Path | None = None
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()
    """Names, beside the address itself, by which browsers may call the station (`Host`)."""


class Technician(Section):
    """The technician's console: off until a station has one; on a network with TLS only."""

    enabled: bool = False
    host: IPvAnyAddress = IPv4Address("127.0.0.1")
    port: Port = 8082
    certificate: Path | None = None
    private_key: Path | None = None
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()
    """Names, beside the address itself, by which browsers may call the station (`Host`)."""


class V1Network(Section):
    """`/v1` on the network: TLS 1.3, and nobody without a certificate of the centre's client CA."""

    host: IPvAnyAddress
    port: Port = 8443
    certificate: Path
    private_key: Path
    client_ca: Path
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()
    """Names, beside the address itself, by which clients may call the station (`Host`)."""


class V1Client(Section):
    """One client of the centre: whose certificate names it `anxin:client:<name>`."""

    name: Identifier
    scopes: Annotated[tuple[Scope, ...], AfterValidator(each_once)] = ()
    pins: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    """SHA-256 of public keys (SubjectPublicKeyInfo); with any, no other key is this client's."""
    ips: tuple[IPvAnyNetwork, ...] = ()
    """Where it may come from; none: from anywhere."""


class V1(Section):
    """The interface for the central system: on loopback with a token, and as `network` says."""

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Port = 8081
    network: V1Network | None = None
    clients: Annotated[tuple[V1Client, ...], AfterValidator(_one_row_each)] = ()
