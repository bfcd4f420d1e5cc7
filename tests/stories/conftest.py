"""One Chromium, one station a file, and whoever the stories' camera sees.

`make test` tells a few stories in one language, by turns; with `ANXIN_STORIES` (a folder for
pictures) all are told in both, with a picture of every step: `make stories`.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from accuracy.looker import Looker
from demo.badge import open_or_make_badge, staff_file
from edge.staff import add_staff
from edge.vision.client import ModelFiles
from tests.browser.persons import Demo, running_demo
from tests.scenes import composed_scenes
from tests.stories.elder import Elder, arrives, packages, stands
from tests.stories.people import lay_in
from tests.stories.staff import REMOTE

LANGUAGES = ("zh-CN", "en")
SHORT = frozenset(
    {
        "test_good_case",
        "test_dry_fingers_are_helped",
        "test_reuse_accepted",
        "test_materials_missing_can_follow",
        "test_power_cut_after_the_portrait",
        "test_attendant_takes_over_and_gives_back",
    }
)
"""One of each kind: a story takes a whole station and a browser, and the check has its minutes."""
HERE = Path(__file__).parent
WAYS_OUT = ("finish", "rate-good", "leave", "ask-leave", "help-done", "staff:back", "remote:no")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell each story in both languages, or by turns."""
    if "language" not in metafunc.fixturenames:
        return
    stories = [name for name in vars(metafunc.module) if name.startswith("test_")]
    turn = stories.index(metafunc.function.__name__) + len(metafunc.module.__name__)
    told = LANGUAGES if os.environ.get("ANXIN_STORIES") else (LANGUAGES[turn % 2],)
    metafunc.parametrize("language", told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make stories` what is not told at every check."""
    if os.environ.get("ANXIN_STORIES"):
        return
    long = [one for one in items if HERE in one.path.parents and _story(one) not in SHORT]
    config.hook.pytest_deselected(items=long)
    left = set(long)
    items[:] = [one for one in items if one not in left]


def _story(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


@pytest.fixture(scope="session")
def scenes(models, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A camera folder with the demo's scenes and the people of the stories."""
    folder = composed_scenes(models, pictures, tmp_path_factory)
    with folder.with_suffix(".people").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "people.json").exists():
            with Looker(ModelFiles(models.face_landmarker, models.selfie_segmentation)) as looker:
                lay_in(folder, looker, pictures)
    return folder


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What a file's station has otherwise: its `SETTINGS`."""
    return tuple(getattr(request.module, "SETTINGS", ()))


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, scenes: Path, settings: tuple[str, ...]
) -> Iterator[Demo]:
    """One station for the stories of a file; fingers are pressed when a story says so."""
    folder = tmp_path_factory.mktemp("story")
    open_or_make_badge(folder)
    add_staff(staff_file(folder), REMOTE.number, REMOTE.pin, "remote", "王")
    other = [word for line in settings for word in ("--set", line)]
    with running_demo(folder, scenes, "--subject", "suit", "--quick-reader", *other) as demo:
        yield demo


@pytest.fixture(scope="session")
def pictures_of() -> Path | None:
    """Where pictures of each step go; None: nobody wants them."""
    named = os.environ.get("ANXIN_STORIES")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def come(
    request: pytest.FixtureRequest,
    demo: Demo,
    chromium: Browser,
    language: str,
    pictures_of: Path | None,
) -> Iterator[Callable[..., Elder]]:
    """Let somebody come, seen by the camera as `play`; afterwards nobody was blamed.

    Every word that was shown or read aloud to anybody in this story is looked at.
    """
    story = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    came: list[Elder] = []

    def comes(play: str = "suit", press: str = "plain") -> Elder:
        stands(demo, play)
        demo.turns("camera.plug", "in")
        demo.turns("reader.press", press)
        elder = arrives(demo, chromium, story, language, pictures_of)
        came.append(elder)
        return elder

    yield comes
    try:
        for elder in came:
            elder.was_met_kindly()
    finally:
        for elder in came:
            elder.page.close()
        # A story that broke off leaves nobody in the way of the next.
        if came and not came[-1].is_gone:
            stands(demo, "nobody")
            clears(demo, chromium)


def clears(demo: Demo, chromium: Browser) -> None:
    """Bring the station back to its welcome, whatever is on the screen."""
    page = chromium.new_page()
    page.goto(demo.kiosk)
    for _ in range(20):
        if page.get_attribute("body", "data-screen") in {"welcome", None}:
            break
        for action in (
            "finish",
            "rate-good",
            "leave",
            "ask-leave",
            "help-done",
            "staff:back",
            "remote:no",
        ):
            button = page.query_selector(f"button[value='{action}']:visible")
            if button:
                button.click()
                break
        page.wait_for_timeout(1000)
    page.close()


@pytest.fixture
def before(demo: Demo) -> set[str]:
    """What the centre has already."""
    return packages(demo)
