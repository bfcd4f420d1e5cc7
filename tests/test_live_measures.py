"""What live frames spare themselves changes nothing that a gate would notice."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from accuracy.made_up import made_up_face
from quality.face import LIVE_MEASURES
from quality.face.alignment import Aligned
from quality.face.luminance import luminance
from quality.face.region import hull_of, landmarked_region
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
