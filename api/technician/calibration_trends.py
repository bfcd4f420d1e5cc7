"""How each measure of a device went, with what drifted; and the targets to print.

Plots are pictures of their own (SVG), so that no page needs a style in line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Final

from flask import Blueprint, Response, request

from api.console import gate
from api.problems import FieldError, Refused
from api.technician.console import Console
from api.technician.places import auditors_too
from edge.calibration.book import CalibrationBook
from edge.calibration.certificate_words import words_of
from edge.calibration.targets import CELL_MM, TARGETS, draw_targets
from edge.calibration.trend import Drift, Point, Series, csv_of, drifts_of, trend_of

RECORDS_MAX: Final = 200
"""Of a device, the newest: each is read from the disk with its signature."""
ALL: Final = 10_000
EVERY: Final = "all"
TARGETS_PAGE: Final = "calibration.targets"


@dataclass(slots=True)
class Trends:
    """What was read last of each device, until another record comes."""

    console: Console
    lock: Lock = field(default_factory=Lock)
    read: dict[str, tuple[int, Mapping[str, Series], tuple[Drift, ...]]] = field(
        default_factory=dict
    )

    def of(self, device: str) -> tuple[Mapping[str, Series], tuple[Drift, ...]]:
        """Return the series of a device, and what drifted. Raises `Refused` without a book."""
        book: CalibrationBook | None = self.console.station.calibrations
        if book is None:
            raise Refused("not-found")
        rows = [row for row in book.page(limit=ALL, device=device) if row.kind != "undo"]
        newest = rows[-1].number if rows else 0
        with self.lock:
            known = self.read.get(device)
            if known is None or known[0] != newest:
                records = [book.read(row.id) for row in rows[-RECORDS_MAX:]]
                known = (newest, trend_of(records), drifts_of(records))
                self.read[device] = known
        return known[1], known[2]


def add_trends(pages: Blueprint, console: Console) -> Trends:
    """Add the routes of trends and targets to the calibration's blueprint."""
    trends = Trends(console)
    svg, table = partial(_svg, trends), partial(_csv, trends)
    pages.add_url_rule("/calibration/trend/<device>/<measure>.svg", "trend", auditors_too(svg))
    pages.add_url_rule("/calibration/trend/<device>.csv", "trend_csv", auditors_too(table))
    pages.add_url_rule("/calibration/targets", "targets", auditors_too(partial(_targets, console)))
    pages.add_url_rule("/calibration/targets/<name>.pdf", "target", auditors_too(_target))
    return trends


def plotted(series: Mapping[str, Series]) -> list[tuple[str, Point]]:
    """Return which measures have a trend, two points at least, each with its newest."""
    return [(name, one.points[-1]) for name, one in series.items() if len(one.points) > 1]


def _svg(trends: Trends, device: str, measure: str) -> Response:
    # Late: drawing takes its time to load, and most pages have no plot.
    from edge.calibration.plot_trend import trend_svg  # noqa: PLC0415 - only for who asks

    series = trends.of(device)[0].get(measure)
    if series is None:
        raise Refused("not-found")
    return Response(trend_svg(series, gate.session().language), mimetype="image/svg+xml")


def _csv(trends: Trends, device: str) -> Response:
    series = trends.of(device)[0]
    if not series:
        raise Refused("not-found")
    headers = {"Content-Disposition": f'attachment; filename="trend-{device}.csv"'}
    return Response(csv_of(series.values()), mimetype="text/csv", headers=headers)


def _targets(console: Console) -> str:
    words = words_of(gate.session().language)
    return console.draw("calibration_targets.html", names=list(TARGETS), named=words.named,
                        cell=CELL_MM)  # fmt: skip


def _target(name: str) -> Response:
    names = list(TARGETS) if name == EVERY else [name]
    if name != EVERY and name not in TARGETS:
        raise Refused("not-found")
    try:
        cell_mm = float(request.args.get("cell") or CELL_MM[1])
        content = draw_targets(names, gate.session().language, cell_mm=cell_mm)
    except ValueError:
        raise Refused("invalid-request", [FieldError("cell", "range")]) from None
    headers = {"Content-Disposition": f'attachment; filename="target-{name}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)
