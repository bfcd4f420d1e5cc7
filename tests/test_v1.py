"""What the central system may ask, on a real store with real keys and receipts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import V1Station, create_v1_app
from api.security import HEADERS, TokenUnusable, open_or_make_token
from api.v1.scopes import KNOWN, SCOPES
from drivers.fingerprint import ReaderFacts
from edge.store import PackageRow, Store
from edge.supervisor import DeviceState, DeviceStatus, DeviceWarning
from tests import order_kit
from tests.delivery_kit import SINK, STATION, Kit, make_kit, new_id

TOKEN = "k" * 43
TRACE = ("-3 ms > 01  GetImage", "0 ms < 07 02  no finger")
BEARER = {"Authorization": f"Bearer {TOKEN}"}
READER = DeviceStatus(
    "reader-1", "fingerprint", "zfm", "Grow R503", DeviceState.READY, "", 1_000,
    facts=ReaderFacts("/dev/serial/by-id/usb-1", 115200, 256, 192, 192, "R503 V1.2", True),
    warnings=(DeviceWarning.NOT_FOR_ENROLMENT, DeviceWarning.FINGER_AT_OPENING),
    detail="Not for enrolment: its window is too small.",
)  # fmt: skip
CAMERA = DeviceStatus("camera-1", "camera", "folder", "Folder", DeviceState.READY, "", 1_000)


@dataclass
class Bench:
    """One station's `/v1` with a store that holds real sealed packages."""

    kit: Kit
    store: Store
    client: FlaskClient
    reasons: list[str] = field(default_factory=list)

    def get(self, path: str, **headers: str):
        """Ask with the token."""
        return self.client.get(path, headers={**BEARER, **headers})

    def put_receipt(self, row: PackageRow, receipt: str, kind: str = "application/jose"):
        """Hand in a receipt."""
        path = f"/v1/packages/{row.package_id}/receipt"
        return self.client.put(path, data=receipt, content_type=kind, headers=BEARER)

    def receipt(self, row: PackageRow, **changes: object) -> str:
        """The centre's word for a package."""
        said = {
            "v": 1, "receipt_id": str(uuid.uuid4()), "package_id": row.package_id,
            "station_id": STATION, "digest": row.digest, "size": row.size, "outcome": "stored",
            "code": None, "received_at": "2026-11-22T01:00:00.000Z", "by": "centre",
        }  # fmt: skip
        return self.kit.keyring.sign_receipt({**said, **changes})


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("v1"))


@pytest.fixture
def bench(kit: Kit, tmp_path: Path) -> Iterator[Bench]:
    """A fresh store each time."""
    reasons: list[str] = []
    where = (tmp_path / "store.db", tmp_path / "store.key")
    with Store.open(*where) as store, order_kit.opened(store) as orders:
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, lambda: [CAMERA, READER],
            lambda: reasons, (SINK,), orders=orders, traces=lambda: {"reader-1": TRACE},
            log_lines=lambda: ('{"event": "opened"}',),
        )  # fmt: skip
        app = create_v1_app(station, TOKEN)
        yield Bench(kit, store, app.test_client(), reasons)


def slug(answer) -> str:
    """The slug of a problem, which must be one in form as well."""
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == answer.status_code
    assert body["instance"].startswith("urn:uuid:")
    return str(body["type"]).removeprefix("urn:anxin:problem:")


def test_nothing_but_life_and_the_document_is_shown_without_the_token(bench: Bench):
    """Every route asks for the token, also one that a colleague adds tomorrow."""
    open_paths = {"/v1/health/live", "/v1/openapi.json", "/v1/docs"}
    leads = {"/", "/v1", "/v1/"}
    paths = {
        re.sub("<[a-z]+_id>", new_id(), rule.rule)
        for rule in bench.client.application.url_map.iter_rules()
        if "<path:filename>" not in rule.rule
    }

    assert len(paths) > 10
    for path in sorted(paths):
        method = bench.client.put if path.endswith("/receipt") else bench.client.get
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = method(path, headers=headers)
            if path in leads:
                assert (answer.status_code, answer.location) == (302, "/v1/docs"), path
            elif path in open_paths:
                assert answer.status_code == 200, path
            else:
                assert (answer.status_code, slug(answer)) == (403, "client-unknown"), path
    assert slug(bench.client.get("/v1/nothing-here")) == "client-unknown"


def test_every_answer_says_version_request_and_that_it_must_not_be_kept(bench: Bench):
    """The house's headers stand on good answers and on refusals."""
    row = bench.kit.hand_in(bench.store)
    for path in ("/v1/station", "/v1/nothing", "/v1/packages?limit=0", "/v1/openapi.json",
                 f"/v1/packages/{row.package_id}/sealed", "/v1/metrics"):  # fmt: skip
        answer = bench.get(path)

        assert answer.headers["Anxin-Api-Version"] == "1.0"
        assert uuid.UUID(answer.headers["Request-Id"])
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_list_is_paged_by_key_and_complete(bench: Bench):
    """Packages are neither skipped nor repeated, whatever the page's size."""
    made = [bench.kit.hand_in(bench.store).package_id for _ in range(5)]
    seen, path = [], "/v1/packages?limit=2"
    while path:
        page = bench.get(path).get_json()
        seen += [item["package_id"] for item in page["items"]]
        path = f"/v1/packages?limit=2&after={page['next']}" if page["next"] else ""

    assert seen == made


@pytest.mark.parametrize(
    "cursor", ["x", "MS4x", base64.urlsafe_b64encode(b"1.1.00000000").decode(), "é", "1" * 200]
)
def test_a_cursor_of_another_list_is_refused(bench: Bench, cursor: str):
    """A cursor is opaque and belongs to its filters."""
    assert slug(bench.get(f"/v1/packages?after={cursor}")) == "cursor-invalid"


def test_a_cursor_does_not_move_to_another_filter(bench: Bench):
    """With other filters the same cursor would skip packages."""
    for _ in range(2):
        bench.kit.hand_in(bench.store)
    cursor = bench.get("/v1/packages?limit=1").get_json()["next"]

    assert slug(bench.get(f"/v1/packages?state=ready&after={cursor}")) == "cursor-invalid"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/station", "/v1/health", "/v1/health/live", "/v1/health/ready", "/v1/devices",
        "/v1/devices/camera-1", "/v1/packages", "/v1/packages/{id}",
        "/v1/packages/{id}/sealed", "/v1/metrics",
    ],
)  # fmt: skip
def test_a_parameter_that_nobody_knows_is_refused(bench: Bench, path: str):
    """A typo must not be silently ignored."""
    row = bench.kit.hand_in(bench.store)
    answer = bench.get(path.format(id=row.package_id) + "?limitt=SECRET")

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")
    assert answer.get_json()["errors"] == [{"pointer": "limitt", "code": "extra_forbidden"}]
    assert b"SECRET" not in answer.data


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
def test_a_page_is_one_to_two_hundred(bench: Bench, limit: str):
    """The limits of a page are 1 and 200."""
    assert bench.get(f"/v1/packages?limit={limit}").status_code == 422
    assert bench.get("/v1/packages?limit=200").status_code == 200


def test_a_sealed_package_arrives_whole_with_its_digests(bench: Bench):
    """The bytes are the store's, and both digests name them."""
    row = bench.kit.hand_in(bench.store)
    answer = bench.get(f"/v1/packages/{row.package_id}/sealed")

    assert answer.status_code == 200
    assert answer.mimetype == "application/vnd.anxin.package"
    assert answer.data == bench.store.sealed(row.package_id)
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
    assert answer.headers["Repr-Digest"] == answer.headers["Content-Digest"] == row.digest
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_broken_download_goes_on_where_it_stopped(bench: Bench):
    """206 for a range, 304 for what the client has, 416 for what is not there."""
    row = bench.kit.hand_in(bench.store)
    path, whole = f"/v1/packages/{row.package_id}/sealed", bench.store.sealed(row.package_id)
    etag = bench.get(path).headers["ETag"]
    rest = bench.get(path, Range="bytes=100-", **{"If-Range": etag})
    changed = bench.get(path, Range="bytes=100-", **{"If-Range": '"other"'})
    same = bench.get(path, **{"If-None-Match": etag})
    beyond = bench.get(path, Range=f"bytes={len(whole)}-")

    assert (rest.status_code, rest.data) == (206, whole[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert rest.headers["Repr-Digest"] == row.digest
    assert "Content-Digest" not in rest.headers
    assert (changed.status_code, changed.data) == (200, whole)
    assert (same.status_code, same.data) == (304, b"")
    assert (beyond.status_code, slug(beyond)) == (416, "range")
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole)}"
    assert bench.get(path, Range="bytes=0-1,4-5").status_code == 416


def test_a_receipt_lets_the_station_delete_once_and_again_is_harmless(bench: Bench):
    """204, 204 again, and the sealed bytes are gone with 410."""
    row = bench.kit.hand_in(bench.store)
    receipt = bench.receipt(row)

    assert bench.put_receipt(row, receipt).status_code == 204
    assert bench.put_receipt(row, receipt).status_code == 204
    assert bench.put_receipt(row, bench.receipt(row)).status_code == 204
    assert slug(bench.get(f"/v1/packages/{row.package_id}/sealed")) == "package-gone"
    assert bench.get(f"/v1/packages/{row.package_id}").get_json()["state"] == "receipted"
    assert slug(bench.put_receipt(row, bench.receipt(row, outcome="refused"))) == "receipt-conflict"


def test_a_refusal_sets_the_package_aside_and_keeps_it(bench: Bench):
    """`refused` is a receipt too: nothing is deleted."""
    row = bench.kit.hand_in(bench.store)
    answer = bench.put_receipt(row, bench.receipt(row, outcome="refused", code="seal-broken"))

    assert answer.status_code == 204
    assert bench.store.package(row.package_id).state == "quarantined"
    assert bench.store.sealed(row.package_id)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"size": 1}, "receipt-conflict"),
        ({"digest": "sha-256=:AAAA:"}, "receipt-conflict"),
        ({"station_id": "st-000008"}, "receipt-invalid"),
        ({"package_id": "another"}, "receipt-invalid"),
        ({"outcome": "perhaps"}, "receipt-invalid"),
    ],
)
def test_a_receipt_that_proves_nothing_deletes_nothing(
    bench: Bench, changes: dict[str, object], refusal: str
):
    """Every field counts."""
    row = bench.kit.hand_in(bench.store)

    assert slug(bench.put_receipt(row, bench.receipt(row, **changes))) == refusal
    assert bench.store.package(row.package_id).state == "ready"
    assert bench.store.sealed(row.package_id)


def test_a_forged_receipt_or_another_type_is_refused(bench: Bench, tmp_path: Path):
    """Another centre's key, no JWS at all, a form: each for its reason."""
    row = bench.kit.hand_in(bench.store)
    stranger = make_kit(tmp_path / "stranger")
    forged = Bench(stranger, bench.store, bench.client).receipt(row)

    assert slug(bench.put_receipt(row, forged)) == "receipt-invalid"
    assert slug(bench.put_receipt(row, "garbage é")) == "receipt-invalid"
    answer = bench.put_receipt(row, bench.receipt(row), "application/x-www-form-urlencoded")
    assert (answer.status_code, slug(answer)) == (415, "media-type")
    assert bench.store.package(row.package_id).state == "ready"


def test_what_is_not_there_is_not_found(bench: Bench):
    """Unknown ids, open packages, and ids that the station never makes."""
    open_id = bench.kit.fill(bench.store, new_id())
    for path in (f"/v1/packages/{new_id()}", f"/v1/packages/{open_id}/sealed",
                 "/v1/packages/..%2f..%2fetc", "/v1/packages/../../etc/passwd",
                 "/v1/devices/camera-9", "/v1/devices/%00", f"/v1/devices/{'a' * 99}"):  # fmt: skip
        answer = bench.get(path)

        assert (answer.status_code, slug(answer)) == (404, "not-found"), path


def test_a_wrong_method_is_told_the_right_one(bench: Bench):
    """405 with Allow; HEAD wherever GET is."""
    answer = bench.client.delete("/v1/station", headers=BEARER)

    assert (answer.status_code, slug(answer)) == (405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]
    assert bench.client.head("/v1/station", headers=BEARER).status_code == 200


def test_titles_speak_the_client_s_language(bench: Bench):
    """zh-CN first, English on request; the type stays the same."""
    chinese = bench.get("/v1/nothing").get_json()
    english = bench.get("/v1/nothing", **{"Accept-Language": "en-GB,en;q=0.9"}).get_json()

    assert chinese["title"] == "没有找到"
    assert english["title"] == "There is nothing here."
    assert chinese["type"] == english["type"]


def test_health_says_why_no_sitting_may_begin(bench: Bench):
    """200 while ready, 503 with the reasons while not; alive all the time."""
    ready = bench.get("/v1/health/ready")
    bench.reasons.append("device_out")
    unready, detail = bench.get("/v1/health/ready"), bench.get("/v1/health")

    said = ready.get_json()
    assert (ready.status_code, said["ready"], said["reasons"]) == (200, True, [])
    assert said["store"]["ready"] == said["store"]["quarantined"] == 0
    assert said["store"]["free_bytes"] > 0
    assert set(said["clock"]) == {"source", "uncertainty_ms"}
    assert unready.status_code == detail.status_code == 503
    assert unready.get_json()["reasons"] == ["device_out"]
    assert detail.get_json()["devices"] == {"camera-1": "ready", "reader-1": "ready"}
    assert detail.get_json()["examiner"] == "none"
    assert detail.get_json()["store"]["free_bytes"] > 0
    assert bench.client.get("/v1/health/live").status_code == 200


def test_devices_are_named_with_state_and_time(bench: Bench):
    """The status as the supervisor holds it, times in RFC 3339."""
    answer = bench.get("/v1/devices/camera-1").get_json()

    assert answer == bench.get("/v1/devices").get_json()["items"][0]
    assert (answer["state"], answer["since"]) == ("ready", "1970-01-01T00:00:01.000Z")


def test_metrics_count_what_the_store_holds(bench: Bench):
    """Prometheus text; no label holds an id of a package."""
    row = bench.kit.hand_in(bench.store)
    answer = bench.get("/v1/metrics")
    lines = answer.text.splitlines()

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert f'anxin_packages{{kid="{row.kid}",state="ready"}} 1.0' in lines
    assert 'anxin_device_state{device="camera-1",state="ready"} 1.0' in lines
    assert 'anxin_device_state{device="camera-1",state="failed"} 0.0' in lines
    assert row.package_id not in answer.text


def test_the_document_describes_every_route(bench: Bench):
    """OpenAPI 3.1.0: every path, problems as problems, the download as what it is."""
    document = bench.client.get("/v1/openapi.json").get_json()
    routes = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in bench.client.application.url_map.iter_rules()
        if not rule.endpoint.startswith("document.")
    }
    sealed = document["paths"]["/v1/packages/{package_id}/sealed"]["get"]["responses"]

    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == routes
    assert {"200", "206", "304", "404", "410", "416", "403", "422"} <= set(sealed)
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status in ("400", "403", "404", "409", "410", "415", "416", "422"):
                    assert list(answer["content"]) == ["application/problem+json"], operation
    json_refs = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in json_refs or "Query" in name, name


def test_the_reference_page_shows_every_path(bench: Bench):
    """One server-rendered page, nothing from elsewhere."""
    page = bench.client.get("/v1/docs").text

    for path in bench.client.get("/v1/openapi.json").get_json()["paths"]:
        assert f"<code>{path}</code>" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_the_reference_page_says_how_to_ask(bench: Bench):
    """A line to copy, where the token is, what its absence gives, and parameters in words."""
    page = bench.client.get("/v1/docs").text

    assert 'curl -H "Authorization: Bearer $(cat var/demo/store/v1.token)" localhost/v1/' in page
    assert "403 <code>client-unknown</code>" in page
    assert "demo-centre" in page
    assert "at least 1, at most 200, default 50" in page
    assert "{&#34;" not in page
    assert "anyOf" not in page
    document = bench.client.get("/v1/openapi.json").get_json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert all(each["description"] for each in operation.get("parameters", ()))


def test_a_planted_fault_shows_nothing_but_its_code(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """What an exception says may be a name or a path: it never leaves, nor is it logged."""
    monkeypatch.setitem(SCOPES, "planted", KNOWN)

    @bench.client.application.get("/v1/planted")
    def planted() -> str:
        raise RuntimeError("/secret/path of 陈先生")

    answer = bench.get("/v1/planted")

    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert "secret" not in answer.text
    written = capsys.readouterr()
    assert "secret" not in written.out + written.err


@pytest.mark.parametrize("token", ["short", ""])
def test_a_token_that_protects_nothing_is_refused(bench: Bench, token: str):
    """An empty token would open the door to everybody."""
    station = V1Station("st-1", "0", "0", bench.store, bench.kit.verifier, list, list)
    with pytest.raises(ValueError, match="token"):
        create_v1_app(station, token)


def test_the_token_file_is_the_service_s_own(tmp_path: Path):
    """Made once with mode 0600; refused when others may read it, or when it is empty."""
    path = tmp_path / "token"
    token = open_or_make_token(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert open_or_make_token(path) == token
    assert len(token) >= 43
    path.chmod(0o644)
    with pytest.raises(TokenUnusable, match="read by others"):
        open_or_make_token(path)
    path.chmod(0o600)
    for damaged in (b"", b"short", b"\xff" * 64):
        path.write_bytes(damaged)
        with pytest.raises(TokenUnusable, match="no token"):
            open_or_make_token(path)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    path=st.sampled_from(["", "/{}", "/{}/sealed"]).map("/v1/packages{}".format),
    name=st.text(max_size=20),
    query=st.dictionaries(st.sampled_from(["after", "limit", "state"]), st.text(max_size=30)),
    range_=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
)
def test_no_request_makes_the_interface_stumble(bench: Bench, path, name, query, range_):
    """Whatever is asked, the answer is a good one or a problem below 500."""
    answer = bench.client.get(
        path.format(quote(name, safe="/")), query_string=query, headers={**BEARER, "Range": range_}
    )

    assert answer.status_code < 500


def test_a_readers_line_and_its_warnings_are_with_the_devices_and_in_health(bench: Bench):
    """Where it is, how fast it is, what it is, and what a technician should know."""
    line = {
        "port": "/dev/serial/by-id/usb-1", "baud": 115200, "packet_bytes": 256,
        "width_px": 192, "height_px": 192, "product": "R503 V1.2",
    }  # fmt: skip
    warnings = ["not_for_enrolment", "finger_at_opening"]
    device = bench.get("/v1/devices/reader-1").get_json()
    health = bench.get("/v1/health").get_json()

    assert (device["line"], device["warnings"]) == (line, warnings)
    assert health["reader_lines"] == {"reader-1": line}
    assert health["device_warnings"] == {"reader-1": warnings}
    assert bench.get("/v1/devices/camera-1").get_json()["line"] is None


def test_support_is_told_the_last_words_and_the_failures_own_sentence(bench: Bench):
    """What the public part of the interface leaves out: sentences, traces, log lines."""
    told = bench.get("/v1/support").get_json()
    devices = {device["device_id"]: device for device in told["devices"]}

    assert devices["reader-1"]["trace"] == list(TRACE)
    assert devices["reader-1"]["detail"] == "Not for enrolment: its window is too small."
    assert devices["camera-1"]["trace"] == []
    assert told["log"] == ['{"event": "opened"}']
    assert "detail" not in bench.get("/v1/devices/reader-1").get_json()
