"""Shares, intervals and gaps against figures worked out by hand or known from tables."""

from __future__ import annotations

import pytest

from accuracy.shares import Gap, Share, gap, share


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),  # z^2 / (n + z^2)
        (10, 10, 0.72247, 1.0),
        (5, 10, 0.23659, 0.76341),
        (19, 20, 0.76387, 0.99112),
        (81, 263, 0.25529, 0.36621),  # Newcombe 1998, table I
        (1, 29, 0.00612, 0.17176),
        (0, 0, 0.0, 1.0),
    ],
)
def test_an_interval_is_wilsons(count, of, low, high):
    """What few pictures leave open is said with each share."""
    assert Share(count, of).interval() == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_more_than_all_is_refused():
    """A count that cannot be is a mistake in counting."""
    with pytest.raises(ValueError, match="11 of 10"):
        Share(11, 10)


def test_a_share_is_shown_with_count_rate_and_interval():
    """Nobody has to ask of how many."""
    assert str(Share(19, 20)) == "19/20 = 95 % (76-99)"
    assert str(Share(0, 0)) == "0/0"
    assert share([True, False, True]) == Share(2, 3)


def test_a_gap_is_between_the_lowest_and_the_highest_group():
    """In percentage points, whatever the order; a small group is not compared."""
    groups = {"a": Share(19, 20), "b": Share(14, 20), "c": Share(18, 20), "tiny": Share(0, 2)}

    assert gap(groups, at_least=8) == Gap("b", "a", 25.0)
    assert gap(groups) == Gap("tiny", "a", 95.0)


def test_one_of_twenty_is_five_points_and_no_hair_more():
    """A limit of five points must not be passed by a rounding."""
    found = gap({"a": Share(19, 20), "b": Share(20, 20)})

    assert found is not None
    assert found.points == 5.0


def test_without_two_groups_there_is_no_gap():
    """Nothing is compared with nothing."""
    assert gap({"a": Share(1, 2), "b": Share(0, 0)}) is None
