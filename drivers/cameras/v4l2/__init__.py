"""A UVC or other Video4Linux camera, by its stable name under /dev/v4l.

`node` is all that touches the kernel, `kernel` its structures; `modes`, `controls` and `stream`
know one matter each; `camera` is what the station sees. The camera's JPEG is passed through: it is
checked for being whole, never coded anew, and decoded only where pixels are asked for.
"""

from __future__ import annotations

from drivers.cameras.v4l2.camera import V4l2Camera
from drivers.cameras.v4l2.config import Config
from drivers.cameras.v4l2.node import System

__all__ = ["Config", "V4l2Camera", "open_camera"]

system = System()
"""The kernel that nodes are opened at; the simulated camera puts its own here."""


def open_camera(config: Config) -> V4l2Camera:
    """Open the camera and start its stream.

    Raises:
        DeviceAbsent: no such node.
        DeviceHeld: another program has the camera; the sentence names it.
        WrongModel, SettingsRefused, PermissionRefused: what only a technician mends.
        DeviceError: it fails otherwise.
    """
    return V4l2Camera(config, system)
