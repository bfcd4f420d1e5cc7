"""What a calibration at the command line opens of a station that does not run, and no more.

No listener, no delivery, no sitting: journal, book, both devices, what judges presses and pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from drivers.camera import Camera
from edge.calibration.book import CalibrationBook
from edge.calibration.kept_session import KeptSession
from edge.calibration.opened import open_book
from edge.calibration.wizard import Wizard
from edge.calibration.wizard_open import WizardRooms, open_wizard
from edge.devices import open_devices
from edge.fingers.kit import open_fingers
from edge.settings import Settings
from edge.store import Store
from edge.trust.station_key import open_station_key
from edge.upkeep.maintenance import Maintenance
from edge.vision.client import ModelFiles, VisionWorker

MIB: Final = 1 << 20
UP_WITHIN_S: Final = 30.0
LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Kept:
    """The journal and what of it concerns calibrations, without any device."""

    store: Store
    book: CalibrationBook
    session: KeptSession
    maintenance: Maintenance


@contextmanager
def opened_book(settings: Settings) -> Iterator[Kept]:
    """Open the journal and the book.

    Raises:
        StoreBusy: the station runs. StoreError, KeyUnusable: as the station's start.
    """
    where = settings.store
    where.folder.mkdir(parents=True, exist_ok=True)
    with Store.open(
        where.folder / "store.db",
        where.folder / "store.key",
        floor_bytes=where.floor_mib * MIB,
        reserve_bytes=where.reserve_mib * MIB,
    ) as store:
        key = open_station_key(where.folder, where.tpm)
        yield Kept(store, open_book(settings, store, key), KeptSession(store), Maintenance(store))


@contextmanager
def opened_wizard(
    settings: Settings, kept: Kept, open_camera: Callable[[], Camera] | None = None
) -> Iterator[tuple[Wizard, Callable[[], bool]]]:
    """Open the devices and the wizard.

    Args:
        settings: of the station.
        kept: its journal and book.
        open_camera: opens another camera than the one that the settings name.

    Yields:
        the wizard, and what waits until its devices work; False if one does not in time.

    Raises:
        SettingsError, ModelUnfit: as the station's start.
    """
    vision_settings = settings.vision
    with ExitStack() as stack:
        models = ModelFiles(vision_settings.face_landmarker, vision_settings.selfie_segmentation)
        vision = VisionWorker(models)
        vision.start()
        stack.callback(vision.close)
        camera, reader = open_devices(settings, stack, open_camera)
        fingers = open_fingers(settings.fingers, settings.reader, [], stack)
        rooms = WizardRooms(
            settings, kept.store, kept.book, camera, reader, fingers.judge, vision,
            kept.maintenance, lambda: False,
        )  # fmt: skip
        wizard = open_wizard(rooms)
        stack.callback(wizard.close)

        def up() -> bool:
            session = wizard.session()
            devices = () if session is None else session.devices
            statuses = {
                settings.camera.id: lambda: camera.status,
                settings.reader.id: lambda: reader.status,
            }
            until_s = time.monotonic() + UP_WITHIN_S
            while not all(statuses[one]().working for one in devices):
                if time.monotonic() > until_s:
                    return False
                time.sleep(LOOK_S)
            return True

        yield wizard, up
