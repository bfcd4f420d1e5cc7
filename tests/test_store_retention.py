"""Limits warn and do nothing else: what has no receipt stays, however old and however many."""

from __future__ import annotations

import pytest

from edge.store.retention import Holdings, Limits, free_share, warnings
from tests.delivery_kit import SINK, make_kit, new_id

DAY_MS = 86_400_000
NOW_MS = 1_795_000_000_000
ROOMY = 0.5
LIMITS = Limits(unsent_days=14, unsent=10, persons=100, free_share=0.2)


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.mark.parametrize(
    ("held", "share", "expected"),
    [
        (Holdings(0, None, 0, 0), ROOMY, ()),
        (Holdings(9, NOW_MS - 14 * DAY_MS, 99, 0), 0.2, ()),
        (Holdings(9, NOW_MS - 14 * DAY_MS - 1, 99, 0), ROOMY, ("unsent_too_old",)),
        (Holdings(10, NOW_MS, 99, 0), ROOMY, ("unsent_too_many",)),
        (Holdings(0, None, 100, 0), ROOMY, ("persons_limit",)),
        (Holdings(0, None, 0, 0), 0.19, ("space_low",)),
        # A clock that was set back: the package is from a time to come, and not old.
        (Holdings(1, NOW_MS + 400 * DAY_MS, 0, 0), ROOMY, ()),
    ],
    ids=["nothing", "at_the_limits", "old", "many", "persons", "room", "clock_set_back"],
)
def test_each_limit_has_its_own_word(held, share, expected):
    """At the limit of age and room nothing yet, at that of counts already."""
    assert warnings(held, LIMITS, share, NOW_MS) == expected


def test_a_store_counts_what_waits_and_who_was_here(kit):
    """Open ones, receipted ones and those set aside do not wait; each closing is a person."""
    limits = Limits(unsent_days=14, unsent=2, persons=4, free_share=0.0)
    with kit.open_store(limits=limits) as store:
        rows = [kit.hand_in(store) for _ in range(3)]
        kit.fill(store, new_id())
        assert store.holdings() == Holdings(3, rows[0].sealed_at_ms, 3, 0)
        assert store.warnings == ("unsent_too_many",)
        store.record_receipt(rows[0].package_id, SINK, "a.b.c")
        store.quarantine(rows[1].package_id, SINK, "refused:test")
        assert store.holdings() == Holdings(1, rows[2].sealed_at_ms, 3, 0)
        assert store.warnings == ()
        kit.hand_in(store)
        assert store.warnings == ("unsent_too_many", "persons_limit")
        assert store.alarms == ()
    with kit.open_store(limits=limits) as store:
        assert store.holdings().persons == 4
        assert store.counts() == {"open": 1, "ready": 2, "receipted": 1, "quarantined": 1}


def test_what_is_older_than_every_limit_is_still_delivered(kit, monkeypatch):
    """A year offline: a warning, nothing less; it goes when the centre is there."""
    with kit.open_store(limits=Limits(free_share=0.0)) as store:
        row = kit.hand_in(store)
        with monkeypatch.context() as later:
            later.setattr("edge.store.journal.now_ms", lambda: row.sealed_at_ms + 365 * DAY_MS)
            assert store.warnings == ("unsent_too_old",)
            assert [one.package_id for one in store.pending(SINK)] == [row.package_id]
            assert store.sealed(row.package_id)


def test_a_file_system_that_does_not_answer_has_no_room(tmp_path):
    """Better a warning too many."""
    assert 0 < free_share(tmp_path) <= 1
    assert free_share(tmp_path / "gone") == 0.0
