"""What the centre ordered: one sitting, for whom, for which documents, with which earlier photo.

An order is data and decides nothing. `edge.orders` keeps those that wait; a sitting that begins
takes one with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge.fingers.wishes import OrderedFingers
from edge.reuse.rule import Candidate, When


@dataclass(frozen=True, slots=True)
class Preferences:
    """What suits the person, as the order says; None: nothing is said.

    Attributes:
        text_scale: size of the screen's text, 1.0 for the ordinary one.
        voice: lines are spoken.
        language: tag of RFC 5646; the pages speak it if they can.
        seated: the person stays seated, in a chair or a wheelchair.
        contrast: colours with the greatest contrast.
    """

    text_scale: float | None = None
    voice: bool | None = None
    language: str | None = None
    seated: bool | None = None
    contrast: bool | None = None


NO_PREFERENCES: Final = Preferences()


@dataclass(frozen=True, slots=True)
class Order:
    """One sitting that was ordered.

    Attributes:
        sitting_id: given by the station when the order came; the sitting keeps it.
        order_ref: the centre's own reference.
        applies_for: what is applied for, in the reuse policy's words ("ordinary_passport"); "" if
            the order does not say.
        documents: ids of the photo documents wanted; empty: the station's own.
        positions: fingers wanted; None: the profile's.
        finger_profile: a file of `firmware_configs/fingers`; None: the documents', the station's.
        finger_records: kinds of records wanted beside the PNG; None: the station's own.
        finger_minimum: with so many fingers nothing of fingers counts as missing.
        applied_at: application date of the order, as it came.
        born_on: the applicant's date of birth, as it came; None if the order does not say.
        candidates: earlier photos that the order names, the centre's preferred one first.
        proxy: a relative was announced who may act in the person's place.
        proxy_relation: a code of who that is; "" if the order does not say.
        authorisation_ref: the centre's reference of the letter that it has already; "" if none.
        surname, honorific: how a screen may ask who is there; never a full name.
        slip_code: the day's number on the person's slip.
        preferences: what suits the person.
        completes_package_id: of an earlier package that lacks what this sitting shall bring.
        materials: papers that are asked for, as codes of the content pack.
        keep_preferences: the look that suited the person is noted in the package.
        urgent: the package leaves before those that are not.

    What names the person stays out of its `repr`.
    """

    sitting_id: str
    order_ref: str = field(repr=False)
    applies_for: str = ""
    documents: tuple[str, ...] = ()
    positions: tuple[str, ...] | None = None
    finger_profile: str | None = None
    finger_records: tuple[str, ...] | None = None
    finger_minimum: int | None = None
    applied_at: When = None
    born_on: When = field(default=None, repr=False)
    candidates: tuple[Candidate, ...] = ()
    proxy: bool = False
    proxy_relation: str = ""
    authorisation_ref: str = field(default="", repr=False)
    surname: str = field(default="", repr=False)
    honorific: str = field(default="", repr=False)
    slip_code: str = field(default="", repr=False)
    preferences: Preferences = NO_PREFERENCES
    completes_package_id: str | None = None
    materials: tuple[str, ...] = ()
    keep_preferences: bool = False
    urgent: bool = False

    @property
    def fingers(self) -> OrderedFingers:
        """What the order says of fingers."""
        return OrderedFingers(
            self.positions, self.finger_profile, self.finger_records, self.finger_minimum
        )
