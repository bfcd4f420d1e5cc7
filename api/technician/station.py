"""What the technician's console needs of the station, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.camera import Frame
from edge.calibration.book import CalibrationBook
from edge.calibration.wizard import Wizard
from edge.delivery.standing import OutboxStatus
from edge.settings import Settings
from edge.sitting import Overlay, Snapshot, State
from edge.store import Store
from edge.supervisor import DeviceState, DeviceStatus
from edge.technician.acts import TechnicianBook
from edge.upkeep.notices import Notices


class LiveCamera(Protocol):
    """The camera's owner, as far as a technician looks; `edge.camera_owner.CameraOwner` is one."""

    @property
    def status(self) -> DeviceStatus:
        """The present state."""

    def transitions(self) -> Sequence[Move]:
        """Return the last moves, oldest first."""

    def clear(self) -> None:
        """Try again now: somebody says that it is mended."""

    def wait_frame(self, after: int, timeout_s: float) -> Frame | None:
        """Return a frame younger than a second with a sequence above `after`; None in time."""

    def still(self, timeout_s: float) -> Frame:
        """Take one frame in full resolution. Raises `DeviceError`."""


class Move(Protocol):
    """One move of a device from state to state; `edge.device_moves.Transition` is one."""

    @property
    def at(self) -> int:
        """UTC milliseconds."""

    @property
    def state(self) -> DeviceState:
        """What the device became."""

    @property
    def reason(self) -> str:
        """A code, "" for none."""


class DeviceOwner(Protocol):
    """Who owns a device; `edge.camera_owner` and `edge.reader_owner` have one each."""

    @property
    def status(self) -> DeviceStatus:
        """The present state."""

    def transitions(self) -> Sequence[Move]:
        """Return the last moves, oldest first."""

    def clear(self) -> None:
        """Try again now: somebody says that it is mended."""


class Queue(Protocol):
    """One sink's outbox; `edge.delivery.outbox.Outbox` is one."""

    @property
    def status(self) -> OutboxStatus:
        """The present state."""

    def retry_now(self) -> None:
        """Try now, also in a back-off or after a stop."""


class Maintained(Protocol):
    """Maintenance that is on: who turned it on, why, and when."""

    @property
    def staff_id(self) -> str:
        """Who turned it on."""

    @property
    def reason(self) -> str:
        """A code."""

    @property
    def since_at_ms(self) -> int:
        """UTC milliseconds."""


class Maintenance(Protocol):
    """The switch; `edge.upkeep.maintenance.Maintenance` is one."""

    @property
    def active(self) -> Maintained | None:
        """What is on now; None: nothing."""

    def begin(self, staff_id: str, reason_code: str) -> object:
        """Let no further sitting begin; a running one goes on to its end."""

    def end(self, staff_id: str) -> object:
        """Let people in again."""


@dataclass(frozen=True, slots=True)
class TechnicianStation:
    """What stands behind the console.

    Attributes:
        number: the station's id.
        software: version of the service.
        settings: in force now.
        settings_file: where they were read; None where nobody says.
        staff_file: who may sign in.
        store: the journal: audit, packages, events, figures.
        book: writes the audit rows of what is done here.
        camera: the camera's owner, who shows what it sees; `reader`: the reader's.
        devices: the present status of every device.
        traces: the last words on each device's line, by device; never a byte of an image.
        outboxes: every sink's queue.
        reasons: why no sitting may begin now, as codes.
        shown: the person's screen now; read for whether somebody is served, and nothing else.
        log_lines: the last lines of the log, as they were written.
        support: returns the members of the support bundle, by name.
        maintenance, wizard, calibrations: None where the station has none.
        notices: what a technician must know of settings and updates; None: nobody says.
        restart: ends the service where somebody starts it anew; None: nobody does.
    """

    number: str
    software: str
    settings: Settings
    settings_file: Path | None
    staff_file: Path
    store: Store
    book: TechnicianBook
    camera: LiveCamera
    reader: DeviceOwner
    devices: Callable[[], Sequence[DeviceStatus]]
    traces: Callable[[], Mapping[str, Sequence[str]]]
    outboxes: Sequence[Queue]
    reasons: Callable[[], Sequence[str]]
    shown: Callable[[], Snapshot]
    log_lines: Callable[[], Sequence[str]]
    support: Callable[[], Mapping[str, str]]
    maintenance: Maintenance | None = None
    wizard: Wizard | None = None
    calibrations: CalibrationBook | None = None
    notices: Notices | None = None
    restart: Callable[[], None] | None = None

    def owner(self, device_id: str) -> DeviceOwner | None:
        """Return who owns the device of this id; None: there is none."""
        owners: tuple[DeviceOwner, ...] = (self.camera, self.reader)
        return next((one for one in owners if one.status.device_id == device_id), None)

    @property
    def serving(self) -> bool:
        """Whether somebody is at the screen now: in a sitting, before one, or calling for help."""
        shown = self.shown()
        begun = shown.sitting_id is not None or shown.state is not State.WELCOME
        return begun or shown.overlay is Overlay.HELP
