"""What tells one drawn screen from another: the mark of a form, the key of a page. Pure."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from api.kiosk.look import Look
from api.kiosk.pad import Pad
from edge.sitting import Overlay, Snapshot, State


def looks_live(shown: Snapshot) -> bool:
    """Tell whether this screen shows what the camera sees now; on all others no picture leaves."""
    looking = (State.PORTRAIT, State.PROXY)
    return shown.state in looking or check_stage(shown) == "look"


def check_stage(shown: Snapshot) -> str:
    """Return how far the check of the earlier photo is: "look", "compare", "staff" or ""."""
    if shown.state is not State.REUSE_CHECK or shown.reuse is None:
        return ""
    if not shown.reuse.live_ready:
        return "look"
    return "staff" if shown.reuse.needs_staff else "compare"


def key_of(shown: Snapshot, look: Look, overlay: str, mark: str, pad: Pad | None) -> str:
    """Return what changes whenever the page must be drawn anew; nothing can be read from it."""
    # Of the pad's digits nothing: whoever knows all the rest could try them out on a hash.
    typing = (
        (pad.asked, pad.reason, pad.until, pad.position, pad.refused, pad.wait_s, pad.incomplete)
        if pad
        else ()
    )
    finger = (shown.finger.fallback_of, shown.finger.refusable) if shown.finger else ()
    earlier = replace(shown.reuse, staff_wait_s=0.0) if shown.reuse else None
    parts = (
        shown.token, mark, overlay, shown.language, look.scale, look.theme, look.voice,
        shown.result, shown.portrait_preview, shown.portrait_in, shown.resumed, shown.missing,
        shown.fingers_in, shown.stuck, shown.calm_long, earlier, typing, finger,
        shown.finger_exceptions, shown.attendant_called, shown.who, shown.assisted_by, look.lists,
        *_of_the_beginning(shown, overlay), *_of_company(shown, overlay),
    )  # fmt: skip
    # Hashed, so that the sitting's token is not readable in a key that a log may see.
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _of_the_beginning(shown: Snapshot, overlay: str) -> tuple[object, ...]:
    card = shown.card if overlay == Overlay.IDLE.value else ""
    return (
        shown.can_start, shown.number_unknown, shown.number_closed, shown.name, shown.letter,
        shown.fingers_asked, shown.material, card, shown.shutter_refused,
    )  # fmt: skip


def _of_company(shown: Snapshot, overlay: str) -> tuple[object, ...]:
    """Return who helps. A call counts while its screen is up; its minutes move by themselves."""
    call = shown.help if overlay == Overlay.HELP.value else None
    called = (call.again > 0, call.answered_by, call.minutes > 0) if call else ()
    remote = shown.remote
    seen = (remote.name, remote.role, remote.phase, remote.say, remote.point) if remote else ()
    return called, seen
