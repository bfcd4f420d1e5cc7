"""A sitting's loop with orders and without devices, for tests of what orders mean to a sitting."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from centre.opening import Opened, check_statement, open_package
from edge.camera_owner import CameraOwner
from edge.capture import SittingDesk
from edge.fingers.judge import PressJudge
from edge.health import Figures
from edge.orders import Orders
from edge.reader_owner import ReaderOwner
from edge.record import Record
from edge.record_room import RecordRoom
from edge.room import Room
from edge.screen import Screen
from edge.service.ratings import Ratings
from edge.service.tickets import Tickets
from edge.settings import (
    Fingers,
    Portrait,
    SittingLimits,
    finger_profile_names,
    load_document,
    load_finger_profile,
    portrait_rules,
)
from edge.sitting import Event, Snapshot
from edge.sitting_loop import SittingLoop
from edge.store import Store
from edge.supervisor import Upkeep
from tests.delivery_kit import SINK, Kit, make_kit
from tests.order_kit import DOCUMENTS, opened


class Sittings:
    """One station without devices: its journal, its orders, and loops as starts of it make them."""

    def __init__(self, kit: Kit, store: Store, orders: Orders) -> None:
        documents = {name: load_document(name) for name in DOCUMENTS}
        self.kit, self.store, self.orders = kit, store, orders
        tickets = self.tickets = Tickets(store)
        self.clock_s = 0.0
        self.figures = Figures()
        self.room = Room(
            camera=CameraOwner(Upkeep("camera-1", "camera", "wired"), lambda: None),
            reader=ReaderOwner(Upkeep("reader-1", "fingerprint", "wired"), lambda: None),
            judge=PressJudge(None, 45),
            vision=None,
            seeing=threading.Event(),
            records=RecordRoom(
                store, lambda _: [kit.sealer], {SINK: "custody"}, dict, lambda: None,
                keep_master=False,
            ),
            documents=tuple(documents.values())[:1],
            rules=portrait_rules(Portrait(documents=DOCUMENTS[:1])),
            fingers=Fingers(),
            finger_profiles={name: load_finger_profile(name) for name in finger_profile_names()},
            limits=SittingLimits(begin="next"),
            language="zh-CN",
            every_document=documents,
            orders=orders,
            tickets=tickets,
            ratings=Ratings(store, tickets),
        )  # fmt: skip

    def set(self, **members) -> None:
        """Change the room, or, by their names, limits and service of its settings."""
        limits = {
            name: value for name, value in members.items() if name in SittingLimits.model_fields
        }
        if limits:
            members = {name: value for name, value in members.items() if name not in limits}
            members["limits"] = self.room.limits.model_copy(update=limits)
        self.room = replace(self.room, **members)

    def loop(self) -> tuple[SittingLoop, Screen]:
        """A loop as a start of the service makes it; the test is its thread and its clock."""
        screen = Screen(Snapshot(language=self.room.language))
        return SittingLoop(self.room, self.figures, screen, lambda: self.clock_s), screen

    def after(self, loop: SittingLoop, seconds: float) -> None:
        """Let so much time go by in which nobody is seen, felt or heard of."""
        self.clock_s += seconds
        loop._guarded(lambda: loop._timers.mind(None))

    def audit(self) -> list[dict]:
        """Every row of the audit chain, oldest first."""
        found = self.store.read(
            lambda db: [entry for (entry,) in db.execute("select entry from audit order by n")]
        )
        return [json.loads(entry) for entry in found]

    def handed_in(self) -> Opened:
        """The package that was closed last, as the centre opens it."""
        row = self.store.packages()[-1]
        content = self.store.sealed(row.package_id)
        stations = self.kit.shelf.stations()
        statement = check_statement(row.statement, row.package_id, content, stations)
        keys = stations[statement["station_id"]]
        return open_package(content, statement, self.kit.keyring, keys)

    def record_of(self, name: str) -> dict:
        """A record of the package that was closed last."""
        return json.loads(self.handed_in().parts[name])

    def begin(self, *events: Event) -> tuple[SittingLoop, Screen]:
        """Somebody touches the screen, and then so."""
        loop, screen = self.loop()
        for event in (Event.START, *events):
            loop.from_person(event, screen.snapshot.token, None)
        return loop, screen

    def record(self, loop: SittingLoop) -> Record:
        """Of the sitting that runs."""
        visit = loop._moves.visit
        assert visit is not None
        return visit.record

    def give_portrait(self, loop: SittingLoop) -> None:
        """A portrait is accepted, sealed and committed."""
        record = self.record(loop)
        part = self.kit.sealer.part(
            record.package_id, self.store.next_n(record.package_id), "portrait/cn_exit_entry.jpg",
            "image/jpeg", b"jpeg", {"captured_at": "2026-11-22T01:12:00.000Z"},
        )  # fmt: skip
        self.store.add_part(record.package_id, part)
        record.note_parts([part.name])


@contextmanager
def sittings(folder: Path):
    """Open a station in an empty folder."""
    kit = make_kit(folder)
    with ExitStack() as stack:
        store = stack.enter_context(kit.open_store())
        orders = stack.enter_context(opened(store))
        found = Sittings(kit, store, orders)
        stack.callback(found.room.judge.close)
        yield found


@contextmanager
def desk(found: Sittings):
    """The desk of a started station, on a thread of its own."""
    running = SittingDesk(found.room, found.figures)
    running.start()
    try:
        yield running
    finally:
        running.close()
