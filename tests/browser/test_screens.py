"""Every screen in a real browser: large enough, nothing cut off, nothing refused by the policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from api.kiosk.catalogue import load_catalogue
from api.kiosk.view import looks_live
from edge.sitting import Event, State
from quality.advice import Advice
from tests.browser.desk import SCENES, SHEETS, Camera, Desk, served

SIZES = {"upright": (1080, 1920), "lying": (1920, 1080)}
PPI = 102.46
MM_PX = PPI / 25.4
HANZI_MM, LATIN_MM, TITLE_MM, BUTTON_MM = 8.5, 10.0, 12.0, 10.0
TARGET_MM, CHOICE_MM, GAP_MM = 20.0, (25.0, 60.0), 6.0
ROUNDING_PX = 0.6

MEASURE = """() => {
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const box = (e) => { const b = e.getBoundingClientRect();
    return {left: b.left, top: b.top, right: b.right, bottom: b.bottom}; };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, words = walker.currentNode.textContent.trim();
    if (!words || !shown(e) || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    texts.push({words, tag: e.tagName, button: !!e.closest("button"),
      font_px: parseFloat(style.fontSize), line_px: parseFloat(style.lineHeight),
      family: style.fontFamily, ...box(e)});
  }
  const targets = [...document.querySelectorAll("button")].filter(shown)
    .map((e) => ({words: e.textContent.trim(), choice: e.classList.contains("choice"), ...box(e)}));
  const over = [...document.querySelectorAll("body *")].filter((e) => shown(e) &&
    getComputedStyle(e).display !== "inline" && e.clientWidth > 0 && !(e instanceof SVGElement) &&
    (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
    .map((e) => `${e.tagName}.${e.className}`);
  return {texts, targets, over, width: innerWidth, height: innerHeight,
    questions: document.querySelectorAll("h1:not(#lost h1)").length};
}"""

THEME = "(theme) => { document.getElementById('stage').dataset.theme = theme; }"


@dataclass
class Stand:
    """A kiosk's browser before pages that a test fills."""

    desk: Desk
    camera: Camera
    url: str
    page: Page
    complaints: list[str]

    def show(self, name: str, **changes: Any) -> None:
        """Put a scene up and load the page."""
        self.desk.put(replace(SCENES[name], **changes))
        self.page.goto(self.url)
        self.page.wait_for_selector(f"body[data-screen={SCENES[name].state.value}]")

    def open_sheet(self, name: str, **changes: Any) -> None:
        """Put the scene of a staff sheet up and open it, as a touch would."""
        scene, action = SHEETS[name]
        self.show(scene, **changes)
        self.post(action)
        self.page.reload()
        self.page.wait_for_selector(f"body[data-overlay={action.rpartition(':')[2]}]")

    def post(self, *actions: str) -> None:
        """Send touches of the standing page without waiting for a hand."""
        for action in actions:
            self.page.evaluate(
                """async (action) => { const form = document.getElementById('stage');
                const body = new URLSearchParams(new FormData(form)); body.set('action', action);
                await fetch('/act', {method: 'POST', body, redirect: 'manual'}); }""",
                action,
            )

    def until(self, holds: Callable[[], object], limit_s: float = 20.0) -> None:
        """Wait, while the browser goes on, for what must come about."""
        end_s = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end_s, "it never came about"
            self.page.wait_for_timeout(30)


@pytest.fixture(scope="module", params=SIZES)
def stand(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Stand]:
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


@pytest.fixture(autouse=True)
def _fresh(stand: Stand) -> Iterator[None]:
    stand.camera.live = True
    stand.desk.asked.clear()
    stand.complaints.clear()
    yield
    stand.page.goto("about:blank")


def mm(px: float) -> float:
    """Pixels of the reference screen in millimetres, with what rounding may take."""
    return (px + ROUNDING_PX) / MM_PX


def check_geometry(seen: dict[str, Any]) -> None:
    """Hold one screen to the sizes of care mode."""
    assert seen["over"] == []
    assert seen["questions"] == 1
    for text in seen["texts"]:
        latin = any(ch.isascii() and ch.isalnum() for ch in text["words"])
        least = LATIN_MM if latin else HANZI_MM
        least = TITLE_MM if text["tag"] == "H1" else BUTTON_MM if text["button"] else least
        assert mm(text["font_px"]) >= least, text
        assert text["line_px"] >= 1.5 * text["font_px"] - ROUNDING_PX, text
        assert text["left"] >= 0, text
        assert text["top"] >= 0, text
        assert text["right"] <= seen["width"] + 1, text
        assert text["bottom"] <= seen["height"] + 1, text
        assert text["family"].startswith('"Noto Sans CJK SC"'), text
    check_targets(seen["targets"])


def check_targets(targets: list[dict[str, Any]]) -> None:
    """At most three choices, each large; all targets apart from each other."""
    choices = [target for target in targets if target["choice"]]
    assert len(choices) <= 3
    for target in targets:
        width, height = target["right"] - target["left"], target["bottom"] - target["top"]
        assert min(mm(width), mm(height)) >= TARGET_MM, target
        if target["choice"]:
            assert mm(height) >= CHOICE_MM[0], target
            assert mm(width) >= CHOICE_MM[1], target
    for index, one in enumerate(targets):
        for other in targets[index + 1 :]:
            across = max(one["left"] - other["right"], other["left"] - one["right"])
            down = max(one["top"] - other["bottom"], other["top"] - one["bottom"])
            assert mm(max(across, down)) >= GAP_MM, (one, other)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_screen_is_large_whole_and_within_the_policy(
    stand: Stand, language: str, screens_folder: Path | None
):
    """Text and targets in millimetres of the reference screen, plain and enlarged."""
    for name in (*SCENES, *SHEETS):
        if name in SHEETS:
            stand.open_sheet(name, language=language)
        else:
            stand.show(name, language=language)
        for scale in ("1", "1.25"):
            stand.page.evaluate(
                "(scale) => { document.getElementById('stage').dataset.scale = scale; }", scale
            )
            if screens_folder:
                keep_picture(stand, screens_folder, name, language, scale)
            check_standing(stand, f"{name} {language} x{scale}")
        if name in SHEETS:
            stand.post("staff:back", "stay")
    assert stand.complaints == []


def check_standing(stand: Stand, what: str) -> None:
    """Hold the standing page to the sizes; a failure says which page it was."""
    try:
        check_geometry(stand.page.evaluate(MEASURE))
    except AssertionError as failure:
        raise AssertionError(f"{what}: {failure}") from failure


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_longest_hints_fit_the_fullest_screen(stand: Stand, language: str):
    """Three of them, each above the offer of staff, enlarged: nothing is cut off."""
    words = load_catalogue().lines[language]
    by_length = sorted((one.value for one in Advice), key=lambda code: len(words[code]))
    for code in by_length[-3:]:
        stand.show("portrait-stuck", language=language, hint=code)
        stand.page.evaluate("() => { document.getElementById('stage').dataset.scale = '1.25'; }")
        check_standing(stand, f"{code} {language}")


def keep_picture(stand: Stand, folder: Path, name: str, language: str, scale: str) -> None:
    """Keep a screenshot of the standing page: plain, or larger in the colours of high contrast."""
    if name in SCENES and looks_live(SCENES[name]) and not SCENES[name].overlay:
        stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
    stand.page.evaluate(THEME, "light" if scale == "1" else "contrast")
    size = "x".join(map(str, (stand.page.viewport_size or {}).values()))
    look = "" if scale == "1" else "-larger-contrast"
    picture = folder / f"{name}-{language}-{size}{look}.png"
    # Not by `path=`: that starts a thread which outlives the test.
    picture.write_bytes(stand.page.screenshot())


def test_contrast_is_at_least_seven_to_one_in_both_themes(stand: Stand):
    """Text against what lies behind it, computed from the colours the browser uses."""
    stand.show("consent")
    for theme in ("light", "contrast"):
        pairs = stand.page.evaluate(
            """(theme) => { const stage = document.getElementById('stage');
            stage.dataset.theme = theme;
            const behind = (e) => { for (; e; e = e.parentElement) {
              const c = getComputedStyle(e).backgroundColor;
              if (!c.startsWith('rgba(0, 0, 0, 0')) return c; } };
            return [...stage.querySelectorAll('h1, p, span, button, footer')]
              .map((e) => [getComputedStyle(e).color, behind(e), e.textContent.trim()]); }""",
            theme,
        )
        for ink, paper, words in pairs:
            assert contrast(ink, paper) >= 7, (theme, words, ink, paper)


def contrast(ink: str, paper: str) -> float:
    """Contrast ratio of two `rgb(r, g, b)` (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_page_follows_the_sitting_without_a_reload(stand: Stand):
    """Screens, hints and progress arrive by the event stream."""
    stand.show("portrait")
    stand.page.evaluate("() => { window.stays = true; }")
    stand.desk.screen.show(hint="portrait.chin_up", hold_share=0.5)
    stand.page.wait_for_selector("h1:has-text('请抬一点头')")
    stand.page.wait_for_selector("[data-ring][stroke-dasharray='50 200']", state="attached")
    stand.desk.put(SCENES["finger-reading"])
    stand.page.wait_for_selector("body[data-screen=finger] [data-finger=left_index]")
    stand.page.wait_for_selector("[data-ring][stroke-dasharray='40 200']", state="attached")

    assert stand.page.evaluate("() => window.stays === true")
    assert stand.complaints == []


def test_the_preview_is_mirrored_on_the_page_only(stand: Stand):
    """The wall is darker on the picture's left, so on the mirror's right."""
    stand.show("portrait")
    stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
    left, right = stand.page.evaluate(
        """() => { const canvas = document.querySelector('canvas[data-preview]');
        const context = canvas.getContext('2d');
        return [20, canvas.width - 20].map((x) => context.getImageData(x, 200, 1, 1).data[0]); }"""
    )

    assert left > right + 15


def test_an_old_frame_is_never_shown_as_live(stand: Stand):
    """When frames stop, the picture goes and the card comes; when they return, so does it."""
    stand.show("portrait")
    stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
    stand.camera.live = False
    stand.page.wait_for_selector("canvas[data-preview]", state="hidden")
    stand.page.wait_for_selector("[data-resting]:has-text('镜头休息一下')")
    empty = stand.page.evaluate(
        """() => { const canvas = document.querySelector('canvas[data-preview]');
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
          .every((value) => value === 0); }"""
    )
    stand.camera.live = True
    stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")

    assert empty
    assert stand.page.is_hidden("[data-resting]")


def test_a_second_tap_is_a_trembling_hand(stand: Stand):
    """Two taps at once are one; the second must not hit what the next screen has there."""
    stand.show("welcome")
    stand.page.wait_for_timeout(50)
    # All in the page: on a busy machine the way there and back would outlast the guard.
    stand.page.evaluate(
        """async () => { const start = document.querySelector('button[value=start]');
        start.click(); start.click(); start.click();
        while (document.body.dataset.screen !== 'consent')
            await new Promise(requestAnimationFrame);
        document.querySelector('button[value=agree]').click(); }"""
    )
    early = [event for event, _ in stand.desk.asked]
    stand.page.wait_for_timeout(800)
    stand.page.click("button[value=agree]")
    stand.until(lambda: stand.desk.snapshot.state is State.PORTRAIT)

    assert early == [Event.START]
    assert [event for event, _ in stand.desk.asked] == [Event.START, Event.AGREE]


def test_a_lost_station_is_a_calm_card_and_comes_back_by_itself(chromium: Browser):
    """Three missed heartbeats: the card; when the station answers again: the right screen."""
    desk, camera = Desk(), Camera()
    with served(desk, camera) as listener:
        page = chromium.new_page(viewport={"width": 1080, "height": 1920})
        page.clock.install()
        page.goto(listener.url)
        page.wait_for_selector("body[data-screen=welcome]")
        # The service is there, but silent: no event, no heartbeat.
        page.route("**/events", lambda route: route.abort())
        page.route("**/screen", lambda route: route.abort())
        page.reload()
        page.clock.run_for(20_000)
        page.wait_for_selector("#lost:not([hidden])")
        page.unroute("**/events")
        page.unroute("**/screen")
        desk.put(SCENES["consent"])
        for _ in range(20):
            page.clock.run_for(2_500)
            if page.get_attribute("body", "data-screen") == "consent":
                break
            page.wait_for_timeout(100)
        page.wait_for_selector("body[data-screen=consent]")

        assert page.is_hidden("#lost")
        page.close()


def test_without_any_script_the_page_still_works(chromium: Browser):
    """Plain forms, and a page that keeps up by itself."""
    desk, camera = Desk(), Camera()
    with served(desk, camera) as listener:
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(listener.url)
        page.click("button[value=start]")
        page.wait_for_selector("body[data-screen=consent]")
        page.click("button[value=agree]")
        page.wait_for_selector("body[data-screen=portrait]")
        desk.put(SCENES["portrait-ok"])
        page.wait_for_selector("body[data-screen=portrait-ok]", timeout=20_000)
        context.close()

    assert [event for event, _ in desk.asked] == [Event.START, Event.AGREE]


def test_a_foreign_page_cannot_touch_the_sitting(chromium: Browser):
    """A form on another origin, posted by a real browser, is refused."""
    desk, camera = Desk(), Camera()
    other_desk = Desk()
    with served(desk, camera) as ours, served(other_desk, camera) as other:
        page = chromium.new_page()
        page.goto(other.url)
        status = page.evaluate(
            """async (url) => { try { return (await fetch(url + 'act', {method: 'POST',
            mode: 'no-cors', body: new URLSearchParams({action: 'start', token: '',
            mark: 'welcome'})})).type; } catch { return 'refused'; } }""",
            ours.url,
        )
        page.close()

    assert status in ("refused", "opaque")
    assert desk.asked == []


def test_what_the_machine_draws_by_itself_makes_no_touch_deaf(stand: Stand):
    """A finger's phase moves within the screen: its button stays the element that a hand is on."""
    stand.show("finger-place")
    stand.page.evaluate(
        "() => { window.skip = document.querySelector('button[value=finger-skipped]'); }"
    )
    stand.desk.put(SCENES["finger-retry"])
    stand.page.wait_for_selector(".hint:has-text('手指有点干')")
    stand.page.wait_for_selector("[data-phase=retry]")
    same = stand.page.evaluate("() => window.skip.isConnected")
    stand.page.evaluate("() => window.skip.click()")
    stand.until(lambda: stand.desk.asked)

    assert same
    assert [event for event, _ in stand.desk.asked] == [Event.FINGER_SKIPPED]


def test_the_picture_stays_when_help_is_offered_beside_it(stand: Stand):
    """Only words and a button are new: no flash of a camera that rests."""
    stand.show("portrait")
    stand.page.evaluate(
        """() => { window.kept = []; let shown = null;
        new MutationObserver(() => {
          const fresh = document.querySelector('[data-preview]');
          window.kept.push(fresh === shown && document.querySelector('[data-resting]').hidden);
          shown = fresh;
        }).observe(document.getElementById('stage'), {childList: true}); }"""
    )
    # Where a busy machine's picture has gone stale at the change, there is none to be kept: again.
    for scene_name in 8 * ("portrait-stuck", "portrait"):
        stand.page.wait_for_selector("canvas[data-preview]:not([hidden])")
        stand.desk.put(SCENES[scene_name])
        state = "attached" if scene_name == "portrait-stuck" else "detached"
        stand.page.wait_for_selector("main button[value=help]", state=state)
        if stand.page.evaluate("() => window.kept.includes(true)"):
            break

    assert stand.page.evaluate("() => window.kept.includes(true)")


def test_help_and_leave_hear_at_once_when_the_machine_changes_the_screen(stand: Stand):
    """A choice may have come under a finger; the bars stand where they stood."""
    for action, overlay in (("help", "help"), ("ask-leave", "leave")):
        stand.show("portrait")
        stand.page.evaluate(
            """(action) => { const button = document.querySelector(`button[value=${action}]`);
            new MutationObserver((_, self) => { self.disconnect();
              document.querySelector('button[value=portrait-kept]').click(); button.click();
            }).observe(document.body, {attributes: true, attributeFilter: ['data-screen']}); }""",
            action,
        )
        stand.desk.put(SCENES["portrait-ok"])
        stand.page.wait_for_selector(f"body[data-overlay={overlay}]")

    assert stand.desk.asked == []


def test_a_failed_or_overtaken_fetch_never_leaves_an_older_screen(stand: Stand):
    """The fetch that counts starts after the last event, and is tried again until it succeeds."""
    stand.show("portrait")
    old: list[str] = []

    def overtake(route: Route) -> None:
        if not old:
            answer = route.fetch()
            old.append(answer.text())
            stand.desk.put(SCENES["finger-place"])
            stand.page.wait_for_timeout(700)
            route.fulfill(response=answer)
        elif len(old) == 1:
            old.append("refused")
            route.abort()
        else:
            route.continue_()

    stand.page.route("**/screen", overtake)
    stand.desk.put(SCENES["portrait-ok"])
    stand.page.wait_for_selector("body[data-screen=finger]")
    stand.page.unroute("**/screen")

    assert 'data-screen="portrait-ok"' in old[0]
    assert old[1] == "refused"


def test_no_advice_stands_beside_a_picture_that_nobody_sees(stand: Stand):
    """While the camera rests there is one sentence, not two."""
    stand.camera.live = False
    stand.show("portrait")
    stand.page.wait_for_selector("[data-resting]")
    stand.page.wait_for_selector("[data-hint]", state="hidden")
    stand.camera.live = True
    stand.page.wait_for_selector("[data-hint]:has-text('请把头摆正')")


def test_the_card_of_a_lost_station_speaks_and_looks_as_the_screen_did(chromium: Browser):
    """Chosen after the page was loaded: language, size and colours; the telephone stays."""
    desk, camera = Desk(SCENES["consent"]), Camera()
    with served(desk, camera) as listener:
        page = chromium.new_page(viewport={"width": 1080, "height": 1920})
        page.clock.install()
        page.goto(listener.url)
        for touch in ("language:en", "scale:1.25", "theme:contrast"):
            page.clock.run_for(1_000)
            page.click(f"button[value='{touch}']")
            page.wait_for_selector(f"button[value='{touch}']", state="detached")
        page.route("**/events", lambda route: route.abort())
        page.route("**/screen", lambda route: route.abort())
        listener.close()
        page.clock.run_for(20_000)
        page.wait_for_selector("#lost:not([hidden])")
        words = page.inner_text("#lost")
        look = page.evaluate("() => ({...document.getElementById('lost').dataset})")
        paper = page.evaluate(
            "() => getComputedStyle(document.getElementById('lost')).backgroundColor"
        )
        page.close()

    assert "The machine is resting" in words
    assert "12345" in words
    assert "机器" not in words
    assert look == {"scale": "1.25", "theme": "contrast"}
    assert paper == "rgb(0, 0, 0)"
