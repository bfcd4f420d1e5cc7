"""From a line's text to the signs that Kokoro was taught: Mandarin by pinyin, English by espeak-ng.

Runs in the voice environment only.

Source of the Mandarin signs: misaki 0.9.4, `ZHG2P` (Apache-2.0), with another word splitter; of
the English ones: its `EspeakFallback.E2M`.
"""

from __future__ import annotations

import re
import subprocess
from typing import Final

from edge.speech.mandarin import PHRASES

_HANZI: Final = re.compile(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
_POINTS: Final = str.maketrans(
    {
        "（": " (", "）": ") ", "，": ", ", "、": ", ", "。": ". ",
        "？": "? ", "！": "! ", "：": ": ", "；": "; ",
    }
)  # fmt: skip
_TONES: Final = (
    ("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"),
    ("\u027b\u0329", "ɨ"), ("\u0279\u0329", "ɨ"),
)  # fmt: skip
_KNOWN: Final = re.compile(f"({'|'.join(PHRASES)})")
"""Words that are cut out before the others, so that no splitter parts them."""
_ENDS: Final = "。？！.?!"
_ENGLISH: Final = (
    ("ʔˌn̩", "ʔn"), ("ʔn̩", "ʔn"),
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"),
    ("o^ʊ", "O"), ("ə^l", "ᵊl"), ("ʲO", "jO"), ("ʲə", "jə"), ("ʲ", ""),
    ("e", "A"), ("ɚ", "əɹ"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɐ", "ə"), ("ɬ", "l"),
    ("\u0303", ""), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("o", "ɔ"),
    ("ɾ", "T"), ("ʔ", "t"), ("^", ""),
)  # fmt: skip
_SYLLABIC: Final = re.compile("(\\S)\u0329")
_CLAUSE: Final = re.compile(r"[^,.:;?!]+|[,.:;?!]")
ESPEAK_LIMIT_S: Final = 20


def phonemes(language: str, text: str) -> str:
    """Return the signs of one spoken line. Raises `ValueError` for a language without a reader."""
    # Without a full stop the voice stays in the air.
    whole = text if text[-1] in _ENDS else f"{text}."
    if language == "zh-CN":
        return _mandarin(whole)
    if language == "en":
        return _english(whole)
    raise ValueError(f"no reader for {language}")


def _mandarin(text: str) -> str:
    # Only the voice environment has these.
    import rjieba  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    signs = ""
    for segment in _HANZI.findall(text.translate(_POINTS).strip()):
        if "\u4e00" <= segment[0] <= "\u9fff":
            parts = (part for part in _KNOWN.split(segment) if part)
            words = [[part] if part in PHRASES else rjieba.cut(part) for part in parts]
            signs += " ".join(_word(word) for group in words for word in group)
        else:
            signs += segment
    return signs.replace("\u032f", "")


def _word(word: str) -> str:
    from misaki.transcription import (  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
        pinyin_to_ipa,
    )
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    # Citation tones on purpose: the voice was taught with them and bends them by itself.
    syllables = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
    return "".join(_retoned("".join(pinyin_to_ipa(one)[0])) for one in syllables)


def _retoned(signs: str) -> str:
    for before, after in _TONES:
        signs = signs.replace(before, after)
    return signs


def _english(text: str) -> str:
    # espeak-ng drops the points that the voice breathes at, so it reads clause by clause.
    parts = (
        part if part in ",.:;?!" else f" {_clause(part.strip())}"
        for part in _CLAUSE.findall(text)
        if part.strip()
    )
    return "".join(parts).strip()


def _clause(words: str) -> str:
    command = ["espeak-ng", "-q", "--ipa", "--tie=^", "-v", "en-us", "--", words]
    told = subprocess.run(command, capture_output=True, timeout=ESPEAK_LIMIT_S, check=True)
    signs = " ".join(told.stdout.decode().split())
    for before, after in _ENGLISH:
        signs = signs.replace(before, after)
    return _SYLLABIC.sub("ᵊ\\1", signs).replace("\u0329", "")
