"""Writers and checkers in processes of their own, so that a cut ends them without clean-up.

They are forked from this process: nothing may be open in it that must not be shared, above all no
database, and no thread may run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from proofs import CannotRun

Ack = Callable[[str], None]
Writer = Callable[[Path, Ack], None]
LOOK_S = 0.001


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker found in the store after one cut.

    Attributes:
        lost: what was acknowledged and is absent.
        damaged: what is there and cannot be read, or fails its digest.
        corrupt: the store cannot be opened, or its own integrity check or chain fails.
    """

    present: int = 0
    lost: int = 0
    damaged: int = 0
    corrupt: bool = False
    said: str = ""

    @property
    def ok(self) -> bool:
        """Whether the store kept its promise."""
        return not (self.lost or self.damaged or self.corrupt)


Checker = Callable[[Path, Sequence[str]], Verdict]


@dataclass(slots=True)
class Cuts:
    """The sum over all cuts of one run."""

    cuts: int = 0
    failing: int = 0
    acked: int = 0
    lost: int = 0
    damaged: int = 0
    corrupt: int = 0
    unreached: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, label: str, verdict: Verdict) -> None:
        """Count one cut."""
        self.cuts += 1
        if verdict.ok:
            return
        self.failing += 1
        self.lost += verdict.lost
        self.damaged += verdict.damaged
        self.corrupt += verdict.corrupt
        if len(self.examples) < 3:
            self.examples.append(f"{label}: {verdict}")

    def require_substance(self) -> None:
        """Refuse a run that could not have failed. Raises `CannotRun`."""
        if not self.cuts:
            raise CannotRun("no cut took effect")
        if not self.acked:
            raise CannotRun("nothing was acknowledged, so nothing could be lost")

    @property
    def note(self) -> str:
        """What was counted, in words."""
        parts = [f"{self.acked} acknowledged", f"{self.lost} lost", f"{self.damaged} damaged"]
        parts.append(f"{self.corrupt} stores corrupt")
        return "; ".join([", ".join(parts), *self.examples[:1]])


class Process:
    """A forked process in its own session, so that the whole group can be killed at once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status (negative: the signal), or None while it runs."""
        if self.status is None:
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(raw)
        return self.status

    def wait(self, limit_s: float) -> int | None:
        """Wait for the end; None when the time ran out."""
        end_s = time.monotonic() + limit_s
        while self.poll() is None and time.monotonic() < end_s:
            time.sleep(LOOK_S)
        return self.status

    def kill(self) -> None:
        """Send SIGKILL to it and everything it started, and wait for its end."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while self.poll() is None:
            time.sleep(LOOK_S)


def start(
    writer: Writer,
    directory: Path,
    acks: Path,
    complaints: Path,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> Process:
    """Start a writer; what it acknowledges goes to `acks`, line by line.

    `before` and `after` run around it, in its process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Process(pid)
    code = 70
    try:
        os.setsid()
        out = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(complaints, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        os.dup2(out, 1)
        before()
        # One system call a line, unbuffered: what a reader of the file sees was told.
        writer(directory, lambda word: _put(out, word))
        after()
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _put(out: int, word: str) -> None:
    os.write(out, f"{word}\n".encode())


def acknowledged(acks: Path) -> list[str]:
    """Return what was acknowledged so far; a half-written last line does not count."""
    if not acks.exists():
        return []
    whole, _, _ = acks.read_bytes().rpartition(b"\n")
    return [line for line in whole.decode().splitlines() if line]


def check(checker: Checker, directory: Path, acked: Sequence[str], scratch: Path) -> Verdict:
    """Run the checker in a process of its own; a checker that breaks is a corrupt store."""
    answer, complaints = scratch / "verdict", scratch / "checker.log"
    for path in (answer, complaints):
        path.unlink(missing_ok=True)

    def judged(place: Path, put: Ack) -> None:
        put(json.dumps(asdict(checker(place, acked))))

    process = start(judged, directory, answer, complaints)
    while process.poll() is None:
        time.sleep(LOOK_S)
    said = acknowledged(answer)
    if process.status or not said:
        return Verdict(lost=len(acked), corrupt=True, said=tail(complaints)[-200:])
    return Verdict(**json.loads(said[-1]))


def tail(file: Path, size: int = 600) -> str:
    """Return the end of what a process complained of."""
    return file.read_text(errors="replace")[-size:].strip() if file.exists() else ""
