"""The station's own seeing on any picture, with the landmarks that painting a defect needs.

The worker's code runs in the worker's cell (no network, no files), in a child of this process. The
child is ours and trusted; that is why plain pickles may pass between the two.
"""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.vision.cell import environment
from edge.vision.client import ModelFiles
from quality.face.outline import HeadOutline
from quality.measure import Native

Picture = npt.NDArray[np.uint8]
_LENGTH: Final = struct.Struct(">I")
_CHILD: Final = "from accuracy.looker import serve; serve()"


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was seen in one picture; `edge.vision.sight` without a camera, and with the points.

    Attributes:
        faces: how many.
        natives: every measure's value on the subject.
        outline: of the subject's head.
        landmarks_px: (98, 2), WFLW order, as (x, y); None without a face.
        pose_deg: yaw, pitch, roll of the subject.
        person_mask: (height, width), 0 background to 255 person; None on a live look.
    """

    faces: int
    natives: Mapping[str, Native]
    outline: HeadOutline | None
    landmarks_px: npt.NDArray[np.float64] | None
    pose_deg: tuple[float, float, float]
    person_mask: Picture | None


class Looker:
    """Looks at pictures, one at a time; use it in a `with`."""

    def __init__(self, models: ModelFiles) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - this interpreter, on our own module
            [sys.executable, "-s", "-B", "-c", _CHILD,
             str(models.face_landmarker.resolve()), str(models.selfie_segmentation.resolve())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(environment()),
        )  # fmt: skip

    def __enter__(self) -> Looker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.communicate()

    def look(self, bgr: Picture, *, still: bool = True) -> Looked:
        """Return what the station sees in a picture (height, width, 3)."""
        to, out = self._child.stdin, self._child.stdout
        if to is None or out is None:
            raise RuntimeError("the child has no pipes")
        _write(to, {"bgr": np.ascontiguousarray(bgr), "still": still})
        return Looked(**_read(out))


def serve() -> None:
    """Answer looks until the other end closes: the child's side."""
    models = Path(sys.argv[1]), Path(sys.argv[2])
    into, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # MediaPipe writes to the standard output as it likes.
    os.dup2(2, 1)
    from edge.vision.cell import enter  # noqa: PLC0415 - the walls stand before libraries load

    enter(os.getppid())
    import cv2  # noqa: PLC0415 - as above

    from edge.vision.worker import Analyst, nobody  # noqa: PLC0415 - as above
    from quality.face import LIVE_MEASURES, MEASURES  # noqa: PLC0415 - as above
    from quality.measure import natives  # noqa: PLC0415 - as above

    cv2.setNumThreads(1)
    with Analyst(*models) as analyst:
        while True:
            try:
                asked = _read(into)
            except EOFError:
                return
            still = asked["still"]
            seen = analyst.subject(asked["bgr"], still=still)
            face, measures = seen.face, MEASURES if still else LIVE_MEASURES
            _write(
                out,
                {
                    "faces": seen.faces,
                    "natives": natives(measures, face)
                    if face
                    else dict.fromkeys((m.name for m in measures), nobody(asked["bgr"])),
                    "outline": seen.outline,
                    "landmarks_px": face.landmarks_px if face else None,
                    "pose_deg": (face.yaw_deg, face.pitch_deg, face.roll_deg)
                    if face
                    else (0.0, 0.0, 0.0),
                    "person_mask": face.person_mask if face else None,
                },
            )


def _write(pipe: Any, message: Mapping[str, Any]) -> None:
    body = pickle.dumps(message, protocol=5)
    pipe.write(_LENGTH.pack(len(body)) + body)
    pipe.flush()


def _read(pipe: Any) -> dict[str, Any]:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("the other end closed")
    body = pipe.read(*_LENGTH.unpack(head))
    message: dict[str, Any] = pickle.loads(body)  # noqa: S301 - see the module's docstring
    return message
