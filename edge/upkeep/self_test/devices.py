"""Camera, reader and vision worker: opened and asked here, or told of by the station that runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from drivers.errors import DeviceError
from drivers.load import open_camera, reader_opener
from edge.settings import device_options
from edge.settings_file import SettingsError
from edge.upkeep.self_test.row import Limit, Row
from edge.upkeep.self_test.scene import Scene
from edge.vision.client import ModelFiles, VisionLost, VisionWorker
from edge.vision.models import AttackNet, ModelUnfit

FRAME_S: Final = 10.0
OPEN_S: Final = 40.0
FIRST_FRAME: Final = Limit("s", most=FRAME_S, source="design: people wait no longer for a picture")
FIRST_ANSWER: Final = Limit("s", most=OPEN_S, source="design: a reader's speeds are tried in 36 s")
WORKS: Final = Limit("devices", least=1, source="design: ready or busy")
LOADED: Final = Limit("s", most=20, source="design: the time that a start gives the worker")
DAYS: Final = Limit("d", least=0, source="the calibration's own valid_until")
WORKING: Final = frozenset({"ready", "busy"})


def check_devices(scene: Scene) -> Iterator[Row]:
    """Open both devices and take a frame and an answer; or ask the station that has them."""
    if scene.running:
        yield from _told(scene)
        return
    camera, reader = scene.settings.camera, scene.settings.reader
    yield _timed(FIRST_FRAME, "camera", camera.id, lambda: _frame(scene))
    yield _timed(FIRST_ANSWER, "reader", reader.id, lambda: _answer(scene))


def _told(scene: Scene) -> Iterator[Row]:
    steps = {scene.settings.camera.id: "camera", scene.settings.reader.id: "reader"}
    devices: list[Mapping[str, Any]] = (scene.devices or {}).get("devices", [])
    for one in devices:
        device_id, works = str(one.get("device_id")), one.get("state") in WORKING
        reason = "" if works else str(one.get("reason") or one.get("state"))
        step = steps.get(device_id, "camera")
        yield WORKS.held(step, float(works), subject=device_id, reason=reason)


def _timed(limit: Limit, step: str, device: str, look: Callable[[], object]) -> Row:
    begun_s = time.monotonic()
    try:
        look()
    except (DeviceError, SettingsError, ValueError, OSError) as error:
        return limit.failed(step, type(error).__name__, subject=device, said=str(error))
    return limit.held(step, time.monotonic() - begun_s, subject=device)


def _frame(scene: Scene) -> None:
    settings = scene.settings.camera
    with closing(open_camera(settings.driver, device_options(settings, "cameras"))) as camera:
        camera.read(FRAME_S)


def _answer(scene: Scene) -> None:
    settings = scene.settings.reader
    with closing(reader_opener(settings.driver, device_options(settings, "readers"))()) as reader:
        reader.check()


def check_vision(scene: Scene) -> Iterator[Row]:
    """Let a worker load its models; where a station runs, its own has."""
    if scene.running:
        yield LOADED.not_assessed("vision", "told_by_camera")
        return
    vision = scene.settings.vision
    nets = tuple(AttackNet(net.file, net.sha256, net.around) for net in vision.attack_nets)
    begun_s = time.monotonic()
    try:
        worker = VisionWorker(ModelFiles(vision.face_landmarker, vision.selfie_segmentation, nets))
        with closing(worker):
            worker.start()
            worker.wait_ready()
    except (ModelUnfit, VisionLost, OSError) as error:
        yield LOADED.failed("vision", type(error).__name__, said=str(error))
        return
    yield LOADED.held("vision", time.monotonic() - begun_s)


def check_calibrations(scene: Scene) -> Iterator[Row]:
    """Say how many days each device's calibration holds; the running station knows."""
    if scene.health is None:
        yield DAYS.not_assessed("calibration", "station_stopped")
        return
    blocks = scene.settings.calibration.policy == "block"
    for device, one in scene.health.get("calibrations", {}).items():
        state, days = str(one.get("state")), one.get("days_left")
        if isinstance(days, (int, float)) and state in {"valid", "due"}:
            yield DAYS.held("calibration", float(days), subject=device, reason=state)
        elif blocks:
            yield DAYS.failed("calibration", state, subject=device)
        else:
            yield DAYS.not_assessed("calibration", state, subject=device)
