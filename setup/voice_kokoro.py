"""Kokoro-82M as an int8 network: signs in, sound out. Runs in the voice environment only."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from setup.commands import Stop
from setup.voice import LIST, MODELS

RATE: Final = 24_000
ENGINE: Final = "Kokoro-82M v1.0 int8"
_STYLES: Final = 510
"""Rows of a voice, one for each length of a line in signs."""
_SILENT: Final = 0.01
_BEFORE_S: Final = 0.06
_AFTER_S: Final = 0.16


class Kokoro:
    """One loaded network and its alphabet."""

    def __init__(self) -> None:
        """Load it. Raises `Stop` if the joined parts are not the pinned network."""
        # Only the voice environment has it.
        import onnxruntime  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        # More threads are slower on a machine that has other work.
        options.intra_op_num_threads = 1
        self._network: Any = onnxruntime.InferenceSession(
            _joined(), options, providers=["CPUExecutionProvider"]
        )
        told = json.loads((MODELS / "vocabulary.json").read_text(encoding="utf-8"))
        self._numbers: dict[str, int] = told["vocab"]

    def speak(self, signs: str, voice: str, speed: float) -> npt.NDArray[np.float64]:
        """Return the sound at 24 kHz, without the silence around it.

        Raises:
            ValueError: a sign that the voice was never taught, or too many of them.
        """
        if unknown := sorted(set(signs) - self._numbers.keys()):
            raise ValueError(f"unknown signs {unknown} in {signs!r}")
        numbers = [self._numbers[sign] for sign in signs]
        if len(numbers) >= _STYLES:
            raise ValueError("a line is too long for one breath")
        styles = np.fromfile(MODELS / f"{voice}.bin", np.float32).reshape(_STYLES, 1, -1)
        asked = {
            "tokens": np.array([[0, *numbers, 0]], np.int64),
            "style": styles[len(numbers)],
            "speed": np.array([speed], np.float32),
        }
        return _trimmed(np.asarray(self._network.run(None, asked)[0], np.float64).reshape(-1))


def _joined() -> bytes:
    parts: list[Path] = sorted(MODELS.glob("kokoro-part-*.bin"))
    whole = b"".join(part.read_bytes() for part in parts)
    wanted = tomllib.loads(LIST.read_text(encoding="utf-8"))["whole_sha256"]
    if hashlib.sha256(whole).hexdigest() != wanted:
        raise Stop("The joined parts are not the pinned network: delete .cache/anxin/voice-models")
    return whole


def _trimmed(sound: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    (heard,) = np.nonzero(np.abs(sound) > _SILENT * np.abs(sound).max())
    start = max(0, heard[0] - int(_BEFORE_S * RATE))
    # Room behind the last syllable, so that the next line is not glued to it.
    spoken = sound[start : heard[-1] + int(_AFTER_S * RATE)]
    return np.pad(spoken, (0, max(0, int(_AFTER_S * RATE) - (len(sound) - heard[-1] - 1))))
