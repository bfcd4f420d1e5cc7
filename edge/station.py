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

import structlog

from drivers.camera import Camera
from drivers.load import open_camera, reader_opener
from edge import VERSION
from edge.camera_owner import CameraOwner
from edge.candidates.load import open_lookup
from edge.candidates.lookup import Lookup
from edge.capture import SittingDesk
from edge.clock_state import clock_state
from edge.comparison.load import load_comparer
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Hours, OutboxStatus, Pace
from edge.delivery.receipt import ReceiptVerifier
from edge.fingers.judge import PressJudge
from edge.fingers.kit import open_fingers
from edge.health import Figures
from edge.orders import Orders
from edge.orders.wishes import Known
from edge.photos.precheck import Prechecks
from edge.reader_owner import ReaderOwner
from edge.record_room import RecordRoom
from edge.room import Room
from edge.seal import Sealer
from edge.settings import (
    FINGER_POSITIONS,
    Settings,
    SettingsError,
    device_options,
    document_names,
    load_document,
    load_reuse_policy,
    portrait_rules,
)
from edge.sinks.load import PULL, open_sink
from edge.sinks.sink import Home
from edge.sitting import Overlay
from edge.staff import Staff, StaffFileUnsafe
from edge.station_watch import StationWatch, Watched
from edge.store import Store
from edge.store.retention import Limits
from edge.supervisor import DeviceStatus, Upkeep
from edge.trust.centre import PinnedCentre
from edge.trust.heads import head_signer
from edge.trust.key_list import accept_key_list
from edge.trust.keys import StationKey
from edge.trust.station_key import open_station_key
from edge.vision.client import ModelFiles, VisionLost, VisionWorker
from edge.vision.models import AttackNet
from edge.watchdog import Door, Proof, answers, listens, moves, sees, writes

MIB: Final = 1 << 20
READY_SLICE_S: Final = 0.5

log = structlog.get_logger("station")


@dataclass(frozen=True, slots=True)
class Foundation:
    """What must stand before anything else is started: whoever holds the store is the station."""

    settings: Settings
    figures: Figures
    store: Store
    vision: VisionWorker


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

    def queues(self) -> Sequence[OutboxStatus]:
        """Return the present status of every outbox."""
        return tuple(outbox.status for outbox in self.outboxes)

    def reasons(self) -> tuple[str, ...]:
        """Return why no sitting may begin now; empty if one may."""
        seeing = self.seeing.is_set() and self.camera.status.working
        broken = ("service_failed",) if self.failed else ()
        trust = self.centre.reasons()
        return (*(() if seeing else ("device_out",)), *self.store.refusals, *trust, *broken)


def lay_foundation(settings: Settings, stack: ExitStack) -> Foundation:
    """Open the store and spawn the vision worker, which loads while the rest is opened.

    Raises:
        StoreError: another service runs on the store, or it cannot be opened.
        ModelUnfit: a model file is missing or not the one we tested.
        KeyUnusable: the store's key file.
    """
    figures, where = Figures(), settings.store
    where_nets = settings.vision.attack_nets
    nets = tuple(AttackNet(net.file, net.sha256, net.around) for net in where_nets)
    models = ModelFiles(settings.vision.face_landmarker, settings.vision.selfie_segmentation, nets)
    where.folder.mkdir(parents=True, exist_ok=True)
    store = Store.open(
        where.folder / "store.db",
        where.folder / "store.key",
        floor_bytes=where.floor_mib * MIB,
        reserve_bytes=where.reserve_mib * MIB,
        limits=Limits(
            where.unsent_days_max, where.unsent_max, where.persons_max, where.free_share_min
        ),
        observe_commit=figures.observe_commit,
    )
    stack.callback(store.close)
    vision = VisionWorker(models)
    vision.start()
    stack.callback(vision.close)
    return Foundation(settings, figures, store, vision)


def build(
    foundation: Foundation, stack: ExitStack, open_camera_: Callable[[], Camera] | None = None
) -> Station:
    """Start outboxes, devices and the sitting's loop on the foundation.

    Args:
        foundation: what stands already.
        stack: closes what is opened here, in reverse.
        open_camera_: opens another camera than the one that the settings name.

    Raises:
        KeyUnusable: the centre's pinned keys, or the station's own.
        SettingsError: a model's, a document's, the policy's or the staff's file.
        ValueError, OSError: options of a sink, a look-up or a comparer.
        ModelUnfit: a model file of the comparer is not the one we tested.
    """
    settings = foundation.settings
    centre = PinnedCentre.open(settings.store.centre_keys, foundation.store, settings.store.folder)
    station_key = open_station_key(settings.store.folder, settings.store.tpm)
    verifier = ReceiptVerifier(settings.station.id, centre.receipts)
    settings_sha256 = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
    heads = head_signer(foundation.store, station_key, settings.station.id)
    outboxes = tuple(_outboxes(foundation, verifier, station_key, heads, stack))
    camera, reader = _devices(settings, stack, open_camera_)
    seeing = threading.Event()
    records = RecordRoom(
        foundation.store,
        lambda for_ms: [
            Sealer(settings.station.id, station_key, key) for key in centre.sealing(for_ms)
        ],
        {sink.name: sink.role for sink in settings.sinks},
        lambda: _about(settings_sha256, (camera.status, reader.status)),
        lambda: _wake(outboxes),
        keep_master=settings.portrait.keep_master,
        keep_all_views=settings.fingers.keep_all_views,
        distrust=centre.reasons,
    )
    documents = {name: load_document(name) for name in document_names()}
    policy = load_reuse_policy() if settings.reuse.enabled else None
    lookup = _lookup(settings, station_key)
    made = tuple(documents[name] for name in settings.portrait.documents)
    named = [document.fingers for document in made]
    fingers = open_fingers(settings.fingers, settings.reader, named, stack)
    known = Known(documents, FINGER_POSITIONS, fingers.profiles, fingers.records)
    watch = StationWatch(foundation.store)
    orders = Orders(foundation.store, known, policy, lookup)
    stack.callback(orders.close)
    comparer = load_comparer(settings.reuse.comparer)
    if comparer is not None:
        stack.callback(comparer.close)
    room = Room(
        camera=camera,
        reader=reader,
        judge=fingers.judge,
        vision=foundation.vision,
        seeing=seeing,
        records=records,
        documents=made,
        rules=portrait_rules(settings.portrait),
        fingers=settings.fingers,
        finger_profiles=fingers.profiles,
        limits=settings.sitting,
        language=settings.station.language,
        every_document=documents,
        orders=orders,
        reuse_policy=policy,
        comparer=comparer,
        staff=_staff(settings.reuse.staff_file, foundation.store),
        photo_timeout_s=settings.reuse.photo_timeout_s,
        raise_help=watch.raise_help,
    )
    desk = SittingDesk(room, foundation.figures)
    desk.start()
    stack.callback(desk.close)
    _await_sight(foundation.vision, seeing, stack)
    prechecks = Prechecks(foundation.vision, documents, lambda: _occupied(desk, seeing))
    station = Station(
        settings, settings_sha256, foundation.figures, foundation.store, verifier,
        foundation.vision, seeing, camera, reader, fingers.judge, outboxes, orders, desk,
        centre, station_key, prechecks,
    )  # fmt: skip
    days_left = partial(_key_days_left, centre)
    watch.start(Watched(station.devices, station.reasons, days_left))
    stack.callback(watch.close)
    return station


def _occupied(desk: SittingDesk, seeing: threading.Event) -> bool:
    """Whether somebody is served or called for help, or nothing can be looked at yet."""
    shown = desk.snapshot
    covered = shown.overlay in (Overlay.HELP, Overlay.REST)
    return shown.sitting_id is not None or covered or not seeing.is_set()


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


def _outboxes(
    foundation: Foundation,
    verifier: ReceiptVerifier,
    station_key: StationKey,
    audit_head: Callable[[], str],
    stack: ExitStack,
) -> Sequence[Outbox]:
    outboxes = []
    home = Home(station_key.sign_jws, partial(accept_key_list, foundation.store))
    for sink in foundation.settings.sinks:
        if sink.driver == PULL:
            continue
        outbox = Outbox(
            foundation.store,
            sink.name,
            open_sink(sink.driver, sink.options, home),
            verifier,
            role=sink.role,
            pace=Pace(first_max_s=sink.first_wait_max_s, hours=Hours.parse(sink.hours)),
            observe_try=foundation.figures.observe_tries(sink.name),
            audit_head=audit_head,
        )
        outbox.start()
        stack.callback(outbox.close)
        outboxes.append(outbox)
    return outboxes


def _wake(outboxes: Sequence[Outbox]) -> None:
    for outbox in outboxes:
        outbox.wake()


def _devices(
    settings: Settings, stack: ExitStack, open_camera_: Callable[[], Camera] | None
) -> tuple[CameraOwner, ReaderOwner]:
    camera_options = device_options(settings.camera, "cameras")
    reader_options = device_options(settings.reader, "readers")
    camera = CameraOwner(
        Upkeep(settings.camera.id, "camera", settings.camera.driver),
        open_camera_ or (lambda: open_camera(settings.camera.driver, camera_options)),
    )
    reader = ReaderOwner(
        Upkeep(settings.reader.id, "fingerprint", settings.reader.driver),
        reader_opener(settings.reader.driver, reader_options),
    )
    camera.start()
    stack.callback(camera.close)
    reader.start()
    stack.callback(reader.close)
    return camera, reader


def _about(settings_sha256: str, devices: Sequence[DeviceStatus]) -> Mapping[str, Any]:
    """Return what every manifest says of the station that made it."""
    return {
        "software": {"anxin-station": VERSION},
        "settings_sha256": settings_sha256,
        "clock": asdict(clock_state()),
        "devices": [
            {"device_id": status.device_id, "model": status.model, "calibration_id": None}
            for status in devices
        ],
    }


def _await_sight(vision: VisionWorker, seeing: threading.Event, stack: ExitStack) -> None:
    """Set `seeing` once the worker looks; a page can be shown long before."""
    stopping = threading.Event()

    def wait() -> None:
        while not stopping.is_set():
            try:
                log.info("seeing", level_reached=vision.wait_ready(READY_SLICE_S))
            except VisionLost:
                # Not there yet, or replaced: ask again, and notice in between that we are closing.
                stopping.wait(READY_SLICE_S)
            else:
                seeing.set()
                return

    thread = threading.Thread(target=wait, name="await-sight", daemon=True)
    thread.start()

    def end() -> None:
        stopping.set()
        thread.join()

    stack.callback(end)
