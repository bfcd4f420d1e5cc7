"""What `/v1` needs of the station, and `GET /v1/station`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint
from prometheus_client import CollectorRegistry
from spectree import SpecTree

from api.v1.contract import API_VERSION, Answer, NoQuery, answers
from api.v1.request_limit import RequestLimit
from edge.calibration.book import CalibrationBook
from edge.clock_state import ClockState, clock_state
from edge.delivery.leases import Leases
from edge.delivery.receipt import ReceiptVerifier
from edge.delivery.standing import OutboxStatus
from edge.fingers.examiner import NO_EXAMINER
from edge.orders import Orders
from edge.photos.precheck import Prechecks
from edge.service.pack import Pack
from edge.store import Store
from edge.supervisor import DeviceStatus, Transition


@dataclass(frozen=True, slots=True)
class V1Station:
    """What stands behind `/v1`; nothing here opens a device or returns a plain sample.

    Attributes:
        software: version of the service.
        settings_sha256: hex digest of the settings in force, as JSON, defaults included.
        devices: the present status of every device.
        reasons: why no sitting may begin now; empty if one may.
        sinks: names of all sinks, as deliveries name them.
        outboxes: the present status of every sink's queue.
        registry: metrics that rooms below feed; `/v1/metrics` adds its own.
        orders: None where nobody orders.
        examiner: how NFIQ 2 and matching are: an `ExaminerState`, "none" where there is none.
        step: the screen that the sitting of this id is at; None if it is not the present one.
        traces: the last words on each device's line, by device; never a byte of an image.
        transitions: the last moves of each device from state to state, by device.
        log_lines: the last lines of the log, as they were written.
        audit_head: the end of the audit chain, signed by the station; None where nobody signs.
        leases: who has which packages.
        withdraw: cancels a running sitting where none of its steps can come between, and leads
            whoever stands there to the window; raises what the cancelling raises, and
            `TimeoutError`.
        prechecks: looks at photos that somebody has already; None where nothing looks.
        request_limit: how often a client may ask; None: as often as it likes.
        clock: how well the machine knows the time.
        content: what each content pack that is in force today says of itself.
        carried: the field check, battery and lid of a station that is carried; None of others.
        calibrations: what was measured of the devices; None where no book is kept.
        notices: what a technician must know of a station that runs, as codes.
    """

    station_id: str
    software: str
    settings_sha256: str
    store: Store
    verifier: ReceiptVerifier
    devices: Callable[[], Sequence[DeviceStatus]]
    reasons: Callable[[], Sequence[str]]
    sinks: tuple[str, ...] = ()
    outboxes: Callable[[], Sequence[OutboxStatus]] = tuple
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    orders: Orders | None = None
    examiner: Callable[[], str] = lambda: NO_EXAMINER
    step: Callable[[str], str | None] = lambda _: None
    traces: Callable[[], Mapping[str, Sequence[str]]] = dict
    transitions: Callable[[], Mapping[str, Sequence[Transition]]] = dict
    log_lines: Callable[[], Sequence[str]] = tuple
    audit_head: Callable[[], str | None] = lambda: None
    withdraw: Callable[[str, Callable[[], None]], None] = lambda _, cancel: cancel()
    prechecks: Prechecks | None = None
    request_limit: RequestLimit | None = None
    clock: Callable[[], ClockState] = clock_state
    content: Callable[[], Sequence[Pack]] = tuple
    carried: Callable[[], Mapping[str, Any] | None] = lambda: None
    calibrations: CalibrationBook | None = None
    notices: Callable[[], Sequence[str]] = tuple
    leases: Leases = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "leases", Leases(self.store))

    @property
    def features(self) -> tuple[str, ...]:
        """What this station's interface can do beyond its first version."""
        ordering = () if self.orders is None else ("sittings", "sitting-changes", "reuse-photos")
        looking = () if self.prechecks is None else ("photo-checks",)
        return (
            "packages", "receipts", "leases", "events", "audit", "support", "service-figures",
            "calibrations", "keys", *ordering, *looking,
        )  # fmt: skip


class Clock(Answer):
    """How well the machine knows the time; `source` is "ntp" or "system".

    `uncertainty_ms` is the kernel's own bound, null where nothing disciplines the clock.
    """

    source: str
    uncertainty_ms: int | None


class ContentAnswer(Answer):
    """A content pack that is in force today; `valid_until` is its last day."""

    pack: str
    number: int
    version: str
    valid_until: str


class StationAnswer(Answer):
    """Who answers here, and what it can do."""

    station_id: str
    software: str
    api: str
    features: tuple[str, ...]
    settings_sha256: str
    clock: Clock
    content: tuple[ContentAnswer, ...]


def clock_answer(station: V1Station) -> Clock:
    """Return how well the station knows the time."""
    state = station.clock()
    return Clock(source=state.source, uncertainty_ms=state.uncertainty_ms)


def station_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/station`."""
    routes = Blueprint("station", __name__)

    @routes.get("/v1/station")
    @spec.validate(query=NoQuery, resp=answers(StationAnswer), tags=["station"])
    def read_station() -> StationAnswer:
        """Say which station this is, its versions and its features."""
        return StationAnswer(
            station_id=station.station_id,
            software=station.software,
            api=API_VERSION,
            features=station.features,
            settings_sha256=station.settings_sha256,
            clock=clock_answer(station),
            content=tuple(
                ContentAnswer(
                    pack=head.pack,
                    number=head.number,
                    version=head.version,
                    valid_until=head.valid_until.isoformat(),
                )
                for head in station.content()
            ),
        )

    return routes
