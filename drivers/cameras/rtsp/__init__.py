"""A network camera: RTSP through FFmpeg's own client (PyAV, the optional extra `cameras`).

`pace` knows how old a frame is, `pull` keeps the newest one, `camera` is what the station sees.
A camera that sends JPEG has it passed through; H.264 and H.265 are decoded here.
"""

from __future__ import annotations

from drivers.cameras.rtsp.camera import RtspCamera
from drivers.cameras.rtsp.config import Config

__all__ = ["Config", "RtspCamera", "open_camera"]


def open_camera(config: Config) -> RtspCamera:
    """Connect and wait until the stream is described.

    Raises:
        DeviceAbsent: nothing answers at that address.
        DeviceTimeout: it accepts and then says nothing.
        SettingsRefused: no such stream, or a wrong password.
        DeviceError: no video, or the extra is not installed.
    """
    return RtspCamera(config)
