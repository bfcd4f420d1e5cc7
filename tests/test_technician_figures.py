"""Figures as a technician reads them: digits that are worth it, bars that show the limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.technician.figures import BAR_PX, bar, figure_text, limits_text, value_text


@pytest.mark.parametrize(
    ("value", "least", "most", "text"),
    [
        (0.1934, 0.2, None, "0.193"),
        (-1.537, -1.5, 1.5, "−1.54"),
        (49.96, 46, 54, "50.0"),
        (-0.001, -1.5, 1.5, "0.00"),
        (1234.5, None, 400, "1234"),
        (None, 0.2, None, "—"),
        (math.nan, 0.2, None, "—"),
        (0.0, None, None, "0.0"),
    ],
)
def test_a_live_figure_keeps_its_places_so_that_it_can_be_read_from_afar(value, least, most, text):
    """The limits say how fine it is; it does not jump from one length to another."""
    assert figure_text(value, least, most) == text


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.19834, 0.00231, "0.1983 ± 0.0023"),
        (-0.514, 0.12, "−0.51 ± 0.12"),
        (38.27, 1.4, "38.3 ± 1.4"),
        (312.2, 24.0, "312 ± 24"),
        (3.0, None, "3"),
        (3.0, 0.0, "3"),
        (None, None, "—"),
    ],
)
def test_a_value_has_the_places_of_its_uncertainty(value, uncertainty, text):
    """More would say what nobody measured (GUM, 7.2.6)."""
    assert value_text(value, uncertainty) == text


@pytest.mark.parametrize(
    ("least", "most", "text"),
    [(None, None, ""), (0.2, None, "≥ 0.2"), (None, 10, "≤ 10"), (-1.5, 1.5, "−1.5 … 1.5")],
)
def test_limits_are_told_in_figures_alone(least, most, text):
    """The same in every language."""
    assert limits_text(least, most) == text


limits = st.floats(-1e4, 1e4).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(
    limits, st.floats(1e-6, 1e4), st.floats(-1e6, 1e6), st.sampled_from(["least", "most", "both"])
)
def test_a_mark_lies_in_the_green_exactly_where_the_figure_is_within_its_limits(
    low, width, figure, which
):
    """The bar says what the verdict says, to a hundredth of its length."""
    least = low if which != "most" else None
    most = low + width if which != "least" else None
    drawn = bar(figure, least, most)
    assert drawn is not None
    assert drawn.figure is not None
    assert 0 <= drawn.good_from < drawn.good_to <= BAR_PX
    within = (least is None or figure >= least) and (most is None or figure <= most)
    inside = drawn.good_from - 0.11 <= drawn.figure <= drawn.good_to + 0.11
    if within:
        assert inside
    elif inside:
        near = [end for end in (drawn.good_from, drawn.good_to) if abs(end - drawn.figure) < 3]
        assert near


def test_without_a_limit_there_is_no_bar():
    """A figure that judges nothing has nothing to be held against."""
    assert bar(3.0, None, None) is None
