"""A centre on this machine: bus nodes, an object store and gateways, each a process to be killed.

Nothing listens anywhere but on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from joserfc.jwk import OKPKey

from demo.station import free_port
from edge.trust.keys import StationKey
from proofs import CannotRun
from proofs.ingesting.certificates import Authority

CHECKOUT: Final = Path(__file__).resolve().parents[2]
GATEWAY: Final = CHECKOUT / "docs" / "centre"
BUCKET: Final = "packages"
STREAM: Final = "packages"
NOBODY: Final = "nats://127.0.0.1:1"
LIMIT_S: Final = 180.0
"""A busy machine is slow, not wrong."""
EXAMPLE_SERVERS: Final = '["nats://bus-0:4222", "nats://bus-1:4222", "nats://bus-2:4222"]'
EXAMPLE_ROUTES: Final = '["nats://bus-0:6222", "nats://bus-1:6222", "nats://bus-2:6222"]'
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "anxin",
    "AWS_SECRET_ACCESS_KEY": "anxin-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Process:
    """One process that can be killed and started again with the same command."""

    def __init__(self, name: str, command: list[str], port: int, log: Path) -> None:
        """`port` is where it listens once it is up; `log` gets what it says."""
        self.name = name
        self.port = port
        self._command = command
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended by us."""
        return self._running is not None

    @property
    def pid(self) -> int:
        """Its process id. Raises `RuntimeError` when it does not run."""
        if self._running is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._running.pid

    def start(self) -> None:
        """Start it; `wait` for it where that matters."""
        environment = {**os.environ, **CREDENTIALS, "PYTHONPATH": f"{CHECKOUT}:{GATEWAY}"}
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                # A run that is killed takes its centre along.
                ["setpriv", "--pdeathsig", "KILL", *self._command],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until it accepts connections."""
        until(self._accepts, f"{self.name} did not start: see {self._log}")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._running:
            self._running.kill()
            self._running.wait()
            self._running = None

    def end(self) -> int:
        """Ask it to end, as a service manager does; return its exit status."""
        running, self._running = self._running, None
        if running is None:
            raise RuntimeError(f"{self.name} does not run")
        running.terminate()
        try:
            return running.wait(LIMIT_S)
        finally:
            running.kill()

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@dataclass
class Plan:
    """What a centre is made of.

    Attributes:
        nodes: of the bus; 0: none.
        client_ca: whether stations must show a certificate.
        journal: whether the object store finds its objects again.
        threads: of each gateway.
    """

    nodes: int = 3
    gateways: int = 2
    client_ca: bool = True
    journal: bool = True
    threads: int = 16


class Machinery:
    """The processes of one centre below one folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Write every settings file; nothing runs yet. Raises `CannotRun`."""
        self.folder = folder
        self.plan = plan
        self.receipt_key = OKPKey.generate_key("Ed25519")
        self.servers = Authority(folder, "servers")
        self.clients = Authority(folder, "clients")
        (folder / "stations").mkdir()
        (folder / "receipt.pem").write_bytes(self.receipt_key.as_pem(private=True))
        self.nodes = self._bus_nodes()
        port = free_port()
        command = [sys.executable, "-m", "proofs.ingesting.object_store", str(port)]
        command += [str(folder / "objects.jsonl")] if plan.journal else []
        self.store = Process("store", command, port, folder / "store.log")
        self.endpoint = f"http://127.0.0.1:{port}"
        self.gateways = [self.gateway(number) for number in range(plan.gateways)]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 5}, s3={"addressing_style": "path"}),
        )

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.nodes, self.store, *self.gateways]

    @property
    def bus_servers(self) -> list[str]:
        """Where the bus's nodes listen for clients."""
        return [f"nats://127.0.0.1:{node.port}" for node in self.nodes] or [NOBODY]

    def register(self, station_id: str, key: StationKey) -> None:
        """Do what a person does with a station's card."""
        (self.folder / "stations" / f"{station_id}.json").write_text(key.registration(station_id))

    def __enter__(self) -> Machinery:
        try:
            for process in self.processes:
                process.start()
            for process in self.processes:
                process.wait()
            if self.nodes:
                until(lambda: self.command("prepare").returncode == 0, "no bus came about")
            else:
                self.s3.create_bucket(Bucket=BUCKET)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        self.s3.close()
        for process in self.processes:
            process.kill()

    def command(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the gateway's commands to its end; `said` is its standard input."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", str(self.folder / "gateway-0.toml"), *words],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **CREDENTIALS, "PYTHONPATH": str(GATEWAY)},
        )

    def _bus_nodes(self) -> list[Process]:
        if not self.plan.nodes:
            return []
        server = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        if server is None:
            raise CannotRun("nats-server is not installed")
        ports = [(free_port(), free_port()) for _ in range(self.plan.nodes)]
        routes = json.dumps([f"nats://127.0.0.1:{route}" for _, route in ports])
        nodes = []
        for number, (port, route) in enumerate(ports):
            file = self.folder / f"bus-{number}.conf"
            text = moved(
                GATEWAY / "bus.conf",
                {
                    "server_name: bus-0": f"server_name: bus-{number}",
                    '"0.0.0.0:4222"': f'"127.0.0.1:{port}"',
                    '"0.0.0.0:6222"': f'"127.0.0.1:{route}"',
                    "/var/lib/nats": f"{self.folder}/bus-{number}",
                    EXAMPLE_ROUTES: routes,
                },
            )
            # A node without others is no cluster.
            file.write_text(text if self.plan.nodes > 1 else text.partition("cluster {")[0])
            log = self.folder / f"bus-{number}.log"
            nodes.append(Process(f"bus-{number}", [server, "-c", str(file)], port, log))
        return nodes

    def gateway(self, number: int, module: str = "gateway") -> Process:
        """Return a gateway of this centre that does not run yet, and is nobody's to close."""
        port = free_port()
        certificate, key = self.servers.issue(f"gateway-{number}")
        ca = 'client_ca = "clients-ca.pem"'
        changed = {
            '"0.0.0.0:8443"': f'"127.0.0.1:{port}"',
            "threads = 64": f"threads = {self.plan.threads}",
            "gateway.pem": certificate.name,
            "gateway.key": key.name,
            ca: ca if self.plan.client_ca else "",
            "http://127.0.0.1:9000": self.endpoint,
            EXAMPLE_SERVERS: json.dumps(self.bus_servers),
            "replicas = 3": f"replicas = {max(1, self.plan.nodes)}",
            "10_000_000_000": "100_000_000",
        }
        file = self.folder / f"gateway-{number}.toml"
        file.write_text(moved(GATEWAY / "gateway.toml", changed))
        command = [sys.executable, "-m", module, str(file), "serve"]
        return Process(f"gateway-{number}", command, port, self.folder / f"gateway-{number}.log")


def moved(example: Path, changed: Mapping[str, str]) -> str:
    """Return one of the example files for this machine. Raises `ValueError` if it is another."""
    text = example.read_text(encoding="utf-8")
    for there, here in changed.items():
        if there not in text:
            raise ValueError(f"{example.name} no longer says {there}")
        text = text.replace(there, here)
    return text


def until(holds: Callable[[], object], otherwise: str, limit_s: float = LIMIT_S) -> None:
    """Wait until it holds. Raises `TimeoutError` with those words."""
    end_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end_s:
            raise TimeoutError(otherwise)
        time.sleep(0.02)
