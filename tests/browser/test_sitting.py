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

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STEP_MS = 90_000
"""A busy machine looks and seals slowly; nothing here waits longer than it must."""


@dataclass
class Demo:
    """A running demo station."""

    kiosk: str
    v1: str
    token: str

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
            yield Demo(where["kiosk"], where["v1"], token)
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


@pytest.mark.parametrize(
    ("language", "size", "hint"),
    [
        ("zh-CN", (1080, 1920), "请把头摆正"),
        # The demo's person has straightened up by now.
        ("en", (1920, 1080), "Very good, just like that"),
    ],
    ids=["chinese-upright", "english-lying"],
)
def test_a_person_is_photographed_gives_two_fingers_and_is_receipted(  # noqa: PLR0917 - fixtures
    demo: Demo,
    chromium: Browser,
    screens_folder: Path | None,
    language: str,
    size: tuple[int, int],
    hint: str,
):
    """From the welcome to the centre's signed receipt, in this language and on this screen."""
    before = len(demo.packages())
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(STEP_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Sec" in message.text else None,
    )
    person = Person(page, language, screens_folder, [])
    page.goto(demo.kiosk)
    person.sees("welcome")
    if page.get_attribute("html", "lang") != language:
        person.touches(f"language:{language}")
        page.wait_for_selector(f"html[lang='{language}']")
    person.keeps("welcome")
    person.touches("start")
    person.sees("consent")
    person.keeps("consent")
    person.touches("agree")
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
    end_s = time.monotonic() + 60
    while [package["state"] for package in demo.packages()] != ["receipted"] * (before + 1):
        assert time.monotonic() < end_s, demo.packages()
        page.wait_for_timeout(100)
    page.close()
