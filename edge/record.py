"""The package in hand: each accepted sample is sealed and committed at once, the whole is signed.

What comes in here is plain and lives in memory; what goes on to the store is sealed to the centre.
Nobody at the station can read it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from uuid_utils import uuid7

from edge.finger_capture import FingerMissing, FingerTaken, Presentation
from edge.finger_record import finger_png
from edge.portrait_capture import Portrait
from edge.seal import Sealer
from edge.sitting import Missing, Result
from edge.store import STATION, Actor, OpenPackage, Store
from edge.store_errors import OutOfTurn
from edge.store_rows import Role
from edge.utc import now_ms, rfc3339
from quality.measure import Reading

CONSENT_VERSION: Final = "2026-11/1"
PERSON: Final = Actor("person", "applicant")


@dataclass(slots=True)
class _Progress:
    """What a restart needs to go on; kept beside the parts, without anything biometric."""

    language: str
    opened_at: str
    consented: bool = False
    left_alone: bool = False
    missing: list[dict[str, str]] = field(default_factory=list)
    presentations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One plain sample or record on its way to the seal."""

    name: str
    media_type: str
    plain: bytes
    facts: Mapping[str, Any]


class RecordRoom:
    """Begins and resumes records; holds what all of them need.

    Args:
        store: the journal.
        sealers: one for each sealing key of the centre, newest first.
        sinks: every way out that a closed package shall take.
        about: returns further members of each manifest: software, settings_sha256, devices, clock.
        announce: is called after each closing, to wake the outboxes.
        keep_master: the unretouched still is delivered as well.
    """

    def __init__(
        self,
        store: Store,
        sealers: Sequence[Sealer],
        sinks: Mapping[str, Role],
        about: Callable[[], Mapping[str, Any]],
        announce: Callable[[], None],
        *,
        keep_master: bool,
    ) -> None:
        self.store = store
        self.sinks = dict(sinks)
        self.about = about
        self.announce = announce
        self.keep_master = keep_master
        self._sealers = tuple(sealers)

    def begin(self, language: str) -> Record:
        """Open a new package. Raises `StoreFull`, `StoreBroken`."""
        # Whoever begins now is another person: nobody else's sitting may be resumed before her.
        for package in self.store.open_packages():
            if package.sitting.get("consented") and not package.sitting.get("left_alone"):
                left = {**package.sitting, "left_alone": True}
                self.store.update_sitting(package.package_id, left)
        sealer = self._sealers[0]
        package_id, sitting_id = str(uuid7()), str(uuid7())
        progress = _Progress(language, _now())
        kid = sealer.sealing_key.kid
        self.store.open_package(package_id, sitting_id, sealer.station_id, kid, asdict(progress))
        return Record(self, sealer, package_id, sitting_id, progress)

    def interrupted(self, within_s: float) -> Record | None:
        """Return the newest sitting that a restart interrupted, if its person may still be there.

        Sittings in which nothing was agreed to yet hold nothing and are dropped.
        """
        found: Record | None = None
        for package in self.store.open_packages():
            if not package.sitting.get("consented"):
                self.store.drop_package(package.package_id, STATION)
            elif package.sitting.get("left_alone"):
                continue
            elif 0 <= time.time() - package.opened_at_ms / 1000 <= within_s:
                found = self._resumed(package)
        return found

    def refusals(self) -> tuple[str, ...]:
        """Why no sitting may begin now, as codes; empty if one may."""
        return self.store.refusals

    def _resumed(self, package: OpenPackage) -> Record | None:
        sealer = next((s for s in self._sealers if s.sealing_key.kid == package.kid), None)
        if sealer is None:
            # Its key was withdrawn: no part can be added, the package waits for an attendant.
            return None
        progress = _Progress(**package.sitting)
        record = Record(self, sealer, package.package_id, package.sitting_id, progress)
        record.note_parts(part.name for part in package.parts)
        return record


class Record:
    """One sitting's package until it is closed. Every `keep_…` returns when it is durable.

    All methods that write raise `StoreFull` (nothing happened) and `StoreBroken`.
    """

    def __init__(
        self,
        room: RecordRoom,
        sealer: Sealer,
        package_id: str,
        sitting_id: str,
        progress: _Progress,
    ) -> None:
        self.package_id = package_id
        self.sitting_id = sitting_id
        self._room = room
        self._sealer = sealer
        self._progress = progress
        # A dict for its order: the screen lists fingers as they were given.
        self._names: dict[str, None] = {}

    @property
    def language(self) -> str:
        """The language that the sitting began in."""
        return self._progress.language

    @property
    def portrait_in(self) -> bool:
        """A portrait is sealed and committed, with all its photos: they come in together."""
        return any(name.startswith("portrait/") for name in self._names)

    @property
    def fingers_in(self) -> tuple[str, ...]:
        """Positions whose print is sealed and committed."""
        prints = [name for name in self._names if name.startswith("finger/")]
        return tuple(name.removeprefix("finger/").removesuffix(".png") for name in prints)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the package will lack; a sample that came in after all is not missing."""
        here = {"portrait"} if self.portrait_in else set()
        here |= {f"finger:{position}" for position in self.fingers_in}
        rows = (Missing(**row) for row in self._progress.missing)
        return tuple(row for row in rows if row.what not in here)

    def note_parts(self, names: Iterable[str]) -> None:
        """Take note of parts that an earlier run of the service committed."""
        self._names.update(dict.fromkeys(names))

    def keep_consent(self, language: str) -> None:
        """Record that the person agreed, to face and fingers, and by which text."""
        consent = {
            "v": 1, "face": True, "fingers": True, "text_version": CONSENT_VERSION,
            "locale": language, "way": "touch", "at": _now(), "witness": None,
        }  # fmt: skip
        self._progress.consented = True
        self._keep([_json_sample("consent.json", consent)])

    def keep_portrait(self, portrait: Portrait) -> None:
        """Seal the portrait: one photo a document, and the unretouched still they come from."""
        at = _at(portrait.captured_at_s)
        samples = []
        for photo in portrait.photos:
            readings = (*portrait.readings[photo.document_id], *photo.checks)
            facts = {
                "captured_at": at,
                "readings": [reading_row(reading) for reading in readings],
                "transform": photo.transform,
                "master_sha256": photo.master_sha256,
                "assisted_by": None,
            }
            name = f"portrait/{photo.document_id}.jpg"
            samples.append(_Sample(name, "image/jpeg", photo.jpeg, facts))
        if self._room.keep_master:
            rows = [reading_row(reading) for reading in portrait.report]
            facts = {"captured_at": at, "report": rows, "assisted_by": None}
            samples.append(_Sample("portrait/master.jpg", "image/jpeg", portrait.master, facts))
        self._keep(samples)

    def keep_finger(self, taken: FingerTaken) -> None:
        """Seal the best press of one finger, with what all presses of it came to."""
        facts = {
            "captured_at": _at(taken.presentations[-1].at_s),
            "score": {
                "value": taken.score.value,
                "algorithm": taken.score.algorithm,
                "version": taken.score.version,
            },
            "low_quality": taken.low_quality,
            "resolution_ppi": taken.image.resolution_ppi,
            "assisted_by": None,
        }
        self._note_presses(taken.position, taken.presentations)
        name, png = f"finger/{taken.position}.png", finger_png(taken.image)
        self._keep([_Sample(name, "image/png", png, facts)])

    def miss_finger(self, missing: FingerMissing) -> None:
        """Record that one finger will be missing, and what its presses came to."""
        self._note_presses(missing.position, missing.presentations)
        self.miss(Missing(f"finger:{missing.position}", missing.reason))

    def miss(self, missing: Missing) -> None:
        """Record that something will be missing, and why."""
        rows = [row for row in self._progress.missing if row["what"] != missing.what]
        self._progress.missing = [*rows, asdict(missing)]
        self._save()

    def leave_alone(self) -> None:
        """Nobody is there: what was accepted stays for an attendant, never for the next person."""
        self._progress.left_alone = True
        self._save()

    def drop(self, reason: str) -> None:
        """Delete the package: the person left or declined. The audit row stays."""
        self._room.store.drop_package(self.package_id, Actor("person", reason))

    def close(self, result: Result) -> None:
        """Write the closing record, sign the manifest and hand the package to the outbox."""
        sitting = {
            "v": 1, "result": result.value, "opened_at": self._progress.opened_at,
            "missing": [asdict(row) for row in self.missing],
            "presentations": self._progress.presentations,
            "preferences": {"language": self.language},
        }  # fmt: skip
        self._keep([_json_sample("sitting.json", sitting)])
        fields = {
            "sitting_id": self.sitting_id,
            "result": result.value,
            "origin": {"portrait": "captured" if self.portrait_in else None},
            "opened_at": self._progress.opened_at,
            "closed_at": _now(),
            "exceptions": [row.what for row in self.missing],
            **self._room.about(),
        }
        while not self._try_to_close(fields):
            continue
        self._room.announce()

    def _try_to_close(self, fields: Mapping[str, Any]) -> bool:
        """Close with the present predecessor; False if another package came in between."""
        store, previous = self._room.store, self._room.store.previous_digest()
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
                sinks=self._room.sinks,
                actor=PERSON,
            )
        except OutOfTurn:
            return False
        return True

    def _note_presses(self, position: str, presses: Sequence[Presentation]) -> None:
        self._progress.presentations[position] = [
            {"number": p.number, "score": p.score, "cause": p.cause, "at": _at(p.at_s)}
            for p in presses
        ]

    def _keep(self, samples: Sequence[_Sample]) -> None:
        """Seal samples and commit them with the progress, in one transaction: all or none."""
        store = self._room.store
        places = {part.name: part.n for part in store.parts(self.package_id)}
        parts = []
        for sample in samples:
            n = places.setdefault(sample.name, max(places.values(), default=-1) + 1)
            parts.append(
                self._sealer.part(
                    self.package_id, n, sample.name, sample.media_type, sample.plain, sample.facts
                )
            )
        store.add_parts(self.package_id, parts, asdict(self._progress))
        self._names.update(dict.fromkeys(sample.name for sample in samples))

    def _save(self) -> None:
        self._room.store.update_sitting(self.package_id, asdict(self._progress))


def _json_sample(name: str, content: Mapping[str, Any]) -> _Sample:
    plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return _Sample(name, "application/json", plain, {"captured_at": _now()})


def reading_row(reading: Reading) -> dict[str, Any]:
    """Return one reading as manifests and reports carry it."""
    return {
        "measure": reading.measure,
        "native": reading.native,
        "component": reading.component,
        "unit": reading.unit,
        "min": reading.accept.low,
        "max": reading.accept.high,
        "verdict": reading.verdict.value,
        "standing": reading.standing.value,
        "advisory": reading.advisory,
        "reason": reading.reason,
    }


def _now() -> str:
    return rfc3339(now_ms())


def _at(monotonic_s: float) -> str:
    """Return the UTC of a moment on the monotonic clock."""
    return rfc3339(now_ms() - round((time.monotonic() - monotonic_s) * 1000))
