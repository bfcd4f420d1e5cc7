"""A fleet of stations at the reference gateway: `python -m bench fleet --stations 1000`.

Each station has its own key, certificate and kept connection (TLS 1.3, mutual), and sends packages
that our Sealer sealed: real seals, real receipts, verified. Behind two gateways stand three bus
nodes (R3, sync always) and moto as the S3 server, all on this machine together with the stations.
So `packages_per_s` is what these cores carry with everything on them. What travels to another
machine is the gateway's own processor time for each package, by size, and for each handshake.

The floor is boto3 putting the same bytes into the same store from the same process, without TLS,
seal, event or receipt. A package is lost if its receipt was valid and a worker does not find its
bytes by the event, doubled if it had two effects there.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from bench import CannotRun, Figures
from edge.delivery.receipt import ReceiptInvalid, ReceiptVerifier
from edge.seal import MEDIA_TYPE, Closing, Sealer, digest_of, package_file, seal_part
from edge.trust.key_list import ListedKey
from edge.trust.keys import SealingKey, StationKey
from proofs import CannotRun as NoMachinery
from proofs.ingesting.machinery import BUCKET, Machinery, Plan, Process, until
from proofs.ingesting.worker import Worker

STATIONS: Final = 1000
SMALL_BYTES: Final = 100_000
LARGE_BYTES: Final = 1_000_000
LARGE: Final = 100
"""How many of the large ones."""
FLOOR: Final = 200
IN_FLIGHT: Final = 16
DRAIN_S: Final = 600.0
FOREVER_MS: Final = 1 << 62
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Station:
    """One played station: its hand, its receipts' verifier, its open connection."""

    sealer: Sealer
    verifier: ReceiptVerifier
    context: ssl.SSLContext
    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """Shake hands once; the connection is kept."""
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context
        )

    async def put(self, package_id: str, content: bytes, seal: str) -> tuple[int, str]:
        """Send one package as `docs/package.md` says; return status and answer."""
        if self.reader is None or self.writer is None:
            raise RuntimeError("not connected")
        head = (
            f"PUT /ingest/v1/packages/{package_id} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(content)}\r\n"
            f"Content-Digest: {digest_of(content)}\r\nIf-None-Match: *\r\n"
            f"Anxin-Seal: {seal}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        answer = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return int(lines[0].split()[1]), answer.decode()


@dataclass
class Sent:
    """What one phase of sending came to.

    Attributes:
        acknowledged: ids whose receipt is valid.
        took_ms: of each request, first byte sent to answer read.
        cpu_s: of the gateways together.
    """

    sent: int = 0
    acknowledged: list[str] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """Return the gateways' processor time for one package, in ms."""
        return self.cpu_s * 1000 / max(1, self.sent)


def measure(long: bool, stations: int = STATIONS) -> Figures:
    """Return the figures of so many stations with one package each, `long`: ten each.

    Raises:
        CannotRun: the bus's server is not installed.
    """
    here = Path("var")
    here.mkdir(exist_ok=True)
    plan = Plan(journal=False, threads=IN_FLIGHT)
    with TemporaryDirectory(prefix="bench-fleet-", dir=here.resolve()) as name:
        try:
            machinery = Machinery(Path(name), plan)
        except NoMachinery as reason:
            raise CannotRun(str(reason)) from None
        with machinery as centre:
            return _measured(centre, stations, 10 if long else 1)


def _measured(centre: Machinery, stations: int, each: int) -> Figures:
    fleet = [_station(centre, number) for number in range(stations)]
    floor_per_s = _floor_per_s(centre)
    empty_mib = _rss_mib(centre.gateways)
    with asyncio.Runner() as runner:
        handshake_ms = runner.run(_connect(centre, fleet)) * 1000 / stations
        connected_mib = _rss_mib(centre.gateways)
        small = runner.run(_send(centre, fleet * each, SMALL_BYTES))
        large = runner.run(_send(centre, (fleet * LARGE)[:LARGE], LARGE_BYTES))
        runner.run(_hang_up(fleet))
    effects = _effects(centre, [*small.acknowledged, *large.acknowledged])
    return {
        **outcome(stations, small, large, effects),
        **costs(small, large),
        "handshake_cpu_ms": round(handshake_ms, 2),
        "connection_kib": round((connected_mib - empty_mib) * 1024 / stations, 1),
        "gateway_rss_mib": round(_rss_mib(centre.gateways) / len(centre.gateways), 1),
        "bare_puts_per_s": round(floor_per_s, 1),
        "ratio": round(small.sent / small.seconds / floor_per_s, 2),
        "gateways": len(centre.gateways),
        "in_flight": IN_FLIGHT,
        "package_bytes": SMALL_BYTES,
    }


def outcome(stations: int, small: Sent, large: Sent, effects: Counter[str]) -> Figures:
    """Return what arrived, and how fast the small ones did."""
    acknowledged = [*small.acknowledged, *large.acknowledged]
    took_ms = sorted(small.took_ms)
    return {
        "stations": stations,
        "sent": small.sent + large.sent,
        "stored": len(acknowledged),
        "lost": sum(effects[package_id] == 0 for package_id in acknowledged),
        "doubled": sum(count > 1 for count in effects.values()),
        "packages_per_s": round(small.sent / small.seconds, 1),
        "put_ms_p50": round(statistics.median(took_ms), 1),
        "put_ms_p99": round(took_ms[int(len(took_ms) * 0.99)], 1),
    }


def costs(small: Sent, large: Sent) -> Figures:
    """Return the gateway's processor time: for a package of each size, and for each further MB."""
    per_mb = (large.cpu_ms - small.cpu_ms) * 1e6 / (LARGE_BYTES - SMALL_BYTES)
    return {
        "gateway_cpu_ms_100kb": round(small.cpu_ms, 2),
        "gateway_cpu_ms_1mb": round(large.cpu_ms, 2),
        "gateway_cpu_ms_per_mb": round(per_mb, 2),
        "mb_per_s_1mb": round(large.sent * LARGE_BYTES / 1e6 / large.seconds, 1),
    }


def _station(centre: Machinery, number: int) -> Station:
    station_id = f"st-{number:06}"
    key = StationKey(OKPKey.generate_key("Ed25519"))
    centre.register(station_id, key)
    certificate, private = centre.clients.issue(station_id, uri=f"anxin:station:{station_id}")
    context = ssl.create_default_context(cafile=centre.servers.file)
    context.load_cert_chain(certificate, private)
    public = OKPKey.import_key(centre.receipt_key.as_dict(private=False))
    listed = {public.thumbprint(): ListedKey("receipt", public.thumbprint(), public, 0, FOREVER_MS)}
    return Station(
        Sealer(station_id, key, SealingKey("fleet", X25519PrivateKey.generate().public_key())),
        ReceiptVerifier(station_id, lambda: listed),
        context,
        centre.gateways[number % len(centre.gateways)].port,
    )


def _package(sealer: Sealer, plain: bytes) -> tuple[str, bytes, str]:
    """Return id, file and seal statement of one package, sealed as a station does."""
    package_id = str(uuid.uuid4())
    part = sealer.part(package_id, 0, "a.png", "image/png", plain)
    manifest = seal_part(sealer.station_id, package_id, 1, "manifest", sealer.sealing_key, b"{}")
    content = package_file([part.record, manifest])
    closing = Closing(
        package_id=package_id, station_id=sealer.station_id, sequence=1, previous=None,
        digest=digest_of(content), size=len(content), sealed_at="2026-11-22T01:00:00.000Z",
        kid=sealer.sealing_key.kid, audit_n=1, audit_head="00" * 32,
    )  # fmt: skip
    return package_id, content, sealer.statement(closing)


async def _connect(centre: Machinery, fleet: Sequence[Station]) -> float:
    """Connect all; return the gateways' processor time in seconds."""
    before_s = _cpu_s(centre.gateways)
    await _at_once(fleet, Station.connect)
    return _cpu_s(centre.gateways) - before_s


async def _send(centre: Machinery, turns: Sequence[Station], size: int) -> Sent:
    """Let each send a package in its turn, some at once."""
    done = Sent()
    plain = random.Random(size).randbytes(size)

    async def send(station: Station) -> None:
        package_id, content, seal = await asyncio.to_thread(_package, station.sealer, plain)
        began_s = time.perf_counter()
        status, answer = await station.put(package_id, content, seal)
        done.took_ms.append((time.perf_counter() - began_s) * 1000)
        done.sent += 1
        if status == 201 and _believed(station, answer, package_id, content):
            done.acknowledged.append(package_id)

    before_s, began_s = _cpu_s(centre.gateways), time.monotonic()
    # A station sends one package at a time, so each round of the fleet ends before the next.
    fleet = len(dict.fromkeys(map(id, turns)))
    for start in range(0, len(turns), fleet):
        await _at_once(turns[start : start + fleet], send)
    done.seconds = time.monotonic() - began_s
    done.cpu_s = _cpu_s(centre.gateways) - before_s
    return done


async def _at_once(fleet: Iterable[Station], work: Callable[[Station], Awaitable[None]]) -> None:
    waiting = iter(fleet)

    async def hand() -> None:
        for station in waiting:
            await work(station)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(hand())


async def _hang_up(fleet: Iterable[Station]) -> None:
    for station in fleet:
        if station.writer:
            station.writer.transport.abort()


def _believed(station: Station, answer: str, package_id: str, content: bytes) -> bool:
    try:
        receipt = station.verifier.verify(answer, package_id, digest_of(content), len(content))
    except ReceiptInvalid:
        return False
    return receipt.outcome == "stored"


def _effects(centre: Machinery, acknowledged: Sequence[str]) -> Counter[str]:
    """Let a worker take every event and look at every object; return effects by id."""
    worker = Worker(centre.bus_servers, centre.s3)
    try:
        until(lambda: len(worker.effects()) >= len(acknowledged), "events are missing", DRAIN_S)
    except TimeoutError:
        # Not an error of the measurement: what is missing is counted as lost.
        return worker.effects()
    finally:
        worker.close()
    return worker.effects()


def _floor_per_s(centre: Machinery) -> float:
    content = random.Random(0).randbytes(SMALL_BYTES)

    def put(number: int) -> Any:
        return centre.s3.put_object(Bucket=BUCKET, Key=f"floor/{number}", Body=content)

    began_s = time.monotonic()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(put, range(FLOOR)))
    return FLOOR / (time.monotonic() - began_s)


def _cpu_s(processes: Sequence[Process]) -> float:
    """Return the processor time that these processes have taken."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def _rss_mib(processes: Sequence[Process]) -> float:
    pages = [int(Path(f"/proc/{one.pid}/statm").read_text().split()[1]) for one in processes]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
