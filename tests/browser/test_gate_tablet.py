"""The tablet of a portable station: the fullest screens, held to what a hand and its eyes need.

All of its screens are walked by `make gate`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from api.kiosk.look import SCALES
from tests.browser.gate.rules import HAND, KIOSK, Fault, Screen
from tests.browser.gate.walk import LANGUAGES, TABLET_PPI, TABLET_SIZES, Gate, gate

FULLEST = ("consent-assisted", "finger-pointed", "finger-called", "portrait-stuck", "reuse-staff",
           "result-papers", "number-unknown", "sign", "exception-two")  # fmt: skip
LOOKS = tuple({"scale": scale, "theme": "light"} for scale in SCALES)


@pytest.fixture(scope="module", params=TABLET_SIZES)
def standing(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Gate]:
    """A tablet, held one way."""
    size = TABLET_SIZES[request.param]
    with gate(chromium, size, Screen(TABLET_PPI, size)) as opened:
        yield opened


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fullest_screens_fit_a_tablet_in_the_hand(standing: Gate, language: str):
    """Letters for 400 mm, targets for fingers as they are, nothing cut off; sheets in each step."""
    found: list[Fault] = []
    for place in FULLEST:
        standing.draw(place, language)
        found += standing.faults(place, language, LOOKS)
        found += standing.step_faults(place, language)
        standing.leave(place)

    assert not found, "\n".join(map(str, found))


def test_the_pad_comes_once_reason_and_time_are_chosen(standing: Gate):
    """Each step leads to the next: nothing that a signature needs stays hidden."""
    shown = []
    standing.draw("exception-two", "zh-CN")
    for action in ("why:amputated", "until:no_date"):
        shown.append(standing.page.is_visible(".pad"))
        standing.touch(action)
    signable = standing.page.is_visible(".pad") and standing.page.is_visible("[value$=':one']")
    standing.leave("exception-two")

    assert (shown, signable) == ([False, False], True)


@pytest.mark.parametrize(
    ("ppi", "size", "asked"),
    [(149.45, (1280, 800), HAND), (149.45, (800, 1280), HAND), (102.46, (1920, 1080), KIOSK),
     (68.84, (1080, 1920), KIOSK)],
    ids=["tablet-lying", "tablet-upright", "kiosk-21", "kiosk-32"],
)  # fmt: skip
def test_what_is_asked_of_a_screen_follows_from_its_size(ppi, size, asked):
    """Below 300 mm it is held in the hand; all others stand 600 mm away."""
    assert Screen(ppi, size).asked is asked
