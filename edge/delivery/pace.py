"""How long an outbox waits, and in which hours it sends."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

DAY_MIN: Final = 24 * 60
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of the day, in minutes of local time; one that ends before it begins spans midnight.

    Without any span it is always open.
    """

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Hours:
        """Read "20:00-06:30". Raises `ValueError`: no such time, or a span of no length."""
        spans = []
        for text in texts:
            found = _SPAN.fullmatch(text)
            if found is None:
                raise ValueError(f'{text!r} is not a span such as "20:00-06:30"')
            hours = [int(part) for part in found.groups()]
            begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
            if begin == end:
                raise ValueError(f"{text!r} has no length; leave hours away for the whole day")
            spans.append((begin, end))
        return cls(tuple(spans))

    def open_at(self, minute: int) -> bool:
        """Whether this minute of the day, 0..1439, lies in one of the spans."""
        return not self.spans or any(
            begin <= minute < end if begin < end else minute >= begin or minute < end
            for begin, end in self.spans
        )

    def minutes_until_open(self, minute: int) -> int:
        """Return in how many minutes it opens; 0 if it is open."""
        if self.open_at(minute):
            return 0
        return min((begin - minute) % DAY_MIN for begin, _ in self.spans)


def minute_of_the_day() -> int:
    """Return the minute of the local day, by the machine's own clock and zone."""
    now = datetime.now().astimezone()
    return now.hour * 60 + now.minute


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the outbox waits, in seconds; the waits themselves are drawn at random.

    Attributes:
        first_max_s: before the first try, so that a city's power return does not hit the centre
            at once.
        base_s, max_s: back-off n is drawn from 0 to min(max_s, base_s * 2**n): full jitter.
        pending_s, pending_max_s: before a receipt that is not there yet is asked for again; doubled
            each time, up to the second.
        closed_s: after an answer that only new settings, there or here, can mend.
        hours: when packages go that are not urgent; an upload that runs is finished.
        minute: of the local day, now.
    """

    first_max_s: float = 300.0
    base_s: float = 2.0
    max_s: float = 900.0
    pending_s: float = 60.0
    pending_max_s: float = 900.0
    closed_s: float = 3600.0
    hours: Hours = Hours()
    minute: Callable[[], int] = minute_of_the_day

    def back_off_s(self, failures: int) -> float:
        """Draw the wait after that many failures in a row, the first being 1."""
        # The exponent has a ceiling so that years of failures do not overflow a float.
        ceiling_s = min(self.max_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return random.uniform(0, ceiling_s)  # noqa: S311 - spreads load, hides nothing

    def ask_again_s(self, times: int) -> float:
        """Return the wait after a receipt was asked for that many times, the first being 1."""
        return float(min(self.pending_max_s, self.pending_s * 2.0 ** min(times - 1, 30)))

    def open_now(self) -> bool:
        """Whether packages that are not urgent may go now."""
        return self.hours.open_at(self.minute())

    def opens_in_s(self) -> float | None:
        """Return after how many seconds to look at the hours again; None if they are open."""
        minutes = self.hours.minutes_until_open(self.minute())
        return minutes * 60.0 if minutes else None
