"""What is wrong with a line for people: too long, foreign, blaming, rude, or two things at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

HANZI: Final = re.compile(r"[㐀-鿿]")
HANZI_IN_SENTENCE: Final = 20
WORDS_IN_SENTENCE: Final = 16
SENTENCES: Final = 3
SPOKEN_HANZI: Final = 4
"""A voice made for sentences cannot be understood below this."""
SPOKEN_WORDS: Final = 2

_ZH_SIGNS: Final = re.compile(r"[㐀-鿿，。？！：、（）]+")
_EN_SIGNS: Final = re.compile(r"[A-Za-z0-9 ,.?:;()'-]+")
_ZH_END: Final = re.compile(r"[。？！]")
_EN_END: Final = re.compile(r"[.?!:;]")
_BLAME: Final = {
    "zh-CN": re.compile(
        "错|失败|无效|违|不合格|您没有|您没|您应该|应当|必须|故障|警告|非法|拒绝|不正确|有误|不对劲|"
        "您的问题|怪您|又没|还是不行|重试|再试|不行|不规范|太慢|超时|过期|黑名单|嫌疑"
    ),
    "en": re.compile(
        r"\b(?:error|failed|failures?|fails?|invalid|wrong|bad|incorrect|illegal|denied|rejected|"
        r"refused|fault|score|expired|try again|retry|you did not|you didn't|your mistake|too slow|"
        r"timed? ?out|warning|suspicious)\b"
    ),
}
_RUDE: Final = {
    "zh-CN": re.compile("你|不准|不许|禁止|不得|赶快|快点|赶紧|马上按|立即|严禁|！"),
    "en": re.compile(
        r"\b(?:you must|must not|hurry up|quickly|immediately|forbidden)\b|!|"
        r"(?:^|[.:;,] )(?:do not|don't)\b"
    ),
}
_FOREIGN: Final = {
    "zh-CN": re.compile(
        "系统|数据|上传|下载|登录|注册|账号|验证码|二维码|扫码|界面|设备|终端|模块|识别|采集仪|传感器|"
        "链接|网络|服务器|刷新|加载|缓存|权限|配置|参数|客户端|版本|默认|选项卡"
    ),
    "en": re.compile(
        r"\b(?:system|data|upload|download|log ?in|account|qr|interface|device|terminal|module|"
        r"sensor|biometric|network|server|refresh|loading|permission|default|click|submit|session|"
        r"app)\b"
    ),
}
_TWO_ACTIONS: Final = {
    "zh-CN": re.compile(r"然后|同时|一边|并且|紧接着"),
    "en": re.compile(r"\b(?:and then|at the same time|while you|after that)\b"),
}


def complaints(language: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a line of this language; nothing for one that is fit."""
    low = text if language == "zh-CN" else text.lower()
    if text != text.strip() or not text:
        yield "empty, or space around it"
    if not (_ZH_SIGNS if language == "zh-CN" else _EN_SIGNS).fullmatch(text):
        yield "signs that this language does not have, or digits that nobody reads aloud"
    yield from (f"blames: {word}" for word in _BLAME[language].findall(low))
    yield from (f"orders people about: {word}" for word in _RUDE[language].findall(low))
    yield from (f"a word of engineers: {word}" for word in _FOREIGN[language].findall(low))
    sentences = [one for one in _ends(language).split(text) if one.strip()]
    if len(sentences) > SENTENCES:
        yield f"{len(sentences)} sentences at once"
    for sentence in sentences:
        if _length(language, sentence) > _most(language):
            yield f"too long: {sentence}"
        if _TWO_ACTIONS[language].search(sentence.lower()):
            yield f"two things in one sentence: {sentence}"


def unheard(language: str, spoken: str) -> bool:
    """Tell whether a spoken text is too short to be made out."""
    least = SPOKEN_HANZI if language == "zh-CN" else SPOKEN_WORDS
    return _length(language, spoken) < least


def _ends(language: str) -> re.Pattern[str]:
    return _ZH_END if language == "zh-CN" else _EN_END


def _length(language: str, text: str) -> int:
    return len(HANZI.findall(text)) if language == "zh-CN" else len(text.split())


def _most(language: str) -> int:
    return HANZI_IN_SENTENCE if language == "zh-CN" else WORDS_IN_SENTENCE
