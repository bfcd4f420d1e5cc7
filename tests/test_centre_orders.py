"""The stand-in centre gives an earlier photo to its own registered station and to nobody else."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cheroot import wsgi

from centre.app import create_app
from centre.opening import digest_of
from centre.orders import keep_earlier_photo
from centre.tls import CA_FILE, ShakingConnection, open_or_make_tls
from edge.candidates.load import open_lookup
from edge.candidates.lookup import Ask, LookupRefused
from edge.trust.keys import StationKey
from tests.delivery_kit import STATION, make_kit
from tests.order_kit import PHOTO, REF, photo, sha256

SHA256 = sha256(PHOTO)
PATH = f"/orders/v1/{REF}/earlier-photo?sha256={SHA256}"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory):
    """A registered station and a centre that holds one photo."""
    kit = make_kit(tmp_path_factory.mktemp("centre-orders"))
    assert keep_earlier_photo(kit.folder / "centre", REF, PHOTO) == SHA256
    return kit


@pytest.fixture(scope="module")
def client(kit):
    return kit.application.test_client()


def ask(kit, key=None, typ="anxin-ask+jws", age=timedelta(), **changes):
    """A signed request, or one with a flaw."""
    said = {
        "v": 1, "station_id": STATION, "order_ref": REF, "sha256": SHA256,
        "asked_at": (datetime.now(UTC) - age).isoformat(), **changes,
    }  # fmt: skip
    return (key or kit.station_key).sign_jws(json.dumps(said).encode(), typ)


def slug(answer) -> str:
    assert answer.mimetype == "application/problem+json"
    assert PHOTO not in answer.data
    return str(answer.get_json()["type"]).removeprefix("urn:anxin:problem:")


def test_the_registered_station_gets_the_very_bytes(kit, client):
    """With type and digest, and not to be kept on the way."""
    answer = client.get(PATH, headers={"Anxin-Ask": ask(kit)})

    assert (answer.status_code, answer.data, answer.mimetype) == (200, PHOTO, "image/jpeg")
    assert answer.headers["Content-Digest"] == digest_of(PHOTO)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("flaw", "status", "problem"),
    [
        ({"station_id": "st-000009"}, 403, "client-unknown"),
        ({"order_ref": "another"}, 422, "invalid-request"),
        ({"sha256": "0" * 64}, 422, "invalid-request"),
        ({"v": 2}, 422, "invalid-request"),
        ({"asked_at": "yesterday"}, 422, "invalid-request"),
        ({"asked_at": "2026-11-22T00:00:00"}, 422, "invalid-request"),
        ({"asked_at": None}, 422, "invalid-request"),
        ({"age": timedelta(minutes=6)}, 403, "ask-stale"),
        ({"age": timedelta(minutes=-6)}, 403, "ask-stale"),
        ({"typ": "anxin-seal+jws"}, 422, "signature-invalid"),
    ],
)
def test_a_flawed_request_gets_nothing(kit, client, flaw, status, problem):
    """Every member counts: what was signed for another purpose is worth nothing here."""
    answer = client.get(PATH, headers={"Anxin-Ask": ask(kit, **flaw)})

    assert (answer.status_code, slug(answer)) == (status, problem)


@pytest.mark.parametrize("token", [None, "", "a.b.c", "é"])
def test_whoever_signs_nothing_gets_nothing(client, token):
    """A photo is given to no stranger."""
    headers = {} if token is None else {"Anxin-Ask": token}
    answer = client.get(PATH, headers=headers)

    assert (answer.status_code, slug(answer)) == (422, "signature-invalid")


def test_another_key_under_the_station_s_name_gets_nothing(kit, client, tmp_path):
    """The name alone proves nothing."""
    stranger = StationKey.open_or_make(tmp_path / "stranger.pem")
    answer = client.get(PATH, headers={"Anxin-Ask": ask(kit, stranger)})

    assert (answer.status_code, slug(answer)) == (422, "signature-invalid")


@pytest.mark.parametrize(
    ("order_ref", "digest"),
    [("unknown", SHA256), (REF, "0" * 64), (REF, ""), (REF, "../keys/tls"), ("..", SHA256),
     (".hidden", SHA256), ("x" * 65, SHA256)],
)  # fmt: skip
def test_what_the_centre_does_not_hold_is_not_found(kit, client, order_ref, digest):
    """Neither a reference nor a digest leads out of its folder."""
    path = f"/orders/v1/{order_ref}/earlier-photo"
    token = ask(kit, order_ref=order_ref, sha256=digest)
    answer = client.get(path, query_string={"sha256": digest}, headers={"Anxin-Ask": token})

    assert (answer.status_code, slug(answer)) == (404, "not-found")


@pytest.mark.parametrize("reference", ["", "..", "a/b", "x" * 65, "a\n"])
def test_a_reference_that_is_none_is_not_kept(tmp_path, reference):
    """Whoever puts photos there cannot write beside the folder."""
    with pytest.raises(ValueError, match="no reference"):
        keep_earlier_photo(tmp_path, reference, PHOTO)


def test_the_station_s_own_look_up_finds_it_over_tls(kit):
    """Both halves, written apart, meet on a real socket."""
    folder = kit.folder / "centre"
    server = wsgi.Server(("127.0.0.1", 0), create_app(kit.shelf, kit.keyring), numthreads=2)
    server.ssl_adapter = open_or_make_tls(folder, "127.0.0.1")
    server.ConnectionClass = ShakingConnection
    server.shutdown_timeout = 1
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    options = {"url": f"https://127.0.0.1:{server.bind_addr[1]}", "ca_file": folder / CA_FILE}
    lookup = open_lookup("https", options, STATION, kit.station_key.sign_jws)
    try:
        assert lookup.find(Ask(REF, SHA256), 20) == PHOTO
        with pytest.raises(LookupRefused, match="not_found"):
            lookup.find(Ask(REF, sha256(photo(4))), 20)
    finally:
        lookup.close()
        server.stop()
        thread.join()
