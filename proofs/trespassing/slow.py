"""Clients that say nothing, or far too slowly, many at once, on one thread."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

HEAD: Final = b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n"
WITH_BODY: Final = HEAD + b"Content-Length: 5000\r\n\r\n"
CLIENT_HELLO: Final = bytes.fromhex("16030100c8010000c4")
"""Type, version, length and the beginning of a ClientHello that never ends."""

Opening = Callable[[socket.socket], socket.socket]


def plainly(sock: socket.socket) -> socket.socket:
    """Leave it as it is."""
    return sock


@contextmanager
def slow_clients(
    address: tuple[str, int], number: int, opening: Opening = plainly, drip: bytes = b""
) -> Iterator[list[socket.socket]]:
    """Hold so many connections; with `drip`, each sends that and then a byte ten times a second."""
    with ExitStack() as stack:
        held: list[socket.socket] = []
        for _ in range(number):
            sock = socket.create_connection(address, timeout=60)
            held.append(stack.enter_context(opening(sock)))
        ending = threading.Event()
        for one in held:
            one.sendall(drip)
        thread = threading.Thread(target=_drip, args=(held, ending), daemon=True)
        if drip:
            thread.start()
            stack.callback(thread.join)
            stack.callback(ending.set)
        yield held


def _drip(held: list[socket.socket], ending: threading.Event) -> None:
    while not ending.wait(0.1):
        for one in held:
            try:
                one.send(b"a")
            except OSError:
                continue


def asked(
    address: tuple[str, int],
    path: str,
    *,
    context: ssl.SSLContext | None = None,
    timeout_s: float = 60.0,
    **headers: str,
) -> tuple[int, float]:
    """Return status and seconds of one request on its own connection. Raises `OSError`."""
    began = time.monotonic()
    connection = (
        http.client.HTTPSConnection(*address, timeout=timeout_s, context=context)
        if context
        else http.client.HTTPConnection(*address, timeout=timeout_s)
    )
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    finally:
        connection.close()


def still_open(sock: socket.socket) -> bool:
    """Tell whether the other end has not closed."""
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
