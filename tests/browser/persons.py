"""The demo station as a process, and people before its screen in a real browser."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, Request

from demo.clerk import Clerk, clerk_for
from demo.console.knobs import Knobs

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STEP_MS = 90_000
"""A busy machine looks and seals slowly; nothing here waits longer than it must."""


@dataclass
class Demo:
    """A running demo station."""

    kiosk: str
    console: str
    v1: str
    token: str
    folder: Path
    guide: str
    process: subprocess.Popen[str]

    def order(self, name: str) -> Clerk:
        """Let the centre order one sitting with this earlier photo, over `/v1`."""
        clerk = clerk_for(name)
        assert clerk
        clerk.begin(self.v1, self.folder)
        return clerk

    def turns(self, knob: str, to: str) -> None:
        """Turn a knob of the reader or of the camera, as the demo's console does."""
        Knobs(self.folder, "straightens").turn(knob, to)

    def packages(self) -> list[dict[str, str]]:
        """All packages that were closed."""
        answer = httpx.get(
            f"{self.v1}packages", headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )
        items: list[dict[str, str]] = answer.json()["items"]
        return items


@contextmanager
def running_demo(folder: Path, scenes: Path, *arguments: str) -> Iterator[Demo]:
    """Start the demo on scenes that are composed already; end it by SIGTERM as a service is."""
    shutil.copytree(scenes, folder / "camera", dirs_exist_ok=True)
    command = [sys.executable, "run_edge.py", "demo", "--json", "--folder", str(folder), *arguments]
    for listener in ("kiosk", "v1", "centre", "console"):
        command += [f"--{listener}-port", "0"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            where = json.loads(process.stdout.readline())
            token = (folder / "store" / "v1.token").read_text().strip()
            yield Demo(
                where["kiosk"], where["console"], where["v1"], token, folder, where["guide"],
                process,
            )  # fmt: skip
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
        """Touch a button until the page hears: for a moment after a change it is deaf."""
        # A banner stands twice on a page, and is seen once.
        button = f"button[value='{action}']:visible"
        self.page.wait_for_selector(button)
        heard: list[Request] = []

        def hear(request: Request) -> None:
            # Not in the page: after the last touch of a sitting it is a new one.
            if request.method == "POST" and request.url.endswith("/act"):
                heard.append(request)

        self.page.on("request", hear)
        self.page.click(button)
        self.page.wait_for_timeout(50)
        while not heard:
            self.page.click(button)
            self.page.wait_for_timeout(50)
        self.page.remove_listener("request", hear)

    def goes(self) -> None:
        """From the result past the question how it was to the welcome."""
        self.touches("finish")
        self.sees("rating")
        self.touches("rate-good")
        self.sees("welcome")

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


def until_receipted(demo: Demo, page: Page, count: int) -> None:
    """Wait until so many packages are receipted, and no other is there."""
    end_s = time.monotonic() + 120
    while [package["state"] for package in demo.packages()] != ["receipted"] * count:
        assert time.monotonic() < end_s, demo.packages()
        page.wait_for_timeout(100)
