"""`/v1` on a network: who gets in with which certificate, and everybody else does not."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509

from api.app import V1Station, create_v1_app
from api.listener import Listener
from api.tls import TlsUnusable, server_context
from api.v1.certificates import CertificateIdentity
from edge.door_sections import V1Client
from proofs.trespassing.authority import DAY, NOW, SERVER, Ca, Leaf, client_context, new_key, pin_of
from tests.delivery_kit import SINK, STATION, make_kit

SCOPES = ("station:read",)
SMALL = "/v1/station"


@dataclass
class Bench:
    """A listener on loopback that behaves as on a network, and the two CAs of the centre."""

    clients: Ca
    servers: Ca
    denied: set[str] = field(default_factory=set)
    now_s: float = NOW.timestamp()
    pinned: Leaf | None = None
    listener: Listener | None = None

    def context(self, leaf: Leaf | None) -> ssl.SSLContext:
        """What a client of the centre connects with."""
        return client_context(self.servers, leaf)

    def ask(self, leaf: Leaf | None, path: str = SMALL, context: ssl.SSLContext | None = None):
        """Ask once: status and problem. Raises `OSError` where the handshake fails."""
        assert self.listener
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.listener.port, timeout=60, context=context or self.context(leaf)
        )
        try:
            connection.request("GET", path)
            return told(connection.getresponse())
        finally:
            connection.close()


def told(answer: http.client.HTTPResponse) -> tuple[int, str]:
    """Status and slug of an answer."""
    body = json.loads(answer.read())
    return answer.status, str(body.get("type", "")).rpartition(":")[2]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Everything real: the store, the application, TLS."""
    folder = tmp_path_factory.mktemp("tls")
    bench = Bench(Ca(folder, "clients"), Ca(folder, "servers"))
    bench.pinned = bench.clients.client("pinned")
    rows = [
        V1Client(name="reader", scopes=SCOPES),
        V1Client(name="pinned", scopes=SCOPES, pins=(pin_of(bench.pinned.key),)),
        V1Client(name="elsewhere", scopes=SCOPES, ips=("192.0.2.0/24",)),
        V1Client(name="here", scopes=SCOPES, ips=("127.0.0.0/8",)),
        V1Client(name="idle"),
    ]
    kit = make_kit(folder / "kit")
    server = bench.servers.server()
    with kit.open_store() as store:
        app = create_v1_app(
            V1Station(STATION, "0", "0" * 64, store, kit.verifier, list, list, (SINK,)),
            CertificateIdentity(rows, lambda: bench.denied, lambda: bench.now_s),
        )
        bench.listener = Listener(
            app, "127.0.0.1", 0, streams=0, closing=threading.Event(),
            tls=server_context(server.file, server.file, bench.clients.file),
        )  # fmt: skip
        bench.listener.start()
        yield bench
        bench.listener.close()


def test_the_right_certificate_gets_in(bench: Bench):
    """The control of everything below."""
    assert bench.ask(bench.clients.client("reader"))[0] == 200
    assert bench.ask(bench.clients.client("here"))[0] == 200
    assert bench.ask(bench.pinned)[0] == 200


def test_the_same_key_in_a_new_certificate_gets_in(bench: Bench):
    """Renewal needs no word from the station's operator."""
    assert bench.pinned
    assert bench.ask(bench.clients.client("pinned", key=bench.pinned.key))[0] == 200


def other_ca(bench: Bench) -> Leaf:
    """The same name, by a CA of the same name with another key."""
    return Ca(bench.clients.folder / "other", "clients").client("reader")


OUTSIDE = {
    "none": lambda bench: None,
    "other-ca": other_ca,
    "server-ca": lambda bench: bench.servers.client("reader"),
    "expired": lambda bench: bench.clients.client("reader", end=NOW - DAY / 24),
    "not-yet-valid": lambda bench: bench.clients.client("reader", begin=NOW + DAY),
    "for-servers": lambda bench: bench.clients.client("reader", usage=SERVER),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_whom_the_ca_does_not_vouch_for_never_reaches_the_application(bench: Bench, case: str):
    """The handshake fails: nothing is asked, nothing is answered."""
    with pytest.raises(OSError, match=r"(?i)alert|reset|eof|pipe|closed"):
        bench.ask(OUTSIDE[case](bench))


NAMES = {
    "no-name": lambda ca: ca.leaf("reader", ()),
    "common-name-alone": lambda ca: ca.leaf("reader", (x509.DNSName("reader"),)),
    "name-of-dns": lambda ca: ca.leaf("r", (x509.DNSName("anxin:client:reader"),)),
    "two-names": lambda ca: ca.client("reader", "anxin:client:idle"),
    "other-scheme": lambda ca: ca.leaf(
        "r", (x509.UniformResourceIdentifier("spiffe://centre/reader"),)
    ),
    "longer-name": lambda ca: ca.client("reader2"),
    "upper-case": lambda ca: ca.client("READER"),
    "no-row": lambda ca: ca.client("stranger"),
    "other-key-than-pinned": lambda ca: ca.client("pinned", key=new_key()),
    "other-address": lambda ca: ca.client("elsewhere"),
}


@pytest.mark.parametrize("case", NAMES)
def test_whom_the_settings_do_not_name_is_unknown(bench: Bench, case: str):
    """A certificate of the CA alone is no client: name, row, key and address must agree."""
    assert bench.ask(NAMES[case](bench.clients)) == (403, "client-unknown")


def test_a_name_without_scopes_may_do_nothing(bench: Bench):
    """It is known, and that is all."""
    assert bench.ask(bench.clients.client("idle")) == (403, "scope-missing")
    assert bench.ask(bench.clients.client("idle"), "/v1/health/ready")[0] == 200


def test_tls_1_2_and_plain_http_are_refused(bench: Bench):
    """Nothing older than TLS 1.3, and nothing in the clear: not even a refusal."""
    assert bench.listener
    context = bench.context(bench.clients.client("reader"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"(?i)version"):
        bench.ask(None, context=context)
    with socket.create_connection(("127.0.0.1", bench.listener.port), 60) as wire:
        wire.sendall(b"GET /v1/station HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            said = wire.recv(4096)
        except ConnectionResetError:
            said = b""

    assert b"HTTP" not in said


def test_a_client_refuses_a_listener_of_another_ca(bench: Bench):
    """A client that pins the servers' CA sends nothing to anybody else."""
    with pytest.raises(ssl.SSLCertVerificationError):
        bench.ask(None, context=client_context(bench.clients, bench.clients.client("reader")))


@contextmanager
def kept(bench: Bench, leaf: Leaf) -> Iterator[http.client.HTTPSConnection]:
    """A connection that stays open."""
    assert bench.listener
    connection = http.client.HTTPSConnection(
        "127.0.0.1", bench.listener.port, timeout=60, context=bench.context(leaf)
    )
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


def again(connection: http.client.HTTPSConnection) -> tuple[int, str]:
    """Ask on the connection as it is."""
    connection.auto_open = 0
    connection.request("GET", SMALL)
    return told(connection.getresponse())


def test_whom_the_centre_shuts_out_is_out_at_once(bench: Bench):
    """By name or by key, also on a connection that is open, and from what is open to others."""
    leaf = bench.clients.client("reader")
    with kept(bench, leaf) as connection:
        for shut_out in ("reader", pin_of(leaf.key)):
            assert again(connection)[0] == 200
            bench.denied.add(shut_out)
            assert again(connection) == (403, "client-denied")
            assert bench.ask(leaf, "/v1/health/live") == (403, "client-denied")
            bench.denied.clear()


def test_a_connection_does_not_outlive_its_certificate(bench: Bench):
    """The handshake was in time; the request is not."""
    with kept(bench, bench.clients.client("reader")) as connection:
        assert again(connection)[0] == 200
        bench.now_s = (NOW + 31 * DAY).timestamp()
        try:
            assert again(connection) == (403, "client-unknown")
        finally:
            bench.now_s = NOW.timestamp()


def test_no_session_is_resumed(bench: Bench):
    """Each connection shows its certificate; a ticket would stand for one that is long over."""
    assert bench.listener
    context = bench.context(bench.clients.client("reader"))
    wire = socket.create_connection(("127.0.0.1", bench.listener.port), 60)
    with context.wrap_socket(wire, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert tls.recv(12) == b"HTTP/1.1 200"

        assert tls.session is None or not tls.session.has_ticket


def test_the_files_of_a_listener_are_named_where_they_cannot_be_used(tmp_path: Path):
    """One sentence: which setting, which file, what to do."""
    ca = Ca(tmp_path, "ca")
    leaf, other = ca.server(), ca.server()
    nowhere = tmp_path / "nowhere.pem"
    broken = tmp_path / "broken.pem"
    broken.write_text("no PEM")
    foreign = tmp_path / "foreign.pem"
    foreign.write_bytes(other.file.read_bytes().split(b"-----BEGIN CERT")[0])
    for files, named in (
        ((nowhere, leaf.file, ca.file), "v1.network.certificate"),
        ((leaf.file, foreign, ca.file), "v1.network.private_key"),
        ((broken, leaf.file, ca.file), "v1.network.certificate"),
        ((leaf.file, leaf.file, nowhere), "v1.network.client_ca"),
        ((leaf.file, leaf.file, broken), "v1.network.client_ca"),
    ):
        with pytest.raises(TlsUnusable, match=named):
            server_context(*files)
