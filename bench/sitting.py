"""A sitting in a real browser: touches, seconds, words read aloud; and a fault until its card.

The demo station serves it: a photograph that can be taken at once, a reader at its line's true
speed, a slip that is scanned. Whoever sits there reads in no time and touches as soon as the page
hears, so what is measured is the station's share. While an image is on the reader's line, which
takes what its speed says, the page says so; that time is taken off and told by itself.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from api.kiosk.spoken import spoken_lines
from bench import CannotRun, Figures
from bench.page_station import ARGUMENTS, CHROMIUM, UPRIGHT_PX
from demo.badge import open_or_make_badge
from demo.clerk import clerk_for
from demo.console.knobs import Knobs

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

CHECKOUT: Final = Path(__file__).resolve().parent.parent
LANGUAGE: Final = "zh-CN"
STEP_MS: Final = 60_000
_WATCHES: Final = """() => {
  window.told = []; window.lineMs = 0;
  let since = null;
  const look = () => {
    const stage = document.getElementById('stage');
    for (const line of (stage?.dataset.speak ?? '').split(' '))
      if (line && !window.told.includes(line)) window.told.push(line);
    const reading = document.querySelector("[data-phase='reading']") !== null;
    if (reading && since === null) since = performance.now();
    if (!reading && since !== null) { window.lineMs += performance.now() - since; since = null; }
  };
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, attributes: true});
  look();
}"""


@dataclass(frozen=True, slots=True)
class _Station:
    kiosk: str
    v1: str
    folder: Path


@dataclass(frozen=True, slots=True)
class _Sitting:
    seconds: float
    line_s: float
    touches: int
    words: int


def measure(long: bool) -> Figures:
    """Sit once, or with `long` three times, with and without an earlier photo; pull both plugs.

    Raises:
        CannotRun: something that it needs is not here, or the station did not serve.
    """
    times = 3 if long else 1
    with _station() as station, _page(station) as page:
        good = [_good_case(station, page) for _ in range(times)]
        reused = [_reuse(station, page) for _ in range(times)]
        camera_s = max(_to_calm(station, page, "camera.plug", "portrait") for _ in range(times))
        reader_s = max(_to_calm(station, page, "reader.plug", "finger") for _ in range(times))
    slowest = max(good, key=lambda one: one.seconds)
    return {
        "touches": max(one.touches for one in good),
        "seconds": round(slowest.seconds, 1),
        "line_seconds": round(slowest.line_s, 1),
        "reuse_seconds": round(max(one.seconds for one in reused), 1),
        "reuse_touches": max(one.touches for one in reused),
        "fault_to_calm_s": round(max(camera_s, reader_s), 2),
        "camera_to_calm_s": round(camera_s, 2),
        "reader_to_calm_s": round(reader_s, 2),
        "words": max(one.words for one in good),
        "sittings": 2 * times,
    }


def _good_case(station: _Station, page: Page) -> _Sitting:
    slip = _order(station)

    def begin() -> None:
        # In one go, as a scanner does: through the driver a busy machine types like a hand.
        page.evaluate(
            """(keys) => { for (const key of keys) document.body.dispatchEvent(
              new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})); }""",
            [*f"anxin:{slip}", "Enter"],
        )
        _sees(page, "name")

    def sit(touch: Callable[[str], None]) -> None:
        touch("name-right")
        touch("agree")
        touch("portrait-kept")
        touch("hand-in")

    return _sit(page, begin, sit)


def _reuse(station: _Station, page: Page) -> _Sitting:
    clerk, badge = clerk_for("accepted"), open_or_make_badge(station.folder)
    if clerk is None:
        raise CannotRun("the demo has no earlier photo")
    clerk.begin(station.v1, station.folder)

    def sit(touch: Callable[[str], None]) -> None:
        for action in ("start", "agree", "reuse-chosen"):
            touch(action)
        # From here to the signature it is the attendant who touches.
        _touch(page, "staff:sign")
        for field, digits in (("number", badge.number), ("pin", badge.pin)):
            _touch(page, f"field:{field}")
            page.wait_for_selector(f".field.asked [data-{field}]", state="attached")
            for digit in digits:
                _touch(page, f"key:{digit}")
        _touch(page, "sign:same")
        touch("hand-in")

    return _sit(page, lambda: None, sit)


def _sit(
    page: Page, begin: Callable[[], None], sit: Callable[[Callable[[str], None]], None]
) -> _Sitting:
    page.reload()
    _sees(page, "welcome")
    page.evaluate(_WATCHES)
    touched: list[str] = []

    def touch(action: str) -> None:
        _touch(page, action)
        touched.append(action)

    began_s = time.monotonic()
    begin()
    sit(touch)
    _sees(page, "result")
    whole_s = time.monotonic() - began_s
    line_s = float(page.evaluate("() => window.lineMs")) / 1000
    lines = spoken_lines(LANGUAGE)
    said = [lines[line] for line in page.evaluate("() => window.told") if line in lines]
    hanzi = sum("\u3400" <= sign <= "\u9fff" for text in said for sign in text)
    _touch(page, "finish")
    _touch(page, "rate-good")
    _sees(page, "welcome")
    return _Sitting(whole_s - line_s, line_s, len(touched), hanzi)


def _to_calm(station: _Station, page: Page, plug: str, screen: str) -> float:
    """Return the seconds from pulling a plug in this step to the calm card on the page."""
    knobs = Knobs(station.folder, "suit")
    Knobs(station.folder, "nobody").turn("camera.play", "nobody")
    knobs.turn("reader.press", "none")
    _touch(page, "start")
    _touch(page, "agree")
    _sees(page, "portrait")
    if screen == "finger":
        _touch(page, "portrait-given-up")
        _sees(page, "finger")
    pulled_s = time.monotonic()
    knobs.turn(plug, "out")
    page.wait_for_selector("body[data-overlay='calm']")
    calm_s = time.monotonic() - pulled_s
    knobs.turn(plug, "in")
    page.wait_for_selector(f"body[data-screen='{screen}'][data-overlay='']")
    _touch(page, "ask-leave")
    _touch(page, "leave")
    _sees(page, "welcome")
    knobs.turn("camera.play", "suit")
    knobs.turn("reader.press", "plan")
    return calm_s


def _touch(page: Page, action: str) -> None:
    """Touch a button as soon as the page hears it."""
    button = f"button[value='{action}']"
    heard: list[Request] = []

    def hear(request: Request) -> None:
        # Not in the page: after the last touch of a sitting it is a new one.
        if request.method == "POST" and request.url.endswith("/act"):
            heard.append(request)

    page.wait_for_selector(button)
    page.on("request", hear)
    while not heard:
        page.click(button)
        page.wait_for_timeout(50)
    page.remove_listener("request", hear)


def _sees(page: Page, screen: str) -> None:
    page.wait_for_selector(f"body[data-screen='{screen}'][data-overlay='']")


def _order(station: _Station) -> str:
    slip = f"{secrets.randbelow(10**6):06d}"
    token = (station.folder / "store" / "v1.token").read_text(encoding="ascii").strip()
    body: dict[str, Any] = {
        "order_ref": f"bench-{secrets.token_hex(4)}",
        "person": {"surname": "陈", "honorific": "先生", "slip_code": slip},
    }
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(16)}
    with closing(httpx.Client(trust_env=False, timeout=20)) as v1:
        answer = v1.post(f"{station.v1}sittings", json=body, headers=headers)
    if answer.is_error:
        raise CannotRun(f"the station refused the order: {answer.status_code}")
    return slip


@contextmanager
def _station() -> Iterator[_Station]:
    with tempfile.TemporaryDirectory(prefix="anxin-sitting-") as folder:
        command = [sys.executable, "run_edge.py", "demo", "--json", "--folder", folder]
        command += ["--subject", "suit"]
        for listener in ("kiosk", "v1", "centre", "console", "guide"):
            command += [f"--{listener}-port", "0"]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        try:
            said = process.stdout.readline() if process.stdout else ""
            if not said:
                raise CannotRun("the demo ended before it served")
            where = json.loads(said)
            yield _Station(where["kiosk"], where["v1"], Path(folder))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STEP_MS / 1000)
            if process.stdout:
                process.stdout.close()


@contextmanager
def _page(station: _Station) -> Iterator[Page]:
    if not os.path.exists(CHROMIUM):
        raise CannotRun("chromium is missing: run `make test`")
    # Not at the top: what is not installed cannot be measured with, and says so.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": UPRIGHT_PX[0], "height": UPRIGHT_PX[1]})
        page.set_default_timeout(STEP_MS)
        page.goto(station.kiosk)
        _sees(page, "welcome")
        yield page
        browser.close()
