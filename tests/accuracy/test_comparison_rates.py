"""The rates of the face comparison, counted on people whose pictures are there from nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from accuracy.comparison import CHANGES, Person, rates
from edge.comparison.dlib import Config
from tests.test_comparison import FILES, installed


@pytest.fixture(scope="module")
def config():
    if not installed():
        pytest.skip("the optional face comparison is not set up: python3.11 -m setup comparison")
    return Config(**FILES)


@pytest.fixture(scope="module")
def rows(config, pictures):
    """Two men of one age, a woman of another country, and a wall."""

    def person(name, sex, age, country):
        bgr = cv2.resize(cv2.imread(str(pictures / f"{name}.jpg")), (360, 360))
        return Person(name, bgr, sex, age, country)

    people = [
        person("man-25", "male", 25, "China"),
        person("man-35", "male", 28, "Japan"),
        person("woman-78", "female", 78, "Iceland"),
        Person("wall", np.full((300, 300, 3), 180, np.uint8), "male", 26, "China"),
    ]
    return {row["pairs"]: row for row in rates(people, config)}


@pytest.mark.parametrize("change", CHANGES)
def test_one_person_s_spoilt_pictures_stay_near(rows, change):
    """What we paint leaves these three within the threshold; the wall has no value, and is told."""
    row = rows[f"same person: {change}"]

    assert (row["n"], row["agree"], row["no_value"]) == (3, 3, 1)
    assert 0 < row["distance_min"] <= row["distance_median"] <= row["distance_max"] < 0.6


def test_pairs_are_counted_once_each(rows):
    """Three faces make three pairs, of which one is of one sex, age and region."""
    counts = {name: (row["n"], row["no_value"]) for name, row in rows.items() if "diff" in name}

    assert counts == {
        "different persons": (3, 3),
        "different persons of one sex": (1, 2),
        "different persons of one sex, at most 5 years apart": (1, 2),
        "different persons of one sex, both of East Asia": (1, 2),
        "different persons of one sex, neither of East Asia": (0, 0),
    }


def test_a_row_without_a_pair_has_no_figure(rows):
    """Nothing measured is None, never a zero."""
    row = rows["different persons of one sex, neither of East Asia"]

    assert (row["distance_min"], row["distance_median"], row["distance_max"]) == (None, None, None)


def test_the_threshold_decides_what_counts_as_agreeing(rows, config, pictures):
    """Agreeing is lying within `distance_max`, whatever it is set to."""
    bgr = cv2.resize(cv2.imread(str(pictures / "man-25.jpg")), (360, 360))
    barely = {"one level darker": lambda picture: np.maximum(picture, 1) - 1}
    never = config.model_copy(update={"distance_max": 1e-6})
    strict = rates([Person("man-25", bgr)], never, barely)

    assert rows["different persons"]["agree"] == 0
    assert rows["different persons"]["distance_min"] > 0.6
    assert all(row["agree"] == 0 for row in strict)
