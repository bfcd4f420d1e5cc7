"""The station put together: what `run_edge.py` opens between settings and listeners.

Everything is opened in one order and closed by the stack in reverse; nothing here decides anything.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from drivers.camera import Camera
from edge import VERSION
from edge.calibration import opened
from edge.calibration.book import CalibrationBook
from edge.calibration.parameters import zero_in_force
from edge.calibration.validity import Validity
from edge.calibration.wizard import Wizard
from edge.calibration.wizard_open import WizardRooms, open_wizard
from edge.camera_owner import CameraOwner
from edge.candidates.load import open_lookup
from edge.candidates.lookup import Lookup
from edge.capture import SittingDesk
from edge.clock_state import clock_state
from edge.comparison import Comparer
from edge.comparison.load import load_comparer
from edge.delivery.outbox import Outbox
from edge.delivery.receipt import ReceiptVerifier
from edge.delivery.standing import OutboxStatus
from edge.devices import open_devices
from edge.fingers.judge import PressJudge
from edge.fingers.kit import open_fingers
from edge.foundation import Foundation, await_sight
from edge.health import Figures
from edge.orders import Orders
from edge.orders.wishes import Known
from edge.outboxes import open_outboxes, wake_all
from edge.photos.precheck import Prechecks
from edge.portable.assembly import Rooms, open_carried
from edge.portable.carried import Carried
from edge.preset import PortraitRules
from edge.reader_owner import ReaderOwner
from edge.record_room import RecordRoom
from edge.room import Room
from edge.seal import Sealer
from edge.service.ratings import Ratings
from edge.service.shelf import FOLDER, ContentShelf
from edge.service.tickets import Tickets
from edge.settings import (
    FINGER_POSITIONS,
    Portrait,
    Settings,
    SettingsError,
    document_names,
    load_document,
    load_reuse_policy,
    portrait_rules,
)
from edge.sitting import Overlay
from edge.staff import Staff, StaffFileUnsafe
from edge.station_watch import StationWatch, Watched
from edge.store import Store
from edge.supervisor import DeviceStatus, Transition
from edge.trust.centre import PinnedCentre
from edge.trust.heads import head_signer
from edge.trust.keys import StationKey
from edge.trust.station_key import open_station_key
from edge.upkeep.maintenance import Maintenance
from edge.upkeep.notices import Notices
from edge.vision.client import VisionWorker
from edge.watchdog import Door, Proof, answers, listens, moves, sees, writes

STANDING: Final = "standing"
SEATED: Final = "seated"


@dataclass(frozen=True, slots=True)
class Station:
    """An open station; `seeing` is set once the vision worker has loaded its models."""

    settings: Settings
    settings_sha256: str
    figures: Figures
    store: Store
    verifier: ReceiptVerifier
    vision: VisionWorker
    seeing: threading.Event
    camera: CameraOwner
    reader: ReaderOwner
    judge: PressJudge
    outboxes: tuple[Outbox, ...]
    orders: Orders
    desk: SittingDesk
    centre: PinnedCentre
    station_key: StationKey
    prechecks: Prechecks
    tickets: Tickets
    shelf: ContentShelf
    maintenance: Maintenance
    notices: Notices
    calibrations: CalibrationBook
    wizard: Wizard
    carried: Carried | None = None

    @property
    def failed(self) -> bool:
        """Whether only a restart can mend it: the store broke, or a thread of ours ended."""
        alive = self.desk.alive and all(outbox.alive for outbox in self.outboxes)
        return self.desk.broken.is_set() or not alive

    def devices(self) -> Sequence[DeviceStatus]:
        """Return the present status of every device."""
        return (self.camera.status, self.reader.status)

    def proofs(self, *doors: Door) -> Mapping[str, Proof]:
        """Return what proves that each part lives, these listeners among them."""
        return {
            "store": writes(self.store),
            "sitting": moves(lambda: self.desk.rounds),
            "camera": sees(self.camera),
            "reader": listens(self.reader),
            **{f"listener-{urlsplit(door.url).port}": answers(door) for door in doors},
        }

    def traces(self) -> Mapping[str, Sequence[str]]:
        """Return the last words on each device's line, by device, for support."""
        return {self.reader.status.device_id: self.reader.trace()}

    def transitions(self) -> Mapping[str, Sequence[Transition]]:
        """Return the last moves of each device from state to state, by device."""
        owners = (self.camera, self.reader)
        return {owner.status.device_id: owner.transitions() for owner in owners}

    def queues(self) -> Sequence[OutboxStatus]:
        """Return the present status of every outbox."""
        return tuple(outbox.status for outbox in self.outboxes)

    def reasons(self) -> tuple[str, ...]:
        """Return why no sitting may begin now; empty if one may."""
        seeing = self.seeing.is_set() and self.camera.status.working
        broken = ("service_failed",) if self.failed else ()
        trust = self.centre.reasons()
        carried = () if self.carried is None else self.carried.reasons()
        out = () if seeing else ("device_out",)
        return (
            *out, *self.maintenance.reasons(), *self.notices.reasons(), *self.store.refusals,
            *trust, *carried, *broken, *_calibration_reasons(self.calibrations, self.settings),
        )  # fmt: skip


def build(
    foundation: Foundation,
    stack: ExitStack,
    open_camera_: Callable[[], Camera] | None = None,
    notices: Notices | None = None,
) -> Station:
    """Start outboxes, devices and the sitting's loop on the foundation; one piece, in their order.

    Args:
        foundation: what stands already.
        stack: closes what is opened here, in reverse.
        open_camera_: opens another camera than the one that the settings name.
        notices: what whoever starts the station knows of it already; None: nothing.

    Raises:
        KeyUnusable: the centre's pinned keys, or the station's own.
        SettingsError: a model's, a document's, the policy's or the staff's file.
        ValueError, OSError: options of a sink, a look-up or a comparer.
        ModelUnfit: a model file of the comparer is not the one we tested.
    """
    settings, store = foundation.settings, foundation.store
    maintenance, notices = Maintenance(store), notices or Notices()
    centre = PinnedCentre.open(settings.store.centre_keys, store, settings.store.folder)
    station_key = open_station_key(settings.store.folder, settings.store.tpm)
    calibrations = opened.open_book(settings, store, station_key)
    verifier = ReceiptVerifier(settings.station.id, centre.receipts)
    settings_sha256 = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
    heads = head_signer(store, station_key, settings.station.id)
    outboxes = open_outboxes(foundation, verifier, station_key, heads, stack)
    camera, reader = open_devices(settings, stack, open_camera_)
    seeing, watch = threading.Event(), StationWatch(store)
    documents = {name: load_document(name) for name in document_names()}
    made = tuple(documents[name] for name in settings.portrait.documents)
    fingers = open_fingers(settings.fingers, settings.reader, [one.fingers for one in made], stack)
    policy = load_reuse_policy() if settings.reuse.enabled else None
    known = Known(documents, FINGER_POSITIONS, fingers.profiles, fingers.records)
    orders = Orders(store, known, policy, _lookup(settings, station_key))
    stack.callback(orders.close)
    tickets = Tickets(
        store,
        again_after_s=settings.sitting.help_again_s,
        observe_wait=foundation.figures.observe_help,
    )
    tickets.start()
    stack.callback(tickets.close)
    shelf = ContentShelf(settings.service.content or settings.store.folder / FOLDER, centre.content)
    rooms = Rooms(settings, store, centre, camera, reader, fingers.judge, orders, known)
    carried = open_carried(rooms)
    room = Room(
        camera=camera,
        reader=reader,
        judge=fingers.judge,
        vision=foundation.vision,
        seeing=seeing,
        records=_records(
            foundation, centre, station_key, outboxes,
            lambda: _about(
                settings_sha256, (camera.status, reader.status), carried, calibrations
            ),
            carried,
            lambda: (*maintenance.reasons(), *notices.reasons()),
            calibrations,
        ),
        documents=made,
        rules=portrait_rules(settings.portrait),
        seated_rules=_seated_rules(settings.portrait),
        fingers=settings.fingers,
        finger_profiles=fingers.profiles,
        limits=settings.sitting,
        language=settings.station.language,
        every_document=documents,
        orders=orders,
        reuse_policy=policy,
        comparer=_comparer(settings, stack),
        staff=_staff(settings.reuse.staff_file, store),
        photo_timeout_s=settings.reuse.photo_timeout_s,
        service=settings.service,
        tickets=tickets,
        content=lambda: shelf.content,
        ratings=Ratings(store, tickets),
        zero=zero_in_force(
            calibrations.parameters, settings.camera.id, settings.portrait.pitch_zero_deg
        ),
    )  # fmt: skip
    desk = SittingDesk(room, foundation.figures)
    desk.start()
    stack.callback(desk.close)
    await_sight(foundation.vision, seeing, stack)
    wizard = open_wizard(
        WizardRooms(
            settings, store, calibrations, camera, reader, fingers.judge, foundation.vision,
            maintenance, lambda: desk.snapshot.sitting_id is not None,
        )
    )  # fmt: skip
    stack.callback(wizard.close)
    prechecks = Prechecks(foundation.vision, documents, lambda: _occupied(desk, seeing))
    station = Station(
        settings, settings_sha256, foundation.figures, store, verifier, foundation.vision, seeing,
        camera, reader, fingers.judge, outboxes, orders, desk, centre, station_key, prechecks,
        tickets, shelf, maintenance, notices, calibrations, wizard, carried,
    )  # fmt: skip
    if carried is not None:
        stack.callback(carried.close)
        carried.start(lambda: desk.snapshot.sitting_id is not None, lambda: desk.rest(True))
    days, worth = partial(_key_days_left, centre), partial(_worth, station)
    watch.start(Watched(station.devices, station.reasons, days, worth))
    stack.callback(watch.close)
    return station


def _records(  # noqa: PLR0917 - the rooms that a record needs
    foundation: Foundation,
    centre: PinnedCentre,
    station_key: StationKey,
    outboxes: Sequence[Outbox],
    about: Callable[[], Mapping[str, Any]],
    carried: Carried | None,
    upkeep: Callable[[], tuple[str, ...]],
    calibrations: CalibrationBook,
) -> RecordRoom:
    settings = foundation.settings
    return RecordRoom(
        foundation.store,
        lambda for_ms: [
            Sealer(settings.station.id, station_key, key) for key in centre.sealing(for_ms)
        ],
        {sink.name: sink.role for sink in settings.sinks},
        about,
        lambda: wake_all(outboxes),
        keep_master=settings.portrait.keep_master,
        keep_all_views=settings.fingers.keep_all_views,
        distrust=lambda: (
            *upkeep(),
            *centre.reasons(),
            *(carried.reasons() if carried else ()),
            *_calibration_reasons(calibrations, settings),
        ),
        calibration=opened.in_force_of(calibrations, settings),
    )


def _calibration_reasons(book: CalibrationBook, settings: Settings) -> tuple[str, ...]:
    devices = (settings.camera.id, settings.reader.id)
    return opened.reasons(book, settings.calibration.policy, devices)


def _comparer(settings: Settings, stack: ExitStack) -> Comparer | None:
    comparer = load_comparer(settings.reuse.comparer)
    if comparer is not None:
        stack.callback(comparer.close)
    return comparer


def _occupied(desk: SittingDesk, seeing: threading.Event) -> bool:
    """Whether somebody is served or called for help, or nothing can be looked at yet."""
    shown = desk.snapshot
    covered = shown.overlay in (Overlay.HELP, Overlay.REST)
    return shown.sitting_id is not None or covered or not seeing.is_set()


def _worth(station: Station) -> Mapping[str, Validity]:
    devices = (status.device_id for status in station.devices())
    return {device: station.calibrations.state(device) for device in devices}


def _key_days_left(centre: PinnedCentre) -> float | None:
    return centre.days_left if centre.expiring else None


def _lookup(settings: Settings, station_key: StationKey) -> Lookup | None:
    named = settings.reuse.lookup
    if named is None or not settings.reuse.enabled:
        return None
    return open_lookup(named.driver, named.options, settings.station.id, station_key.sign_jws)


def _staff(path: Path | None, store: Store) -> Staff | None:
    try:
        return None if path is None else Staff(path, store)
    except StaffFileUnsafe as error:
        raise SettingsError(f"reuse.staff_file {path}: {error}.") from None


def _seated_rules(portrait: Portrait) -> PortraitRules | None:
    """Return the rules for whoever stays seated, where the others stand."""
    if portrait.preset != STANDING:
        return None
    return portrait_rules(portrait.model_copy(update={"preset": SEATED}))


def _about(
    settings_sha256: str,
    devices: Sequence[DeviceStatus],
    carried: Carried | None,
    calibrations: CalibrationBook,
) -> Mapping[str, Any]:
    """Return what every manifest says of the station that made it."""
    checked = {} if carried is None else {"field_check": carried.check_outcome}
    worth = {status.device_id: calibrations.state(status.device_id) for status in devices}
    return {
        "software": {"anxin-station": VERSION},
        "settings_sha256": settings_sha256,
        "clock": asdict(clock_state()),
        "devices": [
            {
                "device_id": status.device_id, "model": status.model,
                "calibration_id": worth[status.device_id].calibration_id,
                "calibration": worth[status.device_id].state,
                **checked,
            }
            for status in devices
        ],
        **({} if carried is None else {"portable": carried.about()}),
    }  # fmt: skip
