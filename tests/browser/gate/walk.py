"""Walk all screens in all looks, and collect what is wrong with each.

Pages are drawn by the server as they are for a kiosk; of their scripts none runs here, so that what
is measured holds still. What scripts do, the walks by key, ear and eye show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from api.kiosk.look import SCALES, THEMES
from api.kiosk.view import looks_live
from tests.browser.desk import SCENES, SHEETS, Camera, Desk, served
from tests.browser.gate import axe
from tests.browser.gate.rules import Bars, Fault, Screen, faults

MEASURE: Final = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
LANGUAGES: Final = ("zh-CN", "en")
PLACES: Final = (*SCENES, *SHEETS)
"""Every screen, overlay, variant and sheet of staff."""
LOOKS: Final = tuple({"scale": scale, "theme": THEMES[0]} for scale in SCALES) + tuple(
    {"scale": SCALES[0], "theme": theme} for theme in THEMES[1:]
)
"""All scales, and all themes: sizes do not follow colours, nor colours sizes."""
RESTING: Final = tuple({"scale": scale, "theme": THEMES[0], "resting": "1"} for scale in SCALES)
"""Where a camera's picture stands, also without it."""
ALL_LOOKS: Final = tuple({"scale": scale, "theme": theme} for scale in SCALES for theme in THEMES)

STEPS: Final = {
    "exception-two": ("why:amputated", "until:no_date", "exception:one"),
    "shutter": ("reason:head_covering_health", "shutter:take"),
    "sign": ("sign:same",),
}
"""What staff touch on a sheet: in the hand it comes in steps, and each asks for what is lacking."""
TABLET_SIZES: Final = {"lying": (1280, 800), "upright": (800, 1280)}
TABLET_PPI: Final = 149.45
"""10.1 inches: 217 x 136 mm, the least that a portable station has."""


@dataclass
class Gate:
    """One page before which a walk puts screen after screen."""

    desk: Desk
    page: Page
    url: str
    screen: Screen = field(default_factory=Screen)
    bars: Bars = field(default_factory=Bars)

    def draw(self, place: str, language: str, **changes: Any) -> None:
        """Put a scene up, or open a sheet of staff on it, and draw what the server answers."""
        scene, action = SHEETS.get(place, (place, ""))
        self.desk.put(replace(SCENES[scene], language=language, **changes))
        self.page.evaluate("() => gate.draw()")
        if action:
            self.touch(action)

    def touch(self, action: str) -> None:
        """Send one touch and draw what comes of it."""
        self.page.evaluate(
            """async (action) => { const body = new URLSearchParams(new FormData(gate.stage()));
            body.set('action', action);
            await fetch('/act', {method: 'POST', body, redirect: 'manual'});
            await gate.draw(); }""",
            action,
        )

    def step_faults(self, place: str, language: str) -> Iterator[Fault]:
        """Go on by touches on a sheet that stands, and yield what is wrong after each."""
        looks = tuple({"scale": scale, "theme": THEMES[0]} for scale in SCALES)
        for action in STEPS.get(place, ()):
            self.touch(action)
            for fault in self.faults(place, language, looks):
                yield Fault(fault.name, f"{fault.what} after {action}")

    def leave(self, place: str) -> None:
        """Close a sheet that was opened: the next screen is another one's."""
        if place in SHEETS:
            for action in ("staff:back", "stay"):
                self.touch(action)

    def faults(
        self,
        place: str,
        language: str,
        looks: tuple[dict[str, str], ...] = LOOKS,
        chosen: bool = False,
    ) -> Iterator[Fault]:
        """Yield what is wrong with the standing page, in each look.

        Args:
            place: of `PLACES`; what was drawn.
            language: in which.
            looks: sizes and colours to put on one after the other.
            chosen: the look was chosen by a touch, so the bars say other words than elsewhere.
        """
        if place in SCENES and looks_live(SCENES[place]) and not SCENES[place].overlay:
            looks = (*looks, *RESTING)
        for seen in self.read(*looks, rings=True):
            look = seen["look"]
            rests = " resting" if "resting" in look else ""
            where = f"{place} {language} x{look['scale']} {look['theme']}{rests}"
            size = (seen["width"], language, look["scale"], chosen and place + str(look))
            for fault in (*faults(seen, self.screen), *self.bars.moved(seen, size, place)):
                yield Fault(fault.name, f"{where}: {fault.what}")

    def read(self, *looks: dict[str, str], rings: bool = False) -> list[dict[str, Any]]:
        """Read the standing page in each look; focus goes to each target of the first if asked."""
        # As one string: what drives the browser takes a tree apart leaf by leaf.
        text: str = self.page.evaluate(
            "([looks, rings]) => JSON.stringify(gate.looks(looks, rings))", [list(looks), rings]
        )
        seen: list[dict[str, Any]] = json.loads(text)
        return seen

    def axe_faults(self, place: str, language: str, look: dict[str, str]) -> Iterator[Fault]:
        """Yield what axe says of the standing page in one look."""
        self.page.evaluate("(look) => gate.wear(look)", look)
        for fault in axe.violations(self.page):
            where = f"{place} {language} x{look['scale']} {look['theme']}"
            yield Fault(fault.name, f"{where}: {fault.what}")


@contextmanager
def gate(chromium: Browser, size: tuple[int, int], screen: Screen | None = None) -> Iterator[Gate]:
    """Open a page of this many pixels before a desk of its own; motion is asked to be still."""
    desk, screen = Desk(), screen or Screen(size_px=size)
    with served(desk, Camera(), screen.ppi) as listener:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.route("**/*.mjs", lambda route: route.fulfill(content_type="text/javascript", body=""))
        page.add_init_script(MEASURE)
        page.add_init_script(axe.SCRIPT)
        page.goto(listener.url)
        yield Gate(desk, page, listener.url, screen)
        context.close()
