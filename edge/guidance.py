"""From live looks to the one hint on the screen, the line that is spoken and the moment of capture.

It has no I/O and no clock: what it says is a function of the looks and their times, so a recorded
sitting replays to the same hints (`docs/guidance.md`). It keeps numbers only, never a frame.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from edge.hint import ShownHint, SpokenHint
from edge.patience import Patience
from edge.preset import Preset
from edge.stillness import Stillness, light_is_steady
from quality.advice import Advice, advice_of, advise
from quality.document import Document, judge
from quality.face.outline import HeadOutline
from quality.framing import framing, room_of
from quality.measure import Native, Reading, Verdict

SMOOTHED_LOOKS: Final = 5
SMOOTHED_S: Final = 0.45
"""Medians are over so many looks, or over all of so long where looks come faster."""
COUNTED_EVERY_S: Final = 0.08
"""Frames are counted as ten a second make them: nearer to each other they say the same."""
SETTLING_LOOKS: Final = 10
"""Exposure settles while these pass; nothing is captured from them."""


class Look(Protocol):
    """What guidance needs of one look at a preview frame (`edge.vision.client.Sight`)."""

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
        speak: the line that a voice begins with this look; None lets the last one end.
        stuck: offer the staff's help; it stays offered to this person.
        settled: the exposure has found its level, and the pose holds: the camera may keep both.
        because: the reading that `hint` would cure, for the log and the console: never a number
            on the screen.
    """

    hint: Advice | None
    hold_share: float
    capture: bool
    readings: tuple[Reading, ...] = ()
    speak: Advice | None = None
    stuck: bool = False
    settled: bool = False
    because: Reading | None = None


class Guidance:
    """One search for a portrait that fits all these documents."""

    def __init__(
        self, documents: Sequence[Document], preset: Preset, good_frames_needed: int | None = None
    ) -> None:
        """Prepare.

        Args:
            documents: with the gates that hold here (`edge.preset.PortraitRules.documents`).
            preset: how the person sits, stands or lies.
            good_frames_needed: in place of the preset's.
        """
        self._documents = tuple(documents)
        self._room = room_of(documents)
        self._preset = preset
        self._needed = good_frames_needed or preset.frames.count
        self._recent: deque[tuple[float, Mapping[str, Native]]] = deque()
        self._passed: frozenset[str] = frozenset()
        self._well_framed = False
        self._stillness = Stillness()
        self._patience = Patience(preset.patience)
        self._hint = ShownHint()
        self._voice = SpokenHint(preset.voice.gap_s, preset.voice.repeat_after_s)
        self._looks = _Counter()
        self._good = _Counter()

    def see(self, look: Look, now_s: float, still_scale: float = 1.0) -> Guided:
        """Take in one look.

        Args:
            look: at the newest preview frame; at a calibrated station with the zero taken off
                (`quality.pitch_zero`).
            now_s: when that frame was captured, on any clock that never goes back.
            still_scale: pixels of the camera's still for one of the preview.
        """
        self._looks.count(now_s)
        self._patience.see(look.faces, now_s)
        natives = _in_still_px(look.natives, still_scale)
        readings = self._judge(look.faces, natives, now_s)
        advice, because = self._meant(look, readings, now_s)
        meant = self._preset.said(advice)
        if meant is None:
            self._good.count(now_s)
        else:
            self._good.begin_anew()
        share = min(1.0, self._good.times / self._needed)
        shown = self._hint.after(meant, now_s)
        # A hint that still stands is followed first: the shutter never contradicts the screen.
        settled = share > 0 and self._has_settled()
        ready = shown is None and share == 1.0 and self._looks.times > SETTLING_LOOKS
        capture = (
            ready
            and (settled or self._patience.relaxed(now_s))
            and self._good_at_this_moment(natives)
        )
        return Guided(
            shown, share, capture, readings,
            self._voice.after(shown, now_s, meant=shown is meant),
            self._is_stuck(meant, shown, now_s), settled, because,
        )  # fmt: skip

    def refuse(self, advice: Advice, now_s: float) -> Guided:
        """Take in that the burst was refused: say why, then look again from the beginning.

        Args:
            advice: what the still lacked.
            now_s: on the clock of `see`.
        """
        self._patience.refused()
        self._forget()
        self._good.begin_anew()
        shown = self._hint.insist(self._preset.said(advice) or advice, now_s)
        speak = self._voice.after(shown, now_s)
        return Guided(shown, 0.0, False, speak=speak, stuck=self._is_stuck(shown, shown, now_s))

    def _is_stuck(self, meant: Advice | None, shown: Advice | None, now_s: float) -> bool:
        needs_staff = shown is Advice.STAFF_MOVES_CAMERA
        return self._patience.stuck(now_s, hindered=meant is not None, needs_staff=needs_staff)

    def _judge(
        self, faces: int, natives: Mapping[str, Native], now_s: float
    ) -> tuple[Reading, ...]:
        if faces != 1:
            # Other people's values say nothing about the one who is to be photographed.
            self._forget()
            return ()
        self._recent.append((now_s, natives))
        while len(self._recent) > SMOOTHED_LOOKS and now_s - self._recent[0][0] > SMOOTHED_S:
            self._recent.popleft()
        smooth = _medians([natives for _, natives in self._recent])
        readings = [
            judge(document, smooth, live=True, passed=self._passed) for document in self._documents
        ]
        rejected = {r.measure for rs in readings for r in rs if r.verdict is Verdict.REJECTED}
        self._passed = frozenset(r.measure for rs in readings for r in rs) - rejected
        return tuple(dict.fromkeys(r for rs in readings for r in rs))

    def _forget(self) -> None:
        self._recent.clear()
        self._passed = frozenset()

    def _meant(
        self, look: Look, readings: tuple[Reading, ...], now_s: float
    ) -> tuple[Advice | None, Reading | None]:
        """Return what hinders a portrait now, whatever the screen shows, and the reading of it."""
        relaxed = self._patience.relaxed(now_s)
        place = self._placed(look, now_s, relaxed=relaxed)
        counted = [r for r in readings if not (relaxed and r.advisory)]
        advice = advise(look, counted, place)
        if advice is None or advice is place:
            return advice, None
        return advice, next((r for r in counted if advice_of(r) is advice), None)

    def _placed(self, look: Look, now_s: float, *, relaxed: bool) -> Advice | None:
        if look.faces != 1 or look.outline is None:
            self._well_framed = False
            self._stillness.forget()
            return None
        place = framing(look.outline, self._room, passed=self._well_framed)
        self._well_framed = place is None
        still = self._stillness.after(look.outline, now_s)
        # Whoever trembles is photographed all the same: the sharpest still of the burst is taken.
        return place if place or still or relaxed else Advice.HOLD_STILL

    def _has_settled(self) -> bool:
        past = [natives.get("LuminanceMean") for _, natives in self._recent]
        return light_is_steady([native.value for native in past if native and native.value])

    def _good_at_this_moment(self, natives: Mapping[str, Native]) -> bool:
        """Tell whether this very look passes the hard gates: medians would hide a blink."""
        readings = [
            reading
            for document in self._documents
            for reading in judge(document, natives, live=True, passed=document.gates)
        ]
        return all(r.advisory or r.verdict is Verdict.ACCEPTED for r in readings)


class _Counter:
    """Counts looks, those that come too fast as one."""

    def __init__(self) -> None:
        self.times = 0
        self._at_s = float("-inf")

    def count(self, now_s: float) -> None:
        if now_s - self._at_s >= COUNTED_EVERY_S:
            self.times, self._at_s = self.times + 1, now_s

    def begin_anew(self) -> None:
        self.times, self._at_s = 0, float("-inf")


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
    assessed = [native for native in values if native.value is not None]
    if not assessed:
        return values[-1]
    # What was said of a value (a zero taken off) holds for the median too.
    middle = statistics.median([native.value for native in assessed if native.value is not None])
    return Native(middle, assessed[-1].reason)
