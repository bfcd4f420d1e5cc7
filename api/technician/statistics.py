"""The page of figures: plots drawn on the station, each with its table; and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Final

from flask import Blueprint, Response

from api.technician.charts import Plot, Series, bar_plot
from api.technician.console import Annex, Console
from api.technician.places import EVERYBODY, Place, auditors_too
from edge.technician.statistics import MINUTES, Month, Statistics, read_statistics
from edge.utc import now_ms

RESULTS: Final = ("accepted", "accepted_with_missing", "to_window", "cancelled")
REASONS_SHOWN: Final = 8


def statistics_pages(console: Console) -> Blueprint:
    """Return the routes of the figures."""
    pages = Blueprint("statistics", __name__)
    pages.add_url_rule("/statistics", "page", auditors_too(partial(_page, console)))
    pages.add_url_rule("/statistics.csv", "table", auditors_too(partial(_table, console)))
    return pages


def _page(console: Console) -> str:
    read = read_statistics(console.station.store, now_ms())
    return console.draw("statistics.html", read=read, plots=plots(read))


def plots(read: Statistics) -> tuple[Plot, ...]:
    """Return every plot of the page, in order."""
    return (*_by_month(read.months), _times(read), _tries(read), *_reasons(read))


def _by_month(months: Sequence[Month]) -> tuple[Plot, ...]:
    labels = [month.month for month in months]
    short = [month.month[5:] for month in months]
    results = [
        Series(f"result.{one}", tuple(month.results.get(one, 0) for month in months))
        for one in RESULTS
    ]
    taken = [
        Series("part.portrait_taken", tuple(_portraits(month) for month in months)),
        Series(
            "part.portrait_missing", tuple(month.portraits.get("missing", 0) for month in months)
        ),
        Series("part.finger_taken", tuple(month.fingers.get("taken", 0) for month in months)),
        Series("part.finger_missing", tuple(month.fingers.get("missing", 0) for month in months)),
    ]
    waits = [
        Series("wait.median", tuple(month.wait_median_s for month in months)),
        Series("wait.p95", tuple(month.wait_p95_s for month in months)),
    ]
    answers = [
        Series(f"rating.{score}", tuple(_rated(month, score) for month in months))
        for score in ("good", "fair", "poor")
    ]
    return (
        bar_plot("sittings", "figure_unit.count", labels, results, stacked=True, short=short),
        bar_plot("parts", "figure_unit.count", labels, taken, short=short),
        bar_plot("waits", "figure_unit.seconds", labels, waits, short=short),
        bar_plot("ratings", "figure_unit.count", labels, answers, stacked=True, short=short),
    )


def _portraits(month: Month) -> int:
    return sum(count for origin, count in month.portraits.items() if origin != "missing")


def _rated(month: Month, score: str) -> float | None:
    return None if month.ratings is None else month.ratings.scores.get(score, 0)


def _times(read: Statistics) -> Plot:
    starts = (0, *MINUTES)
    labels = [f"{low}–{high}" for low, high in zip(starts, MINUTES, strict=False)]
    labels.append(f"{MINUTES[-1]}+")
    counts = read.times.counts or (None,) * len(labels)
    return bar_plot("times", "figure_unit.count", labels, [Series("span.sittings", counts)])


def _tries(read: Statistics) -> Plot:
    labels = [*(str(n + 1) for n in range(len(read.tries) - 1)), f"{len(read.tries)}+"]
    return bar_plot("tries", "figure_unit.count", labels, [Series("span.deliveries", read.tries)])


def _reasons(read: Statistics) -> tuple[Plot, ...]:
    devices = [(f"{device} {reason}", count) for (device, reason), count in read.devices]
    found = (("calls", read.calls), ("devices", devices), ("closed", read.closed))
    return tuple(_by_reason(code, rows[:REASONS_SHOWN]) for code, rows in found)


def _by_reason(code: str, rows: Sequence[tuple[str, int]]) -> Plot:
    labels = [reason for reason, _ in rows]
    # The words are too long for a column: it has its number, and the table the words.
    short = [str(n + 1) for n in range(len(rows))]
    counts = tuple(count for _, count in rows)
    return bar_plot(code, "figure_unit.count", labels, [Series("span.times", counts)], short=short)


def _table(console: Console) -> Response:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("plot", "label", "series", "value"))
    for plot in plots(read_statistics(console.station.store, now_ms())):
        for series in plot.series:
            for label, value in zip(plot.labels, series.values, strict=True):
                rows.writerow(
                    (plot.code, label, series.name, "" if value is None else f"{value:g}")
                )
    name = f'attachment; filename="figures-{console.station.number}.csv"'
    return Response(out.getvalue(), headers={"Content-Disposition": name}, mimetype="text/csv")


STATISTICS: Final = Annex(
    statistics_pages, (Place("statistics.page", "place.statistics", EVERYBODY),)
)
