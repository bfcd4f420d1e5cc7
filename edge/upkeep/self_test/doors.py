"""Listeners' ports and the centre's line."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge.settings import Settings
from edge.sinks.load import PULL
from edge.upkeep.self_test.row import NO_FAULTS, Limit, Row
from edge.upkeep.self_test.scene import Scene

CONNECT_S: Final = 5.0
LINE: Final = Limit("ms", most=CONNECT_S * 1000, source="the sink's own connect_timeout_s, as made")
MEDIUM: Final = Limit("media", least=1, source="design: the medium is mounted and can be written")


def check_ports(scene: Scene) -> Iterator[Row]:
    """Count ports that are silent although the station runs, or taken although it does not."""
    wanted = list(_doors(scene.settings))
    if scene.running:
        wrong = [name for name, host, port in wanted if not _answers(host, port)]
    else:
        wrong = [name for name, host, port in wanted if not _free(host, port)]
    reason = ("silent" if scene.running else "taken") if wrong else ""
    yield NO_FAULTS.held("ports", float(len(wrong)), subject=",".join(wrong), reason=reason)


def _doors(settings: Settings) -> Iterator[tuple[str, str, int]]:
    yield "kiosk.port", settings.kiosk.host, settings.kiosk.port
    yield "v1.port", settings.v1.host, settings.v1.port
    for name in ("guide", "technician"):
        section = getattr(settings, name)
        if section.enabled:
            yield f"{name}.port", str(section.host), section.port
    if settings.v1.network:
        yield "v1.network.port", str(settings.v1.network.host), settings.v1.network.port


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CONNECT_S):
            return True
    except OSError:
        return False


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def check_line(scene: Scene) -> Iterator[Row]:
    """Shake hands with every centre that packages go to; nothing is sent."""
    for sink in scene.settings.sinks:
        if sink.driver == PULL:
            yield LINE.not_assessed("centre_line", "clients_collect", subject=sink.name)
        elif "url" in sink.options:
            yield _handshake(sink.name, str(sink.options["url"]), str(sink.options["ca_file"]))
        else:
            folder = Path(str(sink.options.get("folder", "")))
            there = folder.is_dir() and os.access(folder, os.W_OK)
            yield MEDIUM.held("centre_line", float(there), subject=sink.name)


def _handshake(name: str, url: str, ca_file: str) -> Row:
    parts = urlsplit(url)
    begun_s = time.monotonic()
    try:
        context = ssl.create_default_context(cafile=ca_file)
        with socket.create_connection((parts.hostname or "", parts.port or 443), CONNECT_S) as line:
            context.wrap_socket(line, server_hostname=parts.hostname).close()
    except (OSError, ValueError) as error:
        # A centre that asks for our certificate first says so only later: that is an answer.
        return LINE.failed("centre_line", type(error).__name__, subject=name, said=str(error))
    return LINE.held("centre_line", (time.monotonic() - begun_s) * 1000, subject=name)
