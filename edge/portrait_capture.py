"""From live frames to one accepted still: look, hint, hold, burst, judge, crop.

Runs on the sitting's thread, one frame a step. Plain pictures live only in what it returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge.burst import BURST, Still, best
from edge.camera_owner import CameraOwner
from edge.guidance import Guidance
from edge.override import Override, OverrideReason, refusals, waived
from edge.portrait import CannotCrop, DocumentPhoto, crop, master_jpeg
from edge.vision import Depth, FrameRefused, VisionWorker
from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.face_report import report
from quality.measure import Reading

FRAME_WAIT_S: Final = 0.15
LIVE_TIMEOUT_S: Final = 2.0
STILL_TIMEOUT_S: Final = 2.5
"""No step may be longer than a touch waits: a still, a look, and a worker that begins anew."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """An accepted portrait, in memory only: one photo a document, and the still they come from.

    Attributes:
        readings: of the still, by document id: each document has its own limits.
        report: of the still: all that was measured and what was not, against no limit.
        override: who took it by hand, why, and what was overruled; None if it was automatic.
    """

    photos: tuple[DocumentPhoto, ...]
    master: bytes
    readings: Mapping[str, tuple[Reading, ...]]
    report: tuple[Reading, ...]
    captured_at_s: float
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class PortraitView:
    """What one step saw: the one hint, how far the hold has come, and the portrait if it is taken.

    Attributes:
        fresh: False when no new frame came, so that nothing can be said about now.
        stuck: the automatic capture does not come to an end here: offer the staff's help.
        refused: this step judged a burst and refused it; `hint` says what to do.
    """

    hint: Advice | None = None
    hold_share: float = 0.0
    faces: int = 0
    fresh: bool = True
    portrait: Portrait | None = None
    stuck: bool = False
    refused: bool = False


class PortraitCapture:
    """One search for a portrait that satisfies all documents of a sitting."""

    def __init__(
        self,
        camera: CameraOwner,
        vision: VisionWorker,
        documents: Sequence[Document],
        good_frames: int,
    ) -> None:
        self._camera = camera
        self._vision = vision
        self._documents = tuple(documents)
        self._good_frames = good_frames
        self._guidance = self._new_guidance()
        self._after = -1
        self._burst: list[Still] = []
        self._by_hand: Override | None = None

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
        sight = self._vision.look(frame, Depth.LIVE, LIVE_TIMEOUT_S)
        guided = self._guidance.see(sight, frame.captured_at_s, frame.still_scale)
        if not guided.capture:
            # Praise is for a pose that holds; before the first judgement the person just waits.
            waiting = guided.hint is None and not guided.hold_share
            hint = Advice.WAIT if waiting else guided.hint
            return PortraitView(hint, guided.hold_share, sight.faces)
        return self._next_still()

    def _new_guidance(self) -> Guidance:
        return Guidance(self._documents, good_frames_needed=self._good_frames)

    def _next_still(self) -> PortraitView:
        still = self._camera.still(STILL_TIMEOUT_S)
        self._after = still.sequence
        try:
            sight = self._vision.look(still, Depth.STILL, STILL_TIMEOUT_S)
        except FrameRefused:
            self._burst, self._by_hand = [], None
            raise
        self._burst.append((still, sight))
        if len(self._burst) < BURST:
            return PortraitView(None, 1.0, sight.faces)
        burst, self._burst = self._burst, []
        override, self._by_hand = self._by_hand, None
        return self._judge(best(burst), override)

    def _judge(self, taken: Still, override: Override | None) -> PortraitView:
        still, sight = taken
        readings = {d.id: judge(d, sight.natives, live=False) for d in self._documents}
        together = [reading for judged in readings.values() for reading in judged]
        # What is only advisory is recorded with the portrait, it does not refuse it.
        advice = advise(sight, refusals(together, override))
        if advice is None and sight.outline is not None:
            try:
                master = master_jpeg(still)
                digest = hashlib.sha256(master).hexdigest()
                photos = tuple(crop(still, sight.outline, d, digest) for d in self._documents)
            except CannotCrop as refusal:
                advice = refusal.advice
            else:
                if override is not None:
                    override = replace(override, waived=waived(together, override.reason))
                portrait = Portrait(
                    photos, master, readings, report(sight.natives),
                    still.captured_at_s, override,
                )  # fmt: skip
                return PortraitView(None, 1.0, sight.faces, portrait=portrait)
        # The picture was not good enough after all: look again from the beginning.
        self._guidance = self._new_guidance()
        return PortraitView(advice or Advice.WAIT, 0.0, sight.faces, refused=True)
