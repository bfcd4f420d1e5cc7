"""What lies over the screen now, of all that might. Pure."""

from __future__ import annotations

from typing import Final

from api.kiosk.fingers import open_fingers
from api.kiosk.identity import check_stage
from api.kiosk.look import Look
from api.kiosk.pad import EXCEPTION, SHUTTER, SIGN, Pad
from edge.sitting import Overlay, Snapshot, State

LEAVING: Final = "leave"
MORE: Final = "finger-more"
CHECKLIST: Final = "checklist"
REMOTE: Final = "remote"
CARRIED: Final = {
    "battery_low": "charging",
    "lid_closed": "checking",
    "field_check_due": "checking",
    "field_check_running": "checking",
}
"""At a home there is no window to go to: what a carried station waits for is soon there."""
CAN_LEAVE: Final = frozenset(
    {
        *(State.NAME, State.PROXY, State.CONSENT, State.MATERIALS, State.REUSE, State.REUSE_CHECK),
        *(State.PORTRAIT, State.PORTRAIT_OK, State.FINGER, State.REVIEW),
    }
)
"""Where the corner asks first. From the number it goes back at once: nothing is lost there."""
_STATION_S_OWN: Final = frozenset({Overlay.STILL_THERE, Overlay.CALM, Overlay.OUT_OF_SERVICE})
"""Over these nobody is asked anything else."""


def overlay_of(shown: Snapshot, look: Look, mark: str, pad: Pad | None) -> str:
    """Return the id of what lies over the screen, "" if nothing does."""
    asked_from_afar = shown.remote is not None and shown.remote.phase == "asked"
    if asked_from_afar and shown.overlay not in _STATION_S_OWN and shown.token:
        return REMOTE
    out = shown.out_of_service
    if out and CARRIED.keys() >= set(out) and shown.overlay is Overlay.OUT_OF_SERVICE:
        return CARRIED[out[0]]
    if shown.overlay is not None and not (look.lists and shown.overlay is Overlay.IDLE):
        return shown.overlay.value
    if shown.state is State.WELCOME:
        if shown.out_of_service:
            return Overlay.OUT_OF_SERVICE.value
        return CHECKLIST if look.lists else ""
    return _of_touches(shown, look, mark) or _of_staff(shown, pad)


def _of_touches(shown: Snapshot, look: Look, mark: str) -> str:
    if look.leaving_from == mark and shown.state in CAN_LEAVE:
        return LEAVING
    return MORE if look.more_from == mark and shown.state is State.FINGER else ""


def _of_staff(shown: Snapshot, pad: Pad | None) -> str:
    # Nothing is left to sign once the screen needs no staff any more.
    return pad.sheet if pad and pad.sheet == staff_sheet(shown) else ""


def staff_sheet(shown: Snapshot) -> str:
    """Return the sheet that staff may open on this screen, "" if there is none."""
    if check_stage(shown) == "staff":
        return SIGN
    if open_fingers(shown):
        return EXCEPTION
    return SHUTTER if shown.state is State.PORTRAIT else ""
