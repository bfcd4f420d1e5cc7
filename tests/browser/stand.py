"""A kiosk's browser before pages that a test fills, and the sizes of its screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from playwright.sync_api import Error, Page

from tests.browser.desk import SCENES, SHEETS, Camera, Desk

SIZES = {"upright": (1080, 1920), "lying": (1920, 1080)}


@dataclass
class Stand:
    """A kiosk's browser before pages that a test fills."""

    desk: Desk
    camera: Camera
    url: str
    page: Page
    complaints: list[str]

    def show(self, name: str, **changes: Any) -> None:
        """Put a scene up and load the page."""
        self.desk.put(replace(SCENES[name], **changes))
        try:
            self.page.goto(self.url)
        except Error as aborted:
            # Another sitting's page goes there by itself, perhaps at this very moment.
            if "ERR_ABORTED" not in str(aborted):
                raise
        self.page.wait_for_selector(f"body[data-screen={SCENES[name].state.value}]")

    def open_sheet(self, name: str, **changes: Any) -> None:
        """Put the scene of a staff sheet up and open it, as a touch would."""
        scene, action = SHEETS[name]
        self.show(scene, **changes)
        self.post(action)
        self.page.reload()
        self.page.wait_for_selector(f"body[data-overlay={action.rpartition(':')[2]}]")

    def post(self, *actions: str) -> None:
        """Send touches of the standing page without waiting for a hand."""
        for action in actions:
            self.page.evaluate(
                """async (action) => { const form = document.getElementById('stage');
                const body = new URLSearchParams(new FormData(form)); body.set('action', action);
                await fetch('/act', {method: 'POST', body, redirect: 'manual'}); }""",
                action,
            )

    def until(self, holds: Callable[[], object], limit_s: float = 20.0) -> None:
        """Wait, while the browser goes on, for what must come about."""
        end_s = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end_s, "it never came about"
            self.page.wait_for_timeout(30)
