"""Preview: from the camera's frame to pixels on the page's canvas, in a real browser.

The whole live half of a station runs on two cores: camera owner, judging, web server, vision
worker, and Chromium with software rendering; the camera delivers JPEG. A page script reads the
frame's number off the canvas at each of the browser's own frames; what a screen needs to light up
is not in it. Then the camera hangs, and the age of what is still shown is watched.

The peer is the usual way: an `<img>` on a plain MJPEG stream of the same camera, read in the same
way in the same browser, with nobody judging frames and nobody taking an old one away. Then three
viewers watch each of both, and what serving them costs is measured (`bench.three_viewers`).
photobooth-app (`bench.photobooth`) is measured in the same way where it is installed, else it is
null: `--long` installs it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bench import CannotRun, Figures
from bench.frames import live_frames
from bench.page_station import (
    BITS,
    FIELD_PX,
    FrameClock,
    JpegNumberedCamera,
    high,
    middle,
    page_of_station,
)
from bench.photobooth import make_environment
from bench.three_viewers import PlainStream, Served, served_by, served_by_photobooth

if TYPE_CHECKING:
    from playwright.sync_api import Page

WARM_UP_S: Final = 3.0
WATCHED_S: Final = 15.0
HANGS_S: Final = 4.0
FRAME_PX: Final = (1280, 720)

# The page shows the middle square of the frame, mirrored.
_READ: Final = """([bits, field, height, plain]) => {
  window.seen = [];
  window.shown = [];
  const copy = document.createElement("canvas");
  const picture = () => {
    if (!plain) return document.querySelector("canvas[data-preview]");
    const image = document.querySelector("img");
    if (!image.naturalWidth) return null;
    copy.width = image.naturalWidth;
    copy.height = image.naturalHeight;
    copy.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
    return copy;
  };
  const one = (canvas) => {
    const scale = canvas.height / height, context = canvas.getContext("2d");
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const right = (bit - bits / 2 + 0.5) * field * scale * (plain ? 1 : -1);
      const x = canvas.width / 2 + right;
      const y = (height - 1.5 * field) * scale;
      if (context.getImageData(x, y, 1, 1).data[0] > 127) number |= 1 << bit;
    }
    return number;
  };
  let last = -1;
  const look = () => {
    const canvas = picture();
    if (canvas && !canvas.hidden) {
      const number = one(canvas), now = Date.now();
      if (number !== last) window.seen.push([number, now]);
      window.shown.push([number, now]);
      last = number;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def measure(long: bool) -> Figures:
    """Watch the page for fifteen seconds, or with `long` for a minute.

    Raises:
        CannotRun: something that it needs is not here, or the page showed nothing.
    """
    watched_s = 60.0 if long else WATCHED_S
    clock = FrameClock()
    with page_of_station(clock, JpegNumberedCamera) as page:
        latencies, shown = _watched(page, clock, watched_s, plain=False)
        live_max = max(shown)
        clock.stopped.set()
        page.evaluate("() => { shown.length = 0; }")
        _pass(page, HANGS_S)
        hung = _ages(clock, page.evaluate("() => shown"))
        hidden = page.evaluate("() => document.querySelector('[data-preview]').hidden")
        clock.stopped.clear()
        with _plain_stream() as (url, plain_clock):
            page.goto(url)
            plain, _ = _watched(page, plain_clock, watched_s, plain=True)
    if not hidden:
        raise CannotRun("the picture of a camera that hangs is still shown")
    return {
        "latency_ms_median": round(middle(latencies), 1),
        "latency_ms_p95": round(high(latencies, 0.95), 1),
        "latency_ms_max": round(max(latencies), 1),
        "fps": round(len(latencies) / watched_s, 1),
        "age_ms_max": round(live_max, 1),
        "age_ms_max_hung": round(max(hung), 1),
        "mjpeg_latency_ms_median": round(middle(plain), 1),
        "mjpeg_latency_ms_p95": round(high(plain, 0.95), 1),
        "mjpeg_fps": round(len(plain) / watched_s, 1),
        "watched_s": watched_s,
        **_served(watched_s, long=long),
    }


def _served(watched_s: float, *, long: bool) -> dict[str, float | int | str | None]:
    """Return what three viewers cost us, the plain stream and the peer, one after the other."""
    ours, plain = served_by("station", watched_s), served_by("plain", watched_s)
    if long:
        make_environment()
    try:
        peer: Served | None = served_by_photobooth(watched_s)
    except CannotRun:
        peer = None
    return {
        "cpu_share_three_viewers": round(ours.cpu_share, 3),
        "fps_three_viewers": round(ours.fps, 1),
        "mjpeg_cpu_share_three_viewers": round(plain.cpu_share, 3),
        "mjpeg_fps_three_viewers": round(plain.fps, 1),
        "photobooth_app_cpu_share_three_viewers": round(peer.cpu_share, 3) if peer else None,
        "photobooth_app_fps_three_viewers": round(peer.fps, 1) if peer else None,
        "jpeg_kb": round(ours.jpeg_kb, 1),
    }


def _watched(
    page: Page, clock: FrameClock, watched_s: float, *, plain: bool
) -> tuple[list[float], list[float]]:
    """Return the ages in ms of each picture when it came, and of what was shown at any time."""
    page.evaluate(_READ, [BITS, FIELD_PX, FRAME_PX[1], plain])
    _pass(page, WARM_UP_S)
    page.evaluate("() => { seen.length = shown.length = 0; }")
    _pass(page, watched_s)
    return _ages(clock, page.evaluate("() => seen")), _ages(clock, page.evaluate("() => shown"))


@contextmanager
def _plain_stream() -> Iterator[tuple[str, FrameClock]]:
    """Serve a plain MJPEG stream of such a camera, and a page that shows it."""
    clock, over = FrameClock(), threading.Event()
    camera = JpegNumberedCamera(live_frames(), clock)
    with PlainStream('<!doctype html><img src="/stream">') as server:

        def play() -> None:
            while not over.is_set():
                frame = camera.read(1.0)
                server.publish(frame.sequence, frame.jpeg or b"")

        threads = [threading.Thread(target=play), threading.Thread(target=server.serve_forever)]
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", clock
        finally:
            over.set()
            server.shutdown()
            for thread in threads:
                thread.join()


def _pass(page: Page, seconds: float) -> None:
    # The page's own time: Playwright's events are served meanwhile.
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        page.wait_for_timeout(200)


def _ages(clock: FrameClock, seen: list[list[float]]) -> list[float]:
    """Return how old each frame was when the page had it, in ms."""
    taken = clock.taken_at_ms
    return [at_ms - taken[int(number)] for number, at_ms in seen if int(number) in taken]
