"""The gate: every screen, in each language, size, colour and orientation, held to what elders need.

Its faults have names; `tests/browser/test_gate_planted.py` shows that each is found.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from api.kiosk.catalogue import load_catalogue
from api.kiosk.look import SCALES, THEMES
from quality.advice import Advice
from tests.browser.desk import SCENES, SHEETS
from tests.browser.gate.colour import drawn_contrast, luminances
from tests.browser.gate.rules import TEXT_CONTRAST, Fault
from tests.browser.gate.walk import ALL_LOOKS, LANGUAGES, PLACES, Gate, gate
from tests.browser.stand import SIZES

PHOTOGRAPHED = ("welcome", "consent", "finger-called", "result-missing", "help")
"""Cards, dark fills, drawings and plain paper: what lies behind words anywhere."""


@pytest.fixture(scope="module", params=SIZES)
def standing(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Gate]:
    """A page for all tests of one orientation."""
    with gate(chromium, SIZES[request.param]) as opened:
        yield opened


def listed(faults: list[Fault]) -> str:
    """One fault a line."""
    return "\n".join(map(str, faults))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_can_be_seen_read_and_touched(standing: Gate, language: str):
    """Sizes in millimetres, gaps, contrast, order, names and what is told, on all of them."""
    found: list[Fault] = []
    for place in PLACES:
        standing.draw(place, language)
        found += standing.faults(place, language)
        standing.leave(place)

    assert not found, listed(found)


def test_axe_finds_nothing(standing: Gate):
    """Each screen in both orientations, its variants in one; languages, sizes, colours in turn."""
    found: list[Fault] = []
    turned = (standing.page.viewport_size or {})["width"] > 1500
    known: set[tuple[object, ...]] = set()
    for index, place in enumerate(PLACES):
        scene = SCENES[SHEETS.get(place, (place,))[0]]
        screen = (scene.state, scene.overlay, place if place in SHEETS else "")
        if screen in known and (index + turned) % 2:
            continue
        known.add(screen)
        language = LANGUAGES[(index + turned) % len(LANGUAGES)]
        standing.draw(place, language)
        look = ALL_LOOKS[(index // 2 + turned) % len(ALL_LOOKS)]
        found += standing.axe_faults(place, language, look)
        standing.leave(place)

    assert not found, listed(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bars_fit_in_every_look_that_can_be_chosen(standing: Gate, language: str):
    """Their words change with what was chosen, so each look is chosen as by a hand."""
    found: list[Fault] = []
    for action in (*(f"scale:{one}" for one in SCALES), *(f"theme:{one}" for one in THEMES)):
        standing.draw("consent", language)
        standing.touch(action)
        kind, _, value = action.partition(":")
        look = {"scale": SCALES[0], "theme": THEMES[0]} | {kind: value}
        found += standing.faults("consent", language, (look,), chosen=True)
        standing.touch(f"{kind}:{(SCALES if kind == 'scale' else THEMES)[0]}")

    assert not found, listed(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_hints_fit_the_fullest_screen(standing: Gate, language: str):
    """Three of them, each above the offer of staff, enlarged: nothing is cut off."""
    words = load_catalogue().lines[language]
    by_length = sorted((one.value for one in Advice), key=lambda code: len(words[code]))
    found: list[Fault] = []
    for code in by_length[-3:]:
        standing.draw("portrait-stuck", language, hint=code)
        found += standing.faults("portrait-stuck", language)

    assert not found, listed(found)


def test_letters_stand_out_as_they_are_drawn(standing: Gate):
    """R6 by the pixels of a photograph: what no style tells, a veil or a picture behind, counts."""
    found: list[Fault] = []
    for place in PHOTOGRAPHED:
        standing.draw(place, LANGUAGES[0])
        for theme in THEMES:
            (seen,) = standing.read({"scale": SCALES[0], "theme": theme})
            lights = luminances(standing.page.screenshot())
            found += [
                Fault("drawn-pale", f"{place} {theme}: {text['words']!r} {ratio:.1f}:1")
                for text in seen["texts"]
                if (ratio := drawn_contrast(lights, text)) < TEXT_CONTRAST
            ]

    assert not found, listed(found)
