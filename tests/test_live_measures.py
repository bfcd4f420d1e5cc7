"""What live frames spare themselves changes nothing that a gate would notice."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from accuracy.made_up import made_up_face
from quality.face import LIVE_MEASURES
from quality.face.alignment import Aligned
from quality.face.cheeks import cheek_zones
from quality.face.close_up import CloseUp, median_of, tone_of
from quality.face.likeness import SHIFTS, Forms
from quality.face.luminance import luminance
from quality.face.region import boxed_hull, hull_of, landmarked_region
from quality.measure import CannotAssess, natives

# They look for lips, lids and cloth, of which a made-up face has none: tests/accuracy/test_live.py.
OF_REAL_FACES = {"MouthHidden", "SunglassesWorn", "LowerFaceCovered"}
MADE_UP = [measure for measure in LIVE_MEASURES if measure.name not in OF_REAL_FACES]


@pytest.mark.parametrize("seed", range(12))
def test_a_part_of_the_aligned_face_reads_as_the_whole(seed):
    """Only the face's boxes are warped on a live frame; values stay within a thousandth."""
    live = replace(made_up_face(seed), whole_px=False)
    whole = replace(live)
    # Values are those of points that are not rounded, on pixels that were all brought there.
    whole.__dict__["aligned"] = replace(live.aligned, whole_px=True)
    ours, theirs = natives(MADE_UP, live), natives(MADE_UP, whole)

    assert ours.keys() == theirs.keys()
    for name, native in ours.items():
        assert (native.value is None) == (theirs[name].value is None), name
        assert native.value is None or native.value == pytest.approx(theirs[name].value, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_region_of_a_live_frame_is_ofiqs_but_for_its_rim(seed):
    """The hull is filled at once instead of over a small box: a pixel or two at the edge."""
    points = made_up_face(seed).aligned.landmarks_px
    ours, theirs = hull_of(points, 616, 616), landmarked_region(points, 616, 616)
    inner = cv2.erode(theirs.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    outer = cv2.dilate(theirs.view(np.uint8), np.ones((9, 9), np.uint8)) > 0

    assert (ours >= inner).all()
    assert (ours <= outer).all()
    assert (ours != theirs).mean() < 0.01


def test_quick_light_is_the_exact_one_but_for_a_level_in_ten_thousand():
    """Single precision moves only what lies next to a half."""
    bgr = np.random.default_rng(5).integers(0, 256, (1000, 1000, 3), np.uint8)
    apart = np.abs(luminance(bgr, exact=False).astype(int) - luminance(bgr))

    assert apart.max() <= 1
    assert apart.mean() < 1e-4


def test_a_still_is_warped_whole():
    """OFIQ's values are of the whole aligned face, bit by bit."""
    face = made_up_face(0)
    box, _, _ = face.aligned.boxed

    assert face.aligned.whole_px
    assert np.array_equal(face.aligned._part(box), face.aligned.bgr[box])


def test_an_empty_live_frame_is_not_assessed():
    """Nothing to warp is a reason, not a crash."""
    aligned = made_up_face(0).aligned
    empty = Aligned(
        np.zeros((0, 0, 3), np.uint8), aligned.transform, aligned.landmarks_px, whole_px=False
    )

    with pytest.raises(CannotAssess, match="empty picture"):
        _ = empty.boxed


@pytest.mark.parametrize("away", [(0, 0), (-250, 0), (0, 260), (330, -300), (900, 0)])
def test_a_boxed_hull_is_the_whole_ones_part(away):
    """Only the box of a live face's region is filled, also where it leaves the picture."""
    points = made_up_face(1).aligned.landmarks_px + away
    whole = np.zeros((616, 616), np.uint8)
    cv2.fillConvexPoly(whole, cv2.convexHull(np.floor(points + 0.5).astype(np.int32)), 1)
    box, inside = boxed_hull(points, 616, 616)

    assert np.array_equal(whole[box], inside)
    assert whole.sum() == inside.sum()


def test_a_live_face_beside_its_picture_has_no_region():
    """No pixel of the region is a reason, as on a still."""
    aligned = made_up_face(0).aligned
    beside = replace(aligned, landmarks_px=aligned.landmarks_px + 900, whole_px=False)

    with pytest.raises(CannotAssess, match="empty face region"):
        _ = beside.boxed


@pytest.mark.parametrize("whole_px", [True, False])
@pytest.mark.parametrize("down", [0, 110, -120, -260, 250])
def test_light_in_a_zone_is_that_of_the_regions_pixels(whole_px, down):
    """Taken from the region's box, wherever the zone lies: within, across its rim, or beyond."""
    aligned = replace(made_up_face(2).aligned, whole_px=whole_px)
    for rows, columns in cheek_zones(aligned, whole_px=whole_px):
        zone = slice(rows.start + down, rows.stop + down), columns
        region = aligned.luminance[zone][aligned.region[zone]]

        assert np.array_equal(np.sort(aligned.light_in(zone)), np.sort(region))


def test_likeness_is_the_best_correlation_of_any_form_at_any_shift():
    """All shifts and forms are multiplied at once, and give what one after the other gives."""
    drawn = np.random.default_rng(3)
    plane, forms = drawn.normal(size=(21 + 2 * SHIFTS, 25)), drawn.normal(size=(3, 21, 25))
    plane[3:24] += forms[1]
    correlations = [
        np.corrcoef(plane[first : first + 21].ravel(), form.ravel())[0, 1]
        for first in range(2 * SHIFTS + 1)
        for form in forms
    ]

    assert Forms(*forms).best_likeness(plane) == pytest.approx(max(correlations))
    assert Forms(*forms).best_likeness(np.full_like(plane, 7.0)) == 0.0


@pytest.mark.parametrize("shape", [(1,), (4,), (7, 5), (6, 5)])
def test_the_quick_median_is_the_median(shape):
    """Of an odd and of an even number of values, of any shape."""
    values = np.random.default_rng(4).normal(size=shape)

    assert median_of(values) == pytest.approx(float(np.median(values)), abs=1e-15)


def test_a_places_tone_is_taken_once():
    """Three measures compare with the same skin, and it stays that place's."""
    bgr = np.random.default_rng(6).integers(0, 256, (200, 140, 3), np.uint8)
    close = CloseUp(bgr, np.zeros((98, 2)))
    places = [(slice(y, y + 9), slice(x, x + 9)) for y in (20, 30) for x in (40, 60)]
    tones = [close.tone(place) for place in places]

    assert tones == [tone_of(bgr[place].reshape(-1, 3)) for place in places]
    assert all(close.tone(place) is tone for place, tone in zip(places, tones, strict=True))
