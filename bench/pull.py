"""A page at the end of a million packages beside one of a thousand, and sealed downloads a second.

Both stores are encrypted files behind a real `/v1` on loopback, asked in turns by one client, a
process of its own with one kept connection. The million rows are written by SQL in the journal's
own table, with the statement of a package that was truly sealed; only the packages that are
downloaded have parts. The floor of the downloads is the same listener with an application that
gives bytes of that size away and does nothing else.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

import apsw
from flask import Flask, Response

from api.app import V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1.paging import Place
from bench import CannotRun, Figures
from bench.closed_package import close_one, new_sealer
from edge.delivery.receipt import ReceiptVerifier
from edge.store import PackageRow, Store

STATION: Final = "st-bench"
TOKEN: Final = "k" * 43
PLAIN_BYTES: Final = 97_000
FEW, MANY = 1_000, 1_000_000
PAGE: Final = 100
PAGES: Final = 300
READY: Final = f"v1/packages?state=ready&limit={PAGE}"
WARMING: Final = 5
SEALED: Final = 20
DOWNLOADS: Final = 2_000
BATCH: Final = 50_000
PATIENCE_S: Final = 60.0
CLIENT: Final = """
import http.client, json, sys, time
token, times, *places = sys.argv[1:]
asked = []
for place in places:
    host, path = place.removeprefix("http://").split("/", 1)
    asked.append((http.client.HTTPConnection(host), "/" + path, []))
size = 0
for turn in range(int(times)):
    line, path, spent = asked[turn % len(asked)]
    began = time.perf_counter()
    line.request("GET", path, headers={"Authorization": "Bearer " + token})
    answer = line.getresponse()
    content = answer.read()
    spent.append(time.perf_counter() - began)
    assert answer.status == 200, answer.status
    size += len(content)
print(json.dumps([size, *(spent for _, _, spent in asked)]))
"""
"""Asks places in turns, each over a connection of its own that it keeps."""


def measure(long: bool) -> Figures:
    """Return medians of pages and the rate of downloads.

    Raises:
        CannotRun: the library has no cipher, so ours would be measured in the clear.
    """
    if not hasattr(apsw, "mc_version"):
        raise CannotRun("apsw-sqlite3mc is not installed: the store cannot encrypt")
    here = Path("var")
    here.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-pull-", dir=here) as name, ExitStack() as stack:
        few, many = (
            stack.enter_context(_station(Path(name) / str(count), count)) for count in (FEW, MANY)
        )
        bare = stack.enter_context(_bare())
        for place in (f"{few.url}{_end(FEW)}", f"{many.url}{_end(MANY)}"):
            _must_be_full(place)
        pages, ready = (
            _medians_ms([f"{few.url}{one}", f"{many.url}{other}"], long)
            for one, other in ((_end(FEW), _end(MANY)), (READY, READY))
        )
        rates, bare_rates = [], []
        # In turns, so that whatever else the machine does befalls both.
        for package_id in many.sealed:
            rate, size = _rate(f"{many.url}v1/packages/{package_id}/sealed", long)
            rates.append(rate)
            bare_rates.append(_rate(f"{bare}{size}", long)[0])
    return {
        "page_ms_1k": round(pages[0], 3),
        "page_ms_1m": round(pages[1], 3),
        "ratio": round(pages[1] / pages[0], 2),
        "ready_page_ms_1k": round(ready[0], 3),
        "ready_page_ms_1m": round(ready[1], 3),
        "ready_ratio": round(ready[1] / ready[0], 2),
        "downloads_per_s": round(statistics.median(rates), 1),
        "bare_downloads_per_s": round(statistics.median(bare_rates), 1),
        "package_bytes": size,
        "fill_s": round(many.fill_s, 1),
        "rows": MANY,
        "page": PAGE,
    }


class Served:
    """One station that answers: where, which packages have parts, how long the filling took."""

    def __init__(self, url: str, sealed: list[str], fill_s: float) -> None:
        self.url = url
        self.sealed = sealed
        self.fill_s = fill_s


@contextmanager
def _station(folder: Path, count: int) -> Iterator[Served]:
    folder.mkdir()
    where = (folder / "store.db", folder / "store.key")
    with Store.open(*where, floor_bytes=0, reserve_bytes=0) as store:
        sealer = new_sealer(STATION)
        rows = [close_one(store, sealer, PLAIN_BYTES, "pull") for _ in range(SEALED)]
        began_s = time.perf_counter()
        _fill(store, rows[0], count - SEALED)
        fill_s = time.perf_counter() - began_s
        station = V1Station(
            STATION, "bench", "0" * 64, store, ReceiptVerifier(STATION, dict), list, list
        )
        with _listening(create_v1_app(station, TOKEN)) as url:
            yield Served(url, [row.package_id for row in rows], fill_s)


def _fill(store: Store, like: PackageRow, count: int) -> None:
    """Write rows that were receipted long ago, in the order in which a station would have."""
    for begin in range(0, count, BATCH):
        many = min(BATCH, count - begin)
        store.write(lambda db, first=begin, many=many: _insert(db, like, first, many))  # type: ignore[misc]


def _insert(db: apsw.Connection, like: PackageRow, first: int, many: int) -> None:
    db.execute(
        "with recursive row(n) as (select ?1 union all select n + 1 from row where n < ?1 + ?2 - 1)"
        " insert into package(package_id, sitting_id, station_id, kid, state, opened_at_ms,"
        " sequence, sealed_at_ms, size, digest, statement)"
        " select printf('019aa1f0-%04x-7%03x-8%03x-%012x', n >> 12, n & 4095, n & 4095, n),"
        " printf('019aa1ef-%04x-7%03x-8%03x-%012x', n >> 12, n & 4095, n & 4095, n),"
        " ?3, ?4, 'receipted', ?5, n + ?6, ?5 + n, ?7, ?8, ?9 from row",
        (first, many, STATION, like.kid, like.sealed_at_ms, SEALED + 1, like.size, like.digest,
         like.statement),
    )  # fmt: skip


def _must_be_full(place: str) -> None:
    """Ask once: an empty page would be answered faster, and compared all the same."""
    url = urlsplit(place)
    line = http.client.HTTPConnection(str(url.hostname), url.port, timeout=PATIENCE_S)
    try:
        path = f"{url.path}?{url.query}"
        line.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        rows = len(json.loads(line.getresponse().read()).get("items", ()))
    finally:
        line.close()
    if rows != PAGE:
        raise CannotRun(f"the page at the end holds {rows} packages instead of {PAGE}")


def _end(count: int) -> str:
    """Return where the last page of so many begins."""
    cursor = Place("packages", None).cursor(count - PAGE)
    return f"v1/packages?limit={PAGE}&after={cursor}"


@contextmanager
def _bare() -> Iterator[str]:
    app = Flask("bare", static_folder=None)

    @app.get("/<int:size>")
    def give(size: int) -> Response:
        return Response(bytes(size), mimetype="application/octet-stream")

    with _listening(app) as url:
        yield url


@contextmanager
def _listening(app: Flask) -> Iterator[str]:
    listener = Listener(app, "127.0.0.1", 0, streams=V1_STREAMS, closing=threading.Event())
    listener.start()
    try:
        yield listener.url
    finally:
        listener.close()


def _rate(place: str, long: bool) -> tuple[float, int]:
    """Return downloads a second of one client over one connection, and the bytes of one."""
    times = DOWNLOADS * (10 if long else 1) // SEALED
    size, (spent,) = _ask([place], times)
    return times / sum(spent), size // times


def _medians_ms(places: list[str], long: bool) -> list[float]:
    _, spent = _ask(places, len(places) * (PAGES * (10 if long else 1) + WARMING))
    # The first ones open the connection and warm the caches.
    return [statistics.median(one[WARMING:]) * 1000 for one in spent]


def _ask(places: list[str], times: int) -> tuple[int, list[list[float]]]:
    """Let the client's process ask in turns; returns all bytes and the seconds of each request."""
    command = [sys.executable, "-c", CLIENT, TOKEN, str(times), *places]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    size, *spent = json.loads(run.stdout)
    return size, spent
