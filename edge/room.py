"""What a sitting works with: devices, records, orders, limits. Put together in `edge.station`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from edge.camera_owner import CameraOwner
from edge.comparison import Comparer
from edge.fingers.judge import PressJudge
from edge.fingers.profile import FingerProfile
from edge.orders import Orders
from edge.photos.earlier import Vouchers
from edge.preset import PortraitRules
from edge.reader_owner import ReaderOwner
from edge.record_room import RecordRoom
from edge.reuse.policy import ReusePolicy
from edge.service.content import Content
from edge.service.ratings import Ratings
from edge.service.tickets import Tickets
from edge.settings import Fingers, Service, SittingLimits
from edge.sitting import LANGUAGES
from edge.staff import Staff
from edge.vision.client import VisionWorker
from quality.document import Document
from quality.pitch_zero import PitchZero


@dataclass(frozen=True, slots=True)
class Room:
    """What a sitting works with, part by part.

    Attributes:
        seeing: set once the vision worker has loaded its models.
        judge: of presses; whose fingers they are it forgets with each visit.
        finger_profiles: by id, what settings, documents and orders may name.
        documents: what a sitting makes whose order names none, or that has no order.
        every_document: by id, what an order may name.
        orders: None where nobody orders: every sitting is a walk-in.
        reuse_policy: None where earlier photos are not taken over.
        comparer: None where an attendant alone compares.
        staff: None where nobody can sign.
        languages: that the pages speak.
        tickets: where staff are called; None where nobody is.
        ratings: where it is kept how it was; None where nobody asks.
        content: what the packs say today; without cards there is no idle screen.
        seated_rules: in place of `rules` for whoever stays seated; None where all do.
        zero: of head pose, as the calibration in force has it; asked as a search begins.
        photo_timeout_s: how long an earlier photo that did not come with its order is asked for.
    """

    camera: CameraOwner
    reader: ReaderOwner
    judge: PressJudge
    vision: VisionWorker
    seeing: threading.Event
    records: RecordRoom
    documents: tuple[Document, ...]
    rules: PortraitRules
    fingers: Fingers
    finger_profiles: Mapping[str, FingerProfile]
    limits: SittingLimits
    language: str
    every_document: Mapping[str, Document] = field(default_factory=dict)
    orders: Orders | None = None
    reuse_policy: ReusePolicy | None = None
    comparer: Comparer | None = None
    staff: Staff | None = None
    photo_timeout_s: float = 5.0
    languages: tuple[str, ...] = LANGUAGES
    tickets: Tickets | None = None
    ratings: Ratings | None = None
    content: Callable[[], Content] = Content
    seated_rules: PortraitRules | None = None
    zero: Callable[[], PitchZero] | None = None
    service: Service = field(default_factory=Service)

    def makes(self, documents: Iterable[str]) -> bool:
        """Whether all these documents are known here."""
        return all(name in self.every_document for name in documents)

    def rules_for(self, *, seated: bool) -> PortraitRules:
        """Return what a search that begins now goes by."""
        rules = self.seated_rules if seated and self.seated_rules else self.rules
        return rules if self.zero is None else replace(rules, pitch_zero=self.zero())

    @property
    def vouchers(self) -> Vouchers:
        """Who or what can vouch here for a photo."""
        return Vouchers(attendant=self.staff is not None, matcher=self.comparer is not None)
