"""Formulas on tiny faces computed by hand: they hold where no reference material is at hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.face import MEASURES
from quality.face.face import Face
from quality.face.landmarks import wflw_98
from quality.face.luminance import luminance
from quality.face.pose import angles_deg
from quality.face.region import landmarked_region
from quality.face.scale import component_of, half_away, halves_away
from quality.measure import natives

BY_NAME = {measure.name: measure for measure in MEASURES}


def face(bgr=None, **points) -> Face:
    """A face of a few points that matter: eyes 100 px apart at y 200, chin 120 px below."""
    placed = np.zeros((98, 2))
    known = {
        16: (250, 320), 54: (250, 250), 76: (215, 290), 82: (285, 290),
        60: (180, 200), 64: (220, 200), 68: (280, 200), 72: (320, 200),
        61: (190, 195), 67: (190, 205), 62: (200, 194), 66: (200, 206), 63: (210, 195),
        65: (210, 205), 69: (290, 196), 75: (290, 204), 70: (300, 195), 74: (300, 205),
        71: (310, 196), 73: (310, 204), 89: (240, 289), 95: (240, 291), 90: (250, 288),
        94: (250, 291), 91: (260, 289), 93: (260, 291),
    }  # fmt: skip
    for number, point in (known | {int(name[1:]): xy for name, xy in points.items()}).items():
        placed[number] = point
    picture = np.zeros((480, 500, 3), np.uint8) if bgr is None else bgr
    return Face(picture, placed, 0.0, 0.0, 0.0, (100.0,))


def test_distances_by_hand():
    """100 px between the eyes; 120 px to the chin of 480; a gap of 3 px; the smaller eye 10 px."""
    values = {name: native.value for name, native in natives(MEASURES, face()).items()}

    assert values["InterEyeDistance"] == 100
    assert values["HeadSize"] == 0.25
    assert values["MouthClosed"] == pytest.approx(3 / 120)
    # The eyes-to-chin line grows with the eyes' lids: aligned by 1.13, and rounded there.
    assert values["EyesOpen"] == pytest.approx(10 / 120, abs=0.006)
    assert values["SingleFacePresent"] == 0


def test_the_narrower_eye_counts_at_its_widest_pair_of_lids():
    """6 px where the lids stand opposite each other, however far other points of them are."""
    narrow = face(
        p61=(190, 198), p67=(190, 202), p62=(200, 197), p66=(200, 203), p63=(210, 198),
        p65=(210, 202),
    )  # fmt: skip

    assert BY_NAME["EyesOpen"].compute(narrow) == pytest.approx(6 / 120, abs=0.006)


def test_turning_lengthens_the_eye_distance():
    """At 60 degrees the eyes look half as far apart as they are."""
    one = face()
    turned = Face(one.bgr, one.landmarks_px, 60.0, 0.0, 0.0, (100.0, 25.0))

    assert BY_NAME["InterEyeDistance"].compute(turned) == pytest.approx(200)
    assert BY_NAME["SingleFacePresent"].compute(turned) == 0.25


@pytest.mark.parametrize(
    ("value", "whole"),
    [(0.5, 1), (1.5, 2), (2.5, 3), (-0.5, -1), (-2.5, -3), (2.4999, 2), (0.0, 0), (-0.4, 0)],
)
def test_halves_go_away_from_zero(value, whole):
    """OFIQ's rounding, which is not Python's: 2.5 becomes 3."""
    assert half_away(value) == whole
    assert halves_away([value, value]).tolist() == [whole, whole]


def test_eye_centres_and_their_middle_are_rounded_or_not():
    """The eye centre 200.5 counts as 201 on a still and as 200.5 live; T's middle never rounds."""
    still = face(p64=(221, 200))
    live = Face(still.bgr, still.landmarks_px, 0.0, 0.0, 0.0, (1.0,), whole_px=False)

    assert BY_NAME["InterEyeDistance"].compute(still) == 99
    assert BY_NAME["InterEyeDistance"].compute(live) == 99.5
    assert BY_NAME["HeadSize"].compute(still) * 480 == pytest.approx(np.hypot(0.5, 120))


@pytest.mark.parametrize(
    ("name", "native", "score"),
    [
        ("HeadSize", 0.45, 100), ("HeadSize", 0.39, 46), ("MouthClosed", 0.04, 94),
        ("MouthClosed", 0.08, 88), ("InterEyeDistance", 70, 50), ("InterEyeDistance", 90, 73),
        ("InterEyeDistance", 120, 92), ("HeadPoseYaw", 5, 99), ("HeadPosePitch", -8, 98),
        ("HeadPoseRoll", 16, 92), ("HeadPoseYaw", 30, 75), ("HeadPoseYaw", 120, 0),
        ("LuminanceMean", 0.17, 35), ("EyesOpen", 0.02, 50), ("SingleFacePresent", 0.0, 100),
    ],
)  # fmt: skip
def test_components_at_known_values(name, native, score):
    """Pairs of OFIQ's mappings, worked out apart from this code."""
    assert BY_NAME[name].component(native) == score


def test_far_values_do_not_overflow():
    """A mapping of a value far below its middle is 0, not an overflow."""
    assert component_of(-1e9, x0=70, w=20) == 0
    assert component_of(1e9, x0=70, w=20) == 100


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Ry(yaw) Rx(pitch) Rz(roll) as a (4, 4) matrix with a scale and a shift."""
    y, p, r = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = 1.7 * ry @ rx @ rz
    matrix[:3, 3] = (3, -4, -50)
    return matrix


@given(st.floats(-170, 170), st.floats(-85, 85), st.floats(-170, 170))
def test_angles_come_back_out_of_a_rotation(yaw, pitch, roll):
    """Whatever the pose, the three angles that made the matrix are found in it."""
    assert angles_deg(rotation(yaw, pitch, roll)) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((4, 4))])
def test_what_is_no_pose_is_refused(matrix):
    """A matrix without axes has no angles."""
    with pytest.raises(ValueError, match="pose matrix"):
        angles_deg(matrix)


def test_mesh_points_become_the_ninety_eight():
    """Chin, pupils and corners are the mesh's own; the contour is spread evenly along the jaw."""
    mesh = np.column_stack([np.arange(478.0), np.zeros(478)])
    points = wflw_98(mesh)
    ring = np.random.default_rng(1).normal(size=(478, 2))
    steps = np.hypot(*np.diff(wflw_98(ring)[:17], axis=0).T)

    assert points.shape == (98, 2)
    assert points[[0, 16, 32, 33, 54, 60, 64, 68, 72, 90, 94, 96, 97], 0].tolist() == [
        127, 152, 356, 70, 4, 33, 133, 362, 263, 13, 14, 468, 473,
    ]  # fmt: skip
    assert (steps > 0).all()
    with pytest.raises(ValueError, match="478"):
        wflw_98(mesh[:468])


def test_an_even_jaw_stays_even():
    """Along a straight jaw the seventeen points stand at equal distances."""
    mesh = np.zeros((478, 2))
    jaw = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
    for place, number in enumerate(jaw):
        mesh[number] = (0, place**2)
    points = wflw_98(mesh)[:17]

    assert np.allclose(np.diff(points[:, 1]), 121 / 16)


def test_luminance_of_known_colours():
    """Black, white, mid grey and the primaries, by the sRGB curve."""
    colours = np.array(
        [[(0, 0, 0), (255, 255, 255), (128, 128, 128), (0, 0, 255), (0, 255, 0), (255, 0, 0)]]
    )

    assert luminance(colours.astype(np.uint8)).tolist() == [[0, 255, 55, 54, 182, 18]]


def test_luminance_is_the_formula_s_for_every_grey_and_many_colours():
    """Tables change no value: floor(255 Y + 0.5) as written."""
    bgr = np.random.default_rng(5).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    share = bgr / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    exact = linear @ np.array([0.0722, 0.7152, 0.2126])

    assert np.array_equal(luminance(bgr), np.floor(255 * exact + 0.5))


def test_only_the_face_counts_for_its_luminance():
    """A white face in a black room is white, and a dark one in a white room is dark."""
    points = face().landmarks_px
    points[:33] = [
        (250 + 110 * np.cos(a), 200 + 120 * np.sin(a)) for a in np.linspace(np.pi, 0, 33)
    ]
    points[points[:, 0] == 0] = (250, 200)
    region = landmarked_region(points, 500, 480)
    grown = cv2.dilate(region.view(np.uint8), np.ones((25, 25), np.uint8)).astype(bool)
    lit, dark = np.zeros((480, 500, 3), np.uint8), np.full((480, 500, 3), 255, np.uint8)
    lit[grown], dark[grown] = 255, 0

    for picture, mean in ((lit, 1.0), (dark, 0.0)):
        subject = Face(picture, points, 0.0, 0.0, 0.0, (1.0,))
        assert BY_NAME["LuminanceMean"].compute(subject) == pytest.approx(mean, abs=0.01)


def test_the_region_lies_within_the_hull():
    """About the hull's area, inside the picture even where the face is cut by its edge."""
    angle = np.linspace(0, 2 * np.pi, 98, endpoint=False)
    circle = np.column_stack([100 * np.cos(angle), 100 * np.sin(angle)])
    whole = landmarked_region(circle + 200, 400, 400)
    cut = landmarked_region(circle + np.array([0, 200]), 400, 400)

    assert whole.sum() == pytest.approx(np.pi * 100**2, rel=0.03)
    assert cut.sum() == pytest.approx(np.pi * 100**2 / 2, rel=0.05)
    assert not cut[:, 102:].any()


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_sharpness_does_not_depend_on_the_distance(factor):
    """The same face, larger or smaller in the picture, is about as sharp."""
    noise = np.random.default_rng(3).normal(size=(480, 500))
    grain = cv2.GaussianBlur(noise, (0, 0), 5)
    one = np.repeat((127 + 60 * grain / np.abs(grain).max())[..., None], 3, 2).astype(np.uint8)
    size = (round(500 * factor), round(480 * factor))
    other = np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    points = face().landmarks_px
    points[points[:, 0] == 0] = (250, 200)
    near = Face(one, points, 0.0, 0.0, 0.0, (1.0,))
    far = Face(other, points * factor, 0.0, 0.0, 0.0, (1.0,))
    values = [BY_NAME["FaceSharpness"].compute(subject) for subject in (near, far)]

    assert values[0] == pytest.approx(values[1], rel=0.25)
