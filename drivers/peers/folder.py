"""The other end of the folder camera: pictures to look at, and a hand at its cable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


class Peer:
    """A camera's folder with two drawn views.

    Attributes:
        options: for `drivers.load.open_camera("folder", options)`.
        control: the control file, not written yet.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._plugged = folder / "plugged"
        self.control = folder / "control.toml"
        for name, level in (("first.png", 60), ("second.png", 180)):
            Image.fromarray(_drawn(level)).save(folder / name)
        views = [{"picture": "first.png", "seconds": 2.0}, {"picture": "second.png"}]
        self.options: dict[str, object] = {
            "folder": folder,
            "scripts": {
                "both": {"views": views, "still_width_px": 400, "still_height_px": 300},
                "second": {"views": views[1:], "still_width_px": 400, "still_height_px": 300},
            },
            "play": "both",
            "width_px": 200,
            "height_px": 150,
            "rate_hz": 60,
            "plugged": self._plugged,
            "control": self.control,
        }
        self.plug()

    def plug(self) -> None:
        """Put the cable in."""
        self._plugged.touch()

    def unplug(self) -> None:
        """Pull the cable."""
        self._plugged.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the folder to whoever made it."""


def _drawn(level: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a picture, (300, 400, 3), whose left half is darker: mirroring would show."""
    picture = np.full((300, 400, 3), level, np.uint8)
    picture[:, 200:] = level + 40
    return picture
