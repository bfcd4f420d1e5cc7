"""Our formulas against another port of OFIQ, on faces that are made up as the test runs.

It scales the region in double precision where OFIQ has single: on two of 250 such faces, none of
them below, that moves a sliver of the region's rim.
"""

from __future__ import annotations

import sys

import pytest

from accuracy.made_up import made_up_face
from accuracy.second_port import OUTPUTS, SecondPort
from quality.face import MEASURES
from quality.measure import natives

FACES = 40


@pytest.fixture(scope="module")
def port():
    return SecondPort()


@pytest.mark.parametrize("seed", range(FACES))
def test_two_ports_of_ofiq_agree(port, seed):
    """On the same landmarks and masks all 21 values agree to 1e-6, and their scores exactly."""
    face = made_up_face(seed)
    theirs = port.measure(face)
    measures = [measure for measure in MEASURES if measure.name in theirs]
    ours = natives(measures, face)

    assert len(ours) == len(theirs) == OUTPUTS == 21
    for measure in measures:
        native, expected = ours[measure.name].value, theirs[measure.name]
        assert (native is None) == (expected is None), measure.name
        if native is not None and expected is not None:
            assert native == pytest.approx(expected.native, rel=1e-6, abs=1e-6), measure.name
            assert measure.component(native) == expected.component, measure.name


def test_what_the_port_is_imported_without_stays_to_be_had(port):
    """The empty module in onnxruntime's place does not outlive the import."""
    module = sys.modules.get("onnxruntime")

    assert module is None or module.__spec__ is not None
