"""The commands of docs/orders.md, run as they stand against a real listener."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from api.app import V1_BODY_BYTES_MAX, V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1.new_sitting import NewSitting
from edge.orders import RESULTS
from tests.delivery_kit import STATION, make_kit
from tests.order_kit import PHOTO, opened
from tests.test_v1 import TOKEN

PAGE = Path(__file__).resolve().parent.parent / "docs" / "orders.md"
SAID = """\
201
HTTP/1.1 422
Content-Type: application/problem+json
204
"state":"waiting"
"state":"held"
1
"state":"waiting"
"state":"held"
428
412
204
"""


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_commands_do_what_the_page_says(page, tmp_path):
    """Whoever copies them gets what stands beside them."""
    for tool in ("curl", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"NOT TESTED: {tool} is not installed, the page's commands cannot be run")
    (tmp_path / "earlier.jpg").write_bytes(PHOTO)
    script = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page))
    kit = make_kit(tmp_path / "station")
    with kit.open_store() as store, opened(store) as orders:
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, list, list, orders=orders
        )
        listener = Listener(
            create_v1_app(station, TOKEN), "127.0.0.1", 0, streams=V1_STREAMS,
            closing=threading.Event(), body_bytes_max=V1_BODY_BYTES_MAX,
        )  # fmt: skip
        listener.start()
        try:
            done = subprocess.run(
                ["bash", "-eu"], input=script, capture_output=True, text=True, timeout=120,
                cwd=tmp_path, check=False,
                env={
                    "PATH": "/usr/bin:/bin", "V1": f"{listener.url}v1", "TOKEN": TOKEN,
                    "TAKEN": (date.today() - timedelta(days=900)).isoformat(), "NO_PROXY": "*",
                },
            )  # fmt: skip
        finally:
            listener.close()
        states = [row.state for row in orders.rows()]
    said = re.sub(r"(?m)^\{.*\}(?=\d{3}$)", "", done.stdout).replace("\r", "")

    assert (done.returncode, done.stderr) == (0, "")
    assert said == SAID
    assert states == ["ended"]


def test_every_member_state_and_result_stands_on_the_page(page):
    """Nothing can be ordered or answered that the page does not explain."""
    rows = re.findall(r"(?m)^\| (`[^|]*) \|", page)
    named = {name.split(".")[0] for row in rows for name in re.findall(r"`([a-z_.]+)`", row)}

    assert set(NewSitting.model_fields) <= named
    assert {"none", "needed", "held", "used", "declined", "unfit"} <= named
    assert named >= RESULTS
