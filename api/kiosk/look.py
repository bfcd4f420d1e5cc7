"""How large and in which colours the present sitting is shown; ends with the sitting."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

SCALES: Final = ("1", "1.25")
THEMES: Final = ("light", "contrast")


@dataclass(frozen=True, slots=True)
class Look:
    """Size and colours, as `data-scale` and `data-theme` name them in the stylesheet.

    Attributes:
        leaving_from: mark of the screen on which the person asked to leave, "" if not asked.
        more_from: the same of whoever asked for other ways than the finger that is asked for.
    """

    scale: str = SCALES[0]
    theme: str = THEMES[0]
    leaving_from: str = ""
    more_from: str = ""


class Looks:
    """Holds the one look of the one screen. What was chosen on the welcome screen goes along."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""
        self._look = Look()

    def of(self, token: str) -> Look:
        """Return the look of the sitting with this token; a new sitting starts plain."""
        with self._lock:
            return self._look if self._token == token else Look()

    def change(self, token: str, **changes: str) -> None:
        """Change the look of this sitting."""
        with self._lock:
            before = self._look if self._token == token else Look()
            self._token, self._look = token, replace(before, **changes)

    def carry(self, before: str, after: str) -> None:
        """Let a sitting that has just begun inherit what was chosen on the welcome screen."""
        with self._lock:
            if self._token == before == "":
                self._token = after
