"""What else a central system may ask: figures, calibrations, signed lists, clock, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from api.app import V1Station, create_v1_app
from api.v1.caller import Caller
from centre.keys import PRIVATE, issue, listed, renew, signed
from edge import clock_state, figures
from edge.clock_state import UNKNOWN, ClockState
from edge.health import Figures
from edge.service.month import ACTS
from edge.store import Store
from edge.supervisor import DeviceStatus
from edge.trust.key_list import current_keys
from edge.trust.signed_list import pin_root, read_root
from tests.delivery_kit import SINK, STATION, make_kit
from tests.test_v1 import BEARER, CAMERA, TOKEN, slug

JOSE = "application/jose"
NOV, DEC = 1_795_305_600_000, 1_796_860_800_000
"""2026-11-22 and 2026-12-10, UTC."""


class Rest:
    """One station's `/v1` with the centre pinned, and the rooms behind it."""

    def __init__(self, kit, store: Store) -> None:
        self.kit, self.store = kit, store
        self.clock = ClockState("ntp", 40)
        self.figures = Figures()
        self.station = V1Station(
            STATION, "0.1.0", "0" * 64, store, kit.verifier, self.devices, list, (SINK,),
            registry=self.figures.registry, clock=lambda: self.clock,
        )  # fmt: skip
        self.client = create_v1_app(self.station, TOKEN).test_client()

    def devices(self) -> list[DeviceStatus]:
        return [CAMERA]

    def get(self, path: str, **headers: str):
        return self.client.get(f"/v1/{path}", headers={**BEARER, **headers})

    def put(self, path: str, token: str | bytes, kind: str = JOSE):
        return self.client.put(f"/v1/{path}", data=token, content_type=kind, headers=BEARER)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """One station for all that leaves nothing behind."""
    folder = tmp_path_factory.mktemp("rest")
    with Store.open(folder / "store.db", folder / "store.key") as store:
        yield Rest(make_kit(folder / "kit"), store)


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[Rest]:
    """A fresh station with the centre's root pinned."""
    kit = make_kit(tmp_path / "kit")
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        pin_root(store, read_root(kit.folder / "centre"))
        yield Rest(kit, store)


# What the station did in a month


def test_a_month_in_which_nothing_happened_is_all_zeros(calm: Rest):
    """Every member stands there, so that a table has no holes."""
    said = calm.get("service-figures?month=2026-11").get_json()

    assert said == {
        "month": "2026-11",
        "sittings": dict.fromkeys(
            ("accepted", "accepted_with_missing", "to_window", "cancelled"), 0
        ),
        "unused_orders": {"cancelled": 0, "expired": 0},
        "portraits": {"captured": 0, "reused": 0, "missing": 0},
        "fingers": {"taken": 0, "missing": 0},
        "materials": {"missing": 0, "by_code": {}},
        "help_calls": 0,
        "help": {
            **{kind: dict.fromkeys(ACTS, 0) for kind in ("help", "device", "number", "rest")},
            "waits": 0,
            "wait_median_s": None,
            "wait_p95_s": None,
        },
        "ratings": None,
    }


def test_figures_belong_to_their_month_and_survive_a_restart(rest: Rest, tmp_path: Path):
    """A count is in the journal with what it counts."""

    def count(db) -> None:
        figures.count(db, figures.SITTING, "accepted", NOV)
        figures.count(db, figures.SITTING, "accepted", NOV, 2)
        figures.count(db, figures.SITTING, "accepted", DEC)
        figures.count(db, figures.PORTRAIT, "reused", NOV)
        figures.count(db, figures.FINGER, "taken", NOV, 4)
        figures.count(db, figures.HELP, "raised", NOV)
        figures.count(db, figures.FINGER, "missing", NOV, 0)

    rest.store.write(count)
    rest.store.close()
    with Store.open(tmp_path / "store.db", tmp_path / "store.key") as store:
        again = Rest(rest.kit, store)
        november = again.get("service-figures?month=2026-11").get_json()
        december = again.get("service-figures?month=2026-12").get_json()

    assert november["sittings"]["accepted"] == 3
    assert november["portraits"]["reused"] == november["help_calls"] == 1
    assert november["fingers"] == {"taken": 4, "missing": 0}
    assert december["sittings"]["accepted"] == 1
    assert december["help_calls"] == 0


@pytest.mark.parametrize(
    "query",
    ["", "month=2026-13", "month=2026-1", "month=2026", "month=*", "month=2026-11&x=1",
     "month=2026-11%0a"],
)  # fmt: skip
def test_only_a_month_is_a_month(calm: Rest, query: str):
    """No pattern, no other parameter."""
    answer = calm.get(f"service-figures?{query}")

    assert (answer.status_code, slug(answer)) == (422, "invalid-request")


# Calibrations, of which there are none yet


def test_no_calibration_is_invented(calm: Rest):
    """An empty page, and nothing under any id."""
    assert calm.get("calibrations").get_json() == {"items": [], "next": None}
    assert calm.get("calibrations?device_id=camera-1&limit=5").get_json()["items"] == []
    for path in ("calibrations/9f0c", "calibrations/9f0c/certificate", "calibrations/..%2f"):
        assert slug(calm.get(path)) == "not-found"
    assert calm.get("devices/camera-1").get_json()["calibration"] is None
    assert slug(calm.get("calibrations?device_id=camera-9")) == "not-found"
    assert slug(calm.get("calibrations?after=MS4x")) == "cursor-invalid"
    assert slug(calm.get("calibrations?limit=0")) == "invalid-request"


# Lists that the root signed


def test_a_newer_key_list_is_taken_and_given_back_as_it_was_signed(rest: Rest):
    """204, again 204, and the exact token; what it changes holds at once."""
    centre = rest.kit.folder / "centre"
    none = rest.get("keys")
    first = (centre / "keys.jws").read_text().strip()
    assert rest.put("keys", first).status_code == 204
    token = issue(centre, listed(centre)["keys"], ["clerk-3"])
    taken, again = rest.put("keys", token), rest.put("keys", f" {token}\n")
    read = rest.get("keys")

    assert slug(none) == "not-found"
    assert (taken.status_code, again.status_code) == (204, 204)
    assert (read.status_code, read.mimetype, read.text) == (200, JOSE, token)
    assert current_keys(rest.store).deny_clients == {"clerk-3"}
    assert slug(rest.put("keys", first)) == "rollback"
    assert rest.put("keys", first).status_code == 409
    assert rest.get("keys").text == token


def test_a_list_that_the_root_did_not_sign_is_refused(rest: Rest, tmp_path: Path):
    """The scope lets a client knock; the signature alone opens."""
    other = make_kit(tmp_path / "other").folder / "centre"
    renew(rest.kit.folder / "centre", "seal")
    ours = (rest.kit.folder / "centre" / "keys.jws").read_text().strip()
    forged = ours[:-4] + ("AAAA" if ours[-4:] != "AAAA" else "BBBB")
    for token in ((other / "keys.jws").read_text(), forged, "garbage é", "", "a.b.c", b"\xff"):
        answer = rest.put("keys", token)

        assert (answer.status_code, slug(answer)) == (422, "signature-invalid")
    assert slug(rest.put("keys", ours, "application/json")) == "media-type"
    assert slug(rest.put("keys", "a" * (256 * 1024 + 1))) == "too-large"
    assert slug(rest.get("keys")) == "not-found"
    assert rest.put("keys", ours).status_code == 204


def test_policies_are_kept_by_the_same_rule_and_never_taken_for_keys(rest: Rest):
    """A policy bundle by the root; a key list is none."""
    root = OKPKey.import_key((rest.kit.folder / "centre" / PRIVATE / "root.pem").read_bytes())
    keys = (rest.kit.folder / "centre" / "keys.jws").read_text().strip()
    said = {"v": 1, "seq": 3, "issued_at": "2026-11-22T01:00:00.000Z", "policies": {}}
    newer, older = (
        signed({**said, "seq": seq}, "anxin-policies+jws", root) for seq in (3, 2)
    )  # fmt: skip

    assert slug(rest.get("policies")) == "not-found"
    assert slug(rest.put("policies", keys)) == "signature-invalid"
    assert rest.put("policies", newer).status_code == 204
    assert slug(rest.put("policies", older)) == "rollback"
    assert rest.get("policies").text == newer
    assert slug(rest.put("keys", newer)) == "signature-invalid"


# The station, its clock, its health


def test_the_station_says_what_it_can_and_how_well_it_knows_the_time(calm: Rest):
    """Features by name; the clock as the kernel has it."""
    said = calm.get("station").get_json()

    assert said["clock"] == {"source": "ntp", "uncertainty_ms": 40}
    assert {"service-figures", "calibrations", "keys"} <= set(said["features"])
    assert "sittings" not in said["features"]
    assert calm.get("health").get_json()["clock"] == said["clock"]


def test_the_kernel_is_asked_and_a_clock_that_nobody_disciplines_is_called_so():
    """Either an answer with a bound, or the plain word that nothing is known."""
    state = clock_state.clock_state()

    assert state == UNKNOWN or (state.source == "ntp" and (state.uncertainty_ms or 0) >= 0)


def test_detail_is_for_who_may_read_the_station(calm: Rest):
    """Every client may know whether a sitting may begin; stocks and clock are not for all."""

    class Stranger:
        """A client of another trade."""

        def caller(self) -> Caller:
            return Caller("printer", frozenset({"packages:collect"}))

        def check_stranger(self) -> None:
            """Open to everybody."""

    said = create_v1_app(calm.station, Stranger()).test_client().get("/v1/health/ready").get_json()

    assert said == {"ready": True, "reasons": [], "store": None, "clock": None}


# Metrics


def test_metrics_have_the_names_of_the_interface_and_each_figure_once(rest: Rest):
    """Also where two listeners serve one station; no label holds an id."""
    create_v1_app(rest.station, TOKEN)
    rest.figures.observe_commit(0.002)
    rest.figures.observe_help(42.0)
    rest.figures.observe_tries(SINK)("ok")
    row = rest.kit.hand_in(rest.store)
    text = rest.get("metrics").text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]

    assert len(set(families)) == len(families)
    assert set(families) >= {
        "anxin_packages", "anxin_outbox_oldest_age_seconds", "anxin_outbox_tries_total",
        "anxin_sittings_total", "anxin_device_state", "calibration_days_left",
        "anxin_store_free_bytes", "anxin_commit_seconds", "anxin_help_wait_seconds",
    }  # fmt: skip
    assert f'anxin_packages{{kid="{row.kid}",state="ready"}} 1.0' in text
    assert 'anxin_help_wait_seconds_bucket{le="60.0"} 1.0' in text
    assert row.package_id not in text
    assert row.sitting_id not in text


def test_every_result_of_a_sitting_is_a_figure_from_the_start(calm: Rest):
    """A rate can be drawn before the first one happened."""
    text = calm.get("metrics").text

    assert json.dumps("to_window") in text
    assert 'anxin_sittings_total{result="accepted"} 0.0' in text
