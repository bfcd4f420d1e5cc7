"""The staff's shutter, the blink and the refused stills, from a camera's pixels to the portrait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from demo.pictures import mask_by
from drivers.camera import Frame, Picture
from drivers.errors import DeviceError
from edge.burst import judged as judge_still
from edge.camera_owner import CameraOwner
from edge.override import NEVER_WAIVED, Override, OverrideReason, may_be_waived
from edge.portrait_capture import ASKED_S, PortraitCapture, PortraitView
from edge.preset import PortraitRules
from edge.settings import load_document
from edge.sitting import Event, State
from edge.supervisor import Upkeep
from edge.vision.client import ModelFiles, VisionLost, VisionWorker
from quality.advice import Advice
from quality.document import Document
from quality.measure import Verdict
from quality.pitch_zero import PITCH, PitchZero
from tests.golden.views import STILL_SCALE, Studio
from tests.guidance_kit import DOCUMENT, GATES, SEATED, gate, look
from tests.sitting_kit import sittings

LONG_S = 60.0
"""No test measures time with this: it only ends a test that would else hang."""
SUNGLASSES = "SunglassesWorn"
REASONS = list(OverrideReason)
NO_MOUTH = {"MouthClosed": gate((None, 0.04), (None, 0.05), (None, 0.00001))}
NO_EYES = {"EyesOpen": gate((0.04, None), (0.035, None), (0.5, None))}


class PlayedCamera:
    """A sensor that sees one view; the test changes what stands before it."""

    model = "played"

    def __init__(self, views: dict[str, tuple[Picture, Picture]]) -> None:
        self.views = views
        self.view = "straight"
        self._sequence = 0
        self._noise = np.random.default_rng(3)

    def read(self, timeout_s: float) -> Frame:
        time.sleep(0.02)
        return self._frame(0, STILL_SCALE)

    def still(self, timeout_s: float) -> Frame:
        return self._frame(1, 1.0)

    def close(self) -> None:
        pass

    def _frame(self, size: int, still_scale: float) -> Frame:
        self._sequence += 1
        bgr = self.views[self.view][size].copy()
        # A sensor is never twice the same.
        bgr[:8] = self._noise.integers(200, 240, (8, bgr.shape[1], 3))
        return Frame(bgr, self._sequence, time.monotonic(), still_scale)


class HoldingCamera(PlayedCamera):
    """A sensor whose exposure can be kept."""

    def __init__(self, views: dict[str, tuple[Picture, Picture]]) -> None:
        super().__init__(views)
        self.held = False
        self.held_at_stills: list[bool] = []

    def hold_exposure(self, *, held: bool) -> None:
        self.held = held

    def still(self, timeout_s: float) -> Frame:
        self.held_at_stills.append(self.held)
        return super().still(timeout_s)


@pytest.fixture(scope="module")
def vision(models):
    """The real vision worker."""
    worker = VisionWorker(ModelFiles(models.face_landmarker, models.selfie_segmentation))
    worker.start()
    worker.wait_ready(LONG_S)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def views(vision, pictures):
    """Preview and still of what may stand before the camera."""
    studio = Studio(pictures, mask_by(vision, LONG_S))
    names = ("straight", "tilted", "two", "far", "nobody")
    return {name: (studio.preview(name), studio.still(name)) for name in names}


@contextmanager
def owned(played: PlayedCamera) -> Iterator[tuple[PlayedCamera, CameraOwner]]:
    """A camera and its owner."""
    owner = CameraOwner(Upkeep("camera-1", "camera", "played"), lambda: played)
    owner.start()
    try:
        yield played, owner
    finally:
        owner.close()


@pytest.fixture
def camera(views) -> Iterator[tuple[PlayedCamera, CameraOwner]]:
    """A camera that leaves its exposure to itself, and its owner."""
    with owned(PlayedCamera(views)) as both:
        yield both


def search(camera, vision, gates=None, zero=None) -> PortraitCapture:
    """A search for the kit's document with some gates of its own."""
    document: Document = DOCUMENT.with_gates(gates or {})
    rules = PortraitRules(SEATED, None, PitchZero(zero))
    return PortraitCapture(camera[1], vision, [document], rules)


def until_judged(searching: PortraitCapture) -> PortraitView:
    """Step until a burst was judged; on a busy machine the worker may be asked again."""
    until_s = time.monotonic() + LONG_S
    while time.monotonic() < until_s:
        try:
            seen = searching.step()
        except (VisionLost, DeviceError):
            continue
        if seen.portrait or seen.refused:
            return seen
    raise AssertionError("no burst was judged")


def test_a_covered_head_is_asked_about_once_and_never_refused(camera, vision):
    """Time to take a cap off; a scarf that stays is in the next portrait, and in its record."""
    covered = {"HeadCovered": gate((None, 1.0), (None, 1.0), (None, -1.0), hard=False)}
    searching = search(camera, vision, covered)
    asked, asked_at_s = until_judged(searching), time.monotonic()
    portrait = until_judged(searching).portrait

    assert (asked.refused, asked.hint) == (True, Advice.TAKE_OFF_HAT)
    assert portrait.captured_at_s - asked_at_s > ASKED_S / 2
    told = {r.measure: r.verdict for r in portrait.readings[DOCUMENT.id]}
    assert told["HeadCovered"] is Verdict.REJECTED
    assert portrait.override is None


def test_a_good_view_is_taken_without_anybodys_word(camera, vision):
    """The automatic capture: nothing overruled, its preset named."""
    portrait = until_judged(search(camera, vision)).portrait

    assert portrait.override is None
    assert portrait.preset == "seated"
    assert {r.verdict for r in portrait.readings[DOCUMENT.id] if not r.advisory} == {
        Verdict.ACCEPTED
    }


def test_a_pose_is_praised_until_a_still_was_refused_and_then_only_waited_for(camera, vision):
    """What only a still can see may be as it was: no praise and refusal in turns on one screen."""
    played, _ = camera
    at_first = until_portrait(search(camera, vision))
    searching = search(camera, vision)
    played.view = "two"
    searching.take_now(OverrideReason.OTHER_HEALTH, "staff-7")
    refused = until_judged(searching)
    played.view = "straight"
    after = until_portrait(searching)

    assert None in at_first
    assert refused.refused
    assert Advice.WAIT in after
    assert None not in after


def until_portrait(searching: PortraitCapture) -> list[Advice | None]:
    """Step until a portrait is taken; return what each fresh step before had to say."""
    until_s, said = time.monotonic() + LONG_S, []
    while time.monotonic() < until_s:
        try:
            seen = searching.step()
        except (VisionLost, DeviceError):
            continue
        if seen.portrait:
            return said
        said += [seen.hint] if seen.fresh else []
    raise AssertionError("no portrait was taken")


def test_exposure_is_kept_from_the_hold_to_the_last_still_and_given_back(views, vision):
    """The stills are what the person held for; afterwards the camera adapts to the next one."""
    with owned(HoldingCamera(views)) as (played, owner):
        before = played.held
        portrait = until_judged(search((played, owner), vision)).portrait
        until_s = time.monotonic() + LONG_S
        while played.held and time.monotonic() < until_s:
            time.sleep(0.05)

        assert portrait is not None
        assert not before
        # A burst that a busy worker lost is taken again, with its exposure kept as well.
        assert played.held_at_stills[:3] == [True] * 3
        assert all(played.held_at_stills)
        assert not played.held


def test_a_portrait_by_hand_keeps_no_exposure_that_may_not_have_settled(views, vision):
    """Staff press when they like; nobody knows yet what the light does."""
    with owned(HoldingCamera(views)) as (played, owner):
        searching = search((played, owner), vision)
        searching.take_now(OverrideReason.OTHER_HEALTH, "staff-7")

        assert until_judged(searching).portrait is not None
        assert played.held_at_stills[:3] == [False] * 3
        assert not any(played.held_at_stills)


def test_what_staff_overrule_is_named_and_stays_rejected(camera, vision):
    """The portrait is taken at once; the record says who, why and what, and nothing is painted."""
    searching = search(camera, vision, NO_MOUTH)
    searching.take_now(OverrideReason.HEAD_COVERING_FAITH, "staff-7")
    portrait = until_judged(searching).portrait
    mouth = next(r for r in portrait.readings[DOCUMENT.id] if r.measure == "MouthClosed")

    assert portrait.override == Override(
        OverrideReason.HEAD_COVERING_FAITH, "staff-7", ("MouthClosed",)
    )
    assert mouth.verdict is Verdict.REJECTED
    assert len(portrait.photos) == 1


def test_a_word_that_was_not_needed_overrules_nothing(camera, vision):
    """A good view taken by hand says so, with an empty list."""
    searching = search(camera, vision)
    searching.take_now(OverrideReason.OTHER_HEALTH, "staff-7")

    assert until_judged(searching).portrait.override.waived == ()


@pytest.mark.parametrize(
    ("view", "advice"),
    [
        ("two", Advice.MANY_FACES),
        ("far", Advice.TOO_FAR),
        ("nobody", Advice.NO_FACE),
        ("tilted", Advice.STRAIGHTEN_HEAD),
    ],
)
def test_two_too_far_nobody_and_a_crop_that_cannot_be_are_never_overruled(
    camera, vision, view, advice
):
    """One face, its size and every rule of the crop hold for staff as for the automatic capture."""
    camera[0].view = view
    searching = search(camera, vision)
    searching.take_now(OverrideReason.NECK_CONDITION, "staff-7")
    seen = until_judged(searching)

    assert seen.portrait is None
    assert (seen.hint, seen.refused) == (advice, True)


def test_narrow_eyes_give_way_to_a_condition_of_the_eyes_alone(camera, vision):
    """A heavy lid is no dead end; a blink is not excused by a scarf."""
    searching = search(camera, vision, NO_EYES)
    searching.take_now(OverrideReason.HEAD_COVERING_HEALTH, "staff-7")
    refused = until_judged(searching)
    searching.take_now(OverrideReason.EYE_CONDITION, "staff-7")
    taken = until_judged(searching)

    assert (refused.portrait, refused.hint) == (None, Advice.OPEN_EYES)
    assert taken.portrait.override.waived == ("EyesOpen",)


def test_the_word_holds_for_one_burst(camera, vision):
    """What an attendant signed for is not applied to what comes after."""
    searching = search(camera, vision, NO_MOUTH)
    camera[0].view = "two"
    searching.take_now(OverrideReason.OTHER_HEALTH, "staff-7")
    first = until_judged(searching)
    camera[0].view = "straight"
    second = until_judged(searching)

    assert first.refused
    assert (second.portrait, second.hint) == (None, Advice.CLOSE_MOUTH)


def test_refused_stills_offer_the_staffs_help(camera, vision):
    """After as many as the preset says; then the manual shutter is the way on."""
    patience = SEATED.patience.model_copy(update={"refused_bursts": 1})
    preset = SEATED.model_copy(update={"patience": patience})
    document = DOCUMENT.with_gates(NO_MOUTH)
    searching = PortraitCapture(camera[1], vision, [document], PortraitRules(preset))
    refused = until_judged(searching)
    searching.take_now(OverrideReason.OTHER_HEALTH, "staff-7")

    assert (refused.refused, refused.stuck, refused.hint) == (True, True, Advice.CLOSE_MOUTH)
    assert until_judged(searching).portrait is not None


def test_the_stations_zero_is_in_the_still_and_in_the_record_alike(camera, vision):
    """One subtraction for all: what was judged is what is recorded, and it says so."""
    searching = search(camera, vision)
    searching.take_now(OverrideReason.NECK_CONDITION, "staff-7")
    plain = until_judged(searching).portrait
    searching = search(camera, vision, zero=20.0)
    searching.take_now(OverrideReason.NECK_CONDITION, "staff-7")
    portrait = until_judged(searching).portrait
    judged, reported, raw = (
        next(r for r in readings if r.measure == PITCH)
        for readings in (portrait.readings[DOCUMENT.id], portrait.report, plain.report)
    )

    assert judged.native == reported.native
    assert judged.native == pytest.approx(raw.native - 20.0, abs=1.5)
    assert judged.reason == reported.reason == "other pose estimator; station zero 20 deg taken off"
    assert portrait.override.waived == (PITCH,)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("measure", ["SingleFacePresent", "InterEyeDistance", "HeadSize"])
def test_no_reason_overrules_one_face_and_its_size(reason, measure):
    """The list of what nobody may overrule, measure by measure."""
    worse = {"SingleFacePresent": 0.5, "InterEyeDistance": 90.0, "HeadSize": 0.6}
    found = judge_still(look(**{measure: worse[measure]}), [DOCUMENT], Override(reason))

    assert found.advice is not None
    assert not any(
        may_be_waived(r, reason)
        for r in found.readings[DOCUMENT.id]
        if r.verdict is Verdict.REJECTED
    )


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(
    "worse",
    [{"GlassesGlare": 0.5}, {"HairOverEyes": 0.9}, {"FaceEdgeDistance": -0.1}],
    ids=lambda worse: next(iter(worse)),
)
def test_no_reason_overrules_hidden_eyes_or_a_cut_face(reason, worse):
    """By what would cure them, since no list of measures is ever complete."""
    (measure,) = worse
    hard = load_document("cn_exit_entry").gates[measure].model_copy(update={"hard": True})
    document = DOCUMENT.model_copy(update={"gates": GATES | {measure: hard}})
    found = judge_still(look(**worse), [document], Override(reason))

    assert found.advice is not None
    assert measure not in found.override.waived


@pytest.mark.parametrize("reason", REASONS)
def test_eyes_that_read_as_dark_glasses_are_no_dead_end(reason):
    """Deep eyes, or tinted lenses from a doctor: signed for as a condition of the eyes, only so."""
    gates = load_document("cn_exit_entry").gates
    document = DOCUMENT.model_copy(update={"gates": GATES | {SUNGLASSES: gates[SUNGLASSES]}})
    found = judge_still(look(**{SUNGLASSES: 0.44}), [document], Override(reason))
    allowed = reason is OverrideReason.EYE_CONDITION

    assert (found.advice is None) is allowed
    assert (SUNGLASSES in found.override.waived) is allowed


@pytest.mark.parametrize("reason", REASONS)
def test_eyes_that_nobody_found_are_never_overruled(reason):
    """Not even for a condition of the eyes: without a value there is nothing to sign for."""
    assert judge_still(look(EyesOpen=None), [DOCUMENT], Override(reason)).advice is Advice.WAIT


@pytest.mark.parametrize("reason", REASONS)
def test_everything_else_may_be_signed_for(reason):
    """Light, pose, mouth: never a dead end, and each is named."""
    poor = look(HeadPoseYaw=12.0, MouthClosed=0.2, LuminanceMean=0.01, HeadPoseRoll=20.0)
    found = judge_still(poor, [DOCUMENT], Override(reason))

    assert found.advice is None
    assert found.override.waived == ("HeadPoseRoll", "HeadPoseYaw", "LuminanceMean", "MouthClosed")


def test_what_nobody_may_overrule_is_this_list():
    """Widen it freely; whoever shortens it meets this promise. The kit gates what it can of it."""
    assert {"SingleFacePresent", "InterEyeDistance", "HeadSize", "EyesOpen", "EyesVisible"} <= (
        NEVER_WAIVED
    )
    assert NEVER_WAIVED - {"EyesVisible"} <= GATES.keys()


def test_whoever_signed_is_told_when_no_photo_came_of_it(camera, vision, tmp_path):
    """The search goes on by itself; the attendant must not wait for a photo that does not come."""
    played, owner = camera
    played.view = "nobody"
    with sittings(tmp_path) as station:
        station.set(camera=owner, vision=vision)
        loop, screen = station.begin(Event.AGREE)
        loop.shutter(screen.snapshot.token, "guide-7", OverrideReason.NECK_CONDITION)
        until_s = time.monotonic() + LONG_S
        while screen.snapshot.shutter_refused is None and time.monotonic() < until_s:
            loop._guarded(loop._round)
        shown = screen.snapshot
        loop.shutter(shown.token, "guide-7", OverrideReason.NECK_CONDITION)

        assert (shown.state, shown.shutter_refused) == (State.PORTRAIT, Advice.NO_FACE.value)
        assert screen.snapshot.shutter_refused is None
