"""Interaction: how soon the page answers a touch, on two cores that have other work too.

Touches are the browser's own input events on the page's bars, while the preview runs and one more
process for each core computes. Interaction to next paint is what the browser's Event Timing reports
(in steps of 8 ms); the answer of the station is the time until the changed screen is drawn.
Source: web.dev, "Interaction to Next Paint": the worst of few interactions, else the 98th of 100.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bench import CannotRun, Figures
from bench.live_station import CORES
from bench.page_station import FrameClock, high, middle, page_of_station

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOUCHES: Final = ("scale:1.25", "theme:contrast", "scale:1", "theme:light")
ROUNDS: Final = 5
DEAF_MS: Final = 900
"""For a moment after a touch the page is deaf to the next, so a hand waits this long."""
INP_SHARE: Final = 0.98

_LISTEN: Final = """() => {
  window.interactions = new Map();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) window.interactions.set(
      entry.interactionId, Math.max(entry.duration, window.interactions.get(entry.interactionId) || 0));
  }).observe({type: "event", durationThreshold: 16, buffered: true});
  window.answers = [];
  document.addEventListener("click", (event) => {
    const began = event.timeStamp;
    const look = () => JSON.stringify(document.getElementById("stage").dataset);
    const before = look();
    const wait = () => {
      if (look() === before) requestAnimationFrame(wait);
      else requestAnimationFrame(() => window.answers.push(performance.now() - began));
    };
    wait();
  }, true);
}"""  # noqa: E501

# Fresh processes: a thread here would share the interpreter with the station that is measured.
_BUSY: Final = "while True: sum(range(100000))"


def measure(long: bool) -> Figures:
    """Touch twenty times, or with `long` a hundred times.

    Raises:
        CannotRun: something that it needs is not here, or the browser reported nothing.
    """
    with page_of_station(FrameClock()) as page, _busy():
        page.evaluate(_LISTEN)
        touches = 0
        for _ in range(5 * ROUNDS if long else ROUNDS):
            for action in TOUCHES:
                _touch(page, action)
                touches += 1
        durations = page.evaluate("() => [...interactions.values()]")
        answers = page.evaluate("() => answers")
    # Below 16 ms the browser reports nothing: such touches were faster than it can say.
    durations += [16.0] * max(0, touches - len(durations))
    if len(answers) < touches:
        raise CannotRun(f"only {len(answers)} of {touches} touches were answered")
    return {
        "inp_ms": round(high(durations, INP_SHARE), 1),
        "inp_ms_median": round(middle(durations), 1),
        "answer_ms_median": round(middle(answers), 1),
        "answer_ms_p95": round(high(answers, 0.95), 1),
        "touches": touches,
        "busy_cores": CORES,
    }


def _touch(page: Page, action: str) -> None:
    button = page.wait_for_selector(f"button[value='{action}']")
    page.wait_for_timeout(DEAF_MS)
    box = button.bounding_box() if button else None
    if box is None:
        raise CannotRun(f"no button {action}")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(f"button[value='{action}']", state="detached")


@contextmanager
def _busy() -> Iterator[None]:
    """Keep the cores that this process may use at work."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    workers = [
        subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-s", "-c", _BUSY])
        for core in cores
    ]
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
