"""The technician's console on a real socket, over a real store, for tests of who sees what."""

from __future__ import annotations

import functools
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask

from api.console.session import Sessions
from api.listener import Listener
from api.technician.app import ROLES, TECHNICIAN_STREAMS, create_technician_app
from api.technician.console import LOCKS_AFTER_S, Annex
from api.technician.station import TechnicianStation
from drivers.camera import Frame
from drivers.errors import DeviceAbsent
from edge import VERSION
from edge.camera_owner import CameraOwner
from edge.delivery.standing import OutboxStatus
from edge.durable import write_secret
from edge.reader_owner import ReaderOwner
from edge.settings import load_settings
from edge.sitting import Snapshot
from edge.staff import Staff, add_staff
from edge.store import Store
from edge.supervisor import Upkeep
from edge.technician.acts import TechnicianBook
from edge.upkeep.maintenance import Maintenance
from tests.delivery_kit import Kit, make_kit
from tests.guide_kit import Clock, Tablet

TECHNICIAN, AUDITOR, GUIDE = "7001", "7002", "1024"
PIN = "190604"
PATIENCE_S = 30.0
CHECKOUT = Path(__file__).resolve().parent.parent
DEMO = CHECKOUT / "firmware_configs" / "stations" / "demo.toml"


class Notebook(Tablet):
    """A technician's browser."""

    def does(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Any:
        """Post a form with the word of this session, which the page read last holds."""
        return self.post(path, headers, csrf=self.held("csrf"), **form)

    def sees(self, path: str) -> str:
        """Read a page; it is there."""
        answer = self.ask("GET", path)
        assert answer.status == 200, (path, answer.status, answer.text[:300])
        self.page = answer.text
        return self.page


class DrawnCamera:
    """A camera at the driver's border: gives a picture that a test drew, or is gone."""

    model = "drawn"

    def __init__(self, held: CameraHeld) -> None:
        if held.unplugged:
            raise DeviceAbsent("the test pulled the plug")
        self._held = held
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> Frame:
        """Return the drawn picture with some noise: equal pictures would be a frozen camera."""
        self._closed.wait(0.06)
        if self._held.unplugged:
            raise DeviceAbsent("the test pulled the plug")
        self._held.sequence += 1
        bgr = self._held.bgr.copy()
        bgr[0, 0] = self._held.sequence % 256
        bgr.reshape(-1)[::37][: bgr.size // 37] ^= np.uint8(self._held.sequence % 2)
        return Frame(bgr, self._held.sequence, time.monotonic())

    still = read

    def close(self) -> None:
        """Nothing to release."""
        self._closed.set()


@dataclass
class CameraHeld:
    """What stands before the camera, and whether its cable is in."""

    bgr: Any = field(default_factory=lambda: np.full((180, 320, 3), 120, np.uint8))
    unplugged: bool = False
    sequence: int = 0


def _no_reader() -> Any:
    raise DeviceAbsent("no reader is plugged in here")


@dataclass
class Way:
    """One outbox at its border: a status that a test sets, and whether it was hurried."""

    status: OutboxStatus
    hurried: int = 0

    def retry_now(self) -> None:
        """Count."""
        self.hurried += 1


@dataclass
class Workshop:
    """A station's technician's console and what a test turns behind it."""

    kit: Kit
    store: Store
    camera: CameraHeld
    owner: CameraOwner
    clock: Clock
    staff_file: Path
    app: Flask
    listener: Listener
    behind: TechnicianStation
    ways: list[Way]
    reader: ReaderOwner
    traces: list[str]
    log: list[str]
    shown: list[Snapshot]
    signed_in: dict[str, Notebook] = field(default_factory=dict)

    def notebook(self, staff_id: str | None = TECHNICIAN) -> Notebook:
        """Another browser, signed in if somebody is named."""
        notebook = Notebook(self.listener.port)
        if staff_id is not None:
            assert notebook.sign_in(staff_id, PIN).status == 303
            self.signed_in[staff_id] = notebook
        return notebook

    def again(self, staff_id: str = TECHNICIAN) -> Notebook:
        """The browser that signed in last as this one, or a new one: a PIN's check is slow."""
        return self.signed_in.get(staff_id) or self.notebook(staff_id)

    def acts(self) -> list[tuple[str, str, str, str]]:
        """What the audit chain tells: kind and id of who, what, how it ended."""
        rows = [json.loads(row.entry) for row in self.store.audit_rows(limit=10_000)]
        return [
            (row["actor"]["kind"], row["actor"]["id"], row["act"], row["outcome"]) for row in rows
        ]

    def until_ready(self) -> None:
        """Wait for the camera."""
        end_s = time.monotonic() + PATIENCE_S
        while not self.owner.status.working:
            assert time.monotonic() < end_s
            time.sleep(0.01)


@functools.cache
def _staff_rows() -> bytes:
    """The staff file with its slow hashes, made once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "staff.toml"
        for staff_id, role in ((TECHNICIAN, "technician"), (AUDITOR, "auditor"), (GUIDE, "guide")):
            add_staff(file, staff_id, PIN, role)  # type: ignore[arg-type]
        return file.read_bytes()


@contextmanager
def workshop(
    folder: Path,
    extra: Sequence[Annex] = (),
    words: Sequence[Path] = (),
    bgr: Any = None,
    **behind: Any,
) -> Iterator[Workshop]:
    """Open a station with its technician's console, a technician, an auditor and a guide."""
    staff_file, clock, held = folder / "staff.toml", Clock(), CameraHeld()
    # Before it is opened: a camera whose pictures change their size is a broken one.
    held.bgr = held.bgr if bgr is None else bgr
    folder.mkdir(parents=True, exist_ok=True)
    write_secret(staff_file, _staff_rows())
    kit = make_kit(folder / "kit")
    with ExitStack() as stack:
        store = stack.enter_context(kit.open_store())
        owner = CameraOwner(Upkeep("camera-1", "camera", "drawn"), lambda: DrawnCamera(held))
        owner.start()
        stack.callback(owner.close)
        ways = [Way(OutboxStatus("centre", "custody", "idle", None, 0, (), None, 0, None))]
        reader = ReaderOwner(Upkeep("reader-1", "fingerprint", "zfm"), _no_reader)
        reader.start()
        stack.callback(reader.close)
        traces, log, shown = list[str](), list[str](), [Snapshot()]
        station = TechnicianStation(
            number="demo-01",
            software=VERSION,
            settings=load_settings(DEMO, check_camera=False),
            settings_file=DEMO,
            staff_file=staff_file,
            store=store,
            book=TechnicianBook(store),
            camera=owner,
            reader=reader,
            devices=lambda: (owner.status, reader.status),
            traces=lambda: {"reader-1": tuple(traces)},
            outboxes=ways,
            reasons=tuple,
            shown=lambda: shown[0],
            log_lines=lambda: tuple(log),
            support=lambda: {"README.txt": "a bundle"},
            maintenance=Maintenance(store),
        )
        station = replace(station, **behind)
        staff, closing = Staff(staff_file, store), threading.Event()
        sessions = Sessions(staff, ROLES, clock.read_s, LOCKS_AFTER_S)
        app = create_technician_app(
            station, staff, closing, sessions=sessions, extra=extra, words=words
        )
        listener = Listener(app, "127.0.0.1", 0, streams=TECHNICIAN_STREAMS, closing=closing)
        listener.start()
        stack.callback(listener.close)
        yield Workshop(
            kit, store, held, owner, clock, staff_file, app, listener, station, ways, reader,
            traces, log, shown,
        )  # fmt: skip


def roles() -> Mapping[str, str]:
    """Who signs in as what."""
    return {"technician": TECHNICIAN, "auditor": AUDITOR}
