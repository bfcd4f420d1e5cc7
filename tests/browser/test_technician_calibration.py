"""A technician's phone beside the lens: a calibration in a real browser, with the live aid."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from quality.measure import CannotAssess
from quality.optics.time_code import PERIOD_MS, read_time_code
from tests.booth_kit import Booth, booth
from tests.browser.gate.axe import SCRIPT, violations
from tests.calibration_kit import NOW_MS
from tests.lens_kit import CAMERA
from tests.technician_kit import PIN, TECHNICIAN

PHONE, NOTEBOOK = (390, 844), (1280, 800)
PATIENCE_MS = 60_000
PHONE_PX_PER_MM = 160 / 25.4
"""CSS pixels of a phone: 160 to the inch by the platforms' own definition of a dp."""
READ_FROM_MM = 1500
DIGIT_SHARE = 0.7
"""Height of a digit over the font's size, in Noto Sans: 0.714."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    """A station on the bench that was calibrated twice before."""
    with booth(tmp_path_factory.mktemp("booth")) as found:
        for n in range(2):
            found.kept(NOW_MS + n * 86_400_000)
        yield found


SIZES = [PHONE, NOTEBOOK] if os.environ.get("ANXIN_SCREENS") else [PHONE]
"""In the suite the walk is done on a phone; with ANXIN_SCREENS on a notebook as well."""


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}px")
def signed_in(
    request: pytest.FixtureRequest, station: Booth, chromium: Browser
) -> Iterator[tuple[Page, list[str]]]:
    """A browser before the console; also what it complains of."""
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height})
    page, complaints = _page(context)
    language = "zh-CN" if request.param == PHONE else "en"
    page.goto(f"{station.shop.listener.url}sign-in?language={language}")
    page.fill("[name=staff]", TECHNICIAN)
    page.fill("[name=pin]", PIN)
    page.click("button.main")
    page.wait_for_selector("#places")
    yield page, complaints
    context.close()


def _page(context: BrowserContext) -> tuple[Page, list[str]]:
    page, complaints = context.new_page(), []
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text) if "Policy" in told.text else None)
    return page, complaints


def holds(page: Page, folder: Path | None, name: str) -> list[str]:
    """Return what is wrong with the page as it stands; keep a screenshot if one is asked for.

    In the suite axe looks at the aid and the record; with ANXIN_SCREENS at every page.
    """
    faults = []
    if folder or name in {"aim", "record"}:
        page.evaluate(SCRIPT)
        faults = [f"{name}: {fault}" for fault in violations(page)]
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if folder:
        size = (page.viewport_size or {})["width"]
        shot = page.screenshot(full_page=True)
        (folder / f"technician-calibration-{name}-{size}.png").write_bytes(shot)
    return [*faults, *([f"{name}: {wide} px too wide"] if wide > 0 else [])]


def test_a_calibration_is_done_on_a_phone_and_on_a_notebook(
    signed_in: tuple[Page, list[str]], station: Booth, screens_folder: Path | None
):
    """Begun, filled in, aimed with a figure that follows the hand, measured, signed, looked at."""
    page, complaints = signed_in
    url, bench, faults = station.shop.listener.url, station.bench, []
    page.goto(f"{url}calibration")
    faults += holds(page, screens_folder, "home")
    page.uncheck(f"[name=device]:not([value='{CAMERA}'])")
    page.click("form:has([name=film]) button.main")
    page.wait_for_selector("[data-step=identity]")
    faults += holds(page, screens_folder, "identity")
    page.click("[data-step=identity] button.main")
    page.wait_for_selector("[data-step=exposure]")
    bench.hold_up("grey_card")
    page.click("button.measure")
    page.wait_for_selector("[data-step=framing]")

    bench.hold_up("charuco", distance_m=1.5, pitch_deg=6.0)
    page.wait_for_function(
        "() => /^6\\.|^5\\.9/.test(document.querySelector('.figure').textContent)"
    )
    faults += holds(page, screens_folder, "aim")
    digits_mm = (
        DIGIT_SHARE
        * page.evaluate(
            "() => parseFloat(getComputedStyle(document.querySelector('.figure')).fontSize)"
        )
        / PHONE_PX_PER_MM
    )
    bench.hold_up("charuco", distance_m=1.5, pitch_deg=0.3)
    page.wait_for_selector(".figure.within")
    faults += holds(page, screens_folder, "good")
    bench.hold_up("none")
    page.wait_for_selector(".figure.none")
    faults += holds(page, screens_folder, "no-target")
    bench.hold_up("charuco", distance_m=1.5)
    page.wait_for_selector(".figure.within")
    page.click("button.measure")
    page.wait_for_selector("[data-step=finish]")
    faults += holds(page, screens_folder, "finish")
    page.click("[data-step=finish] button.main")
    page.wait_for_url("**/calibration")
    record = bench.book.page(limit=100)[-1]
    page.goto(f"{url}calibration/record/{record.id}")
    faults += holds(page, screens_folder, "record")
    page.goto(f"{url}calibration/history/{CAMERA}")
    page.wait_for_function(
        "() => [...document.images].every((one) => one.loading !== 'eager' || one.complete)"
    )
    faults += holds(page, screens_folder, "history")
    page.goto(f"{url}calibration/targets")
    faults += holds(page, screens_folder, "targets")

    assert faults == []
    assert complaints == []
    # A letter of normal sight at 1.5 m is 2.2 mm (5 minutes of arc); four times that reads at once.
    assert digits_mm >= 4 * READ_FROM_MM * 0.001454


def test_a_screen_shows_the_station_s_time_so_that_the_camera_s_reader_reads_it(
    signed_in: tuple[Page, list[str]], station: Booth, screens_folder: Path | None
):
    """Marks, cells and check as `read_time_code` wants them, by the station's clock."""
    page, _ = signed_in
    page.goto(f"{station.shop.listener.url}calibration/time-code")
    page.wait_for_selector("body[data-ready]")
    code, until_s = None, time.monotonic() + PATIENCE_MS / 1000
    while code is None:
        assert time.monotonic() < until_s
        began_ms = time.time() * 1000
        shot = page.screenshot()
        ended_ms = time.time() * 1000
        with suppress(CannotAssess):
            code = read_time_code(cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR))
    if screens_folder:
        (screens_folder / "technician-time-code.png").write_bytes(shot)
    half = PERIOD_MS / 2
    after_ms = (code - began_ms + half) % PERIOD_MS - half

    # One clock: painted while the shutter was open, or a while before on a busy machine.
    assert -5000 < after_ms < ended_ms - began_ms + 100
    assert page.text_content("[data-error]").startswith("±")
