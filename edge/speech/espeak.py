"""espeak-ng as a child: words in on its standard input, Ogg Opus out, nothing on disk.

Words never stand on its command line, which every account of the machine may read. GPL-3, so a
program of its own; without it the station runs and says less.
"""

from __future__ import annotations

import io
import os
import subprocess
import threading
import wave
from typing import Final

import numpy as np
import soundfile  # type: ignore[import-untyped]

from edge.speech.loudness import levelled

MANDARIN: Final = "cmn-latn-pinyin"
ENGLISH: Final = "en-gb"
LIMIT_S: Final = 3.0
"""A line takes 10 to 20 ms; whoever takes longer hangs, and is ended."""
RATE: Final = 24_000
_WORDS_A_MINUTE: Final = {MANDARIN: 130, ENGLISH: 140}
_TEXT_MAX: Final = 400
_ONE_CHANNEL: Final = 1


class Espeak:
    """Speaks one short text at a time. Any thread may ask; the next waits for the one before."""

    def __init__(self, command: str = "espeak-ng", limit_s: float = LIMIT_S) -> None:
        self._command, self._limit_s = command, limit_s
        self._turn = threading.Lock()

    def speak(self, voice: str, text: str) -> bytes | None:
        """Return the text as Ogg Opus; None if it cannot be had: the caption says it all the same.

        Args:
            voice: `MANDARIN` for pinyin, `ENGLISH` for English.
            text: what is read, `_TEXT_MAX` characters at most.
        """
        if not text.strip() or len(text) > _TEXT_MAX:
            return None
        words = [self._command, "-v", voice, "-s", str(_WORDS_A_MINUTE[voice]), "--stdin"]
        try:
            with self._turn:
                told = subprocess.run(  # noqa: S603 - fixed words; the text comes by a pipe
                    [*words, "--stdout"],
                    input=text.encode(),
                    capture_output=True,
                    timeout=self._limit_s,
                    check=True,
                )
            return opus_of(told.stdout)
        # The child is gone, hangs, or gave no sound: all one to the person, who reads it.
        except (OSError, subprocess.SubprocessError, ValueError, wave.Error, EOFError,
                soundfile.SoundFileError):  # fmt: skip
            return None


def opus_of(wav: bytes) -> bytes:
    """Return a mono WAV of 16 bits as Ogg Opus of 24 kHz, as loud as the voice packs.

    Raises:
        ValueError: another form than this, or nothing to hear.
        wave.Error, EOFError: no WAV.
    """
    # Its length is written for an endless stream: what came is all there is.
    with wave.open(io.BytesIO(wav)) as file:
        if (file.getnchannels(), file.getsampwidth()) != (_ONE_CHANNEL, 2):
            raise ValueError("not one channel of 16 bits")
        rate, frames = file.getframerate(), file.readframes(len(wav))
    sound = np.frombuffer(frames[: len(frames) // 2 * 2], "<i2").astype(np.float64) / 32_768
    if not len(sound):
        raise ValueError("no sound")
    return _encoded(levelled(resampled(sound, rate), RATE))


def _encoded(sound: np.typing.NDArray[np.float64]) -> bytes:
    # A file in memory, not `BytesIO`: that needs callbacks, and those memory that is written and
    # run, which the station's unit forbids.
    memory = os.memfd_create("speech")
    try:
        soundfile.write(memory, sound, RATE, "OPUS", format="OGG", closefd=False)
        return os.pread(memory, os.fstat(memory).st_size, 0)
    finally:
        os.close(memory)


def resampled(
    sound: np.typing.NDArray[np.float64], rate: int, wanted: int = RATE
) -> np.typing.NDArray[np.float64]:
    """Return a sound at another rate, by its spectrum: nothing is folded, nothing is bent."""
    size = round(len(sound) * wanted / rate)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(size // 2 + 1, dtype=np.complex128)
    shared = min(len(spectrum), len(kept))
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, size) * (size / len(sound)), dtype=np.float64)
