"""One run of a worker in the cell: a process, its wire, and the thread that keeps it."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from typing import Final

from edge.vision import cell as vision_cell
from edge.vision.wire import Message, WireBroken, receive, send

_CLOSE_TIMEOUT_S: Final = 3.0


class ChildLost(Exception):
    """The process died, hung past its deadline or spoke nonsense; it is being killed."""


class ChildBegins(ChildLost):
    """It has not loaded its models yet. Ask again; nothing is wrong so far."""


class Child:
    """A worker process in the cell from spawning to its end; one caller at a time.

    Args:
        memory_fd: of the memory that both sides map.
        setup: the first message, for the module's `serve`.
        module: whose `serve(wire_fd, memory_fd, walls)` runs in the cell.
        own_network: False only where a test proves that the proxy holds alone.

    Attributes:
        pid: of the process.
        walls: which walls stand around it, in words; None until it is ready.

    Raises:
        ChildLost: it could not be started.
    """

    def __init__(
        self,
        memory_fd: int,
        setup: Message,
        *,
        module: str = "edge.vision.worker",
        own_network: bool = True,
    ) -> None:
        self._wire, theirs = socket.socketpair()
        self._ids = itertools.count(1)
        self._handle = self.pid = -1
        self.walls: str | None = None
        self.began_at_s = time.monotonic()
        started: Future[tuple[int, int]] = Future()
        # The kernel kills the worker when the thread that spawned it ends, not only with the
        # station: so a thread of its own spawns it, and stays until it is gone.
        self._keeper = threading.Thread(
            target=_keep,
            args=(started, module, theirs.fileno(), memory_fd, own_network),
            name=module,
        )
        self._keeper.start()
        try:
            self.pid, self._handle = started.result()
            send(self._wire, {"id": 0, **setup})
        except OSError as error:
            self.kill()
            raise ChildLost(f"could not be started: {error.strerror}") from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        """Whether the process runs; one that hangs does run."""
        return self._keeper.is_alive()

    @property
    def has_spoken(self) -> bool:
        """Whether it has said that it is ready, or anything else; asking never waits."""
        try:
            return self.walls is not None or bool(select.select([self._wire], [], [], 0)[0])
        except (ValueError, OSError):  # killed meanwhile
            return False

    def wait_ready(self, timeout_s: float) -> None:
        """Return once its models are loaded. Raises `ChildBegins`, `ChildLost`."""
        if self.walls is not None:
            return
        # Looked at before it is read, so that a wait that ends early leaves the message whole.
        if not select.select([self._wire], [], [], timeout_s)[0]:
            raise ChildBegins(f"still begins after {timeout_s:g} s")
        try:
            self.walls = str(self._receive(0, timeout_s)["walls"])
        except KeyError as error:
            raise ChildLost("began with nonsense") from error

    def ask(self, request: Message, timeout_s: float) -> Message:
        """Return its answer to one request. Raises `ChildLost`; it is of no more use then."""
        number = next(self._ids)
        try:
            self._wire.settimeout(timeout_s)
            send(self._wire, {"id": number, **request})
        except OSError as error:
            raise ChildLost("does not read") from error
        return self._receive(number, timeout_s)

    def _receive(self, number: int, timeout_s: float) -> Message:
        try:
            reply = receive(self._wire, timeout_s)
        except TimeoutError as error:
            raise ChildLost(f"no answer within {timeout_s:g} s") from error
        except (WireBroken, OSError) as error:
            raise ChildLost("died") from error
        if reply.get("id") != number:
            raise ChildLost("answered another question")
        return reply

    def kill(self) -> None:
        """End it now, even if it is stopped or hangs; returns when it is gone."""
        # Through the descriptor, since by now the number may be another process's.
        with contextlib.suppress(ProcessLookupError):
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        self._keeper.join()
        self._wire.close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def close(self) -> None:
        """Let it end by itself, which takes some ms; kill it if it does not."""
        self._wire.close()
        self._keeper.join(_CLOSE_TIMEOUT_S)
        self.kill()


def _keep(
    started: Future[tuple[int, int]], module: str, wire_fd: int, memory_fd: int, own_network: bool
) -> None:
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            [sys.executable, "-s", "-B", "-m", vision_cell.__name__, module]
            + [str(n) for n in (os.getpid(), int(own_network), wire_fd, memory_fd)],
            pass_fds=(wire_fd, memory_fd),
            env=dict(vision_cell.environment()),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        started.set_exception(error)
        return
    with process:
        try:
            # Nobody else reaps it, so the number is still its own here.
            started.set_result((process.pid, os.pidfd_open(process.pid)))
        except OSError as error:
            process.kill()
            started.set_exception(error)
