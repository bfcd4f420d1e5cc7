"""What live frames spare themselves changes nothing that a gate would notice."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from accuracy.made_up import made_up_face
from quality.face import LIVE_MEASURES
from quality.face.alignment import Aligned
from quality.face.region import hull_of, landmarked_region
from quality.measure import CannotAssess, natives

# Best fits and brightest tenths, on a face that has neither mouth nor eyes to be found.
SLACK = {"MouthHidden": 0.06, "SunglassesWorn": 0.06, "LowerFaceCovered": 0.06}


@pytest.mark.parametrize("seed", range(12))
def test_a_part_of_the_aligned_face_reads_as_the_whole(seed):
    """Only the face's boxes are warped on a live frame; what is not noise stays as it was."""
    face = made_up_face(seed)
    # Half-size pixels are samples here, not areas: they hold a little more of a pixel's noise.
    smooth = np.asarray(cv2.GaussianBlur(face.bgr, (0, 0), 3), np.uint8)
    live = replace(face, bgr=smooth, whole_px=False)
    whole = replace(live)
    # Values are those of points that are not rounded, on pixels that were all brought there.
    whole.__dict__["aligned"] = replace(live.aligned, whole_px=True)
    ours, theirs = natives(LIVE_MEASURES, live), natives(LIVE_MEASURES, whole)

    assert ours.keys() == theirs.keys()
    for name, native in ours.items():
        assert (native.value is None) == (theirs[name].value is None), name
        slack = SLACK.get(name, 0.02)
        assert native.value is None or native.value == pytest.approx(theirs[name].value, abs=slack)


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
