"""Preview: from the camera's frame to pixels on the page's canvas, in a real browser.

The whole live half of a station runs on two cores: camera owner, encoding, web server, vision
worker, and Chromium with software rendering. A page script reads the frame's number off the canvas
at each of the browser's own frames; what a screen needs to light up is not in it. Then the camera
hangs, and the age of what is still shown is watched.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench import CannotRun, Figures
from bench.page_station import (
    BITS,
    FIELD_PX,
    FrameClock,
    high,
    middle,
    page_of_station,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

WARM_UP_S: Final = 3.0
WATCHED_S: Final = 15.0
HANGS_S: Final = 4.0
FRAME_PX: Final = (1280, 720)

# The page shows the middle square of the frame, mirrored.
_READ: Final = """([bits, field, height]) => {
  window.seen = [];
  window.shown = [];
  const one = (canvas) => {
    const scale = canvas.width / height, context = canvas.getContext("2d");
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const x = canvas.width / 2 - (bit - bits / 2 + 0.5) * field * scale;
      const y = (height - 1.5 * field) * scale;
      if (context.getImageData(x, y, 1, 1).data[0] > 127) number |= 1 << bit;
    }
    return number;
  };
  let last = -1;
  const look = () => {
    const canvas = document.querySelector("canvas[data-preview]");
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
    with page_of_station(clock) as page:
        page.evaluate(_READ, [BITS, FIELD_PX, FRAME_PX[1]])
        _pass(page, WARM_UP_S)
        page.evaluate("() => { seen.length = shown.length = 0; }")
        _pass(page, watched_s)
        latencies = _ages(clock, page.evaluate("() => seen"))
        live_max = max(_ages(clock, page.evaluate("() => shown")))
        clock.stopped.set()
        page.evaluate("() => { shown.length = 0; }")
        _pass(page, HANGS_S)
        hung = _ages(clock, page.evaluate("() => shown"))
        hidden = page.evaluate("() => document.querySelector('[data-preview]').hidden")
        clock.stopped.clear()
    if not hidden:
        raise CannotRun("the picture of a camera that hangs is still shown")
    return {
        "latency_ms_median": round(middle(latencies), 1),
        "latency_ms_p95": round(high(latencies, 0.95), 1),
        "latency_ms_max": round(max(latencies), 1),
        "fps": round(len(latencies) / watched_s, 1),
        "age_ms_max": round(live_max, 1),
        "age_ms_max_hung": round(max(hung), 1),
        "watched_s": watched_s,
    }


def _pass(page: Page, seconds: float) -> None:
    # The page's own time: Playwright's events are served meanwhile.
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        page.wait_for_timeout(200)


def _ages(clock: FrameClock, seen: list[list[float]]) -> list[float]:
    """Return how old each frame was when the page had it, in ms."""
    taken = clock.taken_at_ms
    return [at_ms - taken[int(number)] for number, at_ms in seen if int(number) in taken]
