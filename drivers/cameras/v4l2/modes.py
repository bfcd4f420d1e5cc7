"""What a camera can deliver: formats, sizes and rates, as it enumerates them; and choosing one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from drivers.cameras.v4l2 import kernel
from drivers.cameras.v4l2.node import Node
from drivers.errors import SettingsRefused

MOST: Final = 128
MOST_RATES: Final = 16
"""More than any camera has: one that never stops counting must not stop the station."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One format in one size.

    Attributes:
        pixel_format: its four letters, "MJPG" or "YUYV" for those that are understood here.
        rates_hz: frames a second that it offers, the fastest first; () where it says a range.
    """

    pixel_format: str
    width_px: int
    height_px: int
    rates_hz: tuple[float, ...] = ()


def modes(node: Node) -> tuple[Mode, ...]:
    """Enumerate what the camera says it delivers. Raises `DeviceError`.

    Of a camera that takes any size within bounds only the smallest and the largest are named.
    """
    sizes = ((name, *size) for name in _formats(node) for size in _sizes(node, name))
    return tuple(
        Mode(name, width_px, height_px, tuple(_rates(node, name, width_px, height_px)))
        for name, width_px, height_px in islice(sizes, MOST)
    )


def _formats(node: Node) -> Iterator[str]:
    for index in range(MOST):
        answer = kernel.FormatDescription(index=index, type=kernel.CAPTURE)
        if not node.answers(kernel.ENUM_FMT, answer, "asking for its formats"):
            return
        yield kernel.letters(answer.pixelformat)


def _sizes(node: Node, name: str) -> Iterator[tuple[int, int]]:
    for index in range(MOST):
        answer = kernel.FrameSize(index=index, pixel_format=kernel.fourcc(name))
        if not node.answers(kernel.ENUM_FRAMESIZES, answer, "asking for its sizes"):
            return
        if answer.type != kernel.SIZE_DISCRETE:
            span = answer.stepwise
            yield span.min_width, span.min_height
            yield span.max_width, span.max_height
            return
        yield answer.discrete.width, answer.discrete.height


def _rates(node: Node, name: str, width_px: int, height_px: int) -> Iterator[float]:
    for index in range(MOST_RATES):
        answer = kernel.FrameInterval(
            index=index, pixel_format=kernel.fourcc(name), width=width_px, height=height_px
        )
        if not node.answers(kernel.ENUM_FRAMEINTERVALS, answer, "asking for its rates"):
            return
        if answer.type != kernel.INTERVAL_DISCRETE or not answer.discrete.numerator:
            return
        yield round(answer.discrete.denominator / answer.discrete.numerator, 3)


def choose(node: Node, wanted: Mode, rate_hz: float) -> kernel.PixelFormat:
    """Set format, size and rate, and return what was set. Nothing may stream meanwhile.

    A slower rate is taken as it is: the camera gives what the light and the USB allow.

    Raises:
        SettingsRefused: it set another format or size; the sentence lists what it offers.
    """
    asked = kernel.Format(type=kernel.CAPTURE)
    asked.pix.width, asked.pix.height = wanted.width_px, wanted.height_px
    asked.pix.pixelformat = kernel.fourcc(wanted.pixel_format)
    node.ask(kernel.S_FMT, asked, "setting its size")
    # A driver answers the nearest that it has, and calls that a success.
    got = Mode(kernel.letters(asked.pix.pixelformat), asked.pix.width, asked.pix.height)
    if got != Mode(wanted.pixel_format, wanted.width_px, wanted.height_px):
        raise SettingsRefused(f"the camera has no {_named(wanted)}; it offers {_offered(node)}")
    _set_rate(node, rate_hz)
    return kernel.PixelFormat.from_buffer_copy(asked.pix)


def _set_rate(node: Node, rate_hz: float) -> None:
    asked = kernel.Parameters(type=kernel.CAPTURE)
    asked.capture.timeperframe.numerator = 1000
    asked.capture.timeperframe.denominator = round(rate_hz * 1000)
    node.answers(kernel.S_PARM, asked, "setting its rate")


def _named(mode: Mode) -> str:
    return f"{mode.pixel_format} {mode.width_px}x{mode.height_px}"


def _offered(node: Node) -> str:
    return ", ".join(_named(mode) for mode in modes(node)) or "nothing"
