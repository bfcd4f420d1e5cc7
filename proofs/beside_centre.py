"""A station's journal beside a stand-in centre of its own process, and the real outbox between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.neighbours import Centre, DemoError
from demo.station import free_port
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.sinks.load import open_sink
from edge.store import PackageRow, Store
from proofs import CannotRun
from proofs.custody import ALL
from proofs.powercut.forked import Cuts
from proofs.premises import SINK, Premises, open_store

BRISK: Final = Pace(first_max_s=0, base_s=0.02, max_s=0.2, pending_s=0.1, closed_s=0.2)
CENTRE_TRIES: Final = 5
DELIVERY_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One station's folder with a centre that runs beside it."""

    folder: Path
    centre: Path
    premises: Premises
    url: str

    @property
    def store(self) -> Path:
        """Where the journal lies."""
        return self.folder / "store"

    def arrived(self, row: PackageRow) -> bool:
        """Whether the centre has this very package."""
        kept = self.centre / "packages" / row.package_id / "statement.jws"
        return kept.exists() and kept.read_text(encoding="ascii").strip() == row.statement

    def kept_there(self) -> set[str]:
        """Return every package of this station that the centre has."""
        found = set()
        for manifest in (self.centre / "packages").glob("*/manifest.json"):
            said = json.loads(manifest.read_bytes())
            if said["station_id"] == self.premises.station_id:
                found.add(str(said["package_id"]))
        return found

    @contextmanager
    def outbox(self, store: Store) -> Iterator[Outbox]:
        """Deliver to the centre meanwhile."""
        ca_file = self.centre / "tls-ca.pem"
        sink = open_sink("https", {"url": self.url, "ca_file": ca_file})
        outbox = Outbox(store, SINK, sink, self.premises.verifier, pace=BRISK)
        outbox.start()
        try:
            yield outbox
        finally:
            outbox.close()


@contextmanager
def centre_in(folder: Path) -> Iterator[str]:
    """Run a centre beside the proof; return its URL."""
    for _ in range(CENTRE_TRIES):
        port = free_port()
        centre = Centre(folder, port)
        try:
            centre.await_accepting()
            break
        except DemoError:
            # Somebody took the port meanwhile, or the machine is too busy for it to start in time.
            centre.close()
    else:
        raise CannotRun("the centre does not start")
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        centre.close()


def deliver_all(scene: Scene, cuts: Cuts) -> None:
    """Start the station without anybody sitting, and hold the centre against the journal."""
    with open_store(scene.store) as store, scene.outbox(store) as outbox:
        end_s = time.monotonic() + DELIVERY_LIMIT_S
        while outbox.alive and store.pending(SINK, limit=1) and time.monotonic() < end_s:
            time.sleep(0.02)
        rows = store.packages(limit=ALL)
        absent = [row for row in rows if not scene.arrived(row)]
        refused = [row for row in rows if (scene.centre / "refused" / row.package_id).exists()]
        strange = scene.kept_there() - {row.package_id for row in rows}
        if absent or strange or refused:
            cuts.failing = min(cuts.cuts, cuts.failing + 1)
            cuts.lost += len(absent) + len(refused)
            cuts.corrupt += bool(strange)
            cuts.examples.append(
                f"at the end {len(absent)} absent, {len(refused)} refused, {len(strange)} strange"
            )
