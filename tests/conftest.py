"""What every test is given: fetched files, optional reference material, and a clean process."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.chromium import chromium, playwright

__all__ = ["chromium", "playwright"]

settings.register_profile(
    "check",
    # A busy machine is slow, not wrong.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # What landed stays landed: the same examples at every run; `ANXIN_LONG=1` draws new ones.
    derandomize="ANXIN_LONG" not in os.environ,
)
settings.load_profile("check")

CHECKOUT = Path(__file__).resolve().parent.parent
LINGER_S = 20.0
"""How long a closed thread or child may take to be gone; a busy machine schedules late."""

LONGEST_FIRST = (
    "tests/station/test_daemon.py",
    "tests/station/test_faults.py",
    "tests/browser/test_gate.py",
    "tests/station/test_whole_sitting.py",
    "tests/stories/test_at_the_camera.py",
    "tests/stories/test_with_an_order.py",
    "tests/stories/test_with_staff.py",
    "tests/browser/test_finger_walks.py",
    "tests/browser/test_sitting.py",
    "tests/stories/test_when_things_fail.py",
    "tests/stories/test_at_the_glass.py",
    "tests/stories/test_walks_away.py",
    "tests/stories/test_power_cut.py",
    "tests/stories/test_with_an_earlier_photo.py",
    "tests/station/test_finger_stories.py",
    "tests/centre/test_gateway.py",
    "tests/crash/test_custody_proofs.py",
    "tests/station/test_reuse_sitting.py",
    "tests/test_v1_interface.py",
    "tests/browser/test_earlier_photo_walks.py",
    "tests/browser/test_screens.py",
    "tests/test_delivery_proof.py",
    "tests/accuracy/test_defects.py",
    "tests/accuracy/test_comparison_rates.py",
    "tests/station/test_network_listener.py",
    "tests/station/test_v1_beside.py",
    "tests/station/test_readers.py",
    "tests/wire/test_zfm_faults.py",
    "tests/contracts/test_measure.py",
    "tests/contracts/test_reader.py",
    "tests/test_finger_examiner.py",
    "tests/test_portrait.py",
    "tests/test_portrait_profiles.py",
)
"""Files that take long: begun at the end, one of them would keep one core busy, the others idle."""

_STAYS = re.compile(r"multiprocessing\.resource_tracker|^Dummy-")
"""Python's own bookkeeper of shared memory, and native threads that once called into Python."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; within a file nothing moves."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.nodeid.split("::")[0], len(rank)))


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """Where set-up put the model files."""

    face_landmarker: Path
    selfie_segmentation: Path


@pytest.fixture(scope="session")
def models() -> ModelPaths:
    """The model files; without them the set-up was skipped, and that is a failure."""
    folder = CHECKOUT / ".cache" / "anxin" / "models"
    return ModelPaths(
        _fetched(folder / "face_landmarker.task"), _fetched(folder / "selfie_segmentation.tflite")
    )


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of the demo's photographs."""
    return _fetched(CHECKOUT / ".cache" / "anxin" / "pictures")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Reference material that lies beside a checkout, not in it: skip where it is absent."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the optional reference material is not beside this checkout")
    return folder


def _fetched(path: Path) -> Path:
    if not path.exists():
        pytest.fail(f"{path.name} is missing: run `make test`", pytrace=False)
    return path


@pytest.fixture(autouse=True)
def _leaves_nothing_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread or a child process: the next one would inherit its device.

    What a fixture of a wider scope started before the test (a browser, a station) may go on.
    """
    threads, children = set(threading.enumerate()), _children()
    yield
    deadline_s = time.monotonic() + LINGER_S
    while (left := _left(threads, children)) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    if left:
        pytest.fail(f"{request.node.name} left running: {', '.join(left)}", pytrace=False)


def _left(threads: set[threading.Thread], children: set[int]) -> list[str]:
    names = [thread.name for thread in threading.enumerate() if thread not in threads]
    names += [_command_line(pid) for pid in _children() - children]
    return [name for name in names if not _STAYS.search(name)]


def _children() -> set[int]:
    """Return the process ids of this process's children, whichever thread started them."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update(map(int, (task / "children").read_text().split()))
        except FileNotFoundError:  # the thread ended meanwhile
            continue
    return found


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return f"process {pid} ({os.fsdecode(b' '.join(words)).strip()[:80] or 'zombie'})"
    except FileNotFoundError:
        return f"process {pid}"
