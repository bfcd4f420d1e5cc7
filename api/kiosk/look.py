"""How large, in which colours and how loud the present sitting is; ends with the sitting."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

from edge.snapshot import PreferencesView

SCALES: Final = ("1", "1.25")
THEMES: Final = ("light", "contrast")
VOICES: Final = ("on", "off")


@dataclass(frozen=True, slots=True)
class Look:
    """Size and colours, as `data-scale` and `data-theme` name them in the stylesheet; the voice.

    Attributes:
        leaving_from: mark of the screen on which the person asked to leave, "" if not asked.
        more_from: the same of whoever asked for other ways than the finger that is asked for.
        lists: the list of what to bring: "" closed, "choose" or the code of a business.
    """

    scale: str = SCALES[0]
    theme: str = THEMES[0]
    voice: str = VOICES[0]
    leaving_from: str = ""
    more_from: str = ""
    lists: str = ""


class Looks:
    """Holds the one look of the one screen. What was chosen on the welcome screen goes along."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""
        self._chosen: dict[str, str] = {}

    def of(self, token: str, preferences: PreferencesView | None = None) -> Look:
        """Return the look of the sitting with this token; a new sitting starts plain.

        Args:
            token: of the sitting, "" on the welcome screen.
            preferences: what suits the person as the order says; her own touches come before it.
        """
        with self._lock:
            chosen = self._chosen if self._token == token else {}
            return replace(_suiting(preferences), **chosen)

    def change(self, token: str, **changes: str) -> None:
        """Change the look of this sitting."""
        with self._lock:
            before = self._chosen if self._token == token else {}
            self._token, self._chosen = token, {**before, **changes}

    def carry(self, before: str, after: str) -> None:
        """Let a sitting that has just begun inherit what was chosen on the welcome screen."""
        with self._lock:
            if self._token == before == "":
                self._token = after
                self._chosen.pop("lists", None)


def _suiting(preferences: PreferencesView | None) -> Look:
    if preferences is None:
        return Look()
    wanted = preferences.text_scale or 1.0
    # The next larger step that we have: smaller than asked for would be read by nobody.
    scale = next((step for step in SCALES if float(step) >= wanted), SCALES[-1])
    theme = "contrast" if preferences.contrast else THEMES[0]
    return Look(scale, theme, "off" if preferences.voice is False else "on")
