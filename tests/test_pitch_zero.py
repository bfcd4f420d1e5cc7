"""A station's own zero of the pitch: taken off once, and strict on both sides."""

from __future__ import annotations

import pytest

from edge.burst import judged
from edge.guidance import Guidance
from edge.preset import PortraitRules
from edge.settings import document_names, load_document, load_settings, portrait_rules
from quality.advice import Advice
from quality.document import judge
from quality.face_report import report
from quality.measure import Native, Verdict
from quality.pitch_zero import PITCH, UNCALIBRATED, PitchZero
from tests.guidance_kit import DOCUMENT, GOOD, SEATED, look, zeroed
from tests.test_settings import DEMO, edited

ZERO = PitchZero(5.3)
STRICT = ZERO.documents([DOCUMENT])[0]


def pitch_of(readings):
    """The one reading of the pitch."""
    (found,) = (reading for reading in readings if reading.measure == PITCH)
    return found


def still(raw_deg: float, zero: PitchZero = ZERO):
    """The pitch of a still, judged as the station does."""
    natives = zero.natives(look(HeadPosePitch=raw_deg).natives)
    return pitch_of(judge(zero.documents([DOCUMENT])[0], natives, live=False))


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(
    ("beyond_zero", "verdict"), [(5.0, Verdict.ACCEPTED), (5.01, Verdict.REJECTED)]
)
def test_a_still_is_strict_at_five_degrees_from_the_zero(side, beyond_zero, verdict):
    """At the limit it is good and just beyond it is not, raised and lowered alike."""
    reading = still(round(5.3 + side * beyond_zero, 9))

    assert reading.verdict is verdict
    assert reading.native == pytest.approx(side * beyond_zero)
    assert not reading.advisory


@pytest.mark.parametrize(
    ("raw_deg", "advice"),
    [(9.3, None), (9.31, Advice.CHIN_UP), (1.3, None), (1.29, Advice.CHIN_DOWN)],
)
def test_the_preview_is_strict_at_four_degrees_from_the_zero(raw_deg, advice):
    """Entering is tighter than the still, so that nobody is led to a still that is refused."""
    guidance = Guidance([STRICT], SEATED)
    for n in range(4):
        guided = guidance.see(zeroed(look(HeadPosePitch=raw_deg), ZERO), n / 10)

    assert guided.hint is advice


def test_a_strict_pitch_never_relaxes():
    """What advised only until the calibration is hard from then on."""
    lowered = look(HeadPosePitch=12.0)
    strict, loose = Guidance([STRICT], SEATED), Guidance([DOCUMENT], SEATED)
    taken = [strict.see(zeroed(lowered, ZERO), n / 10).capture for n in range(400)]
    before = [loose.see(lowered, n / 10).capture for n in range(20)]

    assert not any(taken)
    assert any(before)


@pytest.mark.parametrize("raw_deg", [-20.0, 0.0, 25.0])
def test_without_a_zero_nothing_is_taken_off_and_nothing_refused(raw_deg):
    """Until the technician has calibrated, pitch only advises, and its value is what was read."""
    reading = still(raw_deg, UNCALIBRATED)

    assert reading.native == raw_deg
    assert reading.advisory
    assert "zero" not in reading.reason


def test_a_zero_of_nought_is_a_zero():
    """A camera that happens to read nought is calibrated all the same."""
    assert still(5.01, PitchZero(0.0)).verdict is Verdict.REJECTED
    assert still(4.99, PitchZero(0.0)).verdict is Verdict.ACCEPTED
    assert "station zero 0 deg" in still(4.99, PitchZero(0.0)).reason


def test_a_reading_says_that_a_zero_was_taken_off():
    """In guidance, in the judgement of the still and in the report of the record alike."""
    shown = zeroed(look(HeadPosePitch=7.0), ZERO)
    guided = Guidance([STRICT], SEATED).see(shown, 0.0)
    judgement = judged(shown, [STRICT]).readings[STRICT.id]
    said = [pitch_of(guided.readings), pitch_of(judgement), pitch_of(report(shown.natives))]

    assert [reading.native for reading in said] == pytest.approx([1.7] * 3)
    assert {reading.reason for reading in said} == {
        "other pose estimator; station zero 5.3 deg taken off"
    }


def test_a_median_of_looks_still_says_it():
    """Smoothing is arithmetic on what was taken off already."""
    guidance = Guidance([STRICT], SEATED)
    for n, raw_deg in enumerate((5.3, 6.3, 40.0)):
        guided = guidance.see(zeroed(look(HeadPosePitch=raw_deg), ZERO), n / 10)

    assert pitch_of(guided.readings).native == pytest.approx(1.0)
    assert "station zero" in pitch_of(guided.readings).reason


def test_only_the_pitch_changes():
    """Every other value is what it was, and the looks that were given stay as they are."""
    raw = look(HeadPosePitch=7.0).natives
    changed = ZERO.natives(raw)

    assert {n for n in raw if raw[n] != changed[n]} == {PITCH}
    assert raw[PITCH] == Native(7.0)
    assert set(changed) == set(GOOD)


def test_a_pitch_that_nobody_could_assess_stays_so():
    """Nothing is taken off from nothing."""
    raw = {**look().natives, PITCH: Native(None, "no face found")}

    assert ZERO.natives(raw)[PITCH] == Native(None, "no face found")
    assert ZERO.natives({}) == {}


@pytest.mark.parametrize("name", document_names())
def test_every_document_knows_what_holds_once_calibrated(name):
    """No sheet is left behind on its loose limits; uncalibrated it stays as its file has it."""
    document = load_document(name)
    gate = ZERO.documents([document])[0].gates[PITCH]

    assert gate.hard
    assert (gate.still.min, gate.still.max) == (-5.0, 5.0)
    assert UNCALIBRATED.documents([document]) == (document,)


def test_the_technicians_number_reaches_the_rules(tmp_path):
    """From the station's file to the search, also through the preset."""
    path = edited(tmp_path, "[portrait]", "[portrait]\npitch_zero_deg = 5.3")
    rules = portrait_rules(load_settings(path, check_camera=False).portrait)

    assert rules.pitch_zero == ZERO
    assert rules.documents([DOCUMENT])[0].gates[PITCH].hard
    assert portrait_rules(load_settings(DEMO, check_camera=False).portrait) == PortraitRules(SEATED)
