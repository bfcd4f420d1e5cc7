"""The way out that a client empties: a sink in the settings and in deliveries, and no thread."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from edge.foundation import Foundation
from edge.health import Figures
from edge.outboxes import open_outboxes
from edge.settings import SettingsError, load_settings
from edge.sinks.load import open_sink, sending_sinks, sink_names
from tests.delivery_kit import make_kit
from tests.test_settings import DEMO

ROW = '\n[[sinks]]\nname = "{}"\ndriver = "{}"\nrole = "{}"\n'


def written(tmp_path, *rows: tuple[str, str, str]):
    """Return the demo's file with further sinks."""
    path = tmp_path / "station.toml"
    text = DEMO.read_text(encoding="utf-8")
    path.write_text(text + "".join(ROW.format(*row) for row in rows), encoding="utf-8")
    return path


def test_a_station_that_is_collected_from_starts_no_thread_for_it(tmp_path):
    """Its deliveries wait for a client; whatever else the station sends to has its own thread."""
    kit = make_kit(tmp_path)
    settings = load_settings(written(tmp_path, ("pull", "pull", "custody")), check_camera=False)
    alone = settings.model_copy(update={"sinks": settings.sinks[-1:]})
    with kit.open_store() as store, ExitStack() as stack:
        started = open_outboxes(
            Foundation(alone, Figures(), store, None),  # type: ignore[arg-type]
            kit.verifier, kit.station_key, lambda: "", stack,
        )  # fmt: skip

    assert [sink.name for sink in settings.sinks][-1] == "pull"
    assert started == ()


@pytest.mark.parametrize(
    "row", [("collect", "pull", "custody"), ("pull", "https", "custody"), ("pull", "pull", "copy")]
)
def test_the_name_the_driver_and_the_role_belong_together(tmp_path, row):
    """A delivery is found by its sink's name: another name would wait for ever."""
    with pytest.raises(SettingsError, match="clients collect from"):
        load_settings(written(tmp_path, row), check_camera=False)


def test_nothing_is_sent_to_it():
    """It is among the sinks that settings may name, not among those that are opened."""
    assert set(sink_names()) - set(sending_sinks()) == {"pull"}
    with pytest.raises(ValueError, match="client empties"):
        open_sink("pull", {})
