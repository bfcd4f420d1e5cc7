"""The commands of docs/station.md, run as they stand, and names that must not differ from it."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from PIL import Image

from api.app import V1_BODY_BYTES_MAX, V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1.figures import ServiceFigures
from edge.events import TYPES
from edge.health import Figures
from edge.photos.precheck import Prechecks
from edge.settings import load_document
from edge.trust.signed_list import pin_root, read_root
from edge.vision.client import ModelFiles, VisionWorker
from tests import hostile_photos as hostile
from tests.delivery_kit import STATION, make_kit
from tests.test_v1 import BEARER, TOKEN

PAGE = Path(__file__).resolve().parent.parent / "docs" / "station.md"
SAID = """\
200
"verdict":"rejected"
204
same
"""


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_commands_do_what_the_page_says(page, tmp_path, models, pictures):
    """Whoever copies them gets what stands beside them."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: curl is not installed, the page's commands cannot be run")
    kit = make_kit(tmp_path / "station")
    with Image.open(pictures / "man-35.jpg") as image:
        photo = hostile.jpeg(image.convert("RGB").resize((358, 441)))
    (tmp_path / "photo.jpg").write_bytes(photo)
    token = (kit.folder / "centre" / "keys.jws").read_text().strip()
    (tmp_path / "keys.jws").write_text(token)
    vision = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    vision.start()
    sheets = {"cn_exit_entry": load_document("cn_exit_entry")}
    with kit.open_store() as store:
        pin_root(store, read_root(kit.folder / "centre"))
        figures = Figures()
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, list, list,
            registry=figures.registry, prechecks=Prechecks(vision, sheets, lambda: False, 60.0),
        )  # fmt: skip
        listener = Listener(
            create_v1_app(station, TOKEN), "127.0.0.1", 0, streams=V1_STREAMS,
            closing=threading.Event(), body_bytes_max=V1_BODY_BYTES_MAX,
        )  # fmt: skip
        listener.start()
        try:
            vision.wait_ready(60.0)
            done = subprocess.run(
                ["bash", "-eu"], input="".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page)),
                capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False,
                env={"PATH": "/usr/bin:/bin", "V1": f"{listener.url}v1", "TOKEN": TOKEN,
                     "NO_PROXY": "*"},
            )  # fmt: skip
        finally:
            listener.close()
            vision.close()
        client = create_v1_app(station, TOKEN).test_client()
        metrics = client.get("/v1/metrics", headers=BEARER).text

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == SAID
    families = set(re.findall(r"(?m)^# TYPE (\S+)", metrics))
    explained = {name for name in families if f"`{name}`" in page}
    # When a counter was made is Prometheus's own affair.
    assert {name for name in families - explained if not name.endswith("_created")} == set()


def test_every_figure_and_event_of_the_station_stands_on_the_page(page):
    """Nothing is counted or told that the page does not explain."""
    others = {name for name in TYPES if name.startswith(("sitting.", "package.", "calibration."))}

    assert {name for name in TYPES - others if f"`{name}`" not in page} == set()
    for name in ServiceFigures.model_fields:
        assert name == "month" or f"`{name}" in page
