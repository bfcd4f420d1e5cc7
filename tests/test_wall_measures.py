"""The wall, the edges, the gaze and the light by hand: walls of one colour, faces of few points."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from quality.face import MEASURES
from quality.face.face import Face
from quality.measure import CannotAssess

BY_NAME = {measure.name: measure for measure in MEASURES}
SIDE = 600
EYES_Y = 280


def points(shift=(0.0, 0.0), gaze=0.0):
    """Eyes 100 px apart and 40 px wide about x 300, chin 120 px below."""
    placed = np.zeros((98, 2))
    placed[:33] = np.column_stack([np.linspace(220, 380, 33), np.full(33, EYES_Y + 60)])
    placed[16] = (300, EYES_Y + 120)
    placed[33:60] = (300, EYES_Y)
    placed[54], placed[57] = (300, EYES_Y + 55), (300, EYES_Y + 60)
    for first, iris, middle in ((60, 96, 250), (68, 97, 350)):
        angle = np.linspace(0, 2 * np.pi, 9)[:8]
        rim = np.column_stack([middle - 20 * np.cos(angle), EYES_Y - 8 * np.sin(angle)])
        placed[first : first + 8] = rim
        placed[iris] = (middle + 40 * gaze, EYES_Y)
    lip = np.linspace(0, 2 * np.pi, 13)[:12]
    placed[76:88] = np.column_stack([300 - 35 * np.cos(lip), EYES_Y + 90 - 10 * np.sin(lip)])
    lip = np.linspace(0, 2 * np.pi, 9)[:8]
    placed[88:96] = np.column_stack([300 - 30 * np.cos(lip), EYES_Y + 90 - 6 * np.sin(lip)])
    return placed + shift


def face(wall=(230, 230, 230), yaw_deg=0.0, bgr=None, masked=True, **where):
    """A grey person before a wall of one colour."""
    person = np.zeros((SIDE, SIDE), np.uint8)
    person[150:, 200:400] = 255
    picture = np.full((SIDE, SIDE, 3), wall, np.uint8) if bgr is None else bgr
    if bgr is None:
        picture[person > 0] = (90, 110, 140)
    mask = person if masked else None
    return Face(
        picture, points(**where), yaw_deg, 0.0, 0.0, (100.0,), whole_px=False, person_mask=mask
    )


def value(name, sample):
    return BY_NAME[name].compute(sample)


def test_the_wall_is_as_light_as_its_darkest_channel():
    """A wall that lacks blue is not white, however much red and green it has."""
    assert value("BackgroundLightness", face((100, 200, 230))) == pytest.approx(100)
    assert value("BackgroundLightness", face((230, 200, 101))) == pytest.approx(101)
    assert value("BackgroundColourSpread", face((100, 200, 230))) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("wall", [(230, 230, 200), (200, 230, 230), (230, 200, 230)])
def test_any_tint_of_the_wall_is_a_cast_and_grey_is_none(wall):
    """Yellow, blue, green: each shows, in either of the two colour axes."""
    assert value("ColourCast", face(wall)) > 10
    assert value("ColourCast", face((180, 180, 180))) < 0.5


def test_a_shadow_is_the_share_of_its_own_wall_s_light_that_is_missing():
    """Half the light on a patch reads a half, on a white wall as on a grey one."""
    for level in (230, 150):
        sample = face((level, level, level))
        bgr = sample.bgr.copy()
        half = round(
            255 * (1.055 * (0.5 * ((level / 255 + 0.055) / 1.055) ** 2.4) ** (1 / 2.4) - 0.055)
        )
        bgr[200:400, 430:520] = half

        assert value("WallShadow", sample) == pytest.approx(0, abs=0.01)
        assert value("WallShadow", face(bgr=bgr)) == pytest.approx(0.5, abs=0.06)


def test_a_shadow_on_most_of_the_wall_is_a_shadow():
    """The wall's own light is what its brighter part has, not what most of it has."""
    sample = face(bgr=np.full((SIDE, SIDE, 3), 230, np.uint8))
    sample.bgr[:, :430] = 169

    assert value("WallShadow", sample) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("shift", [(180, 0), (-180, 0), (0, -230)])
def test_what_lies_beyond_the_picture_is_no_wall(shift):
    """A head near the edge stands before as light a wall as one in the middle."""
    beside = face(shift=shift)

    assert value("BackgroundLightness", beside) == pytest.approx(230)
    assert value("WallShadow", beside) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "name", ["BackgroundLightness", "BackgroundColourSpread", "WallShadow", "ColourCast"]
)
def test_without_a_mask_or_a_wall_nothing_is_said_of_it(name):
    """What nobody can see is not assessed."""
    with pytest.raises(CannotAssess, match="mask"):
        value(name, face(masked=False))
    full = face()
    full.person_mask[:] = 255
    with pytest.raises(CannotAssess, match="background"):
        value(name, full)


@pytest.mark.parametrize(
    ("shift", "away"),
    [((-230, 0), -0.1), ((230, 0), -0.1), ((0, -290), -0.18), ((0, 220), -0.2), ((0, 0), 2.0)],
)
def test_a_face_is_cut_by_whichever_edge_is_nearest(shift, away):
    """Left, right, above, below: in eye distances, less than 0 outside."""
    assert value("FaceEdgeDistance", face(shift=shift)) == pytest.approx(away)


def test_gaze_is_freed_of_the_head_s_turn():
    """A tenth of an eye's width is a tenth; a turned head that looks back at the camera reads 0."""
    assert value("GazeAway", face()) == pytest.approx(0)
    assert value("GazeAway", face(gaze=0.1)) == pytest.approx(0.1)
    assert value("GazeAway", face(gaze=-0.1)) == pytest.approx(-0.1)
    assert value("GazeAway", face(gaze=-0.1, yaw_deg=30.0)) == pytest.approx(0)


def test_lids_that_are_nearly_shut_hide_where_an_eye_looks():
    """Heavy lids are not assessed, and so refused for nothing."""
    sample = face(gaze=0.3)
    lids = sample.landmarks_px[60:76]
    lids[:, 1] = EYES_Y + (lids[:, 1] - EYES_Y) / 6
    with pytest.raises(CannotAssess, match="shut"):
        value("GazeAway", sample)


@pytest.mark.parametrize("side", [slice(None, 300), slice(300, None)])
def test_the_darker_cheek_counts_whichever_it_is(side):
    """Half the light on one cheek reads a half."""
    bgr = np.full((SIDE, SIDE, 3), 200, np.uint8)
    bgr[:, side] = 146

    assert value("CheekLightRatio", face(bgr=bgr)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("between", "seen"), [((200, 215, 225), True), ((90, 90, 235), False)])
def test_teeth_are_bright_and_pale_and_a_tongue_is_not(between, seen):
    """What shows between red lips is teeth only if it is hardly red."""
    sample = face(bgr=np.full((SIDE, SIDE, 3), (90, 110, 140), np.uint8))
    for part, colour in ((slice(76, 88), (60, 60, 150)), (slice(88, 96), between)):
        cv2.fillPoly(sample.bgr, [sample.landmarks_px[part].astype(np.int32)], colour)

    assert (value("TeethVisible", sample) > 0.2) is seen
