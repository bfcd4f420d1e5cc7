"""A whole sitting in a real browser, on the demo station: camera, reader, seal, centre, receipt."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from demo.badge import open_or_make_badge
from tests.browser.persons import Demo, Person, arrives, until_receipted


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
    person.touches("finger-more")
    person.touches("fingers-refused")
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
