"""Fingers in a real browser, on the demo station: helped, left out, signed for, a pulled plug."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api.kiosk.come_back import UNTIL
from demo.badge import open_or_make_badge
from tests.browser.persons import STEP_MS, Demo, Person, arrives, running_demo, until_receipted

LIT = "[data-finger]"
TOLD_OR_ANOTHER = """([before, words]) => {
    const finger = document.querySelector('[data-finger]')?.dataset.finger;
    const hint = document.querySelector('[data-hint]')?.textContent;
    return finger !== before || hint === words; }"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Iterator[Demo]:
    """A station whose reader takes its own time: what is shown meanwhile stands long enough."""
    with running_demo(tmp_path_factory.mktemp("demo"), scenes) as demo:
        yield demo


def comes_to_the_fingers(person: Person) -> None:
    """From the welcome to the first finger; no photograph today."""
    person.touches("start")
    person.sees("consent")
    person.touches("agree")
    person.sees("portrait")
    person.touches("portrait-given-up")
    person.sees("finger")


def console_of(demo: Demo, page: Page) -> Page:
    """Somebody opens the demo's console beside the kiosk; nobody stands before the camera."""
    console = page.context.browser.new_page() if page.context.browser else page
    console.set_default_timeout(STEP_MS)
    badge = json.loads((demo.folder / "technician.json").read_text())
    console.goto(f"{demo.console}sign-in?language=en")
    console.fill("[name=staff]", badge["number"])
    console.fill("[name=pin]", badge["pin"])
    console.click("button.main")
    console.wait_for_selector("#places")
    console.goto(f"{demo.console}knobs")
    # Else a photograph might be taken before a busy machine has touched that there is none today.
    turns(console, "camera.play=nobody")
    return console


def turns(console: Page, words: str) -> None:
    """Turn a knob and wait until it stands there."""
    console.click(f"button[value='{words}']")
    console.wait_for_selector(f"button[value='{words}'][aria-pressed='true']")


def test_a_dry_finger_is_helped_praised_and_confirmed_and_a_pulled_plug_costs_only_time(
    demo: Demo, chromium: Browser
):
    """Breath, praise for the good press; then the calm screen, and on with the same finger."""
    person, complaints = arrives(demo, chromium, "zh-CN", (1080, 1920), None)
    page = person.page
    console = console_of(demo, page)
    turns(console, "reader.press=none")
    # A busy machine may let a finger press more often than it should: then it all begins anew.
    for _ in range(4):
        comes_to_the_fingers(person)
        helped = presses_until_told(page, console, "dry", "手指有点干，哈一口气再按")
        if helped and presses_until_told(page, console, "plain", "很好，同一个手指再按一次"):
            break
        leaves(person)
    finger, ordinal = page.get_attribute(LIT, "data-finger"), page.inner_text("[data-press]")
    turns(console, "reader.plug=out")
    page.wait_for_selector("body[data-screen='finger'][data-overlay='calm']")
    console.wait_for_selector("[data-seen='screen']:has-text('please sit')")
    console.wait_for_selector("[data-seen='reader']:not(:text-matches('^(ready|at work)$'))")
    turns(console, "reader.plug=in")
    person.sees("finger")
    turns(console, "reader.press=plain")
    page.wait_for_selector(f"[data-phase='reading'] [data-finger='{finger}']")
    is_as_at_the_start(console)
    leaves(person)

    assert ordinal.startswith("第")
    assert complaints == []
    page.close()


def presses_until_told(page: Page, console: Page, press: str, words: str) -> bool:
    """Let a finger be pressed once, then nobody, and wait for what the screen says of it.

    A second press may come before nobody does: then the next finger is pressed so.
    """
    for _ in range(4):
        before = page.get_attribute(LIT, "data-finger")
        turns(console, f"reader.press={press}")
        page.wait_for_selector("[data-phase='reading']")
        turns(console, "reader.press=none")
        page.wait_for_function(TOLD_OR_ANOTHER, arg=[before, words])
        if page.get_attribute("body", "data-screen") != "finger":
            return False
        if page.inner_text("[data-hint]") == words:
            return True
    return False


def is_as_at_the_start(console: Page) -> None:
    """Turn every knob back and close the console."""
    console.click("button[value='everything=reset']")
    console.wait_for_selector("button[value='reader.press=plan'][aria-pressed='true']")
    console.close()


def leaves(person: Person) -> None:
    """Somebody who has had enough."""
    person.touches("ask-leave")
    person.touches("leave")
    person.sees("welcome")


def test_a_finger_a_hand_and_all_fingers_may_be_left_out_and_staff_sign_for_a_bandage(
    demo: Demo, chromium: Browser
):
    """One touch, two touches, a signature with a day to come back; the record has it all."""
    before, badge = len(demo.packages()), open_or_make_badge(demo.folder)
    person, complaints = arrives(demo, chromium, "en", (1920, 1080), None)
    page = person.page
    console = console_of(demo, page)
    began_on = date.today()
    turns(console, "reader.press=none")
    comes_to_the_fingers(person)
    page.wait_for_selector("[data-finger='right_thumb']")
    person.touches("finger-skipped")
    page.wait_for_selector("h1:has-text('Now the right index finger')")
    signs_for_a_bandage(person, badge.number, badge.pin)
    person.touches("finger-more")
    person.touches("hand-skipped")
    page.wait_for_selector("[data-finger='left_thumb']")
    person.touches("finger-more")
    person.touches("fingers-refused")
    person.sees("review")
    rows = page.inner_text(".ticks")
    person.touches("hand-in")
    person.sees("result")
    person.goes()
    until_receipted(demo, page, before + 1)

    exceptions = recorded(demo)
    thumb = exceptions["right_thumb"]
    assert "Right thumb can follow later" in rows
    assert [thumb[part] for part in ("result", "reason", "permanence")] == [
        "03", "bandaged", "temporary",
    ]  # fmt: skip
    # Midnight may fall between.
    assert thumb["come_back_on"] in {
        UNTIL["two_weeks"].come_back_on(day) for day in (began_on, date.today())
    }
    assert thumb["confirmed_by"] == badge.number
    assert exceptions["left_thumb"]["result"] == "03"
    assert exceptions["left_thumb"]["reason"] is None
    assert complaints == []
    is_as_at_the_start(console)
    page.close()


def signs_for_a_bandage(person: Person, number: str, pin: str) -> None:
    """Staff are called, come, choose the thumb, and sign."""
    page = person.page
    person.touches("help")
    page.wait_for_selector("body[data-overlay='help']")
    person.touches("staff:exception")
    page.wait_for_selector("body[data-overlay='exception']")
    page.wait_for_selector("button.which:has-text('Right thumb')")
    person.touches("why:bandaged")
    page.wait_for_selector("button[value='why:bandaged'][aria-pressed='true']")
    person.touches("until:two_weeks")
    page.wait_for_selector("button[value='until:two_weeks'][aria-pressed='true']")
    person.types(number)
    page.wait_for_selector(f"[data-number]:text-is('{number}')")
    person.touches("field:pin")
    page.wait_for_selector(".field.asked [data-pin]", state="attached")
    person.types(pin)
    page.wait_for_selector("[data-pin]:text-is('••••••')")
    person.touches("exception:one")
    person.sees("finger")


def recorded(demo: Demo) -> dict[str, Any]:
    """Return the exceptions that the centre opened, by position, of the newest package."""
    newest = max(
        (demo.folder / "centre" / "packages").glob("*/parts/sitting.json"),
        key=lambda path: path.stat().st_mtime_ns,
    )
    rows = json.loads(newest.read_text())["fingers"]["exceptions"]
    return {row["position"]: row for row in rows}
