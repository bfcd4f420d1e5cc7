"""Guidance: golden transcripts of hints over synthetic looks, and the rules behind them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from edge.guidance import Guidance
from quality.advice import Advice
from tests.guidance_kit import DOCUMENT, NOBODY, OUTLINE, RATE_HZ, SEATED, TWO, look

DOCUMENTS = (DOCUMENT,)
RELAX_AFTER_S = SEATED.patience.relax_after_s


def play(*acts, guidance=None, start_s=50.0):
    """See each act's look so many times; return [(second, hint)] of changes, and the captures."""
    guidance = guidance or Guidance(DOCUMENTS, SEATED)
    transcript, captures, hint, now_s = [], [], "-", start_s
    for shown, times in acts:
        for _ in range(times):
            guided = guidance.see(shown, now_s)
            code = guided.hint.value if guided.hint else None
            if code != hint:
                transcript.append((round(now_s - start_s, 1), code))
            if guided.capture:
                captures.append(round(now_s - start_s, 1))
            hint, now_s = code, now_s + 1 / RATE_HZ
    return transcript, captures


def test_a_whole_approach_gives_these_hints_at_these_times():
    """Nobody, far, tilted, turned, then good: one hint at a time, and one capture."""
    transcript, captures = play(
        (NOBODY, 10),
        (look(InterEyeDistance=90.0), 20),
        (look(HeadPoseRoll=12.0), 20),
        (look(HeadPoseYaw=9.0), 20),
        (look(), 12),
    )

    assert transcript == [
        (0.0, None),
        (0.2, "portrait.no_face"),
        (1.7, "portrait.too_far"),
        (3.4, "portrait.straighten_head"),
        (5.4, "portrait.turn_right"),
        (7.4, None),
    ]
    assert captures[0] == 7.9


def test_a_good_view_is_captured_after_the_settling_and_the_good_frames():
    """Exposure settles for ten looks; then the hold that has been good all along is enough."""
    _, captures = play((look(), 20))

    assert captures[0] == 1.0


def test_the_hold_grows_by_shares_and_falls_to_nothing():
    """The ring fills frame by frame; one bad median empties it without a word."""
    guidance = Guidance(DOCUMENTS, SEATED, good_frames_needed=4)
    shares = [guidance.see(look(), t / 10).hold_share for t in range(5)]
    lost = [guidance.see(NOBODY, 1 + t / 10) for t in range(2)]

    assert shares == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert [guided.hold_share for guided in lost] == [0.0, 0.0]
    assert [guided.hint for guided in lost] == [None, None]


def test_one_bad_look_changes_nothing():
    """A blink or a misread pose is a single value among five."""
    transcript, captures = play((look(), 9), (look(EyesOpen=0.0, HeadPoseYaw=30.0), 1), (look(), 5))

    assert transcript == [(0.0, None)]
    assert captures[0] == 1.0


def test_a_value_between_the_limits_does_not_flicker():
    """Yaw wavers about 5 degrees: good stays good, not good stays not good."""
    wavering = [(look(HeadPoseYaw=4.5 + 0.8 * (i % 2)), 1) for i in range(30)]
    entered, _ = play((look(), 6), *wavering)
    outside, _ = play((look(HeadPoseYaw=9.0), 6), *wavering)

    assert entered == [(0.0, None)]
    assert outside == [(0.0, None), (0.2, "portrait.turn_right")]


def test_a_hint_can_be_read_before_it_goes():
    """Every hint stays 1.5 s, however the head wags."""
    acts = [(look(HeadPoseYaw=y), 4) for y in (9.0, -9.0) * 8]
    transcript, _ = play(*acts)
    times = [t for t, code in transcript if code]

    assert len(times) > 2
    assert all(b - a >= 1.5 - 1e-6 for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("values", [{"HeadPosePitch": 25.0}, {"FaceSharpness": 0.01}])
def test_advisory_gates_give_way_after_a_while(values):
    """After 25 s an elder with a bent neck is photographed none the less."""
    _, captures = play((look(**values), 400))

    assert captures[0] == pytest.approx(RELAX_AFTER_S + 0.7, abs=0.11)


@pytest.mark.parametrize(
    "bad", [look(InterEyeDistance=90.0), look(EyesOpen=0.01), look(HeadPoseYaw=9.0), TWO, NOBODY]
)
def test_hard_gates_never_give_way(bad):
    """Size, eyes, pose and a single face hold for ever."""
    _, captures = play((bad, 600))

    assert captures == []


def test_somebody_new_has_the_whole_time_again():
    """The 25 s count from when this person came, not from when the search began."""
    low = look(HeadPosePitch=25.0)
    _, captures = play((low, 200), (NOBODY, 25), (low, 200))

    assert captures == []


def test_a_face_that_is_lost_for_a_moment_is_not_somebody_new():
    """Who looks away for a second does not begin to wait from the beginning."""
    low = look(HeadPosePitch=25.0)
    _, captures = play((low, 200), (NOBODY, 10), (low, 100))

    assert captures[0] == pytest.approx(RELAX_AFTER_S + 0.7, abs=0.11)


def test_a_moving_head_is_asked_to_hold_still():
    """Walking past is no portrait, even if each look is good by itself."""
    steps = [
        replace(
            look(),
            outline=replace(
                OUTLINE,
                eye_left_px=(580.0 + 8 * (i % 2), 338.0),
                eye_right_px=(700.0 + 8 * (i % 2), 338.0),
            ),
        )
        for i in range(30)
    ]
    transcript, captures = play(*((step, 1) for step in steps))

    assert transcript[-1][1] == "portrait.hold_still"
    assert captures == []


def test_a_second_person_stops_the_hold_at_once():
    """The hint may wait for its time; the capture may not happen."""
    _, captures = play((look(), 9), (TWO, 1), (look(), 6))

    assert captures == []


def test_nobody_is_judged_by_the_one_before():
    """Values of who left do not linger in the medians of who comes."""
    guidance = Guidance(DOCUMENTS, SEATED)
    for t in range(5):
        guidance.see(look(HeadPoseYaw=9.0), t / 10)
    guidance.see(NOBODY, 0.5)
    readings = guidance.see(look(HeadPoseYaw=1.0), 0.6).readings

    assert {r.native for r in readings if r.measure == "HeadPoseYaw"} == {1.0}


def test_the_preview_is_judged_by_the_still_that_will_be_taken():
    """Half the pixels in the preview are enough if the still has twice as many."""
    far, near = Guidance(DOCUMENTS, SEATED), Guidance(DOCUMENTS, SEATED)
    for t in range(20):
        alone = far.see(look(InterEyeDistance=70.0), t / 10)
        scaled = near.see(look(InterEyeDistance=70.0), t / 10, still_scale=2.0)

    assert alone.hint is not None
    assert scaled.hint is None


def test_readings_are_the_smoothed_values_with_their_limits():
    """What is shown in the console is what decided."""
    guidance = Guidance(DOCUMENTS, SEATED)
    for t, yaw in enumerate((1.0, 2.0, 30.0)):
        guided = guidance.see(look(HeadPoseYaw=yaw), t / 10)
    yaws = [r for r in guided.readings if r.measure == "HeadPoseYaw"]

    assert [(r.native, r.accept.high) for r in yaws] == [(2.0, 6.0)]


def test_the_same_looks_give_the_same_words():
    """A recorded sitting replays to the same hints."""
    acts = [(look(HeadPoseYaw=9.0), 7), (NOBODY, 9), (look(), 30)]

    assert play(*acts) == play(*acts, start_s=7000.0)


def spoken(*acts, guidance=None):
    """Return [(second, line)] of what a voice begins."""
    guidance, now_s, lines = guidance or Guidance(DOCUMENTS, SEATED), 0.0, []
    for shown, times in acts:
        for _ in range(times):
            guided = guidance.see(shown, now_s)
            if guided.speak:
                lines.append((round(now_s, 1), guided.speak.value))
            now_s = round(now_s + 1 / RATE_HZ, 3)
    return lines


def test_a_hint_is_said_once_and_once_more():
    """Then the voice is quiet: the screen still shows it."""
    times, lines = zip(*spoken((look(HeadPoseYaw=9.0), 200)), strict=True)

    assert lines == ("portrait.turn_right",) * 2
    assert times == pytest.approx((0.2, 8.2), abs=0.11)


def test_a_line_waits_for_the_one_before_and_is_dropped_if_it_is_out_of_date():
    """Of three hints within four seconds the last is said, when there is room."""
    lines = spoken(
        (look(HeadPoseYaw=9.0), 5), (look(HeadPoseRoll=12.0), 18), (look(EyesOpen=0.0), 40)
    )

    assert lines == [(0.2, "portrait.turn_right"), (4.2, "portrait.open_eyes")]


def test_a_hint_that_no_longer_holds_is_not_begun():
    """It may stand to be read; nobody is told what was done already."""
    lines = spoken((look(HeadPoseYaw=9.0), 5), (look(EyesOpen=0.0), 34), (look(), 30))

    assert lines == [(0.2, "portrait.turn_right")]


def test_a_refused_still_says_why_and_can_be_read():
    """The word of a judged still is no flicker: it comes at once, stays, and all begins anew."""
    guidance = Guidance(DOCUMENTS, SEATED)
    for n in range(20):
        guidance.see(look(), n / 10)
    refused = guidance.refuse(Advice.CLOSE_MOUTH, 2.0)
    after = [guidance.see(look(), 2.0 + n / 10) for n in range(1, 30)]
    shown = [guided.hint for guided in after]

    assert (refused.hint, refused.speak) == (Advice.CLOSE_MOUTH, Advice.CLOSE_MOUTH)
    assert refused.hold_share == 0.0
    assert shown[:14] == [Advice.CLOSE_MOUTH] * 14
    assert next(n for n, guided in enumerate(after) if guided.capture) >= 14


def test_help_once_offered_stays_until_somebody_else_comes():
    """An offer that comes and goes could not be touched."""
    guidance = Guidance(DOCUMENTS, SEATED)
    far = look(InterEyeDistance=90.0)
    offered = [guidance.see(far, n / 10).stuck for n in range(260)]
    still_here = guidance.see(look(), 26.0).stuck
    for n in range(25):
        guidance.see(NOBODY, 26.1 + n / 10)

    assert offered.index(True) == 250
    assert still_here
    assert not guidance.see(far, 29.0).stuck


def test_three_refused_stills_offer_help_and_somebody_new_begins_at_none():
    """Two of the one before and one of one's own are not three."""
    guidance = Guidance(DOCUMENTS, SEATED)
    offered = []
    for n in range(3):
        guidance.see(look(), 3.0 * n)
        offered.append(guidance.refuse(Advice.CLOSE_MOUTH, 3.0 * n + 1).stuck)
    for n in range(25):
        guidance.see(NOBODY, 8.0 + n / 10)
    guidance.see(look(), 11.0)

    assert offered == [False, False, True]
    assert not guidance.refuse(Advice.CLOSE_MOUTH, 12.0).stuck
    assert not guidance.see(look(), 12.1).stuck


def test_after_a_refused_still_only_what_is_seen_anew_counts():
    """The looks before it said that all was well, and were wrong."""
    guidance = Guidance(DOCUMENTS, SEATED)
    for n in range(20):
        guidance.see(look(), n / 10)
    guidance.refuse(Advice.OPEN_EYES, 2.0)
    seen = guidance.see(look(EyesOpen=0.01), 2.1)
    (eyes,) = [reading for reading in seen.readings if reading.measure == "EyesOpen"]

    assert eyes.native == 0.01
    assert seen.hold_share == 0.0


def test_whoever_trembles_is_photographed_all_the_same():
    """Not at once: most people only fidget. But a tremor is no dead end."""
    eyes = (OUTLINE.eye_left_px, OUTLINE.eye_right_px)
    there, back = ([(x + dx, y) for x, y in eyes] for dx in (4.0, -4.0))
    trembling = [
        replace(look(), outline=replace(OUTLINE, eye_left_px=left, eye_right_px=right))
        for left, right in (there, back)
    ]
    _, captures = play(*((trembling[n % 2], 1) for n in range(400)))

    assert captures
    assert captures[0] == pytest.approx(RELAX_AFTER_S + 0.7, abs=1.6)


def test_help_is_not_offered_while_relaxing_is_enough():
    """Whoever is photographed anyway is not sent to the staff."""
    guidance = Guidance(DOCUMENTS, SEATED)
    offered = [guidance.see(look(HeadPosePitch=25.0), n / 10).stuck for n in range(300)]

    assert not any(offered)


def test_whoever_is_never_found_is_offered_help_too():
    """A veil that no model sees through is no dead end."""
    guidance = Guidance(DOCUMENTS, SEATED)
    offered = [guidance.see(NOBODY, n / 10).stuck for n in range(260)]

    assert offered.index(True) == 250


def test_whoever_is_found_now_and_then_only_is_offered_help_too():
    """Each glimpse of a face behind a veil or a hand is not somebody new."""
    guidance = Guidance(DOCUMENTS, SEATED)
    far = look(InterEyeDistance=90.0)
    offered = [guidance.see(NOBODY if n % 30 > 5 else far, n / 10).stuck for n in range(400)]

    assert offered.index(True) == 250
    assert all(offered[250:])


def test_nothing_is_taken_while_the_exposure_changes():
    """The light on the face is judged good at each look; the camera is still adapting."""
    drifting = [(look(LuminanceMean=0.2 + 0.15 * (n // 2 % 2)), 1) for n in range(60)]
    _, captures = play(*drifting, (look(), 20))

    assert captures[0] == pytest.approx(6.4, abs=0.11)


def test_coming_nearer_is_moving_too():
    """The eyes stay in the middle of the picture, and grow."""
    grown = [
        replace(
            OUTLINE,
            eye_left_px=(580.0 - 2.5 * (n % 8), 338.0),
            eye_right_px=(700.0 + 2.5 * (n % 8), 338.0),
        )
        for n in range(40)
    ]
    transcript, captures = play(*((look(outline=outline), 1) for outline in grown))

    assert transcript[-1][1] == "portrait.hold_still"
    assert captures == []


def test_the_reading_behind_a_hint_is_there_for_the_log():
    """The technician sees by how much; the person sees words."""
    guidance = Guidance(DOCUMENTS, SEATED)
    for n in range(4):
        guided = guidance.see(look(HeadPoseYaw=9.0), n / 10)

    assert (guided.because.measure, guided.because.native) == ("HeadPoseYaw", 9.0)
    assert guidance.see(NOBODY, 0.5).because is None
