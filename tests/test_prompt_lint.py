"""Every line that people see or hear is in plain, kind words; a bad one would be found."""

from __future__ import annotations

import re

import pytest

from api.kiosk.catalogue import MASTER, SECOND, load_catalogue
from api.kiosk.spoken import spoken_lines, stray_carriers
from tests.plain_language import complaints, unheard

LANGUAGES = (MASTER, SECOND)
CATALOGUE = load_catalogue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_shown_is_plain_and_kind(language: str):
    """Short sentences of this language alone: no blame, no orders, no words of engineers."""
    lines = CATALOGUE.lines[language].items()
    found = {line_id: list(complaints(language, text)) for line_id, text in lines}

    assert not {line_id: said for line_id, said in found.items() if said}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_heard_is_plain_and_long_enough_to_be_made_out(language: str):
    """A label of one or two syllables is said within a sentence."""
    lines = spoken_lines(language).items()
    found = {line_id: list(complaints(language, text)) for line_id, text in lines}

    assert not {line_id: said for line_id, said in found.items() if said}
    assert not {line_id: text for line_id, text in lines if unheard(language, text)}
    assert not [line_id for line_id, text in lines if language == MASTER and "（" in text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_carrier_stands_for_a_line_and_says_its_words(language: str):
    """What is heard holds what is shown: a button is called by its own name."""
    assert not stray_carriers(language)
    said = spoken_lines(language)
    choices = {"welcome.start", "consent.all", "consent.decline", "bar.leave", "still-there.here"}
    for line_id in choices:
        assert CATALOGUE.line(language, line_id).lower() in said[line_id].lower(), line_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hint_asks_for_one_thing(language: str):
    """One request a sentence: whoever hears two does the second."""
    asks = "请" if language == MASTER else "please"
    hints = {
        line_id: text
        for line_id, text in CATALOGUE.lines[language].items()
        if re.match(r"(portrait|finger)\.", line_id)
    }

    assert len(hints) > 60
    assert not [
        line_id
        for line_id, text in hints.items()
        for sentence in re.split(r"[。.]", text)
        if sentence.lower().count(asks) > (2 if line_id == "portrait.take_off_hat" else 1)
    ]


BAD_LINES = {
    "blame": (MASTER, "您没有按好，失败了"),
    "try-again": (MASTER, "请重试"),
    "rude": (MASTER, "你必须按住"),
    "shouting": (MASTER, "请按住！"),
    "letters": (MASTER, "请下载APP"),
    "digits": (MASTER, "请等3分钟"),
    "jargon": (MASTER, "系统正在上传数据"),
    "long": (MASTER, "请把右手的拇指慢慢地轻轻地平平地放在下面亮着的玻璃上"),
    "two-actions": (MASTER, "请按住然后抬手"),
    "many-sentences": (MASTER, "请坐。请看。请等。请走。"),
    "space": (MASTER, " 请坐"),
    "en-blame": (SECOND, "Wrong finger"),
    "en-try-again": (SECOND, "Please try again"),
    "en-rude": (SECOND, "You must hold still"),
    "en-forbids": (SECOND, "Please sit. Do not move."),
    "en-shouting": (SECOND, "Hold still!"),
    "en-jargon": (SECOND, "The device is loading data"),
    "en-hanzi": (SECOND, "Please 坐"),
    "en-long": (
        SECOND,
        "Please put the thumb of your right hand slowly and gently and flat on the lit glass below",
    ),
    "en-two-actions": (SECOND, "Press and then lift it"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_found(name: str):
    """The lint is proved by lines that nobody should ever read."""
    assert list(complaints(*BAD_LINES[name]))


@pytest.mark.parametrize(
    ("language", "text", "short"),
    [(MASTER, "同意", True), (MASTER, "您同意，请点同意。", False), (SECOND, "Leave", True)],
    ids=["zh-label", "zh-carrier", "en-label"],
)
def test_a_label_without_a_carrier_is_found(language: str, text: str, short: bool):
    """One word is hard to make out, whoever says it."""
    assert unheard(language, text) is short
