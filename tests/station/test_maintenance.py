"""A technician has the station: the calm page stands, and goes by itself when it is given back."""

from __future__ import annotations

import pytest

from edge.sitting import Event, IllegalMove, Overlay, State
from tests.station.bed import station_bed


@pytest.fixture
def bed(tmp_path, scenes):
    with station_bed(tmp_path, scenes, centre=False) as bed:
        bed.until(lambda shown: not shown.out_of_service and shown.revision > 0, "service")
        yield bed


def test_maintenance_lets_nobody_begin_cuts_nobody_off_and_clears_itself(bed):
    """Who is in a sitting goes on; who comes next finds the calm page, until it is given back."""
    bed.ask(Event.START)
    bed.station.maintenance.begin("tech-1", "devices")
    assert "maintenance" in bed.station.reasons()
    assert bed.ask(Event.AGREE).state is State.PORTRAIT
    bed.ask(Event.LEAVE)
    shown = bed.until(lambda shown: shown.out_of_service == ("maintenance",), "the calm page")
    assert (shown.state, shown.overlay) == (State.WELCOME, Overlay.OUT_OF_SERVICE)
    with pytest.raises(IllegalMove):
        bed.ask(Event.START)
    bed.station.maintenance.end("tech-1")
    bed.until(lambda shown: not shown.out_of_service and shown.overlay is None, "service again")
    assert bed.ask(Event.START).state is State.CONSENT
