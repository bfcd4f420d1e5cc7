"""The console's figures: counted from the journal as it is, drawn to scale, and nobody in them."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.technician.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    Series,
    bar_plot,
    nice_top,
)
from api.technician.lines import load_lines
from api.technician.statistics import plots
from edge import figures
from edge.events import note_event
from edge.service.tickets import Tickets
from edge.store import Store
from edge.technician.statistics import MINUTES, last, read_statistics, times_of
from edge.utc import now_ms
from tests.delivery_kit import SINK, make_kit
from tests.technician_kit import AUDITOR, Workshop, workshop

NOVEMBER_MS = 1_795_000_000_000
"""18 November 2026, UTC."""
values = st.lists(st.floats(0, 1e7), min_size=1, max_size=14)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A journal with a little of everything."""
    kit = make_kit(tmp_path_factory.mktemp("kit"))
    with kit.open_store() as store:
        for tries in (1, 1, 2, 7):
            row = kit.hand_in(store)
            for _ in range(tries):
                store.begin_try(row.package_id, SINK)
            store.write(partial(_delivered, package_id=row.package_id))
        store.write(_happened)
        yield store


def _delivered(db: apsw.Connection, package_id: str) -> None:
    db.execute(
        "update delivery set state = 'delivered' where package ="
        " (select id from package where package_id = ?)",
        (package_id,),
    )


def _happened(db: apsw.Connection) -> None:
    figures.count(db, figures.SITTING, "accepted", NOVEMBER_MS, 7)
    figures.count(db, figures.SITTING, "to_window", NOVEMBER_MS, 2)
    figures.count(db, figures.PORTRAIT, "captured", NOVEMBER_MS, 5)
    figures.count(db, figures.PORTRAIT, "reused", NOVEMBER_MS, 1)
    figures.count(db, figures.PORTRAIT, "missing", NOVEMBER_MS, 3)
    for state, reason in (("absent", "not_connected"), ("ready", ""), ("absent", "not_connected")):
        facts = {"state": state, "reason": reason}
        note_event(db, "device.state", "reader-1", facts, now_ms())
    note_event(db, "station.not_ready", None, {"reasons": "device_out,maintenance"}, now_ms())


def test_the_counts_are_those_of_the_journal(store: Store):
    """Each figure is one that was put there, in its month."""
    read = read_statistics(store, NOVEMBER_MS)
    month = read.months[-1]

    assert month.month == "2026-11"
    assert month.results["accepted"] >= 7
    assert month.results["to_window"] == 2
    assert month.portraits["missing"] == 3
    assert read.tries == (2, 1, 0, 1)
    assert read.devices == ((("reader-1", "not_connected"), 2),)
    assert read.closed == (("device_out", 1), ("maintenance", 1))


def test_of_fewer_than_five_no_time_is_told(store: Store):
    """Four sittings: their times could be counted off against four people."""
    assert read_statistics(store, NOVEMBER_MS).times.counts == ()
    assert read_statistics(store, NOVEMBER_MS).times.median_s is None
    assert read_statistics(store, NOVEMBER_MS).times.sittings == 4


def test_times_are_counted_in_their_steps_with_the_nearest_rank():
    """The ends of steps belong to the step above; beyond the last there is an open one."""
    minutes = [1, 2, 3.99, 4, 9, 30, 600]
    times = times_of([round(one * 60_000) for one in minutes])

    assert times.counts == (1, 2, 1, 0, 1, 0, 0, 2)
    assert sum(times.counts) == times.sittings == len(minutes)
    assert len(times.counts) == len(MINUTES) + 1
    assert times.median_s == 4 * 60
    assert times.p95_s == 600 * 60


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_months_follow_each_other_over_the_turn_of_a_year(count: int):
    """No month twice, none left out."""
    found = last(NOVEMBER_MS, count)

    assert found[-1] == "2026-11"
    assert len(set(found)) == count
    assert list(found) == sorted(found)
    if count == 12:
        assert found[0] == "2025-12"


def test_waits_and_reasons_come_from_the_calls(tmp_path: Path):
    """A call for help with its reason; a rating's ticket is no call."""
    kit = make_kit(tmp_path)
    with kit.open_store() as store:
        tickets = Tickets(store)
        tickets.raise_("help", None, "touched")
        tickets.raise_("rating", None, "poor")
        read = read_statistics(store, now_ms())

    assert read.calls == (("touched", 1),)


@given(values, values)
def test_bars_stay_inside_and_are_as_long_as_their_figures(first: list[float], second: list[float]):
    """Whatever was counted: no bar leaves the picture, and lengths are to one scale."""
    size = min(len(first), len(second))
    rows = [Series("a", tuple(first[:size])), Series("b", tuple(second[:size]))]
    labels = [str(n) for n in range(size)]
    for stacked in (False, True):
        plot = bar_plot("sittings", "figure_unit.count", labels, rows, stacked=stacked)
        for bar in plot.bars:
            assert bar.x >= LEFT
            assert bar.x + bar.width <= WIDTH
            assert bar.y >= TOP - 1e-6
            assert bar.y + bar.height <= HEIGHT - BOTTOM + 1e-6
        # What is stacked stands on what is below it; else all stand on the line.
        below = {bar.x: bar.y for bar in plot.bars if bar.series == 0} if stacked else {}
        for bar in plot.bars:
            foot = below.get(bar.x, HEIGHT - BOTTOM) if bar.series == 1 else HEIGHT - BOTTOM
            assert bar.y + bar.height == pytest.approx(foot, abs=0.01)
        told = [value for n in range(size) for value in (first[n], second[n]) if value > 0]
        scale = (HEIGHT - TOP - BOTTOM) / float(plot.ticks[-1].words) if plot.bars else 0
        for bar, value in zip(plot.bars, told, strict=True):
            assert bar.height == pytest.approx(value * scale, rel=1e-4, abs=1e-3)


@given(st.floats(1e-3, 1e9))
def test_the_scale_reaches_the_tallest_and_not_far_beyond(most: float):
    """At most three and a half times as far, where counts are small; its steps are round."""
    top = nice_top(most)

    assert top >= most * (1 - 1e-9)
    assert top <= max(4.0, 2.6 * most)


def test_a_figure_that_is_not_told_is_no_nought():
    """None draws nothing and reads as a dash, not as 0."""
    plot = bar_plot("ratings", "figure_unit.count", ["a"], [Series("rating.good", (None,))])

    assert plot.empty
    assert plot.bars == ()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A console over five closed sittings."""
    with workshop(tmp_path_factory.mktemp("shop")) as found:
        for _ in range(5):
            found.kit.hand_in(found.store)
        yield found


def test_the_page_draws_every_plot_with_its_table_for_the_auditor(shop: Workshop):
    """Valid SVG without a style of its own, each with a name, and the figures below."""
    page = shop.notebook(AUDITOR).sees("/statistics")
    drawings = [part.partition("</svg>")[0] for part in page.split('<svg class="plot"')[1:]]

    assert drawings
    for drawing in drawings:
        root = ET.fromstring(f"<svg {drawing}</svg>")
        assert root.get("role") == "img"
        assert root.get("aria-labelledby", "").startswith("plot-")
        assert "style=" not in drawing
    assert page.count("<table>") == len(drawings)


def test_the_same_figures_are_there_as_csv(shop: Workshop):
    """Every plot, every label, every series; what is not told is an empty cell."""
    answer = shop.notebook(AUDITOR).ask("GET", "/statistics.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    named = {row["plot"] for row in rows}
    known = {plot.code for plot in plots(read_statistics(shop.store, now_ms())) if plot.labels}

    assert named == known
    assert sum(int(row["value"]) for row in rows if row["plot"] == "times") == 5
    assert {row["value"] for row in rows if row["plot"] == "ratings"} == {""}


def test_every_word_of_every_plot_is_there():
    """Title, meaning, label, and the name of each series."""
    words = load_lines()
    codes = (
        "sittings",
        "parts",
        "waits",
        "ratings",
        "times",
        "tries",
        "calls",
        "devices",
        "closed",
    )
    wanted = [f"plot.{code}.{part}" for code in codes for part in ("title", "say", "label")]

    assert [one for one in wanted if not words.has(one)] == []
