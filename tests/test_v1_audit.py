"""The audit chain over `/v1`: checkable from the page alone, its end in the station's hand."""

from __future__ import annotations

import hashlib
import json

import pytest
from joserfc import jws

from api.app import V1Station, create_v1_app
from edge.trust.heads import head_signer
from tests.collect_kit import BEARER, TOKEN
from tests.delivery_kit import STATION, make_kit


@pytest.fixture
def kit(tmp_path):
    """One station and one centre."""
    return make_kit(tmp_path)


@pytest.fixture
def ask(kit):
    """Ask a station that has closed three packages."""
    with kit.open_store() as store:
        for _ in range(3):
            kit.hand_in(store)
        station = V1Station(
            STATION, "0", "0" * 64, store, kit.verifier, list, list,
            audit_head=head_signer(store, kit.station_key, STATION),
        )  # fmt: skip
        client = create_v1_app(station, TOKEN).test_client()
        yield lambda path: client.get(path, headers=BEARER)


def test_the_rows_hold_as_the_page_says_whatever_the_page_s_size(ask):
    """`hash(n) = SHA-256(hash(n-1) | entry)` from 32 zero bytes on; nothing is left out."""
    for limit in (1, 4, 1000):
        last, after, rows = bytes(32), 0, []
        while after is not None:
            page = ask(f"/v1/audit/entries?after={after}&limit={limit}").get_json()
            rows += page["items"]
            after = page["next"]
        for n, row in enumerate(rows, 1):
            last = hashlib.sha256(last + row["entry"].encode()).digest()
            assert (row["n"], json.loads(row["entry"])["n"], row["hash"]) == (n, n, last.hex())

        assert len(rows) > 9
        assert ask("/v1/audit/heads").get_json()["hash"] == last.hex()
        assert ask(f"/v1/audit/entries?after={len(rows)}").get_json() == {"items": [], "next": None}


def test_the_end_of_the_chain_is_in_the_station_s_hand(ask, kit):
    """Signed by the registered key, of this station, and the same as is said beside it."""
    said = ask("/v1/audit/heads").get_json()
    key = kit.station_key.public
    token = jws.deserialize_compact(said["signed"], key, algorithms=["Ed25519"])
    signed = json.loads(token.payload)

    assert token.headers()["typ"] == "anxin-audit-head+jws"
    assert (signed["station_id"], signed["n"], signed["head"]) == (STATION, said["n"], said["hash"])


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", "n=1"])
def test_a_page_that_cannot_be_is_refused(ask, query):
    """422 with the parameter's name."""
    answer = ask(f"/v1/audit/entries?{query}")

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == query.split("=")[0]
