"""From live looks to the one hint on the screen, and to the moment of capture.

It has no I/O and no clock: what it says is a function of the looks and their times, so a recorded
sitting replays to the same hints. It keeps numbers only, never a frame.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot
from typing import Final, Protocol

from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.face.outline import HeadOutline
from quality.framing import framing, room_of
from quality.measure import Native, Reading, Verdict

SMOOTHED_LOOKS: Final = 5
SETTLING_LOOKS: Final = 10
"""Exposure settles while these pass; nothing is captured from them."""
CONFIRMING_LOOKS: Final = 3
"""A new hint must be meant this often in a row before it is shown."""
HINT_STAYS_S: Final = 1.5
RELAX_AFTER_S: Final = 25.0
"""Without a capture for so long, advisory gates hinder no more. Hard gates never relax."""
MOVING_ENTER: Final = 0.03
MOVING_LEAVE: Final = 0.05
"""The eyes' way between two looks, as a share of their distance: [ours] landmarks of a still
photograph under sensor noise jitter by less than 0.01."""


class Look(Protocol):
    """What guidance needs of one look at a preview frame (`edge.vision.Sight`)."""

    @property
    def faces(self) -> int:
        """How many people are in view."""

    @property
    def natives(self) -> Mapping[str, Native]:
        """The subject's values by measure."""

    @property
    def outline(self) -> HeadOutline | None:
        """The subject's head; None without a face."""


@dataclass(frozen=True, slots=True)
class Guided:
    """What the screen says after one look.

    Attributes:
        hint: the one thing to do now; None if all is well.
        hold_share: how far the automatic capture has come, 0..1.
        capture: take the still now.
        readings: the smoothed values, judged by every document.
    """

    hint: Advice | None
    hold_share: float
    capture: bool
    readings: tuple[Reading, ...]


class Guidance:
    """One search for a portrait that fits all these documents."""

    def __init__(self, documents: Sequence[Document], good_frames_needed: int = 8) -> None:
        self._documents = tuple(documents)
        self._room = room_of(documents)
        self._needed = good_frames_needed
        self._recent: deque[Mapping[str, Native]] = deque(maxlen=SMOOTHED_LOOKS)
        self._passed: frozenset[str] = frozenset()
        self._well_framed = self._still_standing = False
        self._eyes_px: tuple[float, float] | None = None
        self._looks = self._good = 0
        self._searching_since_s: float | None = None
        self._hint = _Hint()

    def see(self, look: Look, now_s: float, still_scale: float = 1.0) -> Guided:
        """Take in one look.

        Args:
            look: at the newest preview frame.
            now_s: when that frame was captured, on any clock that never goes back.
            still_scale: pixels of the camera's still for one of the preview.
        """
        self._looks += 1
        readings = self._judge(look, still_scale)
        meant = self._meant(look, readings, now_s)
        self._good = self._good + 1 if meant is None else 0
        capture = self._good >= self._needed and self._looks > SETTLING_LOOKS
        share = min(1.0, self._good / self._needed)
        return Guided(self._hint.after(meant, now_s), share, capture, readings)

    def _judge(self, look: Look, still_scale: float) -> tuple[Reading, ...]:
        if look.faces != 1:
            # Other people's values say nothing about the one who is to be photographed.
            self._recent.clear()
            self._passed = frozenset()
            return ()
        self._recent.append(_in_still_px(look.natives, still_scale))
        smooth = _medians(self._recent)
        readings = [
            judge(document, smooth, live=True, passed=self._passed) for document in self._documents
        ]
        rejected = {r.measure for rs in readings for r in rs if r.verdict is Verdict.REJECTED}
        self._passed = frozenset(r.measure for rs in readings for r in rs) - rejected
        return tuple(dict.fromkeys(r for rs in readings for r in rs))

    def _meant(self, look: Look, readings: tuple[Reading, ...], now_s: float) -> Advice | None:
        """Return what hinders a portrait now, without regard to what the screen shows."""
        place = self._placed(look)
        if look.faces != 1 or self._searching_since_s is None:
            self._searching_since_s = now_s
        relaxed = now_s - self._searching_since_s >= RELAX_AFTER_S
        counted = [r for r in readings if not (relaxed and r.advisory)]
        return advise(look, counted, place)

    def _placed(self, look: Look) -> Advice | None:
        if look.faces != 1 or look.outline is None:
            self._well_framed = self._still_standing = False
            self._eyes_px = None
            return None
        place = framing(look.outline, self._room, passed=self._well_framed)
        self._well_framed = place is None
        moving = self._moved(look.outline)
        self._still_standing = moving <= (MOVING_LEAVE if self._still_standing else MOVING_ENTER)
        return place if place or self._still_standing else Advice.HOLD_STILL

    def _moved(self, outline: HeadOutline) -> float:
        """Return the eyes' way since the last look over their distance; 0.0 for the first."""
        (x1, y1), (x2, y2) = outline.eye_left_px, outline.eye_right_px
        before, self._eyes_px = self._eyes_px, ((x1 + x2) / 2, (y1 + y2) / 2)
        apart_px = hypot(x2 - x1, y2 - y1)
        if before is None or apart_px == 0:
            return 0.0
        return hypot(self._eyes_px[0] - before[0], self._eyes_px[1] - before[1]) / apart_px


class _Hint:
    """The hint on the screen: slow to come, and never gone before it can be read."""

    def __init__(self) -> None:
        self._shown: Advice | None = None
        self._since_s = 0.0
        self._candidate: Advice | None = None
        self._times = 0

    def after(self, meant: Advice | None, now_s: float) -> Advice | None:
        """Return the hint to show when `meant` is what the newest look calls for."""
        self._times = self._times + 1 if meant is self._candidate else 1
        self._candidate = meant
        readable = self._shown is None or now_s - self._since_s >= HINT_STAYS_S
        if meant is not self._shown and readable and self._times >= CONFIRMING_LOOKS:
            self._shown, self._since_s = meant, now_s
        return self._shown


def _in_still_px(natives: Mapping[str, Native], scale: float) -> Mapping[str, Native]:
    """Return the values as the still will have them: only a distance in px differs."""
    apart = natives.get("InterEyeDistance")
    if apart is None or apart.value is None:
        return natives
    return {**natives, "InterEyeDistance": replace(apart, value=apart.value * scale)}


def _medians(recent: Sequence[Mapping[str, Native]]) -> dict[str, Native]:
    """Return each measure's median over the looks that could assess it."""
    return {name: _median([look[name] for look in recent if name in look]) for name in recent[-1]}


def _median(values: Sequence[Native]) -> Native:
    assessed = [native.value for native in values if native.value is not None]
    return Native(statistics.median(assessed)) if assessed else values[-1]
