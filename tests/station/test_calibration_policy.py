"""A calibration that does not hold: the calm page, where the settings ask for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.calibration.section import CalibrationSettings
from edge.sitting import Event, IllegalMove, Overlay, State
from edge.utc import now_ms
from tests.calibration_kit import calibration
from tests.station.bed import station_bed

MISSING = "calibration_missing"


def blocking(settings):
    return settings.model_copy(update={"calibration": CalibrationSettings(policy="block")})


def test_block_lets_nobody_begin_until_a_calibration_was_passed(tmp_path, scenes):
    """The calm page stands, and goes by itself; the portrait names what the camera goes by."""
    with station_bed(tmp_path, scenes, centre=False, change=blocking) as bed:
        station, book = bed.station, bed.station.calibrations
        shown = bed.until(lambda shown: shown.out_of_service == (MISSING,), "the calm page")
        assert (shown.state, shown.overlay) == (State.WELCOME, Overlay.OUT_OF_SERVICE)
        assert station.reasons() == (MISSING,)
        with pytest.raises(IllegalMove):
            bed.ask(Event.START)

        ids = [
            book.record(replace(calibration(kit, ended_at_ms=now_ms()), device_id=own))
            for kit, own in (("camera-1", station.settings.camera.id),
                             ("reader-1", station.settings.reader.id))
        ]  # fmt: skip
        bed.until(lambda shown: not shown.out_of_service and shown.overlay is None, "service")
        bed.begin()
        bed.take_portrait()
        (package,) = station.store.open_packages()
        facts = {part.name: part.facts for part in station.store.parts(package.package_id)}

    taken = [one for name, one in facts.items() if name.startswith("portrait/")]
    assert taken
    assert {one["calibration_id"] for one in taken} == {ids[0]}
