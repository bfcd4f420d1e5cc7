"""A whole sitting in a real browser, on the demo station: camera, reader, seal, centre, receipt."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from demo.badge import open_or_make_badge
from demo.clerk import Clerk, clerk_for

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STEP_MS = 90_000
"""A busy machine looks and seals slowly; nothing here waits longer than it must."""


@dataclass
class Demo:
    """A running demo station."""

    kiosk: str
    v1: str
    token: str
    folder: Path

    def order(self, name: str) -> Clerk:
        """Let the centre order one sitting with this earlier photo, over `/v1`."""
        clerk = clerk_for(name)
        assert clerk
        clerk.begin(self.v1, self.folder)
        return clerk

    def packages(self) -> list[dict[str, str]]:
        """All packages that were closed."""
        answer = httpx.get(f"{self.v1}packages", headers={"Authorization": f"Bearer {self.token}"})
        items: list[dict[str, str]] = answer.json()["items"]
        return items


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One station for the sittings of this file, ended by SIGTERM as a service is."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "run_edge.py", "demo", "--json", "--folder", str(folder)]
    for listener in ("kiosk", "v1", "centre"):
        command += [f"--{listener}-port", "0"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            where = json.loads(process.stdout.readline())
            token = (folder / "store" / "v1.token").read_text().strip()
            yield Demo(where["kiosk"], where["v1"], token, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@dataclass
class Person:
    """Somebody before the screen, who touches what is shown."""

    page: Page
    language: str
    folder: Path | None
    hints: list[str]

    def sees(self, screen: str) -> None:
        """Wait for a screen."""
        self.page.wait_for_selector(f"body[data-screen='{screen}'][data-overlay='']")

    def touches(self, action: str) -> None:
        """Touch a button, once the page hears again."""
        self.page.wait_for_timeout(750)
        self.page.click(f"button[value='{action}']")

    def sees_pictures(self, count: int) -> None:
        """Wait until so many pictures are not only asked for but drawn."""
        self.page.wait_for_function(
            """(count) => [...document.querySelectorAll('.print img')]
            .filter((img) => img.naturalWidth > 0).length === count""",
            arg=count,
        )

    def types(self, digits: str) -> None:
        """Type as fast as staff do: a key is heard at once."""
        for digit in digits:
            self.page.click(f"button[value='key:{digit}']")

    def keeps(self, name: str) -> None:
        """Keep a screenshot if one was asked for."""
        if self.folder:
            size = "x".join(map(str, (self.page.viewport_size or {}).values()))
            picture = self.folder / f"sitting-{name}-{self.language}-{size}.png"
            # Not by `path=`: that starts a thread which outlives the test.
            picture.write_bytes(self.page.screenshot())

    def notes_hints(self) -> None:
        """Remember each hint that is shown from now on."""
        self.page.evaluate(
            """() => { window.hints = []; setInterval(() => {
            const hint = document.querySelector('h1[data-hint]')?.textContent;
            if (hint && window.hints.at(-1) !== hint) window.hints.push(hint); }, 50); }"""
        )


def arrives(
    demo: Demo, chromium: Browser, language: str, size: tuple[int, int], folder: Path | None
) -> tuple[Person, list[str]]:
    """Somebody stands before the welcome screen; also returns what the browser will complain of."""
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(STEP_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Sec" in message.text else None,
    )
    person = Person(page, language, folder, [])
    page.goto(demo.kiosk)
    person.sees("welcome")
    if page.get_attribute("html", "lang") != language:
        person.touches(f"language:{language}")
        page.wait_for_selector(f"html[lang='{language}']")
    person.keeps("welcome")
    return person, complaints


@pytest.mark.parametrize(
    ("language", "size", "hint", "earlier"),
    [
        ("zh-CN", (1080, 1920), "请把头摆正", None),
        # The demo's person has straightened up by now.
        ("en", (1920, 1080), "Very good, just like that", "declined"),
    ],
    ids=["chinese-upright", "english-lying-declines-the-earlier-photo"],
)
def test_a_person_is_photographed_gives_two_fingers_and_is_receipted(  # noqa: PLR0917 - fixtures
    demo: Demo,
    chromium: Browser,
    screens_folder: Path | None,
    language: str,
    size: tuple[int, int],
    hint: str,
    earlier: str | None,
):
    """From the welcome to the centre's signed receipt, in this language and on this screen."""
    before = len(demo.packages())
    clerk = demo.order(earlier) if earlier else None
    person, complaints = arrives(demo, chromium, language, size, screens_folder)
    page = person.page
    person.touches("start")
    person.sees("consent")
    person.keeps("consent")
    person.touches("agree")
    if clerk:
        person.sees("reuse")
        person.sees_pictures(1)
        person.keeps("reuse")
        person.touches("reuse-declined")
    person.sees("portrait")
    person.notes_hints()
    page.wait_for_selector("canvas[data-preview]:not([hidden])")
    person.keeps("portrait")
    person.sees("portrait-ok")
    page.wait_for_function("() => document.querySelector('.print img')?.naturalWidth > 0")
    person.keeps("portrait-ok")
    hints = page.evaluate("() => window.hints")
    page.reload()
    person.sees("portrait-ok")
    person.touches("portrait-kept")
    person.sees("finger")
    person.keeps("finger")
    page.wait_for_selector("body[data-screen='finger'] [data-finger='left_thumb']")
    person.sees("review")
    page.wait_for_selector(".ticks .in:nth-child(3)")
    person.keeps("review")
    person.touches("hand-in")
    person.sees("result")
    page.wait_for_selector(".seal:not(.quiet)")
    person.keeps("result")
    person.touches("finish")
    person.sees("welcome")

    assert hint in hints
    assert complaints == []
    if clerk:
        assert clerk.fate(clerk.ordered[0]).photo == "declined"
    until_receipted(demo, page, before + 1)
    page.close()


def until_receipted(demo: Demo, page: Page, count: int) -> None:
    """Wait until so many packages are receipted, and no other is there."""
    end_s = time.monotonic() + 60
    while [package["state"] for package in demo.packages()] != ["receipted"] * count:
        assert time.monotonic() < end_s, demo.packages()
        page.wait_for_timeout(100)


def comes_to_the_signature(person: Person) -> None:
    """From the welcome to the sheet on which an attendant signs."""
    person.touches("start")
    person.sees("consent")
    person.touches("agree")
    person.sees("reuse")
    person.sees_pictures(1)
    person.keeps("reuse")
    person.touches("reuse-chosen")
    person.sees("reuse-check")
    person.page.wait_for_selector("button[value='staff:sign']")
    person.sees_pictures(2)
    person.keeps("reuse-check")
    person.touches("staff:sign")
    person.page.wait_for_selector("body[data-overlay='sign']")


def test_an_earlier_photo_is_taken_over_when_an_attendant_signs(
    demo: Demo, chromium: Browser, screens_folder: Path | None
):
    """No new portrait: both pictures, number and PIN on the pad, then the fingers only."""
    before, clerk = len(demo.packages()), demo.order("accepted")
    badge = open_or_make_badge(demo.folder)
    person, complaints = arrives(demo, chromium, "zh-CN", (1080, 1920), screens_folder)
    page = person.page
    comes_to_the_signature(person)
    person.page.wait_for_timeout(750)
    person.types(badge.number)
    page.click("button[value='field:pin']")
    page.wait_for_selector(".field.asked [data-pin]", state="attached")
    person.types("000000" if badge.pin != "000000" else "111111")
    page.wait_for_selector("[data-pin]:text-is('••••••')")
    person.touches("sign:same")
    page.wait_for_selector(".told:has-text('工号和密码对不上')")
    person.types(badge.pin)
    page.wait_for_selector("[data-pin]:text-is('••••••')")
    person.keeps("sign")
    person.touches("sign:same")
    person.sees("finger")
    for thumb in ("left_thumb", None):
        person.touches("finger-skipped")
        if thumb:
            page.wait_for_selector(f"[data-finger='{thumb}']")
    person.sees("review")
    person.touches("hand-in")
    person.sees("result")
    person.touches("finish")
    person.sees("welcome")

    fate = clerk.fate(clerk.ordered[0])
    assert (fate.state, fate.photo) == ("ended", "used")
    assert complaints == []
    until_receipted(demo, page, before + 1)
    page.close()


def test_another_person_s_photo_leads_to_a_new_one_without_a_word_of_blame(
    demo: Demo, chromium: Browser, screens_folder: Path | None
):
    """The attendant says no; the person reads one neutral line and is photographed."""
    clerk = demo.order("other_person")
    badge = open_or_make_badge(demo.folder)
    person, complaints = arrives(demo, chromium, "en", (1920, 1080), screens_folder)
    page = person.page
    comes_to_the_signature(person)
    person.page.wait_for_timeout(750)
    person.types(badge.number)
    page.click("button[value='field:pin']")
    person.types(badge.pin)
    page.wait_for_selector("[data-pin]:text-is('••••••')")
    person.keeps("sign")
    person.touches("sign:other")
    person.sees("portrait")
    page.wait_for_selector("[data-aside]:has-text('We take a new one')")
    person.keeps("refused")
    person.touches("ask-leave")
    person.touches("leave")
    person.sees("welcome")

    fate = clerk.fate(clerk.ordered[0])
    assert (fate.photo, fate.reason) == ("unfit", "other_person")
    assert complaints == []
    page.close()
