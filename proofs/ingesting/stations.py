"""Stations that deliver to a centre of two gateways: the real store, outbox and https sink."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey

from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.delivery.receipt import ReceiptVerifier
from edge.seal import Sealer
from edge.sinks.load import open_sink
from edge.sinks.sink import Outgoing, Sink, SinkAway
from edge.store import PackageRow, Store
from edge.trust.key_list import ListedKey
from edge.trust.keys import SealingKey, StationKey
from proofs.ingesting.machinery import Machinery, Process

T = TypeVar("T")
SINK: Final = "centre"
BRISK: Final = Pace(first_max_s=0, base_s=0.05, max_s=0.4, pending_s=0.1, closed_s=0.4)
FOREVER_MS: Final = 1 << 62
SIZES: Final = (200, 4_000, 30_000, 100_000)


class EitherGateway:
    """What a name with two addresses is: where one gateway fails, the next try asks the other."""

    gives_receipts: ClassVar[bool] = True

    def __init__(self, sinks: list[Sink], first: int) -> None:
        """Begin with the sink of this number."""
        self._sinks = sinks
        self._at = first

    def send(self, package: Outgoing) -> str:
        """Send by the gateway whose turn it is."""
        return self._ask(lambda sink: sink.send(package))

    def receipt(self, package_id: str) -> str | None:
        """Ask the gateway whose turn it is."""
        return self._ask(lambda sink: sink.receipt(package_id))

    def receipts_here(self) -> frozenset[str]:
        """None: only asking shows it."""
        return frozenset()

    def cancel(self) -> None:
        """Cancel at both."""
        for sink in self._sinks:
            sink.cancel()

    def close(self) -> None:
        """Close both."""
        for sink in self._sinks:
            sink.close()

    def _ask(self, question: Callable[[Sink], T]) -> T:
        try:
            return question(self._sinks[self._at % len(self._sinks)])
        except SinkAway:
            self._at += 1
            raise


class Station:
    """One station with an outbox that runs; `digests` are of all that it closed."""

    def __init__(
        self,
        centre: Machinery,
        number: int,
        chance: random.Random,
        gateways: Sequence[Process] = (),
    ) -> None:
        """Make its keys, register it, and start its outbox, for all gateways or these alone."""
        self.station_id = f"st-{number:06}"
        self.digests: dict[str, str] = {}
        self._chance = chance
        key = StationKey(OKPKey.generate_key("Ed25519"))
        centre.register(self.station_id, key)
        sealing = SealingKey("proof", X25519PrivateKey.generate().public_key())
        self._sealer = Sealer(self.station_id, key, sealing)
        folder = centre.folder / self.station_id
        folder.mkdir()
        self.store = Store.open(folder / "store.db", folder / "store.key", floor_bytes=0)
        public = OKPKey.import_key(centre.receipt_key.as_dict(private=False))
        listed = {
            public.thumbprint(): ListedKey("receipt", public.thumbprint(), public, 0, 1 << 53)
        }
        verifier = ReceiptVerifier(self.station_id, lambda: listed)
        certificate, private = centre.clients.issue(
            self.station_id, uri=f"anxin:station:{self.station_id}"
        )
        sinks = [
            open_sink(
                "https",
                {
                    "url": f"https://127.0.0.1:{gateway.port}",
                    "ca_file": centre.servers.file,
                    "certificate_file": certificate,
                    "key_file": private,
                    "stall_timeout_s": 20,
                },
            )
            for gateway in gateways or centre.gateways
        ]
        self._outbox = Outbox(self.store, SINK, EitherGateway(sinks, number), verifier, pace=BRISK)
        self._outbox.start()

    def hand_in(self) -> PackageRow:
        """Seal and close one package."""
        store, package_id = self.store, str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        store.open_package(package_id, "s", self.station_id, self._sealer.sealing_key.kid, {})
        plain = self._chance.randbytes(self._chance.choice(SIZES))
        store.add_part(package_id, self._sealer.part(package_id, 0, "a.png", "image/png", plain))
        previous = store.previous_digest()
        fields = {"sitting_id": "s", "result": "accepted", "previous": previous}
        manifest = self._sealer.manifest(package_id, 1, fields, store.parts(package_id))
        row = store.close_package(
            package_id, manifest, self._sealer.statement, previous=previous, sinks={SINK: "custody"}
        )
        self.digests[package_id] = row.digest
        self._outbox.wake()
        return row

    def acknowledged(self) -> set[str]:
        """Return the packages for which a valid receipt came; the station keeps them no more."""
        waiting = {row.package_id for row in self.store.pending(SINK, limit=10_000)}
        return self.digests.keys() - waiting

    def close(self) -> None:
        """End the outbox and close the store."""
        self._outbox.close()
        self.store.close()
