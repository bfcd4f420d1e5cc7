"""The gate is proved: each fault that it is for is planted on a good screen, and found by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.gate.colour import drawn_contrast, luminances
from tests.browser.gate.listeners import faults as listener_faults
from tests.browser.gate.walk import LOOKS, Gate, gate
from tests.browser.stand import SIZES, Stand

GERMAN = "Personalausweisbeantragungsformularausgabestelle"

SLY = """
document.querySelector('main p').addEventListener('click', () => {});
document.addEventListener('touchmove', () => {}, {passive: true});
document.body.dataset.sly = '';
"""

FAULTS = {
    # Name of the plant: the screen, what goes wrong there, and the name under which it is found.
    "text of 16 px": ("consent", "main p, main .points span", "e.style.fontSize = '16px'",
                      "text-small"),
    "a footer of 16 px": ("welcome", "footer span", "e.style.fontSize = '16px'", "text-small"),
    "lines on top of each other": ("consent", "h1", "e.style.lineHeight = '1.1'", "lines-close"),
    "paragraphs without a gap": ("welcome", "main p + p", "e.style.marginTop = '-9mm'",
                                 "paragraphs-close"),
    "another font": ("welcome", "h1", "e.style.fontFamily = 'serif'", "letters-foreign"),
    "a clickable div": ("welcome", "main section",
                        "e.append(Object.assign(document.createElement('div'), "
                        "{textContent: '开始', onclick: () => {}}))", "not-a-button"),
    "a div that calls itself a button": ("welcome", "main p", "e.setAttribute('role', 'button')",
                                         "not-a-button"),
    "a button of 10 mm": ("welcome", "nav button", "e.style.minHeight = e.style.height = '40px'",
                          "target-small"),
    "a flat choice": ("consent", ".choice", "e.style.minHeight = e.style.height = '88px'",
                      "choice-small"),
    "choices that touch": ("consent", ".choices", "e.style.gap = '4px'", "targets-close"),
    "a word as long as German ones": ("consent", ".choice", f"e.textContent = '{GERMAN}'",
                                      "overflow"),
    "a question that runs out": ("consent", "h1", f"e.textContent = '{GERMAN}'.repeat(2); "
                                 "e.style.whiteSpace = 'nowrap'", "text-cut"),
    "words over words": ("welcome", "main p", "e.style.transform = 'translateY(-120px)'",
                         "text-over-text"),
    "words over a button": ("welcome", "main p", "e.style.transform = 'translateY(220px)'",
                            "text-over-target"),
    "a lost focus ring": ("welcome", "button", "e.style.outline = 'none'", "focus-lost"),
    "a pale focus ring": ("welcome", "button", "e.style.outlineColor = '#e8e0d4'", "focus-pale"),
    "pale text": ("consent", "main p, main .points span", "e.style.color = '#999999'",
                  "text-pale"),
    "text behind a veil": ("consent", "main section", "e.style.opacity = '0.6'", "text-pale"),
    "a pale border": ("welcome", "nav button", "e.style.borderColor = '#e8e0d4'", "edge-pale"),
    "a pale icon": ("welcome", "nav .icon", "e.style.stroke = '#e8e0d4'", "icon-pale"),
    "an icon without a word": ("welcome", "nav button",
                               "e.replaceChildren(e.querySelector('svg'))", "icon-without-word"),
    "a picture without a name": ("portrait-ok", "main img", "e.removeAttribute('alt')",
                                 "picture-without-name"),
    "another name than its words": ("welcome", "nav button", "e.setAttribute('aria-label', 'x')",
                                    "name-other"),
    "four choices": ("consent", ".choices", "for (let n = 0; n < 3; n++) "
                     "e.append(e.firstElementChild.cloneNode(true))", "choices"),
    "two questions": ("consent", "h1", "e.after(e.cloneNode(true))", "questions"),
    "a question of four lines": ("consent", "h1", "e.textContent = '请您先看一看。'.repeat(12)",
                                 "question-long"),
    "keys that jump": ("consent", ".choices", "e.style.flexDirection = 'column-reverse'",
                       "focus-order"),
    "a tab index": ("consent", "nav button", "e.tabIndex = 3", "focus-order"),
    "chosen by colour alone": ("shutter", ".reason:first-of-type",
                               "e.setAttribute('aria-pressed', 'true'); "
                               "e.style.background = '#d9ece4'", "colour-alone"),
    "a live region removed": ("finger-retry", "[aria-live]", "e.removeAttribute('aria-live')",
                              "change-untold"),
    "a bar that moved": ("consent", "nav", "e.style.paddingLeft = '60px'", "bar-moved"),
    "what never stands still": ("consent", "h1",
                                "e.animate([{opacity: 1}, {opacity: .9}], "
                                "{duration: 900, iterations: Infinity})", "moves"),
    "another language": ("consent", "#stage", "e.lang = 'de'", "language"),
}  # fmt: skip

AXE_FAULTS = {
    "a button that axe finds nameless": ("welcome", "nav button", "e.textContent = ''",
                                         "axe-button-name"),
    "text that axe finds pale": ("consent", "main p, main .points span",
                                 "e.style.color = '#8c8c8c'", "axe-color-contrast-enhanced"),
    "targets that axe finds small": ("consent", "nav button", "e.textContent = 'x'; "
                                     "e.style.cssText = 'all: unset; font-size: 8px; "
                                     "display: block; width: 12px; height: 12px'; "
                                     "e.parentElement.style.gap = '0'",
                                     "axe-target-size"),
}  # fmt: skip


@pytest.fixture(scope="module")
def standing(chromium: Browser) -> Iterator[Gate]:
    """An upright page, whose bars the gate has seen on a good screen."""
    with gate(chromium, SIZES["upright"]) as opened:
        opened.draw("welcome", "zh-CN")
        assert list(opened.faults("welcome", "zh-CN", LOOKS[:1])) == []
        yield opened


def plant(standing: Gate, place: str, selector: str, change: str) -> None:
    """Draw a good screen and spoil it: a style by hand, as a slip in a sheet would."""
    standing.draw(place, "zh-CN")
    count = standing.page.evaluate(
        f"""(selector) => {{ const all = [...document.querySelectorAll(selector)];
        for (const e of all) {{ {change}; }} return all.length; }}""",
        selector,
    )
    assert count, f"nothing on {place} is {selector}"


@pytest.mark.parametrize("plant_name", FAULTS)
def test_a_planted_fault_is_found_by_its_name(standing: Gate, plant_name: str):
    """The screen is good but for this one thing."""
    place, selector, change, name = FAULTS[plant_name]
    plant(standing, place, selector, change)
    found = {fault.name for fault in standing.faults(place, "zh-CN", LOOKS[:1])}
    standing.leave(place)

    assert name in found


@pytest.mark.parametrize("plant_name", AXE_FAULTS)
def test_a_fault_for_axe_is_found_by_axe(standing: Gate, plant_name: str):
    """It runs under the pages' own policy, and the two rules that are off by default are on."""
    place, selector, change, name = AXE_FAULTS[plant_name]
    plant(standing, place, selector, change)

    assert name in {fault.name for fault in standing.axe_faults(place, "zh-CN", LOOKS[0])}


def test_a_veil_over_letters_is_found_in_the_photograph(standing: Gate):
    """No colour of the style changes under it; what is drawn does."""
    plant(standing, "welcome", "main", "e.append(Object.assign(document.createElement('div'), "
          "{id: 'veil'})); Object.assign(document.getElementById('veil').style, {position: 'fixed',"
          " inset: '0', background: 'rgba(251, 246, 238, 0.7)'})")  # fmt: skip
    (seen,) = standing.read(LOOKS[0])
    lights = luminances(standing.page.screenshot())

    assert min(drawn_contrast(lights, text) for text in seen["texts"]) < 7


def test_the_pages_scripts_ask_for_nothing_but_touches(stand: Stand):
    """R9: no drag, swipe, long press or pinch is listened for, and only buttons hear a touch."""
    for place in ("welcome", "portrait", "finger-worn"):
        stand.show(place)

        assert [str(fault) for fault in listener_faults(stand.page)] == []


def test_a_hidden_listener_is_found(stand: Stand):
    """A div that hears clicks by script alone, and a page that waits for a swipe."""

    def add(route: Route) -> None:
        script = route.fetch().text() + SLY
        route.fulfill(content_type="text/javascript", body=script)

    stand.page.route("**/kiosk.mjs", add)
    stand.show("welcome")
    stand.page.wait_for_selector("body[data-sly]")
    found = {(fault.name, fault.what) for fault in listener_faults(stand.page)}
    stand.page.unroute("**/kiosk.mjs")

    assert found == {("not-a-button", "click on P"), ("gesture", "touchmove on #document")}
