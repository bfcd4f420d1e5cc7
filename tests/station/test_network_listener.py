"""A whole station with `/v1` on a network: its three doors, and a client that is shut out."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from centre.keys import issue, listed
from edge.door_sections import V1, V1Client, V1Network
from edge.settings import Settings
from edge.watchdog import answers
from proofs.trespassing.authority import Ca, Leaf, client_context
from run_edge import open_listeners
from tests.station.bed import station_bed


class Authorities:
    """The centre's two CAs, and who is known at the station."""

    def __init__(self, folder: Path) -> None:
        self.clients, self.servers = Ca(folder, "clients"), Ca(folder, "servers")
        self.reader, self.keeper = self.clients.client("reader"), self.clients.client("keeper")
        self.server = self.servers.server()

    def on_network(self, settings: Settings) -> Settings:
        """Return settings that serve both clients."""
        network = V1Network(
            host="127.0.0.1", port=0, certificate=self.server.file,
            private_key=self.server.file, client_ca=self.clients.file,
        )  # fmt: skip
        rows = (
            V1Client(name="reader", scopes=("station:read",)),
            V1Client(name="keeper", scopes=("keys:write",)),
        )
        v1 = V1.model_validate({**settings.v1.model_dump(), "network": network, "clients": rows})
        return settings.model_copy(update={"v1": v1})

    def asking(self, port: int) -> Callable[..., int]:
        """Return what asks the listener at this port: the status."""

        def ask(leaf: Leaf | None, path: str, method: str = "GET", body: str = "") -> int:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=60, context=client_context(self.servers, leaf)
            )
            try:
                headers = {"Content-Type": "application/jose"} if body else {}
                connection.request(method, path, body or None, headers)
                return connection.getresponse().status
            finally:
                connection.close()

        return ask


def test_a_station_on_a_network_lets_in_whom_its_settings_and_its_centre_say(tmp_path, scenes):
    """Pages and `/v1` with its token stay as they were; a newer signed list shuts a client out."""
    authorities = Authorities(tmp_path / "authorities")
    with (
        station_bed(
            tmp_path / "demo", scenes, centre=False, change=authorities.on_network
        ) as bed,
        ExitStack() as stack,
    ):  # fmt: skip
        kiosk, v1, network = open_listeners(bed.station, stack)
        ask = authorities.asking(network.port)
        assert all(answers(listener)() for listener in (kiosk, v1, network))
        assert (kiosk.url[:7], v1.url[:7], network.url[:8]) == ("http://", "http://", "https://")
        assert ask(authorities.reader, "/v1/station") == 200
        assert ask(authorities.reader, "/v1/packages") == 403
        with pytest.raises(OSError, match=r"(?i)alert|reset|eof|pipe|closed"):
            ask(None, "/v1/station")
        folder = tmp_path / "demo" / "centre"
        token = issue(folder, listed(folder)["keys"], ["reader"])
        assert ask(authorities.reader, "/v1/keys", "PUT", token) == 403
        assert ask(authorities.reader, "/v1/station") == 200
        assert ask(authorities.keeper, "/v1/keys", "PUT", token) == 204

        assert ask(authorities.reader, "/v1/station") == 403
        assert ask(authorities.keeper, "/v1/health/ready") in (200, 503)
