"""The officer's way into the running station: a socket file that only the service's user may open.

A request is one line of JSON, with `size` bytes behind it. Answers are lines of JSON, too:
{"tell": code} and {"finding": {...}} as often as needed, then {"done": {...}} or {"refused": "…"}.
Nothing of a network is listened to.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog

from edge.portable.list_file import FILE_BYTES_MAX

PLACE: Final = Path("portable") / "door.sock"
LINE_BYTES_MAX: Final = 4096
LOOK_S: Final = 0.2
PATIENCE_S: Final = 10.0
"""For a visitor who says nothing."""

Said = Mapping[str, Any]
Tell = Callable[[Said], None]
Serve = Callable[[Said, bytes, Tell], Said]
"""Serves one request and its bytes; may tell lines meanwhile; raises `Refusal`."""

log = structlog.get_logger("portable")


class Refusal(Exception):
    """What was asked is not done. The message is a sentence for the officer."""


class Door:
    """Listens, and serves one visitor after the other on a thread of its own."""

    def __init__(self, folder: Path, serve: Serve) -> None:
        """Prepare; the socket file appears with `start`."""
        self._path = folder / PLACE
        self._serve = serve
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="portable-door")
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Begin to listen. Raises `OSError`."""
        # Between its making and any chmod a socket is open to whom its folder is open to.
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.parent.chmod(0o700)
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(self._path) as short:
            listening.bind(short)
        self._path.chmod(0o600)
        listening.listen(1)
        listening.settimeout(LOOK_S)
        self._socket = listening
        self._thread.start()

    def close(self) -> None:
        """End the thread after the visitor in hand. Closing twice is allowed."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    @property
    def closing(self) -> bool:
        """Whether whatever runs should end soon."""
        return self._closing.is_set()

    def _run(self) -> None:
        while not self._closing.is_set() and self._socket is not None:
            try:
                visitor, _ = self._socket.accept()
            except TimeoutError:
                continue
            with visitor, suppress(OSError):
                visitor.settimeout(PATIENCE_S)
                self._attend(visitor)

    def _attend(self, visitor: socket.socket) -> None:
        with visitor.makefile("rb") as words:
            asked = _asked(words)
            if asked is None:
                return
            content = words.read(asked["size"]) if asked["size"] else b""
        try:
            answer: Said = {"done": self._serve(asked, content, lambda said: _say(visitor, said))}
        except Refusal as refusal:
            answer = {"refused": str(refusal)}
        except OSError:
            raise
        except Exception as error:  # a visitor's request must not end the door
            log.error("portable_ask_failed", exc_info=error)
            answer = {"refused": "The station could not do that; its log says where."}
        _say(visitor, answer)


def knock(
    folder: Path,
    asked: Mapping[str, Any],
    content: bytes,
    hear: Callable[[Mapping[str, Any]], None],
) -> Mapping[str, Any]:
    """Ask the running station and return what it did.

    Args:
        folder: of its store.
        asked: `ask` and what else the request says.
        content: bytes that go with it.
        hear: is given each line before the last.

    Raises:
        Refusal: it does not do that, or none runs.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            with _short(folder / PLACE) as short:
                door.connect(short)
            # Whoever answers before all was sent has said why; that is read below.
            with suppress(BrokenPipeError):
                _say(door, {**asked, "size": len(content)})
                door.sendall(content)
            return _heard(door, hear)
    except (FileNotFoundError, ConnectionRefusedError):
        raise Refusal("The station does not run, or is not one that is carried.") from None
    except PermissionError:
        raise Refusal("Run this as the user that the service runs as.") from None


def _heard(door: socket.socket, hear: Tell) -> Said:
    with door.makefile("rb") as words:
        for line in words:
            said: dict[str, Any] = json.loads(line)
            if "refused" in said:
                raise Refusal(str(said["refused"]))
            if "done" in said:
                done: Said = said["done"]
                return done
            hear(said)
    raise Refusal("The station ended before it answered.")


def _asked(words: BinaryIO) -> dict[str, Any] | None:
    line = words.readline(LINE_BYTES_MAX)
    try:
        asked = json.loads(line)
        size = int(asked["size"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return {**asked, "size": size} if 0 <= size <= FILE_BYTES_MAX else None


def _say(end: socket.socket, said: Said) -> None:
    end.sendall(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of the socket that fits into the 107 bytes that the system has for one."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
