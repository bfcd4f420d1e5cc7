"""From live frames to one accepted still: look, hint, hold, burst, judge, crop.

Runs on the sitting's thread, one frame a step. Plain pictures live only in what it returns.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.camera import Frame
from edge.camera_owner import CameraOwner
from edge.guidance import Guidance
from edge.portrait import CannotCrop, DocumentPhoto, crop, master_jpeg
from edge.vision import Depth, FrameRefused, Sight, VisionWorker
from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.face_report import report
from quality.measure import Reading

FRAME_WAIT_S: Final = 0.15
LIVE_TIMEOUT_S: Final = 2.0
STILL_TIMEOUT_S: Final = 2.5
"""No step may be longer than a touch waits: a still, a look, and a worker that begins anew."""
BURST: Final = 3
BLINK_SHARE: Final = 0.7
"""A still whose eyes are less open than this share of the burst's median is a blink."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """An accepted portrait, in memory only: one photo a document, and the still they come from.

    `readings` of the still, by document id: each document has its own limits.
    `report` of the still: all that was measured and what was not, against no limit.
    """

    photos: tuple[DocumentPhoto, ...]
    master: bytes
    readings: Mapping[str, tuple[Reading, ...]]
    report: tuple[Reading, ...]
    captured_at_s: float


@dataclass(frozen=True, slots=True)
class PortraitView:
    """What one step saw: the one hint, how far the hold has come, and the portrait if it is taken.

    `fresh` is False when no new frame came, so that nothing can be said about now.
    """

    hint: Advice | None = None
    hold_share: float = 0.0
    faces: int = 0
    fresh: bool = True
    portrait: Portrait | None = None


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
        self._burst: list[tuple[Frame, Sight]] = []

    def step(self) -> PortraitView:
        """Judge the newest frame; when the pose has held, take one still of the burst a step.

        Raises:
            VisionLost: the worker died; call again.
            DeviceError: the camera was lost while a still was taken.
        """
        if self._burst:
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
            self._burst = []
            raise
        self._burst.append((still, sight))
        if len(self._burst) < BURST:
            return PortraitView(None, 1.0, sight.faces)
        burst, self._burst = self._burst, []
        return self._judge(*_best(burst))

    def _judge(self, still: Frame, sight: Sight) -> PortraitView:
        readings = {d.id: judge(d, sight.natives, live=False) for d in self._documents}
        # What is only advisory is recorded with the portrait, it does not refuse it.
        hard = [r for judged in readings.values() for r in judged if not r.advisory]
        advice = advise(sight, hard)
        if advice is None and sight.outline is not None:
            try:
                master = master_jpeg(still)
                digest = hashlib.sha256(master).hexdigest()
                photos = tuple(crop(still, sight.outline, d, digest) for d in self._documents)
            except CannotCrop as refusal:
                advice = refusal.advice
            else:
                portrait = Portrait(
                    photos, master, readings, report(sight.natives),
                    still.captured_at_s,
                )  # fmt: skip
                return PortraitView(None, 1.0, sight.faces, portrait=portrait)
        # The picture was not good enough after all: look again from the beginning, without comment.
        self._guidance = self._new_guidance()
        return PortraitView(advice or Advice.WAIT, 0.0, sight.faces)


def _best(burst: Sequence[tuple[Frame, Sight]]) -> tuple[Frame, Sight]:
    """Return the sharpest still of a burst in which nobody blinks."""
    openness = [_native(sight, "EyesOpen") for _, sight in burst]
    floor = BLINK_SHARE * statistics.median(openness)
    awake = [pair for pair, open_ in zip(burst, openness, strict=True) if open_ >= floor]
    return max(awake, key=lambda pair: _native(pair[1], "FaceSharpness"))


def _native(sight: Sight, measure: str) -> float:
    native = sight.natives.get(measure)
    return 0.0 if native is None or native.value is None else native.value
