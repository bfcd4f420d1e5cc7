"""Which fingers a centre wants, as one file of `firmware_configs/fingers` says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge.fingers.plan import HANDS

Hand = Literal["right", "left"]
Finger = Literal["thumb", "index", "middle", "ring", "little"]


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("each may stand there once")
    return names


class FingerProfile(BaseModel):
    """Order, number and stand-ins of the fingers that are asked for.

    Attributes:
        hands: in the order of asking.
        fingers: of a hand, the preferred one first; those behind stand in for those before.
        count: how many fingers are wanted: of each hand the first finger, then of each the second.
        other_hand: a hand that gives none is stood in for by a second finger of the other.
        minimum: with so many fingers in the package nothing of fingers counts as missing; None:
            every finger that is not given does, until an attendant signs why.
        enrolment_grade: a reader that is "not for enrolment" takes no fingers for it.
        card_codes: the manifest also says positions in the codes of the resident identity card.
        sources: where each rule comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    hands: Annotated[tuple[Hand, ...], Field(min_length=1), AfterValidator(_each_once)] = HANDS
    fingers: Annotated[tuple[Finger, ...], Field(min_length=1), AfterValidator(_each_once)]
    count: Annotated[int, Field(ge=1, le=10)]
    other_hand: bool = True
    minimum: Annotated[int, Field(ge=0, le=10)] | None = None
    enrolment_grade: bool = False
    card_codes: bool = False
    sources: dict[str, str]

    @model_validator(mode="after")
    def _enough_fingers(self) -> FingerProfile:
        if self.count > len(self.hands) * len(self.fingers):
            raise ValueError("count is more than the hands and fingers named")
        if self.minimum is not None and self.minimum > self.count:
            raise ValueError("minimum is more than count")
        return self

    @property
    def slots(self) -> tuple[str, ...]:
        """The positions that are asked for first, in order."""
        every = [f"{hand}_{finger}" for finger in self.fingers for hand in self.hands]
        return tuple(every[: self.count])
