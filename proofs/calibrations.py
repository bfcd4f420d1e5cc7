"""The power fails while calibrations are recorded: what was told is there, and whole.

The writer is the book itself, with pictures and curves, in one process; it tells an id only when
`record` has returned. After each cut a station opens the book on what is left: every id that was
told reads back, signed and with its evidence; nothing in the folder is odd; the audit chain holds
and has a row for each record, also for one that was cut off between folder and journal.

The book writes plain files, so file operations of SQLite are not enough: a real file system on a
loop device is shut down, page cache and journal in memory gone. The control is a book that does
not flush what it writes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from edge.calibration import book_files
from edge.calibration.book import CalibrationBook, NoSuchCalibration
from edge.calibration.record import Calibration, Evidence, Overall, StepResult, Verdict
from edge.store import Store
from edge.trust import audit
from edge.trust.keys import StationKey
from proofs import Proof, Tally, Trial
from proofs.powercut.forked import Ack, Writer
from proofs.powercut.forked import Verdict as Found
from proofs.powercut.shutdown import cut_often
from proofs.premises import STATION, open_store

PROMISE: Final = (
    "A calibration that was recorded survives a power cut, signed and with its evidence"
)
DEVICE: Final = "camera-1"
PICTURE: Final = b"\xff\xd8\xff" + bytes(range(256)) * 60
ACT: Final = "calibration.record"


def made_up(number: int) -> tuple[Calibration, Evidence]:
    """Return a calibration as large as a full one."""
    steps = tuple(
        StepResult(
            "focus", f"measure_{n}", 0.3, "cy/px", 0.2, None, "house", "house", Verdict.PASS, 20,
            0.01, 0.002, frames_sha256=("0" * 64,) * 5,
        )
        for n in range(29)
    )  # fmt: skip
    at_ms = 1_795_369_973_000 + number
    found = Calibration(
        DEVICE, "full", at_ms, at_ms, "7001", "", {"lens": "35 mm"}, {}, steps,
        {"pitch_zero_deg": 1.5}, Overall.PASS, "2027-05-21", {"anxin-station": "proof"},
        "camera@1", "0" * 64,
    )  # fmt: skip
    curve = tuple((n / 128, 1.0 - n / 256) for n in range(128))
    return found, Evidence({"focus": PICTURE, "colour": PICTURE}, {"mtf.centre": curve})


def opened(folder: Path, key: StationKey, store: Store) -> CalibrationBook:
    """Open the book as a start of the station does."""
    return CalibrationBook(folder / "calibration", store, key, STATION)


def recording(key: StationKey, *, flushed: bool = True) -> Writer:
    """Return a writer that records until it is cut; unflushed it is broken on purpose."""

    def write(folder: Path, tell: Ack) -> None:
        if not flushed:
            # In the writer's own process only.
            vars(book_files).update(sync_folder=lambda folder: None, _write=_unflushed)
        with open_store(folder) as store:
            book = opened(folder, key, store)
            while True:
                tell(book.record(*made_up(len(book.page(limit=1 << 30)))))

    return write


def judged(key: StationKey, folder: Path, told: Sequence[str]) -> Found:
    """Hold what was told against what a restarted station has."""
    if not (folder / "store.db").exists():
        # Cut before there was a journal at all.
        return Found(lost=len(told))
    with open_store(folder) as store:
        book = opened(folder, key, store)
        lost = sum(not _whole(book, one) for one in told)
        there = [row.id for row in book.page(limit=1 << 30)]
        rows = store.audit_rows(limit=1 << 30)
        audit.verify(rows)
        noted = [json.loads(row.entry) for row in rows]
    recorded = [one["about"]["calibration_id"] for one in noted if one["act"] == ACT]
    odd = [f"{one.trouble} {one.name}" for one in book.findings]
    return Found(len(there), lost, len(odd), sorted(recorded) != sorted(there), " ".join(odd[:3]))


def _whole(book: CalibrationBook, calibration_id: str) -> bool:
    try:
        evidence = book.evidence(calibration_id)
    except NoSuchCalibration:
        return False
    return set(evidence.pictures) == {"focus", "colour"} and len(evidence.curves) == 1


def _unflushed(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def trial(kind: str, *, flushed: bool = True) -> Trial:
    """Return a trial on a file system of that kind."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        with TemporaryDirectory(prefix="anxin-calibrations-") as name:
            key = StationKey.open_or_make(Path(name) / "station-key.pem")
            writer = recording(key, flushed=flushed)
            cuts = cut_often(writer, partial(judged, key), trials, seed, kind)
        return Tally(PROMISE, cuts.cuts, cuts.failing, time.monotonic() - began_s, cuts.note)

    return run


def _proof(kind: str) -> Proof:
    promise = f"{PROMISE}: {kind} shut down at a random moment, mounted again"
    control = trial(kind, flushed=False)
    return Proof(promise, trial(kind), control, short=2, long=200, control_trials=15)


PROOFS: Final[Mapping[str, Proof]] = {"ext4": _proof("ext4"), "xfs": _proof("xfs")}
