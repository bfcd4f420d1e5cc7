"""The head's outline out of drawn masks: hair, sides, tilt, and what is not head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from quality.face.outline import outline_of

WIDTH_PX, HEIGHT_PX = 600, 800
CHIN, EARS = 152, (234, 454)


def mesh(middle=(300.0, 400.0), roll_deg=0.0) -> np.ndarray:
    """Eyes 120 px apart about `middle`, chin 130 px below, face 220 px wide."""
    points = np.zeros((478, 2))
    for number, xy in {
        33: (-80, 0), 133: (-40, 0), 362: (40, 0), 263: (80, 0), CHIN: (0, 130),
        EARS[0]: (-110, 10), EARS[1]: (110, 10),
    }.items():  # fmt: skip
        points[number] = xy
    a = np.radians(roll_deg)  # anticlockwise in the picture, where y points down
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return points @ turn.T + middle


def head(top_y=250, half_width=115) -> np.ndarray:
    """A person: an ellipse from `top_y` to the chin, and shoulders below."""
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    bottom = 540
    cv2.ellipse(
        mask, (300, (top_y + bottom) // 2), (half_width, (bottom - top_y) // 2), 0, 0, 360, 255, -1
    )
    mask[560:, 100:500] = 255
    return mask


def look(mask, **where):
    return outline_of(mesh(**where), where.get("roll_deg", 0.0), WIDTH_PX, HEIGHT_PX, mask)


def test_points_are_named_by_the_picture_s_sides():
    """Left is left in the picture; without a mask nothing is said of hair and sides."""
    outline = look(None)

    assert outline.eye_left_px == (240, 400)
    assert outline.eye_right_px == (360, 400)
    assert outline.chin_px == (300, 530)
    assert (outline.ear_left_px, outline.ear_right_px) == ((190, 410), (410, 410))
    assert (outline.hair_top_y_px, outline.head_left_x_px, outline.head_right_x_px) == (None,) * 3
    assert (outline.width_px, outline.height_px) == (WIDTH_PX, HEIGHT_PX)


def test_hair_and_sides_are_the_mask_s():
    """The drawn head's top and its sides at eye height, to a few px."""
    outline = look(head())

    assert outline.hair_top_y_px == pytest.approx(250, abs=3)
    assert outline.head_left_x_px == pytest.approx(185, abs=2)
    assert outline.head_right_x_px == pytest.approx(415, abs=2)


@pytest.mark.parametrize("shift", [10, 25, 60])
def test_higher_hair_is_a_higher_top(shift):
    """Hair that rises by k px moves the top by k px."""
    rise = look(head()).hair_top_y_px - look(head(top_y=250 - shift)).hair_top_y_px

    assert rise == pytest.approx(shift, abs=3)


def test_long_hair_does_not_widen_the_head_without_end():
    """Hair, a collar or a hand at eye height counts up to a tenth of the face beyond the ears."""
    mask = head()
    mask[380:, 60:540] = 255
    outline = look(mask)

    assert outline.head_left_x_px == pytest.approx(190 - 22)
    assert outline.head_right_x_px == pytest.approx(410 + 22)


def test_a_plume_and_a_lamp_are_no_hair():
    """A thin plume on the head, or something apart above it, does not raise the top."""
    mask = head()
    cv2.line(mask, (300, 260), (300, 100), 255, 9)
    mask[20:80, 200:400] = 255

    assert look(mask).hair_top_y_px == pytest.approx(250, abs=6)


@pytest.mark.parametrize("roll_deg", [-25.0, -8.0, 8.0, 25.0])
def test_a_tilted_head_is_followed_along_its_axis(roll_deg):
    """The crown of a tilted head is not above its eyes; its top row is found where it is."""
    turn = cv2.getRotationMatrix2D((300, 400), roll_deg, 1)  # anticlockwise in the picture
    mask = np.asarray(cv2.warpAffine(head(150, 90), turn, (WIDTH_PX, HEIGHT_PX)), np.uint8)
    top = int(np.flatnonzero(mask.any(axis=1))[0])

    assert look(mask, roll_deg=roll_deg).hair_top_y_px == pytest.approx(top, abs=6)


def test_a_head_that_leaves_the_picture_has_no_known_top():
    """Hair at the upper edge may go on above it: the crop must not take it for the crown."""
    mask = head()
    mask[:300, 200:400] = 255

    assert look(mask).hair_top_y_px is None


@pytest.mark.parametrize(
    "middle", [(300.0, 400.0), (-50.0, 400.0), (900.0, 100.0), (300.0, -20.0), (5.0, 790.0)]
)
def test_an_empty_mask_or_a_face_outside_says_nothing(middle):
    """Where the mask knows no person at the eyes, hair and sides stay unknown."""
    outline = look(np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8), middle=middle)

    assert (outline.hair_top_y_px, outline.head_left_x_px, outline.head_right_x_px) == (None,) * 3


def test_a_mask_of_another_picture_is_refused():
    """A mask belongs to one picture: its size must be the picture's."""
    with pytest.raises(ValueError, match="mask"):
        outline_of(mesh(), 0.0, WIDTH_PX, HEIGHT_PX, np.zeros((10, 10), np.uint8))
