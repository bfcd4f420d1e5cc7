"""The fingers' part of the page: between two marks, so that it can be measured anew alone."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from accuracy.page import MEASURED_ON, VERSIONS, Section, as_table
from bench.page import machine

BEGIN: Final = "<!-- fingers: written by `python -m accuracy --only fingers` -->"
END: Final = "<!-- end of fingers -->"
LIBRARIES: Final = ("opencv-contrib-python-headless", "numpy", "nbis-py")


def finger_part(sections: Sequence[Section]) -> str:
    """Return the part's text, its marks included."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        BEGIN, "", "## Fingers", "",
        f"{MEASURED_ON}{machine()}.",
        f"{VERSIONS}{platform.python_version()}, {libraries}.",
    ]  # fmt: skip
    for section in sections:
        lines += ["", f"### {section.title}", ""]
        lines += [*section.words, ""] if section.words else []
        lines += as_table(section.rows)
    return "\n".join([*lines, "", END]) + "\n"


def part_of(page: str) -> str:
    """Return the page's present part, "" where it has none."""
    if BEGIN not in page or END not in page:
        return ""
    return page[page.index(BEGIN) : page.index(END)] + END + "\n"


def with_part(page: str, part: str) -> str:
    """Return the page with this part instead of its own, or after all else."""
    present = part_of(page)
    if present:
        return page.replace(present, part)
    return page.rstrip("\n") + "\n\n" + part if page else part
