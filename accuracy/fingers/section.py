"""The page's section on fingers: measured side by side, told in words, shown in tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from typing import Final

from accuracy.fingers import tables
from accuracy.fingers.drawn import HELD_OUT
from accuracy.fingers.no_fingers import no_fingers
from accuracy.fingers.presses import Pressed, impostors, no_finger_scores, presses_of
from accuracy.fingers.refit import refits
from accuracy.page import Row, Section

PICTURES: Final = 10
"""Of each kind of no finger."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured.

    Attributes:
        impostors: bozorth3 of plain presses of different fingers.
        caught: rows on pictures of no finger.
    """

    presses: Sequence[Pressed]
    impostors: Sequence[int]
    caught: Sequence[Row]


def finger_sections(
    seeds: Sequence[int] = HELD_OUT, pictures: int = PICTURES, workers: int | None = None
) -> tuple[Section, ...]:
    """Measure drawn fingers; some five minutes on one core.

    Args:
        seeds: of the fingers.
        pictures: how many of each kind of no finger.
        workers: processes; None: one a core.

    Raises:
        ModuleNotFoundError: nbis-py is not there.
    """
    told = {
        "fingers": len(seeds), "first": min(seeds), "last": max(seeds), "pictures": pictures,
        "nbis": version("nbis-py"),
    }  # fmt: skip
    found = _measured(seeds, pictures, workers or os.cpu_count() or 1)
    return tuple(
        Section(title, tuple(line.format(**told) for line in words.splitlines()), rows(found))
        for title, words, rows in _SECTIONS
    )


def _measured(seeds: Sequence[int], pictures: int, workers: int) -> Found:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(presses_of, seed) for seed in seeds]
        pairs = [pool.submit(impostors, tuple(seeds), row, workers) for row in range(workers)]
        scores = [pool.submit(no_finger_scores, number) for number in range(pictures)]
        caught = tables.caught(map(no_fingers, range(pictures)), [one.result() for one in scores])
        return Found(
            [one for each in running for one in each.result()],
            [one for each in pairs for one in each.result()],
            caught,
        )


_SECTIONS: Final[tuple[tuple[str, str, Callable[[Found], Sequence[Row]]], ...]] = (
    (
        "What was drawn, and what the gates let pass",
        """\
{fingers} fingers, drawn by a generator (odd seeds {first} to {last}; no limit was chosen on them),
pressed in seven conditions, each in three severities (1: clearly poor),
as readers of 256x288 and 256x360 px deliver them.
NFIQ 2.3 and bozorth3 by nbis-py {nbis}, in processes of their own; no picture is kept.

**Drawn prints prove plumbing, limits and hints.
They prove nothing about how often people's fingers are read,**
nothing about elders, about a reader's optics, or about real dirt, damp and wear:
there the same limits may do worse.
Nothing here detects an artefact held on the glass.

Share of presses that the gates let pass; the others get a hint, never a score:""",
        lambda found: tables.passed(found.presses),
    ),
    (
        "Pictures that are no press to keep",
        """\
{pictures} of each kind. *Refused*: by a gate, before any score.
*Doubted*: a finger, but in part or in motion: not accepted at once, whatever its score,
and kept only if nothing better comes.
An inverted print is told by the glass around it, and drawn prints always leave some in a corner;
where a finger leaves none, polarity is known from the model's commissioning alone.""",
        lambda found: found.caught,
    ),
    (
        "anxin-ridge-1 beside NFIQ 2",
        """\
Presses that pass the gates.
Our score ends at 62, NFIQ 2 at 100: most of the error of plain presses is that.
r within one condition is over a narrow range of scores.""",
        lambda found: tables.calibrated(found.presses),
    ),
    (
        "The same by condition, 256x288 px, 4 bits",
        "",
        lambda found: tables.calibrated_by_condition(found.presses),
    ),
    (
        "Would another formula be nearer?",
        """\
All windows and conditions, every finger foretold by weights that were fitted without it.
anxin-ridge-1 was fitted on real prints too; the others on drawn ones alone,
so they do not replace it.""",
        lambda found: refits(tables.compared(found.presses)),
    ),
    (
        "The cause of a poor press",
        """\
All severities, both windows.
*Not accepted*: refused by a gate or below 45 by our score; only then a cause is said.
The last five: what was left on the glass, and two fingers mixed up,
told by matching at 40 where nothing else is wrong.""",
        lambda found: tables.causes(found.presses),
    ),
    (
        "Causes, spoilt by another hand",
        """\
Plain presses spoilt by other means than the generator's, when the limits stood.
One was moved then, between worn and dry,
after 30 % of white specks on fingers of even seeds were called worn.""",
        lambda found: tables.causes_of_spoilt(found.presses),
    ),
    (
        "Matching, 256x288 px, 4 bits",
        """\
bozorth3 of a second press in each condition, clearly poor, against the finger's plain first press.
Different fingers reached 24 at most on 80 real prints; drawn ones come nearer to each other.""",
        lambda found: tables.matched(found.presses, found.impostors),
    ),
)
