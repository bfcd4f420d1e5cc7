"""The reference gateway of docs/centre against a real bus of three nodes and a real S3 API."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import socket
import ssl
import sys
import tomllib
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from edge.delivery.receipt import ReceiptVerifier
from edge.seal import Closing, Sealer, package_file, seal_part
from edge.seal import digest_of as digest_at_the_station
from edge.trust.key_list import ListedKey
from edge.trust.keys import SealingKey, StationKey
from gateway.__main__ import reconcile
from gateway.ingest import BODY_BYTES_MAX, Ingest, create_app
from gateway.listener import CERTIFIED
from gateway.places import Bus, Objects, place_of
from gateway.seal import SEAL_CHARACTERS_MAX, ReceiptKey, Stations
from proofs import CannotRun
from proofs.gateway import kill_in_turn, lost_by_haste
from proofs.ingesting.machinery import BUCKET, CREDENTIALS, GATEWAY, NOBODY, Machinery, Plan

MEDIA = "application/vnd.anxin.package"
STATION = "st-000042"
THREADS = 4
CHECKOUT = Path(__file__).resolve().parents[2]


@contextmanager
def whole_centre(folder, plan=None):
    """Three bus nodes, an object store, two gateways."""
    try:
        with Machinery(folder, plan or Plan()) as machinery:
            yield machinery
    except CannotRun as reason:
        pytest.skip(f"NOT TESTED: {reason}")


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    """A small centre: one bus node, an object store, a gateway."""
    with whole_centre(
        tmp_path_factory.mktemp("centre"), Plan(nodes=1, gateways=1, threads=THREADS)
    ) as machinery:
        yield machinery


@pytest.fixture
def station(centre):
    """A registered station's hand."""
    key = StationKey(OKPKey.generate_key("Ed25519"))
    centre.register(STATION, key)
    return Sealer(STATION, key, SealingKey("k", X25519PrivateKey.generate().public_key()))


@pytest.fixture
def gateway(centre, monkeypatch):
    """Two gateways in this process, by their applications, at the centre's own store and bus."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    buses = []

    def made(endpoint=centre.endpoint, servers=centre.bus_servers, **environ):
        buses.append(Bus(servers, "packages", "urn:anxin:centre-test"))
        if servers != [NOBODY]:
            buses[-1].wait()
        objects = Objects(endpoint, BUCKET, 4)
        receipts = ReceiptKey.load(centre.folder / "receipt.pem", "centre-test")
        ingest = Ingest(Stations(centre.folder / "stations"), objects, buses[-1], receipts)
        client = create_app(ingest).test_client()
        client.environ_base.update(environ)
        return client

    made.buses = buses
    yield made
    for bus in buses:
        bus.close()


def sealed(station, number, plain=b"portrait" * 500, **changed):
    """A package as a station closes it: id, file, statement."""
    package_id = f"019aa1f0-7a1b-7c2d-8e3f-{number:012x}"
    part = station.part(package_id, 0, "a.png", "image/png", plain)
    record = seal_part(STATION, package_id, 1, "manifest", station.sealing_key, b"{}")
    content = package_file([part.record, record])
    closing = Closing(
        package_id=package_id, station_id=STATION, sequence=1, previous=None,
        digest=digest_at_the_station(content), size=len(content),
        sealed_at="2026-11-22T01:00:00.000Z", kid="k", audit_n=1, audit_head="00" * 32,
    )  # fmt: skip
    return package_id, content, station.statement(replace(closing, **changed))


def put(client, package_id, content, seal, **headers):
    fields = {
        "Content-Type": MEDIA, "If-None-Match": "*", "Anxin-Seal": seal,
        "Content-Digest": digest_at_the_station(content),
    }  # fmt: skip
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"/ingest/v1/packages/{package_id}", data=content, headers=fields)


def ask(client, package_id):
    return client.get(f"/ingest/v1/packages/{package_id}/receipt")


def slug(answer):
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.json["type"].removeprefix("urn:anxin:problem:")


def verifier(centre):
    public = OKPKey.import_key(centre.receipt_key.as_dict(private=False))
    kid = public.thumbprint()
    return ReceiptVerifier(STATION, lambda: {kid: ListedKey("receipt", kid, public, 0, 1 << 62)})


def test_a_package_lies_in_the_store_as_it_was_sealed_before_its_receipt_goes_out(
    centre, station, gateway
):
    """The station believes the receipt; the object's bytes are the package's, the seal beside."""
    package_id, content, seal = sealed(station, 1)
    answer = put(gateway(), package_id, content, seal, Anxin_Audit_Head="a.b.c")
    found = centre.s3.get_object(Bucket=BUCKET, Key=place_of(package_id))
    receipt = verifier(centre).verify(
        answer.text, package_id, digest_at_the_station(content), len(content)
    )

    assert (answer.status_code, answer.mimetype) == (201, "application/jose")
    assert receipt.outcome == "stored"
    assert found["Body"].read() == content
    assert found["Metadata"]["digest"] == digest_at_the_station(content)
    assert (found["Metadata"]["seal"], found["Metadata"]["audit-head"]) == (seal, "a.b.c")


def test_every_gateway_gives_the_same_receipt_for_ever(station, gateway):
    """A station may ask whom it likes, as often as it likes; a second PUT changes nothing."""
    one, other = gateway(), gateway()
    package_id, content, seal = sealed(station, 2)
    first = put(one, package_id, content, seal).text

    assert slug(put(other, package_id, content, seal)) == (412, "stored-already")
    assert ask(other, package_id).text == ask(one, package_id).text == first


def test_other_bytes_under_an_id_are_an_incident_and_change_nothing(centre, station, gateway):
    """A station that re-seals is refused, and what was acknowledged stays."""
    package_id, content, seal = sealed(station, 3)
    put(gateway(), package_id, content, seal)
    _, others, other_seal = sealed(station, 3, b"another face")

    assert slug(put(gateway(), package_id, others, other_seal)) == (409, "digest-conflict")
    kept = centre.s3.get_object(Bucket=BUCKET, Key=place_of(package_id))["Body"].read()
    assert kept == content


@pytest.mark.parametrize(
    ("more", "status"),
    [({}, 201), ({"crit": []}, 422), ({"crit": ["alg"]}, 422)],
    ids=["plain", "crit_of_nothing", "crit_of_what_is_none"],
)
def test_a_key_in_a_tpm_signs_es256_and_is_believed(centre, gateway, more, status):
    """A registered P-256 key counts as much as an Ed25519 one; nothing critical is understood."""
    key = ECKey.generate_key("P-256")
    card = {"v": 1, "station_id": STATION, "keys": [key.as_dict(private=False)]}
    (centre.folder / "stations" / f"{STATION}.json").write_text(json.dumps(card))
    content = b"ANXPKG1\n" + os.urandom(200)
    package_id = "019aa1f0-7a1b-7c2d-8e3f-000000000004"
    said = {
        "v": 1, "package_id": package_id, "station_id": STATION, "size": len(content),
        "digest": digest_at_the_station(content),
    }  # fmt: skip
    header = {"alg": "ES256", "typ": "anxin-seal+jws", "kid": key.thumbprint(), **more}
    seal = jws.serialize_compact(header, json.dumps(said), key, algorithms=["ES256"])

    assert put(gateway(), package_id, content, seal).status_code == status


def forged(station, seal, **header):
    """The same statement under another header, signed by what the header's algorithm wants."""
    said = jws.extract_compact(seal.encode())
    words = {**said.headers(), **header}
    if words["alg"] == "Ed25519":
        return station.station_key.sign_jws(said.payload, words["typ"])
    text = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in
            (json.dumps(words).encode(), said.payload, b"0" * 32)]  # fmt: skip
    return ".".join(text)


WRONG = {
    "nobody_of_that_name": (lambda s, i, c, t: {"seal": resigned(s, t, station_id="st-x")}, 403,
                            "client-unknown"),
    "a_path_for_a_name": (lambda s, i, c, t: {"seal": resigned(s, t, station_id="../st-000042")},
                          403, "client-unknown"),
    "a_name_that_is_no_text": (lambda s, i, c, t: {"seal": resigned(s, t, station_id=["a"])}, 403,
                               "client-unknown"),
    "another_typ": (lambda s, i, c, t: {"seal": forged(s, t, typ="anxin-manifest+jws")}, 422,
                    "signature-invalid"),
    "no_signature": (lambda s, i, c, t: {"seal": forged(s, t, alg="none")}, 422,
                     "signature-invalid"),
    "a_shared_secret": (lambda s, i, c, t: {"seal": forged(s, t, alg="HS256")}, 422,
                        "signature-invalid"),
    "no_statement": (lambda s, i, c, t: {"seal": ""}, 422, "signature-invalid"),
    "a_number_for_a_statement": (lambda s, i, c, t: {"seal": "e30.MQ.e30"}, 422,
                                 "signature-invalid"),
    "a_statement_too_long": (
        lambda s, i, c, t: {"seal": resigned(s, t, more="x" * SEAL_CHARACTERS_MAX)}, 422,
        "signature-invalid"),
    "another_package": (lambda s, i, c, t: {"seal": resigned(s, t, package_id=i[:-1] + "0")}, 422,
                        "invalid-request"),
    "another_format": (lambda s, i, c, t: {"seal": resigned(s, t, v=2)}, 422, "invalid-request"),
    "another_size": (lambda s, i, c, t: {"seal": resigned(s, t, size=1)}, 422, "digest-mismatch"),
    "other_bytes": (lambda s, i, c, t: {"content": c + b"x"}, 422, "digest-mismatch"),
    "another_digest": (lambda s, i, c, t: {"Content_Digest": "sha-256=:AAAA:"}, 422,
                       "digest-mismatch"),
    "another_kind_of_file": (lambda s, i, c, t: {"Content_Type": "text/plain"}, 415, "media-type"),
    "an_id_that_is_none": (lambda s, i, c, t: {"package_id": i.upper()}, 404, "not-found"),
    "too_many_bytes": (lambda s, i, c, t: {"content": bytes(BODY_BYTES_MAX + 1)}, 413,
                       "too-large"),
}  # fmt: skip


def resigned(station, seal, **changed):
    said = {**json.loads(jws.extract_compact(seal.encode()).payload), **changed}
    return station.station_key.sign_jws(json.dumps(said).encode(), "anxin-seal+jws")


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_hold_is_refused_and_not_kept(centre, station, gateway, wrong):
    """A clear problem that the station knows what to do about, and nothing in the store."""
    change, status, problem = WRONG[wrong]
    package_id, content, seal = sealed(station, 0xBAD)
    asked = {"package_id": package_id, "content": content, "seal": seal}
    asked |= change(station, package_id, content, seal)

    assert slug(put(gateway(), **asked)) == (status, problem)
    assert "Contents" not in centre.s3.list_objects_v2(Bucket=BUCKET, Prefix=place_of(package_id))


def test_a_package_without_a_length_is_refused(gateway):
    """The store must know the size first; chunks are not taken."""
    answer = gateway().put(
        "/ingest/v1/packages/019aa1f0-7a1b-7c2d-8e3f-000000000bad",
        input_stream=None, headers={"Content-Type": MEDIA},
    )  # fmt: skip

    assert slug(answer) == (411, "length-required")


def test_a_certificate_speaks_for_its_own_station_alone(station, gateway):
    """Another station's certificate may neither bring a package nor ask for its receipt."""
    package_id, content, seal = sealed(station, 5)
    foreign, nameless = gateway(**{CERTIFIED: "st-000043"}), gateway(**{CERTIFIED: ""})
    own = gateway(**{CERTIFIED: STATION})

    assert slug(put(foreign, package_id, content, seal)) == (403, "client-unknown")
    assert slug(put(nameless, package_id, content, seal)) == (403, "client-unknown")
    assert put(own, package_id, content, seal).status_code == 201
    assert slug(ask(foreign, package_id)) == (404, "not-found")
    assert ask(own, package_id).status_code == 200


def test_no_receipt_goes_out_while_the_bus_does_not_answer(centre, station, gateway):
    """The object stays, the reconciler tells of it, and the station comes again for its word."""
    package_id, content, seal = sealed(station, 6)
    alone = gateway(servers=[NOBODY])

    assert slug(put(alone, package_id, content, seal)) == (503, "unavailable")
    assert slug(ask(alone, package_id)) == (503, "unavailable")
    assert slug(put(alone, package_id, content, seal)) == (503, "unavailable")
    known, its_content, its_seal = sealed(station, 0x106)
    put(gateway(), known, its_content, its_seal)
    told = centre.command("reconcile", "--shard", "06", "--minutes", "0", said=known)
    assert (told.returncode, told.stdout) == (0, "1 published\n")
    assert slug(put(gateway(), package_id, content, seal)) == (412, "stored-already")
    assert ask(gateway(), package_id).status_code == 200


def test_no_receipt_goes_out_while_the_store_does_not_answer(station, gateway):
    """Retry later: the package is the station's until then."""
    package_id, content, seal = sealed(station, 7)
    answer = put(gateway(endpoint="http://127.0.0.1:1"), package_id, content, seal)

    assert slug(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert slug(ask(gateway(), package_id)) == (404, "not-found")


@pytest.mark.parametrize(
    "card",
    ["", "[]", '{"keys":[{"kty":"OKP"}]}', '{"keys":1}', "[" * 100_000],
    ids=["empty", "a_list", "half_a_key", "no_list_of_keys", "without_a_bottom"],
)
def test_a_card_that_is_broken_here_quarantines_nothing_there(centre, station, gateway, card):
    """Our fault is answered as one: the station waits and does not put its packages aside."""
    package_id, content, seal = sealed(station, 11)
    (centre.folder / "stations" / f"{STATION}.json").write_text(card)

    assert slug(put(gateway(), package_id, content, seal)) == (503, "unavailable")


def test_what_a_careless_store_kept_of_a_cut_upload_gets_no_receipt(centre, station, gateway):
    """An object that is shorter than its seal says is not the package: the station keeps it."""
    package_id, content, seal = sealed(station, 0x00A)
    digest = digest_at_the_station(content)
    facts = {"station-id": STATION, "digest": digest, "received-at": "", "seal": seal}
    centre.s3.put_object(Bucket=BUCKET, Key=place_of(package_id), Body=content[:-1], Metadata=facts)
    try:
        assert slug(put(gateway(), package_id, content, seal)) == (503, "unavailable")
        assert slug(ask(gateway(), package_id)) == (503, "unavailable")
        # In the listing the cut one comes first: it must not hide the whole one.
        whole, its_content, its_seal = sealed(station, 0xF0A)
        put(gateway(), whole, its_content, its_seal)
        objects, later = Objects(centre.endpoint, BUCKET, 1), datetime.now(UTC) + timedelta(hours=1)
        assert reconcile(objects, gateway.buses[0], (), "0a", later) == 1
    finally:
        centre.s3.delete_object(Bucket=BUCKET, Key=place_of(package_id))


def test_an_event_says_where_a_package_lies_and_nothing_of_whom(station, gateway, centre):
    """A CloudEvent below 2 KB, one for an id however often it is published."""
    package_id, content, seal = sealed(station, 8)
    client = gateway()
    put(client, package_id, content, seal)
    for _ in range(3):
        ask(client, package_id)
    events = [event for event in bus_events(centre) if event["id"] == package_id]

    assert len(events) == 1
    assert events[0]["specversion"] == "1.0"
    assert events[0]["data"] == {
        "station_id": STATION, "digest": digest_at_the_station(content), "size": len(content),
        "key": place_of(package_id),
    }  # fmt: skip
    assert len(json.dumps(events[0])) < 2048


def bus_events(centre):
    """Every event that lies on the bus, without taking it."""
    import asyncio  # noqa: PLC0415 - here only

    import nats  # noqa: PLC0415

    async def read():
        client = await nats.connect(centre.bus_servers)
        bus = client.jetstream()
        state = (await bus.stream_info("packages")).state
        numbers = range(state.first_seq, state.last_seq + 1)
        found = [await bus.get_msg("packages", seq=number) for number in numbers]
        await client.close()
        return [json.loads(one.data) for one in found]

    return asyncio.run(read())


def client_context(centre, certificate):
    context = ssl.create_default_context(cafile=centre.servers.file)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def listener(centre):
    """A gateway in a process of its own."""
    process = centre.gateways[0]
    if not process.runs:
        process.start()
    process.wait()
    return process


def test_connections_that_say_nothing_hold_no_worker(centre, listener):
    """Stations keep their connections: far more of them than workers, and a newcomer is served."""
    own = centre.clients.issue("silent", uri=f"anxin:station:{STATION}")
    context = client_context(centre, own)
    address = ("127.0.0.1", listener.port)
    with ExitStack() as stack:
        for _ in range(3 * THREADS):
            stack.enter_context(socket.create_connection(address, 60))
            quiet = stack.enter_context(socket.create_connection(address, 60))
            stack.enter_context(context.wrap_socket(quiet, server_hostname="127.0.0.1"))
        with httpx.Client(verify=context, trust_env=False) as client:
            answer = client.get(f"https://127.0.0.1:{address[1]}/ready", timeout=60)

    assert answer.status_code == 204


def test_over_tls_only_a_certificate_of_the_stations_ca_gets_in(centre, station, listener):
    """TLS 1.3, the client's certificate is asked for, and the name in it is the station's."""
    package_id, content, seal = sealed(station, 9)
    address = f"https://127.0.0.1:{listener.port}"
    own = centre.clients.issue("own", uri=f"anxin:station:{STATION}")
    other = centre.clients.issue("other", uri="anxin:station:st-000043")
    foreign = centre.servers.issue("foreign", uri=f"anxin:station:{STATION}")

    def over_tls(certificate, version=ssl.TLSVersion.TLSv1_3):
        context = client_context(centre, certificate)
        context.maximum_version = version
        with httpx.Client(base_url=address, verify=context, trust_env=False) as client:
            fields = {
                "Content-Type": MEDIA, "Anxin-Seal": seal,
                "Content-Digest": digest_at_the_station(content),
            }  # fmt: skip
            path = f"/ingest/v1/packages/{package_id}"
            return client.put(path, content=content, headers=fields, timeout=30).status_code

    for refused in (None, foreign):
        with pytest.raises(httpx.TransportError):
            over_tls(refused)
    with pytest.raises(httpx.TransportError):
        over_tls(own, ssl.TLSVersion.TLSv1_2)
    assert over_tls(other) == 403
    assert over_tls(own) == 201


def test_a_gateway_ends_cleanly_when_it_is_told_to(listener):
    """SIGTERM, as a service manager sends it: status 0, also with its bus connected."""
    assert listener.end() == 0


def test_no_process_of_a_centre_takes_a_package_with_it(tmp_path):
    """The bus's leader, a gateway and the store killed: nothing lost, doubled or unheard of."""
    with whole_centre(tmp_path) as centre:
        counted = kill_in_turn(centre, 3, seed=1)

    assert sum(counted.kills.values()) == 3
    assert (counted.lost, counted.doubled, counted.unheard) == (set(), 0, 0)
    # Without the unique key these would be two effects each: what the key is for was tried.
    assert counted.repeated > 0


def test_a_gateway_that_answers_before_it_stores_is_found_out(centre):
    """The control: the same kill on a gateway with a queue in front of its store."""
    assert lost_by_haste(centre, 1, seed=1) == 1


def test_the_gateway_is_written_from_the_specification_alone():
    """It imports the standard library, its own four modules, and what its lock names."""
    allowed = {"boto3", "botocore", "cheroot", "flask", "gateway", "joserfc", "nats", "werkzeug"}
    imported = set()
    for module in (GATEWAY / "gateway").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])

    assert imported - sys.stdlib_module_names <= allowed
    locked = (CHECKOUT / "requirements" / "gateway.lock").read_text(encoding="utf-8")
    assert all(f"\n{name}==" in f"\n{locked}" for name in ("boto3", "nats-py", "flask", "joserfc"))


def test_the_page_names_every_setting_and_command():
    """Whoever runs a gateway finds each key of the example, and no key or command that is not."""
    page = (GATEWAY / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ((?:`[a-z0-9_.]+`(?:, )?)+) \|", page.partition("## Running it")[2])
    named = {key for row in rows for key in re.findall(r"`([a-z0-9_.]+)`", row)}
    example = tomllib.loads((GATEWAY / "gateway.toml").read_text(encoding="utf-8"))
    keys = set()
    for name, value in example.items():
        keys |= {f"{name}.{inner}" for inner in value} if isinstance(value, dict) else {name}
    commands = re.findall(r"python -m gateway gateway\.toml (\w+)", page)

    assert named == keys
    assert set(commands) == {"prepare", "serve", "reconcile"}
