"""`python -m gateway SETTINGS serve | prepare | reconcile`; the settings are a TOML file."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import tomllib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from gateway.ingest import BODY_BYTES_MAX, Ingest, create_app
from gateway.listener import Connection, Server, Tls
from gateway.places import Away, Bus, Objects
from gateway.seal import ReceiptKey, Stations

IDLE_S: Final = 75
"""A station keeps its connection for 60 s between packages: a handshake costs more than waiting."""


def serve(settings: dict[str, Any], folder: Path, objects: Objects, bus: Bus) -> None:
    """Listen until SIGTERM or SIGINT."""
    receipts = ReceiptKey.load(folder / settings["receipt_key"], settings["name"])
    app = create_app(Ingest(Stations(folder / settings["stations"]), objects, bus, receipts))
    host, _, port = settings["listen"].rpartition(":")
    server = Server((host, int(port)), app, numthreads=settings["threads"])
    server.ConnectionClass = Connection
    server.request_queue_size = 1024
    server.keep_alive_conn_limit = settings["connections"]
    server.timeout = IDLE_S
    server.max_request_body_size = BODY_BYTES_MAX
    server.max_request_header_size = 16 << 10
    server.shutdown_timeout = 10
    if "tls" in settings:
        tls = {name: folder / file for name, file in settings["tls"].items()}
        server.ssl_adapter = Tls(tls["certificate"], tls["key"], tls.get("client_ca"))
    elif host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError("without [tls] it listens on 127.0.0.1 only")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server.prepare()
    serving = threading.Thread(target=server.serve, name="gateway")
    serving.start()
    try:
        while serving.is_alive() and not stopping.wait(0.5):
            continue
    finally:
        server.stop()
        serving.join()


def reconcile(
    objects: Objects, bus: Bus, known: Collection[str], shard: str, before: datetime
) -> int:
    """Publish again what lies in the store since before then and is not `known`; return how many.

    Harmless for what is on its way already: workers keep a package once. Raises `Away`.
    """
    published = 0
    for package_id, arrived in objects.listed(shard):
        if package_id not in known and arrived < before:
            try:
                stored = objects.find(package_id)
            except Away as reason:
                # One that is cut or bare must not hide those behind it.
                logging.error("passed over: %s", reason)
                continue
            if stored:
                bus.publish(stored)
                published += 1
    return published


def main() -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser("gateway")
    parser.add_argument("settings", type=Path)
    parser.add_argument("command", choices=["serve", "prepare", "reconcile"])
    parser.add_argument("--shard", default="", help="of reconcile: the ids' last two digits")
    parser.add_argument("--minutes", type=float, default=60, help="of reconcile: leave the younger")
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    settings = tomllib.loads(asked.settings.read_text())
    s3, bus_settings = settings["s3"], settings["bus"]
    objects = Objects(s3.get("endpoint"), s3["bucket"], settings["threads"])
    bus = Bus(bus_settings["servers"], bus_settings["stream"], f"urn:anxin:{settings['name']}")
    try:
        if asked.command == "serve":
            serve(settings, asked.settings.resolve().parent, objects, bus)
        elif asked.command == "prepare":
            objects.prepare()
            bus.prepare(bus_settings["replicas"], bus_settings["bytes_max"])
        else:
            before = datetime.now(UTC) - timedelta(minutes=asked.minutes)
            bus.wait()
            known = {line.strip() for line in sys.stdin}
            sys.stdout.write(f"{reconcile(objects, bus, known, asked.shard, before)} published\n")
    except (Away, BotoCoreError, ClientError) as reason:
        logging.error("%s", reason)
        return 1
    finally:
        bus.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
