"""What live frames spare themselves, on real faces."""

from __future__ import annotations

from dataclasses import replace

import cv2
import pytest

from accuracy.masks_painted import mask, plain
from quality.face import LIVE_MEASURES
from quality.face.close_up import close_up
from quality.face.face import Face
from quality.measure import natives

SLACK = 0.1
"""Between halving by samples and by areas: a best fit among whole shifts may take the next one."""


@pytest.mark.parametrize("height_px", [480, 960])
@pytest.mark.parametrize("masked", [False, True])
def test_a_face_halved_by_samples_reads_as_one_halved_by_areas(compliant, height_px, masked):
    """Live, and in any size, a covering is seen as on a still of the same pixels."""
    cloth = plain(0.75, 0.55, 0.32)
    for portrait in compliant:
        looked, bgr = portrait.looked, portrait.bgr
        if masked:
            bgr = mask(bgr, looked.landmarks_px, looked.person_mask, 1.0, cloth=cloth)
        scale = height_px / bgr.shape[0]
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        live = Face(small, looked.landmarks_px * scale, *looked.pose_deg, (1.0,), whole_px=False)
        whole = replace(live)
        whole.__dict__["aligned"] = replace(live.aligned, whole_px=True)
        # Nor does it change anything that a live frame leaves out the hair.
        whole.__dict__["close_up"] = close_up(whole.aligned)
        ours, theirs = natives(LIVE_MEASURES, live), natives(LIVE_MEASURES, whole)

        assert live.close_up.bgr.size < whole.close_up.bgr.size / 2
        assert ours.keys() == theirs.keys()
        for name, native in ours.items():
            assert native.value == pytest.approx(theirs[name].value, abs=SLACK), name
