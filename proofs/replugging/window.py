"""A page that always looks: the kiosk's own route of pictures, whatever the station's screen is."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Final, cast

from api.app import KIOSK_STREAMS, KioskStation, create_kiosk_app
from api.kiosk.station import Desk
from api.listener import Listener
from edge.camera_owner import CameraOwner
from edge.sitting import Snapshot, State

TOKEN: Final = "0" * 32


class AlwaysThere:
    """A screen that stays at the photograph, with what the camera says of itself."""

    def __init__(self, camera: CameraOwner) -> None:
        self._camera = camera

    @property
    def snapshot(self) -> Snapshot:
        """The one screen."""
        return Snapshot(
            token=TOKEN, state=State.PORTRAIT, camera=self._camera.status.state.value, revision=1
        )

    def wait(self, after_revision: int, timeout_s: float) -> Snapshot:
        """Return the one screen, once time is up."""
        time.sleep(timeout_s)
        return self.snapshot

    def no_picture(self, token: str) -> None:
        """Return none: nothing was taken."""

    portrait_jpeg = earlier_photo_jpeg = live_look_jpeg = no_picture


def open_window(camera: CameraOwner, stack: ExitStack) -> str:
    """Serve this camera's pictures; return the address. Closed by the stack."""
    closing = threading.Event()
    kiosk = KioskStation(cast(Desk, AlwaysThere(camera)), camera, "proof", "", 96.0)
    app = create_kiosk_app(kiosk, closing)
    listener = Listener(app, "127.0.0.1", 0, streams=KIOSK_STREAMS, closing=closing)
    listener.start()
    stack.callback(listener.close)
    return listener.url
