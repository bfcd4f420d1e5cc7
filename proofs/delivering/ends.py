"""Both ends of a delivery, each a process that may be killed at any moment.

They are forked from one process that has loaded everything, so that a restart costs milliseconds.
Asked on standard input, one JSON object a line: `{"end": "station" | "centre", …}`. It answers with
`{"started": end, "pid"}`, `{"listening": port}` and `{"ended": pid}`, and ends with its input.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Final, NoReturn

from centre.app import serve
from centre.opening import Opened
from centre.shelf import Shelf, Word
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.delivery.receipt import Receipt, ReceiptVerifier
from edge.sinks.load import open_sink
from edge.store import Store
from edge.trust.centre import CentreKeys

STATION: Final = "st-proof"
SINK: Final = "centre"
STALL_S: Final = 0.4
BRISK: Final = Pace(first_max_s=0, base_s=0.002, max_s=0.02, pending_s=0.02, closed_s=0.05)
LEDGER: Final = "effects.db"
REAP_S: Final = 0.02


class CountingShelf(Shelf):
    """The centre's shelf with a count of effects: how often a package was taken into custody.

    The count itself has no unique key: what is counted twice here was done twice.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._book = open_ledger(folder)
        # Killed between the effect and its count: the effect is there, so it is counted now.
        counted = {row[0] for row in self._book.execute("select package_id from effect")}
        for kept in (folder / "packages").iterdir():
            if not kept.name.startswith(".") and kept.name not in counted:
                self._count(kept.name)

    def store(self, package_id: str, opened: Opened, statement: str, receipt: str) -> Word:
        """Keep it, and count if it was kept now."""
        said = super().store(package_id, opened, statement, receipt)
        if said.receipt == receipt:
            self._count(package_id)
        return said

    def _count(self, package_id: str) -> None:
        with self._book:
            self._book.execute("insert into effect(package_id) values(?)", (package_id,))


class KeylessShelf(CountingShelf):
    """Broken on purpose: a centre that keeps no unique key and takes whatever comes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._one_by_one = threading.Lock()

    def word(self, package_id: str) -> Word | None:
        """Remember nothing."""
        return None

    def store(self, package_id: str, opened: Opened, statement: str, receipt: str) -> Word:
        """Take it again."""
        kept = self.folder / "packages" / package_id
        with self._one_by_one:
            if kept.exists():
                kept.rename(kept.with_name(f".{package_id}.{time.time_ns()}.part"))
            return super().store(package_id, opened, statement, receipt)


class Believing(ReceiptVerifier):
    """Broken on purpose: takes any 2xx for custody, whatever it says."""

    def verify(self, token: str, package_id: str, digest: str, size: int) -> Receipt:
        """Believe it."""
        return Receipt("believed", "stored", None, token or "200")


def open_ledger(folder: Path) -> sqlite3.Connection:
    """Return the count of effects beside the centre's packages."""
    book = sqlite3.connect(folder / LEDGER, check_same_thread=False, timeout=20)
    book.execute("create table if not exists effect(n integer primary key, package_id text)")
    book.commit()
    return book


def run_station(
    folder: Path, url: str, *, believing: bool = False, by_the_wall: bool = False
) -> None:
    """Deliver until nothing waits any more."""
    if by_the_wall:
        # Broken on purpose: waits are reckoned by the clock on the wall.
        time.monotonic = time.time
    keys = CentreKeys.load(folder / "centre")
    verifier = (Believing if believing else ReceiptVerifier)(STATION, lambda: keys.receipts)
    options = {
        "url": url,
        "ca_file": folder / "centre" / "tls-ca.pem",
        "stall_timeout_s": STALL_S,
    }
    with open_store(folder) as store:
        outbox = Outbox(store, SINK, open_sink("https", options), verifier, pace=BRISK)
        outbox.start()
        # Not `time.sleep`: it fails under libfaketime, which gives this process another clock.
        pause = threading.Event()
        while outbox.alive and store.pending(SINK, limit=1):
            pause.wait(0.002)
        outbox.close()


def open_store(folder: Path) -> Store:
    """Return the station's store, without a floor: the disk is not what is tried here."""
    return Store.open(folder / "store.db", folder / "store.key", floor_bytes=0, reserve_bytes=0)


def run_centre(folder: Path, *, keyless: bool = False) -> None:
    """Take packages until killed."""
    home = folder / "centre"
    shelf = (KeylessShelf if keyless else CountingShelf)(home)
    serve(home, "127.0.0.1", 0, lambda port: _say(listening=port), shelf)


def _say(**words: Any) -> None:
    # One short write: lines of several processes do not mix in a pipe.
    os.write(1, json.dumps(words).encode() + b"\n")


def _begin(asked: dict[str, Any]) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    folder, end = Path(asked.pop("folder")), asked.pop("end")
    code = 1
    try:
        (run_station if end == "station" else run_centre)(folder, **asked)
        code = 0
    finally:
        # Without the parent's exit handlers, which are not ours.
        os._exit(code)


def main() -> None:
    """Fork ends as asked, and say when one ended."""
    children: set[int] = set()
    waiting = b""
    while True:
        ready, _, _ = select.select([0], [], [], REAP_S if children else None)
        if ready:
            received = os.read(0, 65536)
            if not received:
                break
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _begin(asked)
                children.add(pid)
                _say(started=asked["end"], pid=pid)
        for pid in list(children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                children.remove(pid)
                _say(ended=pid, code=os.waitstatus_to_exitcode(status))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
