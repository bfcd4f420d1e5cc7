"""What the first screen weighs, and that its letters are ours and drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Response

from tests.browser.desk import SCENES, Camera, Desk, served
from tests.browser.gate.surnames import RARE_SURNAMES

FIRST_SCREEN_BYTES = 150_000
NOBODYS = "\U000eeeee"
"""A letter of a private plane that no font has: what it is drawn as is the mark for `no glyph`."""


@pytest.fixture
def page(chromium: Browser):
    opened = chromium.new_page(viewport={"width": 1080, "height": 1920})
    yield opened
    opened.close()


@pytest.mark.parametrize("scene", ["welcome", "portrait"])
def test_the_first_screen_is_light(page: Page, scene: str):
    """150 kB at most, without sound and letters, as they come over the line."""
    came: list[Response] = []

    def note(answer: Response) -> None:
        came.append(answer)

    page.on("response", note)
    with served(Desk(SCENES[scene]), Camera()) as listener:
        page.goto(listener.url)
        page.evaluate("() => document.fonts.ready.then(() => true)")
        weighed = {
            answer.url: len(answer.body())
            for answer in came
            if not answer.url.endswith((".woff2", ".opus", "/events"))
            and "/preview/" not in answer.url
            and "/voice/" not in answer.url
        }
        page.goto("about:blank")

    assert len(weighed) >= 4, weighed
    assert sum(weighed.values()) <= FIRST_SCREEN_BYTES, weighed


def drawn(page: Page, letters: str, family: str) -> list[bytes]:
    """Each letter as a browser draws it: large, on a line of its own."""
    page.evaluate(
        """([letters, family]) => { document.body.replaceChildren(...[...letters].map((one) => {
        const line = document.createElement('div'); line.textContent = one;
        Object.assign(line.style, {font: `700 40px/60px ${family}`, width: '60px', height: '60px',
          background: '#fff', color: '#000', overflow: 'hidden'});
        return line; })); document.body.style.background = '#fff'; }""",
        [letters, family],
    )
    page.evaluate("() => document.fonts.ready.then(() => true)")
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    return [picture[row * 60 : row * 60 + 60, :60].tobytes() for row in range(len(letters))]


def test_rare_surnames_are_drawn_and_not_as_boxes(page: Page):
    """By pixels: no two look alike, and none like a letter that nobody has."""
    letters = "".join(RARE_SURNAMES)
    page.set_viewport_size({"width": 400, "height": 60 * (len(letters) + 1)})
    with served(Desk(), Camera()) as listener:
        page.goto(listener.url)
        stack = page.evaluate("() => getComputedStyle(document.body).fontFamily")
        *pictures, nobodys = drawn(page, letters + NOBODYS, stack)
        page.goto("about:blank")

    assert nobodys not in pictures
    assert len(set(pictures)) == len(letters)


def test_the_letters_of_the_pages_are_the_shipped_ones(page: Page):
    """Without the system's fonts they are drawn all the same: ours alone give the same picture."""
    letters = "安心采集站请您好Aa09"
    with served(Desk(), Camera()) as listener:
        page.goto(listener.url)
        stack = page.evaluate("() => getComputedStyle(document.body).fontFamily")
        ours, others = stack.split(",", 1)
        loaded = page.evaluate(
            "() => Promise.all([400, 700].map((weight) => document.fonts.load("
            "`${weight} 40px 'Anxin Noto Sans SC'`, '安心采集站请您好Aa09')))"
            ".then((all) => all.map((faces) => faces.length))"
        )
        by_stack, by_ours = drawn(page, letters, stack), drawn(page, letters, ours)
        without = drawn(page, letters, "'no such font', monospace")
        page.goto("about:blank")

    assert min(loaded) >= 2
    assert others
    assert by_stack == by_ours
    assert by_ours[-2:] != without[-2:]
