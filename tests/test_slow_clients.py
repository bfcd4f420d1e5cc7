"""Clients that say nothing, or one byte at a time, and many of them: everybody else is answered.

The deadlines are out of reach in these tests, so that an answer can only come because no worker
waits for the slow ones. The control is the server as it comes, which goes down.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cheroot import wsgi
from cheroot.errors import FatalSSLAlert

from api.listener import Limits, Listener
from api.tls import TlsDoor, server_context
from proofs.trespassing.authority import Ca, client_context
from proofs.trespassing.slow import (
    CLIENT_HELLO,
    HEAD,
    WITH_BODY,
    asked,
    slow_clients,
    still_open,
)

NUMBER = 200
FEW = 2
FOR_EVER_S = 3600.0
PATIENT = Limits(handshake_s=FOR_EVER_S, request_s=FOR_EVER_S, idle_s=FOR_EVER_S)


def app(environ, start_response):
    """The smallest application that reads a body."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Tls:
    """A CA, the listener's side and a client's side."""

    def __init__(self, folder: Path) -> None:
        ca = Ca(folder, "centre")
        server = ca.server()
        self.listener = server_context(server.file, server.file, ca.file)
        self.client = client_context(ca, ca.client("slow"))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """One pair for all."""
    return Tls(tmp_path_factory.mktemp("tls"))


@contextmanager
def listening(
    context: ssl.SSLContext | None = None, limits: Limits = PATIENT, serve=app
) -> Iterator[Listener]:
    """A listener of ours."""
    closing = threading.Event()
    listener = Listener(
        serve, "127.0.0.1", 0, streams=0, closing=closing, tls=context, limits=limits
    )
    listener.start()
    try:
        yield listener
    finally:
        listener.close()


@contextmanager
def plain_cheroot(adapter: TlsDoor | None = None) -> Iterator[tuple[str, int]]:
    """The server as it comes, with a few workers."""
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=FEW, max=FEW)
    server.timeout, server.shutdown_timeout = FOR_EVER_S, 0.1
    server.error_log = lambda *_, **__: None
    server.ssl_adapter = adapter
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr
    finally:
        server.stop()
        thread.join()


@pytest.mark.parametrize(
    "drip", [b"", HEAD, WITH_BODY], ids=["silent", "dripping-head", "dripping-body"]
)
def test_slow_clients_hold_nobody_else_up(drip: bytes):
    """Two hundred of them, from this very machine, and the next request is answered."""
    with listening() as listener:
        address = ("127.0.0.1", listener.port)
        with slow_clients(address, NUMBER, drip=drip) as held:
            status, _ = asked(address, "/")

            assert status == 200
            assert all(still_open(one) for one in held)


@pytest.mark.parametrize("drip", [b"", CLIENT_HELLO], ids=["silent", "dripping-handshake"])
def test_half_handshakes_hold_nobody_else_up(tls: Tls, drip: bytes):
    """Neither the accept thread nor a worker waits for a ClientHello."""
    with listening(tls.listener) as listener:
        address = ("127.0.0.1", listener.port)
        with slow_clients(address, NUMBER, drip=drip) as held:
            status, _ = asked(address, "/", context=tls.client)

            assert status == 200
            assert all(still_open(one) for one in held)


def test_slow_clients_with_a_certificate_hold_nobody_else_up(tls: Tls):
    """Beyond the handshake it is as without TLS."""

    def shaken(sock: socket.socket) -> ssl.SSLSocket:
        return tls.client.wrap_socket(sock, server_hostname="127.0.0.1")

    with listening(tls.listener) as listener:
        address = ("127.0.0.1", listener.port)
        with slow_clients(address, 40, opening=shaken, drip=WITH_BODY):
            status, _ = asked(address, "/", context=tls.client)

            assert status == 200


def test_the_server_as_it_comes_goes_down():
    """The control: with as many silent clients as workers nobody is answered."""
    with (
        plain_cheroot() as address,
        slow_clients(address, FEW + 1),
        pytest.raises(OSError, match="timed out"),
    ):
        asked(address, "/", timeout_s=1.0)


def test_one_silent_client_stops_a_handshake_in_the_accept_thread(tls: Tls):
    """The control with TLS: cheroot's own adapter shakes hands where it accepts."""

    class Adapter(TlsDoor):
        def wrap(self, sock: socket.socket):
            wrapped, environ = super().wrap(sock)
            try:
                wrapped.do_handshake()
            except OSError as gone:
                wrapped.close()
                raise FatalSSLAlert from gone
            return wrapped, environ

    with (
        plain_cheroot(Adapter(tls.listener)) as address,
        slow_clients(address, 1),
        pytest.raises(OSError, match="timed out"),
    ):
        asked(address, "/", context=tls.client, timeout_s=1.0)
