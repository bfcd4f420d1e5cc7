"""`make screens`: a picture of every screen, and docs/screens.md that shows them.

Chinese stands upright and English lies, so that both languages and both orientations are seen; the
pages run as they do in a kiosk, with the demo's drawn person before the camera.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.desk import SHEETS, Camera, Desk, served
from tests.browser.gate.walk import PLACES
from tests.browser.stand import SIZES, Stand
from tests.chromium import ARGUMENTS, CHROMIUM

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
FOLDER: Final = DOCS / "images" / "screens"
PAGE: Final = DOCS / "screens.md"
SEEN: Final = {"zh-CN": "upright", "en": "lying"}
SHRINK: Final = 2
QUALITY: Final = 60
"""Flat colours and letters: at this, a picture has about ten thousand bytes and reads well."""


def picture_of(place: str, language: str) -> Path:
    """Return where the picture of a screen lies."""
    return FOLDER / f"{place}-{language}.webp"


def take(chromium: Browser) -> None:
    """Photograph every screen in both languages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for language, orientation in SEEN.items():
        width, height = SIZES[orientation]
        desk, camera = Desk(), Camera()
        with served(desk, camera) as listener:
            page = chromium.new_page(
                viewport={"width": width, "height": height}, reduced_motion="reduce"
            )
            page.set_default_timeout(120_000)
            stand = Stand(desk, camera, listener.url, page, [])
            for place in PLACES:
                show(stand, place, language)
                picture_of(place, language).write_bytes(small(page.screenshot()))
                if place in SHEETS:
                    stand.post("staff:back", "stay")
            page.close()


def show(stand: Stand, place: str, language: str) -> None:
    """Put a screen up, and wait for its letters, its pictures and the camera's."""
    scene, action = SHEETS.get(place, (place, ""))
    # A page that stands would see the next screen come, and load itself anew in the midst of it.
    stand.page.goto("about:blank")
    stand.show(scene, language=language)
    if action:
        stand.post(action)
        stand.page.reload()
    if stand.page.query_selector("canvas[data-preview]"):
        stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
    stand.page.evaluate(
        """() => Promise.all([document.fonts.ready,
        ...[...document.images].map((one) => one.decode().catch(() => {}))]).then(() => {})"""
    )
    stand.page.wait_for_timeout(120)


def small(png: bytes) -> bytes:
    """Return half the size in each direction, as WebP."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.resize((picture.width // SHRINK, picture.height // SHRINK), Image.LANCZOS)
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=QUALITY, method=6)
    return target.getvalue()


def page_text() -> str:
    """Return docs/screens.md: each screen, in both languages."""
    lines = [
        "# Every screen",
        "",
        "Made by `make screens` from the pages themselves; a test finds a screen that is not here.",
        "Chinese stands upright, English lies; the plain look, at half the size.",
        "Which of them follows which, [the sitting](sitting.md) says;",
        "how they are held to what elders need, [decision 32](decisions/0032-gate.md).",
    ]
    for place in PLACES:
        title = place.replace("-", " ")
        lines += ["", f"## {title[0].upper()}{title[1:]}", ""]
        lines += [
            f"![{place}, {language}](images/screens/{picture_of(place, language).name})"
            for language in SEEN
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Take all pictures anew, remove those of screens that are gone, and write the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take(browser)
        browser.close()
    wanted = {picture_of(place, language) for place in PLACES for language in SEEN}
    for stray in set(FOLDER.glob("*.webp")) - wanted:
        stray.unlink()
    PAGE.write_text(page_text(), encoding="utf-8")
    total = sum(picture.stat().st_size for picture in wanted)
    sys.stdout.write(f"{len(wanted)} pictures, {total / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
