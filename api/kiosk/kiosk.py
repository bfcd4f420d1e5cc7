"""The pages' own state: nothing but the present look, an open staff sheet, and who is connected."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from api.kiosk.catalogue import Catalogue
from api.kiosk.look import Look, Looks
from api.kiosk.pad import Pads
from api.kiosk.slip import Slips
from api.kiosk.station import KioskStation
from api.kiosk.view import View, view
from api.security import StreamCap
from edge.sitting import Snapshot, mark_of

EVENT_STREAMS: Final = 8
PREVIEW_STREAMS: Final = 4


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One screen: what stands behind it, how it is looked at, and how many listen."""

    station: KioskStation
    catalogue: Catalogue
    closing: threading.Event
    looks: Looks = field(default_factory=Looks)
    pads: Pads = field(default_factory=Pads)
    slips: Slips = field(default_factory=Slips)
    events: StreamCap = field(default_factory=lambda: StreamCap(EVENT_STREAMS))
    previews: StreamCap = field(default_factory=lambda: StreamCap(PREVIEW_STREAMS))

    def view(self, shown: Snapshot | None = None) -> View:
        """Draw the present screen, or this one."""
        shown = shown or self.station.desk.snapshot
        pad = self.pads.of(shown.token, mark_of(shown))
        slip = self.slips.of(shown.token)
        return view(shown, self.look(shown), self.catalogue, pad, slip)

    def look(self, shown: Snapshot) -> Look:
        """Return how this screen is to be looked at and heard."""
        return self.looks.of(shown.token, shown.preferences)
