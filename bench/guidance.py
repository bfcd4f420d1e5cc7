"""Looking at live frames: the whole analysis against the bare Face Landmarker call in it.

Both are timed in one process that runs the worker's own code in the worker's own cell, in turn on
the same frames. How many frames a second come through is measured apart, on a station's worker and
while another thread encodes the preview.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench import CannotRun, Figures
from drivers.camera import Frame
from edge.vision import Depth, ModelFiles, ModelUnfit, VisionWorker
from edge.vision_cell import environment

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache" / "anxin"
PICTURE: Final = CACHE / "pictures" / "man-35.jpg"
WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720
PREVIEW_FPS: Final = 25
_FRAMES: Final = 8
_WARM_UP: Final = 10
_TIMEOUT_S: Final = 30.0

# The frames come through standard input, so that the cell's file limits may hold.
_TIMED: Final = """
import json, os, sys, time
from pathlib import Path
from edge.vision_cell import enter
enter(os.getppid())
import cv2, numpy as np
from edge.vision_worker import Analyst
cv2.setNumThreads(1)
shape, rounds = tuple(map(int, sys.argv[3:7])), int(sys.argv[7])
frames = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(shape)
rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
whole, bare = [], []
with Analyst(Path(sys.argv[1]), Path(sys.argv[2])) as analyst:
    for turn in range(rounds):
        began = time.perf_counter()
        found = analyst.look(frames[turn % len(frames)], still=False)["faces"]
        between = time.perf_counter()
        analyst.find(rgb[turn % len(frames)])
        ended = time.perf_counter()
        assert found == 1
        whole.append(1000 * (between - began))
        bare.append(1000 * (ended - between))
print(json.dumps({"whole": whole, "bare": bare}))
"""


def measure(long: bool) -> Figures:
    """Return the row *guidance* at 1280x720; `long` takes five times as many frames.

    Raises:
        CannotRun: the models or the picture are not fetched.
    """
    try:
        models = ModelFiles(
            CACHE / "models" / "face_landmarker.task",
            CACHE / "models" / "selfie_segmentation.tflite",
        )
    except ModelUnfit as reason:
        raise CannotRun(f"{reason}: run `make test` once") from reason
    frames = _frames()
    whole, bare = _timed(models, frames, 1000 if long else 200)
    frames_per_s, worker_rss_mib = _through_the_worker(models, frames, 50.0 if long else 10.0)
    return {
        "frame_ms_median": statistics.median(whole),
        "frame_ms_p95": float(np.percentile(whole, 95)),
        "landmarker_ms_median": statistics.median(bare),
        "ratio": statistics.median(whole) / statistics.median(bare),
        "frames_per_s": frames_per_s,
        "worker_rss_mib": worker_rss_mib,
        "frames": len(whole),
    }


def _frames() -> npt.NDArray[np.uint8]:
    """Return (8, 720, 1280, 3): a real face that moves a little, under sensor noise."""
    picture = cv2.imread(str(PICTURE))
    if picture is None:
        raise CannotRun(f"{PICTURE.name} is not fetched: run `make test` once")
    noise = np.random.default_rng(2)
    frames = []
    for number in range(_FRAMES):
        wall = np.full((HEIGHT_PX, WIDTH_PX, 3), 190.0)
        left = (WIDTH_PX - HEIGHT_PX) // 2 + 3 * number
        wall[:, left : left + HEIGHT_PX] = cv2.resize(picture, (HEIGHT_PX, HEIGHT_PX))
        frames.append(np.clip(wall + noise.normal(0, 2, wall.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def _timed(
    models: ModelFiles, frames: npt.NDArray[np.uint8], rounds: int
) -> tuple[list[float], list[float]]:
    arguments = [str(models.face_landmarker), str(models.selfie_segmentation)]
    arguments += [str(number) for number in (*frames.shape, rounds + _WARM_UP)]
    ended = subprocess.run(
        [sys.executable, "-s", "-B", "-c", _TIMED, *arguments],
        input=frames.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(environment()), timeout=600, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise CannotRun("the worker's code ended early")
    timed = json.loads(ended.stdout)
    return timed["whole"][_WARM_UP:], timed["bare"][_WARM_UP:]


def _through_the_worker(
    models: ModelFiles, frames: npt.NDArray[np.uint8], seconds: float
) -> tuple[float, float]:
    """Return analysed frames a second while a preview runs, and the worker's memory in MiB."""
    ended = threading.Event()
    preview = threading.Thread(target=_encode, args=(frames, ended))
    worker = VisionWorker(models)
    worker.start()
    try:
        preview.start()
        sequences = count()
        for _ in range(_WARM_UP):
            worker.look(_frame(frames, next(sequences)), Depth.LIVE, _TIMEOUT_S)
        began_s, looked = time.monotonic(), 0
        while time.monotonic() - began_s < seconds:
            worker.look(_frame(frames, next(sequences)), Depth.LIVE, _TIMEOUT_S)
            looked += 1
        rate = looked / (time.monotonic() - began_s)
        status = Path(f"/proc/{worker.pid}/status").read_text().split("VmRSS:")[1]
        return rate, int(status.split()[0]) / 1024
    finally:
        ended.set()
        preview.join()
        worker.close()


def _frame(frames: npt.NDArray[np.uint8], sequence: int) -> Frame:
    return Frame(frames[sequence % len(frames)], sequence, time.monotonic())


def _encode(frames: npt.NDArray[np.uint8], ended: threading.Event) -> None:
    for number in count():
        cv2.imencode(".jpg", frames[number % len(frames)], [cv2.IMWRITE_JPEG_QUALITY, 80])
        if ended.wait(1 / PREVIEW_FPS):
            return
