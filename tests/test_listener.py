"""The porch and the workers behind it, on real sockets: deadlines, limits, and one reader only."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from time import monotonic, sleep

import pytest
from structlog.testing import CapturingLogger

from api.listener import Limits, Listener
from api.security import HEADERS
from proofs.trespassing.slow import asked, slow_clients, still_open

SOON = Limits(handshake_s=0.2, request_s=0.2, idle_s=0.2, leave_s=0.2)
FOR_EVER_S = 3600.0
PATIENT = Limits(handshake_s=FOR_EVER_S, request_s=FOR_EVER_S, idle_s=FOR_EVER_S)
LARGE = 8 * 1024 * 1024
PATIENCE_S = 60.0


def app(environ, start_response):
    """Echo the body; or a large answer; or hold the worker until told."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/large":
        body = bytes(LARGE)
    ends = [("Connection", "close")] if environ["PATH_INFO"] == "/ends" else []
    start_response("200 OK", [("Content-Length", str(len(body))), *ends])
    return [body]


@contextmanager
def listening(limits: Limits | None = None, serve=app) -> Iterator[Listener]:
    """A plain listener on a free port."""
    closing = threading.Event()
    listener = Listener(serve, "127.0.0.1", 0, streams=0, closing=closing, limits=limits)
    listener.start()
    try:
        yield listener
    finally:
        listener.close()


def until(found: Callable[[], bool]) -> bool:
    """Whether it comes true; a busy machine has all the time it needs."""
    end_s = monotonic() + PATIENCE_S
    while not found() and monotonic() < end_s:
        sleep(0.01)
    return found()


def everything(sock: socket.socket) -> bytes:
    """Read until the other end closes."""
    said = b""
    try:
        while piece := sock.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    return said


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """With the limits that the station has."""
    with listening() as opened:
        yield opened


def say(listener: Listener, request: bytes) -> bytes:
    """Send these bytes and read until the listener closes."""
    with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as wire:
        wire.sendall(request)
        return everything(wire)


def test_a_silent_client_and_one_between_two_requests_are_let_go():
    """Without a word: there is nothing to answer."""
    with listening(SOON) as listener:
        with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as silent:
            assert everything(silent) == b""
        with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as kept:
            kept.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            said = everything(kept)

            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.count(b"HTTP/1.1") == 1
        assert until(lambda: listener.connections == 0)


@pytest.mark.parametrize("sent", [b"GET /", b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"])
def test_a_request_that_never_ends_is_refused_at_its_deadline(sent: bytes):
    """408 as a problem, although a byte comes now and then: the request as a whole has a limit."""
    with (
        listening(SOON) as listener,
        slow_clients(("127.0.0.1", listener.port), 1, drip=sent) as held,
    ):
        said = everything(held[0])

        assert said.startswith(b"HTTP/1.1 408 ")
        assert json.loads(said.split(b"\r\n\r\n", 1)[1])["status"] == 408


def test_refusals_of_the_server_itself_carry_the_house_s_headers(listener: Listener):
    """Whatever answers, it is a problem, never kept, and names neither server nor version."""
    for request, status in (
        (b"GET / HTTP/1.1\nHost: a\n\n", 400), (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 405),
        (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"\x16\x03\x01\x00\n\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", 413),
    ):  # fmt: skip
        head, _, body = say(listener, request).partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])

        assert lines[0].split(" ")[1] == str(status), request
        assert fields["Content-Type"] == "application/problem+json"
        assert json.loads(body)["type"].startswith("urn:anxin:problem:")
        assert {name: fields[name] for name in HEADERS} == HEADERS
        assert fields["Server"] == "anxin"


def test_requests_one_after_the_other_and_at_once_are_answered_in_order(listener: Listener):
    """A connection is kept, and what came along with a request is the next one."""
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=PATIENCE_S)
    for number in range(3):
        connection.request("PUT", "/", body=b"%d" % number)
        assert connection.getresponse().read() == b"%d" % number
    connection.close()
    both = b"".join(
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%s\r\n%s" % (last, body)
        for last, body in ((b"", b"aa"), (b"", b"bb"), (b"Connection: close\r\n", b"cc"))
    )
    said = say(listener, b"\r\n" + both)

    assert [said.count(b"\r\n\r\n" + body) for body in (b"aa", b"bb", b"cc")] == [1, 1, 1]
    assert said.index(b"aa") < said.index(b"bb") < said.index(b"cc")


def test_a_body_is_asked_for_where_the_client_waits(listener: Listener):
    """`Expect: 100-continue` is answered once, and the body is the application's."""
    with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as wire:
        wire.sendall(
            b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert wire.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(b"body")
        said = everything(wire)

    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"\r\n\r\nbody")


def test_a_request_inside_a_chunked_body_is_never_answered(listener: Listener):
    """What nobody reads is not the next request, whatever it looks like."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for length in (b"", b"Content-Length: 5\r\n"):
        said = say(
            listener,
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n%s\r\n" % length
            + b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner) + inner,
        )  # fmt: skip

        assert said.count(b"HTTP/1.1 ") == 1


def test_an_application_s_word_ends_the_connection(listener: Listener):
    """After `Connection: close` nothing that came along is answered."""
    said = say(listener, b"GET /ends HTTP/1.1\r\nHost: a\r\n\r\n" * 2)

    assert said.count(b"HTTP/1.1 200 ") == 1


def test_one_address_has_so_many_connections_and_not_one_more():
    """The next is closed at once; when one goes, another may come."""
    with listening(replace(PATIENT, per_address=3)) as listener:
        address = ("127.0.0.1", listener.port)
        with slow_clients(address, 3), ExitStack() as stack:
            assert until(lambda: listener.connections == 3)
            fourth = stack.enter_context(socket.create_connection(address, PATIENCE_S))
            assert everything(fourth) == b""
        assert until(lambda: listener.connections == 0)
        assert asked(address, "/")[0] == 200


def test_a_crowd_pushes_out_who_waits_longest_and_not_who_comes():
    """More connections than the listener has places for: the next request is answered."""
    with listening(replace(PATIENT, total=20)) as listener:
        address = ("127.0.0.1", listener.port)
        with slow_clients(address, 60) as held:
            assert asked(address, "/")[0] == 200
            assert until(lambda: listener.connections <= 20)

            assert until(lambda: not any(still_open(one) for one in held[:40]))
            assert all(still_open(one) for one in held[-10:])


def test_a_refusal_reaches_a_client_that_is_still_sending(listener: Listener):
    """What it sends meanwhile is read away, or the answer would be lost with the connection."""
    with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as wire:
        wire.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        for _ in range(8):
            wire.sendall(bytes(65536))
            sleep(0.01)
        said = everything(wire)

    assert said.startswith(b"HTTP/1.1 413 ")


def test_half_requests_never_fill_the_memory():
    """Beyond the bytes that the porch may hold, the oldest half request goes."""
    with listening(replace(PATIENT, buffered_bytes=200_000)) as listener:
        address = ("127.0.0.1", listener.port)
        half = b"PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + bytes(90_000)
        with slow_clients(address, 6, drip=half):
            assert until(lambda: listener.connections <= 2)
            assert asked(address, "/")[0] == 200


def test_readers_that_take_nothing_hold_few_workers_and_not_for_ever():
    """Answers that nobody takes: beyond the few slow places they are cut off."""
    with listening(replace(Limits(), slow_readers=2, answer_s=FOR_EVER_S)) as listener:
        address = ("127.0.0.1", listener.port)
        ask = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        with ExitStack() as stack:
            for _ in range(20):
                reader = socket.socket()
                # So small a window that the kernel cannot take the answer in our place.
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stack.enter_context(reader)
                reader.connect(address)
                reader.sendall(ask)

            assert asked(address, "/")[0] == 200
            assert until(lambda: listener.connections <= 2)


def test_a_large_answer_arrives_whole_however_slowly_it_is_taken_within_its_time():
    """The size counts for the time that it may take."""
    with listening(replace(Limits(), answer_s=FOR_EVER_S)) as listener:
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            reader.connect(("127.0.0.1", listener.port))
            reader.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            sleep(1.2)  # longer than it may block without a slow place
            said = everything(reader)

        assert len(said.partition(b"\r\n\r\n")[2]) == LARGE


def test_an_answer_that_takes_too_long_is_cut_off():
    """Its time is over, whoever reads it."""
    with listening(replace(PATIENT, answer_s=0.0, bytes_per_s=1 << 40)) as listener:
        said = say(listener, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")

        assert len(said) < LARGE


def test_idle_connections_are_kept_only_as_far_as_there_is_room():
    """Beyond that an answer says so and closes."""
    with listening(replace(PATIENT, idle=2)) as listener, ExitStack() as stack:
        kept = []
        for number in range(4):
            connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=PATIENCE_S)
            stack.callback(connection.close)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            kept.append(answer.getheader("Connection") != "close")
            # The answer is there a moment before its connection is back on the porch.
            idle = min(number + 1, 2)
            assert until(lambda idle=idle: listener.idle_connections == idle)

        assert kept == [True, True, False, False]


def test_closing_ends_waiting_clients_and_every_thread():
    """Clients that wait on the porch never hold up the end of the service."""
    before = set(threading.enumerate())
    with listening() as listener, slow_clients(("127.0.0.1", listener.port), 20) as held:
        assert until(lambda: listener.connections == 20)
        listener.close()
        listener.close()

        assert [everything(one) for one in held] == [b""] * 20
    assert set(threading.enumerate()) <= before


def test_a_listener_that_was_never_started_closes():
    """What fails between making and starting leaves nothing."""
    before = set(threading.enumerate())
    Listener(app, "127.0.0.1", 0, streams=0, closing=threading.Event()).close()

    assert set(threading.enumerate()) <= before


class Place:
    """An answer without a byte, as to a HEAD, that waits until its client is gone."""

    def __init__(self):
        self.entered, self.gone, self.closed = (threading.Event() for _ in range(3))

    def __call__(self, _environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        self.entered.set()
        self.gone.wait(PATIENCE_S)
        return self

    def __iter__(self):
        return iter(())

    def close(self):
        self.closed.set()


def test_a_place_comes_back_whose_client_is_gone_before_the_headers():
    """Of a HEAD nothing is sent but headers; failing at them must not skip closing the answer."""
    place = Place()
    with listening(serve=place) as listener:
        with socket.create_connection(("127.0.0.1", listener.port), PATIENCE_S) as wire:
            wire.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert place.entered.wait(PATIENCE_S)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        place.gone.set()

        assert place.closed.wait(PATIENCE_S)
        assert until(lambda: listener.connections == 0)


def test_connections_that_fail_write_one_line_and_not_one_each(monkeypatch):
    """Whoever can break connections must not fill the disk with it."""

    def broken(_environ, _start_response):
        raise LookupError

    lines = CapturingLogger()
    monkeypatch.setattr("api.listener.log", lines)
    with listening(serve=broken) as listener:
        said = [say(listener, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(5)]

    assert all(one.startswith(b"HTTP/1.1 500 ") for one in said)
    assert [(call.args, call.kwargs["error"], call.kwargs["count"]) for call in lines.calls] == [
        (("listener_failed",), "LookupError", 1)
    ]
