"""The written result of all benchmarks: a page with the machine beside the figures, and a table."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench import Figures

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = CHECKOUT / "docs" / "benchmarks.md"
README: Final = CHECKOUT / "README.md"
LIBRARIES: Final = ("mediapipe", "opencv-contrib-python-headless", "numpy", "apsw-sqlite3mc")


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure that README shows, in words, beside what we aim at; without an aim it is context."""

    benchmark: str
    key: str
    words: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def aim(self) -> str:
        """The aim as the table shows it, empty without one."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return "" if self.at_least is None else f">= {self.at_least:g}"

    def outcome(self, measured: float) -> str:
        """Return whether the aim was met, and the measured value over the aim."""
        limit = self.at_least if self.at_most is None else self.at_most
        if limit is None:
            return ""
        met = measured >= limit if self.at_most is None else measured <= limit
        return f"{'met' if met else 'missed'}: {measured / limit:.2f} of it"


HEADLINES: Final = (
    Headline("start", "first_page_s", "start to first page, s", at_most=5),
    Headline("start", "ready_s", "start to ready to photograph, s", at_most=8),
    Headline("start", "total_rss_mib", "memory of daemon and vision worker, MiB", at_most=600),
    Headline("sitting", "touches", "touches of a good sitting", at_most=4),
    Headline("sitting", "seconds", "its seconds without the reader's line", at_most=45),
    Headline("sitting", "reuse_seconds", "the same with an earlier photo", at_most=25),
    Headline("sitting", "fault_to_calm_s", "plug pulled to the calm card, s", at_most=2),
    Headline(
        "preview", "latency_ms_median", "camera frame to pixels on the screen, ms", at_most=60
    ),
    Headline(
        "preview", "mjpeg_latency_ms_median", "same by a plain MJPEG stream in the same browser, ms"
    ),
    Headline(
        "preview", "cpu_share_three_viewers", "share of a core for three viewers", at_most=0.15
    ),
    Headline("calibration", "edge_ms", "sharpness of one slanted edge, ms", at_most=10),
    Headline("calibration", "chart_s", "colours of a chart of 24 patches, s", at_most=1),
    Headline("calibration", "quick_check_compute_s", "computing of the daily check, s", at_most=5),
    Headline("guidance", "frames_per_s", "analysed preview frames a second", at_least=25),
    Headline("guidance", "ratio", "time per frame / bare Face Landmarker", at_most=1.3),
    Headline("guidance", "frame_ms_p95", "time per frame, 95th percentile, ms", at_most=33),
    Headline(
        "still", "still_ms_median", "all measures on a still of 12 megapixels, ms", at_most=400
    ),
    Headline("still", "speedup", "ofiqpy's time / ours for 21 measures of one face", at_least=5),
    Headline(
        "memory", "worker_rss_peak_mib", "memory of the vision worker at its most, MiB", at_most=450
    ),
    Headline("memory", "worker_rss_growth_mib", "its growth over all looks, MiB", at_most=10),
    Headline(
        "fingerprint",
        "efficiency_57600",
        "line's own time / image upload, 57600 baud",
        at_least=0.98,
    ),
    Headline("fingerprint", "efficiency_115200", "same at 115200 baud", at_least=0.98),
    Headline("fingerprint", "efficiency_921600", "same at 921600 baud", at_least=0.98),
    Headline(
        "fingerprint", "cpu_share_115200", "share of a core it takes at 115200 baud", at_most=0.01
    ),
    Headline("fingerprint", "cpu_s", "CPU for one image, s"),
    Headline(
        "fingerprint", "cpu_ratio_pyfingerprint", "CPU for one image / pyfingerprint's", at_most=0.1
    ),
    Headline(
        "fingerprint",
        "cpu_ratio_adafruit",
        "CPU for one image / adafruit-circuitpython-fingerprint's",
        at_most=0.1,
    ),
    Headline(
        "finger_quality",
        "verdict_ms_median",
        "last byte of a print to verdict and hint, NFIQ 2 and three matches, ms",
        at_most=300,
    ),
    Headline("finger_quality", "local_ms_median", "same with our own score, ms", at_most=60),
    Headline("finger_quality", "ratio_bare", "score in its cell, with gates / nbis-py called bare"),
    Headline(
        "fingerprint",
        "whole_finger_over_line_s",
        "a good press, landing to verdict, beyond the line's own time, s",
        at_most=0.4,
    ),
    Headline(
        "fingerprint", "parser_mb_per_s", "packets taken apart without a line, MB/s", at_least=20
    ),
    Headline("store", "commit_ms_median", "seal and durable commit of one part, ms"),
    Headline("store", "package_ms_p99", "same for a whole package, 99th percentile, ms"),
    Headline(
        "store", "ratio", "same part / a bare SQLite transaction of its size here", at_most=1.3
    ),
    Headline("store", "ratio_slow_flush", "same, where a flush takes 3 ms as on a station's disk"),
    Headline("store", "flushes_per_commit", "disk flushes a commit", at_most=3),
    Headline(
        "recovery",
        "first_page_after_cut_s",
        "start to first page of packages after a cut, 100,000 of them, s",
        at_most=3,
    ),
    Headline("pull", "ratio", "page of packages at 1,000,000 / at 1,000", at_most=1.2),
    Headline("pull", "downloads_per_s", "sealed downloads a second, one client", at_least=500),
    Headline("drain", "ratio", "a backlog's rate / a bare PUT loop's, 100 Mbit/s", at_least=0.9),
    Headline(
        "preview", "latency_ms_median", "camera frame to pixels on the page, median, ms", at_most=60
    ),
    Headline("preview", "latency_ms_p95", "same, 95th percentile, ms"),
    Headline(
        "preview", "age_ms_max_hung", "oldest picture shown when the camera hangs, ms", at_most=1000
    ),
    Headline("interaction", "inp_ms", "touch to next paint on two busy cores, ms", at_most=100),
    Headline("fleet", "packages_per_s", "packages a second, 1,000 stations, one centre here"),
    Headline("fleet", "lost", "of them lost"),
    Headline("fleet", "doubled", "of them doubled"),
)


def write_pages(names: Sequence[str], long: bool) -> int:
    """Run each benchmark in a process of its own; write the page and README's table.

    Returns:
        The exit status: 0, or 2 if one could not run (the page then says which, and why).
    """
    results: dict[str, Figures | str] = {name: _run(name, long) for name in names}
    PAGE.write_text(_page(results), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), results), encoding="utf-8")
    return 2 if any(isinstance(result, str) for result in results.values()) else 0


def with_table(text: str, results: dict[str, Figures | str]) -> str:
    """Return README's text with the figures between its two marks."""
    table = "\n".join([f"Measured on {machine()}.", "", *_headline_rows(results)])
    marked = r"(<!-- benchmarks -->\n).*?(<!-- /benchmarks -->)"
    return re.sub(marked, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)


def machine() -> str:
    """Return day, processor, cores, memory and system in one phrase."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    day = datetime.now(UTC).date().isoformat()
    return f"{day}: {os.cpu_count()} cores ({_processor()}), {memory_gib:.0f} GiB, {system}"


def _run(name: str, long: bool) -> Figures | str:
    """Return the figures, or the reason why there are none."""
    print(f"bench: {name}", flush=True)
    command = [sys.executable, "-m", "bench", name, "--json", *(["--long"] if long else [])]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=None, check=False)
    if done.returncode != 0:
        return f"exit status {done.returncode}: `python -m bench {name}` says why"
    figures: Figures = json.loads(done.stdout)
    return figures


def _page(results: dict[str, Figures | str]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; `python -m bench NAME --json` prints one of them.",
        "A peer or a physical limit is measured in the same run as ours.",
        "",
        f"Measured on {machine()}.",
        f"Python {platform.python_version()}, {libraries}.",
    ]
    for name, result in results.items():
        lines += ["", f"## {name}", ""]
        if isinstance(result, str):
            lines.append(f"Not measured: {result}.")
            continue
        lines += ["| key | value |", "|---|---|"]
        lines += [f"| `{key}` | {_shown(value)} |" for key, value in result.items()]
    return "\n".join(lines) + "\n"


def _headline_rows(results: dict[str, Figures | str]) -> list[str]:
    rows = ["| | measured | aim | outcome |", "|---|---|---|---|"]
    for headline in HEADLINES:
        figures = results.get(headline.benchmark, "")
        if not isinstance(figures, str) and headline.key in figures:
            value = figures[headline.key]
            outcome = headline.outcome(value) if isinstance(value, int | float) else ""
            rows.append(f"| {headline.words} | {_shown(value)} | {headline.aim} | {outcome} |")
    return rows


def _shown(value: float | str | None) -> str:
    if value is None:
        return "not to be had here"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
