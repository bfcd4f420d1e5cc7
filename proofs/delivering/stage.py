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
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from centre.keys import open_or_make_keys
from centre.shelf import Shelf
from centre.tls import CA_FILE, open_or_make_tls
from proofs.delivering.faulty_line import End, FaultyLine

PATIENCE_S: Final = 600.0
CHECKOUT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Broken:
    """What is broken on purpose, for a control."""

    believing: bool = False
    keyless: bool = False
    by_the_wall: bool = False


class Stage:
    """One folder with a station, a centre and the line; `play` returns when nothing waits."""

    def __init__(
        self,
        folder: Path,
        plan: Iterator[str],
        broken: Broken,
        station_env: Mapping[str, str] | None = None,
    ) -> None:
        """Make keys, and listen on the line.

        Args:
            folder: of both ends; made here.
            plan: one fault a request.
            broken: what is broken on purpose.
            station_env: more of an environment for the station's process, such as another clock.
        """
        folder.mkdir(parents=True)
        self._folder, self._broken = folder, broken
        self._station_env = dict(station_env or {})
        home = folder / "centre"
        open_or_make_keys(home)
        Shelf(home)
        server_tls = open_or_make_tls(home, "127.0.0.1").context
        client_tls = ssl.create_default_context(cafile=home / CA_FILE)
        self._pids: dict[str, int] = {}
        self._ends_of: dict[int, End] = {}
        self._ending = threading.Lock()
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.line = FaultyLine(server_tls, client_tls, plan, self._kill)
        self._ends: dict[End, subprocess.Popen[bytes]] = {}
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in {id(one): one for one in self._ends.values()}.values():
            if process.stdin:
                process.stdin.close()
            process.wait()
        for reader in self._readers:
            reader.join()
        self.line.close()

    def play(self, patience_s: float = PATIENCE_S) -> None:
        """Let the station deliver; start again what was killed, until the station is done.

        Raises:
            TimeoutError: it never came to an end.
        """
        self._ends["centre"] = self._forker({})
        own = self._forker(self._station_env) if self._station_env else None
        self._ends["station"] = own or self._ends["centre"]
        self._start("centre")
        self._start("station")
        end_s = time.monotonic() + patience_s
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

    def _forker(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start what has loaded everything and forks ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "proofs.delivering.ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            env={**os.environ, **env},
        )
        if process.stdout:
            self._readers.append(threading.Thread(target=self._listen, args=(process.stdout,)))
            self._readers[-1].start()
        return process

    def _start(self, end: End) -> None:
        asked: dict[str, Any] = {"end": end, "folder": str(self._folder)}
        if end == "station":
            asked |= {"url": f"https://127.0.0.1:{self.line.port}"}
            asked |= {"believing": self._broken.believing}
            asked |= {"by_the_wall": self._broken.by_the_wall}
        else:
            asked |= {"keyless": self._broken.keyless}
        pipe = self._ends[end].stdin
        if pipe:
            pipe.write(json.dumps(asked).encode() + b"\n")
            pipe.flush()

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
