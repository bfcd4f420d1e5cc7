"""The page of screens shows each of them, and weighs little."""

from __future__ import annotations

from tests.browser.gate.pictures import FOLDER, PAGE, SEEN, page_text, picture_of
from tests.browser.gate.walk import PLACES

ALL_BYTES = 6_000_000


def test_every_screen_has_its_picture_in_both_languages():
    """What was drawn is shown: after a new screen, `make screens`."""
    wanted = {picture_of(place, language) for place in PLACES for language in SEEN}

    assert set(FOLDER.iterdir()) == wanted


def test_the_page_lists_them_as_they_are_made():
    """Nobody edits it by hand."""
    assert PAGE.read_text(encoding="utf-8") == page_text()


def test_all_pictures_together_are_small():
    """A checkout stays light."""
    assert sum(picture.stat().st_size for picture in FOLDER.iterdir()) < ALL_BYTES
