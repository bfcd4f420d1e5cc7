"""A reflex or system camera by libgphoto2: live view as preview, the shutter as still.

An optional extra (`python3.11 -m setup cameras`). `library` opens and names what fails, `holders`
knows who else grabs cameras, `settings` puts the maker's words under the house's names; `worker` is
the process that they run in, `process` the station's end of it, `camera` what the station sees.
One owner does preview and still in turn: they never fight for the camera.
"""

from __future__ import annotations

from drivers.cameras.gphoto2.camera import GphotoCamera
from drivers.cameras.gphoto2.config import Config

__all__ = ["Config", "GphotoCamera", "open_camera"]


def open_camera(config: Config) -> GphotoCamera:
    """Open the camera and take it for the station.

    Raises:
        DeviceAbsent: none is connected and switched on.
        DeviceHeld: another program has it; the sentence names it and says how to stop it.
        WrongModel, SettingsRefused: what only a technician mends.
        DeviceError: several are there, or the extra is not installed.
    """
    return GphotoCamera(config)
