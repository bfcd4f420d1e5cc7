"""What memory holds of one running sitting, and what each step does with devices and record.

Runs on the sitting's thread. The table of moves is not here: a step returns what happened.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from edge.camera_owner import CameraOwner
from edge.finger_capture import EARLIER_MAX, FingerCapture, FingerMissing, FingerTaken
from edge.portrait_capture import Portrait, PortraitCapture
from edge.preset import PortraitRules
from edge.reader_owner import ReaderOwner
from edge.record import Record, RecordRoom
from edge.screen import Picture, Screen
from edge.settings import Fingers, SittingLimits
from edge.sitting import Event, Missing, Result
from edge.staff import Staff
from edge.vision import Depth, FrameRefused, VisionLost, VisionWorker
from quality.advice import Advice
from quality.document import Document
from quality.finger.print import Print

PRESENCE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Room:
    """What a sitting works with; put together in `edge.station`.

    `seeing` is set once the vision worker has loaded its models. Without `staff` nobody can sign.
    """

    camera: CameraOwner
    reader: ReaderOwner
    vision: VisionWorker
    seeing: threading.Event
    records: RecordRoom
    documents: tuple[Document, ...]
    rules: PortraitRules
    fingers: Fingers
    limits: SittingLimits
    language: str
    staff: Staff | None = None


class Visit:
    """One person's samples in memory; dropped as a whole when the sitting ends."""

    def __init__(self, room: Room, record: Record, screen: Screen) -> None:
        self.record = record
        self.present = False
        self._room = room
        self._screen = screen
        done = {*record.fingers_in, *(m.what.removeprefix("finger:") for m in record.missing)}
        self._positions = [p for p in room.fingers.positions if p not in done]
        self._search: PortraitCapture | None = None
        self._portrait: Portrait | None = None
        self._finger: FingerCapture | None = None
        self._prints: deque[Print] = deque(maxlen=EARLIER_MAX)

    def look_for_portrait(self) -> None:
        """Begin the search anew and forget the portrait that was under review."""
        self._portrait = None
        self._screen.hold(Picture.PORTRAIT, None)
        self._screen.show(portrait_preview=False, hint=Advice.WAIT.value)
        room = self._room
        self._search = PortraitCapture(room.camera, room.vision, room.documents, room.rules)

    def portrait_step(self) -> Event | None:
        """Judge one frame. Raises `VisionLost` and `DeviceError` as the search does."""
        if self._search is None:
            return None
        seen = self._search.step()
        if not seen.fresh:
            return None
        self.present = seen.faces > 0
        hint = seen.hint.value if seen.hint else None
        self._screen.show(hint=hint, hold_share=round(seen.hold_share, 2))
        if seen.speak is not None:
            number = self._screen.snapshot.speak_number + 1
            self._screen.show(speak=seen.speak.value, speak_number=number)
        if seen.portrait is None:
            return None
        self._portrait, self._search = seen.portrait, None
        self._screen.hold(Picture.PORTRAIT, seen.portrait.photos[0].jpeg)
        self._screen.show(portrait_preview=True)
        return Event.PORTRAIT_TAKEN

    def look_for_presence(self) -> bool:
        """Is a face in view now? Asked while another step than the portrait runs."""
        frame = self._room.camera.wait_frame(-1, 0.0)
        if frame is None:
            return False
        try:
            return self._room.vision.look(frame, Depth.LIVE, PRESENCE_TIMEOUT_S).faces > 0
        except (VisionLost, FrameRefused):
            return False

    def keep_portrait(self) -> None:
        """Seal and commit the portrait under review. Raises `StoreFull`, `StoreBroken`."""
        if self._portrait is not None:
            self.record.keep_portrait(self._portrait)
            self._screen.show(portrait_in=True, missing=self.record.missing)

    def give_up_portrait(self) -> None:
        """Go on without a portrait and record why."""
        working = self._room.camera.status.working and self._room.vision.alive
        self.record.miss(Missing("portrait", "not_possible" if working else "device_out"))
        self._screen.show(missing=self.record.missing)

    def finger_step(self) -> Event | None:
        """Look after the press that runs; ask for the next finger when one is settled."""
        if self._finger is None:
            if not self._positions:
                return Event.FINGERS_SETTLED
            room, position = self._room, self._positions.pop(0)
            self._finger = FingerCapture(room.reader, room.fingers, position, self._prints)
        outcome = self._finger.step(time.monotonic())
        self._screen.show(finger=self._finger.view)
        if outcome is None:
            return None
        self._settle(outcome)
        return Event.FINGER_SETTLED

    def skip_finger(self) -> None:
        """Go on without the finger that is asked for and record why."""
        if self._finger is not None:
            self._finger.cancel()
            view = self._finger.view
            reason = "not_possible" if self._room.reader.status.working else "device_out"
            self._settle(FingerMissing(view.position, reason, self._finger.presentations))

    def hand_in(self) -> Result:
        """Close the package in one durable transaction. Raises `StoreFull`, `StoreBroken`."""
        result = Result.ACCEPTED_WITH_MISSING if self.record.missing else Result.ACCEPTED
        self.record.close(result)
        return result

    def stop(self) -> None:
        """End what runs on a device for this visit."""
        if self._finger is not None:
            self._finger.cancel()
            self._finger = None
        self._search = None

    def _settle(self, outcome: FingerTaken | FingerMissing) -> None:
        if isinstance(outcome, FingerTaken):
            self.record.keep_finger(outcome)
        else:
            self.record.miss_finger(outcome)
        self._finger = None
        self._screen.show(
            finger=None, fingers_in=self.record.fingers_in, missing=self.record.missing
        )
