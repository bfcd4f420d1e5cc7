"""The kiosk's browser and a station for all browser tests of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.desk import Camera, Desk, served
from tests.browser.persons import Demo, running_demo
from tests.browser.stand import SIZES, Stand
from tests.scenes import composed_scenes


@pytest.fixture(scope="session")
def scenes(models, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera folder with every scene in it, the cable plugged in."""
    return composed_scenes(models, pictures, tmp_path_factory)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Iterator[Demo]:
    """One station for the sittings of a file; its person presses without delay."""
    with running_demo(tmp_path_factory.mktemp("demo"), scenes, "--quick-reader") as demo:
        yield demo


@pytest.fixture(scope="module", params=SIZES)
def kiosk_browser(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Stand]:
    """One page for all screens of one orientation, as in a kiosk."""
    width, height = SIZES[request.param]
    desk, camera = Desk(), Camera()
    with served(desk, camera) as listener:
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Stand(desk, camera, listener.url, page, complaints)
        page.close()


@pytest.fixture
def stand(kiosk_browser: Stand) -> Iterator[Stand]:
    """The kiosk's browser as no test before has touched it."""
    kiosk_browser.camera.live = True
    kiosk_browser.desk.asked.clear()
    kiosk_browser.complaints.clear()
    yield kiosk_browser
    kiosk_browser.page.goto("about:blank")


@pytest.fixture(scope="session")
def screens_folder() -> Path | None:
    """Where screenshots go when somebody asks for them by ANXIN_SCREENS."""
    named = os.environ.get("ANXIN_SCREENS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
