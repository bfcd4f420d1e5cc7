"""The page's section on fingers: measured side by side, written between two marks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from typing import Final

from accuracy.fingers import tables
from accuracy.fingers.drawn import HELD_OUT, SEVERITIES
from accuracy.fingers.no_fingers import no_fingers
from accuracy.fingers.presses import impostors, no_finger_scores, presses_of
from accuracy.fingers.refit import refits
from accuracy.page import Section

PICTURES: Final = 10
"""Of each kind of no finger."""


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
    version("nbis-py")
    count = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(presses_of, seed) for seed in seeds]
        pairs = [pool.submit(impostors, tuple(seeds), row, count) for row in range(count)]
        scores = [pool.submit(no_finger_scores, number) for number in range(pictures)]
        presses = [one for each in running for one in each.result()]
        others = [one for each in pairs for one in each.result()]
        caught = tables.caught(map(no_fingers, range(pictures)), [one.result() for one in scores])
    severities = ", ".join(f"{one:g}" for one in SEVERITIES)
    return (
        Section(
            "What was drawn, and what the gates let pass",
            (
                f"{len(seeds)} fingers, drawn by a generator (odd seeds {min(seeds)} to"
                f" {max(seeds)}; no limit was chosen on them), pressed",
                f"in seven conditions at severities {severities}, as readers of 256x288 and"
                " 256x360 px deliver them.",
                f"NFIQ 2.3 and bozorth3 by nbis-py {version('nbis-py')}, in processes of their"
                " own; nothing of a picture is kept.",
                "",
                "**Drawn prints prove plumbing, limits and hints. They prove nothing about how"
                " often people's fingers are read,**",
                "nothing about elders, about a reader's optics, or about real dirt, damp and wear:"
                " there the same limits may do worse.",
                "Nothing here detects an artefact held on the glass.",
                "",
                "Share of presses that the gates let pass; the others get a hint, never a score:",
            ),
            tables.passed(presses),
        ),
        Section(
            "Pictures that are no press to keep",
            (
                f"{pictures} of each kind. *Refused*: by a gate, before any score. *Doubted*: a"
                " finger, but in part or in motion:",
                "not accepted at once, whatever its score, and kept only if nothing better comes.",
                "An inverted print that fills the window shows no glass to tell by: polarity is"
                " fixed per model at commissioning.",
            ),
            caught,
        ),
        Section(
            "anxin-ridge-1 beside NFIQ 2",
            (
                "Presses that pass the gates. Our score ends at 62, NFIQ 2 at 100: most of the"
                " error of plain presses is that.",
                "r within one condition is over a narrow range of scores.",
            ),
            tables.calibrated(presses),
        ),
        Section(
            "The same by condition, 256x288 px, 4 bits",
            (),
            tables.calibrated_by_condition(presses),
        ),
        Section(
            "Would another formula be nearer?",
            (
                "All windows and conditions, every finger foretold by weights that were fitted"
                " without it.",
                "anxin-ridge-1 was fitted on real prints too; the others on drawn ones alone, so"
                " they do not replace it.",
            ),
            refits(tables.compared(presses)),
        ),
        Section(
            "The cause of a poor press",
            (
                "All severities, both windows. *Not accepted*: refused by a gate or below 45 by our"
                " score; only then a cause is said.",
                "The last five: what was left on the glass, and two fingers mixed up, told by"
                " matching at 40 where nothing else is wrong.",
            ),
            tables.causes(presses),
        ),
        Section(
            "Causes, spoilt by another hand",
            (
                "Plain presses spoilt by other means than the generator's, when the limits stood."
                " One was moved then,",
                "between worn and dry, after 30 % of white specks on fingers of even seeds were"
                " called worn.",
            ),
            tables.causes_of_spoilt(presses),
        ),
        Section(
            "Matching, 256x288 px, 4 bits",
            (
                "bozorth3 of a second press in each condition, clearly poor, against the finger's"
                " plain first press.",
                "Different fingers reached 24 at most on 80 real prints; drawn ones come nearer to"
                " each other.",
            ),
            tables.matched(presses, others),
        ),
    )
