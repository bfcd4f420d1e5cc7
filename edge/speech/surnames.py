"""How surnames are read: many are read otherwise than the same hanzi in a text.

Source: the readings marked as surnames in the Contemporary Chinese Dictionary (现代汉语词典), as
copies of it give them; compared with the list of overtrue/pinyin (MIT), which agrees but for one
that it gives by mistake (万 alone). Pinyin with the tone as a digit, 5 for none.
"""

from __future__ import annotations

from typing import Final

READINGS: Final[dict[str, str]] = {
    "万俟": "mo4 qi2", "尉迟": "yu4 chi2", "单于": "chan2 yu2", "长孙": "zhang3 sun1",
    "令狐": "ling2 hu2", "澹台": "tan2 tai2", "皇甫": "huang2 fu3", "夏侯": "xia4 hou2",
    "呼延": "hu1 yan2", "亓官": "qi2 guan1", "濮阳": "pu2 yang2", "宰父": "zai3 fu3",
    "鲜于": "xian1 yu2", "仇": "qiu2", "单": "shan4", "查": "zha1", "解": "xie4", "区": "ou1",
    "曾": "zeng1", "任": "ren2", "盖": "ge3", "朴": "piao2", "华": "hua4", "缪": "miao4",
    "员": "yun4", "贠": "yun4", "种": "chong2", "秘": "bi4", "冼": "xian3", "洗": "xian3",
    "折": "she2", "覃": "qin2", "卜": "bu3", "繁": "po2", "过": "guo1", "召": "shao4",
    "乐": "yue4", "那": "na1", "翟": "zhai2", "祭": "zhai4", "纪": "ji3", "逄": "pang2",
    "佴": "nai4", "牟": "mou2", "眭": "sui1", "应": "ying1", "宁": "ning4", "葛": "ge3",
    "燕": "yan1", "哈": "ha3", "柏": "bai3", "相": "xiang4", "车": "che1", "句": "gou1",
    "谌": "chen2", "訾": "zi1", "郗": "xi1", "重": "chong2", "隗": "wei3", "乜": "nie4",
    "幺": "yao1", "都": "du1", "粘": "nian2", "藏": "zang4", "六": "lu4", "薄": "bo2",
    "贾": "jia3", "盛": "sheng4", "石": "shi2", "冯": "feng2", "瞿": "qu2", "阚": "kan4",
    "叶": "ye4", "强": "qiang2", "沈": "shen3", "宿": "su4", "殷": "yin1", "於": "yu1",
    "俞": "yu2", "余": "yu2", "尹": "yin3", "曲": "qu1", "朱": "zhu1", "齐": "qi2",
    "晁": "chao2", "逯": "lu4", "恽": "yun4", "昝": "zan3", "阙": "que1", "钭": "tou3",
    "郄": "qie4", "臧": "zang1", "莘": "shen1", "尉": "wei4", "褚": "chu3", "宓": "mi4",
    "郇": "xun2", "撒": "sa3", "黑": "hei1", "广": "guang3", "落": "luo4", "参": "can1",
    "谷": "gu3", "少": "shao4",
}  # fmt: skip


def surname_pinyin(surname: str) -> str | None:
    """Return how a surname is read where it differs or could, else None: as in any text."""
    return READINGS.get(surname)
