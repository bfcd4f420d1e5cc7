"""Who may ask what: every endpoint of `/v1` has a scope, and no client without it gets in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from api.app import V1Station, create_v1_app
from api.v1.scopes import ALL_SCOPES, KNOWN, OPEN, SCOPES
from tests import order_kit
from tests.delivery_kit import SINK, STATION, make_kit


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole interface over a real store."""
    kit = make_kit(tmp_path_factory.mktemp("scopes"))
    with kit.open_store() as store, order_kit.opened(store) as orders:
        yield create_v1_app(
            V1Station(STATION, "0", "0" * 64, store, kit.verifier, list, list, (SINK,),
                      orders=orders), "k" * 43,
        )  # fmt: skip


def test_every_endpoint_has_a_scope_and_every_scope_an_endpoint_of_its_own(app: Flask):
    """A route that was forgotten answers nobody; it is found here and not by a client."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert endpoints - set(SCOPES) == set()
    assert set(SCOPES.values()) <= ALL_SCOPES | {KNOWN, OPEN}
