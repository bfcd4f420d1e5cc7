"""What memory holds of one running sitting, and what each step does with devices and record.

Runs on the sitting's thread. The table of moves is not here: a step returns what happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

import structlog

from drivers.camera import Frame
from drivers.errors import DeviceAbsent, DeviceError
from edge.fingers.visit import FingerVisit
from edge.fingers.wishes import FingerWishes, OrderedFingers, wishes_of
from edge.orders.order import Order
from edge.override import OverrideReason
from edge.portrait import master_jpeg
from edge.portrait_capture import Portrait, PortraitCapture
from edge.record import Record
from edge.reuse.visit import ReuseVisit
from edge.room import Room
from edge.screen import Picture, Screen
from edge.service.due import due_on
from edge.settings import SittingLimits
from edge.sitting import Event, MaterialStep, Missing, Result, Snapshot, State
from quality.advice import Advice
from quality.document import Document

STILL_TIMEOUT_S: Final = 2.5

log = structlog.get_logger("sitting")


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
        record.progress.due = record.progress.due or due_day(room.limits)
        self.present = False
        self.documents = _documents(room, record)
        self.reuse: ReuseVisit | None = None
        if order is not None and room.orders is not None:
            self.reuse = ReuseVisit(room, room.orders, order, record, screen)
        self._room = room
        self._screen = screen
        self._order = order
        self._search: PortraitCapture | None = None
        self._portrait: Portrait | None = None
        self._by_hand = False
        self.fingers = FingerVisit(
            room, record, screen, _wishes(room, record, order, self.documents)
        )

    def looking(self, state: State) -> bool:
        """Whether this state's step looks at every frame, so that presence is known anyway."""
        if state is State.REUSE_CHECK:
            return self.reuse is not None and self.reuse.looking
        return state is State.PORTRAIT

    @property
    def fingers_over(self) -> bool:
        """No finger is asked for (any more), so that its screen is never seen."""
        return self.fingers.over

    @property
    def resumes_with(self) -> Event:
        """Where a restart goes on: at the first thing that is not recorded."""
        record = self.record
        if not record.progress.consented:
            return Event.RESUME_CONSENT
        if self.next_material() is not None:
            return Event.RESUME_MATERIALS
        settled = record.portrait_in or any(m.what == "portrait" for m in record.missing)
        return Event.RESUME_FINGER if settled else Event.RESUME_PORTRAIT

    def relative_acts(self) -> Event:
        """A relative acts for the person; return whether a letter has to be seen."""
        known = "" if self._order is None else self._order.authorisation_ref
        relation = "" if self._order is None else self._order.proxy_relation
        self.record.let_relative_act(relation, known)
        self._screen.show(who="proxy")
        return Event.NAME_RELATIVE_KNOWN if known else Event.NAME_RELATIVE

    def keep_letter(self, event: Event) -> bool:
        """Seal a still of the letter, or note that it comes later; False if none could be taken."""
        if event is Event.LETTER_LATER:
            self.record.miss(Missing("material:authorisation", "later"))
            self._screen.show(missing=self.record.missing)
            return True
        try:
            still = self._still()
        except DeviceError:
            log.warning("letter_not_taken", sitting=self.record.sitting_id)
            self._screen.show(letter="again")
            return False
        self.record.keep_letter(master_jpeg(still))
        return True

    def _still(self) -> Frame:
        camera = self._room.camera
        if not camera.status.working:
            raise DeviceAbsent("nobody waits for a camera that is not there")
        return camera.still(STILL_TIMEOUT_S)

    def agree(self, shown: Snapshot, event: Event) -> Event:
        """Record the consent; return what follows it: papers, an earlier photo, or a new one."""
        if event is Event.AGREE_PHOTO_ONLY:
            # Before the consent: no cut between the two lets a finger be asked for.
            self.fingers.refuse()
        fingers = event is Event.AGREE and shown.fingers_asked and not self.fingers.over
        self.record.keep_consent(shown.language, fingers=fingers)
        if self.next_material() is not None:
            return Event.AGREE_TO_MATERIALS
        return Event.AGREE_TO_OFFER if self.photo_offered() else event

    def photo_offered(self) -> bool:
        """Whether an earlier photo can be offered now."""
        return self.reuse is not None and self.reuse.offered(self.documents)

    def next_material(self) -> MaterialStep | None:
        """Return the paper to ask for, None when nothing is left to ask."""
        rows = self.record.progress.materials
        found = next((n for n, row in enumerate(rows) if row["state"] == "asked"), None)
        return None if found is None else MaterialStep(rows[found]["code"], found + 1, len(rows))

    def settle_material(self, *, here: bool) -> None:
        """Record that the paper that is asked for is here, or is brought later."""
        step = self.next_material()
        if step is not None:
            what, days = f"material:{step.code}", self._room.limits.missing_due_days
            due = due_on(what, date.today(), days, self._room.content())
            self.record.settle_material(step.code, here=here, due=due)
            self._screen.show(missing=self.record.missing)

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
        self._screen.show(
            portrait_preview=False, hint=Advice.WAIT.value, stuck=False, shutter_refused=None
        )
        room = self._room
        wished = self.record.progress.preferences or {}
        rules = room.rules_for(seated=bool(wished.get("seated")))
        self._search = PortraitCapture(room.camera, room.vision, self.documents, rules)

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
        if self._by_hand and (seen.refused or seen.portrait is not None):
            self._by_hand = False
            if seen.refused:
                # Whoever signed must not wait for a photo that does not come.
                self._screen.show(shutter_refused=hint)
        if seen.portrait is None:
            return None
        self._portrait, self._search = seen.portrait, None
        self._screen.hold(Picture.PORTRAIT, seen.portrait.photos[0].jpeg)
        self._screen.show(portrait_preview=True, stuck=False)
        return Event.PORTRAIT_TAKEN

    def take_now(self, reason: OverrideReason, staff_id: str) -> None:
        """Let an attendant take the portrait by hand."""
        if self._search is not None:
            self._by_hand = True
            self._screen.show(shutter_refused=None)
            self._search.take_now(reason, staff_id)

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
        why = "not_possible" if working else "device_out"
        self.record.miss(Missing("portrait", why))
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


def due_day(limits: SittingLimits) -> str:
    """Return the civil day until which something that is missing may be brought."""
    return (date.today() + timedelta(days=limits.missing_due_days)).isoformat()


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
