"""The package in hand: each accepted sample is sealed and committed at once, the whole is signed.

What comes in here is plain and lives in memory; what goes on to the store is sealed to the centre.
Nobody at the station can read it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from edge.closing import Office, sitting_record
from edge.fingers.capture import FingerTaken
from edge.fingers.exceptions import FingerException, SignedReason, Why
from edge.fingers.presses import Presentation
from edge.fingers.report import (
    exceptions_in,
    finger_report,
    missing_fingers,
    unfilled_slots,
    views_room,
    wishes_in,
)
from edge.fingers.samples import finger_samples, position_of, press_row
from edge.fingers.wishes import FingerWishes
from edge.orders.rows import leave_alone
from edge.portrait_capture import Portrait
from edge.progress import Progress
from edge.reuse.rule import declined_record
from edge.said import Said
from edge.samples import (
    REUSE,
    Sample,
    captured_by,
    json_sample,
    now,
    portrait_samples,
    reused_samples,
)
from edge.seal import Sealer
from edge.sitting import Missing, Result
from edge.store import Actor, Ending
from edge.store.disk_floor import Reserve
from edge.store.errors import OutOfTurn
from quality.measure import Reading

REFUSED: Final = Why.REFUSED.value
LEFT: Final = "left"
"""The person left before it was asked for."""
PERSON: Final = Actor("person", "applicant")


class Record(Said):
    """One sitting's package until it is closed. Every `keep_…` returns when it is durable.

    All methods that write raise `StoreFull` (nothing happened) and `StoreBroken`.
    """

    def __init__(
        self,
        office: Office,
        sealer: Sealer,
        package_id: str,
        sitting_id: str,
        progress: Progress,
    ) -> None:
        super().__init__(office.store, sealer, package_id, progress)
        self.sitting_id = sitting_id
        self._office = office

    @property
    def language(self) -> str:
        """The language that the sitting began in."""
        return self.progress.language

    @property
    def portrait_in(self) -> bool:
        """A portrait is sealed and committed, with all its photos: they come in together."""
        return any(name.startswith("portrait/") for name in self._names)

    @property
    def fingers_in(self) -> tuple[str, ...]:
        """Positions whose print is sealed and committed."""
        found = (position_of(name) for name in self._names)
        return tuple(position for position in found if position is not None)

    @property
    def finger_wishes(self) -> FingerWishes | None:
        """Which fingers this sitting is about, None until that is settled."""
        return wishes_in(self.progress)

    @property
    def exceptions(self) -> tuple[FingerException, ...]:
        """Fingers that were asked for and are not given, in the order of asking."""
        return exceptions_in(self.progress)

    @property
    def unfilled_slots(self) -> frozenset[str]:
        """Wanted fingers that are neither given nor stood in for."""
        return unfilled_slots(self.progress, self.fingers_in)

    @property
    def presses_made(self) -> int:
        """Presses of all fingers in this sitting."""
        return sum(len(rows) for rows in self.progress.presentations.values())

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the package will lack; a sample that came in after all is not missing."""
        here = {"portrait"} if self.portrait_in else set()
        here |= {f"finger:{position}" for position in self.fingers_in}
        rows = [
            *(Missing(**row) for row in self.progress.missing),
            *missing_fingers(self.progress, self.fingers_in),
        ]
        return tuple(self._with_due(row) for row in rows if row.what not in here)

    def _with_due(self, row: Missing) -> Missing:
        """Say until when; what somebody refused is not waited for."""
        return row if row.due or row.reason == REFUSED else replace(row, due=self.progress.due)

    @property
    def missing_if_closed(self) -> tuple[Missing, ...]:
        """What the package would lack if it were closed as it is: also what was not asked yet."""
        known = {row.what for row in self.missing}
        whats = [] if self.portrait_in or "portrait" in known else ["portrait"]
        settled = {one.position for one in self.exceptions} | set(self.fingers_in)
        whats += [f"finger:{position}" for position in sorted(self.unfilled_slots - settled)]
        return (*(self._with_due(Missing(what, LEFT)) for what in whats), *self.missing)

    @property
    def reuse_settled(self) -> bool:
        """It is decided what becomes of the order's earlier photo."""
        return REUSE in self._names or self.progress.reuse is not None

    @property
    def _origin(self) -> str | None:
        # A sitting that an older release began knows captured portraits only, and does not say so.
        return self.progress.origin or ("captured" if self.portrait_in else None)

    def _facts(self, sample: Sample) -> Mapping[str, Any]:
        """Return what is said of a sample: also by which calibration its device went."""
        facts, kind = super()._facts(sample), captured_by(sample)
        if kind is None:
            return facts
        return {**facts, "calibration_id": self._office.calibration(kind)}

    def note_parts(self, names: Iterable[str]) -> None:
        """Take note of parts that an earlier run of the service committed."""
        self._names.update(dict.fromkeys(names))

    def keep_portrait(self, portrait: Portrait) -> None:
        """Seal the portrait: one photo a document, and the unretouched still they come from.

        An earlier photo that was taken over before gives way to it.
        """
        samples = portrait_samples(portrait, keep_master=self._office.keep_master)
        if self.progress.origin == "reused":
            samples.append(json_sample(REUSE, declined_record()))
        self.progress.origin = "captured"
        self._keep(samples)

    def keep_reused(
        self,
        content: bytes,
        readings: Mapping[str, Sequence[Reading]],
        reuse: Mapping[str, Any],
    ) -> None:
        """Seal an earlier photo, byte for byte, as the portrait of each document.

        Args:
            content: the photo's bytes as they came.
            readings: of the photo against today's limits, by document id.
            reuse: what `edge.reuse.rule.reuse_record` says.
        """
        signer = reuse["comparison"]["attendant_id"]
        reason = {"role": "attendant", "id": signer, "reason": "same_person"}
        samples = reused_samples(content, readings, reuse, reason if signer else None)
        self.progress.origin = "reused"
        self._keep(samples)

    def keep_reuse_declined(self) -> None:
        """Record that the person wants a new photo: the choice, and no reason."""
        self._keep([json_sample(REUSE, declined_record())])

    def wish_fingers(self, wishes: FingerWishes) -> None:
        """Take note of which fingers this sitting is about; durable with the next write."""
        self.progress.fingers = wishes.for_progress()

    def note_press(self, position: str, press: Presentation) -> None:
        """Record what one press came to, without its image."""
        self.progress.presentations.setdefault(position, []).append(press_row(press))
        self._save()

    def keep_finger(self, taken: FingerTaken) -> None:
        """Seal the best press of one finger, and what was ordered beside it."""
        wishes = self.finger_wishes
        if wishes is None:
            raise ValueError("no finger was asked for")
        views_max = views_room(wishes, self._names) if self._office.keep_all_views else 0
        said = {"agreement": taken.agreement.value, "fallback_of": taken.fallback_of}
        self.progress.given[taken.position] = said
        self._keep(finger_samples(taken, wishes, views_max=views_max))

    def except_fingers(
        self, exceptions: Iterable[FingerException], closed: Iterable[str], *, ended: bool
    ) -> None:
        """Record that fingers are not given.

        Args:
            exceptions: one for each, open.
            closed: every finger that the plan asks for no more.
            ended: it asks for none at all.
        """
        self.progress.exceptions += [one.for_progress() for one in exceptions]
        self.progress.fingers_closed = list(closed)
        self.progress.fingers_ended = ended
        self._save()

    def sign_exception(self, position: str, signed: SignedReason) -> bool:
        """Record an attendant's word for why a finger is not given; False if nothing asks for it.

        A second word mends the first.
        """
        exceptions = self.exceptions
        if not any(one.position == position and one.may_be_signed for one in exceptions):
            return False
        self.progress.exceptions = [
            (one.signed(signed) if one.position == position else one).for_progress()
            for one in exceptions
        ]
        self._save()
        return True

    def leave_alone(self) -> None:
        """Nobody is there: what was accepted stays for an attendant, never for the next person.

        If anything was agreed to, the sitting's order ends as "to_window" in the same transaction.
        """
        left = asdict(self.progress)
        keep = partial(leave_alone, self.package_id, left)
        self._store.write(keep, Reserve.SITTING)
        self.progress.left_alone = True

    def drop(self, reason: str) -> None:
        """Delete the package: the person left or declined. The audit row stays."""
        self._store.drop_package(self.package_id, Actor("person", reason))

    def delete(self, actor: Actor) -> None:
        """Delete the package: an attendant decided so. The audit row stays."""
        self._store.drop_package(self.package_id, actor)

    def close_for(self, staff_id: str) -> None:
        """Hand in what was accepted of a sitting that its person left."""
        for row in self.missing_if_closed:
            if row.reason == LEFT:
                self.progress.missing.append(asdict(replace(row, confirmed_by=staff_id)))
        self.close(Result.ACCEPTED_WITH_MISSING, Actor("attendant", staff_id))

    def close(self, result: Result, actor: Actor = PERSON) -> None:
        """Write the closing record, sign the manifest and hand the package to the outbox."""
        sitting = sitting_record(
            self.progress, result, self.missing, finger_report(self.progress, self.fingers_in)
        )
        self._keep([json_sample("sitting.json", sitting)])
        fields = {
            "sitting_id": self.sitting_id,
            "result": result.value,
            "origin": {"portrait": self._origin},
            "opened_at": self.progress.opened_at,
            "closed_at": now(),
            "exceptions": self._excepted(),
            **self._office.about(),
        }
        while not self._try_to_close(fields, actor):
            continue
        self._office.announce()

    def _excepted(self) -> list[str]:
        """Return what is missing and each finger that is excepted: signed, stood in for or not."""
        signed = [f"finger:{one.position}" for one in self.exceptions]
        return list(dict.fromkeys([*(row.what for row in self.missing), *signed]))

    def _try_to_close(self, fields: Mapping[str, Any], actor: Actor) -> bool:
        """Close with the present predecessor; False if another package came in between."""
        store, previous = self._store, self._store.previous_digest()
        manifest = self._sealer.manifest(
            self.package_id,
            store.next_n(self.package_id),
            {**fields, "previous": previous},
            store.parts(self.package_id),
        )
        try:
            store.close_package(
                self.package_id,
                manifest,
                self._sealer.statement,
                previous=previous,
                sinks=self._office.sinks,
                actor=actor,
                # In the same transaction: no cut leaves an order that nobody ended.
                ending=Ending(fields["result"], [asdict(row) for row in self.missing]),
            )
        except OutOfTurn:
            return False
        return True
