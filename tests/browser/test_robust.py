"""Whatever befalls the browser or the service, the right screen comes back: reload, back, two tabs,
a crash, a restart. And the screen worked without a finger on it: five keys, a scanner, no script.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Error, Page

from api.app import KIOSK_STREAMS, KioskStation, Listener, create_kiosk_app
from demo.station import free_port
from edge.sitting import Event, Overlay
from tests.browser.desk import CHEN, SCENES, SLIP, TOKEN, Camera, Desk, demo_content, served
from tests.browser.stand import Stand

LYING = pytest.mark.parametrize("kiosk_browser", ["lying"], indirect=True)
"""Keys and scanners know no orientation: one is enough."""

MARKER = "a-mark-that-one-sitting-left-behind"

SCAN = """(text) => { for (const key of [...text, 'Enter'])
  (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})); }"""
"""All in one moment of the page: on a busy machine the way there and back looks like a hand."""


def screen_of(page: Page) -> str | None:
    """Return which screen a page shows."""
    return page.get_attribute("body", "data-screen")


def sees(page: Page, screen: str) -> None:
    """Wait for a screen, with nothing before it."""
    page.wait_for_selector(f"body[data-screen={screen}]")
    page.wait_for_selector("#lost", state="hidden")


@contextmanager
def opened(chromium: Browser, url: str, screen: str) -> Iterator[Page]:
    """Open a page of its own."""
    page = chromium.new_page(viewport={"width": 1920, "height": 1080})
    try:
        page.goto(url)
        sees(page, screen)
        yield page
    finally:
        page.close()


def test_the_back_button_leads_to_no_older_screen(chromium: Browser):
    """Whatever the browser remembers, what it shows is the present screen."""
    desk, camera = Desk(SCENES["welcome"]), Camera()
    with served(desk, camera) as listener, opened(chromium, listener.url, "welcome") as page:
        desk.put(SCENES["portrait-ok"])
        page.goto(f"{listener.url}?again")
        sees(page, "portrait-ok")
        desk.put(SCENES["finger-place"])
        sees(page, "finger")
        page.go_back(wait_until="commit")
        sees(page, "finger")
        page.go_forward(wait_until="commit")
        sees(page, "finger")


def test_a_receipt_is_not_brought_back_after_the_sitting(chromium: Browser):
    """It goes when the result goes, and neither back nor its address shows it again."""
    desk, camera = Desk(SCENES["result-papers"]), Camera()
    with served(desk, camera) as listener, opened(chromium, listener.url, "result") as page:
        page.click("button[formaction='/receipt']")
        sees_receipt(page)
        address = page.url
        desk.put(SCENES["welcome"])
        sees(page, "welcome")
        page.go_back(wait_until="commit")
        page.wait_for_selector("body:not([data-screen=receipt])")
        page.goto(address)

        assert screen_of(page) == "mistake"
        assert "委托书" not in page.content()


def test_help_is_called_from_the_receipt_too(chromium: Browser):
    """The button stands at the lower left as on every screen, and one touch is enough."""
    desk, camera = Desk(SCENES["result-papers"]), Camera()
    with served(desk, camera) as listener, opened(chromium, listener.url, "result") as page:
        there = page.locator("button[value=help]").bounding_box()
        page.click("button[formaction='/receipt']")
        sees_receipt(page)
        here = page.locator("button.help").bounding_box()
        page.click("button.help")
        page.wait_for_selector("body:not([data-screen=receipt])")

    assert there is not None
    assert here is not None
    assert abs(there["x"] - here["x"]) < 2
    assert here["y"] < there["y"] + there["height"]
    assert here["y"] + here["height"] > there["y"]
    assert desk.snapshot.overlay is Overlay.HELP


def sees_receipt(page: Page) -> None:
    """Wait for the receipt."""
    page.wait_for_selector("body[data-screen=receipt]")


def test_two_tabs_show_the_same_screen_and_one_touch_is_one_move(chromium: Browser):
    """A technician's second tab neither holds the first up nor moves it twice."""
    desk, camera = Desk(SCENES["welcome"]), Camera()
    with (
        served(desk, camera) as listener,
        opened(chromium, listener.url, "welcome") as first,
        opened(chromium, listener.url, "welcome") as second,
    ):
        first.click("button[value=start]")
        sees(first, "consent")
        sees(second, "consent")
        second.click("button[value='theme:contrast']")
        first.wait_for_selector("#stage[data-theme=contrast]")

    assert [event for event, _ in desk.asked] == [Event.START]


def test_a_crashed_page_comes_back_where_the_sitting_is(chromium: Browser):
    """The renderer is killed; the page that is opened in its place shows the present screen."""
    desk, camera = Desk(SCENES["finger-place"]), Camera()
    with served(desk, camera) as listener:
        page = chromium.new_page()
        page.goto(listener.url)
        sees(page, "finger")
        with page.expect_event("crash"), suppress(Error):
            page.goto("chrome://crash")
        page.close()
        began_s = time.monotonic()
        with opened(chromium, listener.url, "finger") as again:
            took("a page after a crash", began_s)

            assert again.query_selector("[data-finger=right_thumb]")


def test_a_restarted_service_has_its_screen_back_without_a_touch(chromium: Browser):
    """First the calm card, then the screen of the sitting as it is now, on the same page."""
    desk, camera = Desk(SCENES["portrait-ok"]), Camera()
    port = free_port()
    page = chromium.new_page(viewport={"width": 1080, "height": 1920})
    with serving_at(port, desk, camera):
        page.goto(f"http://127.0.0.1:{port}/")
        sees(page, "portrait-ok")
    gone_s = time.monotonic()
    page.wait_for_selector("#lost:not([hidden])")
    took("the calm card after the service went", gone_s)
    # As after a power cut: another token, the finger in place of the photo.
    desk.put(replace(SCENES["finger-resumed"], token="of-the-resumed-sitting"))
    with serving_at(port, desk, camera):
        up_s = time.monotonic()
        sees(page, "finger")
        took("the screen after the service came", up_s)

        assert page.query_selector("[data-finger=left_thumb]")
        page.close()


@contextmanager
def serving_at(port: int, desk: Desk, camera: Camera) -> Iterator[None]:
    """Serve the pages on a port that is known before, as the installed service does."""
    closing = threading.Event()
    app = create_kiosk_app(KioskStation(desk, camera, "demo-01", "12345", 102.46), closing)
    listener = Listener(app, "127.0.0.1", port, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    try:
        yield
    finally:
        listener.close()


def took(what: str, since_s: float) -> None:
    """Report how long something took, to whoever runs with `-rP`; a busy machine fails nothing."""
    sys.stdout.write(f"{what}: {time.monotonic() - since_s:.2f} s\n")


def test_without_the_stream_the_page_looks_by_itself(chromium: Browser):
    """Streams refused, as for a ninth tab: no card of a lost station, and the screen keeps up."""
    desk, camera = Desk(SCENES["portrait"]), Camera()
    with served(desk, camera) as listener:
        page = chromium.new_page()
        page.route("**/events", lambda route: route.abort())
        page.goto(listener.url)
        sees(page, "portrait")
        desk.put(SCENES["portrait-ok"])
        sees(page, "portrait-ok")
        page.close()


def test_nothing_of_a_sitting_stays_in_the_page_after_it(chromium: Browser):
    """A whole new page: neither what was drawn nor what a script kept is left."""
    desk, camera = Desk(SCENES["name"]), Camera()
    with served(desk, camera) as listener, opened(chromium, listener.url, "name") as page:
        page.evaluate(
            """(marker) => { window.kept = marker; document.title = marker;
            document.getElementById('stage').dataset.kept = marker; }""",
            MARKER,
        )
        assert CHEN.surname in page.inner_text("main")
        desk.put(SCENES["welcome"])
        page.wait_for_function("() => window.kept === undefined")
        sees(page, "welcome")
        left = page.evaluate(
            """() => [document.documentElement.outerHTML, document.title,
            JSON.stringify({...localStorage, ...sessionStorage}), document.cookie].join(' ')"""
        )

    assert not [word for word in (MARKER, TOKEN, CHEN.surname) if word in left]


def test_the_next_person_s_page_is_new_even_if_nobody_saw_the_welcome(chromium: Browser):
    """Another token is another person: a whole new page."""
    desk, camera = Desk(SCENES["consent"]), Camera()
    with served(desk, camera) as listener, opened(chromium, listener.url, "consent") as page:
        page.evaluate("() => { window.kept = true; }")
        desk.put(replace(SCENES["consent"], token="the-next-person"))
        page.wait_for_function("() => window.kept === undefined")
        sees(page, "consent")

        assert page.input_value("input[name=token]") == "the-next-person"


@LYING
@pytest.mark.parametrize("scene", ["welcome", "idle", "number"])
def test_a_scanner_is_heard_without_a_touch(stand: Stand, scene: str):
    """It types faster than any hand and ends with Enter; no button hears any of it."""
    stand.desk.given.clear()
    stand.show(scene)
    stand.page.evaluate("() => document.querySelector('main button').focus()")
    stand.page.evaluate(SCAN, f"anxin:{SLIP}")
    stand.page.wait_for_selector("body[data-screen=name]")

    assert stand.desk.given == [SLIP]
    assert stand.desk.asked == []


@LYING
def test_a_space_presses_the_button_and_one_within_a_code_presses_none(stand: Stand):
    """A hand's own space is held back no longer than it takes to know that it is one."""
    stand.desk.given.clear()
    stand.show("welcome")
    stand.page.evaluate("() => document.querySelector('main button').focus()")
    stand.page.evaluate(SCAN, "a b c d")
    stand.until(lambda: stand.desk.given)
    assert stand.desk.asked == []
    stand.show("welcome")
    stand.page.evaluate("() => document.querySelector('main button').focus()")
    stand.page.keyboard.press(" ")
    stand.page.wait_for_selector("body[data-screen=consent]")

    assert [event for event, _ in stand.desk.asked] == [Event.START]


@LYING
def test_a_scanner_is_not_heard_in_the_midst_of_a_sitting(stand: Stand):
    """Somebody's slip before the glass changes nothing, and calls nobody by its letters."""
    stand.desk.given.clear()
    stand.show("rest")
    stand.page.evaluate(SCAN, f"anxin:{SLIP}")
    stand.page.wait_for_timeout(300)

    assert stand.desk.given == []
    assert stand.desk.asked == []


@LYING
def test_digits_of_a_real_keyboard_go_to_the_boxes(stand: Stand):
    """Typed by hand, one after the other; Enter is the button that says the number is whole."""
    stand.desk.given.clear()
    stand.show("number")
    for place, digit in enumerate(SLIP):
        stand.page.keyboard.press(digit)
        stand.page.wait_for_selector(f"[data-slip='{SLIP[: place + 1]}']")
    stand.page.keyboard.press("Backspace")
    stand.page.wait_for_selector(f"[data-slip='{SLIP[:5]}']")
    stand.page.keyboard.press(SLIP[5])
    stand.page.wait_for_selector(f"[data-slip='{SLIP}']")
    stand.page.keyboard.press("Enter")
    stand.page.wait_for_selector("body[data-screen=name]")

    assert stand.desk.given == [SLIP]


def focused(page: Page) -> str:
    """Return the action of the button that has the focus, or the name of what has it."""
    return str(
        page.evaluate("() => document.activeElement.value || document.activeElement.tagName")
    )


@LYING
def test_five_keys_lead_through_a_screen_in_the_order_of_reading(stand: Stand):
    """From the heading to the first choice, on to the bars, round, and back."""
    stand.show("consent")
    press = stand.page.keyboard.press
    press("ArrowDown")
    first = focused(stand.page)
    press("ArrowDown")
    press("ArrowRight")
    third = focused(stand.page)
    press("ArrowLeft")
    press("ArrowUp")
    again = focused(stand.page)
    reached = []
    for _ in range(20):
        reached.append(focused(stand.page))
        press("ArrowDown")

    assert (first, third, again) == ("agree", "decline", "agree")
    assert {"help", "say-again", "rest", "ask-leave", "voice:off", "theme:contrast"} <= {*reached}
    assert reached.count("agree") >= 2


@LYING
def test_five_keys_walk_from_the_welcome_to_the_portrait(stand: Stand):
    """Arrow and Enter; on each new screen the focus is at its heading, never lost."""
    stand.show("welcome")
    for screen, event in (("consent", Event.START), ("portrait", Event.AGREE)):
        stand.page.wait_for_timeout(750)  # as a hand that reads first: a key is deaf as a touch is
        stand.page.keyboard.press("ArrowDown")
        stand.page.keyboard.press("Enter")
        stand.page.wait_for_selector(f"body[data-screen={screen}]")
        stand.until(lambda: focused(stand.page) in ("H1", "MAIN"))
        assert stand.desk.asked[-1][0] is event


@LYING
def test_escape_asks_before_it_leaves_and_takes_the_question_back(stand: Stand):
    """The corner of the screen by one key, and out of the question by the same."""
    stand.show("finger-place")
    stand.page.keyboard.press("Escape")
    stand.page.wait_for_selector("body[data-overlay=leave]")
    stand.page.wait_for_timeout(750)
    stand.page.keyboard.press("Escape")
    stand.page.wait_for_selector("body[data-overlay='']")

    assert stand.desk.asked == []


@LYING
def test_h_calls_for_help(stand: Stand):
    """On any screen, also where a scanner is listened to."""
    for scene in ("consent", "welcome"):
        stand.show(scene)
        stand.page.keyboard.press("h")
        stand.page.wait_for_selector("body[data-overlay=help]")


@LYING
def test_the_focus_can_be_seen(stand: Stand):
    """A ring of a millimetre and more around the target, in a colour apart from its ground."""
    stand.show("consent")
    stand.page.keyboard.press("ArrowDown")
    ring = stand.page.evaluate(
        """() => { const style = getComputedStyle(document.activeElement);
        return [style.outlineStyle, parseFloat(style.outlineWidth)]; }"""
    )

    assert ring[0] == "solid"
    assert ring[1] >= 4


@LYING
def test_a_change_of_size_keeps_the_focus_where_it_can(stand: Stand):
    """The words of the button change, so reading begins again; elsewhere it stays."""
    stand.show("consent")
    stand.page.keyboard.press("ArrowDown")
    stand.page.evaluate("() => { window.held = document.activeElement; }")
    stand.post("voice:off")
    stand.page.wait_for_selector("#stage[data-voice=off]")

    assert focused(stand.page) == "agree"
    stand.post("voice:on")


@LYING
def test_a_touch_anywhere_takes_the_card_away(stand: Stand):
    """The picture, the words, the room between: all of it is the button."""
    stand.show("idle")
    stand.page.mouse.click(300, 500)
    stand.page.wait_for_selector("body[data-overlay='']")

    assert stand.desk.asked == []


@LYING
def test_the_receipt_is_printed_plain_and_black(stand: Stand):
    """No bars, no colours; the words of the screen, on white."""
    stand.show("result-papers")
    stand.page.click("button[formaction='/receipt']")
    sees_receipt(stand.page)
    stand.page.emulate_media(media="print")
    seen = stand.page.evaluate(
        """() => [getComputedStyle(document.querySelector('nav')).display,
        getComputedStyle(document.querySelector('dd')).color,
        getComputedStyle(document.getElementById('stage')).backgroundColor]"""
    )
    stand.page.emulate_media(media="screen")

    assert seen == ["none", "rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_every_new_screen_works_without_script(chromium: Browser):
    """From the number to the rating, form by form."""
    desk, camera = Desk(SCENES["welcome"]), Camera()
    with served(desk, camera) as listener:
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(listener.url)
        page.click("button[value=enter-number]")
        for digit in SLIP:
            page.click(f"button[value='digit:{digit}']")
        page.click("button[value=number-done]")
        page.click("button[value=name-relative]")
        page.click("button[value=letter-later]")
        page.click("button[value=agree-photo-only]")
        sees_state(page, "portrait")
        for scene, touch, after in (
            ("materials", "material-later", "materials"), ("result-papers", "finish", "welcome"),
            ("rating", "rate-poor", "rating-reason"), ("rating-reason", "reason-hard", "welcome"),
        ):  # fmt: skip
            desk.put(SCENES[scene])
            page.goto(listener.url)
            page.click(f"button[value={touch}]")
            sees_state(page, after)
        context.close()

    assert demo_content().cards("en")
    assert [event for event, _ in desk.asked] == [
        Event.ENTER_NUMBER, Event.NAME_RELATIVE, Event.LETTER_LATER, Event.AGREE_PHOTO_ONLY,
        Event.MATERIAL_LATER, Event.FINISH, Event.RATE_POOR, Event.REASON_HARD,
    ]  # fmt: skip


def sees_state(page: Page, screen: str) -> None:
    """Wait for a screen of a page without script."""
    page.wait_for_selector(f"body[data-screen={screen}]")
