"""The benchmarks' arithmetic: a figure that is turned round would please and mean nothing."""

from __future__ import annotations

from contextlib import nullcontext
from io import StringIO

import pytest

from bench import fingerprint, store
from bench.other_end import OtherEnd
from bench.page import HEADLINES, Headline, with_table
from drivers.zfm_packets import pack_4bit, unpack_4bit

LINE_S = 1.0


def test_an_upload_of_twice_the_lines_own_time_has_half_the_efficiency(monkeypatch):
    """The line's time over ours, and our processor time over each peer's; on a clock of our own."""
    picture = unpack_4bit(pack_4bit(bytes(fingerprint.WIDTH_PX * fingerprint.HEIGHT_PX)))

    def client(wall_s, cpu_s):
        return lambda port, baud: (picture, wall_s, cpu_s)

    monkeypatch.setattr(fingerprint, "_print", lambda: picture)
    no_module = nullcontext(OtherEnd("", StringIO(), StringIO()))
    monkeypatch.setattr(fingerprint, "_peer", lambda _baud: no_module)
    monkeypatch.setattr(fingerprint, "_parser_mb_per_s", lambda: 1.0)
    # Ten bits a byte: as many bytes as take one second at the middle speed.
    monkeypatch.setattr(fingerprint, "stream_line_bytes", lambda *_: 11520)
    monkeypatch.setattr(fingerprint, "_ours", client(2 * LINE_S, 0.02))
    monkeypatch.setattr(fingerprint, "_pyfingerprint", client(3.0, 0.4))
    monkeypatch.setattr(fingerprint, "_adafruit", client(3.0, 0.1))
    figures = fingerprint.measure(long=False)

    assert figures["line_seconds_115200"] == LINE_S
    assert figures["efficiency_115200"] == 0.5
    assert figures["efficiency_57600"] == 1.0
    assert figures["cpu_share_115200"] == pytest.approx(0.01)
    assert figures["cpu_ratio_pyfingerprint"] == pytest.approx(0.05)
    assert figures["cpu_ratio_adafruit"] == pytest.approx(0.2)


def test_a_packages_time_is_that_of_all_its_parts_and_its_closing(tmp_path, monkeypatch):
    """Nothing of ours is left out, and the floor's own commits are not counted in."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(store, "_ms", lambda work: (work(), float(next(ticks)))[1])
    commits_ms, closings_ms, packages_ms, bare_ms = store._timed(tmp_path, 2)

    assert (commits_ms, bare_ms) == ([0, 2, 4, 6, 9, 11, 13, 15], [1, 3, 5, 7, 10, 12, 14, 16])
    assert closings_ms == [8, 17]
    assert packages_ms == [0 + 2 + 4 + 6 + 8, 9 + 11 + 13 + 15 + 17]


@pytest.mark.parametrize(
    ("headline", "measured", "outcome"),
    [
        (Headline("b", "k", "w", at_most=5), 5, "met: 1.00 of it"),
        (Headline("b", "k", "w", at_most=0.1), 0.224, "missed: 2.24 of it"),
        (Headline("b", "k", "w", at_least=15), 61.1, "met: 4.07 of it"),
        (Headline("b", "k", "w", at_least=0.95), 0.9, "missed: 0.95 of it"),
        (Headline("b", "k", "w"), 3.0, ""),
    ],
)
def test_an_aim_is_called_met_or_missed_with_its_ratio(headline, measured, outcome):
    """Also where it is missed: the table says so itself."""
    assert headline.outcome(measured) == outcome


def test_the_table_shows_every_headline_that_was_measured():
    """One row each, between the marks, and nothing for a benchmark that could not run."""
    results = {one.benchmark: "not here" for one in HEADLINES}
    results["fingerprint"] = {"cpu_ratio_adafruit": 0.224}
    text = with_table("a\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nz\n", results)
    rows = [line for line in text.splitlines() if line.startswith("| CPU")]

    assert rows == [
        "| CPU for one image / adafruit-circuitpython-fingerprint's"
        " | 0.224 | <= 0.1 | missed: 2.24 of it |"
    ]
    assert "old" not in text
