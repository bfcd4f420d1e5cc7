"""Every line on the screen: short, kind, complete, in both languages."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from api.kiosk.catalogue import MASTER, SECOND, Catalogue, load_catalogue
from api.kiosk.checks import check_lines
from api.kiosk.view import STEPS
from edge.override import OverrideReason
from edge.settings import load_reuse_policy
from edge.sitting import FingerPhase, Overlay, Result, State
from quality.advice import Advice

CATALOGUE = load_catalogue()
HANZI = re.compile(r"[㐀-鿿]")
SENTENCE_END = re.compile(r"[。！？；:：]")
BLAME_ZH = ("错", "失败", "无效", "违", "不合格", "您没有", "您应该", "必须", "故障", "警告")
BLAME_EN = ("error", "fail", "invalid", "wrong", "bad", "you must", "you did not", "score", "fault")
POSITIONS = [
    f"{side}_{name}"
    for side in ("right", "left")
    for name in ("thumb", "index", "middle", "ring", "little")
]
ROOMS = Path(__file__).parent.parent
TEMPLATES = Path(__file__).parent.parent / "api" / "kiosk" / "templates"


def test_both_languages_have_the_same_lines():
    """English is complete, and nothing stands only there."""
    assert set(CATALOGUE.lines[MASTER]) == set(CATALOGUE.lines[SECOND])
    assert list(CATALOGUE.names) == [MASTER, SECOND]


@pytest.mark.parametrize("line_id", sorted(CATALOGUE.lines[MASTER]))
def test_a_line_is_short_and_blames_nobody(line_id: str):
    """At most 20 hanzi a sentence, no Latin letters or digits in Chinese, no word of blame."""
    chinese, english = (CATALOGUE.lines[tongue][line_id] for tongue in (MASTER, SECOND))

    for sentence in SENTENCE_END.split(chinese):
        assert len(HANZI.findall(sentence)) <= 20, chinese
    assert not set(chinese) & set(string.ascii_letters + string.digits)
    assert not [word for word in BLAME_ZH if word in chinese]
    assert HANZI.search(chinese)
    assert not [word for word in BLAME_EN if word in english.lower()]
    assert not HANZI.search(english)
    assert english.strip() == english
    assert chinese.strip() == chinese


@pytest.mark.parametrize("advice", list(Advice), ids=lambda advice: advice.value)
def test_every_advice_has_a_line(advice: Advice):
    """What quality advises, the screen can say."""
    assert CATALOGUE.has(advice.value)


def test_every_hint_named_in_the_finger_rooms_has_a_line():
    """Codes are written as text there, so they are searched as text here."""
    rooms = Path(__file__).parent.parent
    sources = [*rooms.glob("quality/finger/*.py"), *rooms.glob("edge/**/*.py")]
    codes = {
        code
        for path in sources
        for code in re.findall(r'"(finger\.[a-z_]+)"', path.read_text(encoding="utf-8"))
    }

    assert codes
    assert not [code for code in codes if not CATALOGUE.has(code)]


def test_every_measure_that_an_earlier_photo_may_not_pass_is_told_in_words():
    """Staff read what differs, never a code; a measure that comes later has words too."""
    measures = [path.stem for path in (ROOMS / "quality" / "face").glob("*.py")]
    names = ["".join(word.title() for word in stem.split("_")) for stem in measures]
    gates = {
        gate
        for path in (ROOMS / "firmware_configs" / "documents").rglob("*.toml")
        for gate in tomllib.loads(path.read_text(encoding="utf-8")).get("gates", {})
    }
    lines = check_lines([*names, *gates, "head_height", "margin_top", "file_size", "Unheard"])

    assert gates
    assert not [line_id for line_id in lines if not CATALOGUE.has(line_id)]
    assert {line_id for line_id in CATALOGUE.lines[MASTER] if line_id.startswith("check.")} == {
        *lines,
        "check.say",
    }
    assert "check.other" not in check_lines(gates)


def test_every_reason_and_every_source_has_a_line():
    """What staff choose from, and where an earlier photo may come from."""
    sources = {name for rule in load_reuse_policy().reuse.values() for name in rule.sources}

    assert sources
    assert all(CATALOGUE.has(f"reason.{reason.value}") for reason in OverrideReason)
    assert all(CATALOGUE.has(f"reuse.source.{name}") for name in {*sources, "other"})


@pytest.mark.parametrize("position", POSITIONS)
def test_every_finger_position_has_its_own_whole_line(position: str):
    """No sentence is put together at run time."""
    assert CATALOGUE.has(f"finger.ask.{position}")
    assert CATALOGUE.has(f"finger.name.{position}")


def test_every_screen_overlay_result_and_phase_has_its_lines():
    """Each has its own sentence; the live screens speak by their hint."""
    by_hint = {State.PORTRAIT, State.FINGER, State.RESULT}
    wanted = {f"{state.value}.question" for state in State if state not in by_hint}
    wanted |= {f"{overlay.value}.{part}" for overlay in Overlay for part in ("question", "say")}
    wanted |= {f"result.{result.value}.{part}" for result in Result for part in ("question", "say")}
    wanted |= {f"finger.{phase.value}" for phase in FingerPhase if phase is not FingerPhase.RETRY}
    wanted |= {f"progress.{step}" for step in STEPS}

    assert not [line_id for line_id in wanted if not CATALOGUE.has(line_id)]


def test_every_line_of_the_templates_exists_and_every_line_is_used():
    """No line is missing, none is left over; hints and results are named by code."""
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html"))
    named = set(re.findall(r"""line\(["']([\w.\-]+)["']\)""", text))
    # Also where a template chooses between two lines.
    chosen = set(re.findall(r"""["']([\w\-]+\.[\w.\-]+)["']""", text))
    by_code = ("portrait.", "finger.", "result.", "progress.", "mistake.", "resumed.")
    by_code += ("month.", "remote.role.", "remote.word.", "person.", "proxy.")
    by_code += ("check.", "reason.", "reuse.source.", "reuse.new_one", "reuse-check.look", "staff.")
    by_code += (
        "exception.reason.",
        "exception.until.",
        "exception.told",
        "finger-more.",
        "review.noted",
    )
    overlays = tuple(
        f"{name}."
        for name in ("calm", "help", "rest", "out-of-service", "charging", "checking", "leave")
    )
    overlays += ("still-there.",)
    left_over = {
        line_id
        for line_id in CATALOGUE.lines[MASTER]
        if line_id not in named | chosen and not line_id.startswith(by_code + overlays)
    }

    assert not [line_id for line_id in named if not CATALOGUE.has(line_id)]
    assert not left_over


def test_a_missing_line_is_borrowed_from_the_master(tmp_path: Path):
    """A dialect may bring a few lines only; the rest stays Chinese, then English."""
    (tmp_path / "zh-CN.toml").write_text('tongue = "中文"\n[a]\nb = "甲"\n', encoding="utf-8")
    (tmp_path / "en.toml").write_text('tongue = "English"\n[a]\nb = "B"\nc = "C"\n')
    (tmp_path / "yue.toml").write_text('tongue = "粤语"\n', encoding="utf-8")
    catalogue: Catalogue = load_catalogue(tmp_path)

    assert catalogue.line("yue", "a.b") == "甲"
    assert catalogue.line("yue", "a.c") == "C"
    assert catalogue.next_language("yue") == "zh-CN"
    with pytest.raises(KeyError):
        catalogue.line("en", "a.d")
