"""Which upload of an image may be believed: one rule for every serial reader.

No family's sum sees every fault. Hence: a fault drops the whole image, never a part of it; it is
fetched again, twice at most, then as often at the next slower speed; and after any fault an image
counts only when two uploads agree byte for byte. What is left, on a line that shows no fault,
stands with each family.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

from drivers.errors import ProtocolViolation

TRIES: Final = 3
"""An image is fetched at most so often at one speed."""

WORD_MAX: Final = 96
"""Letters of a fault, as the log takes them."""


class Fetched(Protocol):
    """What one upload brought."""

    @property
    def content(self) -> bytes | None:
        """The image; None if it was cancelled, or no good."""

    @property
    def fault(self) -> str:
        """What the line did wrong; "" if it was clean from end to end."""


class Agreement:
    """The uploads of one press: which of them may be believed.

    Args:
        step_down: brings the line to a slower speed, or returns False.
        cancelled: ends it after the upload that it cut short.
        repeated: told of each upload that was not believed: its number and the fault, in one word.
    """

    def __init__(
        self,
        step_down: Callable[[], bool],
        cancelled: Event,
        repeated: Callable[[int, str], None],
    ) -> None:
        self._step_down = step_down
        self._cancelled = cancelled
        self._repeated = repeated
        self._seen: list[bytes] = []
        self._fault = ""

    def trusted(self, fetch: Callable[[], Fetched]) -> bytes | None:
        """Return an image's bytes: from one clean upload, or from two that agree after a fault.

        None if it was cancelled.

        Raises:
            ProtocolViolation: no upload could be trusted, at this speed and at the next.
            DeviceError: what `fetch` and `step_down` raise.
        """
        for may_step_down in (True, False):
            for attempt in range(1, TRIES + 1):
                fetched = fetch()
                if self._cancelled.is_set():
                    return None
                if self._believes(fetched):
                    return fetched.content
                self._repeated(attempt, _one_word(self._fault))
            if may_step_down and not self._step_down():
                break
        raise ProtocolViolation(f"no image could be trusted: {self._fault}")

    def _believes(self, fetched: Fetched) -> bool:
        content = fetched.content
        if content is not None:
            if content in self._seen or not (self._fault or fetched.fault):
                return True
            self._seen.append(content)
        self._fault = fetched.fault or self._fault
        return False


def _one_word(fault: str) -> str:
    # The log takes nothing else: it might be a person's.
    return re.sub(r"[^A-Za-z0-9_.:/+]+", "-", fault)[:WORD_MAX]
