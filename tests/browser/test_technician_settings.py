"""Settings, staff and the screen's size in a real browser, on a phone and on a notebook."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from edge.settings import CONFIGS
from edge.station_file.questions import section_names
from tests.browser.gate.axe import SCRIPT, violations
from tests.technician_kit import PIN, TECHNICIAN, Workshop, workshop

SIZES = {"phone": (390, 844, "zh-CN"), "notebook": (1280, 800, "en")}
PATIENCE_MS = 60_000
EVERY = os.environ.get("ANXIN_SCREENS")
SECTIONS = section_names() if EVERY else ("portrait",)
PAGES = ("settings", "settings/controls", "staff", "staff/own", "screen") if EVERY else ("staff",)
"""In the suite those with most to show; with ANXIN_SCREENS each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("station")


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Workshop]:
    """A station whose file can be written."""
    path = folder / "station.toml"
    example = CONFIGS / "stations" / "kiosk.toml"
    path.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    with workshop(folder / "shop", settings_file=path) as found:
        yield found


@pytest.fixture(params=list(SIZES) if EVERY else ["phone"])
def page(request: pytest.FixtureRequest, shop: Workshop, chromium: Browser) -> Iterator[Page]:
    """A browser of a size and a language, signed in; it may complain of nothing."""
    width, height, language = SIZES[request.param]
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


def faults_of(page: Page, folder: Path | None, name: str) -> list[str]:
    """Return what is wrong with the page; keep a screenshot if one is asked for."""
    page.evaluate(SCRIPT)
    found = [f"{name}: {fault}" for fault in violations(page)]
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if folder:
        size = (page.viewport_size or {})["width"]
        shot = page.screenshot(full_page=True)
        (folder / f"technician-settings-{name}-{size}.png").write_bytes(shot)
    return [*found, *([f"{name}: {wide} px too wide"] if wide > 0 else [])]


def test_every_form_fits_and_axe_finds_nothing(
    page: Page, shop: Workshop, screens_folder: Path | None
):
    """Also with every detail opened, and after a refusal."""
    url, found = shop.listener.url, []
    for path in PAGES:
        page.goto(url + path)
        page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
        found += faults_of(page, screens_folder, path.replace("/", "-"))
    for name in SECTIONS:
        page.goto(f"{url}settings/section/{name}")
        found += faults_of(page, screens_folder, f"section-{name}")
    page.goto(f"{url}settings/section/fingers")
    page.fill("[name='fingers.presses_max']", "12")
    page.fill("[name='fingers.lift_s']", "bald")
    page.click(".save button")
    page.wait_for_selector("[aria-invalid=true]")
    found += faults_of(page, screens_folder, "refused")

    assert found == []


def test_a_file_goes_out_by_the_browser_and_comes_back_checked(
    page: Page, shop: Workshop, screens_folder: Path | None, tmp_path: Path
):
    """As a technician carries settings from one kiosk to the next."""
    page.goto(f"{shop.listener.url}settings")
    with page.expect_download() as coming:
        page.click("a[href='/settings/export']")
    carried = tmp_path / "carried.toml"
    coming.value.save_as(carried)
    text = carried.read_text(encoding="utf-8").replace("port = 8080", "port = 8090")
    carried.write_text(text, encoding="utf-8")
    page.set_input_files("[name=file]", carried)
    found = faults_of(page, screens_folder, "file")
    page.click("form:has([name=file]) button")
    page.wait_for_selector("[name=sure]")

    assert found == []
    assert page.text_content("ul li code") == "kiosk.port"
    assert page.query_selector(".said.bad") is not None
