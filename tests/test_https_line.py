"""Our HTTP client against servers that say too much, too often, or damaged."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from itertools import count

import pytest

from edge.delivery.https_line import ARRIVING_BYTES_MAX
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.sinks.load import open_sink
from edge.sinks.sink import SinkAway
from tests.delivery_kit import SINK, make_kit, until
from tests.hostile_centre import HostileCentre, answer
from tests.test_sink_https import large, outgoing

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return make_kit(tmp_path_factory.mktemp("line"))


@pytest.fixture(scope="module")
def package(kit):
    """1 MiB, closed."""
    with kit.open_store() as store:
        return outgoing(store, large(kit, store))


def hostile(kit, stream=None, script=lambda _: None):
    centre = HostileCentre(kit.folder / "centre", script)
    centre.stream = stream
    return centre


def test_what_an_interim_answer_announces_is_the_answer(kit, package):
    """102, 103 and 100, with fields or without: never the answer, nor the next one's."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"

    def script(_request):
        return interim + b"HTTP/1.1 100 Continue\r\n\r\n" + answer(201, "r.r.r")

    with hostile(kit, script=script) as centre, closing(open_sink("https", centre.options)) as sink:
        assert sink.send(package) == "r.r.r"


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (CHUNKED + b"-1\r\n", b"x" * 8192),
        (CHUNKED + b"0\r\n", b"a: b\r\n" * 1024),
        (CHUNKED, b"1\r\nx\r\n" * 1024),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 256),
        (OK, b"a: " + b"b" * 60_000 + b"\r\n"),
        (OK + b"Content-Length: -1\r\n\r\n", b"x" * 8192),
        (OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 8192),
    ],
    ids=["chunk-of-minus-one", "trailers", "chunks", "interim", "fields", "minus-one", "giant"],
)
def test_an_answer_without_end_is_given_up_by_its_bytes(kit, package, begin, again):
    """However fast it comes: what the station takes of it has a bound, in memory too."""
    taken = []

    def flood(secure, _request):
        taken.append(0)
        secure.sendall(begin)
        with suppress(OSError):
            while not centre.leave.is_set():
                secure.sendall(again)
                taken[0] += len(again)

    with (
        hostile(kit, flood) as centre,
        closing(open_sink("https", centre.options)) as sink,
        pytest.raises(SinkAway) as away,
    ):
        sink.send(package)

    assert away.value.unclear
    # What the two ends' buffers hold was sent, and read by nobody.
    assert taken[0] < ARRIVING_BYTES_MAX + (16 << 20)


def test_an_answer_too_many_is_never_the_next_one_s(kit, package):
    """It came over a kept connection before anything was asked: that connection is left."""
    said = threading.Event()

    def twice(secure, _request):
        if len(centre.requests) > 1:
            secure.sendall(answer(201, "second"))
            return
        # Else the second would wait until the first is acknowledged.
        secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure.sendall(answer(201, "first"))
        secure.sendall(answer(422))
        said.set()
        centre.leave.wait(PATIENCE_S)

    with hostile(kit, twice) as centre, closing(open_sink("https", centre.options)) as sink:
        assert sink.send(package) == "first"
        assert said.wait(PATIENCE_S)
        assert sink.send(package) == "second"


@pytest.mark.parametrize(
    "damaged", [b"\x17\x03\x03\x00\x20" + bytes(32), b"\xff" * 64], ids=["record", "its-head"]
)
def test_a_damaged_record_is_a_line_that_failed_and_no_foreign_peer(kit, package, damaged):
    """The next try may pass: no alarm, no hour of waiting, and the receipt is asked for."""

    def damage(secure, _request):
        socket.socket.sendall(secure, damaged)
        centre.leave.wait(PATIENCE_S)

    with (
        hostile(kit, damage) as centre,
        closing(open_sink("https", centre.options)) as sink,
        pytest.raises(SinkAway, match="cut") as away,
    ):
        sink.send(package)

    assert away.value.unclear


def test_an_address_of_a_kind_that_the_kernel_has_not_is_passed_over(kit, package, monkeypatch):
    """A centre with IPv6 too, a station whose kernel has none: by the other address."""
    found = socket.getaddrinfo

    def with_another(host, port, **how):
        places = found(host, port, **how)
        # No kernel has this family; it says so as one without IPv6 does.
        return [(255, *places[0][1:]), *places]

    with (
        hostile(kit, script=lambda _: answer(201, "r.r.r")) as centre,
        closing(open_sink("https", centre.options)) as sink,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", with_another)
        assert sink.send(package) == "r.r.r"
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(255, 1, 6, "", ("::", 1))])
        sink._line._drop()
        with pytest.raises(SinkAway, match="connect"):
            sink.send(package)


def test_a_name_that_is_none_is_an_address_that_nobody_answers_at(kit, package):
    """A label of more than 63 letters: the resolver's complaint ends no queue."""
    with hostile(kit) as centre:
        options = {**centre.options, "url": f"https://{'a' * 64}.example"}
        with (
            closing(open_sink("https", options)) as sink,
            pytest.raises(SinkAway, match="connect"),
        ):
            sink.send(package)


def test_a_line_that_is_cut_again_and_again_is_weak_and_not_down(tmp_path):
    """Each try brings 100 KB across: the waits do not grow, whatever the number of cuts."""
    kit, growing = make_kit(tmp_path), count(70_000, 70_000)

    def script(request):
        if request.method == "GET":
            return answer(404, Upload_Offset=str(next(growing)))
        return None

    with (
        kit.open_store() as store,
        hostile(kit, script=script) as centre,
        closing(open_sink("https", centre.options)) as sink,
    ):
        large(kit, store)
        outbox = Outbox(
            store, SINK, sink, kit.verifier, pace=Pace(first_max_s=0, base_s=0.001, max_s=3600)
        )
        outbox.start()
        # Waits that grew would be of an hour long before.
        until(lambda: sum(one.method == "PATCH" for one in centre.requests) >= 10)
        failures = outbox.status.failures
        outbox.close()

    assert failures <= 2


@pytest.mark.parametrize("offsets", [[300_000], [300_000, 200_000]], ids=["same", "to-and-fro"])
def test_going_on_that_leads_no_further_ends_with_the_whole(kit, package, offsets):
    """A proxy that answers each PATCH with 502, a centre that says one offset for ever."""
    asked = []

    def script(request):
        asked.append(request.method)
        if request.method == "GET":
            return answer(404, Upload_Offset=str(offsets[asked.count("GET") % len(offsets)]))
        return answer(502) if request.method == "PATCH" else answer(201, "r.r.r")

    def one_try(sink):
        sink.receipt(package.package_id)
        with suppress(SinkAway):
            return sink.send(package)

    with hostile(kit, script=script) as centre, closing(open_sink("https", centre.options)) as sink:
        said = [one_try(sink) for _ in range(6)]

    assert "r.r.r" in said
    assert asked.count("PATCH") >= 3
