"""What the lines of a content pack may say: plain words, nothing to buy, nowhere to go.

Rules R17 and R18 of the design: no advert, no address of any kind, no number to call but a public
one (which has a place of its own), nothing that could be read as a code, short sentences.
"""

from __future__ import annotations

import re
from typing import Final

from edge.service.pack import PackUnfit

HANZI_IN_SENTENCE: Final = 20
HANZI_IN_TITLE: Final = 14
WORDS_IN_SENTENCE: Final = 16
WORDS_IN_TITLE: Final = 9
SENTENCES: Final = 4
_SENTENCE_END: Final = re.compile(r"[。？！.?!]+")
# Letters of other scripts, box drawing, invisible and turning characters are in neither.
_ZH: Final = re.compile(r"[㐀-䶿一-鿿0-9，。、？！：；（）“”《》]+")
_EN: Final = re.compile(r"[A-Za-z0-9 ,.;:?!()'’“”-]+")
_NUMBER: Final = re.compile(r"[0-9]{3,}")
_ADDRESS: Final = re.compile(
    r"[0-9]+ ?(?:号|弄|室|栋)|(?i:\bwww\b|\bhttps?\b|[a-z0-9-]\.[a-z]{2,}|@|\bstreet\b|\broad\b)"
)
_ADVERT_ZH: Final = re.compile(
    "优惠|折扣|打折|促销|特价|抢购|秒杀|限时|立减|下单|购买热线|热卖|代金券|红包|会员|微信|公众号|小程序|"
    "二维码|扫码|扫一扫|网址|网站|点击|关注我们|品牌|独家|最低价|返现|抽奖"
)
_ADVERT_EN: Final = re.compile(
    r"(?i)\b(?:discount|sale|special offer|buy now|coupon|voucher|subscribe|follow us|qr|scan|"
    r"website|click|link below|brand|best price|cash ?back|lottery|order now|app store|download)\b"
)


def check_line(language: str, line_id: str, words: str) -> None:
    """Refuse a line that must not be on a screen for people. Raises `PackUnfit`, with the id."""
    zh = language == "zh-CN"
    if not (_ZH if zh else _EN).fullmatch(words):
        raise _unfit(language, line_id, "has characters that do not belong to the language")
    if _NUMBER.search(words):
        raise _unfit(language, line_id, "has a number: a public one goes into `number`")
    if _ADDRESS.search(words):
        raise _unfit(language, line_id, "has an address")
    if (_ADVERT_ZH if zh else _ADVERT_EN).search(words):
        raise _unfit(language, line_id, "has a word of adverts")
    sentences = [part for part in _SENTENCE_END.split(words) if part.strip()]
    most = _most(line_id, zh=zh)
    if not sentences or len(sentences) > SENTENCES:
        raise _unfit(language, line_id, f"has none or more than {SENTENCES} sentences")
    if max(_length(part, zh=zh) for part in sentences) > most:
        raise _unfit(language, line_id, f"has a sentence of more than {most}")


def _most(line_id: str, *, zh: bool) -> int:
    if line_id.endswith((".title", ".name")):
        return HANZI_IN_TITLE if zh else WORDS_IN_TITLE
    return HANZI_IN_SENTENCE if zh else WORDS_IN_SENTENCE


def _length(sentence: str, *, zh: bool) -> int:
    """Return the hanzi and digits, or the words, of a sentence."""
    return len(re.findall(r"\w", sentence)) if zh else len(sentence.split())


def _unfit(language: str, line_id: str, why: str) -> PackUnfit:
    return PackUnfit(f"line {line_id} in {language} {why}")
