"""Some stills in a row: which of them is judged, and what the judgement is. No I/O."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from edge.override import Override, refusals, waived
from quality.advice import Advice, advise
from quality.document import Document, judge
from quality.measure import Native, Reading

BURST: Final = 3
BLINK_SHARE: Final = 0.7
"""A still whose eyes are less open than this share of what is usual for the person is a blink."""


class Seen(Protocol):
    """What is needed of a look at a still (`edge.vision.client.Sight`)."""

    @property
    def faces(self) -> int:
        """How many people are in view."""

    @property
    def natives(self) -> Mapping[str, Native]:
        """The subject's values by measure."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the documents say of a still.

    Attributes:
        readings: by document id: each document has its own limits.
        advice: what to do instead, None if the still is good.
        override: as it was asked for, with what was overruled.
    """

    readings: Mapping[str, tuple[Reading, ...]]
    advice: Advice | None
    override: Override | None = None


def best(burst: Sequence[Seen], usual_openness: float | None = None) -> int:
    """Return which still of a burst is the sharpest of those in which nobody blinks.

    Where the person blinks in all of them, it is the one with the widest eyes; the judgement of
    the still refuses it then.

    Args:
        burst: one still at least.
        usual_openness: how open this person's eyes were just before, `EyesOpen`; the burst alone
            cannot know it where two of three are blinks.

    Source: [ours] the landmarker's own blink score is no guard: looking down read 0.82, a hidden
        eye 0.54, a broad smile 0.39, eyes that were really closed 0.68.
    """
    openness = [_value(seen, "EyesOpen") for seen in burst]
    floor = BLINK_SHARE * max(statistics.median(openness), usual_openness or 0.0)
    awake = [n for n, open_ in enumerate(openness) if open_ >= floor]
    if not awake:
        return max(range(len(burst)), key=lambda n: openness[n])
    return max(awake, key=lambda n: _value(burst[n], "FaceSharpness"))


def judged(still: Seen, documents: Sequence[Document], override: Override | None = None) -> Judged:
    """Return what these documents say of a still; what only advises never refuses it.

    Args:
        still: what was seen in it.
        documents: with the gates that hold at this station.
        override: an attendant's word, None for the automatic capture.
    """
    readings = {d.id: judge(d, still.natives, live=False) for d in documents}
    together = [reading for one in readings.values() for reading in one]
    advice = advise(still, refusals(together, override))
    if override is not None:
        override = replace(override, waived=waived(together, override.reason))
    return Judged(readings, advice, override)


def _value(seen: Seen, measure: str) -> float:
    native = seen.natives.get(measure)
    return 0.0 if native is None or native.value is None else native.value
