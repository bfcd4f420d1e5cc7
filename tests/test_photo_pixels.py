"""A photo's pixels: where the transform says, unaliased, and whole where nothing shrinks."""

from __future__ import annotations

from math import cos, pi, radians, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.photos.pixels import HALVE_BELOW, LANCZOS_FROM, warped

STILL = (1500, 1300)
CANVAS = (150, 120)


def placed(scale, roll_deg, middle=(750.0, 650.0)):
    """Still to photo: turned, scaled, the still's `middle` in the photo's middle."""
    c, s = scale * cos(radians(roll_deg)), scale * sin(radians(roll_deg))
    x, y = middle
    u, v = (CANVAS[0] - 1) / 2, (CANVAS[1] - 1) / 2
    return ((c, -s, u - c * x + s * y), (s, c, v - s * x - c * y))


def wave(x, y, length):
    return 128 + 60 * np.sin(2 * pi * x / length) * np.cos(2 * pi * y / length)


def still_of(length):
    y, x = np.mgrid[0 : STILL[1], 0 : STILL[0]]
    return np.repeat(np.rint(wave(x, y, length))[..., None], 3, axis=2).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.one_of(
        st.floats(0.11, 1.0),
        st.sampled_from([1 / 8, HALVE_BELOW, HALVE_BELOW + 1e-6, 1 / 3, LANCZOS_FROM, 1.0]),
    ),
    roll=st.floats(-8, 8),
    shift=st.floats(-20, 20),
)
def test_every_pixel_shows_what_lies_under_it(scale, roll, shift):
    """To a small part of a pixel, at any scale: halving and refining shift nothing."""
    length = 20 / scale
    transform = placed(scale, roll, (750 + shift, 650 - shift))
    photo = warped(still_of(length), transform, CANVAS)
    v, u = np.mgrid[0 : CANVAS[1], 0 : CANVAS[0]]
    matrix = np.array(transform)
    x, y = np.einsum("ij,jhw->ihw", np.linalg.inv(matrix[:, :2]),
                     np.stack([u - matrix[0, 2], v - matrix[1, 2]]))  # fmt: skip
    away = np.abs(photo[..., 1] - wave(x, y, length))

    assert away.max() < 2.5
    assert away.mean() < 0.7


@pytest.mark.parametrize("scale", [0.12, 0.2, 0.26, 0.34, 0.45])
def test_what_is_too_fine_for_the_photo_becomes_grey(scale):
    """A weave of two pixels may not come back as stripes."""
    y, x = np.mgrid[0 : STILL[1], 0 : STILL[0]]
    weave = np.where((x + y) % 2 == 0, 28, 228).astype(np.uint8)
    photo = warped(np.repeat(weave[..., None], 3, axis=2), placed(scale, 3.0), CANVAS)

    assert photo.std() < 12
    assert photo.mean() == pytest.approx(128, abs=2)


def test_nothing_is_lost_where_nothing_shrinks():
    """At scale one, upright and on whole pixels the photo is the still's own pixels."""
    rng = np.random.default_rng(5)
    still = rng.integers(0, 256, (STILL[1], STILL[0], 3), np.uint8)
    photo = warped(still, ((1.0, 0.0, -300.0), (0.0, 1.0, -200.0)), CANVAS)

    assert (photo == still[200:320, 300:450]).all()


@pytest.mark.parametrize("corner", [(0, 0), (STILL[0] - 1, STILL[1] - 1)])
def test_a_crop_at_the_stills_edge_is_still_a_crop(corner):
    """The part that is cut out first never begins outside the still."""
    scale = 0.21
    x = CANVAS[0] / scale / 2 if corner[0] == 0 else STILL[0] - CANVAS[0] / scale / 2
    y = CANVAS[1] / scale / 2 if corner[1] == 0 else STILL[1] - CANVAS[1] / scale / 2
    photo = warped(still_of(100), placed(scale, 0.0, (x - 0.5, y - 0.5)), CANVAS)
    u, v = (0, 0) if corner == (0, 0) else (CANVAS[0] - 1, CANVAS[1] - 1)

    expected = wave(x - 0.5 + (u - 74.5) / scale, y - 0.5 + (v - 59.5) / scale, 100)
    assert photo[v, u, 0] == pytest.approx(expected, abs=5)
