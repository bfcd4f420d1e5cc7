"""What staff may do for the person on the present screen. Pure: a function of screen and role.

Driving the pages is one thing, a person's own word another: what only she can say is offered to
staff as "she told me so", recorded with who heard it, and never to a volunteer. How it was, nobody
says for her.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.sitting import FROM_THE_PERSON, TRANSITIONS, Event, Overlay, Snapshot, State
from edge.staff import Role

HER_OWN_WORD: Final = frozenset(
    {
        *(Event.AGREE, Event.AGREE_PHOTO_ONLY, Event.DECLINE),
        *(Event.REUSE_CHOSEN, Event.REUSE_DECLINED, Event.FINGERS_REFUSED, Event.LEAVE),
    }
)
"""Said aloud to the attendant, who is the witness."""
_NOBODY_ELSE_S: Final = frozenset(
    {
        *(Event.RATE_GOOD, Event.RATE_FAIR, Event.RATE_POOR),
        *(Event.REASON_WAITED, Event.REASON_HARD),
    }
)


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be done now.

    Attributes:
        moves: in the order of the table.
        told: those of them that are the person's own word.
        shutter: the portrait may be taken by hand, with a reason.
        fingers: positions that may be signed for, with a reason.
        same_person: two pictures wait for a signature.
        close_missing: the sitting may be closed with what is there.
        to_window: staff may go on with the person at the window.
    """

    moves: tuple[Event, ...] = ()
    told: frozenset[Event] = frozenset()
    shutter: bool = False
    fingers: tuple[str, ...] = ()
    same_person: bool = False
    close_missing: bool = False
    to_window: bool = False


NOTHING: Final = Offers()


def offers(shown: Snapshot, role: Role) -> Offers:
    """Return what somebody of this role, who has taken over, may do on this screen."""
    if role == "remote":
        return NOTHING
    guide = role == "guide"
    moves = tuple(event for event in TRANSITIONS[shown.state] if _may(event, shown, guide=guide))
    return Offers(
        moves=moves,
        told=frozenset(moves) & HER_OWN_WORD,
        shutter=shown.state is State.PORTRAIT and shown.overlay is not Overlay.CALM,
        fingers=_open_fingers(shown) if guide else (),
        same_person=guide and shown.reuse is not None and shown.reuse.needs_staff
        and shown.state is State.REUSE_CHECK,
        close_missing=guide and may_close(shown),
        to_window=Event.LED_TO_WINDOW in TRANSITIONS[shown.state] and shown.sitting_id is not None,
    )  # fmt: skip


def may_close(shown: Snapshot) -> bool:
    """Tell whether a sitting may be closed now with what is there: a sample at least."""
    going_on = shown.state in (State.PORTRAIT, State.FINGER, State.REVIEW)
    return going_on and (shown.portrait_in or bool(shown.fingers_in))


def may_see(shown: Snapshot) -> bool:
    """Tell whether the camera's picture may be seen on a console: a face is being photographed.

    Not while fingers are given, nor while a letter is shown to the camera.
    """
    if shown.overlay not in (None, Overlay.HELP):
        return False
    if shown.state is State.REUSE_CHECK:
        return shown.reuse is not None and not shown.reuse.live_ready
    return shown.state is State.PORTRAIT


def _may(event: Event, shown: Snapshot, *, guide: bool) -> bool:
    if event not in FROM_THE_PERSON - _NOBODY_ELSE_S or (event in HER_OWN_WORD and not guide):
        return False
    asked = shown.finger
    only_if = {
        Event.START: shown.can_start and not shown.out_of_service,
        Event.START_AS_RELATIVE: shown.can_start and not shown.out_of_service,
        Event.PORTRAIT_GIVEN_UP: shown.stuck or shown.calm_long,
        Event.AGREE_PHOTO_ONLY: shown.fingers_asked,
        Event.FINGERS_REFUSED: asked is None or asked.refusable,
    }
    return only_if.get(event, True)


def _open_fingers(shown: Snapshot) -> tuple[str, ...]:
    """Return the positions to sign for, the one that is asked for last: the sitting leaves it."""
    if shown.state not in (State.FINGER, State.REVIEW):
        return ()
    asked = shown.finger.position if shown.finger and shown.state is State.FINGER else None
    waiting = [row.position for row in shown.finger_exceptions if not row.confirmed]
    return tuple(dict.fromkeys([*(p for p in waiting if p != asked), *([asked] if asked else [])]))
