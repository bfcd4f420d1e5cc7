"""The measures of a still, on faces painted so that their values can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quality.face import MEASURES
from quality.face.absent import ABSENT
from quality.face.face import Face
from quality.face.luminance import luminance
from quality.measure import CannotAssess

BY_NAME = {measure.name: measure for measure in MEASURES}
GREYS = luminance(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2))[0]
SIDE = 616


def value(name: str, face: Face) -> float:
    return BY_NAME[name].compute(face)


def painted(bgr=None, **changes) -> Face:
    """A face in OFIQ's standard pose already, so that aligning it changes no pixel.

    Eyes 113 px apart at row 272, mouth at row 402; the region is a disc about (308, 330).
    """
    points = np.zeros((98, 2))
    turn = np.linspace(np.pi, -np.pi, 51, endpoint=False)
    points[:51] = np.column_stack([308 + 140 * np.cos(turn), 330 + 140 * np.sin(turn)])
    points[16] = (308, 470)
    points[51:60] = (308, 336)
    points[57] = (308, 360)
    for first, middle in ((60, 251), (68, 364)):
        points[first : first + 8, 0] = middle + np.array([-22, -10, 0, 10, 22, 10, 0, -10])
        points[first : first + 8, 1] = 272 + np.array([0, -4, -4, -4, 0, 4, 4, 4])
    points[76:88] = [
        (262, 402), (262, 390), (285, 390), (308, 390), (331, 390), (355, 390),
        (355, 402), (355, 414), (331, 414), (308, 414), (285, 414), (262, 414),
    ]  # fmt: skip
    points[88:98] = (308, 402)
    picture = grey(np.full((SIDE, SIDE), 60)) if bgr is None else bgr
    values = {
        "bgr": picture, "landmarks_px": points, "yaw_deg": 0.0, "pitch_deg": 0.0,
        "roll_deg": 0.0, "face_areas_px": (1.0,),
    }  # fmt: skip
    return Face(**(values | changes))


def grey(levels) -> np.ndarray:
    """A grey picture with these luminances: of each the grey that comes nearest."""
    nearest = np.abs(GREYS.astype(int)[:, None] - np.arange(256)).argmin(axis=0)
    return np.repeat(nearest[np.asarray(levels, dtype=int)][..., None], 3, 2).astype(np.uint8)


def flat(level: int) -> np.ndarray:
    """A picture of one colour with exactly this luminance: a grey, or one with less blue."""
    for bright in np.flatnonzero(level <= GREYS):
        blues = np.zeros((1, 256, 3), np.uint8) + np.uint8(bright)
        blues[..., 0] = np.arange(256)
        found = np.flatnonzero(luminance(blues)[0] == level)
        if found.size:
            return np.broadcast_to(blues[0, found[-1]], (SIDE, SIDE, 3)).copy()
    raise AssertionError(level)


def test_it_stands_in_the_standard_pose():
    """What is painted at a place is measured at that place."""
    noise = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    face = painted(noise)

    assert np.array_equal(face.aligned.bgr, noise)
    assert np.array_equal(face.aligned.landmarks_px[60:64], face.landmarks_px[60:64])
    assert face.aligned.region.sum() == pytest.approx(np.pi * 140**2, rel=0.02)


@pytest.mark.parametrize(("shades", "bits"), [((60,), 0), ((0, 255), 1), ((20, 60, 100, 200), 2)])
def test_entropy_counts_the_shades(shades, bits):
    """One shade 0 bit, two alike often 1 bit, four 2 bits."""
    across = np.resize(np.array(shades), SIDE)

    measured = value("DynamicRange", painted(grey(np.broadcast_to(across, (SIDE, SIDE)))))
    assert measured == pytest.approx(bits, abs=1e-3)


def test_variance_of_half_black_half_white():
    """A quarter: the most there is; nothing on one shade; what is no face does not count."""
    split = np.resize(np.array([0, 255]), SIDE) * np.ones((SIDE, 1), int)
    face = painted(grey(split))
    room = np.where(face.aligned.region, 60, split)

    assert value("LuminanceVariance", face) == pytest.approx(0.25, abs=1e-4)
    assert value("LuminanceVariance", painted(grey(room))) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "level", "share"),
    [
        ("UnderExposurePrevention", 0, 1), ("UnderExposurePrevention", 25, 1),
        ("UnderExposurePrevention", 26, 0), ("OverExposurePrevention", 246, 0),
        ("OverExposurePrevention", 247, 1), ("OverExposurePrevention", 255, 1),
    ],
)  # fmt: skip
def test_exposure_begins_and_ends_at_its_level(name, level, share):
    """25 of 255 is still dark, 26 no more; 247 is blown, 246 not yet."""
    assert value(name, painted(flat(level))) == share


def test_only_the_visible_face_is_exposed():
    """Half the face is white; where a mask hides that half nothing is, nor where it hides all."""
    lit = np.full((SIDE, SIDE), 60)
    lit[:, 308:] = 255
    hidden = np.ones((SIDE, SIDE), np.uint8)
    hidden[:, 308:] = 0
    face = painted(grey(lit))

    assert value("OverExposurePrevention", face) == pytest.approx(0.5, abs=0.005)
    assert value("OverExposurePrevention", replace(face, occlusion=hidden)) == 0
    with pytest.raises(CannotAssess, match="visible"):
        value("OverExposurePrevention", replace(face, occlusion=0 * hidden))


LEFT_CHEEK = (slice(337, 370), slice(251, 284))
RIGHT_CHEEK = (slice(337, 370), slice(331, 364))


def test_cheeks_lie_where_the_standard_has_them():
    """33 px a side, from below the eyes halfway to the mouth; one row more or less tells."""
    for cheek in (LEFT_CHEEK, RIGHT_CHEEK):
        apart = np.full((SIDE, SIDE), 60)
        apart[cheek] = 120
        around = np.full((SIDE, SIDE), 120)
        around[LEFT_CHEEK] = around[RIGHT_CHEEK] = 60
        half = np.full((SIDE, SIDE), 60)
        half[cheek][:11] = 120

        assert value("IlluminationUniformity", painted(grey(apart))) == 0
        assert value("IlluminationUniformity", painted(grey(around))) == 1
        assert value("IlluminationUniformity", painted(grey(half))) == pytest.approx(2 / 3)


def test_what_is_no_face_darkens_a_cheek():
    """A cheek that juts out of the landmarks counts zeros there, as OFIQ does."""
    face = painted()
    small = face.landmarks_px.copy()
    small[:51] = np.array([308, 330]) + (small[:51] - (308, 330)) * (40 / 140, 1)
    small[60:68, 0] = 251 + (small[60:68, 0] - 251) / 2
    narrow = painted(landmarks_px=small)
    outside = 1 - narrow.aligned.region[LEFT_CHEEK].mean()
    right = 1 - narrow.aligned.region[RIGHT_CHEEK].mean()

    assert 0.005 < outside != right
    assert value("IlluminationUniformity", narrow) == pytest.approx(1 - abs(outside - right))


def coloured(b: int, g: int, r: int, elsewhere=(0, 0, 40)) -> Face:
    """Cheeks of one colour in a picture that is not grey."""
    picture = np.empty((SIDE, SIDE, 3), np.uint8)
    picture[:] = elsewhere
    picture[LEFT_CHEEK] = picture[RIGHT_CHEEK] = (b, g, r)
    return painted(picture)


def test_colour_is_far_from_skin_or_is_not():
    """Red lies at a* 80.8, b* 69.9 under D50; green has a* below 0; a grey picture none at all."""
    assert value("NaturalColour", coloured(0, 0, 255)) == pytest.approx(
        np.hypot(80.82 - 25, 69.90 - 35), abs=0.05
    )
    assert value("NaturalColour", coloured(0, 255, 0)) == 100
    assert value("NaturalColour", coloured(150, 170, 215)) == 0
    assert value("NaturalColour", painted()) == 0
    # A grey cheek of a coloured picture lies 5 below both ranges, or just on the far side.
    assert value("NaturalColour", coloured(60, 60, 60)) in (
        pytest.approx(np.hypot(5, 5), abs=0.05), 100
    )  # fmt: skip


def test_colour_uses_the_cheeks_mean():
    """Half red and half black has the colour of a red half as strong, before the light's curve."""
    striped = coloured(0, 0, 255)
    striped.bgr[RIGHT_CHEEK] = 0

    assert value("NaturalColour", striped) == pytest.approx(
        value("NaturalColour", coloured(0, 0, 128)), abs=0.3
    )


def hidden(*where) -> np.ndarray:
    mask = np.ones((SIDE, SIDE), np.uint8)
    mask[where] = 0
    return mask


def test_eyes_are_hidden_with_what_is_close():
    """Boxes of 45 x 9 px, widened by 5 px and drawn with their far edge: 56 x 20."""
    left_half = painted(occlusion=hidden(slice(None), slice(0, 252)))
    around = hidden(slice(None), slice(None))
    around[263:283, 224:280] = around[263:283, 337:393] = 1

    assert value("EyesVisible", left_half) == pytest.approx(28 / 56 / 2)
    assert value("EyesVisible", painted(occlusion=around)) == 0
    assert value("EyesVisible", painted(occlusion=1 - around)) == 1
    # At 60 degrees the eyes are 226 px apart: 11 px around them, 68 x 32.
    turned = painted(occlusion=around, yaw_deg=60.0)
    assert value("EyesVisible", turned) == pytest.approx(1 - 56 * 20 / (68 * 32))


def test_a_covered_mouth_and_face():
    """Rows 390 to 414 are mouth: the lower twelve of 25 hidden; of the face half, all, nothing."""
    assert value(
        "MouthOcclusionPrevention", painted(occlusion=hidden(slice(403, None)))
    ) == pytest.approx(12 / 25)
    for rows, share in ((slice(330, None), 0.5), (slice(None), 1.0), (slice(480, None), 0.0)):
        face = painted(occlusion=hidden(rows))
        assert value("FaceOcclusionPrevention", face) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("kind", "share"), [(16, 0.25), (18, 0.25), (15, 0), (17, 0), (0, 0)])
def test_hats_and_cloth_cover_the_head_and_nothing_else(kind, share):
    """A quarter of the upper 196 rows; hair and a necklace are no covering, nor is a shirt."""
    parsing = np.zeros((400, 400), np.uint8)
    parsing[:98, :200] = kind
    parsing[196:] = 16

    assert value("NoHeadCoverings", painted(parsing=parsing)) == share


def ramp() -> np.ndarray:
    """Luminance 5 to 105 from left to right."""
    return grey(np.broadcast_to(np.linspace(5, 105, SIDE), (SIDE, SIDE)))


NOBODY = np.zeros((SIDE, SIDE), np.uint8)
UNPARSED = np.zeros((400, 400), np.uint8)


def test_a_background_s_gradient():
    """A Scharr filter reads 32 times the slope, on a window shrunk by 354 / 492."""
    wanted = 32 * (100 / (SIDE - 1)) * 492 / 354
    face = painted(ramp(), parsing=UNPARSED, person_mask=NOBODY)

    assert value("BackgroundUniformity", face) == pytest.approx(wanted, rel=0.02)
    assert value("BackgroundGradient", face) == value("BackgroundUniformity", face)
    flat_wall = painted(parsing=UNPARSED, person_mask=NOBODY)
    assert value("BackgroundUniformity", flat_wall) == 0


def test_people_are_no_background():
    """A patterned person before a plain wall leaves the wall plain, by either mask."""
    levels = np.full((SIDE, SIDE), 60)
    levels[200:, 200:400:8] = 150
    mask, parsing = NOBODY.copy(), UNPARSED.copy()
    # Hair is half a person to the mask; a slope of it is no background either.
    mask[190:, 190:410] = 128
    parsing[int(190 / 1.39) :, int((190 - 30) / 1.39) : int((410 - 30) / 1.39)] = 1
    face = painted(grey(levels), parsing=parsing, person_mask=mask)
    nobody = painted(grey(levels), parsing=UNPARSED, person_mask=NOBODY)

    for name in ("BackgroundUniformity", "BackgroundGradient"):
        assert value(name, face) == 0
        assert value(name, nobody) > 20
    everywhere = replace(face, parsing=parsing | 1, person_mask=mask | 255)
    for name in ("BackgroundUniformity", "BackgroundGradient"):
        with pytest.raises(CannotAssess, match="no background"):
            value(name, everywhere)


def test_the_picture_s_edge_is_no_background():
    """A plain wall stays plain where the picture ends beside the face and black follows.

    Not quite: the formula leaves a sliver of the edge, which by itself would read 18.
    """
    cut = grey(np.full((SIDE, 480), 200))
    face = painted(cut, parsing=UNPARSED, person_mask=NOBODY[:, :480])

    assert value("BackgroundUniformity", face) < 4
    assert value("BackgroundGradient", face) < 4


def test_room_around_the_face():
    """Eyes at (251, 272) and (364, 272), chin 198 px below, in a picture of 700 x 800 px."""
    points = painted().landmarks_px
    face = painted(np.zeros((800, 700, 3), np.uint8), landmarks_px=points)
    # The middle between the eyes, 307.5, is rounded for this length and for no other.
    length = 198

    assert value("LeftwardCropOfTheFaceImage", face) == 364 / 113
    assert value("RightwardCropOfTheFaceImage", face) == (700 - 251) / 113
    assert value("MarginAboveOfTheFaceImage", face) == 272 / length
    assert value("MarginBelowOfTheFaceImage", face) == (800 - 272) / length
    assert value("HeadSize", face) == np.hypot(0.5, 198) / 800


def test_a_smile_raises_the_corners_whatever_the_tilt():
    """42 px below the nose, 93 px apart; raised by 21 px half of that; tilted the same."""
    face = painted()
    smiling = face.landmarks_px.copy()
    smiling[[76, 82], 1] -= 21
    tilt = np.array([(0.8, 0.6), (-0.6, 0.8)])
    tilted = replace(face, landmarks_px=face.landmarks_px @ tilt, whole_px=False)

    assert value("MouthCornerDrop", face) == pytest.approx(42 / 93)
    assert value("MouthCornerDrop", replace(face, landmarks_px=smiling)) == pytest.approx(21 / 93)
    assert value("MouthCornerDrop", tilted) == pytest.approx(42 / 93)


@pytest.mark.parametrize(
    ("name", "native", "score"),
    [
        ("BackgroundUniformity", 50, 76), ("BackgroundUniformity", 100, 55),
        ("IlluminationUniformity", 0.2, 62), ("IlluminationUniformity", 0.1, 50),
        ("LuminanceVariance", 1 / 60, 100), ("LuminanceVariance", 0.0, 0),
        ("UnderExposurePrevention", 0.5, 100), ("UnderExposurePrevention", 0.85, 76),
        ("UnderExposurePrevention", 0.92, 40), ("OverExposurePrevention", 0.005, 67),
        ("OverExposurePrevention", 0.01, 50), ("OverExposurePrevention", 0.05, 17),
        ("OverExposurePrevention", 0.0, 100), ("DynamicRange", 6.0, 75),
        ("DynamicRange", 8.0, 100), ("NaturalColour", 0.0, 100), ("NaturalColour", 10.0, 54),
        ("EyesVisible", 0.295, 71), ("MouthOcclusionPrevention", 1.0, 0),
        ("FaceOcclusionPrevention", 0.005, 100), ("LeftwardCropOfTheFaceImage", 0.9, 50),
        ("RightwardCropOfTheFaceImage", 1.1, 88), ("MarginAboveOfTheFaceImage", 1.4, 50),
        ("MarginBelowOfTheFaceImage", 1.8, 50), ("NoHeadCoverings", 0.0, 100),
        ("NoHeadCoverings", 0.95, 0), ("NoHeadCoverings", 1.0, 0), ("NoHeadCoverings", 0.02, 91),
        ("UnifiedQualityScore", 23.0, 50), ("Sharpness", -20.0, 44), ("Sharpness", 40.0, 99),
        ("CompressionArtifacts", 0.3308, 51), ("ExpressionNeutrality", -5000.0, 50),
    ],
)  # fmt: skip
def test_components_at_known_values(name, native, score):
    """Pairs of OFIQ's mappings, worked out apart from this code."""
    outputs = {**BY_NAME, **{output.name: output for output in ABSENT}}

    assert outputs[name].component(native) == score


def test_a_stray_landmark_asks_for_no_picture_without_end():
    """One point 5000 px away is no face four pictures high, and a reason, not a gigabyte."""
    points = painted().landmarks_px
    points[8] = (308, 5000)

    with pytest.raises(CannotAssess, match="far larger"):
        value("DynamicRange", painted(landmarks_px=points))
