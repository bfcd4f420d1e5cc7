"""A whole sitting in a real browser, on the demo station: camera, reader, seal, centre, receipt."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.persons import Demo, arrives, until_receipted


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
    demo.turns("reader.press", "none")
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
    demo.turns("reader.press", "plan")
    person.sees("review")
    page.wait_for_selector(".ticks .in:nth-child(3)")
    person.keeps("review")
    person.touches("hand-in")
    person.sees("result")
    page.wait_for_selector(".seal:not(.quiet)")
    person.keeps("result")
    person.goes()

    assert hint in hints
    assert complaints == []
    if clerk:
        assert clerk.fate(clerk.ordered[0]).photo == "declined"
    until_receipted(demo, page, before + 1)
    page.close()
