"""What a wizard works with, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edge.calibration.limits import LimitProfile
from edge.calibration.procedure import Bench, Step
from edge.calibration.record import Calibration, Evidence, Recorded
from edge.calibration.session import DeviceKind
from edge.store import Store

SKIP_REASONS: Final = (
    "no_target", "no_film", "no_flash", "no_screen", "no_reference", "no_hands", "no_time",
)  # fmt: skip
"""Why a step may be left out; all of them are codes in the record."""


class WizardRefused(Exception):
    """What was asked is not done now; `code` says why, for whoever words it.

    Codes: "running" (a session runs already: resume or abandon it), "no_session",
    "somebody_served", "no_device" (none of that name, or none named), "measuring" (wait for it),
    "no_step" (none of that name, or all are done), "no_reason" (not one of `SKIP_REASONS`),
    "not_done" (steps are still to be done), "nothing_before" (no earlier calibration to go back
    to), "closing".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Book(Protocol):
    """Where finished calibrations are kept: `edge.calibration.book.CalibrationBook`."""

    def record(self, calibration: Calibration, evidence: Evidence) -> str:
        """Keep it durably and return its id."""

    def in_force(self, device_id: str) -> Recorded | None:
        """Return the calibration that the device goes by."""

    def undo(self, device_id: str, technician: str) -> Recorded:
        """Put the one before in force again. Raises `NothingToUndo`."""


class OutOfService(Protocol):
    """What keeps sittings from beginning: `edge.upkeep.maintenance.Maintenance`."""

    @property
    def active(self) -> object | None:
        """Who has the station; None: nobody."""

    def begin(self, staff_id: str, reason_code: str) -> object:
        """Take the station out of service."""

    def end(self, staff_id: str) -> None:
        """Give it back."""


@dataclass(frozen=True, slots=True)
class Devices:
    """Which devices the station has, by kind."""

    camera: str
    reader: str

    def kind_of(self, device_id: str) -> DeviceKind | None:
        """Return the kind of a device; None if there is none of that name."""
        kinds: dict[str, DeviceKind] = {self.camera: "camera", self.reader: "reader"}
        return kinds.get(device_id)


@dataclass(frozen=True, slots=True)
class WizardParts:
    """What a wizard works with.

    Attributes:
        steps: of all kinds of devices, in their order.
        limits: by kind of device.
        occupied: whether somebody is served now.
        controls: sets the camera for a step and puts it back (`edge.calibration.camera_controls`).
        about: software versions and the environment, asked as a session ends.
        full_days: how long a full calibration holds.
    """

    store: Store
    book: Book
    bench: Bench
    devices: Devices
    steps: Sequence[Step]
    limits: Mapping[DeviceKind, LimitProfile]
    maintenance: OutOfService
    occupied: Callable[[], bool]
    controls: Callable[[Mapping[str, int]], Callable[[], None]]
    about: Callable[[], tuple[Mapping[str, str], Mapping[str, str | float]]]
    full_days: int = 180
