"""Fetching the image of a gt521 module, so that only a true image is ever believed.

An image is one packet, so one bad byte costs all of it; and its sum sees neither two bytes that
changed places nor errors that compensate each other. Hence the rule of `drivers.agreement`.
GetImage sends what Capture took until the next Capture (PyGT521F32 fetches long after it); that it
does so twice is unverified.

What is left, on a line that shows no fault: of 20,000 random faults each in images of 202 x 258,
6.0 % of two flipped bits and about 1 % of three or four, none of one; no lost and no doubled byte,
but 1.2 % of one lost and another doubled; and all swaps of neighbours, of which 93 % change the
image [ours, measured with the line's own frames].
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Event
from typing import Final

from drivers.agreement import Agreement
from drivers.errors import ProtocolViolation
from drivers.gt521_line import QUIET_S, Gt521Line
from drivers.gt521_packets import (
    MESSAGE_BYTES,
    OVERHEAD_BYTES,
    Command,
    Content,
    Message,
    image_line_bytes,
)
from drivers.serial_port import CHUNK_BYTES

log = logging.getLogger(__name__)

REST_MAX_S: Final = 0.15
"""Also how late a cancel, a pulled plug or the progress on the screen may be."""

REST_BYTES: Final = CHUNK_BYTES // 2
"""So much may arrive in one sleep: as much again still fits if the machine wakes us late."""

EARLY_S: Final = 0.003
"""A line's bytes come in pieces: the last ones are awaited, so that no sleep can be too long."""

FEW_BYTES: Final = 64
"""So few are missing: the line lost them, and the module is not in the middle of its image."""

FLOOD_BYTES: Final = CHUNK_BYTES * 3 // 4
"""More than that in one piece: the line is faster than it says, or we are late. No sleep then."""

Received = Callable[[int], None]
"""Called with the number of image bytes so far."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What one GetImage brought.

    Attributes:
        content: the image; None if it was cancelled, or no good.
        fault: "" if the line was clean from end to end.
    """

    content: bytes | None
    fault: str = ""


def trusted_image(
    line: Gt521Line,
    sizes: Collection[int],
    step_down: Callable[[], bool],
    received: Received,
    cancelled: Event,
) -> bytes | None:
    """Return an image's bytes, by the rule of `drivers.agreement`; None if it was cancelled.

    Args:
        line: the module's.
        sizes: how many bytes an image has; of several, the silence after it decides.
        step_down: brings the line to a slower speed, or returns False.
        received: told of progress.
        cancelled: ends it at the next wake.

    Raises:
        DeviceAbsent: the port is gone. DeviceTimeout: the module fell silent.
        ProtocolViolation: no upload could be trusted, at this speed and at the next.
    """
    agreement = Agreement(step_down, cancelled, _log_repeated)
    return agreement.trusted(lambda: upload(line, sizes, received, cancelled))


def _log_repeated(attempt: int, reason: str) -> None:
    log.warning("gt521_upload_repeated", extra={"attempts": attempt, "reason": reason})


def upload(line: Gt521Line, sizes: Collection[int], received: Received, cancelled: Event) -> Upload:
    """Fetch the module's image once.

    Raises:
        DeviceTimeout: no answer to GetImage. DeviceAbsent: the port is gone.
    """
    limit_s = stream_limit_s(max(sizes), line.port.baud)
    try:
        answer = line.ask_once(Command.GET_IMAGE)
    except ProtocolViolation as violation:
        line.expect_stale(limit_s)
        return Upload(None, str(violation))
    if not answer.accepted:
        return Upload(None, f"the module cannot send its image: {answer.parameter:04X}")
    return _Stream(line, sizes, limit_s).read(received, cancelled)


def stream_limit_s(content_bytes: int, baud: int) -> float:
    """Return how long an image may take: a quarter more than the line needs, and 2 s."""
    return 1.25 * image_line_bytes(content_bytes) * 10 / baud + 2.0


class _Stream:
    """An image on its way in."""

    def __init__(self, line: Gt521Line, sizes: Collection[int], limit_s: float) -> None:
        self._line = line
        self._sizes = sizes
        self._deadline = time.monotonic() + limit_s
        # Of the packet, as far as that is known.
        self._coming_bytes = max(sizes) + OVERHEAD_BYTES if len(sizes) == 1 else 0
        self._last_piece_bytes = 0
        self._told_bytes = 0
        line.parser.expect(max(sizes) if len(sizes) == 1 else None)

    def read(self, received: Received, cancelled: Event) -> Upload:
        """Read until the end, good or bad."""
        try:
            while not cancelled.is_set():
                content = self._piece()
                self._tell(received, content)
                if content:
                    skipped_bytes = self._line.parser.skipped_bytes
                    noise = f"{skipped_bytes} bytes belonged to no packet" if skipped_bytes else ""
                    return Upload(content.payload, noise)
        except ProtocolViolation as violation:
            self._stopped()
            return Upload(None, str(violation))
        self._line.expect_stale(self._deadline - time.monotonic())
        return Upload(None)

    def _piece(self) -> Content | None:
        """Take in one piece of an image; return the image once it is whole.

        Raises:
            ProtocolViolation: it is not, and nothing more comes.
        """
        line = self._line
        packet = line.parser.next_packet()
        if isinstance(packet, Message):
            raise ProtocolViolation("an answer inside an image")
        if packet is not None:
            line.note(packet)
            return packet
        limit = min(self._deadline, time.monotonic() + line.limits.gap_s)
        self._last_piece_bytes = line.hear(limit, self._rest_s())
        if self._last_piece_bytes:
            return None
        if self._coming_bytes:
            held_bytes = line.parser.held_bytes
            raise ProtocolViolation(
                f"the stream stopped: {held_bytes} bytes instead of {self._coming_bytes}"
            )
        return line.parser.content_at_silence(self._sizes)

    def _rest_s(self) -> float:
        """Return how long to sleep while more of an image arrives.

        Waking for every few bytes costs ten times as much; sleeping past the last one costs time.
        """
        wanted_bytes = min(REST_BYTES, self._coming_bytes - self._line.parser.held_bytes)
        if wanted_bytes <= 0 or self._last_piece_bytes > FLOOD_BYTES:
            return 0.0
        return max(0.0, min(REST_MAX_S, wanted_bytes * 10 / self._line.port.baud - EARLY_S))

    def _tell(self, received: Received, content: Content | None) -> None:
        so_far = len(content.payload) if content else self._line.parser.held_bytes
        # What was heard may turn out to be no packet; a bar that goes back would only worry.
        self._told_bytes = max(self._told_bytes, min(so_far, max(self._sizes)))
        received(self._told_bytes)

    def _stopped(self) -> None:
        """Let what still comes pass: at once if the image is through, else when it is silent."""
        line = self._line
        line.expect_stale(self._deadline - time.monotonic())
        whole_bytes = image_line_bytes(min(self._sizes)) - MESSAGE_BYTES
        stalled = line.heard_bytes < whole_bytes - FEW_BYTES
        line.wait_for_silence(line.limits.answer_s if stalled else QUIET_S)
