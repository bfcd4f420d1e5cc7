"""One fault for each target to find: each is one that a driver of its family had, or nearly had."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from drivers import gt521_packets, zfm_packets, zfm_upload


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


PLANTS: Final[dict[str, Callable[[], None]]] = {
    "zfm_packets": believe_any_length,
    "zfm_image": miss_no_bytes,
    "gt521_packets": drop_what_is_claimed,
    "gt521_image": take_what_came,
    "answers": believe_any_code,
}
