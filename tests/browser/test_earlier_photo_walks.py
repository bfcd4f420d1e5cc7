"""An earlier photo in a real browser, on the demo station: an attendant signs, or says no."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from demo.badge import open_or_make_badge
from tests.browser.persons import Demo, Person, arrives, until_receipted


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
    demo.turns("reader.press", "none")
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
    person.goes()

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
