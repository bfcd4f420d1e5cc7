"""The attendants' console beside a running station: a tablet, a phone, and the person's screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, TimeoutError

from edge.staff import add_staff
from tests.browser.persons import STEP_MS, Demo, arrives, until_receipted

HEARD_MS, TOUCHES = 5000, 18
TABLET, PHONE = (1280, 800), (390, 844)
FAR, PIN, SHOWN_AS = "4096", "190604", "王"
STANDS = "canvas[data-preview]:not([hidden])"


@contextmanager
def signed_in(
    demo: Demo, chromium: Browser, staff_id: str, pin: str, size: tuple[int, int]
) -> Iterator[tuple[Page, list[str]]]:
    """Somebody of the staff before the board; also what the browser complains of."""
    # A browser of its own: cookies know no ports.
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    page, complaints = context.new_page(), []
    page.set_default_timeout(STEP_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Sec" in message.text else None,
    )
    page.goto(demo.guide)
    page.fill("[name=staff]", staff_id)
    page.fill("[name=pin]", pin)
    page.click("button.main")
    page.wait_for_selector("#board")
    yield page, complaints
    context.close()


def presses(page: Page, selector: str, then: Page, sign: str, state: str = "visible") -> None:
    """Touch until it is heard: a screen that is just being drawn may miss one touch."""
    for _ in range(TOUCHES):
        # Heard already, the button may be gone.
        with suppress(TimeoutError):
            page.click(selector, timeout=HEARD_MS)
        try:
            then.wait_for_selector(sign, state=state, timeout=HEARD_MS)  # type: ignore[arg-type]
        except TimeoutError:
            continue
        return
    raise AssertionError(f"{selector} was never heard")


def keeps(page: Page, folder: Path | None, name: str) -> None:
    """Keep a screenshot if one was asked for; and nothing is wider than the screen."""
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    if folder:
        (folder / f"guide-{name}.png").write_bytes(page.screenshot(full_page=True))


@pytest.fixture(scope="module")
def badge(demo: Demo) -> tuple[str, str]:
    """Number and PIN of the demo's attendant."""
    kept = json.loads((demo.folder / "attendant.json").read_text())
    return kept["number"], kept["pin"]


def test_a_guide_takes_over_goes_on_for_the_person_and_gives_back(
    demo: Demo, chromium: Browser, badge: tuple[str, str], screens_folder: Path | None
):
    """At the consent, through the portrait, back at the fingers: one package, nothing lost."""
    before = len(demo.packages())
    person, wrong = arrives(demo, chromium, "zh-CN", (1080, 1920), None)
    person.touches("start")
    person.sees("consent")
    with signed_in(demo, chromium, *badge, TABLET) as (guide, complaints):
        guide.wait_for_selector("[data-step=consent]")
        banner = f".banner:visible:has-text('{badge[0]}')"
        presses(guide, "button[value='take-over']", person.page, banner)
        guide.check("[name=told]")
        keeps(guide, screens_folder, "consent")
        presses(guide, "button[value='move:agree']", guide, "[data-step=portrait]")
        person.sees("portrait")
        guide.wait_for_selector(STANDS)
        size = guide.evaluate(f"() => document.querySelector('{STANDS}').width")
        keeps(guide, screens_folder, "portrait")
        person.sees("portrait-ok")
        guide.wait_for_selector("[data-step=portrait-ok]")
        assert guide.query_selector("canvas, figure") is None
        kept = "[data-step=finger], [data-step=review]"
        presses(guide, "button[value='move:portrait-kept']", guide, kept)
        assert guide.query_selector("canvas, figure") is None
        presses(guide, "button[value='give-back']", guide, "button[value='take-over']")
        person.page.wait_for_selector(".banner", state="detached")
        person.sees("review")
        person.page.wait_for_selector(".ticks .in:nth-child(3)")
        person.touches("hand-in")
        person.sees("result")
        guide.wait_for_selector("[data-step=result]")
    person.page.wait_for_selector("button[value='finish']")
    person.goes()
    until_receipted(demo, person.page, before + 1)

    assert 0 < size <= 480
    assert complaints == wrong == []
    person.page.close()


def test_somebody_far_away_helps_only_with_the_person_s_word_and_under_a_banner(
    demo: Demo, chromium: Browser, screens_folder: Path | None
):
    """Asked for by the help button, agreed to, seen as long as it lasts, ended by one touch."""
    add_staff(demo.folder / "staff.toml", FAR, PIN, "remote", SHOWN_AS)
    person, wrong = arrives(demo, chromium, "zh-CN", (1080, 1920), None)
    page = person.page
    person.touches("start")
    person.sees("consent")
    with signed_in(demo, chromium, FAR, PIN, PHONE) as (far, complaints):
        assert far.query_selector("[data-step]") is None
        assert far.query_selector("button[value='remote-ask']") is None
        person.touches("help")
        presses(far, "button[value='remote-ask']", page, "body[data-overlay='remote']")
        page.wait_for_selector(f"b:has-text('{SHOWN_AS}')")
        assert far.query_selector("[data-step]") is None
        person.touches("remote:yes")
        page.wait_for_selector(f".banner:visible:has-text('{SHOWN_AS}')")
        far.wait_for_selector("[data-step=consent]")
        slowly = "button[value='remote-say:remote.word.slowly']"
        presses(far, slowly, page, ".banner:visible:has-text('慢慢来')")
        assert far.query_selector("button[value='remote-point:agree']") is None
        if page.get_attribute("body", "data-overlay") == "help":
            person.touches("help-done")
        person.touches("agree")
        person.sees("portrait")
        far.wait_for_selector(STANDS)
        assert page.query_selector(f".banner:visible:has-text('{SHOWN_AS}')")
        keeps(far, screens_folder, "remote")
        # Drawn twice, for both ways a screen can stand; one of them is seen.
        presses(page, ".banner:visible button[value='remote:no']", page, ".banner", "detached")
        far.wait_for_selector("[data-step]", state="detached")
        assert far.query_selector("canvas, figure") is None
    page.goto("about:blank")

    assert complaints == wrong == []
    page.close()
