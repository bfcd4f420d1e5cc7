"""One fault for each target to find: each is one that a driver of its family had, or nearly had."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from drivers import gt521_packets, jpeg_frame, zfm_packets, zfm_upload
from drivers.cameras.v4l2 import kernel


def believe_any_length() -> None:
    """fpsensor trusts a length field of 65,535 and waits for bytes that never come."""
    zfm_packets.MAX_PAYLOAD_BYTES = 65_533  # type: ignore[misc]


def miss_no_bytes() -> None:
    """An image that is short by a packet counts as whole."""
    room = sys.modules[zfm_upload.upload.__module__]
    room._Stream._missing_bytes = property(lambda self: 0)  # type: ignore[attr-defined]


def drop_what_is_claimed() -> None:
    """A damaged packet takes all with it that it claims to be: those inside it are lost."""

    def refuse(self: gt521_packets.PacketParser, why: str) -> gt521_packets.ProtocolViolation:
        self._skip(min(12, self.held_bytes))
        return gt521_packets.ProtocolViolation(why)

    gt521_packets.PacketParser._refuse = refuse  # type: ignore[method-assign]


def take_what_came() -> None:
    """GT5X never looks at the sum of an image."""

    def unchecked(self: gt521_packets.PacketParser, size: int) -> bytearray:
        frame = self._buffer[: size - 2]
        del self._buffer[:size]
        return frame

    gt521_packets.PacketParser._cut = unchecked  # type: ignore[method-assign]


def believe_any_code() -> None:
    """A packet size that no module has."""
    zfm_packets.PACKET_SIZES_BYTES = (32, 64, 128, 256, 512)  # type: ignore[assignment,misc]


def end_where_the_bytes_end() -> None:
    """A picture that stops counts as one that ended, as a decoder takes it."""
    true_marker = jpeg_frame._marker

    def marker(sent: bytes, at: int) -> tuple[int, int]:
        return (0xD9, at) if at >= len(sent) else true_marker(sent, at)

    def skipped(sent: bytes, at: int, *, restarts: bool) -> int:
        end = jpeg_frame._END_OF_SCAN.search(sent, at)
        return end.start() if end else len(sent)

    jpeg_frame._marker = marker
    jpeg_frame._skip_scan = skipped


def believe_any_letters() -> None:
    """A pixel format is four letters, and a camera says so."""
    kernel.letters = lambda number: number.to_bytes(4, "little").decode("ascii")


PLANTS: Final[dict[str, Callable[[], None]]] = {
    "zfm_packets": believe_any_length,
    "zfm_image": miss_no_bytes,
    "gt521_packets": drop_what_is_claimed,
    "gt521_image": take_what_came,
    "answers": believe_any_code,
    "jpeg_frame": end_where_the_bytes_end,
    "v4l2_answers": believe_any_letters,
}
