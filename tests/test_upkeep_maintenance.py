"""Maintenance: kept with its audit row, over a restart, and nobody's sitting is begun in it."""

from __future__ import annotations

import json

import pytest

from edge.store import Store
from edge.store.errors import StoreFull
from edge.upkeep.maintenance import Maintained, Maintenance


@pytest.fixture
def where(tmp_path):
    return tmp_path / "store.db", tmp_path / "store.key"


@pytest.fixture
def store(where):
    with Store.open(*where) as store:
        yield store


def audited(store):
    """Who did what about maintenance, in order."""
    rows = [json.loads(row.entry) for row in store.audit_rows()]
    return [
        (row["act"], row["actor"], row["about"])
        for row in rows
        if row["act"].startswith("maintenance.")
    ]


def test_maintenance_is_a_reason_until_it_is_ended_and_both_are_recorded(store):
    """Who began, why, who ended: a staff id may stand in the audit chain, nothing else of them."""
    maintenance = Maintenance(store)
    assert (maintenance.active, maintenance.reasons()) == (None, ())
    begun = maintenance.begin("tech-1", "calibration")

    assert maintenance.active == begun == Maintained("tech-1", "calibration", begun.since_at_ms)
    assert maintenance.reasons() == ("maintenance",)
    maintenance.end("tech-2")
    assert (maintenance.active, maintenance.reasons()) == (None, ())
    assert audited(store) == [
        ("maintenance.begin", {"kind": "technician", "id": "tech-1"}, {"reason": "calibration"}),
        (
            "maintenance.end",
            {"kind": "technician", "id": "tech-2"},
            {"reason": "calibration", "begun_by": "tech-1"},
        ),
    ]


def test_maintenance_survives_a_restart(where):
    """A power cut behind the kiosk must not let somebody in while the lens is in two pieces."""
    with Store.open(*where) as store:
        begun = Maintenance(store).begin("tech-1", "devices")
    with Store.open(*where) as store:
        again = Maintenance(store)
        assert again.active == begun
        again.end("tech-1")
    with Store.open(*where) as store:
        assert Maintenance(store).active is None


def test_beginning_twice_is_once_and_who_had_it_first_is_still_named(store):
    """The wizard of one technician must not take the station from another."""
    maintenance = Maintenance(store)
    first = maintenance.begin("tech-1", "devices")
    assert maintenance.begin("tech-2", "calibration") is first
    maintenance.end("tech-1")
    maintenance.end("tech-1")

    assert [act for act, *_ in audited(store)] == ["maintenance.begin", "maintenance.end"]


@pytest.mark.parametrize(
    ("staff_id", "reason"),
    [("王芳", "devices"), ("", "devices"), ("tech-1", "the lens is dirty"), ("tech-1", "")],
)
def test_words_that_are_no_codes_are_refused(store, staff_id, reason):
    """Names and sentences do not come into the chain, which leaves the station."""
    maintenance = Maintenance(store)
    with pytest.raises(ValueError, match="maintenance wants"):
        maintenance.begin(staff_id, reason)
    assert maintenance.active is None
    assert audited(store) == []


def test_what_could_not_be_written_did_not_begin(store, monkeypatch):
    """Whoever reads the state later, from memory or after a restart, reads the same."""

    def full(job, reserve):
        raise StoreFull("no room")

    maintenance = Maintenance(store)
    monkeypatch.setattr(store, "write", full)
    with pytest.raises(StoreFull):
        maintenance.begin("tech-1", "devices")
    assert maintenance.active is None
