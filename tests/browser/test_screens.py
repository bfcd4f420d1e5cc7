"""The kiosk's page in a real browser: it follows the sitting, and is nobody else's."""

from __future__ import annotations

from playwright.sync_api import Browser, Route

from edge.sitting import Event, State
from tests.browser.desk import SCENES, Camera, Desk, served
from tests.browser.stand import Stand


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


def test_a_pin_that_is_typed_at_once_stands_where_it_was_asked_for(stand: Stand):
    """The touch on the field is held up: the key that came after it arrives after it."""
    arrived: list[str] = []

    def slowly(route: Route) -> None:
        touched = route.request.post_data or ""
        if "field%3Apin" in touched:
            stand.page.wait_for_timeout(700)
        arrived.append(touched)
        route.continue_()

    stand.open_sheet("sign")
    stand.page.wait_for_timeout(750)
    stand.page.route("**/act", slowly)
    stand.page.evaluate(
        """() => { document.querySelector("button[value='field:pin']").click();
        document.querySelector("button[value='key:4']").click(); }"""
    )
    stand.until(lambda: len(arrived) == 2)
    stand.page.unroute("**/act")
    stand.post("staff:back", "stay")

    assert ["field%3Apin" in touched for touched in arrived] == [True, False]
