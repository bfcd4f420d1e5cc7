"""The attendants' side of a story: their console in a browser of its own."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Browser, Page

from demo.badge import Badge
from tests.browser.persons import STEP_MS, Demo

REMOTE: Final = Badge("9001", "918273")
"""Who helps from afar."""


class Attendant:
    """Somebody at the attendants' console; use it in a `with`."""

    def __init__(self, demo: Demo, chromium: Browser, badge: Badge) -> None:
        self.page: Page = chromium.new_page()
        self.page.set_default_timeout(STEP_MS)
        self.page.goto(f"{demo.guide}sign-in?language=en")
        self.page.fill("input[name='staff']", badge.number)
        self.page.fill("input[name='pin']", badge.pin)
        self.page.click("form[method='post'] button.main")
        self.page.wait_for_selector("#now, #remote")

    def __enter__(self) -> Attendant:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    def does(self, act: str, *, told: bool = False, **chosen: str) -> None:
        """Do one thing, saying so where it is the person's own word.

        The board may be drawn anew at any moment, so form and button are found and used at once.
        """
        self.page.wait_for_selector(f"button[value='{act}']")
        self.page.evaluate(
            """([act, told, chosen]) => {
              const button = document.querySelector(`button[value='${act}']`);
              const form = button.form;
              for (const [name, value] of Object.entries(chosen)) form.elements[name].value = value;
              if (told) form.elements.told.checked = true;
              form.requestSubmit(button);
            }""",
            [act, told, chosen],
        )
