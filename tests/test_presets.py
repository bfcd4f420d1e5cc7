"""Presets: who sits, stands or lies before the camera, and what is never bent for it."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError

from edge.guidance import Guidance
from edge.override import NEVER_WAIVED
from edge.preset import PortraitRules, Preset
from edge.settings import (
    CONFIGS,
    SettingsError,
    load_document,
    load_preset,
    load_settings,
    portrait_rules,
    preset_names,
)
from quality.advice import Advice
from quality.limits import standings
from quality.pitch_zero import PitchZero
from tests.guidance_kit import DOCUMENT, PRESETS, SEATED, look, shifted
from tests.test_settings import edited

BEDSIDE = load_preset("bedside")
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)


def table(name: str = "bedside"):
    """A preset's file as a table."""
    return tomllib.loads((CONFIGS / "presets" / f"{name}.toml").read_text(encoding="utf-8"))


def hints(preset, shown, looks=60):
    """Every hint of so many looks, and whether help was offered at their end."""
    guidance = Guidance(preset.documents([DOCUMENT]), preset)
    guided = [guidance.see(shown, n / 10) for n in range(looks)]
    return {g.hint for g in guided if g.hint}, guided[-1].stuck


def test_the_four_presets_ship_and_a_file_is_named_as_its_id():
    """The configured name is the file's name."""
    assert preset_names() == ["bedside", "seated", "standing", "wheelchair"]
    assert [load_preset(name).id for name in preset_names()] == preset_names()


@every_preset
def test_every_number_has_a_source_that_says_how_it_stands(preset):
    """No number without where it comes from."""
    tables = [part for part in table(preset.id).values() if isinstance(part, dict)]

    assert len(tables) >= 3
    assert all(standings(part["source"]) for part in tables)


@every_preset
def test_face_eyes_and_size_are_as_hard_in_every_preset(preset):
    """Their gates are the document's own, to the digit."""
    gates = preset.documents([DOCUMENT])[0].gates

    assert {n: gates[n] for n in NEVER_WAIVED & gates.keys()} == {
        n: DOCUMENT.gates[n] for n in NEVER_WAIVED & DOCUMENT.gates.keys()
    }


@every_preset
def test_the_stills_limits_are_the_documents_in_every_preset(preset):
    """A preset leads to the still in its own way; the photo is what its document says."""
    gates = preset.documents([DOCUMENT])[0].gates

    assert {n: g.still for n, g in gates.items()} == {n: g.still for n, g in DOCUMENT.gates.items()}


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("tolerance", {"advisory": ["EyesOpen"], "source": "design: no"}, "may be made advisory"),
        ("tolerance", {"advisory": ["Beauty"], "source": "design: no"}, "may be made advisory"),
        ("voice", {"gap_s": 3.9, "repeat_after_s": 8, "source": "design: no"}, "greater than"),
        ("roll", {"enter_deg": 7, "leave_deg": 9, "source": "design: no"}, "less than"),
        ("roll", {"enter_deg": 8, "leave_deg": 7, "source": "design: no"}, "enter_deg is above"),
        ("frames", {"count": 8, "source": "somewhere"}, "how it stands"),
        ("frames", {"count": 0, "source": "design: no"}, "greater than"),
        (
            "patience",
            {"relax_after_s": 30, "help_after_s": 20, "refused_bursts": 3, "source": "design: no"},
            "not before",
        ),
        (
            "instead",
            {"hints": {"portrait.many_faces": "portrait.wait"}, "source": "design: no"},
            "somebody else could do",
        ),
        (
            "instead",
            {"hints": {"portrait.move_up": "portrait.move_down"}, "source": "design: no"},
            "asks the person again",
        ),
        ("colour", "red", "Extra inputs"),
    ],
)
def test_a_preset_that_bends_what_is_never_bent_is_refused(part, value, says):
    """One face, eyes, size, and four seconds between spoken lines."""
    with pytest.raises(ValidationError, match=says):
        Preset.model_validate(table() | {part: value})


@pytest.mark.parametrize("name", ["standing", "wheelchair", "bedside"])
@pytest.mark.parametrize("dy_px", [150.0, -120.0])
def test_eyes_at_the_wrong_height_are_the_staffs_to_cure(name, dy_px):
    """Nobody who cannot is told to rise or to sink; help is offered with the first word."""
    assert hints(load_preset(name), shifted(0.0, dy_px)) == ({Advice.STAFF_MOVES_CAMERA}, True)


@pytest.mark.parametrize(("dy_px", "advice"), [(150.0, Advice.MOVE_UP), (-120.0, Advice.MOVE_DOWN)])
def test_on_a_chair_one_may_sit_higher_or_lower(dy_px, advice):
    """Seated, the person is asked, and nobody is called for it."""
    assert hints(SEATED, shifted(0.0, dy_px)) == ({advice}, False)


@pytest.mark.parametrize(
    "shown",
    [look(InterEyeDistance=90.0), look(HeadPoseRoll=12.0), shifted(250.0)],
    ids=["far", "tilted", "aside"],
)
def test_in_bed_the_camera_comes_to_the_person(shown):
    """Near, aside and tilted are the work of whoever holds the camera."""
    assert hints(BEDSIDE, shown) == ({Advice.STAFF_MOVES_CAMERA}, True)


@pytest.mark.parametrize("roll_deg", [7.4, -7.4])
def test_in_bed_a_head_may_lean_as_far_as_the_crop_turns_it(roll_deg):
    """Taken as it lies; on a chair the same head is asked to straighten."""
    assert hints(BEDSIDE, look(HeadPoseRoll=roll_deg)) == (set(), False)
    assert hints(SEATED, look(HeadPoseRoll=roll_deg))[0] == {Advice.STRAIGHTEN_HEAD}


def test_a_lent_roll_never_goes_beyond_the_still():
    """Where a document is narrower than the bed, the document holds."""
    narrow = DOCUMENT.gates["HeadPoseRoll"].model_validate(
        {
            "live_enter": {"min": -3, "max": 3}, "live_leave": {"min": -4, "max": 4},
            "still": {"min": -5, "max": 5}, "hard": True, "source": "the tests' own",
        }
    )  # fmt: skip
    gate = BEDSIDE.documents([DOCUMENT.with_gates({"HeadPoseRoll": narrow})])[0].gates
    live = gate["HeadPoseRoll"].live_leave

    assert (live.min, live.max) == (-5.0, 5.0)


def test_what_is_tolerated_in_bed_is_advisory_there_and_written_so():
    """The pitch of who cannot lift the head, even where the station is calibrated."""
    rules = PortraitRules(BEDSIDE, None, PitchZero(5.0))

    assert not rules.documents([DOCUMENT])[0].gates["HeadPosePitch"].hard
    assert (
        PortraitRules(SEATED, None, PitchZero(5.0))
        .documents([DOCUMENT])[0]
        .gates["HeadPosePitch"]
        .hard
    )


def test_every_tolerated_measure_is_one_that_documents_gate():
    """A tolerance of something that nobody judges would be an empty word."""
    gates = load_document("cn_exit_entry").gates

    assert set(BEDSIDE.tolerance.advisory) <= set(gates)


def test_the_number_of_good_frames_has_three_voices():
    """The preset's, a document's if it asks for more, the station's own before both."""
    strict = DOCUMENT.model_copy(update={"good_frames": 12})

    assert PortraitRules(SEATED).frames_needed([DOCUMENT]) == 8
    assert PortraitRules(load_preset("standing")).frames_needed([DOCUMENT]) == 5
    assert PortraitRules(SEATED).frames_needed([DOCUMENT, strict]) == 12
    assert PortraitRules(SEATED, good_frames=3).frames_needed([DOCUMENT, strict]) == 3


def test_a_preset_that_is_not_there_is_named_with_those_that_are(tmp_path):
    """One sentence with the line, the key and what may stand there."""
    path = edited(tmp_path, "[portrait]", '[portrait]\npreset = "seeted"')

    with pytest.raises(SettingsError, match=r"portrait\.preset is 'seeted'; did you mean 'seated'"):
        load_settings(path, check_camera=False)


def test_a_stations_preset_reaches_the_search(tmp_path):
    """From the station's file to the rules."""
    path = edited(tmp_path, "[portrait]", '[portrait]\npreset = "wheelchair"\ngood_frames = 4')
    rules = portrait_rules(load_settings(path, check_camera=False).portrait)

    assert rules.preset.id == "wheelchair"
    assert rules.frames_needed([DOCUMENT]) == 4


@every_preset
def test_the_page_says_the_presets_numbers(preset):
    """What a technician reads is what runs."""
    page = (CONFIGS.parent / "docs" / "guidance.md").read_text(encoding="utf-8")
    help_s = f"{preset.patience.help_after_s:g} s"

    assert f"| `{preset.id}` | {preset.frames.count} | {help_s} |" in page
