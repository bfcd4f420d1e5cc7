"""The earlier photo of one visit: looked up, offered, compared, and taken over or not.

Runs on the sitting's thread. What it holds of the person is in memory only and is forgotten with
every answer; what is decided is in the record before the screen moves on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Final, Literal

import structlog

from edge.orders import Orders, PhotoState
from edge.orders.order import Order
from edge.photos import earlier as why
from edge.photos.earlier import EarlierPhoto, NoOffer, judged, named_by, no_reuse, weigh
from edge.photos.lookup import PhotoLookup
from edge.portrait import master_jpeg
from edge.record import Record
from edge.reuse.check import ReuseCheck
from edge.reuse.live_look import LiveLook
from edge.reuse.rule import Candidate, Comparison, Offer, reuse_record
from edge.room import Room
from edge.samples import reading_row
from edge.screen import Picture, Screen
from edge.sitting import Event, ReuseView, State
from edge.store.errors import StoreError
from edge.vision.client import Photo, PhotoUnreadable, VisionLost
from quality.document import Document

AGREE_WAIT_S: Final = 1.5
"""The look-up began with the sitting; whoever agreed waits no longer than this for its end."""
READ_WITHIN_S: Final = 4.0
READ_TIMEOUT_S: Final = 2.0

log = structlog.get_logger("reuse")


class ReuseVisit:
    """One order's earlier photo, from the beginning of the sitting to its fate."""

    def __init__(self, room: Room, orders: Orders, order: Order, record: Record, screen: Screen):
        self._room = room
        self._orders = orders
        self._order = order
        self._record = record
        self._screen = screen
        self._lookup: PhotoLookup | None = None
        self._earlier: EarlierPhoto | None = None
        self._check: ReuseCheck | None = None
        self._outcome: Comparison | None = None
        self._refused: ReuseView | None = None

    def begin(self) -> None:
        """Ask for the photo's bytes, if the rule offers it at all; the person reads meanwhile."""
        if isinstance(self._weighed(self._order.candidates), Offer):
            sitting_id = self._order.sitting_id
            self._lookup = PhotoLookup(
                lambda timeout_s: self._orders.photo(sitting_id, timeout_s),
                self._room.photo_timeout_s,
            )

    def offered(self, documents: Sequence[Document]) -> bool:
        """Tell whether the photo stands and is offered now; if not, record why.

        Args:
            documents: that the photo would become.

        Raises:
            StoreFull, StoreBroken: as every write.
        """
        if not self._order.candidates:
            return False
        found = self._found(documents)
        if isinstance(found, NoOffer):
            self._refuse(found)
            return False
        self._earlier = found
        view = ReuseView(
            found.offer.candidate.source, found.offer.photo_on.year, checks=found.failed
        )
        self._screen.hold(Picture.EARLIER, found.photo.preview_jpeg)
        self._screen.show(reuse=view)
        log.info("reuse_offered", sitting=self._record.sitting_id, count=len(found.failed))
        return True

    def choose(self) -> None:
        """The person wants it: look at her once."""
        if self._earlier is not None:
            look = LiveLook(self._room.camera, self._room.vision)
            self._check = ReuseCheck(
                self._earlier,
                look,
                self._room.comparer,
                attendant=self._room.vouchers.attendant,
            )

    @property
    def looking(self) -> bool:
        """Whether the live look still runs, so that frames are looked at anyway."""
        return self._check is not None and self._check.live is None

    def step(self) -> tuple[Event | None, bool]:
        """Look, then compare; return what came of it and whether somebody was seen.

        Raises:
            VisionLost, FrameRefused: as the look does.
        """
        check = self._check
        if check is None:
            return None, False
        if check.live is None:
            return None, self._look_once(check)
        outcome = check.compare()
        if check.given_up:
            outcome = Comparison("", agreed=False)
        self._show(live_ready=check.live is not None, needs_staff=check.needs_staff)
        return (None if outcome is None else self._decided(outcome)), False

    def sign(self, staff_id: str, same: bool) -> Event | None:
        """Take an attendant's word; None if nobody asked for it."""
        check = self._check
        if check is None or not check.needs_staff:
            return None
        return self._decided(check.signed(staff_id, same))

    def show_wait(self, wait_s: float) -> None:
        """Say how long the next PIN must wait."""
        self._show(staff_wait_s=round(wait_s, 1))

    def take_over(self) -> None:
        """Seal the photo, byte for byte, for each document. Raises `StoreFull`, `StoreBroken`."""
        earlier, outcome = self._earlier, self._outcome
        if earlier is None or outcome is None:
            return
        rows = [
            {"document": document_id, **reading_row(reading)}
            for document_id, readings in earlier.readings.items()
            for reading in readings
        ]
        agreed_by: Literal["applicant", "proxy"]
        agreed_by = "applicant" if self._record.progress.proxy is None else "proxy"
        said = reuse_record(earlier.offer, outcome, agreed_by, rows)
        self._record.keep_reused(earlier.content, earlier.readings, said)
        self._mark("used")
        self._screen.show(portrait_in=True, missing=self._record.missing)

    def decline(self) -> None:
        """The person wants a new photo. Raises `StoreFull`, `StoreBroken`."""
        self._record.keep_reuse_declined()
        self._mark("declined")

    def refuse(self) -> None:
        """The photo is not shown to be the person's: a new one, without a word of why."""
        earlier, outcome = self._earlier, self._outcome
        if earlier is None or outcome is None:
            return
        compared = None if not outcome.method else asdict(outcome)
        code = why.OTHER_PERSON if outcome.method else why.NOT_COMPARED
        self._refuse(NoOffer(code, earlier.offer.rule), compared)
        offer = earlier.offer
        self._refused = ReuseView(offer.candidate.source, offer.photo_on.year, refused="new_one")

    def shown_in(self, state: State) -> ReuseView | None:
        """Return what the next screen says of the photo; a refusal is said once."""
        if state in {State.REUSE, State.REUSE_CHECK}:
            return self._screen.snapshot.reuse
        refused, self._refused = self._refused, None
        return refused if state is State.PORTRAIT else None

    def replaced(self) -> None:
        """A new portrait stands in the place of the photo that was taken over before."""
        self._mark("declined")

    def resumed(self) -> None:
        """A restart lost the bytes; what was decided before it stands, and nothing is asked again.

        The power may have gone between the record and the order: the order is told once more.
        """
        if not self._order.candidates:
            return
        progress = self._record.progress
        if not self._record.reuse_settled:
            self._refuse(NoOffer(why.INTERRUPTED))
        elif progress.reuse is not None:
            self._mark("unfit", progress.reuse["reason"])
        else:
            self._mark("used" if progress.origin == "reused" else "declined")

    def forget(self) -> None:
        """Wipe both pictures and all that was seen in them."""
        if self._lookup is not None:
            self._lookup.drop()
        self._earlier = self._check = self._outcome = None
        self._screen.hold(Picture.EARLIER, None)
        self._screen.hold(Picture.LIVE_LOOK, None)

    def close(self) -> None:
        """Forget, and wait for a look-up that still runs."""
        self.forget()
        if self._lookup is not None:
            self._lookup.close()

    def _look_once(self, check: ReuseCheck) -> bool:
        """Look; return whether somebody was seen."""
        seen = check.look()
        if seen.fresh:
            self._screen.show(hint=None if seen.hint is None else seen.hint.value)
        if seen.frame is not None:
            self._screen.hold(Picture.LIVE_LOOK, master_jpeg(seen.frame))
            self._show(live_ready=True)
        return seen.faces > 0

    def _weighed(self, candidates: Sequence[Candidate]) -> Offer | NoOffer:
        return weigh(self._room.reuse_policy, self._order, candidates, self._room.vouchers)

    def _found(self, documents: Sequence[Document]) -> EarlierPhoto | NoOffer:
        weighed = self._weighed(self._order.candidates)
        if isinstance(weighed, NoOffer):
            return weighed
        content = None if self._lookup is None else self._lookup.take(AGREE_WAIT_S)
        if content is None:
            return NoOffer(why.PHOTO_NOT_HERE, weighed.rule)
        candidates = named_by(self._order, content)
        if not candidates:
            return NoOffer(why.OTHER_PHOTO, weighed.rule)
        # What came may be another of the order's photos than the one that would be preferred.
        weighed = self._weighed(candidates)
        return (
            weighed if isinstance(weighed, NoOffer) else self._judged(weighed, content, documents)
        )

    def _judged(
        self, offer: Offer, content: bytes, documents: Sequence[Document]
    ) -> EarlierPhoto | NoOffer:
        try:
            photo = self._read(content)
        except PhotoUnreadable as refused:
            return NoOffer(f"photo_{refused.code.value}", offer.rule)
        if photo is None:
            return NoOffer(why.UNJUDGED, offer.rule)
        return judged(offer, content, photo, documents)

    def _read(self, content: bytes) -> Photo | None:
        until_s = time.monotonic() + READ_WITHIN_S
        while time.monotonic() < until_s:
            with suppress(VisionLost):
                return self._room.vision.read_photo(content, READ_TIMEOUT_S)
        return None

    def _decided(self, outcome: Comparison) -> Event:
        self._outcome = outcome
        return Event.REUSE_AGREED if outcome.agreed else Event.REUSE_REFUSED

    def _refuse(self, refused: NoOffer, compared: Mapping[str, Any] | None = None) -> None:
        log.warning("reuse_refused", sitting=self._record.sitting_id, reason=refused.code)
        self._record.note_no_reuse(no_reuse(self._room.reuse_policy, refused, compared))
        self._mark("unfit", refused.code)

    def _mark(self, state: PhotoState, reason: str | None = None) -> None:
        """Tell the order what became of its photo; the record has it already, so none is lost."""
        try:
            self._orders.mark_photo(self._order.sitting_id, state, reason)
        except StoreError:
            log.error("order_not_told", sitting=self._record.sitting_id, state=state)

    def _show(self, **changes: Any) -> None:
        shown = self._screen.snapshot.reuse
        if shown is not None:
            self._screen.show(reuse=replace(shown, **changes))
