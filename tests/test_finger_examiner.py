"""NFIQ 2, minutiae and matching in their cell: true to the library, and nothing of a print left."""

from __future__ import annotations

import ast
import contextlib
import gc
import hashlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog

from drivers.fingerprint import FingerImage
from edge.fingers import nbis
from edge.fingers.examiner import ExaminerLost, ExaminerState, NotAssessed, load_examiner
from edge.fingers.nbis import NbisExaminer
from formats.finger.minutia import MinutiaKind
from tests.lying_worker import Liar, message
from tests.press_kit import HEIGHT_PX, WIDTH_PX, image_of, pressed

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
"""For answers that must come: a busy machine is no failure."""
HANG_S = 0.5
"""For answers that cannot come."""


@pytest.fixture(scope="module", autouse=True)
def _installed():
    if find_spec("nbis") is None:
        pytest.skip("nbis-py is not set up: python3.11 -m setup fingerprints")


def awaited(examiner: NbisExaminer, state: ExaminerState) -> NbisExaminer:
    until_s = time.monotonic() + PATIENCE_S
    while examiner.state is not state and time.monotonic() < until_s:
        time.sleep(0.01)

    assert examiner.state is state
    return examiner


def begun() -> NbisExaminer:
    examiner = NbisExaminer()
    examiner.begin()
    return awaited(examiner, ExaminerState.READY)


@pytest.fixture(scope="module")
def examiner():
    examiner = begun()
    yield examiner
    examiner.close()


@pytest.fixture
def own():
    """An examiner whose process a test may end."""
    with contextlib.closing(begun()) as examiner:
        yield examiner


def grey_of(image: FingerImage):
    return np.frombuffer(image.pixels, np.uint8).reshape(image.height_px, image.width_px)


def at_ppi(image: FingerImage, ppi: int) -> FingerImage:
    size = [round(side * ppi / image.resolution_ppi) for side in (image.width_px, image.height_px)]
    how = cv2.INTER_CUBIC if ppi > image.resolution_ppi else cv2.INTER_AREA
    return image_of(cv2.resize(grey_of(image), size, interpolation=how), ppi)


BARE = """
import json, sys, nbis
wanted = nbis.NbisExtractorSettings(
    min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=True, ppi=None
)
extractor = nbis.new_nbis_extractor(wanted)
found = [extractor.extract_minutiae(open(path, "rb").read()) for path in sys.argv[1:]]
rows = [[[m.x(), m.y(), m.angle()] for m in one.get()] for one in found]
print(json.dumps([[one.quality().score for one in found], rows, found[0].compare(found[1])]))
"""


def test_the_score_is_nfiq_2s_own(examiner, tmp_path):
    """What the library says of a 500 ppi file when nothing of ours is around, we say."""
    images = [pressed(1), pressed(1, 1)]
    files = [tmp_path / f"{n}.png" for n in range(2)]
    for file, image in zip(files, images, strict=True):
        cv2.imwrite(str(file), grey_of(image))
    said = subprocess.run(
        [sys.executable, "-c", BARE, *files], capture_output=True, check=True, timeout=PATIENCE_S
    )
    scores, rows, match = json.loads(said.stdout)
    found = [examiner.examine(image, PATIENCE_S) for image in images]

    assert [one.score.value for one in found] == scores
    assert {(one.score.algorithm, one.score.version) for one in found} == {("NFIQ2", "2.3")}
    assert [[[m.x_px, m.y_px, m.angle_deg] for m in one.minutiae] for one in found] == rows
    assert len(rows[0]) >= 30
    assert examiner.match(*images, PATIENCE_S) == match


def with_one_minutia(kind: MinutiaKind, turn_deg: float, x_px: float, y_px: float, ppi: int):
    """Draw parallel ridges with one minutia where and as told into a good print.

    The phase of parallel ridges plus the angle around a point: on one side of it there is one
    ridge more. Towards `turn_deg` lies the valley between two ridges that were one (bifurcation),
    or with ridges and valleys exchanged the one ridge that ends there.
    """
    ground = at_ppi(pressed(1), ppi)
    rows, columns = np.mgrid[0 : ground.height_px, 0 : ground.width_px].astype(float)
    right, up = columns - x_px, y_px - rows
    cosine, sine = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    along, across = right * cosine + up * sine, up * cosine - right * sine
    phase = 2 * math.pi * across / (9.0 * ppi / 500) + np.arctan2(across, along)
    if kind is MinutiaKind.ENDING:
        phase += math.pi
    ridges = 128 + 100 * np.cos(phase)
    near = np.clip(6 - np.hypot(right, up) / 10 * 500 / ppi, 0, 1)
    return image_of((near * ridges + (1 - near) * grey_of(ground)).astype(np.uint8), ppi)


def between_deg(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


@pytest.mark.parametrize("ppi", [450, 500, 508])
@pytest.mark.parametrize("kind", [MinutiaKind.ENDING, MinutiaKind.BIFURCATION])
def test_a_drawn_minutia_is_found_where_and_as_it_was_drawn(examiner, kind, ppi):
    """Pixels of the picture itself, y down; along an ending's ridge, into a bifurcation's valley.

    Quantised to 11.25 degrees by the finder, so half of that and one step of noise are allowed.
    """
    for turn_deg in range(10, 360, 70):
        x_px, y_px = 120.0 * ppi / 500, 150.0 * ppi / 500
        drawn = with_one_minutia(kind, turn_deg, x_px, y_px, ppi)
        found = examiner.examine(drawn, PATIENCE_S).minutiae
        nearest = min(found, key=lambda m: math.hypot(m.x_px - x_px, m.y_px - y_px))

        assert math.hypot(nearest.x_px - x_px, nearest.y_px - y_px) <= 4
        assert between_deg(nearest.angle_deg, turn_deg) <= 17
        assert nearest.kind is kind
        assert nearest.quality >= 50
        assert all(m.x_px < drawn.width_px and m.y_px < drawn.height_px for m in found)


@pytest.mark.parametrize("ppi", [450, 508, 1000])
def test_a_print_of_another_resolution_is_seen_at_500(examiner, ppi):
    """The same skin through a finer or coarser glass has the same minutiae; taken as 500, not."""
    truly, other = pressed(1), at_ppi(pressed(1), ppi)
    wrongly = FingerImage(other.pixels, other.width_px, other.height_px, 500)
    match = examiner.match(truly, other, PATIENCE_S)

    # Nearest neighbours alone would bring 404 to 445, cubic and area 475 to 494.
    assert match >= 450
    assert match >= examiner.match(truly, wrongly, PATIENCE_S) + 50
    assert examiner.examine(other, PATIENCE_S).score.value >= 45


def test_two_presses_of_one_finger_match_and_two_fingers_do_not(examiner):
    """Whichever comes first; pictures that were never examined too."""
    one, again, other = pressed(1), pressed(1, 2), pressed(2)

    assert examiner.match(one, again, PATIENCE_S) >= 100
    assert examiner.match(again, one, PATIENCE_S) == examiner.match(one, again, PATIENCE_S)
    assert examiner.match(one, other, PATIENCE_S) < 40


@pytest.mark.parametrize(
    "picture",
    [
        np.full((HEIGHT_PX, WIDTH_PX), 243, np.uint8),
        np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8),
        np.tile(np.uint8([40, 40, 40, 40, 220, 220, 220, 220]), (HEIGHT_PX, WIDTH_PX // 8)),
        np.full((10, 10), 128, np.uint8),
        np.full((1025, 1024), 128, np.uint8),
    ],
    ids=["blank", "black", "stripes", "10x10", "too large"],
)
def test_what_has_no_score_is_not_assessed(examiner, picture):
    """Not 0: nobody measured 0. The process stays, even for a size at which the library crashes."""
    pid = examiner.pid
    with pytest.raises(NotAssessed):
        examiner.examine(image_of(picture), PATIENCE_S)

    assert examiner.pid == pid


def test_it_sits_in_the_cell(examiner):
    """The same walls as the vision worker's: network, environment, memory, files."""
    examiner.examine(pressed(1), PATIENCE_S)
    environment = Path(f"/proc/{examiner.pid}/environ").read_bytes().decode().split("\0")
    limits = " ".join(Path(f"/proc/{examiner.pid}/limits").read_text().split())
    status = Path(f"/proc/{examiner.pid}/status").read_text()

    assert "https_proxy=http://127.0.0.1:9" in environment
    assert "Max file size 0" in limits
    assert "Max core file size 0" in limits
    assert "Max address space 2147483648" in limits
    assert int(status.split("VmHWM:")[1].split()[0]) < 300 * 1024
    if os.geteuid() == 0:
        own = os.readlink(f"/proc/{examiner.pid}/ns/net")
        assert own != os.readlink("/proc/self/ns/net")


def memory_of(pid: int) -> bytes:
    """Return every page that a process has written to, freed or not."""
    found = []
    mappings = re.findall(
        r"^(\w+)-(\w+) .w.*\n(?:\S+: .*\n)*?Rss: +[1-9]",
        Path(f"/proc/{pid}/smaps").read_text(),
        re.MULTILINE,
    )
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for begin, end in ((int(begin, 16), int(end, 16)) for begin, end in mappings):
            memory.seek(begin)
            found.append(memory.read(end - begin))
    return b"".join(found)


def digest_of(image: FingerImage) -> bytes:
    head = f"{image.width_px}x{image.height_px}@{image.resolution_ppi}:".encode()
    return hashlib.sha256(head + image.pixels).digest()


def rows_of(image: FingerImage):
    """Return pieces of a print's inner rows, each long enough to be nobody else's."""
    return [image.pixels[row * WIDTH_PX + 100 :][:48] for row in (70, 110, 150, 190)]


def test_after_forget_nothing_of_a_print_is_anywhere(own):
    """Neither pixels nor what is kept of them: not in any page of the process, not between us."""
    image = pressed(1)
    first = own.pid
    own.forget()
    unused = own.pid
    own.examine(image, PATIENCE_S)
    own.match(image, pressed(1, 1), PATIENCE_S)
    kept = memory_of(first)
    own.forget()
    awaited(own, ExaminerState.READY)
    left = memory_of(own.pid)

    # That the search finds what there is: else its silence would prove nothing.
    assert digest_of(image) in kept
    # A visit without a press costs no new begin.
    assert unused == first
    assert not Path(f"/proc/{first}").exists()
    assert digest_of(image) not in left
    assert not any(row in left for row in rows_of(image))
    assert not any(own._memory[:])


def test_no_print_is_left_in_the_shared_memory(examiner):
    """After an answer, after a refusal, after a match."""
    examiner.examine(pressed(1), PATIENCE_S)
    with pytest.raises(NotAssessed):
        examiner.examine(image_of(np.full((300, 300), 99, np.uint8)), PATIENCE_S)
    examiner.match(pressed(1), pressed(2), PATIENCE_S)

    assert not any(examiner._memory[:])


def rss_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def test_memory_stays_flat_over_many_presses_of_one_visit(own):
    """Even of a visit that never ends; `ANXIN_LONG=1` takes 300 presses of the full window."""
    long = "ANXIN_LONG" in os.environ
    presses, side_px = (300, HEIGHT_PX) if long else (44, 176)
    grey = grey_of(pressed(1))[:side_px, : min(side_px, WIDTH_PX)]
    before_kib = 0
    for number in range(presses):
        varied = grey.copy()
        varied[0, 0] = number % 251
        varied[0, 1] = number // 251
        own.examine(image_of(varied), PATIENCE_S)
        if number == 19:
            before_kib = rss_kib(own.pid)

    # Were every picture kept, it would grow by half as much again.
    assert rss_kib(own.pid) - before_kib < 500


def test_a_killed_process_is_replaced_and_still_knows_how_to_match(own):
    """It died between two presses: the next answer comes from another, of the images alone."""
    own.examine(pressed(1), PATIENCE_S)
    first = own.pid
    os.kill(first, signal.SIGKILL)
    awaited(own, ExaminerState.LOST)

    assert own.match(pressed(1), pressed(1, 1), PATIENCE_S) >= 100
    assert own.pid not in (None, first)
    assert own.state is ExaminerState.READY


def test_a_stopped_process_costs_its_time_and_is_replaced(own):
    """It hangs with a print in it: it is ended, and the next question has another."""
    first = own.pid
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(ExaminerLost, match="no answer"):
        own.examine(pressed(1), HANG_S)

    assert not Path(f"/proc/{first}").exists()
    assert own.state is ExaminerState.LOST
    assert not any(own._memory[:])
    assert own.examine(pressed(1), PATIENCE_S).score.value >= 45


def test_it_rests_until_somebody_comes_and_closing_leaves_nothing():
    """Made, it has no process, so start-up waits for none; asked, it begins by itself.

    Closed, there is no process, no descriptor and no answer; twice is once.
    """
    gc.collect()
    before = sorted(os.listdir("/proc/self/fd"))
    examiner = NbisExaminer()
    at_first = examiner.state, examiner.pid
    score = examiner.examine(pressed(1), PATIENCE_S).score
    pid = examiner.pid
    examiner.close()
    examiner.close()
    examiner.begin()
    examiner.forget()

    assert at_first == (ExaminerState.RESTING, None)
    assert score.algorithm == "NFIQ2"
    assert not Path(f"/proc/{pid}").exists()
    assert examiner.pid is None
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ExaminerLost, match="closed"):
        examiner.examine(pressed(1), HANG_S)


@pytest.fixture
def liar(tmp_path, monkeypatch):
    """Return how to get an examiner whose process always gives the same answer."""
    script = Liar(tmp_path)
    monkeypatch.setattr(sys, "executable", str(script.path))
    with contextlib.ExitStack() as opened:

        def lying(answer: bytes, begins: bytes | None = None):
            script.says(answer, begins)
            return opened.enter_context(contextlib.closing(NbisExaminer()))

        yield lying


MINUTIA = [10, 20, 11.25, 1, 50]
SCORED = {"id": 1, "score": 60, "minutiae": [MINUTIA]}


@pytest.mark.parametrize(
    "lie",
    [
        message({**SCORED, "id": 2}),
        message({**SCORED, "score": 101}),
        message({**SCORED, "score": -1}),
        message({**SCORED, "score": "60"}),
        message({**SCORED, "score": True}),
        message({**SCORED, "score": 59.5}),
        message(b'{"id": 1, "score": NaN, "minutiae": []}'),
        message({"id": 1, "score": 60}),
        message({**SCORED, "minutiae": [[10, 20, 11.25, 1]]}),
        message({**SCORED, "minutiae": [[-1, 20, 11.25, 1, 50]]}),
        message({**SCORED, "minutiae": [[10, 20, 11.25, 3, 50]]}),
        message({**SCORED, "minutiae": [[WIDTH_PX, 20, 11.25, 1, 50]]}),
        message({**SCORED, "minutiae": [[10, HEIGHT_PX, 11.25, 1, 50]]}),
        message({**SCORED, "minutiae": [[10, 20, 361, 1, 50]]}),
        message({"id": 1, "refused": "MemoryError"}),
        message({"id": 1}),
        message(b"[]"),
        b"\xff\xff\xff\xff",
    ],
)
def test_a_lie_is_no_score(liar, lie):
    """Whatever its process says, an examiner gives a possible score or none, and ends it."""
    examiner = liar(lie)
    with pytest.raises(ExaminerLost):
        examiner.examine(pressed(1), PATIENCE_S)

    assert examiner.pid is None


@pytest.mark.parametrize("match", [-1, "291", True, 1.5, None])
def test_a_lie_is_no_match(liar, match):
    """Nor a match that cannot be."""
    examiner = liar(message({"id": 1, "match": match}))
    with pytest.raises(ExaminerLost):
        examiner.match(pressed(1), pressed(2), PATIENCE_S)


def test_a_true_answer_is_taken_as_it_is(liar):
    """The liar can tell the truth too: so the lies above are refused for what they say."""
    found = liar(message(SCORED)).examine(pressed(1), PATIENCE_S)

    assert found.score.value == 60
    assert [(m.x_px, m.y_px, m.angle_deg, m.kind, m.quality) for m in found.minutiae] == [
        (10, 20, 11.25, MinutiaKind.ENDING, 50)
    ]


def test_not_assessed_is_an_answer(liar):
    """It costs no process."""
    examiner = liar(message({"id": 1, "not_assessed": "Nfiq2ComputeFailed"}))
    with pytest.raises(NotAssessed, match="Nfiq2ComputeFailed"):
        examiner.examine(pressed(1), PATIENCE_S)

    assert examiner.pid is not None


def test_a_process_that_does_not_begin_is_given_up_in_time(liar, monkeypatch):
    """It may load for a while; then another one begins with the next press."""
    examiner = liar(b"", begins=b"")
    examiner.begin()
    first = examiner.pid
    with pytest.raises(ExaminerLost, match="still begins"):
        examiner.examine(pressed(1), 0.05)
    kept, at_first = examiner.pid, examiner.state
    monkeypatch.setattr(nbis, "BOOT_TIMEOUT_S", 0.0)
    with pytest.raises(ExaminerLost, match="still begins"):
        examiner.examine(pressed(1), 0.05)

    assert (kept, at_first) == (first, ExaminerState.BEGINNING)
    assert examiner.pid is None
    assert examiner.state is ExaminerState.LOST


def test_a_process_that_cannot_be_started_is_lost(monkeypatch):
    """No interpreter, no memory for a process: the press is judged without it."""
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with contextlib.closing(NbisExaminer()) as examiner:
        with pytest.raises(ExaminerLost, match="cannot be started"):
            examiner.examine(pressed(1), HANG_S)

        assert examiner.state is ExaminerState.LOST


def test_the_settings_choose_the_examiner(monkeypatch):
    """auto takes what is installed, none takes nothing; its absence is said, loudly if named."""
    with contextlib.closing(load_examiner("auto")) as found:
        assert isinstance(found, NbisExaminer)
        assert found.pid is None
    assert load_examiner("none") is None
    monkeypatch.setitem(sys.modules, "nbis", None)
    with structlog.testing.capture_logs() as said:
        absent = load_examiner("auto"), load_examiner("nbis")

    assert absent == (None, None)
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("examiner_not_installed", "info"), ("examiner_not_installed", "warning"),
    ]  # fmt: skip


def test_the_daemon_never_loads_nbis():
    """Its native code runs in the cell or not at all; one module of ours imports it."""
    loads = (
        "import edge.station, edge.fingers.judge, sys;"
        "from edge.fingers.examiner import load_examiner; load_examiner('auto').close();"
        "print([name for name in sys.modules if name.split('.')[0] == 'nbis'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", loads], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    importers = {
        path.relative_to(CHECKOUT).as_posix()
        for room in ("api", "drivers", "edge", "formats", "quality", "demo")
        for path in (CHECKOUT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(one.name == "nbis" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "nbis" and not node.level)
    }

    assert said.stdout.strip() == "[]"
    assert importers == {"edge/fingers/nbis_worker.py"}
