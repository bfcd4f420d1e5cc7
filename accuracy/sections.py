"""Rates that other modules of this room measure, as sections of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import numpy as np

from accuracy import attacks, coverings_rates, defects_rates
from accuracy.coverings_rates import Rate
from accuracy.looker import Looker
from accuracy.page import Row, Section
from accuracy.portraits import Portrait
from accuracy.shares import Share
from edge.vision.client import ModelFiles
from edge.vision.models import ModelUnfit
from quality.document import Document, judge
from quality.measure import Verdict

_POSE: Final = ("HeadPoseYaw", "HeadPoseRoll", "HeadPosePitch")
_OPTIONAL: Final = "accuracy.comparison"

Measure = Callable[[], Sequence[Section]]


def sections(
    models: ModelFiles, portraits: Sequence[Portrait], document: Document
) -> tuple[Section, ...]:
    """Return the sections on coverings, faults, attacks and, where it is set up, comparison.

    They run side by side, each painter with a looker of its own: some ten minutes on two cores.

    Args:
        models: for the lookers.
        portraits: to paint on.
        document: whose gates judge.
    """
    work: tuple[Measure, ...] = (
        lambda: _coverings(models, portraits, document),
        lambda: [_defects(models, portraits, document)],
        lambda: [_attacks(portraits, document)],
        lambda: _comparison(portraits),
    )
    with ThreadPoolExecutor(max_workers=len(work)) as pool:
        running = [pool.submit(one) for one in work]
        return tuple(section for one in running for section in one.result())


def _coverings(
    models: ModelFiles, portraits: Sequence[Portrait], document: Document
) -> Sequence[Section]:
    with Looker(models) as looker:
        rates = coverings_rates.rates(
            looker, [(one.labels, one.bgr) for one in portraits], document
        )
    found = [one for one in rates if one.what == "found"]
    alarms = [one for one in rates if one.what != "found"]
    return (
        Section(
            "Coverings",
            (
                "Counted on the portraits whose file has an odd number: limits were chosen on",
                "the others (docs/decisions/0012). A kind that is *new* was painted only once the",
                "limits stood. Strength 0 is worn in the portrait itself; whoever wears something",
                "for faith or health is asked for nothing but a word with the staff.",
                "",
                "All kinds and strengths together:",
            ),
            _totals(rates),
        ),
        Section("Coverings found, by kind and strength", (), [_of_found(one) for one in found]),
        Section(
            "False alarms of coverings, by what was there instead",
            ("*bare*: the portrait as it is. The rest is painted, and covers nothing.",),
            [_of_alarm(one) for one in alarms],
        ),
    )


def _totals(rates: Sequence[Rate]) -> list[Row]:
    """Return per measure what was found, weak paintings too and without, and false alarms."""
    rows: list[Row] = []
    for measure in coverings_rates.MEASURES:
        own = [one for one in rates if one.measure == measure]
        painted = [one for one in own if one.what == "found" and one.strength > 0]
        most = max((one.strength for one in painted), default=0.0)
        strongest = [one for one in painted if one.strength == most]
        alarms = [one for one in own if one.what != "found"]
        rows.append(
            {
                "measure": f"`{measure}`",
                "found, all strengths": _sum([one.share for one in painted]),
                "found, strongest": _sum([one.share for one in strongest]),
                "of new kinds, strongest": _sum([o.share for o in strongest if o.held_out]),
                "cause named, strongest": _sum([o.named for o in strongest if o.named]),
                "false alarms, bare": _sum([o.share for o in alarms if o.kind == "bare"]),
                "false alarms, harmless": _sum([o.share for o in alarms if o.kind != "bare"]),
            }
        )
    return rows


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(one.count for one in shares), sum(one.of for one in shares))


def _of_found(rate: Rate) -> Row:
    return {
        "kind": rate.kind,
        "new": "new" if rate.held_out else "",
        "strength": rate.strength,
        "measure": f"`{rate.measure}`",
        "found": rate.share,
        "cause named": rate.named,
    }


def _of_alarm(rate: Rate) -> Row:
    return {
        "measure": f"`{rate.measure}`",
        "what was there": rate.kind,
        "strength": rate.strength,
        "false alarms": rate.share,
    }


def _defects(models: ModelFiles, portraits: Sequence[Portrait], document: Document) -> Section:
    with Looker(models) as looker:
        rows = defects_rates.rates(looker, portraits, document)
    return Section(
        "Painted faults",
        (
            f"Each fault is painted on every portrait whose own measure {document.id} accepts.",
            "*noticed*: something is refused or advised that was not before.",
            "*cause named*: the one hint for what is new is the fault's own.",
            "A weak fault may rightly pass; the strongest must not.",
        ),
        [_of_defect(row) for row in rows],
    )


def _of_defect(row: dict[str, Any]) -> Row:
    return {
        "fault": row["defect"],
        "strength": row["strength"],
        "noticed": Share(row["noticed"], row["n"]),
        "cause named": Share(row["advice_right"], row["n"]),
    }


def _attacks(portraits: Sequence[Portrait], document: Document) -> Section:
    frontal = [
        (dict(one.labels), one.bgr, np.asarray(one.looked.landmarks_px))
        for one in portraits
        if _is_frontal(one, document)
    ]
    rows = attacks.rates(frontal)
    return Section(
        "Presentation attacks before two lamps",
        (
            "Rendered, not photographed: a frontal portrait on a solid head, on flat and bent",
            "sheets, on a screen, and as a mask on a head, each lit from two sides in turn.",
            "It shows what the check makes of such surfaces, not what it catches of people.",
            "A mask on a head is solid: this check cannot tell it from a face.",
        ),
        [_of_attack(row) for row in rows],
    )


def _of_attack(row: dict[str, Any]) -> Row:
    return {
        "surface": row["surface"],
        "called solid": Share(row["called_solid"], row["n"]),
        "not assessed": Share(row["not_assessed"], row["n"]),
        "relief, least": row["relief_min"],
        "median": row["relief_median"],
        "most": row["relief_max"],
    }


def _is_frontal(portrait: Portrait, document: Document) -> bool:
    readings = judge(document, portrait.looked.natives, live=False)
    return all(one.verdict is Verdict.ACCEPTED for one in readings if one.measure in _POSE)


def _comparison(portraits: Sequence[Portrait]) -> Sequence[Section]:
    """Return one section, or none where the optional comparison is not set up."""
    try:
        comparison: ModuleType = import_module(_OPTIONAL)
        people = [
            comparison.Person(
                one.labels["file"], one.bgr, one.labels["sex"], int(one.labels["age"]),
                one.labels["country"],
            )
            for one in portraits
        ]  # fmt: skip
        rows = comparison.rates(people)
    except (ModuleNotFoundError, ModelUnfit):
        return ()
    words = (
        "By the optional network. One person's pictures are one photograph that was spoilt: no",
        "years and no other camera lie between them. Different persons are generated, and few.",
    )
    return [Section("Comparison with an earlier photo", words, [_of_pairs(row) for row in rows])]


def _of_pairs(row: dict[str, Any]) -> Row:
    return {
        "pairs": row["pairs"],
        "within the threshold": Share(row["agree"], row["n"]),
        "distance, least": row["distance_min"],
        "median": row["distance_median"],
        "most": row["distance_max"],
        "without a value": row["no_value"],
    }
