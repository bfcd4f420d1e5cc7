"""The one thread that reads a network camera, and the newest frame that it holds.

FFmpeg cannot leave a packet half-way and take it up again later, so that a call which must end in
time cannot read the line itself: that is why this driver, alone of them, has a thread. It holds one
frame and no queue; who is slow gets the newest and never an old one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Final

import numpy as np

from drivers.camera import Dropped, JpegPicture, Picture
from drivers.cameras.rtsp.config import Config
from drivers.cameras.rtsp.pace import Pace
from drivers.errors import (
    DeviceAbsent,
    DeviceError,
    DeviceTimeout,
    ProtocolViolation,
    SettingsRefused,
)
from drivers.jpeg_frame import PIXELS_MAX, read_head, whole

MISSING: Final = "network cameras need PyAV; install it with: python3.11 -m setup cameras"
SILENT: Final = "the camera is silent"
_DAMAGED_MAX: Final = 100
"""So many packets in a row that no picture comes of: that is no camera."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One frame: its picture, and `time.monotonic` of its exposure as far as the line tells it."""

    pixels: Picture | JpegPicture
    taken_at_s: float


class Pull:
    """Reads one stream until it ends, fails or is closed."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._news = Condition()
        self._newest: Arrived | None = None
        self._failure: DeviceError | None = None
        self._closing = False
        self._dropped: Counter[Dropped] = Counter()
        self._stream = _open(config)
        self._thread = Thread(target=self._run, name="rtsp", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> Arrived:
        """Return the newest frame that nobody took yet. Raises `DeviceError` as the line failed."""
        with self._news:
            self._news.wait_for(lambda: self._live() or self._failure, timeout_s)
            if self._failure is not None:
                raise self._failure
            taken, self._newest = self._newest, None
        if taken is None:
            raise DeviceTimeout(f"no frame within {timeout_s:g} s{self._said_of_torn()}")
        return taken

    def _live(self) -> bool:
        """Whether a frame is there that is still young enough; an older one is dropped."""
        kept = self._newest
        if kept and time.monotonic() - kept.taken_at_s > self._config.late_after_s:
            self._newest = None
            self._dropped["late"] += 1
        return self._newest is not None

    def dropped(self) -> dict[Dropped, int]:
        """Return how many frames were not shown, by reason."""
        with self._news:
            return dict(self._dropped)

    def close(self) -> None:
        """Hang up and end the thread: at once while frames come, within `stall_s` else."""
        self._closing = True
        self._fail(DeviceAbsent("the camera was closed"))
        self._thread.join()

    def _said_of_torn(self) -> str:
        torn = self._dropped["torn"]
        return f" ({torn} came torn)" if torn else ""

    def _run(self) -> None:
        try:
            with self._stream as container:
                for arrived in self._frames(container):
                    with self._news:
                        if self._newest is not None:
                            self._dropped["late"] += 1
                        self._newest = arrived
                        self._news.notify_all()
            self._fail(DeviceAbsent("the camera ended the stream"))
        except Exception as failure:  # a thread has nobody else to tell
            self._fail(_named(failure))

    def _fail(self, failure: DeviceError) -> None:
        with self._news:
            self._failure = self._failure or failure
            self._newest = None
            self._news.notify_all()

    def _frames(self, container: Any) -> Iterator[Arrived]:
        video = container.streams.video[0]
        is_jpeg = video.codec_context.name == "mjpeg"
        pace, damaged, size = Pace(), 0, None
        for packet in container.demux(video):
            arrived_at_s = time.monotonic()
            if self._closing:
                return
            pictures = _jpeg(packet) if is_jpeg else _decoded(packet)
            damaged = 0 if pictures else damaged + 1
            if damaged > _DAMAGED_MAX:
                raise ProtocolViolation("what the camera sends is no picture")
            if pictures is None:
                self._count("torn")
            for pixels, stamp_s in pictures or ():
                age_s = pace.age_s(arrived_at_s if stamp_s is None else stamp_s, arrived_at_s)
                if age_s > self._config.late_after_s:
                    self._count("late")
                    continue
                now = _size(pixels)
                if now != (size := size or now):
                    self._count("wrong_size")
                    continue
                yield Arrived(pixels, arrived_at_s - age_s)

    def _count(self, why: Dropped) -> None:
        with self._news:
            self._dropped[why] += 1


Pictures = list[tuple[Picture | JpegPicture, float | None]]


def _jpeg(packet: Any) -> Pictures | None:
    """Return the packet's JPEG as it came; None if it is torn."""
    if not packet.size:
        return []
    sent = bytes(packet)
    try:
        head = read_head(sent)
    except ProtocolViolation:
        return None
    return [(JpegPicture(whole(sent, head), head.width_px, head.height_px), _stamp_s(packet))]


def _decoded(packet: Any) -> Pictures | None:
    """Return the pictures that the decoder had ready; None if the packet broke one."""
    from av.error import FFmpegError  # noqa: PLC0415  # of the extra

    try:
        frames = packet.decode()
    except FFmpegError:
        return None
    whole_frames = [frame for frame in frames if not frame.is_corrupt]
    if frames and not whole_frames:
        return None
    return [
        (np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), frame.time)
        for frame in whole_frames
        if frame.width * frame.height <= PIXELS_MAX
    ]


def _stamp_s(packet: Any) -> float | None:
    if packet.pts is None or packet.time_base is None:
        return None
    return float(packet.pts * packet.time_base)


def _size(pixels: Picture | JpegPicture) -> tuple[int, int]:
    if isinstance(pixels, JpegPicture):
        return pixels.width_px, pixels.height_px
    return int(pixels.shape[1]), int(pixels.shape[0])


def _open(config: Config) -> Any:
    try:
        import av  # noqa: PLC0415  # of the extra
    except ImportError as failure:
        raise DeviceError(MISSING) from failure

    # Nothing is kept back to be put in order, and the stream is judged by its first second.
    options = {
        "rtsp_transport": config.transport,
        "allowed_media_types": "video",
        "fflags": "nobuffer+discardcorrupt",
        "flags": "low_delay",
        "max_delay": "0",
        # Its rate is not needed: without the probe a camera is back 0.7 s sooner.
        "fpsprobesize": "0",
        "analyzeduration": "1000000",
        "probesize": "500000",
        # A camera must not send us on to a file of this machine.
        "protocol_whitelist": "rtsp,rtsps,rtp,srtp,tcp,udp,tls,crypto",
    }
    timeouts_s = (config.answer_s, config.stall_s)
    began_s = time.monotonic()
    try:
        container = av.open(config.full_url(), format="rtsp", options=options, timeout=timeouts_s)
    except Exception as failure:
        if time.monotonic() - began_s >= config.answer_s:
            # What was cut off in the middle of a conversation, FFmpeg calls invalid.
            raise DeviceTimeout(SILENT) from None
        raise _named(failure) from None  # FFmpeg's own sentence holds the password
    if not container.streams.video:
        container.close()
        raise DeviceError("the camera's stream has no video")
    _decode_at_once(container)
    return container


def _decode_at_once(container: Any) -> None:
    video = container.streams.video[0]
    # Frame threads hold back a frame each: here every frame that came is a frame that is shown.
    video.thread_type = "SLICE"
    video.codec_context.flags |= int(_low_delay())
    # A picture that the decoder had to guess at is told as an error, not shown.
    video.codec_context.options = {"err_detect": "explode"}


def _low_delay() -> int:
    from av.codec.context import Flags  # noqa: PLC0415  # of the extra

    return int(Flags.low_delay)


def _named(failure: Exception) -> DeviceError:
    """Return FFmpeg's error in the house's words; its own may name the address and the password."""
    if isinstance(failure, DeviceError):
        return failure
    from av import error  # noqa: PLC0415  # of the extra

    kinds: list[tuple[tuple[type[BaseException], ...], Callable[[str], DeviceError], str]] = [
        ((error.HTTPUnauthorizedError, error.HTTPForbiddenError), SettingsRefused,
         "the camera refuses the user or the password"),
        ((error.HTTPNotFoundError, error.HTTPBadRequestError, error.HTTPOtherClientError),
         SettingsRefused, "the camera has no such stream; look at the end of the address"),
        ((error.ExitError, error.TimeoutError, TimeoutError), DeviceTimeout,
         SILENT),
        ((error.InvalidDataError,), ProtocolViolation,
         "what the camera sends cannot be read"),
        ((error.EOFError, EOFError, OSError), DeviceAbsent,
         "the camera does not answer, or hung up"),
    ]  # fmt: skip
    for classes, made, sentence in kinds:
        if isinstance(failure, classes):
            return made(sentence)
    return DeviceError(f"FFmpeg gave up: {type(failure).__name__}")
