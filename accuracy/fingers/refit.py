"""Whether another formula would come nearer to NFIQ 2, each finger judged by what others taught."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accuracy.fingers.presses import Pressed

Array = npt.NDArray[np.float64]

_RAMPS: Final = {
    "RidgeCoherence": (0.30, 0.80),
    "RidgeFrequencyShare": (0.50, 1.0),
    "ForegroundShare": (0.35, 0.90),
    "MotionTrace": (0.40, 0.60),
}
_OF_RIDGE_1: Final = tuple(_RAMPS)[:3]
_FORMULAS: Final = {
    "its three measures, weighed anew": _OF_RIDGE_1,
    "the three and MotionTrace, weighed anew": tuple(_RAMPS),
}


def refits(presses: Sequence[Pressed]) -> list[dict[str, Any]]:
    """Return r and mean error of anxin-ridge-1 and of formulas fitted without the finger at hand.

    Args:
        presses: with both scores.
    """
    theirs = np.array([one.nfiq2 for one in presses], np.float64)
    own = np.array([one.own for one in presses], np.float64)
    seeds = np.array([one.seed for one in presses])
    rows = [_row("anxin-ridge-1, as it is", own, theirs)]
    for name, measures in _FORMULAS.items():
        rows.append(_row(name, _left_out(_design(presses, measures), theirs, seeds), theirs))
    return rows


def _design(presses: Sequence[Pressed], measures: Sequence[str]) -> Array:
    columns = [np.ones(len(presses))]
    for name in measures:
        low, high = _RAMPS[name]
        values = np.array([one.measures[name] for one in presses], np.float64)
        columns.append(np.clip((values - low) / (high - low), 0, 1))
    return np.stack(columns, axis=1)


def _left_out(design: Array, theirs: Array, seeds: npt.NDArray[np.int_]) -> Array:
    foretold = np.zeros(len(theirs))
    for seed in np.unique(seeds):
        others = seeds != seed
        weights = np.linalg.lstsq(design[others], theirs[others], rcond=None)[0]
        foretold[~others] = design[~others] @ weights
    return np.clip(foretold, 0, 100)


def _row(name: str, foretold: Array, theirs: Array) -> dict[str, Any]:
    return {
        "formula": name,
        "r": correlation(foretold, theirs),
        "mean error": f"{np.abs(foretold - theirs).mean():.1f}",
    }


def correlation(first: Array, second: Array) -> str:
    """Return Pearson's r, "-" where one of the two never changes."""
    if first.std() < 1e-9 or second.std() < 1e-9:
        return "-"
    return f"{np.corrcoef(first, second)[0, 1]:.2f}"
