"""How often each gate lets a portrait through, by skin tone, age and sex; what a gap is made of.

A gap between groups is either made of pictures whose fault anyone can see, such as bared teeth, or
it is ours to mend. Which of the two is told by labels that were given by eye, not by our measures.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accuracy.portraits import Judged
from accuracy.shares import Gap, Share, gap, share
from accuracy.skin import CLASSES, class_of

Groups = Mapping[str, Sequence[Judged]]
SeenByEye = Mapping[tuple[str, str], str]
"""(file, gate) -> the fault in words."""

SEEN_BY_EYE: Final = Path(__file__).with_name("seen_by_eye.csv")
GAP_MAX_POINTS: Final = 5.0
MEMBERS_MIN: Final = 8
"""Below that one picture makes 12 points and more: such a group is shown and not compared."""

AGE_BANDS: Final = (("under 30", 30), ("30 to 44", 45), ("45 to 59", 60), ("60 and over", 1000))
THIRDS: Final = ("darkest third", "middle third", "lightest third")

_NEAR_ENOUGH_PX: Final = 120.0
_CONDITIONS: Final[Mapping[str, frozenset[str]]] = {
    "HeadPoseYaw": frozenset({"turned"}),
    "HeadPoseRoll": frozenset({"tilted"}),
    "MouthClosed": frozenset({"teeth"}),
    "TeethVisible": frozenset({"teeth"}),
    "EyesOpen": frozenset({"squint"}),
    "HeadSize": frozenset({"close"}),
    "FaceSharpness": frozenset({"far"}),
    "HeadCovered": frozenset({"cap", "hood", "hijab", "turban", "keffiyeh", "veil"}),
}
"""Which word of the labels names a fault that this gate is there to refuse."""

_PLAIN: Final = "plain_light"
_OF_THE_WALL: Final = frozenset(
    {"BackgroundGradient", "BackgroundColourSpread", "BackgroundLightness", "WallShadow",
     "ColourCast"}
)  # fmt: skip
"""What is judged on the wall, and is nothing of the person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One gap above the limit.

    Attributes:
        gate: whose pass rates differ.
        grouping: by what the portraits were grouped.
        gap: between the groups' pass rates.
        causes: faults that a person sees in refused portraits of the lowest group, and how often.
        unseen: file and value of all refused portraits, of any group, without a fault that is seen.
        left: the widest gap once all portraits with a seen fault are taken out; None if no two
            groups are left to compare.
    """

    gate: str
    grouping: str
    gap: Gap
    causes: Mapping[str, int]
    unseen: tuple[tuple[str, float | None], ...]
    left: Gap | None

    @property
    def explained(self) -> bool:
        """Whether faults that anyone can see leave no gap above the limit."""
        return self.left is None or self.left.points <= GAP_MAX_POINTS


def by_sex(portraits: Sequence[Judged]) -> Groups:
    """Return the portraits by the sex that the generator was asked for."""
    return {sex: [one for one in portraits if one.sex == sex] for sex in ("female", "male")}


def by_age(portraits: Sequence[Judged]) -> Groups:
    """Return the portraits by bands of the age that the generator was asked for."""
    groups: dict[str, list[Judged]] = {name: [] for name, _ in AGE_BANDS}
    for one in portraits:
        groups[next(name for name, below in AGE_BANDS if one.age < below)].append(one)
    return groups


def by_skin_class(portraits: Sequence[Judged]) -> Groups:
    """Return the portraits by the usual six classes of the typology angle."""
    groups: dict[str, list[Judged]] = {name: [] for name, _ in CLASSES}
    for one in portraits:
        if one.angle_deg is not None:
            groups[class_of(one.angle_deg)].append(one)
    return groups


def by_skin_thirds(portraits: Sequence[Judged]) -> Groups:
    """Return three groups of equal size by the typology angle, the darkest first."""
    ordered = sorted(
        (one for one in portraits if one.angle_deg is not None),
        key=lambda one: (one.angle_deg or 0.0, one.file),
    )
    ends = [round(len(ordered) * n / len(THIRDS)) for n in range(len(THIRDS) + 1)]
    return {name: ordered[ends[n] : ends[n + 1]] for n, name in enumerate(THIRDS)}


GROUPINGS: Final[Mapping[str, Callable[[Sequence[Judged]], Groups]]] = {
    "skin tone, thirds": by_skin_thirds,
    "skin tone, classes": by_skin_class,
    "age": by_age,
    "sex": by_sex,
}


def pass_rates(groups: Groups, document: str, gate: str) -> dict[str, Share]:
    """Return how many of each group a gate lets through."""
    return {
        name: share(one.passes(document, gate) for one in members)
        for name, members in groups.items()
    }


def findings(
    portraits: Sequence[Judged], document: str, gates: Iterable[str], seen: SeenByEye
) -> tuple[Finding, ...]:
    """Return every gap above `GAP_MAX_POINTS`, by gate and grouping."""
    found = []
    for gate in gates:
        for grouping, grouped in GROUPINGS.items():
            groups = grouped(portraits)
            widest = gap(pass_rates(groups, document, gate), MEMBERS_MIN)
            if widest is None or widest.points <= GAP_MAX_POINTS:
                continue
            found.append(_finding(gate, grouping, groups, widest, document=document, seen=seen))
    return tuple(found)


def _finding(
    gate: str, grouping: str, groups: Groups, widest: Gap, *, document: str, seen: SeenByEye
) -> Finding:
    refused = {
        name: [one for one in members if not one.passes(document, gate)]
        for name, members in groups.items()
    }
    faults = [fault_seen(one, gate, seen) for one in refused[widest.lowest]]
    everybody = [one for members in refused.values() for one in members]
    without = {
        name: [one for one in members if not fault_seen(one, gate, seen)]
        for name, members in groups.items()
    }
    return Finding(
        gate, grouping, widest,
        {fault: faults.count(fault) for fault in sorted(set(faults)) if fault},
        tuple(
            (one.file, one.reading(document, gate).native)
            for one in everybody
            if not fault_seen(one, gate, seen)
        ),
        gap(pass_rates(without, document, gate), MEMBERS_MIN),
    )  # fmt: skip


def seen_by_eye(path: Path = SEEN_BY_EYE) -> SeenByEye:
    """Return the faults that were seen in pictures whose one-word label names another."""
    with path.open(encoding="utf-8", newline="") as rows:
        return {(row["file"], row["gate"]): row["fault"] for row in csv.DictReader(rows)}


def fault_seen(one: Judged, gate: str, seen: SeenByEye) -> str:
    """Return what a person sees wrong that this gate is there to refuse; "" if nothing."""
    if one.condition in _CONDITIONS.get(gate, frozenset()):
        return one.condition
    if gate in _OF_THE_WALL and one.background != _PLAIN:
        return "no plain light wall"
    if gate == "InterEyeDistance" and one.inter_eye_px < _NEAR_ENOUGH_PX:
        return "too few pixels"
    return seen.get((one.file, gate), "")
