"""Fingers from the glass to the centre's folder, opened there by other people's programs.

The centre has the reference specification and no code of ours; what it keeps is read as an engineer
of a centre would: by a reader of PyPI, by layouts written down apart from ours, by Pillow.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import struct
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from drivers.fingerprint import FingerImage
from drivers.peers.presses import LEFT_THUMB, RIGHT_THUMB, Press
from edge.fingers import nbis
from edge.fingers.capture import FingerTaken
from edge.fingers.judge import JudgedPress
from edge.fingers.presses import GoodPress
from edge.portrait_capture import Portrait
from edge.samples import Sample
from edge.settings import Settings
from edge.sitting import Event, Result, Snapshot, State
from formats.finger import wsq
from quality.finger.print import Print
from run_edge import open_listeners
from tests.formats.fmr_reader import read_views
from tests.station.bed import LONG_S, Bed, station_bed
from tests.station.seen import leaks_in
from tests.station.test_privacy import files_of, log_file

__all__ = ["log_file"]
ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ROOT / ".cache" / "anxin" / "outside" / "bin" / "python"
READ_FIR = ROOT / "tests" / "formats" / "read_fir.py"
RECORDS = ("fir-2005", "fir-2011", "fmr-2005", "wsq")
RIGHT_INDEX = 12
LACKS = nbis.missing() or ("" if wsq.installed() else "no WSQ")

OF_FINGERS = (FingerImage, Print, JudgedPress, GoodPress, FingerTaken, Sample)
OF_THE_PERSON = (*OF_FINGERS, Portrait)


def alive(kinds: tuple[type, ...], but: Iterable[object]) -> set[str]:
    """Names of the kinds of which memory holds one that was not there before."""
    before = {id(one) for one in but}
    gc.collect()
    return {type(o).__name__ for o in gc.get_objects() if type(o) in kinds and id(o) not in before}


def gone(kinds: tuple[type, ...], but: Iterable[object]) -> set[str]:
    """What is left of them after as long as threads on a busy machine may take to let go."""
    until_s = time.monotonic() + LONG_S
    while (left := alive(kinds, but)) and time.monotonic() < until_s:
        time.sleep(0.05)
    return left


def all_records(settings: Settings) -> Settings:
    """Every record is ordered, and presses are matched."""
    fingers = settings.fingers.model_copy(
        update={"records": RECORDS, "examiner": "nbis", "lift_s": 0.1, "positions": None}
    )
    return settings.model_copy(update={"fingers": fingers})


def answers(bed: Bed, url: str) -> Iterator[bytes]:
    """What the interface says of all this to whoever has its token."""
    token = (bed.station.settings.store.folder / "v1.token").read_text().strip()
    for path in ("health", "support", "station", "packages", "sittings", "devices"):
        asked = urllib.request.Request(
            f"{url}v1/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=LONG_S) as answer:
            yield answer.read()


def twice(finger: int, condition: str = "plain", severity: float = 1.0) -> list[Press]:
    """Two presses of one finger, and then nothing lies on the glass."""
    return [Press(finger, n, condition, severity, last=n == 2) for n in (1, 2)]


def asks_for(position: str) -> Callable[[Snapshot], bool]:
    """Whether a screen asks for this finger."""
    return lambda shown: shown.finger is not None and shown.finger.position == position


def fir_of_2005(record: bytes) -> dict[str, Any]:
    """Read one view by the layout of NIST's `fir.h`, apart from our own reader."""
    magic, version, high, low = struct.unpack(">4s4sHI", record[:14])
    assert (magic, version) == (b"FIR\x00", b"010\x00")
    assert (high << 32) + low == len(record)
    _, level, images, units, *scale, depth, packing, _ = struct.unpack(
        ">HHBBHHHHBBH", record[14:32]
    )
    length, position, views, number, quality, impression, width, height, _ = struct.unpack(
        ">IBBBBBHHB", record[32:46]
    )
    assert length == len(record) - 32 == 14 + width * height
    assert (images, views, number, packing, impression) == (1, 1, 1, 0, 0)
    return {
        "position": position, "size": (width, height), "pixels": record[46:], "units": units,
        "scale": set(scale), "depth": depth, "level": level, "quality": quality,
    }  # fmt: skip


def fir_of_2011(record: bytes) -> dict[str, Any]:
    """What PyPI's iso19794 says of it."""
    done = subprocess.run([OUTSIDE, READ_FIR], input=record, capture_output=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.skipif(bool(LACKS), reason=f"not every record can be made here: {LACKS}")
@pytest.mark.skipif(not OUTSIDE.exists(), reason="no environment of other programs: make test")
def test_every_record_of_a_delivered_finger_is_opened_by_a_stranger(
    tmp_path: Path, scenes: Path, log_file: Path
):
    """A dry thumb, its index finger and a left thumb: accepted, four records each, all the same
    pixels; and memory holds no print once no finger is asked for, nothing of the person at the end,
    log, disk and interface not a piece of any of it at any time.
    """
    fingers = {
        "right_thumb": twice(RIGHT_THUMB, "dry", 2.0),
        "right_index": twice(RIGHT_INDEX),
        "left_thumb": twice(LEFT_THUMB),
    }
    before = [one for one in gc.get_objects() if type(one) in OF_THE_PERSON]
    with (
        station_bed(tmp_path / "demo", scenes, presses=(), change=all_records) as bed,
        ExitStack() as stack,
    ):
        _, v1 = open_listeners(bed.station, stack)
        bed.begin()
        bed.take_portrait()
        for position, presses in fingers.items():
            bed.until(asks_for(position), position)
            bed.peer.start_plan(presses)
        shown = bed.until_state(State.REVIEW)
        prints_left = gone(OF_FINGERS, before)
        result = bed.ask(Event.HAND_IN)
        all_left = gone(OF_THE_PERSON, before)
        portrait = bed.station.desk.portrait_jpeg(result.token)
        bed.until_receipted()
        (tmp_path / "answers.json").write_bytes(b"".join(answers(bed, v1.url)))
        package_id = bed.station.store.packages()[0].package_id
    folder = tmp_path / "demo" / "centre" / "packages" / package_id
    manifest = json.loads((folder / "manifest.json").read_text())
    sitting = json.loads((folder / "parts" / "sitting.json").read_text())
    facts = {row["name"]: row for row in manifest["parts"]}

    plain = [file.read_bytes() for file in sorted((folder / "parts" / "finger").iterdir())]
    assert len(plain) == 2 * (1 + len(RECORDS))
    assert leaks_in(files_of(tmp_path), [], plain) == set()
    assert (prints_left, all_left, portrait) == (set(), set(), None)
    assert shown.fingers_in == ("right_index", "left_thumb")
    # The rule's own fallback was met: nobody is sent home as lacking something.
    assert (result.result, result.missing) == (Result.ACCEPTED, ())
    assert (manifest["result"], sitting["missing"]) == ("accepted", [])
    (thumb,) = sitting["fingers"]["exceptions"]
    assert (thumb["position"], thumb["reason"]) == ("right_thumb", "worn")
    assert (thumb["why"], thumb["confirmed_by"]) == ("failed", None)
    assert manifest["exceptions"] == ["finger:right_thumb"]
    for position, iso, theirs in (
        ("right_index", 2, "RIGHT_INDEX_FINGER"), ("left_thumb", 6, "LEFT_THUMB"),
    ):  # fmt: skip
        _opened_by_strangers(folder / "parts" / "finger", position, iso, theirs, facts)


def _opened_by_strangers(
    folder: Path, position: str, iso: int, theirs: str, facts: dict[str, dict[str, Any]]
) -> None:
    said = facts[f"finger/{position}.png"]
    with Image.open(folder / f"{position}.png") as png:
        pixels, size = png.tobytes(), png.size
        ppi = [round(one) for one in png.info["dpi"]]
    assert ppi == [said["resolution_ppi"]] * 2
    assert (said["iso_position"], said["resident_card_position"]) == (iso, 10 + iso)
    assert (said["agreement"], said["records_missing"]) == ("matched", [])
    assert said["score"]["algorithm"] == "NFIQ2"

    old = fir_of_2005((folder / f"{position}.2005.fir").read_bytes())
    assert (old["position"], old["size"], old["pixels"]) == (iso, size, pixels)
    assert (old["units"], old["scale"], old["depth"]) == (1, {said["resolution_ppi"]}, 8)

    new = fir_of_2011((folder / f"{position}.2011.fir").read_bytes())
    assert new["pixels"] == hashlib.sha256(pixels).hexdigest()
    assert (new["position"], new["ppi"]) == (theirs, said["resolution_ppi"])
    assert new["quality"] == [[said["score"]["value"], "0101", "0039"]]
    # The record's own moment is the manifest's; the stranger takes milliseconds for microseconds.
    ours, found = (datetime.fromisoformat(one) for one in (said["captured_at"], new["at"]))
    assert found.microsecond == ours.microsecond // 1000
    assert found.replace(microsecond=0, tzinfo=UTC) == ours.replace(microsecond=0)

    (view,) = read_views((folder / f"{position}.2005.fmr").read_bytes())
    assert (view["position"], view["size"]) == (iso, size)
    assert view["quality"] == said["score"]["value"]
    assert len(view["points"]) > 10
    assert all(x < size[0] and y < size[1] for _, x, y, _, _ in view["points"])

    with Image.open(io.BytesIO((folder / f"{position}.wsq").read_bytes())) as packed:
        far = sum(abs(a - b) for a, b in zip(packed.tobytes(), pixels, strict=True))
        assert packed.size == size
    assert far / len(pixels) < 12
