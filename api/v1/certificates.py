"""Who a client certificate stands for: its URI name, its row in the settings, its key, its address.

The handshake has proved that the centre's CA gave it out and that its key is there. Everything
here is asked anew at every request, so that a connection kept open outlives neither its certificate
nor a newer list of the centre's that shuts its client out.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

import structlog
from flask import request

from api.porch import CERTIFICATE
from api.problems import Refused
from api.tls import Certificate
from api.v1.caller import Caller
from edge.door_sections import V1Client

PREFIX: Final = "anxin:client:"

log = structlog.get_logger("api")


class CertificateIdentity:
    """Knows clients by their certificates.

    Args:
        clients: the settings' rows.
        denied: names, and hex SHA-256 of public keys, that the centre's signed list shuts out now.
        clock_s: UTC epoch, for the end of a certificate during a long connection.
    """

    def __init__(
        self,
        clients: Iterable[V1Client],
        denied: Callable[[], Collection[str]] = frozenset,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._clients = {client.name: client for client in clients}
        self._denied = denied
        self._clock_s = clock_s

    def caller(self) -> Caller:
        """Return the client of this connection.

        Raises:
            Refused: `client-denied`, or `client-unknown`: no row, another key, another address.
        """
        certificate = self._certificate()
        name = _name(certificate)
        client = self._clients.get(name)
        if client is None:
            raise _unknown("no_row")
        if client.pins and certificate.spki_sha256 not in client.pins:
            raise _unknown("other_key")
        if client.ips and not _within(request.remote_addr or "", client):
            raise _unknown("other_address")
        return Caller(name, frozenset(client.scopes))

    def check_stranger(self) -> None:
        """Let every certificate of the CA see what is open, unless it is shut out or has ended."""
        self._certificate()

    def _certificate(self) -> Certificate:
        certificate: Certificate | None = request.environ.get(CERTIFICATE)
        if certificate is None or certificate.not_after_s <= self._clock_s():
            raise _unknown("no_certificate")
        denied = self._denied()
        if certificate.spki_sha256 in denied or _name(certificate) in denied:
            log.warning("client_refused", reason="denied")
            raise Refused("client-denied")
        return certificate


def _name(certificate: Certificate) -> str:
    """Return the one name that is a client's; "" where there is none, or more than one."""
    names = [name for name in certificate.names if name.startswith(PREFIX)]
    return names[0].removeprefix(PREFIX) if len(names) == 1 else ""


def _within(address: str, client: V1Client) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A listener on :: sees an IPv4 client as ::ffff:a.b.c.d.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in client.ips)


def _unknown(reason: str) -> Refused:
    log.warning("client_refused", reason=reason)
    return Refused("client-unknown")
