"""`.cache/anxin/voice/bin/python -m setup.voice_render [LOCALE ...]`: render what has changed.

`python3.11 -m setup voice` prepares the environment and calls this.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import soundfile  # type: ignore[import-untyped]

from api.kiosk.spoken import spoken_lines
from edge.speech.loudness import levelled
from setup.commands import CHECKOUT, Stop, say
from setup.voice_kokoro import ENGINE, RATE, Kokoro
from setup.voice_packs import Pack, Reading, bring_up
from setup.voice_phonemes import phonemes

PACKS: Final = CHECKOUT / "voice"
READINGS: Final = {
    "zh-CN": Reading("zh-CN", ENGINE, "zf_xiaobei", 0.8),
    "en": Reading("en", ENGINE, "af_heart", 0.85),
}


def render(locales: list[str], packs: Path = PACKS) -> int:
    """Bring the packs of these locales up to the present texts; return how many lines were spoken.

    Raises:
        ValueError: a line is too long, or holds a sign that the voice was never taught.
        Stop: the network is not the pinned one.
    """
    kokoro: Kokoro | None = None
    spoken = 0
    for locale in locales:
        texts, pack = spoken_lines(locale), Pack(packs / locale, READINGS[locale])
        if any(pack.outdated(texts)):
            kokoro = kokoro or Kokoro()
            for line_id, duration_ms in bring_up(pack, texts, _reader(kokoro, READINGS[locale])):
                say(f"{locale} {line_id}: {duration_ms} ms")
                spoken += 1
        for line_id in pack.prune(texts):
            say(f"{locale} {line_id}: dropped")
    return spoken


def _reader(kokoro: Kokoro, reading: Reading) -> Callable[[str], tuple[bytes, int]]:
    def speak(text: str) -> tuple[bytes, int]:
        sound = kokoro.speak(phonemes(reading.locale, text), reading.voice, reading.speed)
        file = io.BytesIO()
        soundfile.write(file, levelled(sound, RATE), RATE, format="OGG", subtype="OPUS")
        return file.getvalue(), round(1000 * len(sound) / RATE)

    return speak


if __name__ == "__main__":
    try:
        say(f"{render(sys.argv[1:] or list(READINGS))} lines spoken")
    except (Stop, ValueError) as stop:
        sys.exit(f"set-up: {stop}.")
