"""What every look-up of earlier photos keeps; a new one is tested here without touching this file.

The other end is a centre on a real TLS socket, honest or hostile.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from edge.candidates import https as https_lookup
from edge.candidates.load import lookup_names, open_lookup
from edge.candidates.lookup import Ask, LookupAway, LookupFailed, LookupRefused, PhotoUnfit
from edge.photos.fault import PHOTO_BYTES_MAX
from tests.delivery_kit import STATION, Kit, make_kit, until
from tests.hostile_centre import HostileCentre, answer

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 200
ASK = Ask("GZ-440106-20261122-0042", hashlib.sha256(PHOTO).hexdigest())
PATIENT_S = 20.0
SHORT_S = 0.3


def jpeg(content, status=200, **headers):
    """An answer that carries these bytes."""
    fields = {"Content-Type": "image/jpeg", "Content-Length": str(len(content)), **headers}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {fields[name]}" for name in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def honest(_):
    """The photo as it was ordered."""
    return jpeg(PHOTO)


@dataclass
class Bench:
    """One look-up's options and the centre at its other end."""

    name: str
    options: dict
    centre: HostileCentre


@contextmanager
def https(folder):
    with HostileCentre(folder, honest) as centre:
        yield Bench("https", centre.options, centre)


OTHER_ENDS = {"https": https}
WITHOUT_A_LINE = {"visits"}
"""It opens a sealed file of the carried station: `tests/test_portable_lists.py`."""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """One station's keys."""
    return make_kit(tmp_path_factory.mktemp("lookup"))


@pytest.fixture(scope="module", params=sorted(OTHER_ENDS))
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """One centre at the other end of each look-up, for all tests."""
    with OTHER_ENDS[request.param](tmp_path_factory.mktemp("centre")) as bench:
        yield bench


@pytest.fixture
def centre(bench):
    """Honest again, and without memory."""
    bench.centre.script, bench.centre.stream, bench.centre.mute = honest, None, False
    bench.centre.requests.clear()
    return bench.centre


@pytest.fixture
def lookup(bench, centre, kit):
    """A fresh look-up."""
    lookup = open_lookup(bench.name, bench.options, STATION, kit.station_key.sign_jws)
    yield lookup
    lookup.close()


def test_every_lookup_has_another_end():
    """A look-up that nobody can try out is not finished."""
    assert set(lookup_names()) == set(OTHER_ENDS) | WITHOUT_A_LINE


def test_the_very_bytes_come(centre, lookup):
    """Asked for by reference and digest, by a station that shows who it is."""
    assert lookup.find(ASK, PATIENT_S) == PHOTO

    (request,) = centre.requests
    assert request.path == f"/orders/v1/{ASK.order_ref}/earlier-photo?sha256={ASK.sha256}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["anxin-ask"].count(".") == 2


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (answer(404), (LookupRefused, "not_found")),
        (answer(403), (LookupRefused, "http_403")),
        (answer(204), (LookupRefused, "http_204")),
        (jpeg(PHOTO, 206), (LookupRefused, "http_206")),
        (answer(301, Location="https://127.0.0.1:1/"), (LookupRefused, "http_301")),
        (answer(302, Location="/orders/v1/other/earlier-photo"), (LookupRefused, "http_302")),
        (answer(501), (LookupRefused, "http_501")),
        (answer(500), (LookupAway, "http_500")),
        (answer(503), (LookupAway, "http_503")),
        (answer(429), (LookupAway, "http_429")),
        (jpeg(PHOTO[:-1]), (PhotoUnfit, "digest_mismatch")),
        (jpeg(b""), (PhotoUnfit, "digest_mismatch")),
        (jpeg(PHOTO, **{"Content-Encoding": "gzip"}), None),
        (answer(200, "<html>"), (PhotoUnfit, "wrong_type")),
        (jpeg(PHOTO, **{"Content-Length": str(PHOTO_BYTES_MAX + 1)}), (PhotoUnfit, "too_large")),
        (jpeg(PHOTO, **{"Content-Length": "9" * 4000}), (LookupFailed, None)),
        (jpeg(PHOTO, **{"Content-Length": str(len(PHOTO) + 1)}), (LookupAway, "cut")),
        (jpeg(PHOTO, **{"X": "y" * 200_000}), (LookupFailed, None)),
        (b"SSH-2.0-OpenSSH\r\n", (LookupAway, "cut")),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + bytes(64),
         (PhotoUnfit, "digest_mismatch")),
        (None, (LookupAway, "cut")),
    ],
)  # fmt: skip
def test_a_bad_answer_has_its_kind_and_code(centre, lookup, said, refusal):
    """Later, never, or unfit: each for its reason, and one request only: nothing is followed."""
    centre.script = lambda _: said
    if refusal is None:
        # What a coding would unfold to is nobody's promise: the raw bytes count.
        assert lookup.find(ASK, PATIENT_S) == PHOTO
    else:
        kind, code = refusal
        with pytest.raises(kind) as refused:
            lookup.find(ASK, PATIENT_S)
        assert code in {None, refused.value.code}
        assert len(refused.value.code) < 40

    assert len(centre.requests) == 1


def test_an_endless_answer_is_cut_at_the_size_of_a_photo(centre, lookup):
    """Without a length, byte upon byte: read no further than a photo may be."""
    sent = []

    def pour(secure, request):
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
        with suppress(OSError):
            while not centre.leave.is_set():
                secure.sendall(bytes(1 << 16))
                sent.append(1 << 16)

    centre.stream = pour
    with pytest.raises(PhotoUnfit, match="too_large"):
        lookup.find(ASK, PATIENT_S)

    assert sum(sent) < 8 * PHOTO_BYTES_MAX


def drip_body(secure, _):
    """A whole head, then a byte now and then."""
    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 9999\r\n\r\n")
    while True:
        secure.sendall(b"x")
        time.sleep(0.02)


def drip_head(secure, _):
    """A head that never ends: each byte would begin a read's time-out anew."""
    secure.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        secure.sendall(b"x")
        time.sleep(0.02)


def say_nothing(secure, request):
    """Take the request and wait for the other side to go."""
    secure.recv(1)


@pytest.mark.parametrize("stream", [drip_body, drip_head, say_nothing])
def test_a_slow_centre_ends_in_time(centre, lookup, stream):
    """The time counts for the whole of it, however busily the other side drips."""
    centre.stream = stream
    began_s = time.monotonic()
    with pytest.raises(LookupAway, match="timeout"):
        lookup.find(ASK, SHORT_S)

    # Generous: it would otherwise last for ever.
    assert time.monotonic() - began_s < PATIENT_S


def test_a_peer_that_never_shakes_hands_ends_in_time(centre, lookup):
    """A socket that accepts and says nothing holds nobody."""
    centre.mute = True
    with pytest.raises(LookupAway, match="timeout"):
        lookup.find(ASK, SHORT_S)


def test_a_line_that_is_cut_before_it_stands_is_cut_when_it_does():
    """The time may run out between two steps of connecting: the next step ends it."""
    ours, theirs = socket.socketpair()
    line = https_lookup._Line()
    line.cut()
    stream = SimpleNamespace(get_extra_info=lambda _: ours)
    with ours, theirs:
        line.trace("connection.connect_tcp.complete", {"return_value": stream})
        theirs.settimeout(PATIENT_S)

        assert theirs.recv(1) == b""
        line.close()


def test_a_closed_port_is_away(bench, kit, tmp_path):
    """Nobody is there: later perhaps."""
    with OTHER_ENDS[bench.name](tmp_path) as gone:
        options = gone.options
    lookup = open_lookup(bench.name, options, STATION, kit.station_key.sign_jws)
    with pytest.raises(LookupAway, match="connect"):
        lookup.find(ASK, PATIENT_S)
    lookup.close()


def test_another_ca_is_refused_before_anything_is_asked(bench, kit, tmp_path):
    """Whoever cannot prove to be the pinned centre never learns a reference."""
    with OTHER_ENDS[bench.name](tmp_path) as stranger:
        options = {**stranger.options, "ca_file": bench.options["ca_file"]}
        lookup = open_lookup(bench.name, options, STATION, kit.station_key.sign_jws)
        with pytest.raises(LookupRefused, match="tls"):
            lookup.find(ASK, PATIENT_S)
        lookup.close()

        assert stranger.centre.requests == []


def test_closing_ends_a_running_lookup(centre, lookup):
    """A station that stops does not wait for a silent centre; afterwards nothing is asked."""
    centre.stream = say_nothing
    failed = []

    def find():
        try:
            lookup.find(ASK, 600)
        except LookupFailed as error:
            failed.append(error)

    thread = threading.Thread(target=find)
    thread.start()
    until(lambda: centre.requests)
    lookup.close()
    thread.join()
    lookup.close()

    assert [type(error) for error in failed] == [LookupAway]
    with pytest.raises(LookupAway, match="closed"):
        lookup.find(ASK, PATIENT_S)
    assert len(centre.requests) == 1


def test_a_setting_that_the_lookup_does_not_know_is_refused(bench, kit):
    """A typo must not be silently ignored."""
    with pytest.raises(ValidationError):
        open_lookup(bench.name, {**bench.options, "tpyo": 1}, STATION, kit.station_key.sign_jws)


@pytest.mark.parametrize("name", ["load", "lookup", "os", "../x", ""])
def test_a_name_that_is_no_lookup_is_refused_before_any_import(name, kit):
    """A settings file cannot name any module of the machine."""
    with pytest.raises(ValueError, match="there are: https"):
        open_lookup(name, {}, STATION, kit.station_key.sign_jws)
