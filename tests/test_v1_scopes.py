"""Who may ask what: every endpoint of `/v1` has a scope, and no client without it gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import time

import pytest
from flask import Flask

from api.app import V1Station, create_v1_app
from api.porch import CERTIFICATE
from api.tls import Certificate
from api.v1.certificates import CertificateIdentity
from api.v1.scopes import ALL_SCOPES, KNOWN, OPEN, SCOPES
from edge.door_sections import V1Client
from tests import order_kit
from tests.delivery_kit import SINK, STATION, make_kit, new_id

NOBODY = "nobody"


def client_name(scope: str) -> str:
    """A client that has this scope and no other."""
    return scope.replace(":", "-")


CLIENTS = [
    V1Client(name=client_name(scope), scopes=(scope,)) for scope in sorted(ALL_SCOPES)
] + [V1Client(name=NOBODY)]  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole interface over a real store, for clients that have one scope each."""
    kit = make_kit(tmp_path_factory.mktemp("scopes"))
    with kit.open_store() as store, order_kit.opened(store) as orders:
        yield create_v1_app(
            V1Station(STATION, "0", "0" * 64, store, kit.verifier, list, list, (SINK,),
                      orders=orders), CertificateIdentity(CLIENTS),
        )  # fmt: skip


def doors(app: Flask) -> list[tuple[str, str, str]]:
    """Every method of every path of the interface: endpoint, method, path."""
    return sorted(
        (rule.endpoint, method, re.sub("<[^>]+>", new_id(), rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    )


def asked(app: Flask, method: str, path: str, *names: str) -> tuple[int, str]:
    """Ask with a certificate of these names: status and slug."""
    shown = Certificate(tuple(f"anxin:client:{name}" for name in names), "0" * 64, time() + 60)
    # An endless answer is left unread.
    with app.test_client().open(path, method=method, environ_overrides={CERTIFICATE: shown}) as got:
        body = got.get_json(silent=True) if got.mimetype == "application/problem+json" else None
        return got.status_code, str((body or {}).get("type", "")).rpartition(":")[2]


def test_every_endpoint_has_a_scope_and_every_line_an_endpoint(app: Flask):
    """A route that was forgotten answers nobody; it is found here and not by a client."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert endpoints - set(SCOPES) == set()
    assert set(SCOPES) - endpoints == set()
    assert set(SCOPES.values()) <= ALL_SCOPES | {KNOWN, OPEN}


CHANGES = {
    "sittings": "sittings:write", "packages": "packages:collect", "leases": "packages:collect",
    "photo_checks": "photo-checks:run", "keys.put_keys": "keys:write",
    "keys.put_policies": "policies:write",
}  # fmt: skip
READS = {
    "audit": "audit:read", "events": "events:read", "metrics": "metrics:read",
    "sittings": "sittings:read", "packages": "packages:collect", "document": OPEN,
    "health.read_live": OPEN, "health.read_ready": KNOWN,
}  # fmt: skip
"""Whatever else is read is the station's own."""


def test_each_scope_is_the_one_that_the_specification_gives(app: Flask):
    """What changes anything needs more than reading; a client of one resource has no other's."""
    for rule in app.url_map.iter_rules():
        changes = (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        told, room = CHANGES if changes else READS, rule.endpoint.split(".")[0]
        right = told.get(rule.endpoint) or told.get(room)

        assert SCOPES[rule.endpoint] == (right or "station:read"), rule.endpoint
        assert right or not changes, rule.endpoint


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_a_client_gets_in_where_its_scope_leads_and_nowhere_else(app: Flask, client: V1Client):
    """Over every method of every path: refused is refused before anything is looked at."""
    may = {*client.scopes, KNOWN, OPEN}
    for endpoint, method, path in doors(app):
        # It only names the methods, of whichever endpoint of the path.
        if method == "OPTIONS":
            continue
        status, slug = asked(app, method, path, client.name)
        if SCOPES[endpoint] in may:
            assert status != 403, (method, path)
        elif method == "HEAD":
            assert status == 403, path
        else:
            assert (status, slug) == (403, "scope-missing"), (method, path)


def test_a_certificate_without_a_row_sees_what_is_open_and_nothing_else(app: Flask):
    """The CA's word opens the connection; the settings' word opens everything else."""
    for endpoint, method, path in doors(app):
        for names in ((), ("stranger",), (NOBODY, "stranger"), ("",), (f"{NOBODY}/",)):
            status, slug = asked(app, method, path, *names)
            if SCOPES[endpoint] == OPEN:
                assert status != 403, (method, path, names)
            else:
                assert status == 403, (method, path, names)
                assert slug == ("" if method == "HEAD" else "client-unknown")


def test_a_path_that_nobody_knows_is_no_stranger_s_business(app: Flask):
    """Only a known client learns that there is nothing."""
    assert asked(app, "GET", "/v1/nothing", NOBODY) == (404, "not-found")
    assert asked(app, "GET", "/v1/nothing", "stranger") == (403, "client-unknown")
    assert asked(app, "POST", "/v1/station", NOBODY)[0] == 405
