"""Our measures against OFIQ's conformance table and against vectors of drawn faces."""

from __future__ import annotations

import csv
import hashlib
import json

import cv2
import numpy as np
import pytest

from quality.face import MEASURES
from quality.face.absent import ABSENT
from quality.face.face import Face
from quality.face.luminance import luminance
from quality.face.points import eyes_to_chin
from quality.face.region import landmarked_region
from quality.measure import Standing

CASES = [f"case_{n:02}" for n in (0, 1, 3, 5, 6, 7, 9, 12, 13, 14, 15, 16, 18, 20, 22, 23)]
every_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture
def vector(material, case):
    """The expected values of one case, and its face."""
    expected = json.loads(material.read(f"ofiq/vectors/{case}.json"))

    def plane(key, flags=cv2.IMREAD_GRAYSCALE):
        encoded = np.frombuffer(material.read(f"ofiq/vectors/{expected[key]}"), np.uint8)
        return np.asarray(cv2.imdecode(encoded, flags), np.uint8)

    face = Face(
        plane("image", cv2.IMREAD_COLOR),
        np.array(expected["landmarks98"]),
        expected["yaw_deg_for_IED"],
        0.0,
        0.0,
        tuple(expected["face_areas"]),
        parsing=plane("parsing_400"),
        occlusion=plane("occlusion_616_1_visible"),
    )
    return expected, face


def test_scores_follow_the_conformance_table(material):
    """Every raw value of the table maps to the table's own score, for all 28 outputs."""
    rows = list(
        csv.DictReader(
            material.read("ofiq/expected_results.csv").decode().splitlines(), delimiter=";"
        )
    )
    outputs = [measure for measure in MEASURES if measure.standing is Standing.OFIQ_LIKE]
    outputs += ABSENT
    wrong = [
        (measure.name, row[measure.name], row[f"{measure.name}.scalar"])
        for row in rows
        for measure in outputs
        if measure.component(float(row[measure.name])) != int(float(row[f"{measure.name}.scalar"]))
    ]

    assert len(rows) == 18
    assert len(outputs) == 28
    assert wrong == []


@every_case
def test_values_and_scores_are_ofiq_s(vector, case):
    """On OFIQ's own landmarks and masks every formula gives OFIQ's value and score."""
    expected, face = vector
    compared = [measure for measure in MEASURES if measure.name in expected["expected"]]

    # Of a grey picture two implementations have another NaturalColour; that one is left out.
    assert len(compared) == len(expected["expected"]) == (20 if case == "case_23" else 21)
    for measure in compared:
        raw, score = expected["expected"][measure.name]
        value = measure.compute(face)
        # The expected means were rounded to float32.
        slack = 3e-9 if measure.name == "LuminanceMean" else 1e-12 * max(1, raw)
        assert value == pytest.approx(raw, abs=slack), measure.name
        assert measure.component(value) == score, measure.name


@every_case
def test_shared_products_are_ofiq_s_byte_for_byte(vector):
    """Alignment, luminance, region and T, that every further measure stands on."""
    expected, face = vector
    aligned = face.aligned
    plane = luminance(aligned.bgr)
    region = landmarked_region(aligned.landmarks_px, 616, 616)

    assert np.allclose(aligned.transform, expected["affine"], atol=1e-9)
    assert np.array_equal(aligned.landmarks_px, expected["aligned_landmarks"])
    assert hashlib.sha256(aligned.bgr.tobytes()).hexdigest() == expected["aligned_face_sha256"]
    assert hashlib.sha256(plane.tobytes()).hexdigest() == expected["aligned_luminance_sha256"]
    assert int(region.sum()) == expected["landmarked_region_count"]
    assert eyes_to_chin(face.points, whole_px=True) == pytest.approx(expected["tmetric_native"])
