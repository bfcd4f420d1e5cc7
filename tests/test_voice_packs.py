"""Text and sound stay together: every line has its present sound, as loud as the others, short."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from api.kiosk import packs as served
from api.kiosk.packs import PACKS, load_packs
from api.kiosk.spoken import spoken_lines, text_digest
from edge.speech.loudness import PEAK_MAX, TARGET_LUFS, levelled, loudness
from setup.voice_packs import LONGEST_MS, Pack, Reading, bring_up, faults

LOCALES = ("zh-CN", "en")
ALIKE_LU = 2.0
EVERY = 20
"""Of the files every so manieth is decoded here; the renderer measures each that it writes."""
SPEAK_AGAIN = "run `python3.11 -m setup voice`: lines changed since they were spoken"


def tone(seconds: float = 1.0, rate: int = 24_000) -> bytes:
    """Return a file of one tone."""
    times = np.arange(round(seconds * rate)) / rate
    file = io.BytesIO()
    soundfile.write(file, 0.1 * np.sin(2 * np.pi * 440 * times), rate, "OPUS", format="OGG")
    return file.getvalue()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_line_has_its_present_sound(locale: str):
    """No line is silent, none says an older text, no file is another than it was."""
    assert faults(PACKS / locale, spoken_lines(locale)) == [], SPEAK_AGAIN


@pytest.mark.parametrize("locale", LOCALES)
def test_lines_are_equally_loud_mono_24_khz_and_as_long_as_the_manifest_says(locale: str):
    """Integrated loudness after BS.1770 within 2 LU of the target, measured on decoded files."""
    rows = json.loads((PACKS / locale / "manifest.json").read_text(encoding="utf-8"))["lines"]

    for line_id in sorted(rows)[::EVERY]:
        sound, rate = soundfile.read(PACKS / locale / rows[line_id]["file"])
        assert (rate, sound.ndim) == (24_000, 1)
        assert abs(loudness(sound, rate) - TARGET_LUFS) <= ALIKE_LU, line_id
        assert abs(1000 * len(sound) / rate - rows[line_id]["duration_ms"]) <= 40, line_id


def test_the_packs_stay_small():
    """They are carried by every release."""
    assert sum(file.stat().st_size for file in PACKS.rglob("*.opus")) < 15_000_000


READING = Reading("zh-CN", "engine", "voice", 0.8)
TEXTS = {"a.one": "请坐好。", "a.two": "请稍等一下。"}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack of two lines, whole."""
    folder = tmp_path / "zh-CN"
    assert dict(bring_up(Pack(folder, READING), TEXTS, lambda _: (tone(), 1000))) == {
        "a.one": 1000,
        "a.two": 1000,
    }
    assert faults(folder, TEXTS) == []
    return folder


def test_a_changed_text_is_found_and_only_its_line_is_spoken_again(pack: Path):
    """Rendering takes a second a line: what stands is kept."""
    changed = {**TEXTS, "a.two": "请再等一会儿。"}

    assert faults(pack, changed) == ["a.two says another text"]
    spoken: list[str] = []

    def speak(text: str) -> tuple[bytes, int]:
        spoken.append(text)
        return tone(), 1000

    assert [line_id for line_id, _ in bring_up(Pack(pack, READING), changed, speak)] == ["a.two"]
    assert spoken == ["请再等一会儿。"]
    assert faults(pack, changed) == []


def test_a_changed_lost_long_or_stray_file_is_found(pack: Path):
    """Whatever parts text and sound is named."""
    (pack / "a.one.opus").write_bytes(tone(0.5))
    assert faults(pack, TEXTS) == ["a.one is another file than the manifest says"]
    (pack / "a.one.opus").unlink()
    assert faults(pack, TEXTS) == ["a.one has no file"]
    (pack / "b.opus").write_bytes(b"")
    assert faults(pack, {"a.two": TEXTS["a.two"]}) == [
        "a.one is no line any more",
        "b.opus belongs to no line",
    ]
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    manifest["lines"]["a.two"]["duration_ms"] = LONGEST_MS + 1
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "a.two takes longer than 8000 ms" in faults(pack, TEXTS)


def test_a_missing_line_is_found(pack: Path):
    """A new text without a sound does not pass in silence."""
    assert faults(pack, {**TEXTS, "a.three": "新的一句话。"}) == ["a.three has no sound"]


def test_a_line_that_is_too_long_is_named_and_the_others_are_kept(tmp_path: Path):
    """One sentence too many stops no others."""
    pack = Pack(tmp_path / "zh-CN", READING)
    lengths = iter((LONGEST_MS + 1, 1000))

    with pytest.raises(ValueError, match=r"a\.one"):
        list(bring_up(pack, TEXTS, lambda _: (tone(), next(lengths))))
    assert faults(tmp_path / "zh-CN", TEXTS) == ["a.one has no sound"]


def test_a_recording_outlives_another_voice_and_not_another_text(pack: Path):
    """Whoever approved it approved these words."""
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    manifest["lines"]["a.one"]["approved_by"] = "1024"
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    other = Reading("zh-CN", "engine", "another voice", 0.8)

    assert dict(Pack(pack, other).outdated(TEXTS)) == {"a.two": TEXTS["a.two"]}
    changed = {**TEXTS, "a.one": "请您坐好。"}
    assert set(dict(Pack(pack, READING).outdated(changed))) == {"a.one"}


def test_what_is_no_line_any_more_is_dropped(pack: Path):
    """Row and file go together."""
    one = {"a.one": TEXTS["a.one"]}

    assert Pack(pack, READING).prune(one) == ["a.two"]
    assert faults(pack, one) == []
    assert not (pack / "a.two.opus").exists()


def dialect(folder: Path, lines: dict[str, bytes], texts: dict[str, str]) -> None:
    """Write a pack of sound alone, as a place would record it."""
    pack = Pack(folder, Reading(folder.name, "recorded", "a reader of the hall", 1.0))
    for line_id, opus in lines.items():
        pack.put(line_id, texts[line_id], opus, 1000)


def test_a_dialect_brings_sound_alone_and_borrows_what_it_lacks(tmp_path: Path):
    """Dialect, then zh-CN; English is never spoken for Chinese, nor Chinese for English."""
    texts = spoken_lines("zh-CN")
    sound = tone()
    dialect(tmp_path / "yue", {"welcome.question": sound}, texts)
    dialect(tmp_path / "en", {"welcome.question": sound}, spoken_lines("en"))
    packs = load_packs(tmp_path)

    assert packs.sound("yue", "welcome.question") == sound
    assert packs.sound("yue", "welcome.say") == packs.sound("zh-CN", "welcome.say")
    assert packs.sound("yue", "welcome.say")
    assert packs.sound("zh-CN", "welcome.question") != sound
    assert packs.sound("en", "welcome.question") == sound
    assert packs.sound("en", "welcome.say") is None
    assert packs.locale_of("zh-CN", None, "yue") == "yue"
    assert packs.locale_of("zh-CN", "nan", "") == "zh-CN"
    assert packs.locale_of("en", "yue", "yue") == "en"
    assert packs.locale_of("zh-CN", "en", "en") == "zh-CN"


def test_never_is_anything_said_that_the_screen_does_not_show(tmp_path: Path):
    """An older text, a damaged file, a path that leads out: the line is left to zh-CN."""
    texts = {**spoken_lines("zh-CN"), "welcome.say": "从前的一句话。"}
    lines = dict.fromkeys(("welcome.question", "welcome.say", "rest.say", "rest.done"), tone())
    dialect(tmp_path / "wuu", lines, texts)
    (tmp_path / "wuu" / "rest.say.opus").write_bytes(b"damaged")
    manifest = tmp_path / "wuu" / "manifest.json"
    rows = json.loads(manifest.read_text(encoding="utf-8"))
    rows["lines"]["rest.done"]["file"] = "../wuu/rest.done.opus"
    manifest.write_text(json.dumps(rows), encoding="utf-8")

    assert set(load_packs(tmp_path).sounds["wuu"]) == {"welcome.question"}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"lines": []}'], ids=range(4))
def test_a_pack_that_cannot_be_read_takes_nothing_else_down(tmp_path: Path, content: str):
    """The station speaks with the packs that it can read."""
    (tmp_path / "hak").mkdir()
    (tmp_path / "hak" / "manifest.json").write_text(content, encoding="utf-8")
    packs = load_packs(tmp_path)

    assert packs.sounds["hak"] == {}
    assert packs.sound("hak", "welcome.say")


def test_a_text_and_its_canonical_form_have_one_digest():
    """Accents may be written in two ways: NFC decides."""
    assert text_digest("é") == text_digest("e\u0301")
    assert text_digest("请坐") != text_digest("请坐。")


@pytest.mark.parametrize("gain", [0.01, 0.3, 3.0])
def test_whatever_comes_in_goes_out_equally_loud(gain: float):
    """Speech-like noise of any level comes to the target, and nothing is cut off."""
    chance = np.random.default_rng(7)
    swell = np.abs(np.sin(np.arange(48_000) / 2_400))
    out = levelled(gain * swell * chance.standard_normal(48_000), 24_000)

    assert abs(loudness(out, 24_000) - TARGET_LUFS) < 0.3
    assert np.abs(out).max() <= PEAK_MAX


def test_loudness_agrees_with_the_recommendation_s_own_tone():
    """A full-scale sine of 997 Hz in one channel is -3.01 LUFS (BS.1770, annex 1), at any rate."""
    for rate in (24_000, 48_000):
        sine = np.sin(2 * np.pi * 997 * np.arange(3 * rate) / rate)
        assert loudness(sine, rate) == pytest.approx(-3.01, abs=0.02)
        assert loudness(0.1 * sine, rate) == pytest.approx(-23.01, abs=0.02)


def test_pauses_do_not_make_a_line_quieter():
    """Silence behind a word is gated away, as the recommendation says."""
    sine = 0.1 * np.sin(2 * np.pi * 997 * np.arange(48_000) / 24_000)
    long = np.concatenate([sine, np.zeros(96_000)])

    assert loudness(long, 24_000) == pytest.approx(loudness(sine, 24_000), abs=0.7)
    assert loudness(np.zeros(24_000), 24_000) == float("-inf")
    with pytest.raises(ValueError, match="silent"):
        levelled(np.zeros(24_000), 24_000)


def test_packs_are_read_once_a_process():
    """Seven hundred files and their digests: not for every page."""
    assert load_packs().sounds["zh-CN"] is load_packs().sounds["zh-CN"]
    assert served.PACKS.is_dir()
