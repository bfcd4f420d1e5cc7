"""Our formulas against another port of OFIQ, on faces that are made up as the test runs.

Optional, for its pinned libraries are not ours: `pip install --no-deps --target DIR ofiqpy==0.2.2`,
and DIR on PYTHONPATH. Where it is absent the vectors, which it computed, say the same of 16 faces.
It scales the region in double precision where OFIQ has single: on two of 250 such faces, none of
them below, that moves a sliver of the region's rim.
"""
# ruff: noqa: E402 - skipped before it is imported where it is absent

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

import cv2
import numpy as np
import pytest

from quality.face import MEASURES
from quality.face.face import Face
from quality.measure import natives

if find_spec("ofiqpy") is None:
    pytest.skip("ofiqpy is not installed", allow_module_level=True)
# It runs networks by this; no formula does.
sys.modules.setdefault("onnxruntime", ModuleType("onnxruntime"))

from ofiqpy import align
from ofiqpy.measures import core, geometry, models, pixel
from ofiqpy.session import Session

FACES = 40

THEIRS = {
    "geometry": (
        "inter_eye_distance", "crop_of_face", "single_face_present", "eyes_open", "mouth_closed",
    ),
    "pixel": (
        "background_uniformity", "illumination_uniformity", "luminance_variance",
        "under_exposure", "over_exposure", "dynamic_range", "natural_colour",
    ),
    "models": ("eyes_visible", "mouth_occlusion", "face_occlusion"),
}  # fmt: skip


def made_up(seed: int) -> Face:
    """A face of random size, place, tilt, colour, light and masks."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(np.pi, 0, 33)
    shape = np.zeros((98, 2))
    shape[:33] = np.column_stack([100 * np.cos(turn), 10 + 130 * np.sin(turn)])
    shape[33:51] = np.column_stack([np.linspace(-85, 85, 18), np.full(18, -40)])
    shape[51:60] = np.column_stack([np.linspace(-12, 12, 9), np.linspace(10, 50, 9)])
    shape[54] = (0, 40)
    opening, gap = rng.uniform(1, 9), rng.uniform(0, 9)
    for first, middle in ((60, -48), (68, 48)):
        eye = np.linspace(0, 2 * np.pi, 9)[:8]
        shape[first : first + 8] = np.column_stack(
            [middle - 22 * np.cos(eye), -opening * np.sin(eye)]
        )
    for first, count, width, height in ((76, 12, 38, 12 + gap), (88, 8, 32, gap)):
        lip = np.linspace(0, 2 * np.pi, count + 1)[:count]
        shape[first : first + count] = np.column_stack(
            [-width * np.cos(lip), 85 - height * np.sin(lip)]
        )
    shape[96:] = [(-48, 0), (48, 0)]
    tilt, size = rng.normal(0, 0.2), rng.uniform(0.5, 2.0)
    spin = size * np.array([(np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))])
    height_px, width_px = rng.integers(350, 800, 2)
    place = rng.uniform(0.35, 0.65, 2) * (width_px, height_px)
    points = np.round((shape + rng.normal(0, 1.5, shape.shape)) @ spin + place)
    coarse = rng.normal(0, rng.uniform(5, 60), (8, 8, 3)) + rng.uniform(40, 230, 3)
    smooth = cv2.resize(coarse, (int(width_px), int(height_px)), interpolation=cv2.INTER_CUBIC)
    bgr = np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    parsing = cv2.resize(rng.integers(0, 19, (6, 6), np.uint8), (400, 400), interpolation=0)
    parsing[:, :120] = 0
    occlusion = cv2.resize(rng.integers(0, 2, (9, 9), np.uint8), (616, 616), interpolation=0)
    areas = tuple(sorted(rng.uniform(100, 9000, rng.integers(1, 4)), reverse=True))
    return Face(
        bgr, points, rng.uniform(-30, 30), 0.0, 0.0, areas,
        parsing=np.asarray(parsing, np.uint8), occlusion=np.asarray(occlusion, np.uint8),
    )  # fmt: skip


def as_they_measure(face: Face) -> dict[str, tuple[float, float] | None]:
    """Native value and score by name, None where they cannot assess."""
    aligned, landmarks, affine = align.align(face.bgr, face.landmarks_px)
    session = Session(
        face.bgr, landmarks=face.landmarks_px, face_areas=list(face.face_areas_px),
        aligned_face=aligned, aligned_landmarks=landmarks, affine=affine,
        # Their angles bear each other's names, as in OFIQ's code.
        pitch=face.yaw_deg, yaw=0.0, roll=0.0,
        parsing=face.parsing, occlusion_mask=face.occlusion,
        landmarked_region=align.landmarked_region(landmarks),
    )  # fmt: skip
    modules = {"geometry": geometry, "pixel": pixel, "models": models}
    found = [getattr(modules[m], f)(session) for m, names in THEIRS.items() for f in names]
    rest = core.Measures(None)
    found += [rest.luminance_mean(session), rest.head_size(session)]
    found += [rest.no_head_coverings(session)]
    values = [one for group in found for one in (group if isinstance(group, tuple) else (group,))]
    return {v.name: (v.raw, v.scalar) if v.available else None for v in values}


@pytest.mark.parametrize("seed", range(FACES))
def test_two_ports_of_ofiq_agree(seed):
    """On the same landmarks and masks all 21 values agree to 1e-6, and their scores exactly."""
    face = made_up(seed)
    theirs = as_they_measure(face)
    measures = [measure for measure in MEASURES if measure.name in theirs]
    ours = natives(measures, face)

    assert len(ours) == len(theirs) == 21
    for measure in measures:
        native, expected = ours[measure.name].value, theirs[measure.name]
        assert (native is None) == (expected is None), measure.name
        if native is not None and expected is not None:
            assert native == pytest.approx(expected[0], rel=1e-6, abs=1e-6), measure.name
            assert measure.component(native) == expected[1], measure.name
