"""The skin's angle on colours whose angle is known."""

from __future__ import annotations

import numpy as np
import pytest

from accuracy.made_up import made_up_face
from accuracy.skin import cheeks_angle_deg, class_of, lab_d65, linear, typology_angle_deg


@pytest.mark.parametrize(
    ("lightness", "yellowness", "angle_deg", "name"),
    [
        (70, 20, 45.0, "light"),
        (50, 20, 0.0, "brown"),
        (30, 20, -45.0, "dark"),
        (60, 17.32050808, 30.0, "intermediate"),
        (80, 17.32050808, 60.0, "very light"),
        (55, 13.73738710, 20.0, "tan"),
    ],
)
def test_an_angle_is_that_of_lightness_over_yellow(lightness, yellowness, angle_deg, name):
    """atan((L - 50) / b) in degrees, and the class it lies in."""
    found = typology_angle_deg(lightness, yellowness)

    assert found == pytest.approx(angle_deg, abs=1e-6)
    assert class_of(found) == name


@pytest.mark.parametrize(
    ("angle_deg", "name"),
    [(55.001, "very light"), (55, "light"), (41, "intermediate"), (28, "tan"), (10, "brown"),
     (-30, "dark"), (-89, "dark")],
)  # fmt: skip
def test_a_limit_belongs_to_the_darker_class(angle_deg, name):
    """Every angle has one class."""
    assert class_of(angle_deg) == name


@pytest.mark.parametrize(
    ("srgb", "lab"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
    ],
)
def test_colours_have_their_published_lab_values(srgb, lab):
    """sRGB through linear light to CIE Lab under D65."""
    assert lab_d65(linear(srgb)) == pytest.approx(lab, abs=0.02)


def test_cheeks_are_measured_in_linear_light_and_without_what_lies_over_them():
    """A face of one colour has that colour's angle, also with a thin dark lock over a cheek."""
    face = made_up_face(3)
    bgr = np.full_like(face.bgr, (120, 160, 210))
    lightness, _, yellowness = lab_d65(linear((210, 160, 120)))
    expected = typology_angle_deg(lightness, yellowness)
    lock = bgr.copy()
    x = int(face.landmarks_px[60:68, 0].mean())
    lock[:, x - 3 : x + 3] = 10

    assert cheeks_angle_deg(bgr, face.landmarks_px) == pytest.approx(expected, abs=0.01)
    assert cheeks_angle_deg(lock, face.landmarks_px) == pytest.approx(expected, abs=0.01)
