"""What live frames spare themselves changes nothing that a gate would notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from accuracy.made_up import made_up_face
from quality.face import LIVE_MEASURES
from quality.face.alignment import Aligned
from quality.measure import CannotAssess, natives


@pytest.mark.parametrize("seed", range(12))
def test_a_part_of_the_aligned_face_reads_as_the_whole(seed):
    """Only the face's box is warped on a live frame; every value stays within a thousandth."""
    live = replace(made_up_face(seed), whole_px=False)
    whole = replace(live)
    # Values are those of points that are not rounded, on pixels that were all brought there.
    whole.__dict__["aligned"] = replace(live.aligned, whole_px=True)
    ours, theirs = natives(LIVE_MEASURES, live), natives(LIVE_MEASURES, whole)
    _, light, inside = live.aligned.boxed

    assert ours.keys() == theirs.keys()
    for name, native in ours.items():
        assert (native.value is None) == (theirs[name].value is None), name
        assert native.value is None or native.value == pytest.approx(theirs[name].value, abs=1e-3)
    assert light.shape == inside.shape
    assert np.abs(light.astype(int) - whole.aligned.boxed[1]).mean() < 0.5


def test_a_still_is_warped_whole():
    """OFIQ's values are of the whole aligned face, bit by bit."""
    face = made_up_face(0)
    box, _, _ = face.aligned.boxed

    assert face.aligned.whole_px
    assert np.array_equal(
        face.aligned._part(box[1].start, box[0].start, 40, 50), face.aligned.bgr[box][:50, :40]
    )


def test_an_empty_live_frame_is_not_assessed():
    """Nothing to warp is a reason, not a crash."""
    aligned = made_up_face(0).aligned
    empty = Aligned(
        np.zeros((0, 0, 3), np.uint8), aligned.transform, aligned.landmarks_px, whole_px=False
    )

    with pytest.raises(CannotAssess, match="empty picture"):
        _ = empty.boxed
