"""What no recording holds: surnames read as surnames, numbers as numbers, in memory and in time."""

from __future__ import annotations

import io
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from api.app import KioskStation, create_kiosk_app
from api.kiosk.spoken import spoken_lines
from api.kiosk.station import Voice
from edge.sitting import HelpView, MaterialStep, Missing, NameView, Result, Snapshot, State
from edge.speech.espeak import ENGLISH, MANDARIN, RATE, Espeak, opus_of, resampled
from edge.speech.loudness import TARGET_LUFS, loudness
from edge.speech.mandarin import count_words, day_words, digit_words, minutes_words, pinyin
from tests.browser.desk import TOKEN, Camera, Desk, demo_content, scene
from tests.test_voice_packs import dialect, tone

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "http://127.0.0.1:8080"
SURNAMES = {
    "单": "shan4", "仇": "qiu2", "查": "zha1", "解": "xie4", "区": "ou1", "曾": "zeng1",
    "任": "ren2", "盖": "ge3", "朴": "piao2", "尉迟": "yu4 chi2", "万俟": "mo4 qi2",
    "单于": "chan2 yu2", "华": "hua4", "缪": "miao4", "翟": "zhai2", "冼": "xian3", "覃": "qin2",
    "种": "chong2", "乐": "yue4", "那": "na1", "长孙": "zhang3 sun1", "令狐": "ling2 hu2",
    "陈": "chen2", "王": "wang2", "吕": "lü3", "欧阳": "ou1 yang2", "司马": "si1 ma3",
    "诸葛": "zhu1 ge3", "上官": "shang4 guan1", "贾": "jia3", "石": "shi2", "叶": "ye4",
}  # fmt: skip


@pytest.mark.parametrize("surname", SURNAMES)
def test_a_surname_is_read_as_one(surname: str):
    """单 is Shan and not dan, 仇 is Qiu and not chou; 先生 ends without a tone."""
    assert pinyin(f"{surname}先生", surname) == f"{SURNAMES[surname]} xian1 sheng5"
    assert pinyin(f"{surname}女士", surname) == f"{SURNAMES[surname]} nü3 shi4"


@pytest.mark.parametrize(
    ("text", "spelt"),
    [("单子", "dan1 zi5"), ("解开", "jie3 kai1"), ("银行", "yin2 hang2"), ("重庆", "chong2 qing4")],
    ids=["dan", "jie", "hang", "chong"],
)
def test_the_same_hanzi_in_a_text_are_read_as_in_a_text(text: str, spelt: str):
    """Only a name is read as a name."""
    assert pinyin(text) == spelt


def test_numbers_are_counted_and_rows_of_digits_are_not():
    """Minutes and days are counted, the number of a slip is read digit by digit."""
    counted = (0, 2, 10, 11, 20, 21, 100, 101, 110, 115, 999)
    words = "零 二 十 十一 二十 二十一 一百 一百零一 一百一十 一百一十五 九百九十九"

    assert [count_words(number) for number in counted] == words.split()
    assert digit_words("407105") == "四零七一零五"
    assert (minutes_words(1), minutes_words(2), minutes_words(12)) == (
        "一分钟", "两分钟", "十二分钟",
    )  # fmt: skip
    assert minutes_words(5_000) == "九百九十九分钟"
    assert day_words(12, 22) == "十二月二十二日"
    with pytest.raises(ValueError, match="999"):
        count_words(1_000)


@pytest.mark.parametrize(
    ("voice", "text"), [(MANDARIN, "chen2 xian1 sheng5"), (ENGLISH, "You have waited 2 minutes.")],
    ids=["zh", "en"],
)  # fmt: skip
def test_a_name_is_spoken_as_loud_as_the_packs(voice: str, text: str):
    """Ogg Opus of 24 kHz in one channel, within 2 LU of the target."""
    opus = Espeak(limit_s=30).speak(voice, text)

    assert opus
    sound, rate = soundfile.read(io.BytesIO(opus))
    assert (rate, sound.ndim) == (RATE, 1)
    assert 0.8 < len(sound) / rate < 8
    assert abs(loudness(sound, rate) - TARGET_LUFS) <= 2


def program(folder: Path, body: str) -> str:
    """Write what a test puts in espeak-ng's place: the program on the other side of the pipe."""
    file = folder / "speaker"
    file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_words_come_by_a_pipe_and_stand_on_no_command_line(tmp_path: Path):
    """Every account of the machine may read command lines: no surname stands there."""
    seen = tmp_path / "seen"
    espeak = Espeak(program(tmp_path, f'echo "$@" > {seen}; cat >> {seen}'), limit_s=30)

    assert espeak.speak(MANDARIN, "qiu2 xian1 sheng5") is None
    line, said = seen.read_text(encoding="utf-8").splitlines()
    assert "qiu2" not in line
    assert said == "qiu2 xian1 sheng5"


def test_without_the_program_or_with_a_broken_one_the_part_is_left_out(tmp_path: Path):
    """Not there, ended badly, gave nothing, gave no sound: all one to the person."""
    assert Espeak(str(tmp_path / "nothing")).speak(MANDARIN, "ni3") is None
    for body in ("exit 1", "exit 0", "echo no sound", "head -c 60 /dev/zero"):
        assert Espeak(program(tmp_path, body), limit_s=30).speak(MANDARIN, "ni3") is None


def test_a_program_that_hangs_is_ended(tmp_path: Path):
    """The child is gone with its time; the next line is spoken."""
    pid = tmp_path / "pid"
    hanging = program(tmp_path, f"echo $$ > {pid}; exec sleep 600")

    began_s = time.monotonic()
    assert Espeak(hanging, limit_s=1).speak(MANDARIN, "ni3") is None
    assert time.monotonic() - began_s < 300
    # Ended before it wrote anything is as good.
    child = int(pid.read_text()) if pid.exists() and pid.read_text() else None
    assert child is None or not Path(f"/proc/{child}").exists()
    assert Espeak(limit_s=30).speak(MANDARIN, "ni3 hao3")


STERN = """
import ctypes, mmap, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
kept = ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0
from edge.speech.espeak import MANDARIN, Espeak
opus = Espeak(limit_s=60).speak(MANDARIN, "chen2 xian1 sheng5")
print(kept, opus is not None and opus.startswith(b"OggS"))
"""


def test_a_name_is_spoken_where_no_memory_may_be_written_and_run():
    """As the station's unit forbids it (`MemoryDenyWriteExecute`), by the kernel for this child."""
    words = [sys.executable, "-c", STERN]
    told = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)

    assert told.stdout.split()[1] == "True", told.stderr


def test_what_is_too_long_or_empty_is_not_spoken():
    """No child is started for it."""
    nowhere = Espeak("/nonexistent")

    assert nowhere.speak(MANDARIN, "  ") is None
    assert Espeak(limit_s=30).speak(ENGLISH, "a " * 400) is None


def test_another_rate_keeps_pitch_and_length():
    """A tone of 440 Hz is one at the new rate."""
    sound = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    out = resampled(sound, 22_050)
    spectrum = np.abs(np.fft.rfft(out))

    assert len(out) == RATE
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(out).max() == pytest.approx(1, abs=0.05)


def test_another_form_of_sound_is_refused():
    """Two channels, or none."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros((100, 2)), RATE, "PCM_16", format="WAV")

    with pytest.raises(ValueError, match="one channel"):
        opus_of(file.getvalue())


class Listener:
    """Stands at the pipe: notes what espeak-ng would read, and lets the real one speak."""

    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []
        self._real = Espeak(limit_s=30)

    def speak(self, voice: str, text: str) -> bytes | None:
        self.read.append((voice, text))
        return self._real.speak(voice, text)


MISSED = (Missing("portrait", "x", due="2026-12-22"), Missing("material:household_register", "x"))
NOW: dict[str, tuple[Snapshot, str, str, str]] = {
    "name": (
        scene(State.NAME, name=NameView("仇", "女士")), "name", MANDARIN, "qiu2 nü3 shi4",
    ),
    "name-latin": (scene(State.NAME, name=NameView("Smith", "Mr")), "name", ENGLISH, "Smith"),
    "minutes": (
        scene(State.CONSENT, help=HelpView(0, minutes=2)), "minutes", MANDARIN,
        "yi3 jing1 deng3 le5 liang3 fen1 zhong1 .",
    ),
    "minutes-en": (
        scene(State.CONSENT, help=HelpView(0, minutes=1), language="en"), "minutes", ENGLISH,
        "You have waited 1 minute.",
    ),
    "material": (
        scene(State.MATERIALS, material=MaterialStep("household_register", 1, 1)), "material",
        MANDARIN, "hu4 kou3 bu4",
    ),
    "missing": (
        scene(State.RESULT, result=Result.ACCEPTED_WITH_MISSING, missing=MISSED), "missing",
        MANDARIN, "zhao4 pian4 , zui4 wan3 bu3 dao4 shi2 er4 yue4 er4 shi2 er4 ri4",
    ),
}  # fmt: skip


def client_of(desk: Desk):
    """Return the pages over a desk."""
    station = KioskStation(desk, Camera(), "demo-01", "1", 102.46, demo_content)
    return create_kiosk_app(station, threading.Event()).test_client()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Listener:
    """What espeak-ng is given to read."""
    listener = Listener()
    monkeypatch.setattr("api.app.Espeak", lambda: listener)
    return listener


@pytest.mark.parametrize("name", NOW)
def test_what_is_said_now_stands_in_the_snapshot(heard: Listener, name: str):
    """The address says which kind; the words are the station's own."""
    shown, what, voice, text = NOW[name]
    desk = Desk()
    desk.put(shown)
    answer = client_of(desk).get(f"/voice/now/{what}.opus?token={TOKEN}", base_url=ORIGIN)

    assert (answer.status_code, answer.mimetype) == (200, "audio/ogg")
    assert heard.read[0][0] == voice
    assert heard.read[0][1].startswith(text)


def test_a_paper_is_named_in_the_voice_that_its_pack_brought(heard: Listener):
    """A recording of the centre comes before the machine's voice."""
    content, sound = demo_content(), tone(0.2)
    (pack, *rest) = content.packs
    voices = {("zh-CN", "material.household_register.name"): sound}
    spoken = replace(content, packs=(replace(pack, voices=voices), *rest))
    desk = Desk()
    desk.put(NOW["material"][0])
    station = KioskStation(desk, Camera(), "demo-01", "1", 102.46, lambda: spoken)
    client = create_kiosk_app(station, threading.Event()).test_client()
    answer = client.get(f"/voice/now/material.opus?token={TOKEN}", base_url=ORIGIN)

    assert answer.data == sound
    assert heard.read == []


def test_each_typed_digit_and_then_all_are_read(heard: Listener):
    """By the keys' own posts, as a person types them."""
    desk = Desk()
    desk.put(Snapshot(state=State.NUMBER))
    client = client_of(desk)
    for digit in "407":
        form = {"action": f"digit:{digit}", "token": "", "mark": "number"}
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        client.post("/act", data=form, base_url=ORIGIN, headers=headers)
    client.get("/voice/now/digit.opus?token=", base_url=ORIGIN)
    client.get("/voice/now/slip.opus?token=", base_url=ORIGIN)
    desk.screen.show(language="en")
    client.get("/voice/now/slip.opus?token=", base_url=ORIGIN)

    assert heard.read == [
        (MANDARIN, "qi1"), (MANDARIN, "si4 ling2 qi1"), (ENGLISH, "4 0 7"),
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["name", "minutes", "material", "missing", "checklist", "digit"])
def test_where_there_is_nothing_to_say_nothing_is_spoken(heard: Listener, what: str):
    """An empty answer and no child: the lines around it go on."""
    desk = Desk()
    desk.put(scene(State.CONSENT))
    answer = client_of(desk).get(f"/voice/now/{what}.opus?token={TOKEN}", base_url=ORIGIN)

    assert (answer.status_code, answer.data, heard.read) == (204, b"", [])


def test_a_pack_s_line_is_served_whole_and_kept_by_nobody():
    """Known and spoken: 200; no such line or language: 404, and nothing of the disk behind it."""
    client = client_of(Desk())
    line = client.get("/voice/zh-CN/welcome.say.opus", base_url=ORIGIN)

    assert (line.status_code, line.mimetype) == (200, "audio/ogg")
    assert line.data.startswith(b"OggS")
    assert line.headers["Cache-Control"] == "no-store"
    for path in ("zh-CN/no.such.opus", "xx/no.such.opus", "zh-CN/..%2Fmanifest.opus",
                 "xx/captions.json"):  # fmt: skip
        assert client.get(f"/voice/{path}", base_url=ORIGIN).status_code == 404


def test_captions_lead_to_their_lines():
    """A button's words say which line it is: no page has to name it."""
    captions = client_of(Desk()).get("/voice/zh-CN/captions.json", base_url=ORIGIN).get_json()

    assert captions["再说一遍"] == "bar.say_again"
    assert captions["7"] == "key.7"
    assert captions["English"] == "tongue.en"


def test_the_person_s_own_dialect_comes_before_the_hall_s(tmp_path: Path):
    """Preferences of the order, then the station's setting, then zh-CN."""
    texts, sounds = spoken_lines("zh-CN"), {"yue": tone(0.5), "nan": tone(0.7)}
    for tag, sound in sounds.items():
        dialect(tmp_path / tag, {"welcome.say": sound}, texts)
    desk = Desk()
    station = KioskStation(
        desk, Camera(), "demo-01", "1", 102.46, demo_content, voice=Voice(80, "nan", tmp_path)
    )
    client = create_kiosk_app(station, threading.Event()).test_client()

    def said() -> bytes:
        return client.get("/voice/zh-CN/welcome.say.opus", base_url=ORIGIN).data

    assert said() == sounds["nan"]
    wish = replace(desk.snapshot.preferences, language="yue")
    desk.screen.show(preferences=wish)
    assert said() == sounds["yue"]
