"""The listener on a real socket: bounded, silent about itself, and quick to stop."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from api.listener import HEADER_BYTES_MAX, Listener
from tests.browser.desk import Camera, Desk, served


@pytest.fixture
def listener() -> Iterator[Listener]:
    """The kiosk's listener on a free port."""
    with served(Desk(), Camera()) as opened:
        yield opened


def ask(listener: Listener, method: str = "GET", path: str = "/", **headers: str):
    """Send one request and read the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_a_page_is_served_on_a_free_port(listener: Listener):
    """Port 0 takes any; the answer names neither server nor version."""
    answer = ask(listener)

    assert answer.status == 200
    assert listener.url == f"http://127.0.0.1:{listener.port}/"
    assert answer.getheader("Server") == "anxin"


def test_headers_and_bodies_are_bounded(listener: Listener):
    """413 beyond 16 KiB of headers and beyond 1 MiB of body, before the application sees them."""
    large_headers = ask(listener, **{"X-Long": "a" * HEADER_BYTES_MAX})
    large_body = ask(listener, "POST", "/act", **{"Content-Length": str(2 << 20)})

    assert large_headers.status == 413
    assert large_body.status == 413


def test_a_request_without_a_host_is_refused(listener: Listener):
    """HTTP/1.0 needs none, so a program could slip past the list of hosts."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as wire:
        wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
        head = wire.recv(65536)

    assert b" 400 " in head.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/screen", "http://evil.example/screen", "/kiosk%2fscreen.css", "//screen",
        "/kiosk/static/..%2f..%2fpages.py", "/kiosk/static/../../pages.py", "/%73creen/..", "*",
        "/kiosk/static/%2e%2e/%2e%2e/pages.py", "screen", "/screen#a", "/screen\\", "/\xff\xfe",
    ],
)  # fmt: skip
def test_a_target_has_one_spelling_on_the_wire(listener: Listener, target: str):
    """As bytes on the wire, before any client of ours could put them right: 400 or 404."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as wire:
        wire.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target.encode("latin-1"))
        head = wire.recv(65536).decode("latin-1")

    assert head.split(" ")[1] in ("400", "404")
    assert "Location" not in head


def test_closing_ends_open_streams_and_every_thread():
    """A page that listens for events never holds up the end of the service."""
    before = set(threading.enumerate())
    with served(Desk(), Camera()) as listener:
        streams = [http.client.HTTPConnection("127.0.0.1", listener.port) for _ in range(3)]
        for stream in streams:
            stream.request("GET", "/events")
            assert stream.getresponse().readline() == b"retry: 1000\n"
        listener.close()
        listener.close()
        for stream in streams:
            stream.close()
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]

    assert [name for name in left if "listener" in name or "CP Server" in name] == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_without_transport_security_only_loopback_is_served(host: str):
    """A settings mistake must not put the pages on the network."""
    with pytest.raises(ValueError, match="loopback"):
        Listener(lambda *_: [], host, 0, streams=1, closing=threading.Event())
