"""What the demo's person and attendant do about an earlier photo, and whether it came out so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo.badge import Badge
from demo.clerk import Clerk
from demo.earlier_photos import EarlierPhoto
from demo.walk import Hand, Walk
from edge.capture import SittingDesk
from edge.sitting import Event, Snapshot, State


def hand_for(case: EarlierPhoto, badge: Badge) -> Hand:
    """Return whose hands choose on the screen of the offer and sign beside both pictures."""

    def hand(desk: SittingDesk, shown: Snapshot) -> Snapshot | None:
        if shown.state is State.REUSE:
            choice = Event.REUSE_CHOSEN if case.chosen else Event.REUSE_DECLINED
            return desk.ask(choice, shown.token)
        if shown.state is State.REUSE_CHECK and shown.reuse and shown.reuse.needs_staff:
            return desk.sign_same_person(shown.token, badge.number, badge.pin, case.same)
        return None

    return hand


def tell_outcome(told: Walk, clerk: Clerk, arrived: Path) -> None:
    """Take down what `/v1` and the centre's opened package say, and hold it against the case.

    Args:
        told: of the walk that has just ended; gets the outcome, and a problem if it is another.
        clerk: who ordered the sitting.
        arrived: the centre's folder of opened packages.

    Raises:
        DemoError: the station does not say.
    """
    fate = clerk.fate(told.sitting_id)
    manifest = _manifest(arrived / told.package_id / "manifest.json")
    origin = manifest.get("origin", {}).get("portrait")
    told.earlier_photo = {
        "ordered": told.sitting_id in clerk.ordered,
        "offered": State.REUSE.value in told.steps_s,
        "photo": fate.photo,
        "reason": fate.reason,
        "result": fate.result,
        "portrait": origin,
    }
    case = clerk.case
    wanted: dict[str, Any] = {
        "ordered": True,
        # A photo that is refused before anybody sees it is never offered.
        "offered": case.offered,
        "photo": case.expect,
        "reason": case.why,
        "result": told.result,
        "portrait": case.origin,
    }
    differs = [name for name, value in wanted.items() if told.earlier_photo[name] != value]
    if differs and not told.problem:
        told.problem = f"the earlier photo came out otherwise: {', '.join(differs)}"


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except OSError:
        return {}
    return manifest
