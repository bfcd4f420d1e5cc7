"""The camera and the reader of a station, each opened by its owner's thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from drivers.camera import Camera
from drivers.load import open_camera, reader_opener
from edge.camera_owner import CameraOwner
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
    )
    camera.start()
    stack.callback(camera.close)
    reader.start()
    stack.callback(reader.close)
    return camera, reader
