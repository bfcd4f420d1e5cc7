"""Looking at live frames: the whole analysis against the bare Face Landmarker call in it.

Both are timed in one process that runs the worker's own code in the worker's own cell on one core,
in turn on the same frames: the bare call gets the whole frame as MediaPipe wants it, made
beforehand; the analysis gets the camera's frame and does all that a station does with it. How many
frames a second come through is measured apart, on two cores with camera owner, preview encoding,
guidance and web server running and a page's client fetching the preview (`bench.live_station`); it
cannot exceed the camera's own rate.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import numpy as np

from bench import CannotRun, Figures
from bench.frames import Picture, live_frames, model_files
from bench.live_station import CAMERA_FPS, rates
from edge.vision.cell import environment
from edge.vision.client import ModelFiles

_WARM_UP: Final = 10

# The frames come through standard input, so that the cell's file limits may hold.
_TIMED: Final = """
import json, os, sys, time
from pathlib import Path
from edge.vision.cell import enter
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
enter(os.getppid())
import cv2, numpy as np
from edge.vision.worker import Analyst
cv2.setNumThreads(1)
shape, rounds = tuple(map(int, sys.argv[3:7])), int(sys.argv[7])
frames = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(shape)
rgb = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
timed = {"whole": [], "bare": [], "whole_cpu": [], "bare_cpu": []}
def take(name, work):
    began, began_cpu = time.perf_counter(), time.process_time()
    found = work()
    timed[name].append(1000 * (time.perf_counter() - began))
    timed[name + "_cpu"].append(1000 * (time.process_time() - began_cpu))
    return found
with Analyst(Path(sys.argv[1]), Path(sys.argv[2])) as analyst:
    for turn in range(rounds):
        found = take("whole", lambda: analyst.look(frames[turn % len(frames)], still=False))
        take("bare", lambda: analyst.find(rgb[turn % len(frames)]))
        assert found["faces"] == 1
print(json.dumps(timed))
"""


def measure(long: bool) -> Figures:
    """Return the row *guidance* at 1280x720; `long` takes five times as many frames.

    The `_cpu_` figures are processor time, which neighbours on the machine lengthen less.

    Raises:
        CannotRun: the models or the picture are not fetched.
    """
    models, frames = model_files(), live_frames()
    timed = {name: values[_WARM_UP:] for name, values in _timed(models, frames, long).items()}
    middle = {name: statistics.median(values) for name, values in timed.items()}
    through = rates(models, frames, 50.0 if long else 10.0)
    return {
        "frame_ms_median": middle["whole"],
        "frame_ms_p95": float(np.percentile(timed["whole"], 95)),
        "landmarker_ms_median": middle["bare"],
        "ratio": middle["whole"] / middle["bare"],
        "frame_cpu_ms_median": middle["whole_cpu"],
        "landmarker_cpu_ms_median": middle["bare_cpu"],
        "ratio_cpu": middle["whole_cpu"] / middle["bare_cpu"],
        "frames_per_s": through.analysed,
        "preview_frames_per_s": through.previewed,
        "camera_frames_per_s": CAMERA_FPS,
        "frames": len(timed["whole"]),
    }


def _timed(models: ModelFiles, frames: Picture, long: bool) -> Mapping[str, list[float]]:
    rounds = (1000 if long else 200) + _WARM_UP
    arguments = [str(models.face_landmarker), str(models.selfie_segmentation)]
    arguments += [str(number) for number in (*frames.shape, rounds)]
    ended = subprocess.run(
        [sys.executable, "-s", "-B", "-c", _TIMED, *arguments],
        input=frames.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(environment()), timeout=600, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise CannotRun("the worker's code ended early")
    timed: Mapping[str, list[float]] = json.loads(ended.stdout)
    return timed
