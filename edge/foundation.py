"""What must stand before anything else of a station is opened: its store, its model files."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import structlog

from edge.health import Figures
from edge.settings import Settings
from edge.store import Store
from edge.store.retention import Limits
from edge.vision.client import ModelFiles, VisionLost, VisionWorker
from edge.vision.models import AttackNet

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


def lay_foundation(settings: Settings, stack: ExitStack) -> Foundation:
    """Open the store and spawn the vision worker, which loads while the rest is opened.

    Raises:
        StoreError: another service runs on the store, or it cannot be opened.
        ModelUnfit: a model file is missing or not the one we tested.
        KeyUnusable: the store's key file.
    """
    figures = Figures()
    where_nets = settings.vision.attack_nets
    nets = tuple(AttackNet(net.file, net.sha256, net.around) for net in where_nets)
    models = ModelFiles(settings.vision.face_landmarker, settings.vision.selfie_segmentation, nets)
    store = open_store(settings, figures, stack)
    vision = VisionWorker(models)
    vision.start()
    stack.callback(vision.close)
    return Foundation(settings, figures, store, vision)


def open_store(settings: Settings, figures: Figures, stack: ExitStack) -> Store:
    """Open the journal; closed by the stack. Raises `StoreError`, `OSError`."""
    where = settings.store
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
    return store


def await_sight(vision: VisionWorker, seeing: threading.Event, stack: ExitStack) -> None:
    """Set `seeing` once the worker looks; a page can be shown long before. The stack ends it."""
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
