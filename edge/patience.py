"""How long this person has been trying, and when to give way or to offer help. No clock."""

from __future__ import annotations

from typing import Final

from edge.preset import Patience as Limits

GONE_AFTER_S: Final = 2.0
"""Without a face for so long, whoever comes next is somebody new; a turned head is not."""
GLIMPSE_S: Final = 5.0
"""Whoever is seen for less than this and then lost may be one whom no model keeps in sight: a veil,
a hand. The time until help is offered goes on, else it would begin anew with each glimpse."""


class Patience:
    """The time and the refused stills of the person who is here now."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._here = self._stuck = False
        self._began_s: float | None = None
        self._help_from_s = self._came_at_s = self._seen_at_s = 0.0
        self._glimpsed = False
        self._refused = 0

    def see(self, faces: int, now_s: float) -> None:
        """Take in one look."""
        if self._began_s is None:
            self._begin_anew(now_s)
        if faces > 0:
            self._seen_at_s = now_s
            if not self._here:
                self._here, self._came_at_s = True, now_s
                self._begin_anew(now_s)
        elif self._here and now_s - self._seen_at_s >= GONE_AFTER_S:
            self._here = False
            self._glimpsed = self._seen_at_s - self._came_at_s < GLIMPSE_S
            self._begin_anew(now_s)

    def refused(self) -> None:
        """A burst was taken, and refused."""
        self._refused += 1

    def relaxed(self, now_s: float) -> bool:
        """Tell whether advisory gates hinder no more. Hard gates never give way."""
        return self._tried_enough or self._waited_s(now_s) >= self._limits.relax_after_s

    def stuck(self, now_s: float, *, hindered: bool, needs_staff: bool) -> bool:
        """Tell whether the staff's help is to be offered; once it was, it stays for this person.

        Args:
            now_s: of the newest look.
            hindered: something is in the way although the advisory gates gave way.
            needs_staff: what is in the way is nothing that the person could cure.
        """
        begun = self._began_s is not None
        late = begun and now_s - self._help_from_s >= self._limits.help_after_s
        self._stuck |= self._tried_enough or needs_staff or (late and hindered)
        return self._stuck

    @property
    def _tried_enough(self) -> bool:
        return self._refused >= self._limits.refused_bursts

    def _waited_s(self, now_s: float) -> float:
        return 0.0 if self._began_s is None else now_s - self._began_s

    def _begin_anew(self, now_s: float) -> None:
        self._began_s, self._refused = now_s, 0
        if not self._glimpsed:
            self._help_from_s, self._stuck = now_s, False
