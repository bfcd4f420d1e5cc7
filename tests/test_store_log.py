"""A damaged log is announced: SQLite takes the place of the damage for the log's end."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys

import pytest

from edge.store.log_check import FRAME_HEADER_BYTES, HEADER_BYTES, LogFrames, log_frames
from tests.delivery_kit import make_kit

PAGE_BYTES = 4096
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
WRITER = """
import os, sys
from pathlib import Path
from tests.delivery_kit import make_kit
kit = make_kit(Path(sys.argv[1]))
store = kit.open_store()
rows = [kit.hand_in(store) for _ in range(3)]
print(rows[-1].sequence, flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What a service left that was killed after three packages: all of it is in the log."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-c", WRITER, folder], check=True, timeout=120)
    return folder


@pytest.fixture
def kit(killed, tmp_path):
    shutil.copytree(killed, tmp_path / "copy")
    return make_kit(tmp_path / "copy")


def flip(kit, at):
    log = kit.folder / "store.db-wal"
    content = bytearray(log.read_bytes())
    content[at] ^= 1
    log.write_bytes(content)


def frame(number):
    """Where a frame begins; the first is 1."""
    return HEADER_BYTES + (number - 1) * FRAME_BYTES


def frames_of(kit):
    return log_frames(kit.folder / "store.db")


def test_a_log_that_a_kill_left_is_taken_over_without_a_word(kit):
    """Nothing is missing, nothing is announced."""
    frames = frames_of(kit)
    assert frames.sound
    assert frames.commits[-1] == frames.last > 30
    with kit.open_store() as store:
        assert [row.sequence for row in store.packages()] == [1, 2, 3]
        assert store.alarms == ()
    assert not (kit.folder / "set-aside").exists()


@pytest.mark.parametrize("where", ["page", "frame's salt", "frame's checksum", "log's header"])
def test_commits_that_are_missing_before_the_log_s_end_are_announced(kit, where):
    """Packages were acknowledged and are not there: somebody must know, and the log is kept."""
    frames = frames_of(kit)
    third = frames.commits[len(frames.commits) // 2]
    at = {
        "page": frame(third) + FRAME_HEADER_BYTES + 1000,
        "frame's salt": frame(third) + 9,
        "frame's checksum": frame(third) + 17,
        "log's header": 5,
    }[where]
    flip(kit, at)
    damaged = (kit.folder / "store.db-wal").read_bytes()
    with kit.open_store() as store:
        assert store.alarms == ("log_damaged",)
        assert len(store.packages()) < 3
        opened = [json.loads(row.entry) for row in store.audit_rows()]
        assert {"log_damaged"} <= {entry["outcome"] for entry in opened}
        # Three were counted: no number comes twice.
        assert kit.hand_in(store).sequence > 3
    (kept,) = (kit.folder / "set-aside").iterdir()
    assert (kept / "store.db-wal").read_bytes() == damaged
    with kit.open_store() as store:
        assert store.alarms == ()


def test_what_a_power_cut_tears_is_not_called_damage(kit):
    """The last commit, at whichever frame of it: nobody was told yet that it is durable."""
    frames = frames_of(kit)
    for number in range(frames.commits[-2] + 1, frames.last + 1):
        shutil.copy(kit.folder / "store.db-wal", kit.folder / "kept")
        flip(kit, frame(number) + FRAME_HEADER_BYTES + 7)
        torn = frames_of(kit)
        shutil.copy(kit.folder / "kept", kit.folder / "store.db-wal")

        assert not torn.lost_behind(frames.commits[-2])
    whole = (kit.folder / "store.db-wal").read_bytes()
    for cut in (0, 5, HEADER_BYTES, HEADER_BYTES + 5, frame(frames.last) + 100):
        (kit.folder / "store.db-wal").write_bytes(whole[:cut])
        left = frames_of(kit)
        read = max([commit for commit in left.commits if frame(commit + 1) <= cut], default=0)
        assert not left.lost_behind(read)


def test_frames_of_an_earlier_round_do_not_count(kit):
    """The log is written over from its beginning; what lies behind is of other salts."""
    log = kit.folder / "store.db-wal"
    content = bytearray(log.read_bytes())
    frames = frames_of(kit)
    keep = frames.commits[2]
    for number in range(keep + 1, frames.last + 1):
        content[frame(number) + 8 : frame(number) + 16] = struct.pack(">2I", 1, 2)
    log.write_bytes(content)

    assert frames_of(kit) == LogFrames(True, keep, frames.commits[:3])
    assert not frames_of(kit).lost_behind(keep)
