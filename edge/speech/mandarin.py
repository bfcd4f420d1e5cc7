"""Hanzi and numbers as pinyin with tone digits, the one spelling that espeak-ng reads rightly."""

from __future__ import annotations

from typing import Final

from pypinyin import Style, lazy_pinyin, load_phrases_dict

from edge.speech.surnames import surname_pinyin

PHRASES: Final = {
    "先生": [["xiān"], ["sheng"]],
    "照片": [["zhào"], ["piàn"]],
    "看得到": [["kàn"], ["de"], ["dào"]],
    "做得": [["zuò"], ["de"]],
    "来调": [["lái"], ["tiáo"]],
    "有点干": [["yǒu"], ["diǎn"], ["gān"]],
    "皮肤干": [["pí"], ["fū"], ["gān"]],
    "一月": [["yī"], ["yuè"]],
}
"""Words that pypinyin's dictionary reads otherwise than people do, with their readings."""
load_phrases_dict(PHRASES)

_DIGITS: Final = "零一二三四五六七八九"
_PAUSES: Final = str.maketrans("，。？！：；、", ",.?!:;,")


def pinyin(text: str, surname: str = "") -> str:
    """Return a text as pinyin, one syllable a word; digits must be written out before.

    Args:
        text: hanzi; other signs stay what they are.
        surname: with which the text begins, read as surnames are.
    """
    called = (surname and surname_pinyin(surname)) or ""
    rest = text[len(surname) :] if called else text
    syllables = lazy_pinyin(rest, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=False)
    # Neither v nor u: says the voice of pinyin.
    spelt = " ".join(one.translate(_PAUSES).replace("v", "ü") for one in syllables)
    return f"{called} {spelt}".strip()


def digit_words(digits: str) -> str:
    """Return a row of digits one by one ("407" as 四零七): numbers of slips are read so."""
    return "".join(_DIGITS[int(digit)] for digit in digits)


def count_words(count: int) -> str:
    """Return a whole number from 0 to 999 as it is counted ("12" as 十二).

    Raises:
        ValueError: nobody waits that long.
    """
    if not 0 <= count <= 999:
        raise ValueError("only 0 to 999 is counted")
    hundreds, rest = divmod(count, 100)
    tens, ones = divmod(rest, 10)
    words = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if hundreds and rest and not tens:
        words += "零"
    if tens:
        words += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    return words + (_DIGITS[ones] if ones or not count else "")


def minutes_words(minutes: int) -> str:
    """Return so many minutes as they are said: two of them are 两, not 二."""
    return "两分钟" if minutes == 2 else f"{count_words(min(minutes, 999))}分钟"


def day_words(month: int, day: int) -> str:
    """Return a day of the year as it is said: 十二月二十二日."""
    return f"{count_words(month)}月{count_words(day)}日"
