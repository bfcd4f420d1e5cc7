"""The kernel's side of a video node: its structures, byte for byte, and its request numbers.

Source: linux/videodev2.h of Linux 6.1, 64 bits; tests/test_v4l2_layout.py compiles a C program that
holds every size, place and number here against the header of the machine it runs on.
"""

from __future__ import annotations

import ctypes
from ctypes import Structure, Union, c_char, c_int32, c_long, c_uint8, c_uint32, c_ulong
from typing import Any, Final

CAPTURE: Final = 1
MMAP: Final = 1

CAP_VIDEO_CAPTURE: Final = 0x1
CAP_STREAMING: Final = 0x04000000
CAP_DEVICE_CAPS: Final = 0x80000000

SIZE_DISCRETE: Final = 1
INTERVAL_DISCRETE: Final = 1

BUFFER_ERROR: Final = 0x40
CLOCK_MASK: Final = 0xE000
CLOCK_MONOTONIC: Final = 0x2000

CONTROL_DISABLED: Final = 0x1
CONTROL_GRABBED: Final = 0x2
CONTROL_READ_ONLY: Final = 0x4
CONTROL_INACTIVE: Final = 0x10
CONTROL_WRITE_ONLY: Final = 0x40

TYPE_INTEGER: Final = 1
TYPE_BOOLEAN: Final = 2
TYPE_MENU: Final = 3
TYPE_INTEGER_MENU: Final = 9


def fourcc(name: str) -> int:
    """Return the number of a pixel format's four letters."""
    return int.from_bytes(name.encode("ascii"), "little")


def letters(number: int) -> str:
    """Return the four letters of a pixel format's number; what is no letter is shown as "?"."""
    return "".join(
        chr(byte) if 32 < byte < 127 else "?" for byte in number.to_bytes(4, "little")
    ).rstrip("?")


class Capability(Structure):
    """What VIDIOC_QUERYCAP answers: struct v4l2_capability."""

    _fields_ = [
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class FormatDescription(Structure):
    """One pixel format, by VIDIOC_ENUM_FMT: struct v4l2_fmtdesc."""

    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class Fraction(Structure):
    """Struct v4l2_fract."""

    _fields_ = [("numerator", c_uint32), ("denominator", c_uint32)]


class DiscreteSize(Structure):
    """Struct v4l2_frmsize_discrete."""

    _fields_ = [("width", c_uint32), ("height", c_uint32)]


class StepwiseSize(Structure):
    """Struct v4l2_frmsize_stepwise."""

    _fields_ = [
        ("min_width", c_uint32),
        ("max_width", c_uint32),
        ("step_width", c_uint32),
        ("min_height", c_uint32),
        ("max_height", c_uint32),
        ("step_height", c_uint32),
    ]


class _Size(Union):
    _fields_ = [("discrete", DiscreteSize), ("stepwise", StepwiseSize)]


class FrameSize(Structure):
    """One size of a format, by VIDIOC_ENUM_FRAMESIZES: struct v4l2_frmsizeenum."""

    _anonymous_ = ("size",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("size", _Size),
        ("reserved", c_uint32 * 2),
    ]


class StepwiseInterval(Structure):
    """Struct v4l2_frmival_stepwise."""

    _fields_ = [("min", Fraction), ("max", Fraction), ("step", Fraction)]


class _Interval(Union):
    _fields_ = [("discrete", Fraction), ("stepwise", StepwiseInterval)]


class FrameInterval(Structure):
    """One interval of a size, by VIDIOC_ENUM_FRAMEINTERVALS: struct v4l2_frmivalenum."""

    _anonymous_ = ("interval",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("interval", _Interval),
        ("reserved", c_uint32 * 2),
    ]


class PixelFormat(Structure):
    """Struct v4l2_pix_format."""

    _fields_ = [
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    ]


class _AnyFormat(Union):
    # The header's union holds pointers, so it stands on 8 bytes, and is 200 bytes long.
    _fields_ = [("pix", PixelFormat), ("raw", c_uint8 * 200), ("aligned", c_ulong)]


class Format(Structure):
    """What VIDIOC_S_FMT asks for and answers: struct v4l2_format."""

    _anonymous_ = ("fmt",)
    _fields_ = [("type", c_uint32), ("fmt", _AnyFormat)]


class CaptureParameters(Structure):
    """Struct v4l2_captureparm."""

    _fields_ = [
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", Fraction),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    ]


class _AnyParameters(Union):
    _fields_ = [("capture", CaptureParameters), ("raw", c_uint8 * 200)]


class Parameters(Structure):
    """What VIDIOC_S_PARM asks for and answers: struct v4l2_streamparm."""

    _anonymous_ = ("parm",)
    _fields_ = [("type", c_uint32), ("parm", _AnyParameters)]


class RequestBuffers(Structure):
    """Struct v4l2_requestbuffers."""

    _fields_ = [
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    ]


class Moment(Structure):
    """Struct timeval."""

    _fields_ = [("tv_sec", c_long), ("tv_usec", c_long)]


class Timecode(Structure):
    """Struct v4l2_timecode."""

    _fields_ = [
        ("type", c_uint32),
        ("flags", c_uint32),
        ("frames", c_uint8),
        ("seconds", c_uint8),
        ("minutes", c_uint8),
        ("hours", c_uint8),
        ("userbits", c_uint8 * 4),
    ]


class _Place(Union):
    _fields_ = [("offset", c_uint32), ("userptr", c_ulong), ("fd", c_int32)]


class Buffer(Structure):
    """One frame's place, by VIDIOC_QUERYBUF, QBUF and DQBUF: struct v4l2_buffer."""

    _anonymous_ = ("m",)
    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", Moment),
        ("timecode", Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _Place),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    ]


class ControlQuery(Structure):
    """What VIDIOC_QUERYCTRL answers: struct v4l2_queryctrl."""

    _fields_ = [
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    ]


class MenuQuery(Structure):
    """One choice of a menu, by VIDIOC_QUERYMENU: struct v4l2_querymenu, which is packed."""

    _pack_ = 1
    _fields_ = [
        ("id", c_uint32),
        ("index", c_uint32),
        ("name", c_char * 32),
        ("reserved", c_uint32),
    ]


class ControlValue(Structure):
    """Struct v4l2_control."""

    _fields_ = [("id", c_uint32), ("value", c_int32)]


_NONE, _WRITE, _READ, _BOTH = 0, 1, 2, 3


def _request(way: int, number: int, what: type[Any]) -> int:
    return way << 30 | ctypes.sizeof(what) << 16 | ord("V") << 8 | number


QUERYCAP: Final = _request(_READ, 0, Capability)
ENUM_FMT: Final = _request(_BOTH, 2, FormatDescription)
S_FMT: Final = _request(_BOTH, 5, Format)
REQBUFS: Final = _request(_BOTH, 8, RequestBuffers)
QUERYBUF: Final = _request(_BOTH, 9, Buffer)
QBUF: Final = _request(_BOTH, 15, Buffer)
DQBUF: Final = _request(_BOTH, 17, Buffer)
STREAMON: Final = _request(_WRITE, 18, c_int32)
STREAMOFF: Final = _request(_WRITE, 19, c_int32)
S_PARM: Final = _request(_BOTH, 22, Parameters)
G_CTRL: Final = _request(_BOTH, 27, ControlValue)
S_CTRL: Final = _request(_BOTH, 28, ControlValue)
QUERYCTRL: Final = _request(_BOTH, 36, ControlQuery)
QUERYMENU: Final = _request(_BOTH, 37, MenuQuery)
ENUM_FRAMESIZES: Final = _request(_BOTH, 74, FrameSize)
ENUM_FRAMEINTERVALS: Final = _request(_BOTH, 75, FrameInterval)
