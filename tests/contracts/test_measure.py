"""Whatever file of `quality/face` declares a measure keeps these promises."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quality.face
from quality.face.absent import ABSENT
from quality.face.face import Face
from quality.face_report import report
from quality.measure import (
    ANY,
    CannotAssess,
    Native,
    Standing,
    Verdict,
    assess,
    natives,
)

FOLDER = Path(quality.face.__file__).parent
MODULES = {
    path.stem: module
    for path in sorted(FOLDER.glob("[a-z]*.py"))
    if hasattr(module := import_module(f"quality.face.{path.stem}"), "MEASURE")
}
every_measure = pytest.mark.parametrize("name", MODULES)


def drawn_face(**changes) -> Face:
    """A grey face drawn through the 98-point interface: plausible, nobody's."""
    y, x = np.mgrid[0:480, 0:480]
    shade = 120 + 60 * np.sin(x / 7.0) * np.cos(y / 9.0)
    angle = np.linspace(np.pi, 0, 33)
    points = np.zeros((98, 2))
    points[:33] = np.column_stack([240 + 100 * np.cos(angle), 220 + 130 * np.sin(angle)])
    points[33:42] = np.column_stack([np.linspace(160, 220, 9), np.full(9, 180)])
    points[42:51] = np.column_stack([np.linspace(260, 320, 9), np.full(9, 180)])
    points[51:60] = np.column_stack([np.full(9, 240), np.linspace(205, 260, 9)])
    for first, middle in ((60, 190), (68, 290)):
        eye = np.linspace(0, 2 * np.pi, 9)[:8]
        points[first : first + 8] = np.column_stack(
            [middle - 25 * np.cos(eye), 205 - 8 * np.sin(eye)]
        )
    lip = np.linspace(0, 2 * np.pi, 13)[:12]
    points[76:88] = np.column_stack([240 - 40 * np.cos(lip), 300 - 12 * np.sin(lip)])
    lip = np.linspace(0, 2 * np.pi, 9)[:8]
    points[88:96] = np.column_stack([240 - 35 * np.cos(lip), 300 - 2 * np.sin(lip)])
    points[96:] = [(190, 205), (290, 205)]
    bgr = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    parsing = np.zeros((400, 400), np.uint8)
    parsing[120:, 60:340] = 1
    parsing[:60, 100:300] = 18
    occlusion = np.ones((616, 616), np.uint8)
    occlusion[280:, :300] = 0
    person = np.zeros((480, 480), np.uint8)
    person[60:, 90:390] = 255
    values = {
        "bgr": bgr, "landmarks_px": points, "yaw_deg": 3.0, "pitch_deg": -2.0, "roll_deg": 1.0,
        "face_areas_px": (40000.0, 1000.0), "whole_px": True,
        "parsing": parsing, "occlusion": occlusion, "person_mask": person,
    }  # fmt: skip
    values |= changes
    if values["person_mask"].shape != values["bgr"].shape[:2]:
        values["person_mask"] = np.zeros(values["bgr"].shape[:2], np.uint8)
    return Face(**values)


def test_every_measure_is_listed():
    """A file with a `MEASURE` is in `MEASURES`, once, and no two share a name."""
    declared = [module.MEASURE for module in MODULES.values()]

    assert list(quality.face.MEASURES) == declared
    assert len({measure.name for measure in declared}) == len(declared) >= 10


@every_measure
def test_the_file_bears_the_measure_s_name(name):
    """`HeadPoseYaw` lives in `head_pose_yaw.py`: who knows one finds the other."""
    measure = MODULES[name].MEASURE

    assert "".join(part.capitalize() for part in name.split("_")) == measure.name


@every_measure
def test_it_states_unit_range_and_source(name):
    """Unit, range and source are part of the measure, not of somebody's memory."""
    measure = MODULES[name].MEASURE

    assert measure.unit in {"1", "deg", "px", "bit"}
    assert measure.valid.low is not None
    assert measure.valid.high is not None
    assert measure.valid.low < measure.valid.high
    assert "Source:" in inspect.getdoc(measure.compute)


@every_measure
def test_it_measures_a_face(name):
    """A plausible face has a finite value within the range, and the same one twice."""
    measure, face = MODULES[name].MEASURE, drawn_face()
    value = measure.compute(face)

    assert math.isfinite(value)
    assert value in measure.valid
    assert measure.compute(drawn_face()) == value


@every_measure
@pytest.mark.parametrize("whole_px", [True, False])
@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param({"bgr": np.zeros((0, 0, 3), np.uint8)}, id="empty-picture"),
        pytest.param({"bgr": np.zeros((1, 1, 3), np.uint8)}, id="one-pixel"),
        pytest.param({"bgr": np.full((480, 480, 3), 255, np.uint8)}, id="white-picture"),
        pytest.param({"landmarks_px": np.zeros((98, 2))}, id="all-points-in-one"),
        pytest.param({"landmarks_px": np.full((98, 2), -5000.0)}, id="outside"),
        pytest.param({"landmarks_px": np.full((98, 2), np.nan)}, id="not-a-number"),
        pytest.param({"landmarks_px": np.full((98, 2), np.inf)}, id="infinite"),
        pytest.param({"landmarks_px": np.full((98, 2), 1e12)}, id="far-away"),
        pytest.param({"yaw_deg": 90.0 + 1e-9, "face_areas_px": ()}, id="turned-away"),
        pytest.param({"yaw_deg": math.nan, "pitch_deg": math.nan, "roll_deg": math.nan}, id="nan"),
        pytest.param({"face_areas_px": (0.0, 0.0)}, id="no-area"),
        pytest.param({"face_areas_px": (math.nan,)}, id="area-not-a-number"),
    ],
)
def test_what_it_cannot_assess_it_says(name, spoiled, whole_px):
    """A sample without what the measure needs is not assessed, with a reason; never an error."""
    measure = MODULES[name].MEASURE
    native = natives([measure], drawn_face(**spoiled, whole_px=whole_px))[measure.name]

    assert native.value is None or math.isfinite(native.value)
    assert (native.value is None) == bool(native.reason)
    reading = assess(measure, native)
    assert (reading.verdict is Verdict.NOT_ASSESSED) == (native.value is None)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    strays=st.lists(
        st.tuples(st.integers(0, 97), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=4
    ),
    size=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    yaw_deg=st.floats(-180, 180),
    whole_px=st.booleans(),
)
def test_wherever_landmarks_lie_no_measure_fails(seed, strays, size, yaw_deg, whole_px):
    """Shaken, stray, outside a narrow picture: a value or a reason, within little memory."""
    points = drawn_face().landmarks_px + np.random.default_rng(seed).normal(0, 8, (98, 2))
    for number, x, y in strays:
        points[number] = (x, y)
    picture = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    face = drawn_face(bgr=picture, landmarks_px=points, yaw_deg=yaw_deg, whole_px=whole_px)
    values = natives(quality.face.MEASURES, face)

    assert len(values) == len(quality.face.MEASURES)
    assert all((native.value is None) == bool(native.reason) for native in values.values())


@every_measure
def test_it_does_not_touch_its_sample(name):
    """All measures share one face: what one wrote, the next would measure."""
    face = drawn_face()
    face.bgr.setflags(write=False)
    before = face.landmarks_px.copy()
    MODULES[name].MEASURE.compute(face)

    assert np.array_equal(face.landmarks_px, before)


@every_measure
def test_components_are_whole_numbers_up_to_a_hundred(name):
    """Where the standard maps a value, the whole range maps into 0..100."""
    measure = MODULES[name].MEASURE
    if measure.component is None:
        assert measure.standing in {Standing.HEURISTIC, Standing.OWN}
        return
    low, high = measure.valid.low, measure.valid.high
    scores = [measure.component(low + (high - low) * step / 200) for step in range(201)]

    assert all(isinstance(score, int) and 0 <= score <= 100 for score in scores)
    assert len(set(scores)) > 1


def test_a_heuristic_stands_under_no_standard_s_name():
    """A number that is not the standard's bears another name, so nobody takes it for that one."""
    standard = set(STANDARD_NAMES.split())
    ours = {Standing.HEURISTIC, Standing.OWN}
    own = {m.name for m in quality.face.MEASURES if m.standing in ours}

    assert own
    assert not own & standard
    assert {m.name for m in quality.face.MEASURES} - own <= standard
    assert all(m.component is None for m in quality.face.MEASURES if m.name in own)


def test_every_output_of_the_standard_is_measured_or_named_as_absent():
    """All 28, none twice: whoever looks for one finds it, or why it is not there."""
    measured = [m.name for m in quality.face.MEASURES if m.standing is Standing.OFIQ_LIKE]
    absent = [output.name for output in ABSENT]

    assert sorted(measured + absent) == sorted(STANDARD_NAMES.split())
    assert len(STANDARD_NAMES.split()) == 28


def test_the_live_loop_takes_what_guidance_asks_for_and_no_more():
    """Sixteen measures at every frame; one more is a decision about the frame's budget."""
    live = {measure.name for measure in quality.face.LIVE_MEASURES}

    assert live == {
        "SingleFacePresent", "InterEyeDistance", "HeadSize", "HeadPoseRoll", "HeadPoseYaw",
        "HeadPosePitch", "EyesOpen", "MouthClosed", "LuminanceMean", "FaceSharpness",
        "OverExposurePrevention", "CheekLightRatio", "GazeAway",
        "SunglassesWorn", "LowerFaceCovered", "MouthHidden",
    }  # fmt: skip
    assert live < {measure.name for measure in quality.face.MEASURES}


MASKED = {
    "parsing": {"BackgroundUniformity", "NoHeadCoverings"},
    "occlusion": {"EyesVisible", "FaceOcclusionPrevention", "MouthOcclusionPrevention"},
    "person_mask": {
        "BackgroundGradient",
        "BackgroundLightness",
        "BackgroundColourSpread",
        "ColourCast",
        "WallShadow",
        "HeadCovered",
    },
}


@pytest.mark.parametrize("mask", MASKED)
def test_no_mask_stands_in_for_another(mask):
    """Without the mask that a formula is about it is not assessed, though others are at hand."""
    values = natives(quality.face.MEASURES, replace(drawn_face(), **{mask: None}))

    assert {name for name, native in values.items() if native.value is None} == MASKED[mask]


@pytest.mark.parametrize("mask", MASKED)
def test_a_mask_of_another_size_is_refused(mask):
    """A mask that lies elsewhere would be believed."""
    with pytest.raises(ValueError, match=mask):
        replace(drawn_face(), **{mask: np.zeros((399, 400), np.uint8)})


@pytest.mark.parametrize("name", [output.name for output in ABSENT])
def test_the_report_says_what_is_absent_and_why(name):
    """An output without a value is in the report, never left out, and has no number."""
    reading = {r.measure: r for r in report({})}[name]

    assert (reading.native, reading.component) == (None, None)
    assert (reading.verdict, reading.standing) == (Verdict.NOT_ASSESSED, Standing.ABSENT)
    assert len(reading.reason) > 20


def test_the_report_has_all_measures_and_judges_none():
    """Every measure once, whatever its value; what stood in for OFIQ's input is said."""
    readings = report(natives(quality.face.MEASURES, drawn_face()))
    names = [reading.measure for reading in readings]

    assert names == sorted(
        {m.name for m in quality.face.MEASURES} | {output.name for output in ABSENT}
    )
    assert Verdict.REJECTED not in {reading.verdict for reading in readings}
    told = {reading.measure: reading for reading in readings}
    assert told["OverExposurePrevention"].component == 100
    assert "occlusion mask" in told["OverExposurePrevention"].reason
    assert told["SingleFacePresent"].reason.startswith("other detector")
    assert told["HeadSize"].reason == ""


def test_one_failure_does_not_stop_the_others():
    """A face without areas still has a pose and open eyes."""
    values = natives(quality.face.MEASURES, drawn_face(face_areas_px=()))

    assert values["SingleFacePresent"] == Native(None, "no face has an area")
    assert values["HeadPoseYaw"] == Native(3.0)
    assert [name for name, native in values.items() if native.value is None] == [
        "SingleFacePresent"
    ]
    assert issubclass(CannotAssess, Exception)
    assert ANY.low is None


@every_measure
def test_the_page_of_measures_tells_of_it(name):
    """A number on the screen whose meaning stands nowhere helps nobody."""
    measure = MODULES[name].MEASURE
    page = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{measure.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]

    assert cells[1] == measure.unit
    assert cells[2] == f"{measure.valid.low:g} to {measure.valid.high:g}"
    assert cells[3] == ("still" if measure.still_only else "live")
    assert cells[5] == f"`{measure.standing.value}`"
    if measure.stand_in:
        assert measure.stand_in in cells[6]


@pytest.mark.parametrize("output", ABSENT, ids=lambda output: output.name)
def test_the_page_of_measures_tells_what_is_absent(output):
    """The page gives the same reason as the report."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text()

    assert f"| `{output.name}` | {output.reason} |" in page


def test_the_page_tells_which_of_three_each_output_of_the_standard_is():
    """Computed, computed where a mask is supplied, or absent: as the code has it, in order."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text()
    rows = [
        line.split("|") for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()
    ]
    told = {row[2].strip(" `"): row[3].strip() for row in rows}
    masks = {"parsing": "no face parsing here", "occlusion": "no occlusion mask here"}
    wanted = dict.fromkeys(STANDARD_NAMES.split(), "formula")
    wanted |= {name: f"formula, {words}" for m, words in masks.items() for name in MASKED[m]}
    wanted |= {output.name: "absent" for output in ABSENT}
    wanted |= {f"HeadPose{axis}": "angle of another estimator" for axis in ("Yaw", "Pitch", "Roll")}

    assert told == wanted
    assert list(told) == STANDARD_NAMES.split()


STANDARD_NAMES = """
UnifiedQualityScore BackgroundUniformity IlluminationUniformity LuminanceMean LuminanceVariance
UnderExposurePrevention OverExposurePrevention DynamicRange Sharpness CompressionArtifacts
NaturalColour SingleFacePresent EyesOpen MouthClosed EyesVisible MouthOcclusionPrevention
FaceOcclusionPrevention InterEyeDistance HeadSize LeftwardCropOfTheFaceImage
RightwardCropOfTheFaceImage MarginAboveOfTheFaceImage MarginBelowOfTheFaceImage HeadPoseYaw
HeadPosePitch HeadPoseRoll ExpressionNeutrality NoHeadCoverings
"""
