"""The technician's console in a real browser: a phone beside the lens, a notebook on the case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from edge.delivery.standing import OutboxStatus
from tests.browser.gate.axe import SCRIPT, violations
from tests.delivery_kit import SINK
from tests.technician_kit import PIN, TECHNICIAN, Workshop, workshop

SIZES = {"phone": (390, 844), "notebook": (1280, 800)}
PATIENCE_MS = 30_000
PAGES = (
    "", "live", "devices", "devices/reader-1", "outbox", "audit", "audit/whole", "statistics",
    "logs", "maintenance",
)  # fmt: skip
LOOKS = (("phone", "zh-CN"), ("notebook", "en"))
"""In the suite each page is seen in one of them; with ANXIN_SCREENS in both."""
LONG = "an-unusually-long-sink-name-of-thirty-two-letters"[:32]


def chart() -> np.ndarray:
    """A picture with edges, tones, and something burnt out."""
    picture = np.full((720, 1280, 3), 118, np.uint8)
    for n in range(12):
        grey = 20 * n
        cv2.rectangle(picture, (100 + n * 90, 240), (180 + n * 90, 480), (grey, grey, grey), -1)
    cv2.rectangle(picture, (900, 40), (1200, 200), (255, 255, 255), -1)
    cv2.line(picture, (60, 560), (1220, 580), (10, 10, 10), 5)
    return picture


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A station whose reader is unplugged, with packages that wait and one that is set aside."""
    with workshop(tmp_path_factory.mktemp("shop"), bgr=chart()) as found:
        rows = [found.kit.hand_in(found.store) for _ in range(3)]
        found.store.quarantine(rows[0].package_id, SINK, "http_422")
        status = OutboxStatus(SINK, "custody", "backing_off", "tls_refused", 7,
                              ("sink_closed", "receipts_invalid"), 840.0, 2, 190_000.0)  # fmt: skip
        found.ways[0].status = status
        found.ways.append(replace(found.ways[0], status=replace(status, sink=LONG, role="copy")))
        found.traces += [
            f"-{n} ms > ef 01 ff ff ff ff 01 00 03 01 00 05  GetImage" for n in range(40)
        ]
        found.log += [
            '{"timestamp": "2026-11-22T18:50:03Z", "level": "warning", "event": "device_lost",'
            ' "device": "reader-1", "reason": "not_connected", "attempts": 12}',
            '{"timestamp": "2026-11-22T18:50:01Z", "level": "info", "event": "seeing"}',
        ]
        found.until_ready()
        yield found


@pytest.fixture
def page(request: pytest.FixtureRequest, shop: Workshop, chromium: Browser) -> Iterator[Page]:
    """A browser of a size and a language, signed in as the technician."""
    size, language = getattr(request, "param", LOOKS[0])
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height})
    page, complaints = context.new_page(), []
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text) if "Policy" in told.text else None)
    page.goto(f"{shop.listener.url}sign-in?language={language}")
    page.fill("[name=staff]", TECHNICIAN)
    page.fill("[name=pin]", PIN)
    page.click("button.main")
    page.wait_for_selector("#places")
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("page", LOOKS, indirect=True, ids=["-".join(look) for look in LOOKS])
def test_every_page_fits_and_axe_finds_nothing(
    page: Page, shop: Workshop, screens_folder: Path | None
):
    """No page is wider than the screen, at 390 px as at 1280; contrast 7:1, targets, names."""
    found, look = [], (page.viewport_size or {})["width"]
    # Each page in one of both looks; where screenshots are wanted, in both.
    for path in PAGES if screens_folder else PAGES[look == SIZES["notebook"][0] :: 2]:
        page.goto(shop.listener.url + path)
        if path == "live":
            page.wait_for_selector("canvas:not([hidden])")
        page.evaluate(SCRIPT)
        found += [(path, fault) for fault in violations(page)]
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        found += [(path, f"{wide} px too wide")] if wide > 0 else []
        if screens_folder:
            name = f"technician-{path.replace('/', '-') or 'overview'}-{look}.png"
            (screens_folder / name).write_bytes(page.screenshot(full_page=True))

    assert found == []


def test_a_picture_is_gone_within_its_second_when_the_plug_is_pulled_and_comes_back(
    page: Page, shop: Workshop
):
    """The last picture is never left standing; the page says what the camera is, and since when."""
    page.goto(f"{shop.listener.url}live")
    page.wait_for_selector("canvas:not([hidden])")
    page.wait_for_function(
        "() => document.querySelector('[data-figure=sharpness]').textContent > '0'"
    )
    shop.camera.unplugged = True
    try:
        page.wait_for_selector("canvas", state="hidden")
        page.wait_for_selector("#silent:not([hidden]) [data-state=absent]")
        figure = page.text_content("[data-figure=sharpness]")
        best = page.text_content("[data-figure=best]")
    finally:
        shop.camera.unplugged = False
    page.wait_for_selector("canvas:not([hidden])")
    page.wait_for_selector("#silent", state="hidden")

    assert figure == "—"
    assert float(best or 0) > 0


def test_zebra_is_drawn_as_soon_as_it_is_ticked_and_the_tone_can_be_turned_on(
    page: Page, shop: Workshop
):
    """The choice needs no reload; the tone is a toggle that says how it stands."""
    page.goto(f"{shop.listener.url}live")
    page.wait_for_selector("canvas:not([hidden])")
    burnt = """() => { const c = document.getElementById('picture');
        const d = c.getContext('2d').getImageData(700, 60, 60, 40).data; let red = 0;
        for (let n = 0; n < d.length; n += 4) if (d[n] - d[n + 1] > 60) red += 1; return red; }"""
    assert page.evaluate(burnt) == 0
    page.check("[value=zebra]")
    page.wait_for_function(f"() => ({burnt})() > 300")
    page.click("#tone")

    assert page.get_attribute("#tone", "aria-pressed") == "true"


def test_a_part_renews_itself_and_keeps_what_is_being_typed(page: Page, shop: Workshop):
    """The state of delivery changes under the eyes; a half-typed field stays as it is."""
    page.goto(f"{shop.listener.url}outbox")
    page.click("summary")
    page.fill("[name=typed]", "ab")
    before = shop.ways[0].status
    shop.ways[0].status = replace(before, state="sending", failures=0, alarms=())
    try:
        page.wait_for_selector(f"[data-queue={SINK}]:has-text('正在送')")
    finally:
        shop.ways[0].status = before

    assert page.input_value("[name=typed]") == "ab"


def test_everything_works_without_any_script(shop: Workshop, chromium: Browser):
    """Signing in, the picture, the shutter, maintenance: plain pages and forms."""
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(f"{shop.listener.url}sign-in?language=en")
    page.fill("[name=staff]", TECHNICIAN)
    page.fill("[name=pin]", PIN)
    page.click("button.main")
    page.click("nav a:has-text('Live')")
    page.wait_for_selector("noscript img, .seen img")
    page.click("button.shutter")
    page.wait_for_selector("#still img")
    page.goto(f"{shop.listener.url}maintenance")
    page.select_option("[name=reason]", "cleaning")
    page.click("button:has-text('Begin')")
    page.wait_for_selector("text=Turned on by 7001")
    page.click("button:has-text('End')")
    page.wait_for_selector("text=Maintenance has ended")
    context.close()


def test_who_is_signed_out_elsewhere_is_led_to_the_door(page: Page, shop: Workshop):
    """A second sign-in of the same number ends the first; its page does not stand open."""
    page.goto(f"{shop.listener.url}devices")
    shop.notebook()
    page.wait_for_url("**/sign-in")

    assert page.query_selector("[name=pin]")
