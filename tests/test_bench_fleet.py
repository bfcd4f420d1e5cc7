"""What the fleet's benchmark makes of its counts."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.fleet import LARGE_BYTES, SMALL_BYTES, Sent, costs, outcome

SMALL = Sent(sent=4, acknowledged=["a", "b", "c"], took_ms=[5, 1, 3, 100], seconds=2.0, cpu_s=0.02)
LARGE = Sent(sent=2, acknowledged=["d"], took_ms=[9, 9], seconds=0.5, cpu_s=0.028)


def test_what_was_acknowledged_and_had_no_effect_is_lost():
    """A receipt without an effect is a loss, two effects are a double, none of both is neither."""
    figures = outcome(3, SMALL, LARGE, Counter({"a": 1, "b": 2, "d": 1}))

    assert (figures["sent"], figures["stored"]) == (6, 4)
    assert (figures["lost"], figures["doubled"]) == (1, 1)
    assert figures["packages_per_s"] == 2.0
    assert (figures["put_ms_p50"], figures["put_ms_p99"]) == (4, 100)


def test_a_further_megabyte_costs_the_difference_of_the_two_sizes():
    """5 ms for the small, 14 ms for the large, 0.9 MB between them: 10 ms for each further MB."""
    figures = costs(SMALL, LARGE)

    assert (SMALL_BYTES, LARGE_BYTES) == (100_000, 1_000_000)
    assert (figures["gateway_cpu_ms_100kb"], figures["gateway_cpu_ms_1mb"]) == (5.0, 14.0)
    assert figures["gateway_cpu_ms_per_mb"] == pytest.approx(10.0)
    assert figures["mb_per_s_1mb"] == 4.0
