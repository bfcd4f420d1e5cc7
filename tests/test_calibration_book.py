"""The book of calibrations: kept once, whole or not at all, and nothing foreign is gone by."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.calibration.book import CalibrationBook, NoSuchCalibration, NothingToUndo
from edge.calibration.book_files import Finding
from edge.calibration.book_rows import KNOWN
from edge.calibration.opened import BLOCKING, reasons
from edge.calibration.record import (
    Calibration,
    Evidence,
    Overall,
    RecordUnfit,
    calibration_id,
    record_json,
)
from edge.events import Events
from edge.store import Store
from edge.store.errors import StoreFull
from edge.trust.keys import StationKey
from tests.calibration_kit import (
    CAMERA,
    DAY_MS,
    NOW_MS,
    READER,
    calibration,
    evidence,
    jpeg,
)

STATION = "kiosk-0317"
TECHNICIAN = Path(__file__).resolve().parent.parent / "api" / "technician" / "catalogue"
SHARP, BLURRED = {"focus.mtf50_centre": 0.3}, {"focus.mtf50_centre": 0.1}


class Office:
    """One station's journal, key and folder; `book()` opens the book anew, as a start does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(folder / "store.db", folder / "store.key")
        self.key = StationKey.open_or_make(folder / "station-key.pem")
        self.now_ms = NOW_MS
        self.drawn = 0

    def book(
        self, key: StationKey | None = None, station: str = STATION, **more
    ) -> CalibrationBook:
        return CalibrationBook(
            self.calibrations, self.store, key or self.key, station, clock_ms=lambda: self.now_ms,
            draw=self.draw, **more,
        )  # fmt: skip

    @property
    def calibrations(self) -> Path:
        return self.folder / "calibration"

    def draw(self, recorded, evidence_, language: str) -> bytes:
        self.drawn += 1
        return f"%PDF {recorded.id} {language} {len(evidence_.pictures)}".encode()

    def acts(self) -> list[dict]:
        rows = [json.loads(row.entry) for row in self.store.audit_rows()]
        return [row for row in rows if row["act"].startswith("calibration.")]

    def path(self, calibration_id: str) -> Path:
        (found,) = self.calibrations.glob(f"*/*-{calibration_id}")
        return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def at(days: float, **changes) -> Calibration:
    return calibration(ended_at_ms=round(NOW_MS + days * DAY_MS), **changes)


# Kept


def test_a_calibration_is_kept_with_its_audit_row_and_event_and_read_after_a_restart(
    office: Office,
):
    """Who, where, number and digests are the book's; the figures are as they were handed in."""
    given = at(-1)
    found = office.book().record(given, evidence())
    book = office.book()
    read = book.read(found)

    assert read.id == found == calibration_id(read.calibration)
    assert read.calibration.steps[0] == given.steps[0]
    assert (read.calibration.station_id, read.calibration.number) == (STATION, 1)
    assert set(read.calibration.evidence) == {f"{n}.jpg" for n in evidence().pictures} | {
        "curves.json"
    }
    assert book.evidence(found) == evidence()
    (row,) = office.acts()
    assert row["actor"] == {"kind": "technician", "id": "7001"}
    assert row["about"]["calibration_id"] == found
    (event,) = [one for one in Events(office.store).after(0) if "calibration" in one.type]
    assert (event.subject, event.facts["calibration_id"]) == (CAMERA, found)
    assert event.facts["overall"] == read.calibration.overall.value


def test_recording_twice_is_recording_once(office: Office):
    """Also after a restart: whoever was cut off before the answer asks again."""
    given = at(-1)
    first = office.book().record(given, evidence())
    book = office.book()

    assert book.record(given, evidence()) == first
    assert len(book.page()) == len(office.acts()) == 1
    assert book.record(replace(given, technician="7002"), evidence()) != first


def test_records_are_numbered_and_chained_by_device(office: Office):
    """A gap or a branch would show."""
    book = office.book()
    one, two = book.record(at(-9)), book.record(at(-8, device_id=READER))
    three = book.record(at(-7, values=SHARP))

    assert [row.number for row in book.page()] == [1, 2, 3]
    assert book.read(three).calibration.previous_id == one
    assert book.read(two).calibration.previous_id is None


def test_pages_go_on_behind_a_number(office: Office):
    """Of all devices or one, and an unknown one has none."""
    book = office.book()
    ids = [book.record(at(-9 + n, device_id=CAMERA if n % 2 else READER)) for n in range(5)]

    assert [row.id for row in book.page(0, 2)] == ids[:2]
    assert [row.id for row in book.page(2, 9)] == ids[2:]
    assert [row.id for row in book.page(0, 9, CAMERA)] == [ids[1], ids[3]]
    assert book.page(0, 9, "camera-9") == []
    with pytest.raises(NoSuchCalibration):
        book.read("0" * 32)


def test_what_is_no_record_is_refused_and_nothing_is_kept(office: Office):
    """A figure without a form in JSON, no picture, a name that could leave its folder."""
    book = office.book()
    odd = replace(at(-1), parameters={"pitch_zero_deg": float("nan")})
    with pytest.raises(RecordUnfit):
        book.record(odd)
    with pytest.raises(RecordUnfit):
        Evidence({"focus": b"GIF89a"})
    with pytest.raises(RecordUnfit):
        Evidence({"../focus": jpeg()})
    with pytest.raises(RecordUnfit):
        replace(at(-1), device_id="../camera")
    with pytest.raises(RecordUnfit):
        replace(at(-1), valid_until=None)

    assert book.page() == []
    assert not list(office.calibrations.glob("*/*"))


def test_a_journal_without_room_keeps_no_half_record_and_the_next_try_is_the_same_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """The folder has it, the journal has not: asked again, or after a start, it is one record."""
    book, given = office.book(), at(-1)
    full = Store.write

    def no_room(*_, **__):
        raise StoreFull("no room")

    monkeypatch.setattr(Store, "write", no_room)
    with pytest.raises(StoreFull):
        book.record(given)
    monkeypatch.setattr(Store, "write", full)
    found = book.record(given)

    assert [row.id for row in book.page()] == [found]
    assert len(office.acts()) == 1
    assert office.book().findings == ()


def test_a_start_takes_in_what_a_power_cut_kept_from_the_journal(office: Office):
    """A whole signed folder without its row gets it; what was half written is swept away."""
    # Another journal in place of one that lost its last commit.
    (office.folder / "other").mkdir()
    with Store.open(office.folder / "other" / "store.db", office.folder / "other" / "key") as other:
        found = CalibrationBook(office.calibrations, other, office.key, STATION).record(at(-1))
    half = office.calibrations / CAMERA / f".part-20261122T000000Z-{'0' * 32}"
    half.mkdir()
    (half / "calibration.json").write_text('{"v":1')
    book = office.book()

    assert [row.id for row in book.page()] == [found]
    assert [row["about"]["calibration_id"] for row in office.acts()] == [found]
    assert not half.exists()
    assert book.findings == ()
    assert len(office.book().page()) == len(office.acts()) == 1


# What is not ours


def trouble(book: CalibrationBook) -> dict[str, str]:
    return {finding.trouble: finding.device_id for finding in book.findings}


def test_foreign_files_are_named_never_read_and_never_deleted(office: Office, tmp_path: Path):
    """Files, links, pipes, folders of odd names: none stops a start."""
    found = office.book().record(at(-1))
    device = office.calibrations / CAMERA
    (office.calibrations / "notes.txt").write_text("hello")
    (office.calibrations / "CAMERA 2").mkdir()
    (device / "readme").write_text("x")
    (device / "伪造").mkdir()
    (device / f"20261122T000000Z-{'1' * 32}").symlink_to(office.path(found))
    os.mkfifo(device / "pipe")
    linked = device / f"20261122T000001Z-{'2' * 32}"
    linked.mkdir()
    (linked / "calibration.json").symlink_to(office.path(found) / "calibration.json")
    (linked / "calibration.json.jws").symlink_to(office.path(found) / "calibration.json.jws")
    book = office.book()

    kinds = sorted(finding.trouble for finding in book.findings)
    assert kinds == ["damaged", *["foreign"] * 6]
    assert all(finding.name.isascii() for finding in book.findings)
    assert [row.id for row in book.page()] == [found]
    assert (device / "readme").exists()
    assert book.state(CAMERA).state == "valid"


def test_a_record_signed_by_another_key_is_named_and_not_gone_by(office: Office):
    """A better figure, well formed, in the right place: and nobody of ours has said it."""
    office.book().record(at(-2, values=BLURRED))
    forger = StationKey.open_or_make(office.folder / "forger.pem")
    forged = office.book(forger).record(at(-1, values=SHARP))
    book = office.book()

    assert trouble(book)["unsigned"] == CAMERA
    assert book.state(CAMERA).state == "failed"
    with pytest.raises(NoSuchCalibration):
        book.read(forged)


def test_a_record_of_another_station_is_named_and_not_gone_by(office: Office):
    """The same key proves who, not where."""
    elsewhere = office.book(station="kiosk-9").record(at(-1))
    book = office.book()

    assert trouble(book)["other_station"] == CAMERA
    assert elsewhere not in [row.id for row in book.page()]


def test_a_former_key_of_the_station_still_counts(office: Office):
    """A key is changed, what it signed stays true."""
    found = office.book().record(at(-1))
    following = StationKey.open_or_make(office.folder / "next.pem")

    assert office.book(following, former=(office.key.public,)).read(found).id == found
    assert trouble(office.book(following))["unsigned"] == CAMERA


@pytest.mark.parametrize("name", ["calibration.json", "calibration.json.jws"])
def test_every_changed_byte_of_record_and_signature_is_refused(office: Office, name: str):
    """One at a time, over the whole file; what was changed counts as missing."""
    found = office.book().record(at(-1, kind="quick"))
    file = office.path(found) / name
    whole = file.read_bytes()
    places = range(0, len(whole), max(1, len(whole) // 60))
    book = office.book()
    assert book.read(found)
    for place in (*places, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(NoSuchCalibration):
            _fresh(book).read(found)
    for cut in (b"", whole[:-1], whole + b" ", whole + whole):
        file.write_bytes(cut)
        with pytest.raises(NoSuchCalibration):
            _fresh(book).read(found)
    assert set(trouble(office.book())) <= {"damaged", "unsigned", "missing"}


def test_a_signature_has_one_way_to_be_written(office: Office):
    """Its last letter has four bits to spare: of sixteen letters that say the same one is taken."""
    found = office.book().record(at(-1))
    file = office.path(found) / "calibration.json.jws"
    token, letters = (
        file.read_text(),
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    )
    file.write_text(token[:-1] + letters[letters.index(token[-1]) + 1])

    assert trouble(office.book())["unsigned"] == CAMERA


def test_a_record_behind_a_link_is_not_read(office: Office):
    """Whoever may write there must not choose what the service opens."""
    found = office.book().record(at(-1))
    file = office.path(found) / "calibration.json"
    file.rename(office.folder / "elsewhere.json")
    file.symlink_to(office.folder / "elsewhere.json")

    assert trouble(office.book())["damaged"] == CAMERA


def _fresh(book: CalibrationBook) -> CalibrationBook:
    """Let a book read again what it found to be changed."""
    again = object.__new__(CalibrationBook)
    again.__dict__.update(book.__dict__)
    again._rows, again._findings = dict(book._rows), []
    again._lost = set()
    return again


def test_a_record_that_was_taken_away_is_missed_and_its_device_is_not_relied_on(office: Office):
    """Whoever removes the failed check to get the good one back gets a failed device."""
    book = office.book()
    book.record(at(-3))
    bad = book.record(at(-2, values=BLURRED))
    shutil.rmtree(office.path(bad))
    book = office.book()

    assert Finding("missing", bad, CAMERA) in book.findings
    assert book.state(CAMERA).state == "failed"
    assert book.record(at(-1, values=SHARP))
    assert book.state(CAMERA).state == "valid"
    assert office.book().page()[-1].number == 3


def test_a_record_damaged_while_the_station_runs_is_gone_by_no_more(office: Office):
    """Its parameters are read from the file each time, and checked."""
    book = office.book()
    found = book.record(at(-1))
    assert book.parameters(CAMERA)["pitch_zero_deg"] == -1.25
    file = office.path(found) / "calibration.json"
    file.write_bytes(file.read_bytes().replace(b"-1.25", b"-9.25"))

    assert book.parameters(CAMERA) == {}
    assert book.state(CAMERA).state == "failed"
    assert trouble(book) == {"damaged": CAMERA}


def test_a_second_record_of_a_number_is_named_and_the_journal_s_own_counts(office: Office):
    """An older disk that was put back and has grown since."""
    found = office.book().record(at(-2))
    aside = office.folder / "aside"
    shutil.move(office.calibrations, aside)
    office.store.write(lambda db: db.execute(f"delete from counter where name glob '{KNOWN}*'"))
    other = office.book().record(at(-1))
    office.store.write(lambda db: db.execute(f"delete from counter where name glob '*{found}'"))
    shutil.copytree(aside, office.calibrations, dirs_exist_ok=True)
    book = office.book()

    assert trouble(book)["number_twice"] == CAMERA
    assert [row.id for row in book.page()] == [other]


# Certificates


def test_a_certificate_is_drawn_once_kept_and_signed(office: Office):
    """And drawn anew where it was damaged; of a language that there is not, refused."""
    book = office.book()
    found = book.record(at(-1), evidence())
    first = book.pdf(found, "en")

    assert office.book().pdf(found, "en") == first
    assert office.drawn == 1
    file = office.path(found) / "certificate-en.pdf"
    file.write_bytes(b"%PDF forged")
    assert office.book().certificate(found, "en") == (first, book.pdf_signature(found, "en"))
    assert file.read_bytes() == first
    assert office.drawn == 2
    with pytest.raises(ValueError, match="fr"):
        book.pdf(found, "fr")
    with pytest.raises(NoSuchCalibration):
        book.pdf("0" * 32, "en")


def test_evidence_that_was_changed_is_left_out(office: Office):
    """A digest of each stands in the signed record."""
    book = office.book()
    found = book.record(at(-1), evidence())
    (office.path(found) / "focus.jpg").write_bytes(jpeg(200))
    (office.path(found) / "curves.json").unlink()

    assert set(book.evidence(found).pictures) == set(evidence().pictures) - {"focus"}
    assert book.evidence(found).curves == {}


# What holds


def test_undoing_puts_the_parameters_before_in_force_again_and_is_recorded(office: Office):
    """Twice: nothing is in force; a third time there is nothing to take back."""
    book = office.book()
    first = book.record(at(-3, parameters={"pitch_zero_deg": 1.0}))
    book.record(at(-2, parameters={"pitch_zero_deg": 2.0}))
    assert book.parameters(CAMERA) == {"pitch_zero_deg": 2.0}
    assert book.before(CAMERA).id == first

    undone = book.undo(CAMERA, "7009")
    assert (undone.calibration.kind, undone.calibration.restores) == ("undo", first)
    assert undone.calibration.technician == "7009"
    assert office.book().parameters(CAMERA) == {"pitch_zero_deg": 1.0}
    assert office.book().state(CAMERA).calibration_id == first

    assert book.undo(CAMERA, "7009").calibration.restores is None
    assert book.parameters(CAMERA) == {}
    assert book.state(CAMERA).state == "none"
    with pytest.raises(NothingToUndo):
        book.undo(CAMERA, "7009")
    assert [row["outcome"] for row in office.acts()][-1] == Overall.NOT_ASSESSED.value


def test_block_names_why_no_sitting_begins_and_warn_hinders_nobody(office: Office):
    """One code for each state that does not hold; due is none."""
    book = office.book()
    devices = (CAMERA, READER)
    assert reasons(book, "warn", devices) == ()
    assert reasons(book, "block", devices) == ("calibration_missing",)
    for language in ("zh-CN", "en"):
        said = (TECHNICIAN / f"{language}.toml").read_text("utf-8")
        assert set(BLOCKING.values()) <= tomllib.loads(said)["reason"].keys()
    book.record(at(-1))
    book.record(at(-1, device_id=READER, values={"live.quality": 1.0}))
    assert reasons(book, "block", devices) == ("calibration_failed",)
    book.record(at(0, device_id=READER))
    assert reasons(book, "block", devices) == ()
    office.now_ms += 160 * DAY_MS
    assert book.state(CAMERA).state == "due"
    assert reasons(book, "block", devices) == ()
    office.now_ms += 30 * DAY_MS
    assert reasons(book, "block", devices) == ("calibration_expired",)


def test_the_record_is_the_same_bytes_wherever_it_is_read(office: Office):
    """What is handed out is the file, to the byte."""
    book = office.book()
    found = book.record(at(-1))
    file = office.path(found) / "calibration.json"

    assert book.certificate_json(found) == file.read_bytes()
    assert record_json(book.read(found).calibration) == file.read_bytes()
    header, payload, signature = book.signed_json(found).split(".")
    assert book.signature(found) == f"{header}..{signature}"
    assert payload
