"""The vision worker: the only module that imports MediaPipe. It looks at frames and says what is.

It runs in a process of its own, inside the cell of `edge.vision.cell`, because native code
crashes, blocks the interpreter and (this library) wants to telephone. It opens nothing but the
two model files, keeps no frame, and answers one request at a time with plain values.
"""
# ruff: noqa: E402 - a stand-in must be in place before MediaPipe is imported

from __future__ import annotations

import mmap
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

# MediaPipe imports matplotlib for drawing on axes, which nobody here does: its stand-in saves
# a second of each start and 50 MiB. A release that really needs it fails here, at the start.
sys.modules.setdefault("matplotlib", ModuleType("matplotlib"))
sys.modules.setdefault("matplotlib.pyplot", ModuleType("matplotlib.pyplot"))

import mediapipe as mp  # type: ignore[import-untyped]
from mediapipe.tasks.python.core.base_options import BaseOptions  # type: ignore[import-untyped]
from mediapipe.tasks.python.vision import (  # type: ignore[import-untyped]
    FaceLandmarker,
    FaceLandmarkerOptions,
    ImageSegmenter,
    ImageSegmenterOptions,
)

from edge.photos.decoding import decoded, preview
from edge.photos.fault import PhotoUnreadable
from edge.vision.wire import Message, WireBroken, memory_bytes, receive, send
from quality.advice import TOO_DARK
from quality.attack.minifasnet import AttackNets
from quality.face import LIVE_MEASURES, MEASURES
from quality.face.face import Face
from quality.face.landmarks import wflw_98
from quality.face.outline import HeadOutline, outline_of
from quality.face.points import Points, eyes_to_chin
from quality.face.pose import angles_deg
from quality.measure import CannotAssess, Native, natives

Picture = npt.NDArray[np.uint8]
LIVE_WIDTH_PX: Final = 640
_FACES: Final = 2
_MASK_SIDE_PX: Final = 256
_NOBODY: Final = Native(None, "no face found")
_IN_THE_DARK: Final = Native(None, TOO_DARK)
_DARK_GREY: Final = 12.0
"""Mean grey level below which the light is why nobody is found. [ours] Of 16 portraits made darker
and darker the faces were lost at mean levels of 2 to 7."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is in a picture: how many faces, and the largest one with its outline."""

    faces: int
    face: Face | None
    outline: HeadOutline | None


class Analyst:
    """Face landmarks, person mask and measures of one picture at a time; use it in a `with`."""

    def __init__(
        self,
        face_landmarker: Path,
        selfie_segmentation: Path,
        attack_nets: Sequence[tuple[float, Path]] = (),
    ) -> None:
        self._attack_nets = AttackNets([(n, file.read_bytes()) for n, file in attack_nets])
        # Single images, also live: with two faces sought the tracker costs as much as the
        # detector it should spare, and what nobody remembers cannot be about the person before.
        self._landmarker = FaceLandmarker.create_from_options(
            FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(face_landmarker)),
                num_faces=_FACES,
                output_facial_transformation_matrixes=True,
            )
        )
        self._segmenter = ImageSegmenter.create_from_options(
            ImageSegmenterOptions(
                base_options=BaseOptions(model_asset_path=str(selfie_segmentation))
            )
        )

    def __enter__(self) -> Analyst:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._landmarker.close()
        self._segmenter.close()

    def find(self, rgb: Picture) -> Any:
        """Return MediaPipe's own result on an RGB picture: the bare landmarker call."""
        return self._landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb))

    def look(self, bgr: Picture, *, still: bool) -> Message:
        """Return faces, natives and outline of one picture (height, width, 3).

        Live, the landmarker sees a copy at most 640 px wide; every value is in the picture's own
        pixels all the same. On a still it sees all of it, points are rounded as OFIQ rounds
        them, the person mask gives the hair's top and the head's sides, and those measures are
        taken too that guidance does not ask for.
        """
        measures = MEASURES if still else LIVE_MEASURES
        subject = self.subject(bgr, still=still)
        if subject.face is None:
            reason = nobody(bgr)
            return _answer(0, {measure.name: reason for measure in measures}, None)
        answer = _answer(subject.faces, natives(measures, subject.face), subject.outline)
        if still and self._attack_nets:
            answer["live_share"] = self._attack_nets.live_share(bgr, subject.face.landmarks_px)
        return answer

    def subject(self, bgr: Picture, *, still: bool) -> Subject:
        """Return the largest face as the measures take it, and how many faces there are."""
        found = self.find(_rgb_within(bgr, bgr.shape[1] if still else LIVE_WIDTH_PX))
        height_px, width_px = bgr.shape[:2]
        meshes = [_mesh_px(points, width_px, height_px) for points in found.face_landmarks]
        if not meshes:
            return Subject(0, None, None)
        # The largest face is the subject; its area stands in for a detector's box.
        areas = [float(np.prod(np.ptp(mesh, axis=0))) for mesh in meshes]
        first = int(np.argmax(areas))
        yaw_deg, pitch_deg, roll_deg = angles_deg(found.facial_transformation_matrixes[first])
        landmarks_px = wflw_98(meshes[first])
        mask = self._mask_about(bgr, landmarks_px) if still else None
        face = Face(
            bgr, landmarks_px, yaw_deg, pitch_deg, roll_deg,
            tuple(sorted(areas, reverse=True)), whole_px=still, person_mask=mask,
        )  # fmt: skip
        outline = outline_of(meshes[first], roll_deg, width_px, height_px, mask)
        return Subject(len(meshes), face, outline)

    def person_mask(self, bgr: Picture) -> Picture:
        """Return (height, width): 0 background to 255 person, smooth in between."""
        # The network sees 256 px a side in any case; a larger picture only costs time.
        side = (_MASK_SIDE_PX, _MASK_SIDE_PX)
        small = cv2.resize(bgr, side, interpolation=cv2.INTER_AREA)
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        result = self._segmenter.segment(mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb))
        share = result.confidence_masks[0].numpy_view().reshape(side)
        mask = np.rint(share * 255).astype(np.uint8)
        return np.asarray(cv2.resize(mask, (bgr.shape[1], bgr.shape[0])), dtype=np.uint8)

    def _mask_about(self, bgr: Picture, landmarks_px: Points) -> Picture:
        """Return the person mask, computed on the head's surroundings and 0 elsewhere."""
        # A window on the head gives the network's 256 px to the hair instead of the room.
        mask = np.zeros(bgr.shape[:2], dtype=np.uint8)
        try:
            reach = 3.0 * eyes_to_chin(landmarks_px, whole_px=False)
        except CannotAssess:
            return mask
        x, y = landmarks_px.mean(axis=0)
        rows = slice(max(0, int(y - reach)), max(0, int(y + reach)))
        columns = slice(max(0, int(x - reach)), max(0, int(x + reach)))
        window = bgr[rows, columns]
        if window.size:
            mask[rows, columns] = self.person_mask(window)
        return mask


def nobody(bgr: Picture) -> Native:
    """Return why a picture (height, width, 3) without a face has no values."""
    # A few thousand pixels tell a dark room from a lit one.
    return _IN_THE_DARK if float(bgr[::16, ::16].mean()) < _DARK_GREY else _NOBODY


def _rgb_within(bgr: Picture, width_max_px: int) -> Picture:
    height_px, width_px = bgr.shape[:2]
    if width_px > width_max_px:
        size = (width_max_px, max(1, round(height_px * width_max_px / width_px)))
        bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _mesh_px(landmarks: Any, width_px: int, height_px: int) -> Points:
    # Column by column: numpy takes longer to read pairs.
    mesh = np.empty((len(landmarks), 2))
    mesh[:, 0] = [point.x for point in landmarks]
    mesh[:, 1] = [point.y for point in landmarks]
    mesh *= (width_px, height_px)
    return mesh


def _answer(faces: int, values: dict[str, Native], outline: HeadOutline | None) -> Message:
    return {
        "faces": faces,
        "natives": {name: [native.value, native.reason] for name, native in values.items()},
        "outline": asdict(outline) if outline else None,
    }


def serve(wire_fd: int, memory_fd: int, walls: str) -> None:
    """Answer requests until the station closes its end.

    The first message names the models and the size of the memory; the answer to it says that the
    models are loaded and warm.
    """
    cv2.setNumThreads(1)
    with socket.socket(fileno=wire_fd) as wire:
        setup = receive(wire)
        frame_bytes_max = int(setup["frame_bytes_max"])
        memory = mmap.mmap(memory_fd, memory_bytes(frame_bytes_max))
        models = Path(setup["face_landmarker"]), Path(setup["selfie_segmentation"])
        nets = [(float(around), Path(file)) for around, file in setup["attack_nets"]]
        with Analyst(*models, nets) as analyst:
            blank = np.zeros((360, 640, 3), dtype=np.uint8)
            analyst.look(blank, still=False)
            analyst.person_mask(blank)
            send(wire, {"id": setup["id"], "walls": walls})
            try:
                while True:
                    request = receive(wire)
                    send(wire, _reply(analyst, request, memory, frame_bytes_max))
            except (WireBroken, OSError):
                return


def _reply(analyst: Analyst, request: Message, memory: mmap.mmap, frame_bytes_max: int) -> Message:
    began_s = time.perf_counter()
    try:
        if request["do"] == "photo":
            answer, written = _photo(analyst, memory[: int(request["bytes"])])
        elif request["do"] == "mask":
            answer, written = {}, analyst.person_mask(_frame(request, memory)).tobytes()
        else:
            still = request["do"] == "still"
            answer, written = analyst.look(_frame(request, memory), still=still), b""
        memory[frame_bytes_max : frame_bytes_max + len(written)] = written
    except PhotoUnreadable as error:
        answer = {"unreadable": error.code.value}
    # The border to native code: whatever a picture provokes is an answer about that picture.
    except Exception as error:
        answer = {"refused": type(error).__name__}
    worker_ms = (time.perf_counter() - began_s) * 1000
    return {"id": request["id"], "worker_ms": worker_ms, **answer}


def _frame(request: Message, memory: mmap.mmap) -> Picture:
    height_px, width_px = int(request["height_px"]), int(request["width_px"])
    pixels = np.frombuffer(memory, np.uint8, height_px * width_px * 3)
    return pixels.reshape(height_px, width_px, 3)


def _photo(analyst: Analyst, content: bytes) -> tuple[Message, bytes]:
    """Return what is seen in a photo's file, and its preview."""
    bgr = decoded(content)
    shown = preview(bgr)
    return {**analyst.look(bgr, still=True), "preview_bytes": len(shown)}, shown
