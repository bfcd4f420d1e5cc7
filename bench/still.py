"""Looking at a still: all measures on 12 megapixels, and ours against another port of the standard.

`still_ms_…` is timed in one process that runs the worker's own code in the worker's own cell; the
still is a photograph enlarged to 4000x3000, noise of a sensor added: landmarks, person mask, pose,
outline and every measure are in it.

`assess_ms_median` and `ofiqpy_ms_median` are timed in this process in turn, on one thread, on the
same faces: the still's own with the landmarks that the worker found on it, and made-up ones. Both
are given the same pixels, 98 landmarks, yaw, face areas, parsing and occlusion mask, and give the
21 outputs of ISO/IEC 29794-5 that need no trained network; both align the face, fill its region
and take its luminance themselves. That both give the same values is checked before the clock runs.
No landmarker, detector or network is in either.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from math import isclose
from typing import Final

import cv2
import numpy as np

from accuracy.looker import Looker
from accuracy.made_up import made_up_face
from accuracy.second_port import SecondPort
from bench import CannotRun, Figures
from bench.frames import Picture, live_frames, model_files, still
from bench.memory import watched
from edge.vision.cell import environment
from edge.vision.client import ModelFiles
from quality.face import MEASURES
from quality.face.face import Face
from quality.measure import Measure, natives

MADE_UP_FACES: Final = 20
TOLERANCE: Final = 1e-6
_WARM_UP: Final = 2
_BY_NAME: Final = {measure.name: measure for measure in MEASURES}

_TIMED: Final = """
import json, os, sys, time
from pathlib import Path
from edge.vision.cell import enter
enter(os.getppid())
import cv2, numpy as np
from edge.vision import worker as vision_worker
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
        CannotRun: models, picture or ofiqpy are not there, or the two ports do not agree.
    """
    models, picture, looks = model_files(), still(), 100 if long else 20
    whole, measures, taken = _looked(models, picture, looks)
    ours_ms, theirs_ms = compared(_faces(models, picture), 5 if long else 1)
    ours, theirs = statistics.median(ours_ms), statistics.median(theirs_ms)
    return {
        "still_ms_median": statistics.median(whole),
        "still_ms_p95": float(np.percentile(whole, 95)),
        "measures_ms_median": statistics.median(measures),
        "measures_with_a_value": taken,
        "assess_ms_median": ours,
        "ofiqpy_ms_median": theirs,
        "speedup": theirs / ours,
        "worker_rss_mib": watched(models, live_frames(), picture, frames=20, stills=4).end,
        "faces": len(ours_ms),
        "stills": len(whole),
    }


def compared(faces: Sequence[Face], rounds: int) -> tuple[list[float], list[float]]:
    """Return the times that our measures and ofiqpy's take for each face, in ms, in turn.

    Raises:
        CannotRun: ofiqpy is not installed, or a value differs by more than `TOLERANCE`.
    """
    try:
        port = SecondPort()
    except ModuleNotFoundError as reason:
        raise CannotRun(f"{reason}: run `make test` once") from reason
    cv2.setNumThreads(1)
    asked = [_alike(port, face) for face in faces]
    ours, theirs = [], []
    for face, measures in (pair for _ in range(rounds) for pair in zip(faces, asked, strict=True)):
        # A face keeps what measures share: each look begins with a fresh one.
        ours.append(_ms(partial(natives, measures, _fresh(face))))
        theirs.append(_ms(partial(port.measure, _fresh(face))))
    return ours, theirs


def _alike(port: SecondPort, face: Face) -> list[Measure[Face]]:
    """Return the measures that both have on this face, once all their values were found alike."""
    theirs = port.measure(face)
    measures = [_BY_NAME[name] for name in theirs]
    ours = natives(measures, _fresh(face))
    for name, scored in theirs.items():
        value = ours[name].value
        if value is None or scored is None:
            same = value is None and scored is None
        else:
            same = isclose(value, scored.native, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        if not same:
            raise CannotRun(f"ofiqpy has another {name}: nothing to compare the time of")
    return measures


def _fresh(face: Face) -> Face:
    return Face(**{field.name: getattr(face, field.name) for field in fields(face)})


def _ms(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began_s)


def _faces(models: ModelFiles, picture: Picture) -> list[Face]:
    """Return the still's face, with masks that are made up, and the made-up ones."""
    with Looker(models) as looker:
        looked = looker.look(picture)
    if looked.landmarks_px is None:
        raise CannotRun("no face was found on the still")
    made_up = [made_up_face(seed) for seed in range(MADE_UP_FACES)]
    masks = made_up[0]
    own = Face(
        picture, looked.landmarks_px, *looked.pose_deg, (1.0,),
        parsing=masks.parsing, occlusion=masks.occlusion,
    )  # fmt: skip
    return [own, *made_up]


def _looked(
    models: ModelFiles, picture: Picture, looks: int
) -> tuple[list[float], list[float], int]:
    ended = subprocess.run(
        [sys.executable, "-s", "-B", "-c", _TIMED,
         str(models.face_landmarker), str(models.selfie_segmentation),
         *map(str, picture.shape), str(looks + _WARM_UP)],
        input=picture.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(environment()), timeout=600, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise CannotRun("the worker's code ended early")
    timed = json.loads(ended.stdout)
    return timed["whole"][_WARM_UP:], timed["measures"][_WARM_UP:], timed["taken"]
