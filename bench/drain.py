"""How fast a backlog leaves, beside a bare loop of HTTPS PUTs over the same link in the same run.

The receiver is a process that reads whole requests and signs true receipts, no more: what is
measured is the station's end. The bare loop is `http.client` on one kept connection, its bodies in
memory, its answers unread but for the status: no store, no digest, no receipt verified. Links: the
loopback, where both are bound by processor, and a network namespace of our own with a token bucket
at 20 and 100 Mbit/s, where root can make one; `ratio` is that of 100 Mbit/s. Beside it: what it
costs to ask for the next page, and for the count, while 50,000 packages wait.
"""

from __future__ import annotations

import http.client
import os
import ssl
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw

from bench import CannotRun, Figures
from bench.closed_package import close_one
from centre.keys import open_or_make_keys
from centre.shelf import Shelf
from centre.tls import CA_FILE, open_or_make_tls
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.delivery.receipt import ReceiptVerifier
from edge.delivery.turns import Turns
from edge.seal import MEDIA_TYPE, Sealer, digest_of
from edge.sinks.load import open_sink
from edge.store import PackageRow, Store
from edge.trust.centre import CentreKeys
from edge.trust.keys import StationKey

STATION: Final = "st-bench"
SINK: Final = "centre"
PLAIN_BYTES: Final = 97_000
LINKS: Final = {"loopback": None, "20_mbit": 20, "100_mbit": 100}
PACKAGES: Final = {"loopback": 300, "20_mbit": 80, "100_mbit": 300}
LONG_LINK: Final = "100_mbit"
LONG_PACKAGES: Final = 50_000
WAITING: Final = 50_000
OURS, THEIRS = "10.213.77.1", "10.213.77.2"


@dataclass(frozen=True, slots=True)
class Kit:
    """One folder with both ends' keys and the station's store."""

    folder: Path
    sealer: Sealer
    verifier: ReceiptVerifier

    def open_store(self) -> Store:
        """Return the store, without a floor."""
        return Store.open(
            self.folder / "store.db", self.folder / "store.key", floor_bytes=0, reserve_bytes=0
        )


def measure(long: bool) -> Figures:
    """Return packages a second and the ratio on each link; `long` drains 50,000 over one.

    Raises:
        CannotRun: the receiver did not start.
    """
    here = Path("var")
    here.mkdir(exist_ok=True)
    figures: dict[str, float | int | str | None] = {"package_bytes": PLAIN_BYTES}
    with TemporaryDirectory(prefix="bench-drain-", dir=here) as name:
        for number, (link, mbit) in enumerate(LINKS.items()):
            packages = LONG_PACKAGES if long and link == LONG_LINK else PACKAGES[link]
            figures |= _on(Path(name) / str(number), link, mbit, packages)
        figures |= _waiting(Path(name) / "waiting")
    return {"ratio": figures[f"{LONG_LINK}_ratio"], **figures}


def _waiting(folder: Path) -> dict[str, float | int]:
    """Return what looking costs with 50,000 waiting, at the oldest and near the newest."""
    folder.mkdir()
    with Store.open(folder / "store.db", folder / "store.key", floor_bytes=0) as store:
        store.write(_fill)
        first_ms = _median_ms(lambda: store.pending(SINK, 50, 0))
        last_ms = _median_ms(lambda: store.pending(SINK, 50, WAITING - 60))
        urgent_ms = _median_ms(lambda: store.pending(SINK, 50, 0, urgent=True))
        count_ms = _median_ms(lambda: store.waiting(SINK))
        turns = Turns(lambda after, limit, urgent: store.pending(SINK, limit, after, urgent=urgent))
        tracemalloc.start()
        while package := turns.take():
            turns.later(package, 900.0)
        held_bytes = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return {
        "waiting": WAITING,
        "page_ms_oldest": round(first_ms, 3),
        "page_ms_newest": round(last_ms, 3),
        "page_ms_urgent": round(urgent_ms, 3),
        "count_ms": round(count_ms, 3),
        "queue_mib_all_asked": round(held_bytes / 2**20, 1),
    }


def _fill(db: apsw.Connection) -> None:
    # Rows alone: what is measured here never touches a part.
    db.executemany(
        "insert into package(id, package_id, sitting_id, station_id, kid, state, opened_at_ms,"
        " sequence, sealed_at_ms, size, digest, statement)"
        " values(?, ?, 's', ?, 'k', 'ready', 0, ?, 0, 97000, ?, ?)",
        (
            (n, f"{n:036}", STATION, n, f"sha-256=:{n:043}=:", "s" * 800)
            for n in range(1, WAITING + 1)
        ),
    )
    db.executemany(
        "insert into delivery(package, sink, custody, state) values(?, ?, 1, 'waiting')",
        ((n, SINK) for n in range(1, WAITING + 1)),
    )


def _median_ms(look: Callable[[], object]) -> float:
    times = []
    for _ in range(40):
        began_s = time.perf_counter()
        look()
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times)


def _on(folder: Path, link: str, mbit: int | None, packages: int) -> dict[str, float | int | None]:
    keys = ("bare_per_s", "drain_per_s", "ratio")
    with ExitStack() as stack:
        try:
            inside, host = ([], "127.0.0.1") if mbit is None else stack.enter_context(_link(mbit))
        except (OSError, subprocess.CalledProcessError):
            # No root, no namespaces: this link is not measured, the others are.
            return {f"{link}_{key}": None for key in keys}
        kit = _kit(folder, host)
        port = stack.enter_context(_receiver(folder / "centre", host, inside))
        url = f"https://{host}:{port}"
        with kit.open_store() as store:
            rows = [close_one(store, kit.sealer, PLAIN_BYTES, SINK) for _ in range(packages)]
            some = rows[: min(packages, PACKAGES[link])]
            bare_s = _bare(store, some, host, port, folder) / len(some)
            drain_s = _drain(kit, store, url) / packages
    return {
        f"{link}_bare_per_s": round(1 / bare_s, 1),
        f"{link}_drain_per_s": round(1 / drain_s, 1),
        f"{link}_ratio": round(bare_s / drain_s, 3),
        f"{link}_packages": packages,
    }


def _bare(store: Store, rows: Sequence[PackageRow], host: str, port: int, folder: Path) -> float:
    """Return the seconds of a plain loop of PUTs on one kept connection."""
    bodies = [store.sealed(row.package_id) for row in rows]
    context = ssl.create_default_context(cafile=folder / "centre" / CA_FILE)
    line = http.client.HTTPSConnection(host, port, context=context)
    line.connect()
    began_s = time.perf_counter()
    for row, body in zip(rows, bodies, strict=True):
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Digest": row.digest,
            "If-None-Match": "*",
            "Anxin-Seal": row.statement,
        }
        line.request("PUT", f"/ingest/v1/packages/{row.package_id}", body, headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != 201:
            raise CannotRun(f"the receiver answered {answer.status}")
    seconds = time.perf_counter() - began_s
    line.close()
    return seconds


def _drain(kit: Kit, store: Store, url: str) -> float:
    """Return the seconds from the outbox's start until nothing waits."""
    options = {"url": url, "ca_file": kit.folder / "centre" / CA_FILE}
    outbox = Outbox(
        store, SINK, open_sink("https", options), kit.verifier, pace=Pace(first_max_s=0)
    )
    began_s = time.perf_counter()
    outbox.start()
    while store.pending(SINK, limit=1):
        time.sleep(0.005)
    seconds = time.perf_counter() - began_s
    outbox.close()
    if store.packages(limit=1, state="quarantined"):
        # Set aside, it waits no longer either, and went nowhere.
        raise CannotRun("a package was set aside instead of delivered")
    return seconds


def _kit(folder: Path, host: str) -> Kit:
    home = folder / "centre"
    open_or_make_keys(home)
    Shelf(home)
    open_or_make_tls(home, host)
    keys = CentreKeys.load(home)
    key = StationKey.open_or_make(folder / "station-key.pem")
    return Kit(
        folder,
        Sealer(STATION, key, keys.sealing[0]),
        ReceiptVerifier(STATION, lambda: keys.receipts),
    )


@contextmanager
def _receiver(home: Path, host: str, inside: Sequence[str]) -> Iterator[int]:
    """Run the receiver as a process of its own, in a namespace or not; yields its port."""
    command = [*inside, sys.executable, "-m", "bench.drain", str(home), host]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = process.stdout.readline()
        if not said:
            raise CannotRun("the receiver did not start")
        yield int(said)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@contextmanager
def _link(mbit: int) -> Iterator[tuple[list[str], str]]:
    """Make a namespace at the other end of a shaped pair; yields how to run there and its address.

    Raises:
        OSError, CalledProcessError: no right or no tool to make one.
    """
    name = f"anxin-bench-{os.getpid()}"
    near, far = f"axn{os.getpid()}", f"axf{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    steps = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name],
        ["ip", "addr", "add", f"{OURS}/30", "dev", near],
        ["ip", "link", "set", near, "up"],
        [*inside, "ip", "addr", "add", f"{THEIRS}/30", "dev", far],
        [*inside, "ip", "link", "set", far, "up"],
        ["tc", "qdisc", "add", "dev", near, "root", "tbf", "rate", f"{mbit}mbit",
         "burst", "32kb", "latency", "100ms"],
    ]  # fmt: skip
    try:
        for step in steps:
            subprocess.run(step, check=True, capture_output=True)
        yield inside, THEIRS
    finally:
        for step in (["ip", "link", "del", near], ["ip", "netns", "del", name]):
            with suppress(OSError):
                subprocess.run(step, check=False, capture_output=True)


def _receive(home: Path, host: str) -> None:
    """Take every PUT and answer with a true receipt, until killed."""
    import json  # noqa: PLC0415 - only the receiver's process
    import socket  # noqa: PLC0415
    import threading  # noqa: PLC0415

    keyring, context = open_or_make_keys(home), open_or_make_tls(home, host).context

    def serve(line: socket.socket) -> None:
        with suppress(OSError, ValueError), line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(line, server_side=True) as secure:
                while True:
                    answer(secure)

    def answer(secure: ssl.SSLSocket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += secure.recv(65536) or _gone()
        head, _, begun = received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = {k.lower(): v for k, v in (one.split(": ", 1) for one in lines[1:])}
        size, body = int(fields.get("content-length", "0")), bytearray(begun)
        while len(body) < size:
            body += secure.recv(65536) or _gone()
        package_id = lines[0].split("/")[4].split(" ")[0]
        said = {
            "v": 1, "receipt_id": "r", "package_id": package_id, "station_id": STATION,
            "digest": digest_of(bytes(body)), "size": size, "outcome": "stored", "code": None,
            "received_at": "2026-11-22T01:00:00.000Z", "by": "bench",
        }  # fmt: skip
        receipt = keyring.sign_receipt(json.loads(json.dumps(said))).encode()
        secure.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/jose\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(receipt) + receipt)  # fmt: skip

    listener = socket.create_server((host, 0), backlog=32)
    os.write(1, f"{listener.getsockname()[1]}\n".encode())
    while True:
        line, _ = listener.accept()
        threading.Thread(target=serve, args=(line,), daemon=True).start()


def _gone() -> bytes:
    raise ConnectionResetError


if __name__ == "__main__":
    _receive(Path(sys.argv[1]), sys.argv[2])
