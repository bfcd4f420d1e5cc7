"""A person in a story: touches what is shown, and remembers every word that was shown or spoken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from api.kiosk.catalogue import load_catalogue
from api.kiosk.spoken import spoken_lines
from demo.badge import open_or_make_badge
from tests.browser.persons import STEP_MS, Demo, Person
from tests.plain_language import complaints

SIZE: Final = (1080, 1920)
CATALOGUE: Final = load_catalogue()
_LISTENS: Final = """(() => {
  window.told = {shown: [], spoken: []};
  const note = (list, words) => { if (words && !list.includes(words)) list.push(words); };
  const look = () => {
    if (!document.body) return;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      if (!texts.currentNode.parentElement.closest('script'))
        note(window.told.shown, texts.currentNode.textContent.trim());
    }
    const stage = document.getElementById('stage');
    for (const line of (stage?.dataset.speak ?? '').split(' ')) note(window.told.spoken, line);
  };
  document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver(look).observe(document.body,
      {subtree: true, childList: true, characterData: true, attributes: true});
    look();
  });
})()"""


def stands(demo: Demo, play: str) -> None:
    """Let somebody else be seen by the camera."""
    (demo.folder / "camera" / "camera.control").write_text(f'play = "{play}"\n')


def blame(language: str, text: str) -> list[str]:
    """Return what blames or scolds in a text."""
    return [said for said in complaints(language, text) if said.startswith(("blames", "orders"))]


@dataclass
class Words:
    """What a station said to one person: captions, and ids of the lines that were read aloud."""

    language: str
    shown: dict[str, None] = field(default_factory=dict)
    spoken: dict[str, None] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Return everything in words."""
        lines = spoken_lines(self.language)
        return [*self.shown, *(lines[line] for line in self.spoken if line in lines)]


@dataclass
class Elder(Person):
    """Who sits before the screen of a story; `keeps` makes the next of its pictures."""

    demo: Demo
    story: str
    words: Words
    touched: int = 0
    pictures: int = 0
    complaints: list[str] = field(default_factory=list)
    is_gone: bool = False

    def sees(self, screen: str) -> None:
        """Wait for a screen, hear it out, and keep it."""
        super().sees(screen)
        self.step(screen)

    def sees_over(self, overlay: str) -> None:
        """Wait for what lies over the screen."""
        self.page.wait_for_selector(f"body[data-overlay='{overlay}']")
        self.step(overlay)

    def touches(self, action: str) -> None:
        """Touch a button."""
        self.hears()
        super().touches(action)
        self.touched += 1

    def step(self, name: str) -> None:
        """Take in what is said here; keep a picture where they are kept."""
        self.hears()
        self.pictures += 1
        self.keeps(f"{self.pictures:02d}-{name}")

    def keeps(self, name: str) -> None:
        """Keep a screenshot if they are kept."""
        if self.folder:
            file = self.folder / f"{self.story}-{self.language}-{name}.png"
            # Not by `path=`: that starts a thread which outlives the test.
            file.write_bytes(self.page.screenshot())

    def hears(self) -> None:
        """Take in all that the page has shown and read aloud so far."""
        told = self.page.evaluate("() => window.told")
        self.words.shown |= dict.fromkeys(told["shown"])
        self.words.spoken |= dict.fromkeys(told["spoken"])

    def was_told(self, line: str) -> bool:
        """Tell whether a line of the catalogue was shown so far, its first sentence at least."""
        self.hears()
        whole = CATALOGUE.line(self.language, line)
        return any(len(said) > 1 and whole.startswith(said) for said in self.words.shown)

    def until_told(self, line: str) -> None:
        """Wait until a hint was shown, however short it stood."""
        self.page.wait_for_function(
            "(line) => window.told.shown.some((said) => said.length > 1 && line.startsWith(said))",
            arg=CATALOGUE.line(self.language, line),
        )
        self.step(line.replace(".", "-"))

    def begins(self) -> None:
        """From the welcome to what follows the consent."""
        self.touches("start")
        self.sees("consent")
        self.touches("agree")

    def is_photographed(self) -> None:
        """Wait for the portrait and keep it."""
        self.sees("portrait-ok")
        self.touches("portrait-kept")

    def hands_in(self) -> None:
        """From the review to the result."""
        self.sees("review")
        self.touches("hand-in")
        self.sees("result")

    def goes(self) -> None:
        """From the result to the welcome of whoever comes next."""
        self.touches("finish")
        asked = self.page.wait_for_selector(
            "body:is([data-screen='rating'], [data-screen='welcome'])"
        )
        if asked and asked.get_attribute("data-screen") == "rating":
            self.keeps("rating")
            self.touches("rate-good")
            self.page.wait_for_selector("body[data-screen='welcome']")
        self.is_gone = True

    def was_met_kindly(self) -> None:
        """Hold every word that was shown or read aloud against the words of blame."""
        self.hears()
        texts = self.words.texts()
        assert len(texts) > 3
        assert self.words.spoken, "nothing was read aloud"
        assert not {text: said for text in texts if (said := blame(self.language, text))}
        assert self.complaints == []

    def types(self, digits: str) -> None:
        """Type each digit until the page hears it: a sheet that has just come is deaf."""
        for digit in digits:
            super().touches(f"key:{digit}")

    def signs(self, act: str) -> None:
        """Let the attendant type number and PIN on the open sheet, and sign."""
        badge, page = open_or_make_badge(self.demo.folder), self.page
        self.types(badge.number)
        page.wait_for_selector(f"[data-number]:text-is('{badge.number}')")
        super().touches("field:pin")
        page.wait_for_selector(".field.asked [data-pin]", state="attached")
        self.types(badge.pin)
        page.wait_for_selector("[data-pin]:text-is('••••••')")
        super().touches(act)


def arrives(  # noqa: PLR0917 - who, where, and what is kept
    demo: Demo,
    chromium: Browser,
    story: str,
    language: str,
    folder: Path | None,
    screen: str = "welcome",
) -> Elder:
    """Somebody comes to the welcome screen, or to where she was, and it speaks her language."""
    page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.set_default_timeout(STEP_MS)
    page.add_init_script(_LISTENS)
    elder = Elder(page, language, folder, [], demo, story, Words(language))
    page.on("pageerror", lambda error: elder.complaints.append(str(error)))
    page.goto(demo.kiosk)
    page.wait_for_selector(f"body[data-screen='{screen}'][data-overlay='']")
    if page.get_attribute("html", "lang") != language:
        Person.touches(elder, f"language:{language}")
        page.wait_for_selector(f"html[lang='{language}']")
        page.reload()  # what was said before was said in the other language
    elder.sees(screen)
    return elder


def until(holds: Callable[[], bool], why: str) -> None:
    """Wait for a truth that no page shows."""
    end_s = time.monotonic() + STEP_MS / 1000
    while not holds():
        assert time.monotonic() < end_s, f"waited in vain: {why}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Delivered:
    """One package as the centre opened it."""

    folder: Path

    def part(self, name: str) -> Any:
        """Return one of its JSON parts."""
        return json.loads((self.folder / "parts" / name).read_text())

    @property
    def sitting(self) -> Any:
        """The closing record."""
        return self.part("sitting.json")

    @property
    def manifest(self) -> Any:
        """What the station signed."""
        return json.loads((self.folder / "manifest.json").read_text())

    @property
    def names(self) -> set[str]:
        """Names of its parts."""
        root = self.folder / "parts"
        return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}

    @property
    def missing(self) -> dict[str, str]:
        """What is missing, and why."""
        return {row["what"]: row["reason"] for row in self.sitting["missing"]}

    def readings(self, part: str) -> dict[str, Any]:
        """Return what the manifest says of one part, by measure."""
        (row,) = [row for row in self.manifest["parts"] if row["name"] == part]
        return {reading["measure"]: reading for reading in row["readings"]}

    def row(self, part: str) -> Any:
        """Return the manifest's row of one part."""
        (row,) = [row for row in self.manifest["parts"] if row["name"] == part]
        return row


def packages(demo: Demo) -> set[str]:
    """Return the ids of all that the centre has opened."""
    arrived = demo.folder / "centre" / "packages"
    # One that is still being opened has a dot before its name.
    return {path.parent.name for path in arrived.glob("[!.]*/receipt.jws")}


def delivered(demo: Demo, before: set[str]) -> Delivered:
    """Wait for the one package that came since, and for its receipt."""
    until(lambda: len(packages(demo) - before) == 1, "one more package at the centre")
    (package_id,) = packages(demo) - before
    return Delivered(demo.folder / "centre" / "packages" / package_id)
