"""Finger records lie byte for byte as the standards say, and other people's programs read them."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drivers.peers.synthetic_prints import grow, press
from formats.errors import RecordNotMade, RecordUnreadable
from formats.finger import iso19794_2_2005, iso19794_4_2005, iso19794_4_2011, resident_card
from formats.finger.image_record import (
    CaptureDevice,
    Compression,
    FingerImageRecord,
    QualityBlock,
    record_of,
)
from formats.finger.minutia import Minutia, MinutiaKind
from formats.finger.png import finger_png
from formats.finger.position import ISO_POSITIONS
from formats.finger.records import RECORDS, Captured, finger_record
from formats.finger.wsq import finger_wsq, installed
from tests.formats.fmr_reader import read_views

OUTSIDE = Path(__file__).resolve().parents[2] / ".cache" / "anxin" / "outside" / "bin" / "python"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Picture:
    width_px: int
    height_px: int
    pixels: bytes
    resolution_ppi: int = 500


def grey(width_px: int, height_px: int, resolution_ppi: int = 500) -> Picture:
    return Picture(width_px, height_px, bytes(width_px * height_px), resolution_ppi)


@pytest.fixture(scope="module")
def print_256x288() -> Picture:
    return Picture(256, 288, press(grow(11, 256, 288, 500), 1).tobytes())


READERS = [
    (iso19794_4_2005.read, iso19794_4_2005.write(record_of(grey(12, 9), 1))),
    (iso19794_4_2011.read, iso19794_4_2011.write(record_of(grey(12, 9), 1, captured_at=AT))),
    (
        iso19794_2_2005.read,
        iso19794_2_2005.write(
            iso19794_2_2005.minutiae_record(
                1, (256, 288), 500, 60, [Minutia(5, 6, 90.0, MinutiaKind.BIFURCATION, 40)] * 3
            )
        ),
    ),
]


# The image records.

HEAD_2005 = bytes.fromhex(
    "46 49 52 00 30 31 30 00 00 00 00 01 68 2E 00 00 00 1F 01 01 01 F4 01 F4 01 F4 01 F4 08 00"
    "00 00 00 01 68 0E 01 01 01 FE 00 01 00 01 68 00"
)
"""256x360, raw, right thumb, 500 ppi, level 31: NIST biomdi writes so."""

HEAD_2011 = bytes.fromhex(
    "46 49 52 00 30 32 30 00 00 01 68 39 00 01 00 01 00 01 68 29 07 EA 01 02 03 04 05 00 00 01"
    "00 00 00 00 00 01 00 01 01 F4 01 F4 01 F4 01 F4 08 00 00 01 00 01 68 00 01 68 00"
)
"""256x360, raw, right thumb, 2026-01-02 03:04:05, technology 1: equal to iso19794's own writer."""


def test_a_record_of_2005_is_byte_exact():
    """Header and view stand as NIST's program lays them out; then the image and nothing else."""
    record = record_of(grey(256, 360), 1, device=CaptureDevice(acquisition_level=31))

    written = iso19794_4_2005.write(record)

    assert len(written) == 92_206
    assert written[:46] == HEAD_2005
    assert written[46:] == bytes(92_160)


def test_a_record_of_2011_is_byte_exact():
    """Header and representation stand as two independent programs lay them out."""
    device = CaptureDevice(technology=1)

    written = iso19794_4_2011.write(record_of(grey(256, 360), 1, captured_at=AT, device=device))

    assert len(written) == 92_217
    assert written[:57] == HEAD_2011


def test_a_score_of_nfiq_2_adds_one_block_of_five_bytes():
    """Score 67 by NFIQ 2.3 is 43 01 01 00 39."""
    captured = Captured(grey(256, 288), "right_thumb", AT, nfiq2=67)

    plain = finger_record("fir-2011", replace(captured, nfiq2=None)).content
    scored = finger_record("fir-2011", captured).content

    assert len(plain) == 73_785
    assert len(scored) == len(plain) + 5
    assert bytes.fromhex("01 43 01 01 00 39 01") in scored[:64]


def test_the_editions_number_png_differently():
    """PNG is 5 in 2005 and 6 in 2011: one number for both would be read as JPEG 2000."""
    packed = finger_png(grey(256, 288))
    record = FingerImageRecord(1, 256, 288, 500, packed, Compression.PNG, captured_at=AT)

    assert iso19794_4_2005.write(record)[29] == 5
    assert iso19794_4_2011.write(record)[16 + 4 + 9 + 6 + 12] == 6


@pytest.mark.skipif(not OUTSIDE.exists(), reason="no environment of other programs: make test")
@pytest.mark.parametrize("nfiq2", [None, 67])
def test_an_independent_reader_opens_the_record_of_2011(print_256x288, nfiq2):
    """PyPI iso19794 finds the very pixels, the position, the resolution, the time and the score."""
    captured = Captured(print_256x288, "left_index", AT, nfiq2=nfiq2)
    record = finger_record("fir-2011", captured).content

    script = Path(__file__).with_name("read_fir.py")
    done = subprocess.run([OUTSIDE, script], input=record, capture_output=True, check=True)
    said = json.loads(done.stdout)

    assert said["size"] == [256, 288]
    assert said["pixels"] == hashlib.sha256(print_256x288.pixels).hexdigest()
    assert said["position"] == "LEFT_INDEX_FINGER"
    assert said["compression"] == "RAW"
    assert said["impression"] == "LIVESCAN_PLAIN"
    assert (said["units"], said["ppi"]) == ("PPI", 500)
    assert said["at"].startswith("2026-01-02T03:04:05")
    assert said["quality"] == ([] if nfiq2 is None else [[67, "0101", "0039"]])


records = st.builds(
    lambda position, width, height, ppi, at, device, quality: record_of(
        grey(width, height, ppi), position, captured_at=at, device=device, quality=tuple(quality)
    ),
    st.integers(0, 15),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 1200),
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    st.builds(CaptureDevice, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 255)),
    st.lists(
        st.builds(QualityBlock, st.integers(0, 100), st.integers(0, 0xFFFF), st.integers(0, 99)),
        max_size=3,
    ),
)


@given(records)
def test_what_is_written_is_read_again(record):
    """The reader returns every field that the edition has a place for."""
    forgotten = replace(
        record,
        captured_at=None,
        quality=(),
        device=CaptureDevice(type_id=record.device.type_id),
    )

    assert iso19794_4_2011.read(iso19794_4_2011.write(record)) == record
    assert iso19794_4_2005.read(iso19794_4_2005.write(record)) == forgotten


def test_a_record_needs_a_moment_in_utc():
    """Local time in a field that says UTC would be off by eight hours here."""
    local = AT.astimezone(timezone(timedelta(hours=8)))

    with pytest.raises(ValueError, match="UTC"):
        record_of(grey(8, 8), 1, captured_at=local)
    with pytest.raises(ValueError, match="moment"):
        iso19794_4_2011.write(record_of(grey(8, 8), 1))


def test_a_record_refuses_what_is_no_image():
    """Pixels that do not fill the picture, positions and sizes outside the fields."""
    for wrong in (
        {"content": bytes(63)},
        {"position": 16},
        {"width_px": 0},
        {"height_px": 70_000},
        {"resolution_ppi": 70_000},
    ):
        fields = {
            "position": 1, "width_px": 8, "height_px": 8, "resolution_ppi": 500,
            "content": bytes(64), **wrong,
        }  # fmt: skip
        with pytest.raises(ValueError, match=r"outside|bytes for"):
            FingerImageRecord(**fields)


# The minutiae record.

NIST_HEAD = bytes.fromhex(
    "46 4D 52 00 20 32 30 00 00 00 01 73 00 B5 02 00 02 00 00 C5 00 C5 02 00 07 00 5A 1B"
    "40 64 00 0E 50 5A"
)
"""The first 34 bytes of NIST's sample: position 7, quality 90, the first of 27 minutiae."""


def test_a_minutia_lies_as_in_nists_sample():
    """An ending at (100, 14), 112.5 degrees, quality 90 is 40 64 00 0E 50 5A."""
    first = Minutia(100, 14, 112.5, MinutiaKind.ENDING, 90)
    record = iso19794_2_2005.minutiae_record(7, (512, 512), 500, 90, [first])

    written = iso19794_2_2005.write(record)

    assert len(written) == 36
    assert written[28:34] == NIST_HEAD[28:34]
    assert written[14:22] == NIST_HEAD[14:22]
    assert (written[24], written[26]) == (NIST_HEAD[24], NIST_HEAD[26])


minutiae = st.lists(
    st.builds(
        Minutia,
        st.integers(0, 255),
        st.integers(0, 287),
        st.integers(0, 255).map(lambda n: n * iso19794_2_2005.ANGLE_UNIT_DEG),
        st.sampled_from(MinutiaKind),
        st.integers(0, 100),
    ),
    max_size=300,
)


@given(minutiae, st.sampled_from(sorted(ISO_POSITIONS.values())), st.integers(0, 100))
def test_an_independent_reader_finds_every_minutia(found, position, quality):
    """Kind, place, angle and quality come back; of more than 255 the most reliable are kept."""
    record = iso19794_2_2005.minutiae_record(position, (256, 288), 500, quality, found)
    written = iso19794_2_2005.write(record)

    view = read_views(written)[0]

    kept = record.minutiae
    assert len(written) == 30 + 6 * len(kept)
    assert (view["position"], view["quality"], view["size"]) == (position, quality, (256, 288))
    assert view["points"] == [(m.kind.value, m.x_px, m.y_px, m.angle_deg, m.quality) for m in kept]
    assert len(kept) == min(len(found), 255)
    dropped = sorted(m.quality for m in found)[: len(found) - len(kept)]
    assert not dropped or max(dropped) <= min(m.quality for m in kept)
    assert iso19794_2_2005.read(written) == record


@pytest.mark.parametrize(("degrees", "byte"), [(0.0, 0), (359.5, 0), (358.6, 255), (112.0, 80)])
def test_angles_are_rounded_into_one_turn(degrees, byte):
    """A turn has 256 steps: 359.5 degrees is nearer to 0 than to the last step."""
    point = Minutia(1, 1, degrees, MinutiaKind.ENDING, 50)
    record = iso19794_2_2005.minutiae_record(1, (8, 8), 500, 50, [point])

    assert iso19794_2_2005.write(record)[32] == byte


def test_a_minutia_outside_the_picture_is_refused():
    """A record with a place that does not exist must not leave the station."""
    point = Minutia(8, 1, 0.0, MinutiaKind.ENDING, 50)

    with pytest.raises(ValueError, match="does not fit"):
        iso19794_2_2005.write(iso19794_2_2005.minutiae_record(1, (8, 8), 500, 50, [point]))


def test_a_last_block_that_claims_too_much_is_refused():
    """NIST's own sample says 42 where 41 bytes remain: a reader is bounded by the record."""
    point = Minutia(1, 1, 0.0, MinutiaKind.ENDING, 50)
    written = iso19794_2_2005.write(iso19794_2_2005.minutiae_record(1, (8, 8), 500, 50, [point]))

    with pytest.raises(RecordUnreadable, match="wanted"):
        iso19794_2_2005.read(written[:-1] + b"\x2a")


@pytest.mark.parametrize(("read", "record"), READERS, ids=["2005", "2011", "minutiae"])
def test_what_follows_the_last_field_is_refused(read, record):
    """A record that announces more than its fields hold carries something nobody looked at."""
    at, size = (8, 6) if record[:8] == b"FIR\x00010\x00" else (8, 4)
    longer = bytearray(record + b"\0")
    longer[at : at + size] = len(longer).to_bytes(size, "big")

    with pytest.raises(RecordUnreadable):
        read(bytes(longer))


@pytest.mark.parametrize(("read", "record"), READERS, ids=["2005", "2011", "minutiae"])
@given(
    harm=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 200),
    more=st.binary(max_size=8),
)
def test_any_bytes_are_a_record_or_refused_by_name(read, record, harm, cut, more):
    """No damage makes a reader fail otherwise, read past the end, or take a piece for the whole."""
    damaged = bytearray(record)
    for at, value in harm:
        damaged[at % len(damaged)] = value
    damaged = bytes(damaged[: len(damaged) - min(cut, len(damaged))]) + more
    with suppress(RecordUnreadable):
        read(damaged)
        assert len(damaged) == len(record)


# WSQ, PNG, the card.


@pytest.mark.skipif(not installed(), reason="no WSQ here: python3.11 -m setup fingerprints")
@pytest.mark.parametrize(("ppi", "size"), [(500, (256, 288)), (508, (252, 283))])
def test_wsq_is_written_at_500_ppi(print_256x288, ppi, size):
    """The format knows 500 ppi only: another resolution is resampled, never relabelled."""
    packed = finger_wsq(replace(print_256x288, resolution_ppi=ppi))

    with Image.open(io.BytesIO(packed)) as opened:
        assert opened.size == size
        assert packed[:2] == b"\xff\xa0"
        if ppi == 500:
            far = sum(
                abs(a - b) for a, b in zip(opened.tobytes(), print_256x288.pixels, strict=True)
            )
            assert far / len(print_256x288.pixels) < 12
    assert len(packed) < len(print_256x288.pixels) / 4


@pytest.mark.parametrize(("ppi", "per_metre"), [(500, 19685), (508, 20000), (450, 17717)])
def test_a_png_says_its_true_resolution(ppi, per_metre):
    """pHYs holds pixels a metre; the pixels come back as they were."""
    packed = finger_png(replace(grey(8, 8), pixels=bytes(range(64)), resolution_ppi=ppi))

    at = packed.index(b"pHYs")
    assert int.from_bytes(packed[at + 4 : at + 8], "big") == per_metre
    with Image.open(io.BytesIO(packed)) as opened:
        assert opened.tobytes() == bytes(range(64))


def test_every_kind_of_record_is_named_once_and_made(print_256x288):
    """Each has its own suffix, so that all can lie beside each other in one package."""
    points = (Minutia(5, 6, 90.0, MinutiaKind.ENDING, 40),)
    captured = Captured(print_256x288, "right_thumb", AT, nfiq2=60, minutiae=points)

    made = [finger_record(kind, captured) for kind in RECORDS if kind != "wsq" or installed()]

    assert len({record.suffix for record in made}) == len(made)
    assert all(record.content for record in made)
    with pytest.raises(ValueError, match="there are: fir-2005"):
        finger_record("ansi-381", captured)


def test_minutiae_are_never_made_up():
    """Without minutiae, or without a score for the field that demands one, there is no record."""
    captured = Captured(grey(8, 8), "right_thumb", AT, nfiq2=60)
    point = Minutia(1, 1, 0.0, MinutiaKind.ENDING, 50)

    for lacking in (captured, replace(captured, nfiq2=None, minutiae=(point,))):
        with pytest.raises(RecordNotMade, match="setup fingerprints"):
            finger_record("fmr-2005", lacking)


def test_the_card_has_its_own_numbers():
    """11 to 15 on the right, 16 to 20 on the left; ISO's numbers never stand in their place."""
    assert resident_card.card_code("right_thumb") == 11
    assert resident_card.card_code("right_little") == 15
    assert resident_card.card_code("left_thumb") == 16
    assert resident_card.card_code("left_little") == 20
    assert not set(ISO_POSITIONS.values()) & set(resident_card.CARD_POSITIONS.values())
    with pytest.raises(ValueError, match="right_toe"):
        resident_card.card_code("right_toe")


def test_the_cards_window_is_filled_with_white_and_says_so(print_256x288):
    """256x288 lies in the middle of 256x360, untouched; a full window adds nothing."""
    window, padded = resident_card.card_window(print_256x288)

    assert padded
    assert len(window) == 92_160
    assert window[36 * 256 : -36 * 256] == print_256x288.pixels
    assert set(window[: 36 * 256] + window[-36 * 256 :]) == {255}
    assert resident_card.card_window(grey(256, 360)) == (bytes(92_160), False)
    narrow, _ = resident_card.card_window(grey(2, 1))
    middle = 179 * 256 + 127
    assert narrow == b"\xff" * middle + b"\0\0" + b"\xff" * (92_160 - middle - 2)
    with pytest.raises(ValueError, match="larger"):
        resident_card.card_window(grey(300, 300))
