"""``python -m accuracy.optics [--check]``: measure all, write docs/calibration-accuracy.md."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path
from typing import Final

import click
import cv2
import numpy as np

from accuracy.optics.absurd import answer, camera_cases, glass_cases
from accuracy.optics.glass_sweeps import glass_sweeps
from accuracy.optics.lens_sweeps import lens_sweeps
from accuracy.optics.light_sweeps import light_sweeps
from accuracy.optics.page import page
from accuracy.optics.sweep import all_held
from accuracy.optics.together import together_sweeps
from accuracy.page import figures

CHECKOUT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = CHECKOUT / "docs" / "calibration-accuracy.md"
PHOTOGRAPH: Final = CHECKOUT / ".cache" / "anxin" / "pictures" / "man-35.jpg"


def measured() -> str:
    """Return the whole page, measured now. Takes two minutes."""
    photograph = cv2.imread(str(PHOTOGRAPH))
    if photograph is None:
        raise FileNotFoundError(f"{PHOTOGRAPH.name} is not fetched: run `make test` once")
    parts = [
        ("Through the lens", all_held(lens_sweeps())),
        ("Light, colour, time", all_held(light_sweeps())),
        ("All knobs at once", all_held(together_sweeps())),
        ("Fingerprint reader", all_held(glass_sweeps())),
    ]
    cases = (*camera_cases(np.asarray(photograph, np.uint8)), *glass_cases())
    return page(parts, [answer(case) for case in cases])


@click.command()
@click.option("--check", is_flag=True, help="Write nothing: compare the page with a new run.")
def main(check: bool) -> None:
    """Write the page, whole or not at all. Exits with 1 where a bound is missed."""
    # One thread a picture: the same sums in the same order on every machine.
    cv2.setNumThreads(1)
    try:
        text = measured()
    except FileNotFoundError as missing:
        click.echo(f"accuracy: {missing}", err=True)
        sys.exit(2)
    if check:
        committed = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        lines = list(unified_diff(figures(committed), figures(text), "committed", "measured",
                                  lineterm="", n=0))  # fmt: skip
        click.echo("\n".join(lines))
        sys.exit(1 if lines else 0)
    PAGE.write_text(text, encoding="utf-8")
    sys.exit(1 if "| missed" in text or "not honest" in text else 0)


if __name__ == "__main__":
    main()
