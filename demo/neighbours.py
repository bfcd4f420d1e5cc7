"""The demo's neighbours: the centre and the reader's other end, each a process of its own.

They are started by the same `run_edge.py` and end when the station ends, however it ends: their
standard input is our pipe.
"""

from __future__ import annotations

import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import structlog

from formats.finger.position import ISO_POSITIONS

CHECKOUT: Final = Path(__file__).resolve().parent.parent
BEGINS_WITHIN_S: Final = 30.0
LOOK_S: Final = 0.05
AGAIN_AFTER_S: Final = 0.5

log = structlog.get_logger("demo")


class DemoError(Exception):
    """The demo cannot begin. The message says what to do."""


class Centre:
    """The stand-in centre. One that dies later stays away, and packages wait in the outbox."""

    def __init__(self, folder: Path, port: int) -> None:
        """Start it on its folder and port; it makes its keys first, then listens."""
        self._folder = folder
        arguments = ["demo-centre", "--folder", str(folder), "--port", str(port), "--attached"]
        self._process = _started(arguments, stdout=subprocess.PIPE)

    def await_keys(self) -> None:
        """Return once its public halves can be pinned. Raises `DemoError`."""
        files = [self._folder / name for name in ("root.json", "keys.jws", "tls-ca.pem")]
        pause = threading.Event()
        for _ in range(round(BEGINS_WITHIN_S / LOOK_S)):
            if all(file.exists() for file in files):
                return
            if self._process.poll() is not None:
                break
            pause.wait(LOOK_S)
        raise _no_centre()

    def await_accepting(self) -> None:
        """Return once it says itself that it accepts connections. Raises `DemoError`."""
        words = self._process.stdout
        if words is None or words.closed:
            return
        said, _, _ = select.select([words], [], [], BEGINS_WITHIN_S)
        # An ended process can be read from too: it gives nothing.
        if not said or not words.readline():
            raise _no_centre()
        words.close()

    def close(self) -> None:
        """End it. Closing twice is allowed."""
        _end(self._process)
        if self._process.stdout:
            self._process.stdout.close()


class ReaderEnd:
    """The other end of the reader's line; started again whenever it dies.

    The line is a pseudo-terminal, and the next program that asks for one may get the same: a link
    to it must not outlive the process behind it.
    """

    def __init__(
        self, folder: Path, again_after_s: float = AGAIN_AFTER_S, *, quick: bool = False
    ) -> None:
        """Prepare; the line appears as `zfm` in `folder`; `quick` takes away its own time."""
        self._arguments = ["demo-reader", "--folder", str(folder), *(["--quick"] if quick else [])]
        self._folder = folder
        self._again_after_s = again_after_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="reader-end", daemon=True)

    @property
    def link(self) -> Path:
        """Where the station finds the line."""
        return self._folder / "zfm"

    @property
    def pid(self) -> int | None:
        """Of the present process; None before the first."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and whoever watches it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._begin()
        self._thread.start()

    def next_person(self) -> None:
        """Let the next person come to the reader. Raises `OSError` while the process is away."""
        self._tell("next")

    def finger(self, position: str) -> None:
        """Let the person know which finger the screen asks for. Raises as `next_person`."""
        self._tell(f"finger {ISO_POSITIONS[position]}")

    def nobody(self) -> None:
        """Let nobody press until somebody is asked. Raises as `next_person`."""
        self._tell("nobody")

    def _tell(self, word: str) -> None:
        with self._lock:
            words = self._process.stdin if self._process else None
            if words is None or words.closed:
                raise BrokenPipeError("the reader's other end is away")
            words.write(f"{word}\n".encode("ascii"))
            words.flush()

    def close(self) -> None:
        """End the process and the thread. Closing twice is allowed."""
        with self._lock:
            self._stopping.set()
            if self._process:
                _hang_up(self._process)
        if self._thread.ident is not None:
            self._thread.join()

    def _begin(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            # A station that was killed took nobody along who could remove it.
            self.link.unlink(missing_ok=True)
            self._process = _started(self._arguments)

    def _run(self) -> None:
        while self._process and not self._stopping.is_set():
            code = self._process.wait()
            with self._lock:
                _hang_up(self._process)
                self.link.unlink(missing_ok=True)
            if self._stopping.is_set():
                return
            log.warning("reader_end_lost", code=code)
            self._stopping.wait(self._again_after_s)
            self._begin()


def _started(
    arguments: Sequence[str], stdout: int | IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CHECKOUT / "run_edge.py"), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout)  # noqa: S603 - our own


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    _hang_up(process)
    process.wait()


def _no_centre() -> DemoError:
    return DemoError("The demo's centre did not start: see its message above.")
