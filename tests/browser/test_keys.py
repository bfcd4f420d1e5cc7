"""A whole sitting by five keys alone, by ear alone with the screen dark, and by eye alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from api.kiosk.catalogue import load_catalogue
from api.kiosk.spoken import spoken_lines
from edge.sitting import Event
from tests.browser.desk import SLIP
from tests.browser.stand import SIZES
from tests.browser.walker import Walker, walking
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.test_voice_packs import dialect, tone

STEPS = (
    ("consent", "agree", "consent.all"),
    ("portrait-ok", "portrait-kept", "portrait-ok.yes"),
    ("finger", "", ""),
    ("review", "hand-in", "review.hand_in"),
    ("result", "finish", "result.ok"),
    ("rating", "rate-good", "rating.good"),
)
"""The screens behind the name, what is asked there, and the line that says so."""
EVENTS = [Event.ENTER_NUMBER, Event.NAME_RIGHT, Event.AGREE, Event.PORTRAIT_KEPT, Event.HAND_IN,
          Event.FINISH, Event.RATE_GOOD]  # fmt: skip


@pytest.fixture(scope="module")
def speaking(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium that may speak before it is touched, as the kiosk's unit starts it."""
    arguments = [*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twentieth of a second a line: which line is said is tested, not the patience."""
    folder = tmp_path_factory.mktemp("packs")
    for language in load_catalogue().lines:
        texts = spoken_lines(language)
        dialect(folder / language, dict.fromkeys(texts, tone(0.05)), texts)
    return folder


@pytest.fixture
def walker(request: pytest.FixtureRequest, speaking: Browser, packs: Path) -> Iterator[Walker]:
    """Somebody before the welcome screen; the test names language and orientation."""
    language, size = request.param
    lines = load_catalogue().lines[language]
    lines = lines | {f"key.{digit}": digit for digit in "0123456789"}
    with walking(speaking, packs, lines, language, SIZES[size]) as walker:
        yield walker


UPRIGHT_ZH = pytest.mark.parametrize("walker", [("zh-CN", "upright")], indirect=True, ids=["zh-CN"])
LYING_EN = pytest.mark.parametrize("walker", [("en", "lying")], indirect=True, ids=["en"])
BOTH = pytest.mark.parametrize(
    "walker", [("zh-CN", "lying"), ("en", "upright")], indirect=True, ids=["zh-CN", "en"]
)


def asked(walker: Walker) -> list[Event]:
    """What the desk was asked for."""
    return [event for event, _ in walker.desk.asked]


def visible(walker: Walker) -> list[str]:
    """The targets that can be seen, by what they ask."""
    return list(
        walker.page.evaluate(
            "() => [...document.querySelectorAll('#stage button:not(:disabled)')]"
            ".filter((e) => e.checkVisibility({visibilityProperty: true})).map((e) => e.value)"
        )
    )


@UPRIGHT_ZH
def test_a_whole_sitting_by_keys_alone(walker: Walker):
    """Slip number, name, all steps, thanks: arrows and Enter, and never a pointer."""
    walker.chooses("enter-number")
    walker.sees("number")
    for digit in SLIP:
        walker.chooses(f"digit:{digit}")
    walker.chooses("number-done")
    walker.sees("name")
    walker.chooses("name-right")
    for screen, action, _ in STEPS:
        walker.sees(screen)
        if action:
            walker.chooses(action)
        else:
            walker.gives_prints()
    walker.sees("welcome")

    assert walker.desk.given == [SLIP]
    assert asked(walker) == EVENTS
    assert not walker.page.evaluate("() => sessionStorage.pointed")


@LYING_EN
def test_every_target_is_reached_by_one_arrow_and_seen_to_be(walker: Walker):
    """On each kind of screen: once around, each has the ring, and none is passed over."""
    for action, screen in (("", "welcome"), ("enter-number", "number")):
        if action:
            walker.chooses(action)
            walker.sees(screen)
        reached = []
        for _ in range(len(visible(walker))):
            walker.press("ArrowDown")
            reached.append(walker.here())
            assert walker.page.evaluate("() => document.activeElement.matches(':focus-visible')")

        assert sorted(reached) == sorted(visible(walker))


@UPRIGHT_ZH
def test_help_and_the_way_back_have_a_key_of_their_own(walker: Walker):
    """H calls somebody from anywhere; Escape asks whether to leave, and takes the question away."""
    walker.press("h")
    walker.sees("welcome", "help")
    walker.chooses("help-done")
    walker.sees("welcome")
    walker.chooses("start")
    walker.sees("consent")
    walker.page.wait_for_timeout(750)
    walker.press("Escape")
    walker.sees("consent", "leave")
    walker.page.wait_for_timeout(750)
    walker.press("Escape")
    walker.sees("consent")


@BOTH
def test_a_whole_sitting_by_ear_alone(walker: Walker):
    """The screen is dark: each question is said, and each target says its words when reached."""
    words = walker.lines
    walker.hears_question()
    if by_number := walker.language == "zh-CN":
        gives_number_by_ear(walker)
    else:
        walker.finds_by_ear(words["welcome.start"])
    for screen, action, line_id in STEPS:
        walker.sees(screen)
        walker.hears_question()
        if action:
            walker.finds_by_ear(words[line_id])
        else:
            walker.gives_prints()
    walker.sees("welcome")

    assert walker.desk.given == ([SLIP] if by_number else [])
    assert asked(walker) == (EVENTS if by_number else [Event.START, *EVENTS[2:]])


def gives_number_by_ear(walker: Walker) -> None:
    """Type the slip's number by what the keys say, and agree to the name."""
    walker.finds_by_ear(walker.lines["welcome.number"])
    walker.sees("number")
    walker.hears_question()
    for digit in SLIP:
        walker.finds_by_ear(digit)
    walker.finds_by_ear(walker.lines["number.done"])
    walker.sees("name")
    walker.hears_question()
    walker.finds_by_ear(walker.lines["name.right"])


@LYING_EN
def test_a_whole_sitting_by_eye_alone(walker: Walker):
    """The voice is off: nothing plays, and all that would have been said stands on the screen."""
    walker.chooses("voice:off")
    walker.page.wait_for_selector("#stage[data-voice=off]")
    walker.page.evaluate("() => { window.heard.length = window.plays = 0; }")
    walker.chooses("start")
    for screen, action, _ in STEPS:
        walker.sees(screen)
        shown = walker.page.evaluate("() => document.getElementById('stage').innerText")
        said = walker.page.evaluate("() => document.getElementById('stage').dataset.speak")
        for line_id in said.split():
            caption = walker.lines.get(line_id.partition("#")[0])
            assert caption is None or caption in shown.replace("\n", ""), (screen, line_id)
        assert walker.page.evaluate("() => [window.plays, ...window.heard.filter(Boolean)]") == [0]
        if action:
            walker.chooses(action)
        else:
            walker.gives_prints()
    walker.sees("welcome")

    assert asked(walker)[-1] is Event.RATE_GOOD
