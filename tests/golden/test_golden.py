"""Recorded sittings give the very transcripts that are committed beside them.

Two promises, apart: the same looks give the same transcript, to the letter, on any machine; and
the portraits still lead to these looks, as nearly as another processor's rounding lets them.
"""

from __future__ import annotations

import itertools

import pytest

from tests.golden.sequences import HERE, SEQUENCES, as_recorded, recorded, told, transcript
from tests.golden.views import STILLS, VIEWS

NEAR = {
    "InterEyeDistance": 3.0, "HeadSize": 0.01, "HeadPoseRoll": 1.0, "HeadPoseYaw": 1.0,
    "HeadPosePitch": 1.0, "EyesOpen": 0.006, "MouthClosed": 0.006, "LuminanceMean": 0.01,
    "FaceSharpness": 0.03, "SingleFacePresent": 0.02,
}  # fmt: skip
"""How far a look may be from the recorded one: the models' own noise, far less than any gate."""
EVERY_LOOK = [*VIEWS, *(f"{name}, still" for name in STILLS)]


@pytest.fixture(scope="module", autouse=True)
def _written(request):
    """Write first, if that is asked for."""
    if request.config.getoption("--golden-write", default=False):
        request.getfixturevalue("fresh")


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_same_looks_give_the_same_transcript(name):
    """Hints, spoken lines, hold, help and the moment of capture: all a function of the looks."""
    golden = (HERE / f"{name}.txt").read_text(encoding="utf-8")

    assert transcript(name, recorded()) == golden


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_portraits_still_lead_through_the_same_hints(fresh, name):
    """From pixels to words: the same hints and captures in the same order."""
    looks = {view: as_recorded(looked) for view, looked in fresh.items()}
    golden = (HERE / f"{name}.txt").read_text(encoding="utf-8")

    assert told(transcript(name, looks)) == told(golden)


@pytest.mark.parametrize("view", EVERY_LOOK)
def test_a_portrait_still_leads_to_its_look(fresh, view):
    """What the station sees in a view is what was recorded of it."""
    seen, before = as_recorded(fresh[view]), recorded()[view]

    assert seen.faces == before.faces
    assert seen.natives.keys() == before.natives.keys()
    assert {n for n, v in seen.natives.items() if v.value is None} == {
        n for n, v in before.natives.items() if v.value is None
    }
    assert {
        name: native.value
        for name, native in seen.natives.items()
        if native.value is not None and abs(native.value - before.natives[name].value) > NEAR[name]
    } == {}


def test_no_transcript_is_left_over():
    """A file whose sequence is gone would be believed."""
    assert {path.stem for path in HERE.glob("*.txt")} == set(SEQUENCES)


@pytest.mark.parametrize("name", SEQUENCES)
def test_spoken_lines_leave_each_other_room(name):
    """No two lines begin within four seconds, in any transcript."""
    golden = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    spoken = [float(line[:7]) for line in golden.splitlines() if ", spoken" in line]

    assert all(b - a >= 4.0 - 1e-6 for a, b in itertools.pairwise(spoken))


def test_a_person_who_does_as_asked_is_taken_and_nobody_else():
    """Who is guided, waited for or tolerated is kept; too far, turned or tilted is not."""
    kept = {
        name for name in SEQUENCES if "kept:" in (HERE / f"{name}.txt").read_text(encoding="utf-8")
    }

    assert kept == set(SEQUENCES) - {"stuck", "turned", "tilted-bedside"}
