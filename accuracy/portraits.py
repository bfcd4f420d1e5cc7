"""The labelled portraits as the station judges them as stills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accuracy.looker import Looked, Looker, Picture
from accuracy.material import Material, MaterialMissing
from accuracy.skin import cheeks_angle_deg
from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.measure import CannotAssess, Reading, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One labelled picture and what the station sees in it as a still."""

    labels: Mapping[str, str]
    bgr: Picture
    looked: Looked


@dataclass(frozen=True, slots=True)
class Judged:
    """One portrait: what its labels say, and what the station says.

    Attributes:
        file: its name in the reference material.
        sex, age: as they were asked of the generator; nobody measured them.
        condition, background: in one word each, by eye.
        inter_eye_px: between the eyes, measured apart from our measures.
        angle_deg: of its cheeks, `accuracy.skin`; None where they are not in the picture.
        readings: of every gate, by document.
        advice: the one hint that the hard gates lead to, by document; None: accepted.
    """

    file: str
    sex: str
    age: int
    condition: str
    background: str
    inter_eye_px: float
    angle_deg: float | None
    readings: Mapping[str, tuple[Reading, ...]]
    advice: Mapping[str, Advice | None]

    def reading(self, document: str, gate: str) -> Reading:
        """Return one gate's reading; raises StopIteration if the document has no such gate."""
        return next(one for one in self.readings[document] if one.measure == gate)

    def passes(self, document: str, gate: str) -> bool:
        """Whether the gate lets it through; what could not be assessed does not pass."""
        return self.reading(document, gate).verdict is Verdict.ACCEPTED

    def accepted(self, document: str) -> bool:
        """Whether every hard gate lets it through."""
        hard = [one for one in self.readings[document] if not one.advisory]
        return all(one.verdict is Verdict.ACCEPTED for one in hard)


def look_at(material: Material, looker: Looker) -> tuple[Portrait, ...]:
    """Look at every labelled portrait once. Raises `MaterialMissing`."""
    found = tuple(Portrait(row, bgr, looker.look(bgr)) for row, bgr in material.portraits())
    for one in found:
        if one.looked.landmarks_px is None:
            raise MaterialMissing(f"No face was found in {one.labels['file']}, which has one")
    return found


def judged_portraits(
    portraits: Iterable[Portrait], documents: Iterable[Document]
) -> tuple[Judged, ...]:
    """Return what the documents' gates make of each portrait, and its skin's angle."""
    listed = tuple(documents)
    return tuple(judged(one.labels, one.looked, _angle_deg(one), listed) for one in portraits)


def _angle_deg(portrait: Portrait) -> float | None:
    points = portrait.looked.landmarks_px
    try:
        return None if points is None else cheeks_angle_deg(portrait.bgr, points)
    except CannotAssess:
        return None


def judged(
    labels: Mapping[str, str],
    looked: Looked,
    angle_deg: float | None,
    documents: Iterable[Document],
) -> Judged:
    """Return what the documents' gates make of one look."""
    readings = {each.id: judge(each, looked.natives, live=False) for each in documents}
    hard = {name: [r for r in found if not r.advisory] for name, found in readings.items()}
    return Judged(
        labels["file"], labels["sex"], int(labels["age"]), labels["condition"],
        labels["background"], float(labels["inter_eye_px"]), angle_deg, readings,
        {name: advise(looked, found) for name, found in hard.items()},
    )  # fmt: skip
