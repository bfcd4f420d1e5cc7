"""The committed copy of the interface's document: ``python -m tests.openapi_copy`` writes it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from api.app import V1Station
from edge.store import Store
from tests import order_kit
from tests.collect_kit import whole_app
from tests.delivery_kit import SINK, STATION, make_kit

COPY = Path(__file__).parent.parent / "docs" / "openapi.json"


def document(folder: Path) -> str:
    """Return the document of a station that has everything."""
    kit = make_kit(folder)
    with (
        Store.open(folder / "store.db", folder / "store.key") as store,
        order_kit.opened(store) as orders,
    ):
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, list, list, (SINK,), orders=orders
        )
        return whole_app(station).test_client().get("/v1/openapi.json").text + "\n"


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        COPY.write_text(document(Path(name)), encoding="utf-8")
