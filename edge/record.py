"""The package in hand: each accepted sample is sealed and committed at once, the whole is signed.

What comes in here is plain and lives in memory; what goes on to the store is sealed to the centre.
Nobody at the station can read it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from uuid_utils import uuid7

from edge.finger_capture import FingerMissing, FingerTaken, Presentation
from edge.finger_record import finger_png
from edge.portrait_capture import Portrait
from edge.seal import Sealer
from edge.sitting import Missing, Result
from edge.store import Actor, OpenPackage, Store
from edge.store_errors import OutOfTurn
from edge.store_rows import Role
from quality.measure import Reading

CONSENT_VERSION: Final = "2026-11/1"
PERSON: Final = Actor("person", "applicant")
STATION: Final = Actor("station", "service")


@dataclass(slots=True)
class _Progress:
    """What a restart needs to go on; kept beside the parts, without anything biometric."""

    language: str
    opened_at: str
    consented: bool = False
    left_alone: bool = False
    missing: list[dict[str, str]] = field(default_factory=list)
    presentations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class RecordRoom:
    """Begins and resumes records; holds what all of them need.

    Args:
        store: the journal.
        sealers: one for each sealing key of the centre, newest first.
        sinks: every way out that a closed package shall take.
        about: returns further members of each manifest: software, settings_sha256, devices, clock.
        closed: is called after each closing, to wake the outboxes.
        keep_master: the unretouched still is delivered as well.
    """

    def __init__(
        self,
        store: Store,
        sealers: Sequence[Sealer],
        sinks: Mapping[str, Role],
        about: Callable[[], Mapping[str, Any]],
        closed: Callable[[], None],
        *,
        keep_master: bool,
    ) -> None:
        self.store = store
        self.sinks = dict(sinks)
        self.about = about
        self.closed = closed
        self.keep_master = keep_master
        self._sealers = tuple(sealers)

    def begin(self, language: str) -> Record:
        """Open a new package. Raises `StoreFull`, `StoreBroken`."""
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
            elif time.time() - package.opened_at_ms / 1000 <= within_s:
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
        """A portrait is sealed and committed."""
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
        self._keep_json("consent.json", consent)
        self._progress.consented = True
        self._save()

    def keep_portrait(self, portrait: Portrait) -> None:
        """Seal the portrait: one photo a document, and the unretouched still they come from."""
        at = _at(portrait.captured_at_s)
        for photo in portrait.photos:
            readings = (*portrait.readings[photo.document_id], *photo.checks)
            facts = {
                "captured_at": at,
                "readings": [reading_row(reading) for reading in readings],
                "transform": photo.transform,
                "master_sha256": photo.master_sha256,
                "assisted_by": None,
            }
            self._keep(f"portrait/{photo.document_id}.jpg", "image/jpeg", photo.jpeg, facts)
        if self._room.keep_master:
            rows = [reading_row(reading) for reading in portrait.report]
            facts = {"captured_at": at, "report": rows, "assisted_by": None}
            self._keep("portrait/master.jpg", "image/jpeg", portrait.master, facts)

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
        self._keep(f"finger/{taken.position}.png", "image/png", finger_png(taken.image), facts)
        self._save()

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
        self._keep_json("sitting.json", sitting)
        fields = {
            "sitting_id": self.sitting_id,
            "result": result.value,
            "origin": {"portrait": "captured" if self.portrait_in else None},
            "opened_at": self._progress.opened_at,
            "closed_at": _now(),
            "exceptions": [row.what for row in self.missing],
            **self._room.about(),
        }
        while not self._closed(fields):
            continue
        self._room.closed()

    def _closed(self, fields: Mapping[str, Any]) -> bool:
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

    def _keep_json(self, name: str, content: Mapping[str, Any]) -> None:
        plain = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        self._keep(name, "application/json", plain, {"captured_at": _now()})

    def _keep(self, name: str, media_type: str, plain: bytes, facts: Mapping[str, Any]) -> None:
        n = self._room.store.next_n(self.package_id, name)
        part = self._sealer.part(self.package_id, n, name, media_type, plain, facts)
        self._room.store.add_part(self.package_id, part)
        self._names[name] = None

    def _save(self) -> None:
        self._room.store.update_sitting(self.package_id, asdict(self._progress))


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
    return _rfc3339(time.time())


def _at(monotonic_s: float) -> str:
    """Return the UTC of a moment on the monotonic clock."""
    return _rfc3339(time.time() - (time.monotonic() - monotonic_s))


def _rfc3339(epoch_s: float) -> str:
    whole = datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
    return whole.replace("+00:00", "Z")
