"""What the centre pulls over `/v1`: calibrations by page, and signed certificates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.app import V1Station, create_v1_app
from edge.calibration.book import CalibrationBook
from edge.calibration.book_files import CERTIFICATE_TYP, RECORD_TYP
from edge.calibration.signed_file import holds
from edge.health import Figures
from edge.store import Store
from edge.trust.keys import StationKey
from tests.calibration_kit import DAY_MS, NOW_MS, calibration, evidence
from tests.delivery_kit import SINK, STATION, make_kit
from tests.test_v1 import BEARER, CAMERA, READER, TOKEN, slug


class Centre:
    """A client of one station that has calibrated its camera three times, its reader never."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.key = StationKey.open_or_make(folder / "station-key.pem")
        self.now_ms = NOW_MS
        self.folder = folder / "calibration"
        self.book = CalibrationBook(
            self.folder, store, self.key, STATION, clock_ms=lambda: self.now_ms
        )
        days = (-3, -2, -1)
        kinds = ("full", "quick", "full")
        self.ids = [
            self.book.record(calibration(kind=kind, ended_at_ms=NOW_MS + day * DAY_MS), evidence())
            for day, kind in zip(days, kinds, strict=True)
        ]
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, make_kit(folder / "kit").verifier,
            lambda: [CAMERA, READER], list, (SINK,), registry=Figures().registry,
            calibrations=self.book,
        )  # fmt: skip
        self.client = create_v1_app(station, TOKEN).test_client()

    def get(self, path: str, **headers: str):
        return self.client.get(f"/v1/{path}", headers={**BEARER, **headers})


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    with Store.open(folder / "store.db", folder / "store.key") as store:
        yield Centre(folder, store)


def test_calibrations_come_page_by_page_oldest_first(centre: Centre):
    """A cursor belongs to its list and its filter."""
    first = centre.get("calibrations?limit=2").get_json()
    rest = centre.get(f"calibrations?limit=2&after={first['next']}").get_json()

    assert [one["calibration_id"] for one in first["items"] + rest["items"]] == centre.ids
    assert rest["next"] is None
    assert [one["number"] for one in first["items"]] == [1, 2]
    assert first["items"][0]["valid_until"] == "2027-05-18"
    assert first["items"][1]["valid_until"] is None
    assert len(centre.get("calibrations?device_id=camera-1").get_json()["items"]) == 3
    assert centre.get("calibrations?device_id=reader-1").get_json()["items"] == []
    other = centre.get(f"calibrations?device_id=camera-1&after={first['next']}")
    assert slug(other) == "cursor-invalid"


def test_one_calibration_says_each_measure_with_limits_and_their_source(centre: Centre):
    """What an auditor wants to doubt."""
    said = centre.get(f"calibrations/{centre.ids[0]}").get_json()
    step = next(one for one in said["steps"] if one["measure"] == "mtf50_centre")

    assert (step["value"], step["unit"], step["least"]) == (0.24, "cy/px", 0.2)
    assert "Annex E" in step["source"]
    assert step["uncertainty"] == 0.004
    assert said["technician"] == "7001"
    assert said["parameters"]["pitch_zero_deg"] == -1.25
    for path in ("0" * 32, "0" * 32 + "/certificate", "..%2f"):
        assert slug(centre.get(f"calibrations/{path}")) == "not-found"


def test_the_certificate_is_a_jws_unless_json_or_pdf_is_asked_for(centre: Centre):
    """Each is signed; the language of a PDF is the client's."""
    path, keys = f"calibrations/{centre.ids[0]}/certificate", {centre.key.kid: centre.key.public}
    token = centre.get(path)
    record = centre.get(path, Accept="application/json")
    assert token.mimetype == "application/jose"
    assert token.text.split(".")[::2] == record.headers["Anxin-Signature"].split(".")[::2]
    assert holds(record.data, record.headers["Anxin-Signature"], RECORD_TYP, keys)
    assert hashlib.sha256(record.data).hexdigest()[:32] == centre.ids[0]
    assert json.loads(record.data)["station_id"] == STATION

    for asked, language in (("en-GB,en", "en"), ("zh", "zh-CN"), ("fr", "zh-CN"), ("", "zh-CN")):
        headers = {"Accept": "application/pdf", "Accept-Language": asked}
        pdf = centre.get(path, **headers)
        assert pdf.mimetype == "application/pdf"
        assert pdf.headers["Content-Language"] == language
        assert pdf.data.startswith(b"%PDF-")
        assert holds(pdf.data, pdf.headers["Anxin-Signature"], CERTIFICATE_TYP, keys)
        # Neither is ever taken for the other.
        assert not holds(pdf.data, pdf.headers["Anxin-Signature"], RECORD_TYP, keys)
        assert not holds(pdf.data + b" ", pdf.headers["Anxin-Signature"], CERTIFICATE_TYP, keys)


def test_devices_health_and_metrics_say_what_a_calibration_is_worth(centre: Centre):
    """Valid, due, expired, as the days go; none of a device that never had one."""
    for days, state in ((0, "valid"), (170, "due"), (190, "expired")):
        centre.now_ms = NOW_MS + days * DAY_MS
        said = centre.get("devices/camera-1").get_json()["calibration"]
        assert (said["state"], said["id"]) == (state, centre.ids[2])
        assert said["valid_until"] == "2027-05-20"
        health = centre.get("health").get_json()
        assert health["calibrations"]["camera-1"] == said
        assert health["calibrations"]["reader-1"] == {
            "state": "none", "id": None, "valid_until": None, "days_left": None, "drifts": [],
        }  # fmt: skip
        metrics = centre.get("metrics").text
        (line,) = [one for one in metrics.splitlines() if one.startswith("calibration_days_left{")]
        assert line.startswith('calibration_days_left{device="camera-1"} ')
        assert float(line.split()[1]) == pytest.approx(said["days_left"], abs=0.006)
    centre.now_ms = NOW_MS


def test_health_names_what_is_odd_in_the_folder(centre: Centre, tmp_path: Path):
    """Nothing of it is gone by."""
    (centre.folder / "camera-1" / "20261122T000000Z-copy").mkdir()
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        again = CalibrationBook(centre.folder, store, centre.key, STATION)
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, make_kit(tmp_path / "kit").verifier,
            lambda: [CAMERA], list, (SINK,), registry=Figures().registry, calibrations=again,
        )  # fmt: skip
        said = create_v1_app(station, TOKEN).test_client().get("/v1/health", headers=BEARER)
    (centre.folder / "camera-1" / "20261122T000000Z-copy").rmdir()

    assert said.get_json()["calibration_alarms"] == ["calibration_foreign"]
    assert centre.get("health").get_json()["calibration_alarms"] == []


def test_a_drift_stands_at_its_device(centre: Centre, tmp_path: Path):
    """As a code; how far it went is in its history."""
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        book = CalibrationBook(
            tmp_path / "calibration", store, centre.key, STATION, clock_ms=lambda: NOW_MS
        )
        for day, sharp in ((-2, 0.4), (-1, 0.3)):
            one = calibration(
                ended_at_ms=NOW_MS + day * DAY_MS, values={"focus.mtf50_centre": sharp}
            )
            book.record(one)
        station = V1Station(
            STATION, "0.1.0", "0" * 64, store, make_kit(tmp_path / "kit").verifier,
            lambda: [replace(CAMERA)], list, (SINK,), registry=Figures().registry,
            calibrations=book,
        )  # fmt: skip
        said = create_v1_app(station, TOKEN).test_client().get("/v1/devices", headers=BEARER)

    assert said.get_json()["items"][0]["calibration"]["drifts"] == ["mtf50"]
