"""Which image of a zfm module may be believed.

An image comes as packets without numbers, so one lost and one doubled packet keep every sum and
the total length. Hence the rule of `drivers.agreement`; and twice the same image of another size is
a module's word, not the line's fault.

What is left: two neighbouring bytes swapped keep the sum, and on a line that shows no other fault
nobody sees it (docs/wire.md has the measured size of that).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

from drivers.agreement import Agreement
from drivers.errors import WrongModel
from drivers.zfm_line import ZfmLine
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
        self._received = received
        self._cancelled = cancelled
        self._agreement = Agreement(step_down, cancelled, _log_repeated)
        self._others: list[bytes] = []

    def trusted(self) -> bytes | None:
        """Return an image's bytes: from one clean upload, or from two that agree after a fault.

        None if it was cancelled.

        Raises:
            DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
            ProtocolViolation: no upload could be trusted, at this speed and at the next.
            BufferEmpty: the module has no image.
            WrongModel: images of another size come.
            DeviceError: the module reports a fault of its own.
        """
        return self._agreement.trusted(self._fetch)

    def _fetch(self) -> Upload:
        fetched = upload(self._line, self._expected_bytes, self._received, self._cancelled)
        self._demand_our_size(fetched.other)
        return fetched

    def _demand_our_size(self, other: bytes | None) -> None:
        """Tell a module with images of another size from a line that loses packets."""
        if other is None:
            return
        if other in self._others:
            raise WrongModel(
                f"image size not known: {len(other)} bytes come, twice the same, "
                f"instead of {self._expected_bytes}; name the model that it is"
            )
        self._others.append(other)


def _log_repeated(attempt: int, reason: str) -> None:
    log.warning("zfm_upload_repeated", extra={"attempts": attempt, "reason": reason})
