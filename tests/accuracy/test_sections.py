"""Other modules' rates as the page shows them."""

from __future__ import annotations

from accuracy import sections
from accuracy.coverings_rates import Rate
from accuracy.sections import _comparison, _of_attack, _of_defect, _of_pairs, _totals
from accuracy.shares import Share

MASK = "LowerFaceCovered"


def rate(what, kind, strength, count, *, held_out=False, named=None, of=10):
    return Rate(
        what, MASK, kind, strength, held_out, Share(count, of),
        None if named is None else Share(named, of),
    )  # fmt: skip


def test_hits_and_false_alarms_are_added_up_apart():
    """By strength, by kinds that no limit was chosen on, and by what was there instead."""
    rates = [
        rate("found", "blue mask", 0.4, 6, named=5),
        rate("found", "blue mask", 1.0, 10, named=9),
        rate("found", "pink mask", 1.0, 8, held_out=True, named=8),
        rate("found", "hijab", 0.0, 1),
        rate("false alarm", "bare", 0.0, 0),
        rate("false alarm", "beard", 1.0, 2),
        rate("false alarm", "beard", 0.5, 1),
    ]
    row = next(one for one in _totals(rates) if one["measure"] == f"`{MASK}`")

    assert row == {
        "measure": f"`{MASK}`",
        "found, all strengths": Share(24, 30),
        "found, strongest": Share(18, 20),
        "of new kinds, strongest": Share(8, 10),
        "cause named, strongest": Share(17, 20),
        "false alarms, bare": Share(0, 10),
        "false alarms, harmless": Share(3, 20),
    }


def test_each_row_keeps_its_counts():
    """A count is shown over its own number of tries."""
    defect = _of_defect(
        {"defect": "blur", "strength": 0.4, "n": 50, "noticed": 40, "advice_right": 30}
    )
    attack = _of_attack(
        {"surface": "print", "n": 9, "called_solid": 1, "not_assessed": 2, "relief_min": 0.1,
         "relief_median": 0.2, "relief_max": 0.3}
    )  # fmt: skip
    pairs = _of_pairs(
        {"pairs": "p", "n": 9, "agree": 4, "distance_min": 0.1, "distance_median": 0.2,
         "distance_max": 0.3, "no_value": 1}
    )  # fmt: skip

    assert (defect["noticed"], defect["cause named"]) == (Share(40, 50), Share(30, 50))
    assert (attack["called solid"], attack["not assessed"]) == (Share(1, 9), Share(2, 9))
    assert (attack["relief, least"], attack["median"], attack["most"]) == (0.1, 0.2, 0.3)
    assert (pairs["within the threshold"], pairs["without a value"]) == (Share(4, 9), 1)


def test_where_no_comparison_is_set_up_the_page_has_no_section_of_it(monkeypatch):
    """It is optional: its absence is no gap in the page."""
    monkeypatch.setattr(sections, "_OPTIONAL", "accuracy.not_set_up")

    assert _comparison([]) == ()
