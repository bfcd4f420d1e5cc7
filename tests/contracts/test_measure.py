"""Whatever file of `quality/face` declares a measure keeps these promises."""

from __future__ import annotations

import inspect
import math
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import quality.face
from quality.face.face import Face
from quality.measure import ANY, CannotAssess, Native, Standing, Verdict, assess, natives

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
    values = {
        "bgr": bgr, "landmarks_px": points, "yaw_deg": 3.0, "pitch_deg": -2.0, "roll_deg": 1.0,
        "face_areas_px": (40000.0, 1000.0), "whole_px": True,
    }  # fmt: skip
    return Face(**(values | changes))


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

    assert measure.unit in {"1", "deg", "px"}
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


@every_measure
def test_it_does_not_touch_its_sample(name):
    """Ten measures share one face: what one wrote, the next would measure."""
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
    own = {m.name for m in quality.face.MEASURES if m.standing is Standing.HEURISTIC}

    assert own
    assert not own & standard
    assert {m.name for m in quality.face.MEASURES} - own <= standard


def test_one_failure_does_not_stop_the_others():
    """A face without areas still has a pose and open eyes."""
    values = natives(quality.face.MEASURES, drawn_face(face_areas_px=()))

    assert values["SingleFacePresent"] == Native(None, "no face has an area")
    assert values["HeadPoseYaw"] == Native(3.0)
    assert all(v.value is not None for n, v in values.items() if n != "SingleFacePresent")
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
    assert cells[4] == f"`{measure.standing.value}`"


STANDARD_NAMES = """
UnifiedQualityScore BackgroundUniformity IlluminationUniformity LuminanceMean LuminanceVariance
UnderExposurePrevention OverExposurePrevention DynamicRange Sharpness CompressionArtifacts
NaturalColour SingleFacePresent EyesOpen MouthClosed EyesVisible MouthOcclusionPrevention
FaceOcclusionPrevention InterEyeDistance HeadSize LeftwardCropOfTheFaceImage
RightwardCropOfTheFaceImage MarginAboveOfTheFaceImage MarginBelowOfTheFaceImage HeadPoseYaw
HeadPosePitch HeadPoseRoll ExpressionNeutrality NoHeadCoverings
"""
