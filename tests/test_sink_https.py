"""The https sink on lines that break, drip, refuse early and ask who is there."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from centre.opening import digest_of
from centre.tls import _builder, _private_pem
from centre.upload import HALVES_MAX, Uploads
from edge.sinks.load import open_sink, sending_sinks, sink_config
from edge.sinks.sink import Outgoing, PackageRefused, SinkAway, SinkClosed
from tests.delivery_kit import STATION, make_kit, new_id, until
from tests.hostile_centre import HostileCentre, answer

LARGE = bytes(range(256)) * 4096
CENTRE = """
import sys
from pathlib import Path
from centre.app import serve
serve(Path(sys.argv[1]), "127.0.0.1", 0, lambda port: print(port, flush=True))
"""


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The centre as its own process: its kit and its port."""
    kit = make_kit(tmp_path_factory.mktemp("served"))
    process = subprocess.Popen(
        [sys.executable, "-c", CENTRE, str(kit.folder / "centre")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process.stdout:
        yield kit, int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


class Relay:
    """A line to a port that is cut after so many bytes of each connection, as often as told."""

    def __init__(self, port, cuts):
        self._port, self.cuts = port, list(cuts)
        self.carried = []
        """Bytes that each connection took towards the centre."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                self.carried.append(0)
                limit = self.cuts.pop(0) if self.cuts else None
                job = (near, limit, len(self.carried) - 1)
                self._threads.append(threading.Thread(target=self._join, args=job))
                self._threads[-1].start()

    def _join(self, near, limit, number):
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            back = threading.Thread(target=self._back, args=(far, near))
            back.start()
            with suppress(OSError):
                while limit is None or self.carried[number] < limit:
                    piece = near.recv(16 << 10)
                    if not piece:
                        break
                    far.sendall(piece)
                    self.carried[number] += len(piece)
            # A FIN to the centre, which may still read what is on its way; the station is cut off.
            for one, how in ((far, socket.SHUT_WR), (near, socket.SHUT_RDWR)):
                with suppress(OSError):
                    one.shutdown(how)
            back.join()

    def _back(self, far, near):
        with suppress(OSError):
            while piece := far.recv(16 << 10):
                with suppress(OSError):
                    near.sendall(piece)
        with suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(port, cuts):
    with closing(Relay(port, cuts)) as relay:
        yield relay


def large(kit, store):
    """A closed package of 1 MiB."""
    package_id = kit.fill(store, new_id(), (LARGE,))
    return kit.shut(store, package_id)


def outgoing(store, row):
    content = store.sealed(row.package_id)
    return Outgoing(row.package_id, STATION, row.digest, row.statement, content, "h.e.ad")


def test_a_broken_upload_goes_on_where_it_broke(served):
    """Cut in the middle of 1 MiB: what crosses the line in all is hardly more than 1 MiB."""
    kit, port = served
    uploads = Uploads(kit.folder / "centre")
    with kit.open_store() as store, relayed(port, [400_000]) as relay:
        package = outgoing(store, large(kit, store))
        ca_file = str(kit.folder / "centre" / "tls-ca.pem")
        options = {"url": f"https://127.0.0.1:{relay.port}", "ca_file": ca_file}
        with closing(open_sink("https", options)) as sink:
            with pytest.raises(SinkAway, match="cut") as away:
                sink.send(package)
            assert away.value.unclear
            until(lambda: uploads.offset(package.package_id))
            arrived = uploads.offset(package.package_id)
            assert sink.receipt(package.package_id) is None
            token = sink.send(package)

    size = len(package.content)
    assert kit.verifier.verify(token, package.package_id, package.digest, size)
    # Heads, TLS and a handshake are the difference.
    assert sum(relay.carried[1:]) < size - arrived + 30_000
    assert kit.shelf.word(package.package_id).digest == package.digest
    assert uploads.offset(package.package_id) == 0


def test_a_centre_that_noticed_late_how_far_it_came_says_so(kit):
    """416 with another offset: the rest from there, and no second whole."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))

    def script(request):
        if request.method == "GET":
            return answer(404, Upload_Offset="300000")
        late = request.headers["upload-offset"] == "300000"
        return answer(416, Upload_Offset="700000") if late else answer(201, "r.r.r")

    with HostileCentre(kit.folder / "centre", script) as centre:
        with closing(open_sink("https", centre.options)) as sink:
            sink.receipt(package.package_id)
            assert sink.send(package) == "r.r.r"

        assert [request.method for request in centre.requests] == ["GET", "PATCH", "PATCH"]
        assert centre.requests[-1].body == package.content[700000:]


@pytest.mark.parametrize("status", [404, 405, 412, 416, 501])
def test_a_centre_that_cannot_go_on_gets_the_whole(kit, status):
    """An older centre, or one that forgot: the first upload's form always works."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))

    def script(request):
        if request.method == "GET":
            return answer(404, Upload_Offset="500000")
        if request.method == "PATCH":
            return answer(status)
        return answer(201, "r.r.r")

    with HostileCentre(kit.folder / "centre", script) as centre:
        with closing(open_sink("https", centre.options)) as sink:
            assert sink.receipt(package.package_id) is None
            assert sink.send(package) == "r.r.r"
        asked, rest, whole = centre.requests

    assert [asked.method, rest.method, whole.method] == ["GET", "PATCH", "PUT"]
    assert rest.headers["upload-offset"] == "500000"
    assert rest.headers["repr-digest"] == package.digest
    assert rest.body == package.content[500000:]
    assert whole.body == package.content
    assert {request.headers["anxin-audit-head"] for request in (rest, whole)} == {"h.e.ad"}


@pytest.mark.parametrize("offset", ["0", "-1", "99999999", "x", "1e3", "\u0663"])
def test_an_offset_that_makes_no_sense_means_the_whole(kit, offset):
    """Whatever a centre says of what it has."""
    with kit.open_store() as store:
        package = outgoing(store, kit.hand_in(store))

    def script(request):
        if request.method == "GET":
            said = answer(404, Upload_Offset="OFFSET")
            return said.replace(b"OFFSET", offset.encode())
        return answer(201, "r.r.r")

    with HostileCentre(kit.folder / "centre", script) as centre:
        with closing(open_sink("https", centre.options)) as sink:
            sink.receipt(package.package_id)
            sink.send(package)

        assert [request.method for request in centre.requests] == ["GET", "PUT"]


def ingest(kit, method, package, body, **headers):
    fields = {
        "Anxin-Seal": package.statement, "Content-Type": "application/vnd.anxin.package",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    path = f"/ingest/v1/packages/{package.package_id}"
    return kit.application.test_client().open(path, method=method, data=body, headers=fields)


def test_the_centre_goes_on_only_where_what_it_has_ends(kit):
    """Another offset, size or package: 416 with its own, and nothing changes."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))
    uploads = Uploads(kit.folder / "centre")
    uploads.keep(package.package_id, package.digest, package.content[:300_000])
    rest = package.content[300_000:]

    for offset, body in (("299999", rest), ("300000", rest[1:]), ("", rest), ("0", rest)):
        refused = ingest(kit, "PATCH", package, body, Upload_Offset=offset)
        assert (refused.status_code, refused.headers["Upload-Offset"]) == (416, "300000")
    assert ingest(kit, "PATCH", package, rest, Upload_Offset="300000").status_code == 201
    again = ingest(kit, "PATCH", package, rest, Upload_Offset="300000", If_None_Match="*")
    assert again.status_code == 416


def test_a_half_that_was_damaged_at_the_centre_is_forgotten_and_quarantines_nothing(kit):
    """503: the station backs off, asks, hears of no half, and sends the whole."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))
    uploads = Uploads(kit.folder / "centre")
    uploads.keep(package.package_id, package.digest, bytes(300_000))

    rest = package.content[300_000:]
    assert ingest(kit, "PATCH", package, rest, Upload_Offset="300000").status_code == 503
    assert uploads.offset(package.package_id) == 0
    whole = ingest(kit, "PUT", package, package.content, Content_Digest=package.digest)
    assert whole.status_code == 201


def test_the_centre_keeps_no_half_for_a_stranger_and_not_too_many(kit, tmp_path):
    """Only what a registered station's statement announces; the oldest go."""
    uploads = Uploads(tmp_path / "some")
    for number in range(HALVES_MAX + 5):
        uploads.keep(f"p{number}", digest_of(b"x"), bytes(70_000))
    uploads.keep("small", digest_of(b"x"), bytes(1000))
    uploads.keep("../p", "no digest", bytes(70_000))

    assert len(list((tmp_path / "some" / "uploads").iterdir())) == HALVES_MAX
    assert uploads.offset("small") == 0


def test_a_cap_on_the_rate_holds(kit):
    """1 MiB at 16 Mbit/s takes half a second at the least."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))
    with (
        HostileCentre(kit.folder / "centre", lambda _: answer(201, "r.r.r")) as centre,
        closing(open_sink("https", {**centre.options, "rate_kbit_s": 16_000})) as sink,
    ):
        began_s = time.monotonic()
        sink.send(package)

        # A lower bound: a busy machine only makes it slower.
        assert time.monotonic() - began_s > 0.9 * (len(package.content) - 65536) / 2_000_000


def test_a_cap_does_not_hold_up_closing(kit):
    """SIGTERM in the middle of an upload that would take a quarter of an hour."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))
    with HostileCentre(kit.folder / "centre", lambda _: answer(201, "r.r.r")) as centre:
        sink = open_sink("https", {**centre.options, "rate_kbit_s": 8})
        failed = []

        def send():
            try:
                sink.send(package)
            except SinkAway as away:
                failed.append(away.code)

        thread = threading.Thread(target=send)
        thread.start()
        until(lambda: sink._line._wire is not None)
        sink.cancel()
        thread.join()
        sink.close()

    assert failed[0] in {"cut", "cancelled", "connect"}


def test_a_refusal_by_the_head_alone_is_heard(kit):
    """A centre may answer before it has read the body, and close."""
    with kit.open_store() as store:
        package = outgoing(store, large(kit, store))
    refusing = HostileCentre(kit.folder / "centre", lambda _: answer(413), body_limit=0)
    with (
        refusing as centre,
        closing(open_sink("https", centre.options)) as sink,
        pytest.raises((PackageRefused, SinkAway)) as refused,
    ):
        sink.send(package)

    # A reset may overtake the answer: then it is asked again, never taken for anything else.
    assert refused.value.code in {"http_413", "cut"}


def test_an_answer_that_drips_is_given_up(kit):
    """A byte now and then is no progress: the queue must go on."""
    with kit.open_store() as store:
        package = outgoing(store, kit.hand_in(store))

    def drip(secure, _request):
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while not centre.leave.wait(0.05):
            secure.sendall(b"x")

    with HostileCentre(kit.folder / "centre", lambda _: None) as centre:
        centre.stream = drip
        with (
            closing(open_sink("https", {**centre.options, "stall_timeout_s": 0.4})) as sink,
            pytest.raises(SinkAway, match="endless_answer") as away,
        ):
            sink.send(package)

    assert away.value.unclear


def test_a_centre_that_asks_who_is_there_is_shown_our_certificate(kit):
    """With the options it is let in; without them it is a TLS failure, and nothing leaves."""
    with kit.open_store() as store:
        package = outgoing(store, kit.hand_in(store))
    keys = kit.folder / "centre" / "keys"
    with HostileCentre(kit.folder / "centre", lambda _: answer(201, "r.r.r")) as centre:
        centre._context.verify_mode = ssl.CERT_REQUIRED
        centre._context.load_verify_locations(kit.folder / "centre" / "tls-ca.pem")
        with (
            closing(open_sink("https", centre.options)) as sink,
            pytest.raises(SinkClosed, match="tls"),
        ):
            sink.send(package)
        assert centre.requests == []
        # The certificate's use is the server's: this centre does not look at it.
        centre._context.verify_flags = ssl.VerifyFlags.VERIFY_DEFAULT
        ours = {"certificate_file": str(_client(keys)), "key_file": str(keys / "client.key")}
        with closing(open_sink("https", {**centre.options, **ours})) as sink:
            assert sink.send(package) == "r.r.r"


def _client(keys):
    """A client's certificate by the centre's own CA."""
    ca_key = serialization.load_pem_private_key((keys / "tls-ca.key").read_bytes(), None)
    ca = x509.load_pem_x509_certificate((keys.parent / "tls-ca.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = ca.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    signed = _builder("st-000007", issuer, key.public_key()).sign(ca_key, hashes.SHA256())
    (keys / "client.key").write_bytes(_private_pem(key))
    (keys / "client.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return keys / "client.pem"


@pytest.mark.parametrize(
    "wrong",
    [{"certificate_file": "a.pem"}, {"key_file": "a.key"}, {"rate_kbit_s": 0}, {"url": "http://x"},
     {"url": "https://user@x"}, {"url": "https://x/path"}],
    ids=["no-key", "no-certificate", "no-rate", "plain", "user", "path"],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(kit, wrong):
    """At the start, not with the first package."""
    with pytest.raises(ValidationError):
        open_sink("https", {"url": "https://127.0.0.1:1", "ca_file": "ca.pem", **wrong})


@pytest.mark.parametrize("name", sending_sinks())
def test_every_option_stands_in_the_page(name):
    """Who sets a way out up finds each option, and what it is without a word."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "delivery.md").read_text()

    assert [field for field in sink_config(name).model_fields if f"`{field}`" not in page] == []
