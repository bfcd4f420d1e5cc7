"""The camera and the reader of a station, each opened by its owner's thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from drivers.camera import Camera
from drivers.find_reader import candidate_ports
from drivers.load import open_camera, reader_opener
from drivers.serial_port import AUTO
from edge.camera_owner import CameraOwner
from edge.plug_stamp import PlugStamp, stamp_of, stamp_of_all
from edge.reader_owner import ReaderOwner
from edge.settings import Settings, device_options
from edge.supervisor import Upkeep


def open_devices(
    settings: Settings, stack: ExitStack, open_camera_: Callable[[], Camera] | None
) -> tuple[CameraOwner, ReaderOwner]:
    """Start the owners of both devices; closed by the stack.

    Args:
        settings: name the drivers, and what they are opened with.
        stack: closes what is opened here, in reverse.
        open_camera_: opens another camera than the one that the settings name.

    Raises:
        SettingsError: a model's file.
    """
    camera_options = device_options(settings.camera, "cameras")
    reader_options = device_options(settings.reader, "readers")
    camera = CameraOwner(
        Upkeep(settings.camera.id, "camera", settings.camera.driver),
        open_camera_ or (lambda: open_camera(settings.camera.driver, camera_options)),
    )
    reader = ReaderOwner(
        Upkeep(settings.reader.id, "fingerprint", settings.reader.driver),
        reader_opener(settings.reader.driver, reader_options),
        _line_stamp(str(reader_options.get("port", ""))),
    )
    camera.start()
    stack.callback(camera.close)
    reader.start()
    stack.callback(reader.close)
    return camera, reader


def _line_stamp(port: str) -> PlugStamp | None:
    """Return how to see that a reader's plug was pulled or put in; None across a network."""
    if port == AUTO:
        return lambda: stamp_of_all(map(Path, candidate_ports()))
    return partial(stamp_of, Path(port)) if port.startswith("/") else None
