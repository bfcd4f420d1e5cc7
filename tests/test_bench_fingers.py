"""The benchmark of a press's verdict: every figure of the contract, and none that was not taken."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from bench import finger_quality
from tests.press_kit import finger

TIMED = ("local", "nfiq2", "match", "verdict", "bare_nfiq2")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(finger_quality, "ROUNDS", 3)
    monkeypatch.setattr(finger_quality, "grow", lambda seed, *_: finger(seed))


def test_where_nbis_is_absent_its_figures_are_null(monkeypatch):
    """Absent is not 0 ms; our own score is measured all the same."""
    monkeypatch.setattr(finger_quality, "load_examiner", lambda _: None)
    figures = finger_quality.measure(long=False)

    assert figures["local_ms_median"] > 0
    assert {figures[f"{kind}_ms_{what}"] for kind in TIMED[1:] for what in ("median", "p95")} == {
        None
    }
    assert figures["ratio_bare"] is None


@pytest.mark.skipif(
    find_spec("nbis") is None, reason="nbis-py is not set up: python3.11 -m setup fingerprints"
)
def test_the_verdict_is_timed_beside_the_bare_library(monkeypatch):
    """On a clock of our own: ours over theirs, the same presses, the first local one left out."""
    took_ms = iter(range(1000))

    def timed(do):
        do()
        return float(next(took_ms))

    monkeypatch.setattr(finger_quality, "_ms", timed)
    figures = finger_quality.measure(long=False)

    # 0 warms up; 1..3 are local; then per press three in turning order, and a match.
    assert figures["local_ms_median"] == 2
    assert figures["nfiq2_ms_median"] == sorted([4, 10, 13])[1]
    assert figures["verdict_ms_median"] == sorted([5, 8, 14])[1]
    assert figures["bare_nfiq2_ms_median"] == sorted([6, 9, 12])[1]
    assert figures["match_ms_median"] == sorted([7, 11, 15])[1]
    assert figures["ratio_bare"] == figures["nfiq2_ms_median"] / figures["bare_nfiq2_ms_median"]
    assert figures["presses"] == 3
