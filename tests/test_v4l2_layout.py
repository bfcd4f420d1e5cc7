"""Our structures against the header of this machine, and the driver against a node written in C.

Both want a C compiler and linux/videodev2.h. No camera stands behind either: the first shows that
the bytes lie where the kernel's own header puts them, the second that the real system calls carry
them. What a camera answers is not shown by them.
"""

from __future__ import annotations

import ctypes
import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.cameras.v4l2 import kernel
from drivers.cameras.v4l2.controls import KNOWN, MIRROR

CHECKOUT = Path(__file__).resolve().parents[1]
HEADER = Path("/usr/include/linux/videodev2.h")
COMPILER = shutil.which("cc") or shutil.which("gcc")
compiled = pytest.mark.skipif(
    not COMPILER or not HEADER.exists(), reason="no C compiler, or no linux/videodev2.h"
)
NAMES = {
    "Capability": "v4l2_capability",
    "FormatDescription": "v4l2_fmtdesc",
    "Fraction": "v4l2_fract",
    "DiscreteSize": "v4l2_frmsize_discrete",
    "StepwiseSize": "v4l2_frmsize_stepwise",
    "FrameSize": "v4l2_frmsizeenum",
    "StepwiseInterval": "v4l2_frmival_stepwise",
    "FrameInterval": "v4l2_frmivalenum",
    "PixelFormat": "v4l2_pix_format",
    "Format": "v4l2_format",
    "CaptureParameters": "v4l2_captureparm",
    "Parameters": "v4l2_streamparm",
    "RequestBuffers": "v4l2_requestbuffers",
    "Moment": "timeval",
    "Timecode": "v4l2_timecode",
    "Buffer": "v4l2_buffer",
    "ControlQuery": "v4l2_queryctrl",
    "MenuQuery": "v4l2_querymenu",
    "ControlValue": "v4l2_control",
}
UNNAMED = {"size": "discrete", "interval": "discrete", "fmt": "fmt", "parm": "parm", "m": "m"}
"""Where the header has a union without a name, a member of it tells the place."""
NUMBERS = {
    "V4L2_BUF_TYPE_VIDEO_CAPTURE": kernel.CAPTURE,
    "V4L2_MEMORY_MMAP": kernel.MMAP,
    "V4L2_CAP_VIDEO_CAPTURE": kernel.CAP_VIDEO_CAPTURE,
    "V4L2_CAP_STREAMING": kernel.CAP_STREAMING,
    "V4L2_CAP_DEVICE_CAPS": kernel.CAP_DEVICE_CAPS,
    "V4L2_FRMSIZE_TYPE_DISCRETE": kernel.SIZE_DISCRETE,
    "V4L2_FRMIVAL_TYPE_DISCRETE": kernel.INTERVAL_DISCRETE,
    "V4L2_BUF_FLAG_ERROR": kernel.BUFFER_ERROR,
    "V4L2_BUF_FLAG_TIMESTAMP_MASK": kernel.CLOCK_MASK,
    "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC": kernel.CLOCK_MONOTONIC,
    "V4L2_CTRL_FLAG_DISABLED": kernel.CONTROL_DISABLED,
    "V4L2_CTRL_FLAG_GRABBED": kernel.CONTROL_GRABBED,
    "V4L2_CTRL_FLAG_READ_ONLY": kernel.CONTROL_READ_ONLY,
    "V4L2_CTRL_FLAG_INACTIVE": kernel.CONTROL_INACTIVE,
    "V4L2_CTRL_FLAG_WRITE_ONLY": kernel.CONTROL_WRITE_ONLY,
    "V4L2_CTRL_TYPE_INTEGER": kernel.TYPE_INTEGER,
    "V4L2_CTRL_TYPE_BOOLEAN": kernel.TYPE_BOOLEAN,
    "V4L2_CTRL_TYPE_MENU": kernel.TYPE_MENU,
    "V4L2_CTRL_TYPE_INTEGER_MENU": kernel.TYPE_INTEGER_MENU,
    "V4L2_PIX_FMT_MJPEG": kernel.fourcc("MJPG"),
    "V4L2_PIX_FMT_YUYV": kernel.fourcc("YUYV"),
    **{
        f"VIDIOC_{name}": getattr(kernel, name)
        for name in (
            "QUERYCAP", "ENUM_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON",
            "STREAMOFF", "S_PARM", "G_CTRL", "S_CTRL", "QUERYCTRL", "QUERYMENU",
            "ENUM_FRAMESIZES", "ENUM_FRAMEINTERVALS",
        )
    },
}  # fmt: skip
CONTROLS = {
    "V4L2_CID_EXPOSURE_AUTO": "exposure_auto",
    "V4L2_CID_EXPOSURE_ABSOLUTE": "exposure_100us",
    "V4L2_CID_EXPOSURE_AUTO_PRIORITY": "exposure_slows_frames",
    "V4L2_CID_AUTO_WHITE_BALANCE": "white_balance_auto",
    "V4L2_CID_WHITE_BALANCE_TEMPERATURE": "white_balance_k",
    "V4L2_CID_FOCUS_AUTO": "focus_auto",
    "V4L2_CID_FOCUS_ABSOLUTE": "focus",
    "V4L2_CID_AUTOGAIN": "gain_auto",
    "V4L2_CID_GAIN": "gain",
    "V4L2_CID_POWER_LINE_FREQUENCY": "power_line_hz",
    "V4L2_CID_ZOOM_ABSOLUTE": "zoom",
    "V4L2_CID_PAN_ABSOLUTE": "pan_arcsec",
    "V4L2_CID_TILT_ABSOLUTE": "tilt_arcsec",
    "V4L2_CID_BRIGHTNESS": "brightness",
    "V4L2_CID_CONTRAST": "contrast",
    "V4L2_CID_SATURATION": "saturation",
    "V4L2_CID_HUE": "hue",
    "V4L2_CID_GAMMA": "gamma",
    "V4L2_CID_SHARPNESS": "sharpness",
    "V4L2_CID_BACKLIGHT_COMPENSATION": "backlight_compensation",
}


def structures():
    classes = inspect.getmembers(kernel, inspect.isclass)
    return {
        name: made
        for name, made in classes
        if issubclass(made, ctypes.Structure) and made is not ctypes.Structure
    }


def built(source, out, *flags):
    program = out.with_suffix(".c")
    program.write_text(source)
    done = subprocess.run(
        [COMPILER, "-Wall", "-Werror", *flags, str(program), "-o", str(out)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


@compiled
def test_every_structure_and_number_is_the_headers_own(tmp_path):
    """Sizes, places of every member, request numbers, flags and control numbers."""
    known = {known.name: known.number for known in KNOWN}
    expected = {name: number & 0xFFFFFFFF for name, number in NUMBERS.items()}
    expected |= {cid: known[name] for cid, name in CONTROLS.items()} | {"V4L2_CID_HFLIP": MIRROR}
    for name, made in structures().items():
        expected[f"sizeof(struct {NAMES[name]})"] = ctypes.sizeof(made)
        for member, _ in made._fields_:
            told = UNNAMED.get(member, member)
            expected[f"offsetof(struct {NAMES[name]}, {told})"] = getattr(made, member).offset
    lines = "".join(
        f'printf("%lu\\n", (unsigned long)({word}) & 0xffffffffUL);\n' for word in expected
    )
    includes = "#include <stdio.h>\n#include <stddef.h>\n#include <sys/time.h>\n"
    program = built(
        f"{includes}#include <linux/videodev2.h>\nint main(void) {{\n{lines}return 0;\n}}\n",
        tmp_path / "layout",
    )
    told = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    found = dict(zip(expected, map(int, told.stdout.split()), strict=True))

    assert found == expected
    assert set(known) == set(CONTROLS.values())
    assert set(NAMES) == set(structures())


@compiled
def test_the_driver_streams_from_a_node_that_was_written_in_c(tmp_path):
    """Through the real open, ioctl, mmap and poll, with the header's own structures behind them."""
    source = (Path(__file__).parent / "v4l2_node.c").read_text()
    library = built(source, tmp_path / "node.so", "-shared", "-fPIC", "-ldl")
    device = tmp_path / "usb-Written_in_C-video-index0"
    device.touch()
    # The loader names its own library first where a sanitizer is at work; here none is.
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(device)], capture_output=True, text=True, timeout=120,
        check=False, cwd=CHECKOUT, env={**os.environ, "LD_PRELOAD": str(library)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert told["model"] == "Written in C"
    assert told["offered"] == [["YUYV", 64, 64, [25.0]]]
    assert told["shapes"] == [[64, 64, 3]] * 5
    assert told["sequences"] == [1, 2, 3, 4, 5]
    assert told["greys"] == sorted(told["greys"])
    assert told["ages_s"] == [pytest.approx(0, abs=5)] * 5
    assert told["brightness"] == [12, 77]
    assert "cannot be 256; 0 to 255" in told["refused"]
    assert (told["told"], told["gone"]) == ("DeviceAbsent", "DeviceAbsent")


STREAM = """
import json, sys, time
from pathlib import Path
from drivers.cameras.v4l2.modes import modes
from drivers.errors import DeviceError
from drivers.load import open_camera

camera = open_camera("v4l2", {"device": sys.argv[1], "pixel_format": "YUYV", "width_px": 64,
                              "height_px": 64, "rate_hz": 25})
told = {"model": camera.model, "brightness": []}
frames = [camera.read(20.0) for _ in range(5)]
told["offered"] = [[m.pixel_format, m.width_px, m.height_px, list(m.rates_hz)]
                   for m in modes(camera._node)]
told["shapes"] = [frame.bgr.shape for frame in frames]
told["sequences"] = [frame.sequence for frame in frames]
told["greys"] = [int(frame.bgr.mean()) for frame in frames]
told["ages_s"] = [time.monotonic() - frame.captured_at_s for frame in frames]
told["brightness"].append(camera.controls()[0].value)
told["brightness"].append(camera.set_control("brightness", 77).value)
try:
    camera.set_control("brightness", 256)
except DeviceError as refused:
    told["refused"] = str(refused)
try:
    camera.set_control("brightness", 255)
except DeviceError as gone:
    told["told"] = type(gone).__name__
try:
    for _ in range(100):
        camera.read(5.0)
except DeviceError as gone:
    told["gone"] = type(gone).__name__
camera.close()
print(json.dumps(told))
"""
