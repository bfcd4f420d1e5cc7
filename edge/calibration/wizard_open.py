"""The wizard of a station, put together out of its own rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from drivers.errors import DeviceError
from edge import VERSION
from edge.calibration.book import CalibrationBook
from edge.calibration.camera_controls import set_for_a_step
from edge.calibration.limits import load_limits
from edge.calibration.procedure import Bench
from edge.calibration.steps import STEPS
from edge.calibration.wizard import Devices, OutOfService, Wizard, WizardParts
from edge.camera_owner import CameraOwner
from edge.fingers.judge import PressJudge
from edge.reader_owner import ReaderOwner
from edge.settings import Settings, load_document, portrait_rules
from edge.store import Store
from edge.vision.client import VisionWorker


@dataclass(frozen=True, slots=True)
class WizardRooms:
    """What of the station a wizard works with.

    Attributes:
        occupied: whether somebody is served now.
    """

    settings: Settings
    store: Store
    book: CalibrationBook
    camera: CameraOwner
    reader: ReaderOwner
    judge: PressJudge
    vision: VisionWorker
    maintenance: OutOfService
    occupied: Callable[[], bool]


def open_wizard(rooms: WizardRooms) -> Wizard:
    """Return the station's wizard, with the session that a restart cut off.

    Raises:
        SettingsError: a limits file, or a document's.
        StoreError: the journal.
    """
    settings = rooms.settings
    bench = Bench(
        camera=rooms.camera,
        reader=rooms.reader,
        judge=rooms.judge,
        vision=rooms.vision,
        documents=tuple(load_document(name) for name in settings.portrait.documents),
        rules=portrait_rules(settings.portrait),
        seen_fields=partial(seen_fields, rooms),
        lift_s=settings.fingers.lift_s,
    )
    return Wizard(
        WizardParts(
            store=rooms.store,
            book=rooms.book,
            bench=bench,
            devices=Devices(settings.camera.id, settings.reader.id),
            steps=STEPS,
            limits={"camera": load_limits("camera"), "reader": load_limits("reader")},
            maintenance=rooms.maintenance,
            occupied=rooms.occupied,
            controls=partial(set_for_a_step, rooms.camera),
            about=partial(_about, rooms.camera),
            full_days=settings.calibration.valid_days,
        )
    )


def seen_fields(rooms: WizardRooms) -> Mapping[str, str]:
    """Return what the station itself knows of its devices, by field of the identity."""
    camera, reader = rooms.camera.status, rooms.reader.status
    product = reader.facts.product if reader.facts else ""
    seen = {
        "camera_model": camera.model,
        "reader_model": reader.model,
        "reader_product": product,
    }
    return {field: value for field, value in seen.items() if value}


def _about(camera: CameraOwner) -> tuple[Mapping[str, str], Mapping[str, str | float]]:
    controls: dict[str, str | float] = {}
    # Whoever has unplugged it meanwhile records all the same, without its settings.
    with suppress(DeviceError):
        controls = {control.name: float(control.value) for control in camera.controls()}
    return {"anxin-station": VERSION}, controls
