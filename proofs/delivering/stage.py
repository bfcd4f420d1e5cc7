"""Both ends and the line between them, started again whenever one is killed."""

from __future__ import annotations

import json
import os
import queue
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from centre.keys import open_or_make_keys
from centre.shelf import Shelf
from centre.tls import CA_FILE, open_or_make_tls
from proofs.delivering.faulty_line import End, FaultyLine, faults

SHARE: Final = 0.25
"""Of all requests, how many meet a fault."""
PATIENCE_S: Final = 600.0
CHECKOUT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Broken:
    """What is broken on purpose, for a control."""

    believing: bool = False
    keyless: bool = False


class Stage:
    """One folder with a station, a centre and the line; `play` returns when nothing waits."""

    def __init__(self, folder: Path, seed: int, broken: Broken) -> None:
        folder.mkdir(parents=True)
        self._folder, self._broken = folder, broken
        home = folder / "centre"
        open_or_make_keys(home)
        Shelf(home)
        server_tls = open_or_make_tls(home, "127.0.0.1").context
        client_tls = ssl.create_default_context(cafile=home / CA_FILE)
        self._pids: dict[str, int] = {}
        self._ends_of: dict[int, End] = {}
        self._ending = threading.Lock()
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.line = FaultyLine(server_tls, client_tls, faults(seed, SHARE), self._kill)
        self._ends: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ends is not None and self._ends.stdin and self._reader:
            self._ends.stdin.close()
            self._ends.wait()
            self._reader.join()
        self.line.close()

    def play(self) -> None:
        """Let the station deliver; start again what was killed, until the station is done.

        Raises:
            TimeoutError: it never came to an end.
        """
        self._ends = subprocess.Popen(
            [sys.executable, "-m", "proofs.delivering.ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
        )
        assert self._ends.stdout
        self._reader = threading.Thread(target=self._listen, args=(self._ends.stdout,))
        self._reader.start()
        self._start("centre")
        self._start("station")
        end_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                said = self._said.get(timeout=max(0.0, end_s - time.monotonic()))
            except queue.Empty:
                raise TimeoutError("the station did not come to an end") from None
            if "started" in said:
                self._pids[said["started"]] = said["pid"]
                self._ends_of[said["pid"]] = said["started"]
            elif "listening" in said:
                self.line.centre_port = said["listening"]
            elif "ended" in said and self._ended(said["ended"], said["code"]):
                return

    def _ended(self, pid: int, code: int) -> bool:
        """Start it again; True if it was the station, which is done."""
        end = self._ends_of.pop(pid)
        if code not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"the {end} ended with code {code}")
        if end == "station" and code == 0:
            return True
        self._start(end)
        return False

    def _start(self, end: End) -> None:
        asked: dict[str, Any] = {"end": end, "folder": str(self._folder)}
        if end == "station":
            asked |= {"url": f"https://127.0.0.1:{self.line.port}"}
            asked |= {"believing": self._broken.believing}
        else:
            asked |= {"keyless": self._broken.keyless}
        assert self._ends
        assert self._ends.stdin
        self._ends.stdin.write(json.dumps(asked).encode() + b"\n")
        self._ends.stdin.flush()

    def _kill(self, end: End) -> None:
        with self._ending:
            pid = self._pids.pop(end, None)
            if pid is None:
                return
            if end == "centre":
                self.line.centre_port = None
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _listen(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._said.put(json.loads(line))
