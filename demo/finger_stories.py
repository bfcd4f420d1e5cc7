"""Stories of fingers for the demo: how each finger presses, who touches what, what must come of it.

The presses are drawn for the demo's reader and belong to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from demo.badge import Badge
from demo.console.knobs import Knobs
from demo.neighbours import DemoError
from demo.walk import Hand, Walk
from edge.capture import SittingDesk
from edge.sitting import Event, FingerExceptionView, Snapshot, State
from formats.finger.position import ISO_POSITIONS

COMES_BACK_AFTER_DAYS: Final = 14
_SIGNED_IN: Final = frozenset({State.FINGER, State.REVIEW})


@dataclass(frozen=True, slots=True)
class FingerStory:
    """One person's fingers, and what must come of them.

    Attributes:
        presses: how a finger presses, by its position; "*" for all others.
        touches: what the person touches when a finger is asked for.
        reason, permanence: what an attendant signs for each finger that is not given; "" for none.
        fingers: positions that must have been taken, in their order.
        exceptions: position and result of each that must not.
    """

    title: str
    presses: Mapping[str, str] = field(default_factory=lambda: {"*": "plain"})
    touches: Mapping[str, Event] = field(default_factory=dict)
    reason: str = ""
    permanence: str = ""
    fingers: tuple[str, ...] = ("right_thumb", "left_thumb")
    exceptions: tuple[tuple[str, str], ...] = ()

    @property
    def come_back_on(self) -> str | None:
        """Return the day that the attendant gives, None where the reason is for good."""
        if self.permanence != "temporary":
            return None
        return (date.today() + timedelta(COMES_BACK_AFTER_DAYS)).isoformat()


STORIES: Final[Mapping[str, FingerStory]] = {
    "good": FingerStory("two good thumbs"),
    "dry": FingerStory("a dry right thumb, good after a breath on it", {"*": "plan"}),
    "faint": FingerStory(
        "a worn right thumb: the best of its presses is taken, and marked as low",
        {"right_thumb": "worn", "*": "plain"},
    ),
    "worn": FingerStory(
        "a right thumb that no breath helps; the index finger stands in for it",
        {"right_thumb": "dry", "*": "plain"},
        reason="worn",
        permanence="permanent",
        fingers=("right_index", "left_thumb"),
        exceptions=(("right_thumb", "02"),),
    ),
    "all-worn": FingerStory(
        "ten such fingers: the attendant is called, the photograph is handed in",
        {"*": "dry"},
        reason="worn",
        permanence="permanent",
        fingers=(),
        exceptions=tuple((position, "02") for position in ISO_POSITIONS),
    ),
    "bandage": FingerStory(
        "a bandaged right thumb: not this finger, and come back in two weeks",
        touches={"right_thumb": Event.FINGER_SKIPPED},
        reason="bandaged",
        permanence="temporary",
        fingers=("right_index", "left_thumb"),
        exceptions=(("right_thumb", "03"),),
    ),
    "amputated": FingerStory(
        "no right hand: two fingers of the left",
        touches={"right_thumb": Event.HAND_SKIPPED},
        reason="amputated",
        permanence="permanent",
        fingers=("left_thumb", "left_index"),
        exceptions=(("right_thumb", "03"),),
    ),
    "refused": FingerStory(
        "no fingers, thank you; nobody asks why",
        touches={"right_thumb": Event.FINGERS_REFUSED},
        fingers=(),
        exceptions=(("right_thumb", "03"), ("left_thumb", "03")),
    ),
}


def story_for(name: str | None) -> FingerStory | None:
    """Return the story of this name, None for no name. Raises `DemoError`: there is none."""
    if name is None:
        return None
    if name not in STORIES:
        raise DemoError(f"No finger story {name!r}; there are: {', '.join(STORIES)}.")
    return STORIES[name]


def cue_for(story: FingerStory, knobs: Knobs) -> Callable[[str], None]:
    """Return what to do when a finger is asked for: the reader's person presses it as told."""

    def cue(position: str) -> None:
        wanted = story.presses.get(position, story.presses["*"])
        if knobs.stand()["reader.press"] != wanted:
            knobs.turn("reader.press", wanted)

    return cue


def hand_for_story(story: FingerStory, badge: Badge) -> Hand:
    """Return whose hands touch what the story says, and sign as its attendant."""

    def hand(desk: SittingDesk, shown: Snapshot) -> Snapshot | None:
        if shown.state not in _SIGNED_IN:
            return None
        touched = story.touches.get(shown.finger.position) if shown.finger else None
        if touched is not None:
            return desk.ask(touched, shown.token)
        waiting = _unsigned(shown) if story.reason else None
        if waiting is None:
            return None
        return desk.confirm_exception(
            shown.token, badge.number, badge.pin, waiting.position, story.reason,
            story.permanence, story.come_back_on,
        )  # fmt: skip

    return hand


def hold_against(story: FingerStory, told: Walk) -> None:
    """Take it down as the walk's problem if the fingers came out otherwise."""
    fingers = tuple(row["position"] for row in told.fingers)
    exceptions = tuple((row["position"], row["result"]) for row in told.finger_exceptions)
    if told.problem:
        return
    if fingers != story.fingers:
        told.problem = f"the fingers came out otherwise: {', '.join(fingers) or 'none'}"
    elif sorted(exceptions) != sorted(story.exceptions):
        told.problem = f"the exceptions came out otherwise: {exceptions}"


def _unsigned(shown: Snapshot) -> FingerExceptionView | None:
    return next((row for row in shown.finger_exceptions if not row.confirmed), None)
