"""What must hold for any bytes that a camera delivers as a picture, or answers for itself."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from drivers import jpeg_frame
from drivers.cameras.v4l2 import controls, modes, node, stream
from drivers.errors import DeviceError, ProtocolViolation

ASKED_MAX: Final = 20_000


def jpeg_frame_target(given: bytes) -> None:
    """A frame: refused, or whole from its first to its last marker, and then it stays so."""
    try:
        head = jpeg_frame.read_head(given)
    except ProtocolViolation:
        return
    shown = jpeg_frame.whole(given, head)
    again = jpeg_frame.read_head(shown)

    assert given[:2] == shown[:2] == b"\xff\xd8"
    assert given[head.length_bytes - 2 : head.length_bytes] == shown[-2:] == b"\xff\xd9"
    assert 0 < head.width_px * head.height_px <= jpeg_frame.PIXELS_MAX
    assert (again.width_px, again.height_px) == (head.width_px, head.height_px)
    assert again.length_bytes == len(shown)
    assert again.has_tables
    assert given[head.scan_at : head.length_bytes] == shown[again.scan_at :]
    assert jpeg_frame.read_head(given[: head.length_bytes] + bytes(64)) == head
    for cut in {head.length_bytes - 1, head.length_bytes // 2, head.scan_at + 1}:
        _refused(given[:cut])


def _refused(torn: bytes) -> None:
    try:
        jpeg_frame.read_head(torn)
    except ProtocolViolation:
        return
    raise AssertionError("a picture that is cut off counts as whole")


class LyingNode(node.System):
    """A kernel that answers with the fuzzer's bytes, or with an error that they choose."""

    ERRORS: Final = (errno.EINVAL, errno.ENODEV, errno.EAGAIN, errno.EIO, errno.ERANGE)

    def __init__(self, script: bytes) -> None:
        self._script = script
        self._at = 0
        self.asked = 0

    def open(self, path: Path) -> int:
        return 3

    def close(self, node: int) -> None:
        return

    def wait(self, node: int, timeout_s: float) -> bool:
        return True

    def map(self, node: int, length: int, offset: int) -> Shared:
        return Shared()

    def ioctl(self, node: int, request: int, answer: bytearray) -> None:
        self.asked += 1
        assert self.asked <= ASKED_MAX, "it asks for ever"
        if self._at >= len(self._script):
            raise OSError(errno.EINVAL, "no more")
        what, self._at = self._script[self._at], self._at + 1
        if what % 4 == 3:
            code = self.ERRORS[what // 4 % len(self.ERRORS)]
            raise OSError(code, "as the fuzzer says")
        said = self._script[self._at : self._at + (what // 4)]
        self._at += len(said)
        # Over the end of the question as often as over its beginning.
        place = 0 if what % 4 < 2 else max(0, len(answer) - len(said))
        kept = said[: len(answer) - place]
        answer[place : place + len(kept)] = kept


class Shared:
    """A buffer of nothing."""

    def __getitem__(self, part: slice, /) -> bytes:
        return bytes(1024)[part]

    def close(self) -> None:
        """Nothing is held."""


def v4l2_answers_target(given: bytes) -> None:
    """A node that lies: every question ends, in an answer or in the house's own error."""
    for act in (
        lambda open_node: node.identity(open_node).card,
        modes.modes,
        controls.listed,
        lambda open_node: controls.write(open_node, "power_line_hz", 50),
        lambda open_node: controls.write(open_node, "exposure_auto", 1),
        lambda open_node: modes.choose(open_node, modes.Mode("MJPG", 640, 480), 30.0),
        lambda open_node: stream.Stream(open_node).take(),
    ):
        opened = node.Node(Path("/nowhere/fuzz"), LyingNode(given))
        try:
            act(opened)
        except DeviceError:
            continue
        except (ArithmeticError, LookupError, OSError, TypeError, ValueError) as slip:
            raise AssertionError("it ended in an error that is not the house's") from slip
        finally:
            opened.close()
