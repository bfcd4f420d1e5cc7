"""How old a frame of a network camera is. No I/O and no clock of its own.

The camera stamps frames by its own clock, which runs from an unknown moment and a little fast or
slow. The frame that came quickest of late is taken as fresh; one that came later than that by its
stamp waited somewhere on the way for the difference. What every frame waits alike cannot be seen
from here: the calibration's latency step measures it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 20.0
"""Two clocks that differ by 100 ppm part by 2 ms in it."""
_LEAP_S: Final = 5.0
"""A stamp that leaps by more is of a camera that began anew."""
_KEPT: Final = 4096


class Pace:
    """Follows one stream."""

    def __init__(self) -> None:
        self._delays: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._last_stamp_s: float | None = None

    def age_s(self, stamp_s: float, arrived_at_s: float) -> float:
        """Return how long a frame waited on its way, never less than 0.

        Args:
            stamp_s: by the camera's clock.
            arrived_at_s: `time.monotonic`.
        """
        if self._last_stamp_s is not None and abs(stamp_s - self._last_stamp_s) > _LEAP_S:
            self._delays.clear()
        self._last_stamp_s = stamp_s
        delay_s = arrived_at_s - stamp_s
        # Kept rising: the first is the smallest of the window, so a look costs nothing.
        while self._delays and self._delays[-1][1] >= delay_s:
            self._delays.pop()
        self._delays.append((arrived_at_s, delay_s))
        while arrived_at_s - self._delays[0][0] > WINDOW_S:
            self._delays.popleft()
        return max(0.0, delay_s - self._delays[0][1])
