"""The book of calibrations: what was measured of each device, what holds now, what is handed out.

The folder is the truth, and each record in it is signed by the station's own key and numbered; the
journal knows each id and number, so that one that was taken away is missed. `record` returns once
both are durable; if the power fails between them, the next start takes the record in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import apsw
import structlog

from edge.calibration import book_files as files
from edge.calibration import validity as rules
from edge.calibration.book_files import CERTIFICATE_TYP, RECORD_TYP, Finding, Lying
from edge.calibration.book_rows import KNOWN, Row, by_number, known_name, note, row_of, undoing
from edge.calibration.record import (
    NO_EVIDENCE,
    Calibration,
    Evidence,
    Recorded,
    RecordUnfit,
    read_record,
    record_json,
)
from edge.calibration.signed_file import Keys, Signs, attached, detached, holds
from edge.calibration.trend import Drift, drifts_of
from edge.calibration.validity import Validity
from edge.durable import write_secret
from edge.store import Store
from edge.store.counters import counters
from edge.store.disk_floor import Reserve
from edge.trust.signatures import PublicKey
from edge.utc import now_ms

FOLDER: Final = "calibration"
LANGUAGES: Final = ("zh-CN", "en")
HISTORY_MAX: Final = 400
"""[ours] A year of daily checks, and the full ones between."""

log = structlog.get_logger("calibration")


class NoSuchCalibration(KeyError):
    """No record has that id, or it is not whole any more."""


class NothingToUndo(Exception):
    """No calibration of that device is in force, so none can be taken back."""


class StationSigns(Signs, Protocol):
    """The station's own key, and its public half."""

    @property
    def kid(self) -> str: ...
    @property
    def public(self) -> PublicKey: ...


class CalibrationBook:
    """The calibrations of one station. Any thread may call it."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        key: StationSigns,
        station_id: str,
        *,
        former: tuple[PublicKey, ...] = (),
        clock_ms: Callable[[], int] = now_ms,
        draw: Callable[[Recorded, Evidence, str], bytes] | None = None,
    ) -> None:
        """Read what lies in the folder, and take in what a power cut kept from the journal.

        Args:
            folder: of the book; it need not be there yet.
            store: the journal.
            key: signs records and certificates.
            station_id: as the centre knows it.
            former: public halves of the station's earlier keys.
            clock_ms: UTC.
            draw: makes a certificate in a language; None: as a PDF.

        Raises:
            StoreError: the journal.
        """
        self._folder = folder
        self._store = store
        self._key = key
        self._station_id = station_id
        self._keys: Keys = {one.thumbprint(): one for one in (key.public, *former)}
        self._clock_ms = clock_ms
        self._draw = draw or _draw_pdf
        self._lock = threading.RLock()
        self._rows: dict[str, Row] = {}
        self._findings: list[Finding] = []
        self._lost: set[str] = set()
        self._drifts: dict[str, tuple[int, tuple[Drift, ...]]] = {}
        self._last_number = 0
        self._read()

    # What was measured

    def record(self, calibration: Calibration, evidence: Evidence = NO_EVIDENCE) -> str:
        """Keep a calibration for good and return its id; durable on return, and twice is once.

        Who and where, number, the record before, and the digests of the evidence are filled in.

        Raises:
            RecordUnfit: nothing that can be kept.
            OSError, StoreError: the disk; nothing is kept, or the next start takes it in.
            KeyUnusable: the station's key does not answer; nothing is kept.
        """
        with self._lock:
            known = self._same(calibration, evidence)
            if known is None:
                return self._keep(calibration, evidence)
            self._note(known)
            return known.id

    def undo(self, device_id: str, technician: str) -> Recorded:
        """Put the parameters of the calibration before in force again; that is a record, too.

        Parameters alone are taken back: a failed verdict stays until a check is passed.

        Args:
            device_id: of the device.
            technician: staff number.

        Returns:
            the record of the undoing; `calibration.restores` names what is in force now, None
            where nothing was before.

        Raises:
            NothingToUndo: no calibration of the device is in force.
            OSError, StoreError, KeyUnusable: as `record`.
        """
        with self._lock:
            present, earlier = self.in_force(device_id), self.before(device_id)
            if present is None:
                raise NothingToUndo(device_id)
            at_ms = self._clock_ms()
            return self.read(
                self._keep(undoing(present.calibration, earlier, technician, at_ms), NO_EVIDENCE)
            )

    # What holds now

    def in_force(self, device_id: str) -> Recorded | None:
        """Return the calibration that the device goes by; None if there is none."""
        with self._lock:
            row = rules.in_force(self._of(device_id))
            return None if row is None else self._found(row.id)

    def before(self, device_id: str) -> Recorded | None:
        """Return what an undo would put in force again; None if nothing was before."""
        with self._lock:
            row = rules.before(self._of(device_id))
            return None if row is None else self._found(row.id)

    def state(self, device_id: str) -> Validity:
        """Return what the device's calibration is worth now."""
        with self._lock:
            rows = self._of(device_id)
            return rules.validity(rows, self._clock_ms(), lost=device_id in self._lost)

    def parameters(self, device_id: str) -> Mapping[str, float]:
        """Return the figures that the device goes by, by name; none if none are in force."""
        present = self.in_force(device_id)
        return {} if present is None else present.calibration.parameters

    def history(self, device_id: str, limit: int = HISTORY_MAX) -> list[Recorded]:
        """Return the newest records of a device that are whole, oldest first, for its trends."""
        with self._lock:
            rows = self._of(device_id)[-limit:]
            found = [self._found(row.id) for row in rows]
        return [one for one in found if one is not None]

    def drifts(self, device_id: str) -> tuple[Drift, ...]:
        """Return what drifted since the first calibration with the same lens; kept by record."""
        with self._lock:
            rows = self._of(device_id)
            number = rows[-1].number if rows else 0
            kept = self._drifts.get(device_id)
            if kept is None or kept[0] != number:
                kept = (number, drifts_of(self.history(device_id)))
                self._drifts[device_id] = kept
            return kept[1]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What in the folder is not as it should be, as the start found it."""
        with self._lock:
            return tuple(self._findings)

    # What is handed out

    def page(self, after: int = 0, limit: int = 50, device: str | None = None) -> list[Row]:
        """Return records behind a number, oldest first.

        Args:
            after: the number of the last one seen, 0 for the first page.
            limit: at most so many.
            device: of this one alone.
        """
        with self._lock:
            rows = self._of(device) if device else sorted(self._rows.values(), key=by_number)
        return [row for row in rows if row.number > after][:limit]

    def read(self, calibration_id: str) -> Recorded:
        """Return a record, checked again. Raises `NoSuchCalibration`."""
        with self._lock:
            found = self._found(calibration_id)
        if found is None:
            raise NoSuchCalibration(calibration_id)
        return found

    def evidence(self, calibration_id: str) -> Evidence:
        """Return pictures and curves that are as they were. Raises `NoSuchCalibration`."""
        found = self.read(calibration_id)
        path = self._path(calibration_id)
        return files.evidence_of(files.read_evidence(path, found.calibration.evidence))

    def certificate_json(self, calibration_id: str) -> bytes:
        """Return the record's very bytes. Raises `NoSuchCalibration`."""
        return record_json(self.read(calibration_id).calibration)

    def signature(self, calibration_id: str) -> str:
        """Return the record's detached signature. Raises `NoSuchCalibration`."""
        self.read(calibration_id)
        return _text(self._path(calibration_id) / f"{files.RECORD}{files.SIGNATURE}")

    def signed_json(self, calibration_id: str) -> str:
        """Return record and signature in one, a compact JWS. Raises `NoSuchCalibration`."""
        return attached(self.certificate_json(calibration_id), self.signature(calibration_id))

    def pdf(self, calibration_id: str, language: str) -> bytes:
        """Return the certificate as a PDF; drawn once, signed and kept.

        Args:
            calibration_id: of the record.
            language: one of `LANGUAGES`.

        Raises:
            NoSuchCalibration: no such record, or it is damaged.
            ValueError: no such language.
            OSError, KeyUnusable: it cannot be kept, or not signed.
        """
        return self.certificate(calibration_id, language)[0]

    def pdf_signature(self, calibration_id: str, language: str) -> str:
        """Return the detached signature of the PDF. Raises as `pdf`."""
        return self.certificate(calibration_id, language)[1]

    def certificate(self, calibration_id: str, language: str) -> tuple[bytes, str]:
        """Return the PDF and its detached signature. Raises as `pdf`."""
        if language not in LANGUAGES:
            raise ValueError(f"no certificate in {language!r}")
        with self._lock:
            recorded, folder = self.read(calibration_id), self._path(calibration_id)
            path = folder / f"certificate-{language}.pdf"
            kept = self._kept_certificate(path)
            if kept is not None:
                return kept
            content = self._draw(recorded, self.evidence(calibration_id), language)
            token = detached(self._key, content, CERTIFICATE_TYP)
            # The signature first: a PDF that stands there has one.
            write_secret(path.with_name(f"{path.name}{files.SIGNATURE}"), token.encode())
            write_secret(path, content)
            return content, token

    def _kept_certificate(self, path: Path) -> tuple[bytes, str] | None:
        try:
            content = files.read_file(path)
            token = _text(path.with_name(f"{path.name}{files.SIGNATURE}"))
        except OSError:
            return None
        if holds(content, token, CERTIFICATE_TYP, self._keys):
            return content, token
        log.warning("certificate_damaged")
        return None

    # How it is kept

    def _keep(self, calibration: Calibration, evidence: Evidence) -> str:
        whole = replace(
            calibration,
            station_id=self._station_id,
            number=self._last_number + 1,
            previous_id=self._previous_id(calibration.device_id),
            evidence=evidence.digests(),
        )
        content = record_json(whole)
        recorded = read_record(content)
        signature = detached(self._key, content, RECORD_TYP).encode()
        path = files.write_new(
            self._folder / whole.device_id,
            files.name_of(recorded),
            {
                files.RECORD: content,
                f"{files.RECORD}{files.SIGNATURE}": signature,
                **evidence.files(),
            },
        )
        self._take(Lying(path, recorded))
        self._note(recorded)
        return recorded.id

    def _take(self, lying: Lying) -> None:
        row = row_of(lying)
        self._rows[row.id] = row
        self._last_number = max(self._last_number, row.number)
        if row.kind == "full":
            self._lost.discard(row.device_id)

    def _note(self, *recorded: Recorded) -> None:
        """Let the journal know of records, each once."""
        at_ms = self._clock_ms()

        def write(db: apsw.Connection) -> None:
            for one in recorded:
                note(db, one, at_ms)

        self._store.write(write, Reserve.LAST)

    def _same(self, calibration: Calibration, evidence: Evidence) -> Recorded | None:
        """Return the record of this very calibration, if it was kept before."""
        wanted = _as_asked(replace(calibration, evidence=evidence.digests()))
        for row in self._of(calibration.device_id):
            if row.ended_at_ms != calibration.ended_at_ms or row.kind != calibration.kind:
                continue
            found = self._found(row.id)
            if found is not None and _as_asked(found.calibration) == wanted:
                return found
        return None

    def _previous_id(self, device_id: str) -> str | None:
        rows = self._of(device_id)
        return rows[-1].id if rows else None

    def _of(self, device_id: str) -> list[Row]:
        rows = (row for row in self._rows.values() if row.device_id == device_id)
        return sorted(rows, key=by_number)

    def _path(self, calibration_id: str) -> Path:
        with self._lock:
            return self._rows[calibration_id].path

    def _found(self, calibration_id: str) -> Recorded | None:
        row = self._rows.get(calibration_id)
        try:
            return None if row is None else files.read_lying(row.path, self._keys)
        except (RecordUnfit, files.NotSigned):
            # It changed since the start: nobody goes by it any more.
            self._lose(self._rows.pop(calibration_id))
            return None

    def _lose(self, row: Row) -> None:
        name = str(row.path.relative_to(self._folder))
        self._find(Finding("damaged", name, row.device_id))
        self._doubt(row.device_id, row.number)

    def _find(self, finding: Finding) -> None:
        self._findings.append(finding)
        log.warning("calibration_file", reason=finding.trouble, device=finding.device_id)

    def _read(self) -> None:
        by_number: dict[int, Lying] = {}
        known = self._store.read(lambda db: counters(db, KNOWN))
        for found in files.read_folder(self._folder, self._keys, self._station_id):
            if isinstance(found, Finding):
                self._find(found)
                continue
            number = found.recorded.calibration.number
            if number in by_number:
                self._find(Finding("number_twice", found.path.name, found.path.parent.name))
                if known_name(by_number[number].recorded) in known:
                    continue
            by_number[number] = found
        for lying in by_number.values():
            self._take(lying)
        lying_there = {known_name(one.recorded) for one in by_number.values()}
        self._miss({name: n for name, n in known.items() if name not in lying_there})
        new = [by_number[n].recorded for n in sorted(by_number)]
        new = [one for one in new if known_name(one) not in known]
        if new:
            self._note(*new)

    def _miss(self, gone: Mapping[str, int]) -> None:
        """Name the records that the journal knows and that are not there."""
        for name, number in gone.items():
            device_id, _, calibration_id = name.partition("/")
            self._find(Finding("missing", calibration_id, device_id))
            self._last_number = max(self._last_number, number)
            self._doubt(device_id, number)

    def _doubt(self, device_id: str, number: int) -> None:
        """Rely on a device no more whose record of that number is gone: it may have failed."""
        if not any(row.kind == "full" and row.number > number for row in self._of(device_id)):
            self._lost.add(device_id)


def _as_asked(calibration: Calibration) -> bytes:
    return record_json(replace(calibration, station_id="", number=0, previous_id=None))


def _text(path: Path) -> str:
    return files.read_file(path, 4096).decode("ascii", "replace")


def _draw_pdf(recorded: Recorded, evidence: Evidence, language: str) -> bytes:
    # Late: nobody asks for one while a person is served, and it takes its time to load.
    from edge.calibration.certificate import draw_certificate  # noqa: PLC0415 - only for who asks

    return draw_certificate(recorded, evidence, language)
