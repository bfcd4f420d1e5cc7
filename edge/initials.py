"""The first letter of a surname: as much as a list of waiting people needs to tell them apart."""

from __future__ import annotations

import unicodedata
from typing import Final

from pypinyin import Style, lazy_pinyin

UNKNOWN: Final = "·"
_AS_SURNAME: Final = {
    "单": "S", "仇": "Q", "曾": "Z", "查": "Z", "区": "O", "解": "X", "朴": "P", "盖": "G",
    "缪": "M", "尉迟": "Y", "万俟": "M", "种": "C", "繁": "P", "冼": "X", "乐": "Y", "员": "Y",
    "黑": "H", "折": "S", "召": "S", "秘": "B", "贲": "B", "逄": "P", "翟": "Z", "祭": "Z",
    "都": "D", "宓": "F", "长孙": "Z", "晟": "C", "谌": "C", "覃": "Q", "重": "C", "省": "X",
}  # fmt: skip
"""Hanzi that are read otherwise when they are a surname."""


def surname_initial(surname: str) -> str:
    """Return one capital letter, `UNKNOWN` where nobody can tell; never more of the surname."""
    stripped = surname.strip()
    if not stripped:
        return UNKNOWN
    known = _AS_SURNAME.get(stripped) or _AS_SURNAME.get(stripped[0])
    # What is no hanzi stays as it is: a Latin letter is its own initial.
    spelled = known or "".join(lazy_pinyin(stripped[0], style=Style.NORMAL, errors="default"))
    plain = unicodedata.normalize("NFD", spelled)[:1].upper()[:1]
    return plain if "A" <= plain <= "Z" else UNKNOWN
