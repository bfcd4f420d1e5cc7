"""`docs/calibration-accuracy.md`: every figure on it comes out of a run, none is typed."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Final

from accuracy.optics.absurd import Answer
from accuracy.optics.sweep import Held
from accuracy.page import MEASURED_ON, VERSIONS, as_table
from bench.page import machine

LIBRARIES: Final = ("numpy", "opencv-contrib-python-headless", "colour-science")
HONEST_SD: Final = 3.0
_HEAD: Final = """# How far calibration may be wrong

Written by `make accuracy-optics`; `python -m accuracy.optics --check` measures again and compares.

{measured}
{versions}

Every measure of the technician's is held here against a simulated lens, light or film whose truth
is known ([decision 40](decisions/0040-measures-of-optics.md)). It proves arithmetic and refusals.
It does not prove a lens: stray light, lamps that warm up and sheets that curl are not in it,
and no real camera and no film was measured.

- *Worst* and *mean* error are estimate less truth over the whole range of the knob, every other
  knob as in a station in order; in percent of the truth where the unit is %.
- *Bound* is what the measure must keep; the tests keep it on a part of the range.
  A place that the measure refuses within its range counts as missed.
- *Worst over sd* is the largest error over the standard uncertainty (k = 1) that the measure itself
  gave. Above {honest:g} it would claim to be better than it is.

{met} of {count} are met.
"""
_ABSURD: Final = """
## Absurd input

No figure may be given here. *Said* is the code that every page and command has its words for.

A bare wall, evenly lit, cannot be told from a grey card or a grey sheet, so it is not in this list:
which sheet was held up is the technician's word.

{honest} of {count} are refused for a right reason.
"""


def page(parts: Sequence[tuple[str, Sequence[Held]]], answers: Sequence[Answer]) -> str:
    """Return the page's text."""
    every = [one for _, part in parts for one in part]
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    text = _HEAD.format(
        measured=f"{MEASURED_ON}{machine()}.",
        versions=f"{VERSIONS}{platform.python_version()}, {libraries}.",
        honest=HONEST_SD, met=sum(one.standing == "met" for one in every), count=len(every),
    )  # fmt: skip
    for title, part in parts:
        text += "\n".join(["", f"## {title}", "", *as_table([_row(one) for one in part]), ""])
    text += _ABSURD.format(honest=sum(one.honest for one in answers), count=len(answers))
    return text + "\n".join(["", *as_table(list(_said(answers))), ""])


def _row(held: Held) -> dict[str, str]:
    sweep = held.sweep
    standing: str = held.standing
    if held.unsaid:
        standing += ": " + ", ".join(f"{code} at {place:g}" for place, code in held.unsaid)
    ratio = max((abs(one) for one in held.ratios), default=None)
    return {
        "measure": f"`{sweep.measure}`",
        "estimate": sweep.estimate,
        "knob": f"{sweep.knob}: {min(sweep.places):g} to {max(sweep.places):g}, "
                f"{len(sweep.places)} places",
        "mean error": f"{held.mean:+.2g}",
        "worst error": f"{held.worst:.3g}",
        "bound": f"{sweep.bound:g}" if sweep.unit == "1" else f"{sweep.bound:g} {sweep.unit}",
        "worst over sd": "-" if ratio is None else f"{ratio:.1f}",
        "outcome": standing,
    }  # fmt: skip


def _said(answers: Iterable[Answer]) -> Iterable[dict[str, str]]:
    for one in answers:
        yield {
            "measure": f"`{one.case.measure}`",
            "shown": one.case.shown,
            "said": f"`{one.said}`",
            "": "" if one.honest else "**not honest**",
        }
