"""A central system asks beside a running sitting, and the person comes first."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from api.app import create_v1_app
from api.serve import behind_v1
from edge.events import Events
from edge.sitting import Event, Result, State
from tests import hostile_photos as hostile
from tests.delivery_kit import until
from tests.station.bed import LONG_S, station_bed
from tests.test_v1 import BEARER, TOKEN, slug


def test_the_centre_asks_and_takes_back_and_the_person_is_never_in_its_way(
    tmp_path, scenes, pictures
):
    """Photo checks wait for her; her order is taken back with a word on the screen; all is told."""
    with Image.open(pictures / "man-35.jpg") as image:
        photo = hostile.jpeg(image.convert("RGB").resize((320, 320)))
    with station_bed(tmp_path, scenes, subject="nobody", presses=(), centre=False) as bed:
        behind = behind_v1(bed.station)
        assert behind.request_limit is not None
        # This test asks again and again until a busy machine comes to it.
        client = create_v1_app(replace(behind, request_limit=None), TOKEN).test_client()

        def ask(method: str, path: str, kind: str | None = None, **headers: str):
            body = {"image/jpeg": photo, "application/json": b'{"order_ref":"A"}'}.get(kind or "")
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.open(
                f"/v1/{path}", method=method, data=body, content_type=kind,
                headers={**BEARER, **named},
            )  # fmt: skip

        def check():
            return ask("POST", "photo-checks?document=cn_exit_entry", "image/jpeg")

        bed.until(lambda s: not s.out_of_service and s.revision > 0, "service")
        # A look that a busy machine makes too slow is 503 as well: ask again, as a client would.
        until(lambda: check().status_code == 200, LONG_S)
        ordered = ask("POST", "sittings", "application/json", Idempotency_Key="k" * 20).get_json()
        path = f"sittings/{ordered['sitting_id']}"
        bed.begin()
        assert (check().status_code, slug(check())) == (503, "station-busy")
        bed.station.desk.call_help(True)
        bed.station.desk.call_help(False)
        read = ask("GET", path)
        assert (read.get_json()["state"], read.get_json()["step"]) == ("running", "portrait")
        assert ask("DELETE", path, If_Match=read.headers["ETag"]).status_code == 204
        shown = bed.station.desk.snapshot
        assert (shown.state, shown.result) == (State.RESULT, Result.TO_WINDOW)
        assert ask("GET", path).get_json()["result"] == "cancelled"
        assert bed.ask(Event.FINISH).state is State.WELCOME
        until(lambda: check().status_code == 200, LONG_S)

        wanted = {"device.state", "station.ready", "help.raised", "sitting.ended"}
        until(lambda: wanted <= {e.type for e in Events(bed.station.store).after(0)})
        month = ask("GET", f"service-figures?month={ordered['ordered_at'][:7]}").get_json()
        metrics = ask("GET", "metrics").text

    assert (month["sittings"]["cancelled"], month["help_calls"]) == (1, 1)
    assert 'anxin_sittings_total{result="cancelled"} 1.0' in metrics
    assert "anxin_help_wait_seconds_count 1.0" in metrics
