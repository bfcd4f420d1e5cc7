"""The network camera as the station sees it."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.camera import Dropped, Frame
from drivers.cameras.rtsp.config import Config
from drivers.cameras.rtsp.pull import Arrived, Pull


class RtspCamera:
    """One open stream. One thread uses it; see `drivers.camera` for what its calls promise.

    Its still is a frame of the same stream: a network camera has no shutter.
    """

    def __init__(self, config: Config) -> None:
        self.model = config.model
        self._sequence = 0
        self._last_s = float("-inf")
        self._pull = Pull(config)

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame that was not returned yet. Raises `DeviceError`."""
        return self._framed(self._pull.take(timeout_s))

    def still(self, timeout_s: float) -> Frame:
        """Return the newest frame that was not returned yet; raises as `read`."""
        return self._framed(self._pull.take(timeout_s))

    def dropped(self) -> Mapping[Dropped, int]:
        """Return how many frames were not shown, by reason, since it was opened."""
        return self._pull.dropped()

    def close(self) -> None:
        """Hang up. Closing twice is allowed."""
        self._pull.close()

    def _framed(self, arrived: Arrived) -> Frame:
        self._sequence += 1
        # A stamp may step back by the line's unrest; time does not.
        self._last_s = max(self._last_s + 1e-6, arrived.taken_at_s)
        return Frame(arrived.pixels, self._sequence, self._last_s)
