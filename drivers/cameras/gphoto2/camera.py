"""The camera that libgphoto2 drives, as the station sees it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from drivers.camera import Control, Dropped, Frame, JpegPicture
from drivers.cameras.gphoto2.config import Config
from drivers.cameras.gphoto2.process import Process
from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.jpeg_frame import read_head, whole


class GphotoCamera:
    """One open camera. One thread uses it; see `drivers.camera` for what its calls promise."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sequence = 0
        self._dropped: Counter[Dropped] = Counter()
        self._due_s = time.monotonic()
        self._still_width_px = config.still_width_px
        self._process = Process(config)
        self.model = config.model or self._process.model

    def read(self, timeout_s: float) -> Frame:
        """Return a live view's picture. Raises `DeviceTimeout`, `DeviceAbsent`."""
        until_s = time.monotonic() + timeout_s
        while True:
            self._await_turn(until_s)
            asked_at_s = time.monotonic()
            _, content = self._ask({"do": "preview"})
            try:
                picture = _picture(content)
            except ProtocolViolation:
                self._dropped["torn"] += 1
                continue
            scale = (self._still_width_px or picture.width_px) / picture.width_px
            return self._framed(picture, asked_at_s, scale)

    def still(self, timeout_s: float) -> Frame:
        """Release the shutter and return its picture.

        Raises `DeviceError` as `read` does, and where the camera saves no JPEG.
        """
        asked_at_s = time.monotonic()
        answer, content = self._process.ask({"do": "still"}, timeout_s)
        try:
            picture = _picture(content)
        except ProtocolViolation as failure:
            raise DeviceError(
                f"the camera saved {answer['name']}, no whole JPEG; set its format to JPEG"
            ) from failure
        self._still_width_px = picture.width_px
        return self._framed(picture, asked_at_s, 1.0)

    def controls(self) -> tuple[Control, ...]:
        """Return what can be set, read from the camera. Raises `DeviceError`."""
        return tuple(map(_control, self._ask({"do": "controls"})[0]["controls"]))

    def set_control(self, name: str, value: int) -> Control:
        """Write one setting and return it as read back. Raises `DeviceError`."""
        return _control(self._ask({"do": "set", "name": name, "value": value})[0]["controls"][0])

    def dropped(self) -> Mapping[Dropped, int]:
        """Return how many pictures were not shown, by reason, since it was opened."""
        return dict(self._dropped)

    def close(self) -> None:
        """Give the camera back. Closing twice is allowed."""
        self._process.close()

    def _ask(self, said: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        return self._process.ask(said, self._config.answer_s)

    def _await_turn(self, until_s: float) -> None:
        """Wait for the next picture's turn, never longer than the caller allows."""
        now_s = time.monotonic()
        if max(self._due_s, now_s) > until_s:
            time.sleep(max(0.0, until_s - now_s))
            torn = self._dropped["torn"]
            raise DeviceTimeout(f"no whole picture in time{f' ({torn} came torn)' if torn else ''}")
        time.sleep(max(0.0, self._due_s - now_s))
        self._due_s = max(self._due_s, now_s) + 1 / self._config.rate_hz

    def _framed(self, picture: JpegPicture, asked_at_s: float, scale: float) -> Frame:
        self._sequence += 1
        # When it was asked for: it may be a little younger, and never is older.
        return Frame(picture, self._sequence, asked_at_s, scale)


def _picture(content: bytes) -> JpegPicture:
    """Return a whole JPEG. Raises `ProtocolViolation`."""
    head = read_head(content)
    return JpegPicture(whole(content, head), head.width_px, head.height_px)


def _control(said: dict[str, Any]) -> Control:
    choices = {int(key): str(word) for key, word in said["choices"].items()}
    return Control(**{**said, "choices": choices})
