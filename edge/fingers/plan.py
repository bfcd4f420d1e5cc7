"""Which finger is asked for next. Pure: no reader, no clock, no person, only what became of each.

A *slot* is a finger that the centre wants. One that cannot be given is stood in for by the next
finger of the same hand, in the profile's order; a hand that has none left, by a second finger of
the other one, after all slots were asked for. Nothing is asked for twice, so every plan ends.

Source: order and fallback after public notices on the resident identity card, two fingers, right
before left, thumb, index, middle, ring, little [unverified]; the other hand is printed for
passports and taken over here as a default [ours].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

HANDS: Final = ("right", "left")


@dataclass(frozen=True, slots=True)
class Asked:
    """One finger to ask for; `slot` is itself, or the finger that it stands in for."""

    position: str
    slot: str

    @property
    def fallback_of(self) -> str | None:
        """The finger that it stands in for, None if it was wanted itself."""
        return None if self.slot == self.position else self.slot


@dataclass(frozen=True, slots=True)
class FingerPlan:
    """The fingers of one visit and what became of them; every change is a new plan.

    Attributes:
        slots: wanted positions in the order of asking, each once.
        fallback: names of fingers ("thumb") in the order in which they stand in; () for never.
        other_hand: a hand that is exhausted is stood in for by the other.
        given: positions whose print is kept.
        closed: positions that were asked for, or would have been, and are not given.
        ended: no further finger is asked for: the person wants none, or the reader may take none.
    """

    slots: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    other_hand: bool = True
    given: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    ended: bool = False

    def next(self) -> Asked | None:
        """Return the finger to ask for now, None if the plan has come to its end."""
        if self.ended:
            return None
        return next(self._open(), None)

    def give(self, position: str) -> FingerPlan:
        """Return the plan after this finger was kept."""
        return replace(self, given=(*self.given, position))

    def close(self, *positions: str) -> FingerPlan:
        """Return the plan after these fingers turned out not to be possible."""
        fresh = [p for p in dict.fromkeys(positions) if p not in self.given + self.closed]
        return replace(self, closed=(*self.closed, *fresh))

    def close_hand(self, hand: str) -> FingerPlan:
        """Return the plan after this hand ("right") turned out not to be possible."""
        named = [f"{hand}_{finger}" for finger in self.fallback]
        return self.close(*(p for p in self.slots if hand_of(p) == hand), *named)

    def end(self) -> FingerPlan:
        """Return the plan without any further finger."""
        return replace(self, ended=True)

    @property
    def unsettled_slots(self) -> tuple[str, ...]:
        """Wanted fingers that nothing has become of."""
        return tuple(p for p in self.slots if p not in self.given + self.closed)

    @property
    def filled(self) -> dict[str, str]:
        """The finger that fills each slot; a slot that nothing fills is not in it."""
        filled: dict[str, str] = {}
        for slot, candidates in self._rounds():
            free = [p for p in candidates if p in self.given and p not in filled.values()]
            if free and slot not in filled:
                filled[slot] = free[0]
        return filled

    def _open(self) -> Iterator[Asked]:
        filled = self.filled
        settled = {*self.given, *self.closed}
        for slot, candidates in self._rounds():
            if slot not in filled:
                yield from (Asked(p, slot) for p in candidates if p not in settled)

    def _rounds(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every slot with its own hand's fingers, then every slot with the other hand's."""
        for slot in self.slots:
            yield slot, (slot, *self._stand_ins(hand_of(slot)))
        if self.other_hand:
            for slot in self.slots:
                (other,) = (hand for hand in HANDS if hand != hand_of(slot))
                yield slot, self._stand_ins(other)

    def _stand_ins(self, hand: str) -> tuple[str, ...]:
        named = (f"{hand}_{finger}" for finger in self.fallback)
        return tuple(position for position in named if position not in self.slots)


def hand_of(position: str) -> str:
    """Return "right" or "left", the person's own."""
    return position.split("_", maxsplit=1)[0]
