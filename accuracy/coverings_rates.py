"""How often coverings are noticed and rightly named, and how often something is said of none.

Limits were chosen on the labelled portraits whose file has an even number; rates are counted on
the others (`not_chosen_on`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from accuracy.coverings import COVERINGS, HELD_OUT
from accuracy.defects import Defect, Painter, Picture
from accuracy.harmless import HARMLESS
from accuracy.looker import Looked, Looker
from accuracy.shares import Share
from quality.advice import advise
from quality.document import Document, judge
from quality.measure import Reading, Verdict

MEASURES: Final = tuple(dict.fromkeys(one.measure for one in COVERINGS.values()))
"""Every measure of coverings, in the order of `COVERINGS`."""

WORN: Final[Mapping[str, str]] = {
    "hood": "HeadCovered", "hijab": "HeadCovered", "turban": "HeadCovered",
    "keffiyeh": "HeadCovered", "veil": "HeadCovered", "cap": "HeadCovered",
}  # fmt: skip
"""What a labelled condition really wears, by the measure that should say so. The one labelled
`hand` has a hand at the chin, and the one labelled `glasses` clear glasses: nothing is covered."""

HARMLESS_STRENGTHS: Final = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of the page.

    Attributes:
        what: "found", a covering that is there; or "false alarm", none is, and something is said.
        measure: that should speak, or should not.
        kind: of covering or of harmless thing, by its painter's name; a labelled condition; "bare".
        strength: of the painting; 0 for what nobody painted.
        held_out: of this kind nothing was known when limits were chosen.
        share: how many pictures of how many; of a covering that some measure of coverings refused,
            of a false alarm that this measure did.
        named: how many of them led to the very advice; None where none is wanted.
    """

    what: str
    measure: str
    kind: str
    strength: float
    held_out: bool
    share: Share
    named: Share | None


def rates(
    looker: Looker,
    portraits: Iterable[tuple[Mapping[str, str], Picture]],
    document: Document,
    coverings: Mapping[str, Defect] = COVERINGS,
    harmless: Mapping[str, Painter] = HARMLESS,
) -> list[Rate]:
    """Return found coverings and false alarms, counted on portraits that no limit was chosen on.

    About 0.15 s a portrait, kind and strength: ten minutes for all of them.

    Args:
        looker: what looks.
        portraits: the labels' row ("file" and "condition") and the pixels of each.
        document: whose gates of stills judge.
        coverings: by name.
        harmless: by name; none of it is a covering.
    """
    counts: Counter[tuple[str, str, str, float, str]] = Counter()
    for row, bgr in portraits:
        if not not_chosen_on(row["file"]):
            continue
        looked = looker.look(bgr)
        if looked.landmarks_px is None or looked.person_mask is None:
            continue
        counts.update(_unpainted(row["condition"], looked, document))
        for name, strength, after in _painted(looker, bgr, looked, coverings):
            counts.update(_found(coverings[name], strength, after, document))
        for name, strength, after in _harmless(looker, bgr, looked, harmless):
            counts.update(_alarms(name, strength, after, document, worn=row["condition"] in WORN))
    return [_rate(key, counts) for key in counts if key[4] == "n"]


def not_chosen_on(file: str) -> bool:
    """Whether limits were chosen without this portrait: its file's number is odd."""
    return int(PurePosixPath(file).stem) % 2 == 1


def refused(looked: Looked, document: Document) -> list[Reading]:
    """Return the readings of coverings that this document's gates refuse or advise on."""
    return [
        reading
        for reading in judge(document, looked.natives, live=False)
        if reading.measure in MEASURES and reading.verdict is Verdict.REJECTED
    ]


Key = tuple[str, str, str, float, str]


def _unpainted(condition: str, looked: Looked, document: Document) -> Iterator[Key]:
    said = {reading.measure for reading in refused(looked, document)}
    for measure in MEASURES:
        worn = WORN.get(condition) == measure
        what, kind = ("found", condition) if worn else ("false alarm", "bare")
        yield what, measure, kind, 0.0, "n"
        if measure in said:
            yield what, measure, kind, 0.0, "said"


def _found(defect: Defect, strength: float, after: Looked, document: Document) -> Iterator[Key]:
    key = ("found", defect.measure, defect.name, strength)
    yield *key, "n"
    said = refused(after, document)
    # What was worn before the painting does not count: only what hides the same thing does.
    same = _SAME[defect.measure]
    if after.faces == 0 or any(reading.measure in same for reading in said):
        yield *key, "said"
    if advise(after, said) is defect.advice:
        yield *key, "named"


_SAME: Final[Mapping[str, frozenset[str]]] = {
    "LowerFaceCovered": frozenset({"LowerFaceCovered", "MouthHidden"}),
    "MouthHidden": frozenset({"LowerFaceCovered", "MouthHidden"}),
    "SunglassesWorn": frozenset({"SunglassesWorn", "GlassesGlare", "HairOverEyes"}),
    "GlassesGlare": frozenset({"SunglassesWorn", "GlassesGlare"}),
    "HairOverEyes": frozenset({"SunglassesWorn", "HairOverEyes"}),
    "HeadCovered": frozenset({"HeadCovered"}),
}


def _alarms(
    name: str, strength: float, after: Looked, document: Document, *, worn: bool
) -> Iterator[Key]:
    said = {reading.measure for reading in refused(after, document)}
    for measure in MEASURES:
        if worn and measure == "HeadCovered":
            continue
        yield "false alarm", measure, name, strength, "n"
        if measure in said:
            yield "false alarm", measure, name, strength, "said"


def _painted(
    looker: Looker, bgr: Picture, looked: Looked, coverings: Mapping[str, Defect]
) -> Iterator[tuple[str, float, Looked]]:
    for name, defect in coverings.items():
        for strength in defect.strengths:
            yield name, strength, _look(looker, bgr, looked, defect.paint, strength)


def _harmless(
    looker: Looker, bgr: Picture, looked: Looked, harmless: Mapping[str, Painter]
) -> Iterator[tuple[str, float, Looked]]:
    for name, paint in harmless.items():
        for strength in HARMLESS_STRENGTHS:
            yield name, strength, _look(looker, bgr, looked, paint, strength)


def _look(looker: Looker, bgr: Picture, looked: Looked, paint: Painter, strength: float) -> Looked:
    if looked.landmarks_px is None or looked.person_mask is None:
        raise ValueError("a portrait without a face cannot be painted on")
    return looker.look(paint(bgr, looked.landmarks_px, looked.person_mask, strength))


def _rate(key: Key, counts: Counter[Key]) -> Rate:
    what, measure, kind, strength, _ = key
    n, said, named = (counts[(*key[:4], count)] for count in ("n", "said", "named"))
    wanted = what == "found" and strength > 0
    return Rate(
        what, measure, kind, strength, kind in HELD_OUT, Share(said, n),
        Share(named, n) if wanted else None,
    )  # fmt: skip
