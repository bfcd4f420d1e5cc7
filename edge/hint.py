"""The one hint on the screen and the line that is spoken: slow to come, and never gone too soon.

No clock of its own: both are functions of what is meant and when.
"""

from __future__ import annotations

from typing import Final

from quality.advice import Advice

CONFIRMING_LOOKS: Final = 3
CONFIRMING_S: Final = 0.15
"""A new hint must be meant this often in a row, and so long, before it is shown."""
HINT_STAYS_S: Final = 1.5


class ShownHint:
    """The hint on the screen."""

    def __init__(self) -> None:
        self._shown: Advice | None = None
        self._since_s = 0.0
        self._candidate: Advice | None = None
        self._candidate_since_s = 0.0
        self._times = 0

    def after(self, meant: Advice | None, now_s: float) -> Advice | None:
        """Return the hint to show when `meant` is what the newest look calls for."""
        if meant is not self._candidate or self._times == 0:
            self._candidate, self._candidate_since_s, self._times = meant, now_s, 0
        self._times += 1
        readable = self._shown is None or now_s - self._since_s >= HINT_STAYS_S
        confirmed = (
            self._times >= CONFIRMING_LOOKS and now_s - self._candidate_since_s >= CONFIRMING_S
        )
        if meant is not self._shown and readable and confirmed:
            self._shown, self._since_s = meant, now_s
        return self._shown

    def insist(self, advice: Advice, now_s: float) -> Advice:
        """Show this at once, whatever stood there: a still was judged, and that is no flicker."""
        self._shown, self._since_s = advice, now_s
        self._times = 0
        return advice


class SpokenHint:
    """Which line a voice begins now: what is shown, once and once more, with room in between."""

    def __init__(self, gap_s: float, repeat_after_s: float) -> None:
        """Prepare.

        Args:
            gap_s: from the beginning of one line to that of the next, at least.
            repeat_after_s: a hint that still stands is said once more after so long.
        """
        self._gap_s = gap_s
        self._repeat_after_s = repeat_after_s
        self._line: Advice | None = None
        self._times = 0
        self._at_s: float | None = None

    def after(self, shown: Advice | None, now_s: float, *, meant: bool = True) -> Advice | None:
        """Return the line to begin now, None to be silent or to let the last one end.

        `meant` says that the hint still holds: what only stands to be read is not begun any more.
        """
        if shown is not self._line:
            self._line, self._times = shown, 0
        if shown is None or not meant or self._times > 1:
            return None
        since_s = float("inf") if self._at_s is None else now_s - self._at_s
        if since_s < (self._repeat_after_s if self._times else self._gap_s):
            return None
        self._at_s, self._times = now_s, self._times + 1
        return shown
