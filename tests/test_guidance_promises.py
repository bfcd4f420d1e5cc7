"""What guidance promises of any sequence of looks whatever."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.guidance import Guidance, Guided
from edge.hint import HINT_STAYS_S
from quality.advice import Advice
from quality.document import judge
from quality.measure import Verdict
from tests.guidance_kit import DOCUMENT, NOBODY, OUTLINE, PRESETS, TWO, Look, look, shifted

HARD_THREE = {"SingleFacePresent", "InterEyeDistance", "HeadSize", "EyesOpen"}
LOOKS = st.one_of(
    st.just(look()),
    st.just(NOBODY),
    st.just(TWO),
    st.builds(shifted, st.floats(-300, 300), st.floats(-200, 200)),
    st.builds(
        look,
        EyesOpen=st.sampled_from([0.0, 0.036, 0.05, 0.07, None]),
        InterEyeDistance=st.sampled_from([60.0, 119.0, 142.0, None]),
        HeadPoseYaw=st.sampled_from([0.0, 5.0, -30.0]),
        HeadPosePitch=st.sampled_from([0.0, 25.0]),
        LuminanceMean=st.sampled_from([0.01, 0.3, 0.5]),
        FaceSharpness=st.sampled_from([0.01, 0.3]),
    ),
)
ACTS = st.lists(
    st.tuples(LOOKS, st.integers(1, 40), st.sampled_from([0.03, 0.1, 0.25, 1.0])), max_size=12
)
REFUSALS = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(list(Advice))), max_size=4)


@dataclass(frozen=True)
class Said:
    """What one look led to."""

    now_s: float
    shown: Look
    guided: Guided
    judged: bool = False


def played(preset: Any, acts: Any, refusals: Any = ()) -> list[Said]:
    """See all looks; after these numbers of looks a still is refused with this advice."""
    guidance, said, now_s = Guidance([DOCUMENT], preset), [], 100.0
    refused = dict(refusals)
    shown = [(one, step_s) for one, times, step_s in acts for _ in range(times)]
    for number, (one, step_s) in enumerate(shown):
        said.append(Said(now_s, one, guidance.see(one, now_s)))
        if number in refused:
            said.append(Said(now_s, one, guidance.refuse(refused[number], now_s), True))
        now_s += step_s
    return said


anybody = given(st.sampled_from(PRESETS), ACTS, REFUSALS)
often = settings(max_examples=40, deadline=None)


@anybody
@often
def test_nothing_is_ever_taken_of_two_of_closed_eyes_or_of_too_few_pixels(preset, acts, refusals):
    """Whatever came before, how long it took and what was refused: the three that never give way.

    At the very look of the capture there is one face, with open eyes, large enough; and no other
    hard gate of the document is rejected either.
    """
    documents = preset.documents([DOCUMENT])
    for said in played(preset, acts, refusals):
        if said.guided.capture:
            readings = judge(documents[0], said.shown.natives, live=True, passed=documents[0].gates)
            hard = {r.measure for r in readings if not r.advisory}
            failed = {r.measure for r in readings if r.verdict is not Verdict.ACCEPTED}

            assert said.shown.faces == 1
            assert hard >= HARD_THREE
            assert not failed & hard


@given(
    st.sampled_from(PRESETS),
    st.integers(3, 30),
    st.sampled_from([look(EyesOpen=0.0), look(InterEyeDistance=60.0), look(MouthClosed=0.2), TWO]),
)
@often
def test_the_shutter_waits_for_the_end_of_a_blink(preset, good, bad):
    """The median hides one bad look among good ones; the shutter sees it all the same."""
    said = played(preset, [(look(), good, 0.1), (bad, 1, 0.1), (look(), 15, 0.1)])

    assert not said[good].guided.capture
    assert any(s.guided.capture for s in said)


@anybody
@often
def test_a_hint_is_on_the_screen_long_enough_to_be_read(preset, acts, refusals):
    """Every hint stays 1.5 s, unless a judged still has something to say."""
    changes: list[Said] = []
    for said in played(preset, acts, refusals):
        if not changes or said.guided.hint is not changes[-1].guided.hint:
            changes.append(said)

    for before, after in itertools.pairwise(changes):
        if before.guided.hint is not None and not after.judged:
            assert after.now_s - before.now_s >= HINT_STAYS_S - 1e-6


@anybody
@often
def test_spoken_lines_never_begin_within_four_seconds(preset, acts, refusals):
    """Nobody is talked over, in no preset, whatever the head does."""
    spoken = [s.now_s for s in played(preset, acts, refusals) if s.guided.speak]

    assert all(b - a >= max(4.0, preset.voice.gap_s) - 1e-6 for a, b in itertools.pairwise(spoken))


@anybody
@often
def test_what_is_spoken_is_what_is_shown(preset, acts, refusals):
    """The voice and the screen never contradict each other, nor does the shutter."""
    for said in played(preset, acts, refusals):
        assert said.guided.speak in (None, said.guided.hint)
        assert not (said.guided.capture and said.guided.hint)


@anybody
@often
def test_whoever_is_good_long_enough_is_taken(preset, acts, refusals):
    """No past, however odd, keeps a good view from being captured within five seconds."""
    good = [(look(), 50, 0.1)]
    said = played(preset, [*acts, *good], refusals)

    assert any(s.guided.capture for s in said[-50:])


@given(
    st.sampled_from(PRESETS),
    st.sampled_from(
        [
            look(InterEyeDistance=100.0), look(EyesOpen=0.01), look(EyesOpen=None), TWO, NOBODY,
            look(HeadSize=0.5),
        ]
    ),
)  # fmt: skip
@often
def test_relaxing_never_lets_a_hard_gate_pass(preset, bad):
    """A minute of it, three refused stills: still nothing is taken, and help is offered."""
    said = played(preset, [(bad, 600, 0.1)], [(n, Advice.OPEN_EYES) for n in (5, 6, 7)])

    assert not any(s.guided.capture for s in said)
    assert said[-1].guided.stuck


@given(st.sampled_from([preset for preset in PRESETS if preset.id != "seated"]), ACTS)
@often
def test_nobody_who_cannot_is_told_to_sit_higher_or_lower(preset, acts):
    """On their feet, in a wheelchair, in bed: the camera's height and tilt are the staff's."""
    said = played(preset, acts)
    hints = {s.guided.hint for s in said} | {s.guided.speak for s in said}

    assert not hints & {Advice.MOVE_UP, Advice.MOVE_DOWN}


@pytest.mark.parametrize("rate_hz", [5, 10, 25, 50])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_the_hold_takes_as_long_on_a_fast_camera_as_on_a_slow_one(preset, rate_hz):
    """Eight frames are those of ten a second: nobody is taken in the wink of an eye."""
    guidance = Guidance([DOCUMENT], preset)
    taken_s = next(n / rate_hz for n in range(1000) if guidance.see(look(), n / rate_hz).capture)

    assert taken_s >= 0.79
    assert taken_s <= 12 * max(0.1, 1 / rate_hz)


def test_the_good_head_is_where_it_is_thought_to_be():
    """The kit's own ground: the middle is well framed."""
    assert shifted(0.0).outline == OUTLINE
