"""What memory holds of one running sitting, and what each step does with devices and record.

Runs on the sitting's thread. The table of moves is not here: a step returns what happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge.fingers.visit import FingerVisit
from edge.fingers.wishes import FingerWishes, OrderedFingers, wishes_of
from edge.orders.order import Order
from edge.override import OverrideReason
from edge.portrait_capture import Portrait, PortraitCapture
from edge.record import Record
from edge.reuse.visit import ReuseVisit
from edge.room import Room
from edge.screen import Picture, Screen
from edge.sitting import Event, Missing, Result, State
from edge.vision.client import Depth, FrameRefused, VisionLost
from quality.advice import Advice
from quality.document import Document

PRESENCE_TIMEOUT_S: Final = 2.0


class Visit:
    """One person's samples in memory; dropped as a whole when the sitting ends.

    Attributes:
        record: what is sealed of it.
        reuse: the order's earlier photo, None without an order.
        documents: what the portrait becomes: the order's, else the station's.
        fingers: which are asked for, and what became of each.
        present: a face was seen in the last frame of a step that looks.
    """

    def __init__(self, room: Room, record: Record, screen: Screen, order: Order | None) -> None:
        self.record = record
        self.present = False
        self.documents = _documents(room, record)
        self.reuse: ReuseVisit | None = None
        if order is not None and room.orders is not None:
            self.reuse = ReuseVisit(room, room.orders, order, record, screen)
        self._room = room
        self._screen = screen
        self._search: PortraitCapture | None = None
        self._portrait: Portrait | None = None
        self.fingers = FingerVisit(
            room, record, screen, _wishes(room, record, order, self.documents)
        )

    def looking(self, state: State) -> bool:
        """Whether this state's step looks at every frame, so that presence is known anyway."""
        if state is State.REUSE_CHECK:
            return self.reuse is not None and self.reuse.looking
        return state is State.PORTRAIT

    def agree(self, language: str) -> Event:
        """Record the consent; return whether an earlier photo is offered or a new one is taken."""
        self.record.keep_consent(language)
        offered = self.reuse is not None and self.reuse.offered(self.documents)
        return Event.AGREE_TO_OFFER if offered else Event.AGREE

    def reuse_step(self) -> Event | None:
        """Look at the person once, and compare. Raises `VisionLost`, `FrameRefused`."""
        if self.reuse is None:
            return None
        event, self.present = self.reuse.step()
        return event

    def look_for_portrait(self) -> None:
        """Begin the search anew and forget the portrait that was under review."""
        self._portrait = None
        self._screen.hold(Picture.PORTRAIT, None)
        self._screen.show(portrait_preview=False, hint=Advice.WAIT.value, stuck=False)
        room = self._room
        self._search = PortraitCapture(room.camera, room.vision, self.documents, room.rules)

    def portrait_step(self) -> Event | None:
        """Judge one frame. Raises `VisionLost` and `DeviceError` as the search does."""
        if self._search is None:
            return None
        seen = self._search.step()
        if not seen.fresh:
            return None
        self.present = seen.faces > 0
        hint = seen.hint.value if seen.hint else None
        self._screen.show(hint=hint, hold_share=round(seen.hold_share, 2), stuck=seen.stuck)
        if seen.speak is not None:
            number = self._screen.snapshot.speak_number + 1
            self._screen.show(speak=seen.speak.value, speak_number=number)
        if seen.portrait is None:
            return None
        self._portrait, self._search = seen.portrait, None
        self._screen.hold(Picture.PORTRAIT, seen.portrait.photos[0].jpeg)
        self._screen.show(portrait_preview=True, stuck=False)
        return Event.PORTRAIT_TAKEN

    def take_now(self, reason: OverrideReason, staff_id: str) -> None:
        """Let an attendant take the portrait by hand."""
        if self._search is not None:
            self._search.take_now(reason, staff_id)

    def look_for_presence(self) -> bool:
        """Is a face in view now? Asked while a step runs that does not look.

        Not while the worker looks at something else: a touch must not wait for that, and the next
        question comes soon.
        """
        frame = self._room.camera.wait_frame(-1, 0.0)
        if frame is None:
            return False
        if self._room.vision.occupied:
            return self.present
        try:
            return self._room.vision.look(frame, Depth.LIVE, PRESENCE_TIMEOUT_S).faces > 0
        except (VisionLost, FrameRefused):
            return False

    def keep_portrait(self) -> None:
        """Seal and commit the portrait under review. Raises `StoreFull`, `StoreBroken`."""
        if self._portrait is not None:
            replaces = self.record.progress.origin == "reused"
            self.record.keep_portrait(self._portrait)
            if replaces and self.reuse is not None:
                self.reuse.replaced()
            self._screen.show(portrait_in=True, missing=self.record.missing)

    def give_up_portrait(self) -> None:
        """Go on without a portrait and record why."""
        working = self._room.camera.status.working and self._room.vision.alive
        self.record.miss(Missing("portrait", "not_possible" if working else "device_out"))
        self._screen.show(missing=self.record.missing)

    def hand_in(self) -> Result:
        """Close the package in one durable transaction. Raises `StoreFull`, `StoreBroken`."""
        result = Result.ACCEPTED_WITH_MISSING if self.record.missing else Result.ACCEPTED
        self.record.close(result)
        return result

    def stop(self) -> None:
        """End what runs on a device for this visit, and forget what memory holds of the person."""
        self.fingers.stop()
        self._search = self._portrait = None
        if self.reuse is not None:
            self.reuse.forget()

    def close(self) -> None:
        """Stop, and wait for what still runs elsewhere: the station is closing."""
        self.stop()
        if self.reuse is not None:
            self.reuse.close()


def _documents(room: Room, record: Record) -> tuple[Document, ...]:
    wanted = record.progress.documents
    return tuple(room.every_document[name] for name in wanted) or room.documents


def _wishes(
    room: Room, record: Record, order: Order | None, documents: Iterable[Document]
) -> FingerWishes:
    """Settle which fingers this visit is about; after a restart it is settled already."""
    wishes = record.finger_wishes
    if wishes is None:
        wanted = record.progress.positions
        walk_in = OrderedFingers(None if wanted is None else tuple(wanted))
        wishes = wishes_of(
            walk_in if order is None else order.fingers,
            [document.fingers for document in documents],
            room.fingers,
            room.finger_profiles,
        )
        record.wish_fingers(wishes)
    return wishes
