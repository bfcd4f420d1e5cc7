"""Which card the idle screen shows: a pure function of the time, so that every page agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CARD_S: Final = 20.0


def card_now(cards: Sequence[str], idle_s: float, turn: int = 0) -> str | None:
    """Return the id of the card to show, None without any.

    Args:
        cards: ids, in their order.
        idle_s: seconds since the idle screen came up.
        turn: which idle screen this is today: else the first card would be seen most.
    """
    if not cards:
        return None
    return cards[(turn + int(max(0.0, idle_s) // CARD_S)) % len(cards)]
