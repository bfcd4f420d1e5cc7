"""People who walk a whole sitting by keys alone, by ear alone, or by eye alone.

Before them stands a desk that makes the machine's moves too: a portrait is taken as soon as
somebody agreed, prints come when the screen for them has been reached.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, Request

from api.app import KIOSK_STREAMS, KioskStation, Listener, create_kiosk_app
from api.kiosk.station import Voice
from edge.sitting import Event, Snapshot
from tests.browser.desk import SCENES, Camera, Desk, demo_content

LISTENS: Final = """
window.heard = [];
window.plays = 0;
document.addEventListener("speaking", (event) => window.heard.push(event.detail));
for (const kind of ["pointerdown", "mousedown", "touchstart"])
  document.addEventListener(kind, () => { sessionStorage.pointed = kind; }, true);
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.plays += 1; return play.call(this); };
"""
ROAD: Final = {
    Event.AGREE: "portrait-ok",
    Event.PORTRAIT_KEPT: "finger-place",
    Event.HAND_IN: "result-accepted",
    Event.FINISH: "rating",
}
"""What the machine shows next, where it does something by itself."""


@dataclass
class SelfMovingDesk(Desk):
    """A desk whose camera and reader have no trouble."""

    def _make(self, event: Event, token: str, still: Callable[[Snapshot], bool] | None) -> Snapshot:
        language = self.screen.snapshot.language
        super()._make(event, token, still)
        if event in ROAD:
            self.put(replace(SCENES[ROAD[event]], language=language))
        return self.screen.snapshot


@dataclass
class Walker:
    """Somebody before a page, with a keyboard of five keys."""

    page: Page
    desk: SelfMovingDesk
    lines: dict[str, str]
    """What each line id says."""
    language: str
    keys: int = 0
    screens: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._notes)

    def _notes(self, request: Request) -> None:
        if request.method == "POST":
            self.asks.append(request.url)

    def sees(self, screen: str, overlay: str = "") -> None:
        """Wait for a screen."""
        self.page.wait_for_selector(f"body[data-screen='{screen}'][data-overlay='{overlay}']")
        self.screens.append(overlay or screen)

    def press(self, key: str) -> None:
        """Press and let go."""
        self.keys += 1
        self.page.keyboard.press(key)

    def here(self) -> str:
        """The target that has the focus: what a touch of it asks."""
        return str(self.page.evaluate("() => document.activeElement.value ?? ''"))

    def reaches(self, action: str) -> None:
        """Go on by one arrow until this target has the focus."""
        count = self.page.evaluate("() => document.querySelectorAll('button').length")
        for _ in range(count + 1):
            if self.here() == action:
                return
            self.press("ArrowDown")
        raise AssertionError(f"{action} cannot be reached by keys")

    def enters(self) -> None:
        """Press Enter until the station is asked: for a moment after a change the page is deaf."""
        before = len(self.asks)
        self.press("Enter")
        while len(self.asks) == before:
            self.page.wait_for_timeout(60)
            if len(self.asks) == before:
                self.press("Enter")

    def chooses(self, action: str) -> None:
        """Reach a target and press it."""
        self.reaches(action)
        self.enters()

    def gives_prints(self) -> None:
        """Put the fingers on the glass: the review follows."""
        self.desk.put(replace(SCENES["review"], language=self.desk.snapshot.language))

    # ---- with the screen dark ----

    def hears(self, known: Callable[[str], bool]) -> str:
        """Wait until something that is meant is said; return it and forget what came before."""
        while True:
            self.page.wait_for_function("() => window.heard.some(Boolean)")
            for line_id in self.page.evaluate("() => window.heard.splice(0).filter(Boolean)"):
                if known(line_id):
                    return str(line_id)

    def hears_question(self) -> str:
        """Wait until the screen's first line is said, whichever it is."""
        first = self.page.evaluate("() => document.getElementById('stage').dataset.speak")
        wanted = first.split(" ")[0]
        assert wanted, f"{self.screens[-1]} says nothing"
        return self.hears(lambda line_id: line_id == wanted)

    def finds_by_ear(self, words: str) -> None:
        """Press the arrow until these words are said of the target, then Enter."""
        for _ in range(30):
            self.page.evaluate("() => { window.heard.length = 0; }")
            self.press("ArrowDown")
            if self.lines.get(self.hears(lambda _: True)) == words:
                self.enters()
                return
        raise AssertionError(f"nobody said {words!r}")


@contextmanager
def walking(
    chromium: Browser, packs: Path, lines: dict[str, str], language: str, size: tuple[int, int]
) -> Iterator[Walker]:
    """Open a page that speaks with these packs, before a desk that moves by itself."""
    desk, closing = SelfMovingDesk(replace(SCENES["welcome"], language=language)), threading.Event()
    station = KioskStation(
        desk, Camera(), "demo-01", "12345", 102.46, demo_content, voice=Voice(packs=packs)
    )
    app = create_kiosk_app(station, closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(60_000)
    page.add_init_script(LISTENS)
    try:
        page.goto(listener.url)
        walker = Walker(page, desk, lines, language)
        walker.sees("welcome")
        yield walker
    finally:
        page.close()
        listener.close()
