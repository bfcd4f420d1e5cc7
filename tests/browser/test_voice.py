"""The screen is read aloud in real Chromium: in order, one at a time, and silent when touched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from api.app import KIOSK_STREAMS, KioskStation, Listener, create_kiosk_app
from api.kiosk.packs import PACKS
from api.kiosk.spoken import spoken_lines
from api.kiosk.station import Voice
from edge.sitting import State
from tests.browser.desk import SCENES, Camera, Desk, demo_content
from tests.chromium import ARGUMENTS, CHROMIUM
from tests.test_voice_packs import dialect, tone

RECORDER = """
window.heard = [];
window.asked = [];
window.players = new Set();
const note = (what, detail) => window.heard.push({ what, detail, at: performance.now() });
const tell = (what) => { note(what); if (window.tellOutcome) window.tellOutcome(what); };
document.addEventListener("speaking", (event) => note("line", event.detail));
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.players.add(this);
  window.asked.push(this.src);
  this.addEventListener("ended", () => note("ended", this.duration), { once: true });
  return play.call(this).then(() => tell("playing"), (fault) => { tell(fault.name); throw fault; });
};
"""
"""Notes what plays, when, and whether the browser let it: beside the page, not in its place."""


@pytest.fixture(scope="module")
def hearing(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium that may speak before it is touched, as the kiosk's unit starts it."""
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"],
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def short_packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs of a tenth of a second a line: the order is what is tested, not the patience."""
    folder = tmp_path_factory.mktemp("packs")
    for locale in ("zh-CN", "en"):
        texts = spoken_lines(locale)
        dialect(folder / locale, dict.fromkeys(texts, tone(0.1)), texts)
    return folder


@dataclass
class Hall:
    """One page that speaks, over a desk that a test fills."""

    desk: Desk
    page: Page
    url: str

    def open(self, scene: str = "welcome", **changes: object) -> None:
        """Show a scene in a page that has just come."""
        self.desk.put(replace(SCENES[scene], **changes))  # type: ignore[arg-type]
        self.page.goto(self.url)

    def lines(self) -> list[str]:
        """Return the lines that were begun, in their order."""
        return [one["detail"] for one in self.heard("line")]

    def heard(self, what: str) -> list[dict[str, object]]:
        """Return everything of one kind."""
        return self.page.evaluate("what => window.heard.filter(one => one.what === what)", what)

    def wait(self, count: int) -> None:
        """Wait until so many lines were begun."""
        self.page.wait_for_function(
            "count => window.heard.filter(one => one.what === 'line').length >= count", arg=count
        )

    def wait_silence(self) -> None:
        """Wait until nothing is said, nor about to be."""
        self.page.wait_for_function(
            "() => window.heard.length && document.body.dataset.speaking === ''"
        )

    def asks(self) -> list[str]:
        """Return what the screen has to say."""
        return self.page.evaluate("() => document.getElementById('stage').dataset.speak.split(' ')")


@contextmanager
def opened(browser: Browser, packs: Path | None) -> Iterator[Hall]:
    """Let a page of this browser speak; whatever it complains of is a failure."""
    desk, closing = Desk(), threading.Event()
    station = KioskStation(
        desk, Camera(), "demo-01", "12345", 102.46, demo_content, voice=Voice(packs=packs)
    )
    app = create_kiosk_app(station, closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    page = browser.new_page()
    try:
        page.set_default_timeout(60_000)
        page.add_init_script(RECORDER)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Hall(desk, page, listener.url)
        assert not complaints
    finally:
        page.close()
        listener.close()


@pytest.fixture
def hall(hearing: Browser, short_packs: Path) -> Iterator[Hall]:
    """A page that has heard nothing yet."""
    with opened(hearing, short_packs) as hall:
        yield hall


def test_a_screen_is_read_to_its_end_in_order_by_one_player(hall: Hall):
    """Each `play()` is allowed and each line ends by itself; the first 300 ms after the screen."""
    hall.open("consent")
    wanted = hall.asks()
    hall.wait(len(wanted))
    hall.wait_silence()

    assert hall.lines()[: len(wanted)] == wanted
    assert len(hall.heard("playing")) >= len(wanted)
    assert len(hall.heard("ended")) >= len(wanted)
    assert hall.page.evaluate("() => window.players.size") == 1
    began = [one["at"] for one in hall.heard("line")]
    ended = [one["at"] for one in hall.heard("ended")]
    # Never two at once: whatever begins, the one before has ended.
    assert all(next_ > end for next_, end in zip(began[1:], ended, strict=False))
    assert float(str(began[0])) >= 300


def test_the_rendered_line_plays_and_takes_as_long_as_the_manifest_says(hearing: Browser):
    """The station's own pack, decoded by the browser."""
    rows = json.loads((PACKS / "zh-CN" / "manifest.json").read_text(encoding="utf-8"))["lines"]
    with opened(hearing, None) as hall:
        hall.open("closing")
        hall.page.wait_for_function("() => window.heard.some(one => one.what === 'ended')")
        (ended, *_) = hall.heard("ended")

    taken_ms = 1000 * float(str(ended["detail"]))
    assert taken_ms == pytest.approx(rows["closing.question"]["duration_ms"], abs=60)


def test_a_touch_ends_what_is_said_and_nothing_follows(hall: Hall):
    """Whoever touches has heard enough."""
    hall.open("consent")
    hall.wait(2)
    hall.page.locator("#stage h1").click()
    said = len(hall.lines())
    hall.wait_silence()
    hall.page.evaluate("() => new Promise((later) => setTimeout(later, 700))")

    assert len(hall.lines()) == said
    assert said < len(hall.asks())


def test_say_again_reads_the_screen_from_its_beginning(hall: Hall):
    """By the button beside help, at once, as often as it is touched."""
    hall.open("portrait-ok")
    wanted = hall.asks()
    hall.wait(len(wanted))
    hall.page.locator('[value="say-again"]').click()
    hall.wait(2 * len(wanted))

    assert hall.lines()[: 2 * len(wanted)] == wanted * 2


def test_the_voice_goes_off_and_comes_back_with_a_word(hall: Hall):
    """Off is silent at once, also on the next screen; on says so and reads what stands there."""
    hall.open("consent")
    hall.wait(1)
    hall.page.locator('[value="voice:off"]').click()
    hall.page.wait_for_selector('#stage[data-voice="off"]')
    said = len(hall.lines())
    hall.desk.screen.show(state=State.PORTRAIT_OK)
    hall.page.wait_for_selector('body[data-screen="portrait-ok"]')
    hall.page.evaluate("() => new Promise((later) => setTimeout(later, 700))")
    assert len(hall.lines()) == said
    hall.page.locator('[value="voice:on"]').click()
    hall.wait(said + 2)

    assert hall.lines()[said : said + 2] == ["bar.voice_on", "portrait-ok.question"]


def test_another_language_is_heard_in_that_language(hall: Hall):
    """The whole screen anew, from the other pack."""
    hall.open("portrait-ok")
    hall.wait(1)
    hall.page.locator('[value="language:en"]').click()
    hall.page.wait_for_function(
        "() => window.asked.some(src => src.endsWith('/voice/en/portrait-ok.question.opus'))"
    )

    assert hall.page.evaluate("() => document.getElementById('stage').lang") == "en"


def test_what_cannot_be_had_is_left_to_its_caption(hall: Hall):
    """A surname without espeak-ng is skipped: the question after it is heard."""
    hall.page.route("**/voice/now/**", lambda route: route.fulfill(status=204))
    hall.open("name")
    hall.wait(2)

    assert hall.lines()[:2] == ["now.name", "name.question"]
    hall.page.wait_for_function("() => window.heard.some(one => one.what === 'playing')")


def test_a_target_reached_by_keys_says_its_own_words(hall: Hall):
    """With the screen dark, what has the focus is heard."""
    hall.open("portrait-ok")
    hall.wait(len(hall.asks()))
    hall.wait_silence()
    said = len(hall.lines())
    hall.page.keyboard.press("Tab")
    hall.wait(said + 1)

    assert hall.lines()[said] not in hall.asks()[:1]
    focused = hall.page.evaluate("() => document.activeElement.textContent.trim()")
    assert focused


def test_no_digit_of_a_pin_is_ever_said(hall: Hall):
    """Keys reach the pad of a staff sheet too; a hall hears nothing of it."""
    hall.open("reuse-staff")
    hall.page.locator('[value="staff:sign"]').click()
    hall.page.wait_for_selector('body[data-overlay="sign"]')
    said = len(hall.lines())
    for _ in range(4):
        hall.page.keyboard.press("Tab")
    hall.page.evaluate("() => new Promise((later) => setTimeout(later, 500))")

    assert len(hall.lines()) == said


def test_hints_come_four_seconds_apart_and_the_newest_is_said(hall: Hall):
    """Whoever moves is not talked over; what no longer holds is not said at all."""
    hall.page.clock.install()
    hall.open("portrait", hint="portrait.too_far")
    hall.page.clock.run_for(400)
    hall.wait(1)
    hall.page.wait_for_function("() => window.heard.some(one => one.what === 'ended')")
    hall.desk.screen.show(hint="portrait.chin_up")
    hall.page.wait_for_selector('#stage[data-speak="portrait.chin_up"]')
    hall.desk.screen.show(hint="portrait.turn_left")
    hall.page.wait_for_selector('#stage[data-speak="portrait.turn_left"]')
    for _ in range(20):
        hall.page.clock.run_for(250)
    hall.wait(2)

    assert hall.lines()[:2] == ["portrait.too_far", "portrait.turn_left"]
    first, second = (float(str(one["at"])) for one in hall.heard("line")[:2])
    assert second - first >= 3_600


def test_a_screen_is_said_once_more_after_eight_seconds_of_silence_and_never_again(hall: Hall):
    """Once is for whoever was not listening; twice would be nagging."""
    hall.page.clock.install()
    hall.open("portrait-ok")
    wanted = len(hall.asks())

    def pass_s(seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            hall.page.clock.run_for(250)
            # The sound itself runs by the real clock, and is over in a tenth of a second.
            hall.page.evaluate("() => document.body.dataset.speaking")

    def pass_until(count: int) -> None:
        for _ in range(400):
            if len(hall.heard("ended")) >= count:
                return
            pass_s(0.25)
        pytest.fail("nothing was said")

    pass_until(wanted)
    pass_s(6)
    assert len(hall.lines()) == wanted
    pass_until(2 * wanted)
    pass_s(14)
    assert hall.lines() == hall.asks() * 2


def test_a_browser_that_forbids_it_shows_the_page_all_the_same(chromium: Browser):
    """Elsewhere nothing may sound before a touch: no error, and the next screen is heard."""
    with opened(chromium, None) as hall:
        outcomes: list[str] = []
        hall.page.expose_binding("tellOutcome", lambda _, what: outcomes.append(what))
        hall.open("portrait-ok")
        # Not one look into the page: Playwright evaluates as if a hand had touched it.
        for _ in range(60 * 50):
            if not outcomes:
                hall.page.wait_for_timeout(20)
        assert outcomes == ["NotAllowedError"]
        assert len(hall.lines()) == 1
        hall.page.locator("#stage h1").click()
        hall.desk.screen.show(state=State.REVIEW)
        hall.page.wait_for_function("() => window.heard.some(one => one.what === 'playing')")
