"""Looking at a still: all measures on 12 megapixels, and what of it the measures cost.

Timed in one process that runs the worker's own code in the worker's own cell; the still is a
photograph enlarged to 4000x3000, noise of a sensor added.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench import CannotRun, Figures
from bench.guidance import CACHE, PICTURE
from edge.vision import ModelFiles, ModelUnfit
from edge.vision_cell import environment

WIDTH_PX: Final = 4000
HEIGHT_PX: Final = 3000
_WARM_UP: Final = 2

_TIMED: Final = """
import json, os, sys, time
from pathlib import Path
from edge.vision_cell import enter
enter(os.getppid())
import cv2, numpy as np
from edge import vision_worker
from quality.face import MEASURES
cv2.setNumThreads(1)
still = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(*map(int, sys.argv[3:6]))
measures = []
def natives(asked, face):
    began = time.perf_counter()
    values = untimed(asked, face)
    measures.append(1000 * (time.perf_counter() - began))
    return values
untimed, vision_worker.natives = vision_worker.natives, natives
whole = []
with vision_worker.Analyst(Path(sys.argv[1]), Path(sys.argv[2])) as analyst:
    for turn in range(int(sys.argv[6])):
        began = time.perf_counter()
        answer = analyst.look(still, still=True)
        whole.append(1000 * (time.perf_counter() - began))
        assert answer["faces"] == 1 and len(answer["natives"]) == len(MEASURES)
taken = sum(value is not None for value, _ in answer["natives"].values())
print(json.dumps({"whole": whole, "measures": measures, "taken": taken}))
"""


def measure(long: bool) -> Figures:
    """Return the row *still*; `long` takes five times as many looks.

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
    still, looks = _still(), 100 if long else 20
    ended = subprocess.run(
        [sys.executable, "-s", "-B", "-c", _TIMED,
         str(models.face_landmarker), str(models.selfie_segmentation),
         *map(str, still.shape), str(looks + _WARM_UP)],
        input=still.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(environment()), timeout=600, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise CannotRun("the worker's code ended early")
    timed = json.loads(ended.stdout)
    whole, measures = timed["whole"][_WARM_UP:], timed["measures"][_WARM_UP:]
    return {
        "still_ms_median": statistics.median(whole),
        "still_ms_p95": float(np.percentile(whole, 95)),
        "measures_ms_median": statistics.median(measures),
        "measures_with_a_value": timed["taken"],
        "stills": len(whole),
    }


def _still() -> npt.NDArray[np.uint8]:
    """Return (3000, 4000, 3): a real face as high as the picture, before a wall."""
    picture = cv2.imread(str(PICTURE))
    if picture is None:
        raise CannotRun(f"{PICTURE.name} is not fetched: run `make test` once")
    still = np.full((HEIGHT_PX, WIDTH_PX, 3), 190, dtype=np.uint8)
    left = (WIDTH_PX - HEIGHT_PX) // 2
    still[:, left : left + HEIGHT_PX] = cv2.resize(picture, (HEIGHT_PX, HEIGHT_PX))
    noise = np.random.default_rng(2).integers(-4, 5, still.shape, dtype=np.int16)
    return np.asarray(np.clip(still + noise, 0, 255), dtype=np.uint8)
