"""A worker that lies: what the station makes of every answer that no honest worker gives."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest

from drivers.camera import Frame
from edge.photos.fault import PHOTO_BYTES_MAX, PhotoFault, PhotoUnreadable
from edge.vision.child import Child, ChildLost
from edge.vision.client import DEATHS_MAX, Depth, FrameRefused, ModelFiles, VisionLost, VisionWorker
from edge.vision.wire import MESSAGE_BYTES_MAX, WireBroken, receive, send
from quality.face import LIVE_MEASURES, MEASURES
from quality.face.outline import HeadOutline
from tests.lying_worker import Liar, message

PATIENCE_S = 30.0
OUTLINE = HeadOutline((40, 50), (60, 50), (50, 90), (30, 60), (70, 60), 10, 28, 72, 0.0, 100, 120)
FRAME = Frame(np.zeros((120, 100, 3), np.uint8), 7, 1.5)
PHOTO = b"the liar does not read it"


def honest(depth: Depth = Depth.LIVE, **changes):
    measures = LIVE_MEASURES if depth is Depth.LIVE else MEASURES
    natives = {measure.name: [0.5, ""] for measure in measures}
    answer = {
        "id": 1, "worker_ms": 3.0, "faces": 1, "natives": natives, "outline": asdict(OUTLINE)
    }  # fmt: skip
    return {**answer, **changes}


def without(key: str):
    return {name: value for name, value in honest().items() if name != key}


@pytest.fixture
def liar(models, tmp_path, monkeypatch):
    """Return how to get a station whose workers all give the same answer."""
    script = Liar(tmp_path)
    monkeypatch.setattr(sys, "executable", str(script.path))
    with contextlib.ExitStack() as opened:

        def begun(answer: bytes, begins: bytes | None = None) -> VisionWorker:
            script.says(answer, begins)
            files = ModelFiles(models.face_landmarker, models.selfie_segmentation)
            worker = VisionWorker(files, frame_bytes_max=3 * 200 * 200)
            opened.callback(worker.close)
            worker.start()
            return worker

        yield begun


@pytest.mark.parametrize("depth", Depth)
def test_an_honest_answer_is_believed(liar, depth):
    """The control: what the lies below change is what makes them lies."""
    sight = liar(message(honest(depth))).look(FRAME, depth, PATIENCE_S)

    assert (sight.faces, sight.frame_sequence, sight.outline) == (1, 7, OUTLINE)
    assert {native.value for native in sight.natives.values()} == {0.5}


NATIVES = honest()["natives"]
LIES = {
    "another question's answer": message(honest(id=2)),
    "an older question's answer": message(honest(id=0)),
    "no number": message(without("id")),
    "a number of another type": message(honest(id="1")),
    "not a number": message(honest(worker_ms=float("nan"))),
    "an infinite value": message(honest(natives={**NATIVES, "HeadPoseYaw": [float("inf"), ""]})),
    "a value beyond all": message(json.dumps(honest(worker_ms=0)).replace(": 0,", ": 1e999,")
                                  .encode()),
    "a value of text": message(honest(natives={**NATIVES, "HeadPoseYaw": ["much", ""]})),
    "a value without a reason": message(honest(natives={**NATIVES, "HeadPoseYaw": [0.5]})),
    "a whole number beyond floats": message(
        honest(natives={**NATIVES, "HeadPoseYaw": [10**400, ""]})
    ),
    "no natives": message(without("natives")),
    "natives in a list": message(honest(natives=[1, 2])),
    "a measure too few": message(honest(natives=dict(list(NATIVES.items())[1:]))),
    "a measure too many": message(honest(natives={**NATIVES, "Beauty": [1.0, ""]})),
    "no faces": message(without("faces")),
    "faces below nothing": message(honest(faces=-1)),
    "more faces than are sought": message(honest(faces=3)),
    "half a face": message(honest(faces=0.5)),
    "a face without an outline": message(honest(outline=None)),
    "an outline of nobody": message(honest(faces=0)),
    "an outline of another shape": message(honest(outline={"chin_px": [1, 2]})),
    "a point in space": message(honest(outline={**asdict(OUTLINE), "chin_px": [1, 2, 3]})),
    "a negative time": message(honest(worker_ms=-1)),
    "a list": message(b"[]"),
    "nothing": message(b""),
    "not JSON": message(b"{"),
    "not UTF-8": message(b'{"id": "\xff\xfe"}'),
    "deep nesting": message(b"[" * 100_000),
    "a huge length": struct.pack(">I", MESSAGE_BYTES_MAX + 1),
    "the hugest length": b"\xff" * 4,
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_is_replaced(liar, lie):
    """No lie becomes a sight, none escapes as another exception, each costs the liar its place."""
    worker = liar(LIES[lie])
    worker.wait_ready(PATIENCE_S)
    first = worker.pid
    with pytest.raises(VisionLost):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)

    assert worker.restarts == 1
    assert worker.pid != first


def test_an_answer_is_that_of_its_own_question(liar):
    """A reply with another number is the answer about another picture: perhaps another person."""
    worker = liar(message(honest(id=2)))
    with pytest.raises(VisionLost, match="another question"):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)


def test_the_number_grows_with_every_question(liar):
    """The same answer twice is believed once: the second question has another number."""
    worker = liar(message(honest()))
    worker.look(FRAME, Depth.LIVE, PATIENCE_S)
    with pytest.raises(VisionLost, match="another question"):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)


@pytest.mark.parametrize(
    "begins",
    [message({"id": 1, "walls": "none"}), message({"id": 0}), message(b"[]"), b"\xff" * 4],
    ids=["another number", "no walls", "a list", "a huge length"],
)
def test_a_worker_that_begins_with_a_lie_never_begins(liar, begins):
    """What it says first is checked as what it says later; nothing is asked of it."""
    worker = liar(message(honest()), begins)
    with pytest.raises(VisionLost, match="did not begin"):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)

    assert not worker.alive


def test_a_lie_about_one_frame_is_told_three_times_at_most(liar):
    """Liars on one and the same frame are lost like workers that die on it."""
    worker = liar(message(honest(faces=7)))
    for _ in range(DEATHS_MAX - 1):
        with pytest.raises(VisionLost):
            worker.look(FRAME, Depth.LIVE, PATIENCE_S)
    with pytest.raises(FrameRefused):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)

    assert worker.restarts == DEATHS_MAX


def photo(**changes) -> bytes:
    return message(honest(Depth.STILL, **{"preview_bytes": 10, **changes}))


@pytest.mark.parametrize(
    "lie",
    [
        photo(),
        photo(preview_bytes=-1),
        photo(preview_bytes=1 << 40),
        photo(preview_bytes=True),
        photo(preview_bytes="10"),
        message(honest(Depth.STILL)),
        message(honest(Depth.LIVE, preview_bytes=10)),
        message({"id": 1, "worker_ms": 1, "unreadable": "because"}),
        message({"id": 1, "worker_ms": 1, "unreadable": ["no_face"]}),
    ],
    ids=[
        "a preview that is no JPEG", "less than nothing", "beyond the memory", "true", "text",
        "no preview", "live measures", "an unknown fault", "a list of faults",
    ],
)  # fmt: skip
def test_a_lie_about_a_photo_is_none_of_its_own(liar, lie):
    """Staff's screen shows nothing that only a broken worker calls a preview."""
    worker = liar(lie)
    with pytest.raises(VisionLost):
        worker.read_photo(PHOTO, PATIENCE_S)

    assert worker.restarts == 1


def test_a_photo_that_costs_three_workers_is_refused(liar):
    """The third loss on one photo refuses it for good; other photos are still asked about."""
    worker = liar(photo(faces=9))
    for _ in range(DEATHS_MAX - 1):
        with pytest.raises(VisionLost):
            worker.read_photo(PHOTO, PATIENCE_S)
    for _ in range(2):
        with pytest.raises(PhotoUnreadable, match="unjudged"):
            worker.read_photo(PHOTO, PATIENCE_S)
    with pytest.raises(VisionLost):
        worker.read_photo(PHOTO + b".", PATIENCE_S)

    assert worker.restarts == DEATHS_MAX + 1


def test_a_photo_too_large_is_refused_before_it_is_copied(liar):
    """What is beyond the limit or the shared memory never reaches a worker."""
    worker = liar(message({"id": 1, "worker_ms": 1, "unreadable": "no_face"}))
    for size in (3 * 200 * 200 + 1, PHOTO_BYTES_MAX + 1):
        with pytest.raises(PhotoUnreadable, match="too_large"):
            worker.read_photo(bytes(size), PATIENCE_S)
    with pytest.raises(PhotoUnreadable, match="no_face"):
        worker.read_photo(bytes(3 * 200 * 200), PATIENCE_S)


@pytest.mark.parametrize("code", PhotoFault)
def test_a_fault_keeps_its_name_on_the_way(liar, code):
    """What the worker calls a photo is what staff reads; the worker keeps its place."""
    worker = liar(message({"id": 1, "worker_ms": 1, "unreadable": code.value}))
    with pytest.raises(PhotoUnreadable) as caught:
        worker.read_photo(PHOTO, PATIENCE_S)

    assert caught.value.code is code
    assert worker.restarts == 0


def test_a_photo_has_its_time(liar):
    """A photo that makes the worker hang costs that worker, at the deadline."""
    worker = liar(b"")
    worker.wait_ready(PATIENCE_S)
    silent = worker.pid
    with pytest.raises(VisionLost, match="no answer"):
        worker.read_photo(PHOTO, 0.2)

    assert worker.restarts == 1
    assert worker.pid != silent


def test_a_refusal_keeps_the_worker(liar):
    """A picture that cannot be looked at is the picture's fault."""
    worker = liar(message({"id": 1, "worker_ms": 1, "refused": "error"}))
    with pytest.raises(FrameRefused):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)

    assert worker.restarts == 0


def test_a_killed_worker_is_gone_when_the_kill_returns(liar, monkeypatch):
    """`kill` waits for the end, however late the system tells of it: no two workers at a time."""
    worker = liar(message(honest(id=2)))
    worker.wait_ready(PATIENCE_S)
    child = worker._child
    waited = subprocess.Popen.wait

    def late(process, timeout=None):
        status = waited(process, timeout)
        time.sleep(0.3)
        return status

    monkeypatch.setattr(subprocess.Popen, "wait", late)
    child.kill()

    assert not child.alive


def test_an_honest_worker_follows_a_liar(liar, monkeypatch):
    """The replacement has the liar's place and nothing of its words."""
    worker = liar(LIES["not JSON"])
    worker.wait_ready(PATIENCE_S)
    monkeypatch.undo()
    with pytest.raises(VisionLost):
        worker.look(FRAME, Depth.LIVE, PATIENCE_S)

    assert worker.look(FRAME, Depth.LIVE, PATIENCE_S).faces == 0


@pytest.mark.parametrize(
    "said",
    [b"\xff" * 4, message(b"[]"), message({"id": 1}), message({"do": "still"})],
    ids=["a huge length", "a list", "no request", "no number"],
)
def test_a_worker_takes_no_nonsense_either(models, said):
    """On a wire out of step it ends or refuses; it neither hangs nor spins."""
    memory_fd = os.memfd_create("vision")
    os.ftruncate(memory_fd, 4 << 20)
    setup = {
        "face_landmarker": str(models.face_landmarker),
        "selfie_segmentation": str(models.selfie_segmentation),
        "attack_nets": [],
        "frame_bytes_max": 3 << 20,
    }
    child = Child(memory_fd, setup)
    try:
        child.wait_ready(PATIENCE_S)
        child._wire.sendall(said)
        assert select.select([child._wire], [], [], PATIENCE_S)[0]
        with contextlib.suppress(WireBroken, OSError):
            assert "refused" in receive(child._wire, PATIENCE_S)
    finally:
        child.kill()
        os.close(memory_fd)


def test_a_child_that_cannot_be_spawned_says_so(liar, monkeypatch):
    """No interpreter, no worker, no thread left behind."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(ChildLost, match="could not be started"):
        Child(0, {})
    with pytest.raises(VisionLost, match="could not be started"):
        liar(b"")


def test_a_message_passes_the_wire_whole():
    """What is sent is what is received, and an unsendable number is not sent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"id": 1, "value": 0.1, "text": "面"})

        assert receive(theirs, 1.0) == {"id": 1, "value": 0.1, "text": "面"}
        with pytest.raises(ValueError, match="JSON"):
            send(ours, {"value": float("nan")})
