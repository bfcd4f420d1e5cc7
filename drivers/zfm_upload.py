"""Which image of a zfm module may be believed.

An image comes as packets without numbers, so one lost and one doubled packet keep every sum and
the total length. Hence the rules: a fault drops the whole image, never a part of it; it is fetched
again, twice at most, then as often at the next slower speed; and after any fault an image counts
only when two uploads agree byte for byte.

What is left: two neighbouring bytes swapped keep the sum, and on a line that shows no other fault
nobody sees it (docs/wire.md has the measured size of that).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

from drivers.errors import DeviceError, ProtocolViolation
from drivers.zfm_line import TRIES, ZfmLine
from drivers.zfm_stream import Received, Upload, upload

log = logging.getLogger(__name__)


class Uploads:
    """The uploads of one press: which of them may be believed.

    Args:
        line: the module's.
        expected_bytes: of an image; None if nobody knows its size yet.
        step_down: brings the line to a slower speed, or returns False.
        received: told of progress.
        cancelled: ends it at the next wake.
    """

    def __init__(
        self,
        line: ZfmLine,
        expected_bytes: int | None,
        step_down: Callable[[], bool],
        received: Received,
        cancelled: Event,
    ) -> None:
        self._line = line
        self._expected_bytes = expected_bytes
        self._step_down = step_down
        self._received = received
        self._cancelled = cancelled
        self._seen: list[bytes] = []
        self._others: list[bytes] = []
        self._fault = ""

    def trusted(self) -> bytes | None:
        """Return an image's bytes: from one clean upload, or from two that agree after a fault.

        None if it was cancelled.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
            ProtocolViolation: no upload could be trusted, at this speed and at the next.
            BufferEmpty: the module has no image.
            DeviceError: images of another size come, or the module reports a fault of its own.
        """
        while True:
            for attempt in range(1, TRIES + 1):
                content = self._believed(self._fetch())
                if self._cancelled.is_set():
                    return None
                if content is not None:
                    return content
                reason = self._fault.replace(" ", "-")
                log.warning("zfm_upload_repeated", extra={"attempts": attempt, "reason": reason})
            if not self._steps_down_once():
                raise ProtocolViolation(f"no image could be trusted: {self._fault}")

    def _steps_down_once(self) -> bool:
        step_down, self._step_down = self._step_down, lambda: False
        return step_down()

    def _fetch(self) -> Upload:
        return upload(self._line, self._expected_bytes, self._received, self._cancelled)

    def _believed(self, fetched: Upload) -> bytes | None:
        self._demand_our_size(fetched.other)
        content = fetched.content
        if content is not None:
            if content in self._seen or not (self._fault or fetched.fault):
                return content
            self._seen.append(content)
        self._fault = fetched.fault or self._fault
        return None

    def _demand_our_size(self, other: bytes | None) -> None:
        """Tell a module with images of another size from a line that loses packets."""
        if other is None:
            return
        if other in self._others:
            raise DeviceError(
                f"image size not known: {len(other)} bytes come, twice the same, "
                f"instead of {self._expected_bytes}"
            )
        self._others.append(other)
