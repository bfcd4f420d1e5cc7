"""Who asks: the client behind the running request, and what it may do.

Two ways to be known: a bearer token, on loopback only, and a client certificate
(`anxin:client:<name>`, RFC 5280 URI name) with a row in the settings. A route asks `caller()` for
the client and `actor()` for the name that goes into the audit; `api.v1.scopes` says what is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from flask import Flask, g, request

from api import security
from api.problems import Refused
from api.v1.scopes import ALL_SCOPES, KNOWN, OPEN, SCOPES
from edge.trust.audit import Actor

TOKEN_CLIENT: Final = "token"  # noqa: S105 - the client's name, no secret


@dataclass(frozen=True, slots=True)
class Caller:
    """One client, by the name that settings, audit and leases know it by, and its scopes."""

    name: str
    scopes: frozenset[str]


class Identity(Protocol):
    """How a listener knows its clients."""

    def caller(self) -> Caller:
        """Return who sends the running request. Raises `Refused` (403) if nobody known."""

    def check_stranger(self) -> None:
        """Raise `Refused` (403) for who may not even ask what is open to everybody."""


class TokenIdentity:
    """Whoever shows the token is the one client, and may do everything; loopback only."""

    def __init__(self, token: str) -> None:
        if len(token) < security.TOKEN_BYTES:
            raise ValueError(f"a token has at least {security.TOKEN_BYTES} characters")
        self._token = token
        self._caller = Caller(TOKEN_CLIENT, ALL_SCOPES)

    def caller(self) -> Caller:
        """Return the one client. Raises `Refused` without the token."""
        security.check_bearer(self._token)
        return self._caller

    def check_stranger(self) -> None:
        """Let everybody on this machine see what holds nothing of the station."""


def caller() -> Caller:
    """Return the client behind the running request; only in a route that is not `OPEN`."""
    known: Caller = g.caller
    return known


def actor() -> Actor:
    """Return the client as the audit names it."""
    return Actor("client", caller().name)


def guard(app: Flask, identity: Identity) -> None:
    """Let a request reach a route only if its client is known and has the route's scope.

    A path that nobody knows is no stranger's business either: the client is asked for first.
    """

    @app.before_request
    def check_caller() -> None:
        # A route that nobody gave a scope answers nobody; a test names it before it lands.
        needed = SCOPES.get(request.endpoint, "") if request.endpoint else KNOWN
        if needed == OPEN:
            identity.check_stranger()
            return
        g.caller = known = identity.caller()
        if needed not in (known.scopes | {KNOWN}):
            raise Refused("scope-missing")
