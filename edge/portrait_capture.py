"""From live frames to one accepted still: look, hint, hold, burst, judge, crop.

Runs on the sitting's thread, one frame a step. Plain pictures live only in what it returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from drivers.camera import Frame
from edge.burst import BURST, best, judged
from edge.camera_owner import CameraOwner
from edge.guidance import Guidance, Guided
from edge.override import Override, OverrideReason
from edge.portrait import CannotCrop, DocumentPhoto, crop, master_jpeg
from edge.preset import PortraitRules
from edge.vision.client import Depth, FrameRefused, Sight, VisionWorker
from quality.advice import Advice, advice_of
from quality.attack.minifasnet import LIVE_MIN
from quality.document import Document
from quality.face_report import report
from quality.measure import Reading, Verdict

FRAME_WAIT_S: Final = 0.15
LIVE_TIMEOUT_S: Final = 2.0
STILL_TIMEOUT_S: Final = 2.5
"""No step may be longer than a touch waits: a still, a look, and a worker that begins anew."""
EXPOSURE_HELD_S: Final = 6.0
"""Longer than a step may last. It is given back after the burst, and by itself if none comes."""
ASKED_ONCE: Final = ("HeadCovered", "GlassesGlare", "HairOverEyes")
"""What only a still shows and what refuses nobody: asked for once, in this order."""
ASKED_S: Final = 6.0
"""So long it stands, and no picture is taken meanwhile."""

log = structlog.get_logger("portrait")


@dataclass(frozen=True, slots=True)
class Portrait:
    """An accepted portrait, in memory only: one photo a document, and the still they come from.

    Attributes:
        readings: of the still, by document id: each document has its own limits.
        report: of the still: all that was measured and what was not, against no limit.
        override: who took it by hand, why, and what was overruled; None if it was automatic.
        live_share: what installed networks give to a live face, 0..1; None without.
        preset: id of the preset it was taken in; a bedside portrait is never called conformant.
    """

    photos: tuple[DocumentPhoto, ...]
    master: bytes
    readings: Mapping[str, tuple[Reading, ...]]
    report: tuple[Reading, ...]
    captured_at_s: float
    override: Override | None = None
    preset: str = ""
    live_share: float | None = None


@dataclass(frozen=True, slots=True)
class PortraitView:
    """What one step saw: the one hint, how far the hold has come, and the portrait if it is taken.

    Attributes:
        fresh: False when no new frame came, so that nothing can be said about now.
        stuck: the automatic capture does not come to an end here: offer the staff's help.
        refused: this step judged a burst and refused it; `hint` says what to do.
        speak: the line that a voice begins with this step; None lets the last one end.
    """

    hint: Advice | None = None
    hold_share: float = 0.0
    faces: int = 0
    fresh: bool = True
    portrait: Portrait | None = None
    stuck: bool = False
    refused: bool = False
    speak: Advice | None = None


class PortraitCapture:
    """One search for a portrait that satisfies all documents of a sitting."""

    def __init__(
        self,
        camera: CameraOwner,
        vision: VisionWorker,
        documents: Sequence[Document],
        rules: PortraitRules,
    ) -> None:
        """Prepare.

        Args:
            camera: gives frames and stills.
            vision: looks at them.
            documents: as their files have them; the station's zero and preset come with `rules`.
            rules: of this station.
        """
        self._camera = camera
        self._vision = vision
        self._rules = rules
        self._documents = rules.documents(documents)
        needed = rules.frames_needed(documents)
        self._guidance = Guidance(self._documents, rules.preset, needed)
        self._after = -1
        self._hint: Advice | None = None
        self._stuck = False
        self._refused_still = False
        self._usual_openness: float | None = None
        self._burst: list[tuple[Frame, Sight]] = []
        self._by_hand: Override | None = None
        self._asked: set[str] = set()
        self._asked_of: tuple[Advice, float] | None = None

    def take_now(self, reason: OverrideReason, staff_id: str = "") -> None:
        """Take the portrait by hand: the staff's manual shutter.

        Call it on the thread that calls `step`, once the attendant's PIN was checked; it returns at
        once. The next steps take a burst whatever the live gates say, and the step that judges it
        has either `portrait`, with `Portrait.override` = `Override(reason, staff_id, waived)`, or
        `refused` with the hint; then the search goes on by itself and may be overruled again.

        What holds all the same (`edge.override.NEVER_WAIVED`): one face, its size, eyes in view,
        and every rule of the crop, so that each photo still fits its document. `EyesOpen` gives
        way to `OverrideReason.EYE_CONDITION` alone. All else that failed is named in `waived`, and
        its readings stay in `Portrait.readings` as they were: rejected.

        Args:
            reason: what the attendant saw.
            staff_id: who signed.
        """
        self._by_hand = Override(reason, staff_id)

    def step(self) -> PortraitView:
        """Judge the newest frame; when the pose has held, take one still of the burst a step.

        Raises:
            VisionLost: the worker died; call again.
            DeviceError: the camera was lost while a still was taken.
            FrameRefused: a still could not be looked at; the burst is given up, the manual shutter
                too.
        """
        if self._burst or self._by_hand:
            return self._next_still()
        frame = self._camera.wait_frame(self._after, FRAME_WAIT_S)
        if frame is None:
            return PortraitView(fresh=False)
        self._after = frame.sequence
        sight = self._look(frame, Depth.LIVE, LIVE_TIMEOUT_S)
        guided = self._guidance.see(sight, frame.captured_at_s, frame.still_scale)
        self._note(guided)
        self._camera.hold_exposure(EXPOSURE_HELD_S if guided.settled else 0.0)
        asked = self._still_asked(frame.captured_at_s)
        if asked or not guided.capture:
            hint = guided.hint or asked or self._unhindered(guided.hold_share)
            return PortraitView(
                hint, guided.hold_share, sight.faces, stuck=guided.stuck, speak=guided.speak
            )
        self._usual_openness = next(
            (r.native for r in guided.readings if r.measure == "EyesOpen"), None
        )
        return self._next_still()

    def _unhindered(self, hold_share: float) -> Advice | None:
        """Return what to say where nothing hinders: None is praise, for a pose that holds.

        Before the first judgement the person just waits. After a refused still as well: what only
        a still can see may be as it was, and praise and refusal would take turns on the screen.
        """
        return Advice.WAIT if self._refused_still or not hold_share else None

    def _look(self, frame: Frame, depth: Depth, timeout_s: float) -> Sight:
        """Look at a frame of this station's camera, live or still: with its zero taken off."""
        sight = self._vision.look(frame, depth, timeout_s)
        return replace(sight, natives=dict(self._rules.pitch_zero.natives(sight.natives)))

    def _note(self, guided: Guided) -> None:
        """Log a new hint with what led to it, as a technician wants it; nobody else sees it."""
        self._stuck = guided.stuck
        if guided.hint is self._hint:
            return
        self._hint = guided.hint
        why = guided.because
        if guided.hint is not None:
            log.info(
                "hint", code=guided.hint.value,
                measure=why.measure if why else "", beyond=_beyond(why) if why else 0.0,
            )  # fmt: skip

    def _next_still(self) -> PortraitView:
        still = self._camera.still(STILL_TIMEOUT_S)
        self._after = still.sequence
        if self._by_hand is None:
            self._camera.hold_exposure(EXPOSURE_HELD_S)
        try:
            sight = self._look(still, Depth.STILL, STILL_TIMEOUT_S)
        except FrameRefused:
            self._burst, self._by_hand = [], None
            raise
        self._burst.append((still, sight))
        if len(self._burst) < BURST:
            return PortraitView(self._unhindered(1.0), 1.0, sight.faces, stuck=self._stuck)
        self._camera.hold_exposure(0.0)
        burst, self._burst = self._burst, []
        override, self._by_hand = self._by_hand, None
        usual = None if override else self._usual_openness
        chosen = best([sight for _, sight in burst], usual)
        return self._judge(*burst[chosen], override)

    def _judge(self, still: Frame, sight: Sight, override: Override | None) -> PortraitView:
        found = judged(sight, self._documents, override)
        advice = found.advice
        if advice is None and override is None:
            advice = self._asked_once(found.readings, still.captured_at_s)
        if advice is None and sight.outline is not None:
            try:
                master = master_jpeg(still)
                digest = hashlib.sha256(master).hexdigest()
                photos = tuple(crop(still, sight.outline, d, digest) for d in self._documents)
            except CannotCrop as refusal:
                advice = refusal.advice
            else:
                portrait = Portrait(
                    photos, master, found.readings, report(sight.natives),
                    still.captured_at_s, found.override, self._rules.preset.id,
                    sight.live_share,
                )  # fmt: skip
                if sight.live_share is not None and sight.live_share < LIVE_MIN:
                    # For staff to look at; it refuses nobody and shows on no screen.
                    log.warning("attack_suspected", score=round(sight.live_share, 2))
                return PortraitView(None, 1.0, sight.faces, portrait=portrait)
        # The picture was not good enough after all: say why, and look again from the beginning.
        self._refused_still = True
        guided = self._guidance.refuse(advice or Advice.WAIT, still.captured_at_s)
        self._note(guided)
        return PortraitView(
            guided.hint, 0.0, sight.faces, stuck=guided.stuck, refused=True, speak=guided.speak
        )

    def _still_asked(self, now_s: float) -> Advice | None:
        """Return what was asked for just now: a cap is not off in a second."""
        if self._asked_of is None or now_s - self._asked_of[1] >= ASKED_S:
            return None
        return self._asked_of[0]

    def _asked_once(self, readings: Mapping[str, Sequence[Reading]], now_s: float) -> Advice | None:
        """Return what is asked for of somebody who could do without it, the first time it is seen.

        A cap or a glare refuses nobody, and only a still shows it: asked for once, it is left to
        the person, whose next portrait is taken as she sits there.
        """
        found = {r.measure: r for one in readings.values() for r in one}
        for measure in ASKED_ONCE:
            reading = found.get(measure)
            if reading and reading.verdict is Verdict.REJECTED and measure not in self._asked:
                self._asked.add(measure)
                advice = advice_of(reading)
                self._asked_of = (advice, now_s) if advice else None
                return advice
        return None


def _beyond(reading: Reading) -> float:
    """Return how far a value is outside its limits, in its unit; 0.0 if it has no value."""
    if reading.native is None:
        return 0.0
    low, high = reading.accept.low, reading.accept.high
    below = 0.0 if low is None else low - reading.native
    above = 0.0 if high is None else reading.native - high
    return round(max(below, above, 0.0), 3)
