"""`make gate`: the whole product of screens, languages, sizes, colours, orientations and devices.

The suite takes each thing once; here each meets each other, axe runs everywhere, each language is
made longer by two fifths, and the tablet of the portable station is held to the sizes of the hand.
Writes docs/gate.md; ends with status 1 where a screen breaks a rule.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.gate.rules import Fault, Screen
from tests.browser.gate.walk import (
    ALL_LOOKS,
    LANGUAGES,
    LOOKS,
    PLACES,
    TABLET_PPI,
    TABLET_SIZES,
    Gate,
    gate,
)
from tests.browser.stand import SIZES
from tests.chromium import ARGUMENTS, CHROMIUM

PAGE = Path(__file__).resolve().parents[3] / "docs" / "gate.md"
LONGER = 0.4
CUT = frozenset({"text-cut", "overflow", "text-over-text", "text-over-target", "target-outside",
                 "targets-close"})  # fmt: skip
"""What too many letters do to a screen; that a question takes a third line is no harm by itself."""


@dataclass
class Round:
    """One walk over all screens, and what it found."""

    name: str
    held_to: bool
    axe: bool = True
    steps: bool = False
    found: list[Fault] = field(default_factory=list)
    screens: int = 0
    seconds: float = 0.0

    @property
    def failing(self) -> set[str]:
        """The screens on which something was found."""
        return {fault.what.split(" ", 1)[0] for fault in self.found}


def rounds(chromium: Browser) -> Iterator[Round]:
    """Walk everything, one round after the other."""
    for name, size in SIZES.items():
        yield walked(chromium, Round(f"kiosk, {name}", held_to=True), size, Screen(size_px=size))
    for name, size in SIZES.items():
        longer = Round(f"kiosk, {name}, words longer by {LONGER:.0%}", held_to=False)
        yield walked(chromium, longer, size, Screen(size_px=size))
    for name, size in TABLET_SIZES.items():
        tablet = Round(f"tablet, {name}", held_to=True, axe=False, steps=True)
        yield walked(chromium, tablet, size, Screen(TABLET_PPI, size))


def walked(chromium: Browser, one: Round, size: tuple[int, int], screen: Screen) -> Round:
    """Walk one round to its end."""
    began_s = time.monotonic()
    with gate(chromium, size, screen) as opened:
        for language in LANGUAGES:
            for place in PLACES:
                opened.draw(place, language)
                one.found += longer(opened, place, language) if "longer" in one.name else whole(
                    opened, place, language, axe=one.axe
                )  # fmt: skip
                if one.steps:
                    one.found += opened.step_faults(place, language)
                opened.leave(place)
    one.screens, one.seconds = len(PLACES), time.monotonic() - began_s
    failing = f"{len(one.failing)} of {one.screens} screens"
    say(f"{one.name}: {len(one.found)} faults on {failing}, {one.seconds:.0f} s")
    return one


def whole(opened: Gate, place: str, language: str, axe: bool) -> Iterator[Fault]:
    """Everything of one screen in all looks."""
    yield from opened.faults(place, language, ALL_LOOKS)
    for look in ALL_LOOKS if axe else ():
        yield from opened.axe_faults(place, language, look)


def longer(opened: Gate, place: str, language: str) -> Iterator[Fault]:
    """What is cut off where each word is longer."""
    opened.page.evaluate("(share) => gate.lengthen(share)", LONGER)
    yield from (fault for fault in opened.faults(place, language, LOOKS[:1]) if fault.name in CUT)


def say(words: str) -> None:
    """Tell whoever waits."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def page(walks: list[Round]) -> str:
    """Return docs/gate.md."""
    lines = [
        "# What the gate found",
        "",
        f"Written by `make gate` over {walks[0].screens} screens in {len(LANGUAGES)} languages and",
        f"{len(ALL_LOOKS)} looks; the rules stand in `tests/browser/gate/rules.py`.",
        "The kiosk is held to all of them, and to axe; the tablet to all of them, with the sizes",
        "of a screen in the hand. Longer words are put into the plain look: we say how far they",
        "hold.",
        "",
        "| walk | screens without a fault | faults | minutes |",
        "|---|---|---|---|",
    ]
    for one in walks:
        good = f"{one.screens - len(one.failing)} of {one.screens}"
        lines.append(f"| {one.name} | {good} | {len(one.found)} | {one.seconds / 60:.1f} |")
    for one in walks:
        if one.found:
            lines += ["", f"## {one.name[0].upper()}{one.name[1:]}", "", *details(one)]
    return "\n".join(lines) + "\n"


def details(one: Round) -> list[str]:
    """Each rule that is broken, on which screens."""
    rows = ["| fault | times | screens |", "|---|---|---|"]
    for name, count in Counter(fault.name for fault in one.found).most_common():
        where = sorted({f.what.split(" ", 1)[0] for f in one.found if f.name == name})
        shown = ", ".join(f"`{place}`" for place in where)
        rows.append(f"| {name} | {count} | {'all' if len(where) == one.screens else shown} |")
    return rows


def main() -> int:
    """Walk, write the page, and say by the status whether the kiosk is good."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        walks = list(rounds(browser))
        browser.close()
    PAGE.write_text(page(walks), encoding="utf-8")
    bad = [fault for one in walks if one.held_to for fault in one.found]
    say("\n".join(map(str, bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
