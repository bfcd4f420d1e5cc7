"""How far apart the comparer finds one person's changed pictures, and different persons' pictures.

It does not prove much, and the page must say so: one person's pictures are one photograph, spoilt
by us, so neither years nor another camera lie between them; ageing is not simulated. The different
persons are few, most of them generated, so their rate says nothing of a population's; yet that
nearly all who are taken for one another come from regions which the network was hardly trained on
is what others report of it too. A threshold for a site is found on its own people and cameras.
"""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from edge.comparison.dlib import Config, open_comparer

Picture = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]

ID_WIDTH_PX: Final = 358
"""Of a resident identity card's photo, the smallest that may be taken over."""
EAST_ASIA: Final = frozenset(
    {"China", "Hong Kong", "Japan", "Mongolia", "Republic of Korea", "Taiwan"}
)
"""As the portraits' labels name where a face was asked to be from."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's picture, and what is known of the person."""

    name: str
    bgr: Picture
    sex: str = ""
    age: int | None = None
    country: str = ""


def _lit(factor: float) -> Callable[[Picture], Picture]:
    return lambda bgr: np.clip(bgr * factor, 0, 255).astype(np.uint8)


def _squeezed(bgr: Picture, quality: int = 25) -> Picture:
    out = io.BytesIO()
    Image.fromarray(bgr[:, :, ::-1]).save(out, "JPEG", quality=quality)
    return np.ascontiguousarray(np.asarray(Image.open(out))[:, :, ::-1])


def _turned(degrees: float) -> Callable[[Picture], Picture]:
    def turned(bgr: Picture) -> Picture:
        height, width = bgr.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(bgr, matrix, (width, height), borderMode=border), np.uint8)

    return turned


def _small(bgr: Picture) -> Picture:
    size = (ID_WIDTH_PX, round(bgr.shape[0] * ID_WIDTH_PX / bgr.shape[1]))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


CHANGES: Final[Mapping[str, Callable[[Picture], Picture]]] = {
    "light x 0.5": _lit(0.5),
    "light x 1.4": _lit(1.4),
    "JPEG quality 25": _squeezed,
    "tilted by 8 degrees": _turned(8),
    "358 px wide": _small,
    "358 px wide, dark, quality 25": lambda bgr: _squeezed(_lit(0.6)(_small(bgr))),
}


def rates(
    people: Sequence[Person],
    config: Config | None = None,
    changes: Mapping[str, Callable[[Picture], Picture]] = CHANGES,
) -> list[dict[str, Any]]:
    """Return one row a kind of pair.

    A row has `pairs` (in words), `n`, `agree` (how many lie within the threshold), `distance_min`,
    `distance_median`, `distance_max` (None without a pair) and `no_value` (pictures that
    could not be compared, among those of the row).

    Args:
        people: each another person.
        config: of the comparer; None: where set-up puts its files.
        changes: what is done to one person's picture, by name.

    Raises:
        ModuleNotFoundError: the optional comparison is not set up.
        ModelUnfit: a model file is missing or another.
    """
    config = config or Config()
    vector = _vectors(config)
    originals = {one.name: vector(one.bgr) for one in people}
    rows = []
    for name, change in changes.items():
        changed = [(originals[one.name], vector(change(one.bgr))) for one in people]
        rows.append(_row(f"same person: {name}", changed, config.distance_max))
    east_asian = [one for one in people if one.country in EAST_ASIA]
    others = [one for one in people if one.country and one.country not in EAST_ASIA]
    kinds = {
        "different persons": list(combinations(people, 2)),
        "different persons of one sex": list(_alike(people)),
        "different persons of one sex, at most 5 years apart": list(_alike(people, years=5)),
        "different persons of one sex, both of East Asia": list(_alike(east_asian)),
        "different persons of one sex, neither of East Asia": list(_alike(others)),
    }
    for name, pairs in kinds.items():
        both = [(originals[one.name], originals[other.name]) for one, other in pairs]
        rows.append(_row(name, both, config.distance_max))
    return rows


def _alike(people: Iterable[Person], years: int | None = None) -> Iterator[tuple[Person, Person]]:
    for one, other in combinations(people, 2):
        near = years is None or (
            one.age is not None and other.age is not None and abs(one.age - other.age) <= years
        )
        if one.sex and one.sex == other.sex and near:
            yield one, other


def _row(
    name: str, pairs: Sequence[tuple[Vector | None, Vector | None]], distance_max: float
) -> dict[str, Any]:
    distances = [
        float(np.linalg.norm(one - other))
        for one, other in pairs
        if one is not None and other is not None
    ]
    return {
        "pairs": name,
        "n": len(distances),
        "agree": sum(distance <= distance_max for distance in distances),
        "distance_min": min(distances, default=None),
        "distance_median": statistics.median(distances) if distances else None,
        "distance_max": max(distances, default=None),
        "no_value": len(pairs) - len(distances),
    }


def _vectors(config: Config) -> Callable[[Picture], Vector | None]:
    """Return how a picture becomes its point, by the very code that runs in the cell."""
    # Opening checks the files; comparing pair by pair would take hours.
    open_comparer(config).close()
    from edge.comparison.dlib_worker import (  # noqa: PLC0415 - dlib is optional, the page is not
        Matcher,
        NoSingleFace,
    )

    matcher = Matcher(str(config.resnet), str(config.five_points))

    def vector(bgr: Picture) -> Vector | None:
        try:
            return matcher.face_vector(bgr)
        except NoSingleFace:
            return None

    return vector
