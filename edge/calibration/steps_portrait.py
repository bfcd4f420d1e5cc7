"""The whole way of a portrait on a reference: the pipeline that a person meets, all documents.

Nothing of its picture is kept. A dummy head that looks straight ahead also tells what the pose
estimator reads of a straight head here, which no board can.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from drivers.camera import Frame
from edge.calibration.aid import Aid, Turn
from edge.calibration.parameters import PITCH_ZERO, YAW_ZERO, ZERO_OF_A_HEAD, zero_of
from edge.calibration.procedure import (
    Figure,
    Measured,
    Scene,
    Step,
    Stopped,
    figure_of,
    held_against,
    unmeasured,
)
from edge.calibration.record import StepResult
from edge.calibration.shots import STILL_S, frames, taken
from edge.portrait import crop_each
from edge.portrait_capture import PortraitCapture
from edge.vision.client import Depth, FrameRefused, Sight, VisionLost
from quality.document import judge
from quality.measure import CannotAssess, Verdict
from quality.pitch_zero import PITCH, YAW

LOOKS: Final = 9
LOOK_S: Final = 2.5
CAPTURE_S: Final = 25.0
"""[ours] Longer than any hint of the search needs to be followed by nobody."""
ZERO_MAX_DEG: Final = 20.0
"""[ours] A head that reads further from straight does not look straight ahead."""


def _aim(scene: Scene, frame: Frame) -> Aid:
    sight = _look(scene, frame, Depth.LIVE)
    limit = scene.limits.limit("portrait", "head_pitch")
    pitch = sight.natives[PITCH].value
    if sight.faces != 1 or pitch is None:
        return Aid("portrait", turn=Turn.REFERENCE_HEAD, reason="no_face", sequence=frame.sequence)
    return Aid(
        "portrait", "head_pitch", pitch, limit.unit, limit.min, limit.max, None, Turn.HOLD,
        sequence=frame.sequence,
    )  # fmt: skip


def _look(scene: Scene, frame: Frame, depth: Depth) -> Sight:
    try:
        return scene.bench.vision.look(frame, depth, LOOK_S)
    except (VisionLost, FrameRefused):
        raise CannotAssess("not_seen") from None


def _measure(scene: Scene) -> Measured:
    pitch, yaw, shas = _head(scene)
    limits = scene.limits.steps["portrait"]
    head = (
        held_against("portrait", "head_pitch", limits["head_pitch"], pitch),
        held_against("portrait", "head_yaw", limits["head_yaw"], yaw),
    )
    zeros = _zeros(scene, pitch, yaw)
    documents = _documents(scene, {**scene.earlier, **zeros}, shas)
    return Measured((documents, *head), parameters=zeros)


def _head(scene: Scene) -> tuple[Figure, Figure, tuple[str, ...]]:
    """Return what the estimator reads of the reference, without any zero taken off."""
    pitches, yaws, shas = [], [], []
    for number in range(LOOKS):
        (shot,) = frames(scene, 1)
        frame = Frame(shot.bgr, number + 1, shot.captured_at_s)
        natives = _look(scene, frame, Depth.LIVE).natives
        pitch, yaw = natives[PITCH].value, natives[YAW].value
        scene.tell((number + 1) / (2 * LOOKS), Turn.REFERENCE_HEAD.value)
        if pitch is not None and yaw is not None:
            pitches.append(pitch)
            yaws.append(yaw)
            shas.append(shot.sha256)
    if 2 * len(pitches) < LOOKS:
        raise CannotAssess("no_face")
    return figure_of(pitches), figure_of(yaws), tuple(shas)


def _zeros(scene: Scene, pitch: Figure, yaw: Figure) -> dict[str, float]:
    straight = max(abs(pitch.value), abs(yaw.value)) <= ZERO_MAX_DEG
    if scene.reference != "head" or not straight:
        return {}
    zeros = {PITCH_ZERO: round(pitch.value, 2), YAW_ZERO: round(yaw.value, 2)}
    return {**zeros, ZERO_OF_A_HEAD: 1.0}


def _documents(scene: Scene, parameters: Mapping[str, float], shas: tuple[str, ...]) -> StepResult:
    limit = scene.limits.limit("portrait", "documents")
    bench = scene.bench
    rules = replace(bench.rules, pitch_zero=zero_of(parameters, None))
    search = PortraitCapture(bench.camera, bench.vision, bench.documents, rules)
    until_s, hint, given = time.monotonic() + CAPTURE_S, "", 0
    while time.monotonic() < until_s:
        if scene.stop():
            raise Stopped
        try:
            seen = search.step()
        except (VisionLost, FrameRefused):
            continue
        hint = seen.hint.value if seen.hint else hint
        scene.tell(0.5 + 0.45 * seen.hold_share, Turn.REFERENCE_HEAD.value)
        if seen.portrait is not None:
            given = len(seen.portrait.photos)
            break
    else:
        given = _given(scene, parameters)
    if given < 0:
        return unmeasured("portrait", "documents", limit, "no_face")
    refused = len(bench.documents) - given
    names = [document.id for document in bench.documents]
    details = {"documents": names, **({"hint": hint} if refused else {})}
    figure = Figure(float(refused), None, len(names), details=details, frames_sha256=shas)
    return held_against("portrait", "documents", limit, figure)


def _given(scene: Scene, parameters: Mapping[str, float]) -> int:
    """Return how many documents one still gives by itself; -1 where no face is in it."""
    bench, zero = scene.bench, zero_of(parameters, None)
    frame = bench.camera.still(STILL_S)
    taken(scene, frame)
    sight = _look(scene, frame, Depth.STILL)
    if sight.outline is None:
        return -1
    natives = zero.natives(sight.natives)
    passed = [
        document
        for document in zero.documents(bench.documents)
        if all(
            one.verdict is not Verdict.REJECTED or one.advisory
            for one in judge(document, natives, live=False)
        )
    ]
    # A search that never came to an end has refused at least one of them.
    photos = crop_each(frame, sight.outline, passed).photos
    return min(len(photos), len(bench.documents) - 1)


PORTRAIT: Final = Step("portrait", "camera", "portrait", _measure, _aim)
