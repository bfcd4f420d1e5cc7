"""One view's pixels: a picture or video file, laid into a frame. No pace, no noise, no cable."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from drivers.camera import Picture
from drivers.cameras.folder.script import Config, Script, View
from drivers.errors import DeviceError

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".webm"})
PICTURE_PIXELS_MAX: Final = 50_000_000
PICTURE_TYPES: Final = ("JPEG", "PNG")
"""Pillow knows forty more, one of which hands the file to another program."""


class Reel:
    """One view's picture, laid into the frame once per size; a video is laid in frame by frame."""

    def __init__(self, config: Config, script: Script, view: View) -> None:
        self.view = view
        self._config = config
        self._still_px = (script.still_width_px, script.still_height_px)
        path = config.folder / view.picture
        self._video = Video(path) if path.suffix.lower() in VIDEO_SUFFIXES else None
        self._picture = None if self._video else decoded(path)
        self._laid: dict[tuple[int, int], Picture] = {}

    def shown(self, width_px: int, height_px: int, age_s: float) -> Picture:
        """Return the view in this size, without noise: (height_px, width_px, 3)."""
        size = (width_px, height_px)
        if self._video is not None:
            return self._lay_in(self._video.at(age_s), size)
        if size not in self._laid and self._picture is not None:
            self._laid[size] = self._lay_in(self._picture, size)
        return self._laid[size]

    def close(self) -> None:
        """Release the video's decoder, if there is one."""
        if self._video is not None:
            self._video.close()

    def _lay_in(self, picture: Picture, size: tuple[int, int]) -> Picture:
        height_px, width_px = picture.shape[:2]
        # One picture pixel never becomes more than the view says: fit, then the view's own scale.
        fit = min(size[0] / width_px, size[1] / height_px) * self.view.scale
        view = self.view
        moved = view.rotate_deg or view.shift_x or view.shift_y
        if (width_px, height_px) == size and fit == 1.0 and not moved:
            return picture
        if fit < 1:
            # A warp samples; only an area resize averages what the smaller sensor would see.
            reduced = (max(1, round(width_px * fit)), max(1, round(height_px * fit)))
            picture = np.asarray(
                cv2.resize(picture, reduced, interpolation=cv2.INTER_AREA), np.uint8
            )
            width_px, height_px, fit = *reduced, 1.0
        matrix = cv2.getRotationMatrix2D(
            ((width_px - 1) / 2, (height_px - 1) / 2), self.view.rotate_deg, fit
        )
        matrix[0, 2] += (size[0] - width_px) / 2 + self.view.shift_x * size[0]
        matrix[1, 2] += (size[1] - height_px) / 2 + self.view.shift_y * size[1]
        return np.asarray(
            cv2.warpAffine(
                picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=self._config.fill_bgr
            ),
            np.uint8,
        )


class Video:
    """Frames of a video file by time, again from the start when it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = self._open()
        self._last = self._read()
        self._next = 1
        self._fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0
        self._frames = max(1, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def at(self, age_s: float) -> Picture:
        """Return the frame that is shown `age_s` after the start: (height, width, 3)."""
        # A frame is due at its own time: rounding must not put it off to the next look.
        wanted = int(age_s * self._fps + 1e-3) % self._frames
        if self._next > wanted + 1:
            self._rewind()
        while self._next <= wanted:
            self._last = self._read()
            self._next += 1
        return self._last

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self._path))
        if not capture.isOpened():
            raise DeviceError(f"{self._path.name} cannot be played")
        return capture

    def _read(self) -> Picture:
        """Return the next frame, the first one after the last."""
        read, picture = self._capture.read()
        if not read:
            self._reopen()
            read, picture = self._capture.read()
        if not read:
            raise DeviceError(f"{self._path.name} holds no frame")
        return np.asarray(picture, np.uint8)

    def _reopen(self) -> None:
        self._capture.release()
        self._capture = self._open()

    def _rewind(self) -> None:
        self._reopen()
        self._last = self._read()
        self._next = 1


def decoded(path: Path) -> Picture:
    """Return a picture file's pixels: (height, width, 3), BGR. Raises `DeviceError`."""
    try:
        with Image.open(path, formats=PICTURE_TYPES) as image:
            # Before a pixel is decoded: a few hundred bytes can claim gigapixels.
            if image.width * image.height > PICTURE_PIXELS_MAX:
                raise DeviceError(f"{path.name} has more than {PICTURE_PIXELS_MAX} pixels")
            rgb = np.asarray(image.convert("RGB"), np.uint8)
    except FileNotFoundError as failure:
        raise DeviceError(f"{path.name} is not in the camera's folder") from failure
    # Pillow has no one error for a broken picture.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as failure:
        raise DeviceError(f"{path.name} is no picture that can be read") from failure
    return np.ascontiguousarray(rgb[:, :, ::-1])
