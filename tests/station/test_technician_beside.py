"""The technician's console beside a whole station: what it says and turns is the station's own."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import ExitStack
from pathlib import Path

from edge.settings import Settings
from edge.staff import add_staff
from run_edge import open_listeners
from tests.delivery_kit import until
from tests.station.bed import station_bed
from tests.technician_kit import PIN, TECHNICIAN, Notebook


def test_the_console_tells_and_turns_the_station_itself(tmp_path: Path, scenes: Path):
    """Maintenance bars sittings, a pulled plug is told and comes back, the bundle says it all."""
    staff = tmp_path / "staff.toml"
    add_staff(staff, TECHNICIAN, PIN, "technician")

    def with_console(settings: Settings) -> Settings:
        return settings.model_copy(
            update={
                "reuse": settings.reuse.model_copy(update={"staff_file": staff}),
                "technician": settings.technician.model_copy(update={"enabled": True, "port": 0}),
            }
        )

    with (
        station_bed(tmp_path / "demo", scenes, centre=False, change=with_console) as bed,
        ExitStack() as stack,
    ):
        *_, console = open_listeners(bed.station, stack)
        notebook = Notebook(console.port)
        assert notebook.sign_in(TECHNICIAN, PIN).status == 303
        until(lambda: bed.station.reasons() == (), 120)
        until(lambda: notebook.ask("GET", "/live/picture.jpg?after=-1").status == 200, 120)
        notebook.sees("/maintenance")
        notebook.does("/maintenance/begin", reason="devices")
        barred = bed.station.reasons()
        bed.unplug_camera()
        until(lambda: 'data-state="absent"' in notebook.sees("/devices/camera-1"), 120)
        bed.plug_camera()
        until(lambda: 'data-state="ready"' in notebook.sees("/devices/camera-1"), 120)
        bundle = notebook.does("/logs/support")
        notebook.does("/maintenance/end")
        pages = [notebook.sees(path) for path in ("/", "/outbox", "/statistics", "/audit/whole")]
        open_again = bed.station.reasons()

    with zipfile.ZipFile(io.BytesIO(bundle.body)) as members:
        told = json.loads(members.read("station.json"))
    assert barred == ("maintenance",)
    assert open_again == ()
    assert all(pages)
    assert {device["device_id"] for device in told["devices"]} == {"camera-1", "reader-1"}
    assert [row["sink"] for row in told["outboxes"]] == ["centre"]
    assert "absent" in [move["state"] for move in told["moves"]["camera-1"]]
    assert told["packages"]["quarantined"] == 0
    assert PIN not in json.dumps(told)
