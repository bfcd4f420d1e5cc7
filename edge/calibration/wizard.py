"""The wizard: one calibration at a time, step by step, kept after each, resumed after a power cut.

It decides what comes next and keeps what was found; how a step aims and measures stands in `steps`.
One measurement runs at a time, on a thread of its own; all else answers at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog
from uuid_utils import uuid7

from drivers.errors import DeviceError
from edge.calibration.aid import BY_REASON, Aid, Turn
from edge.calibration.book import NothingToUndo
from edge.calibration.camera_controls import SettingRefused
from edge.calibration.kept_session import Ending, Kept, KeptSession
from edge.calibration.limits import LimitProfile
from edge.calibration.procedure import (
    Bench,
    Measured,
    Memory,
    Scene,
    Step,
    Stopped,
    all_unmeasured,
)
from edge.calibration.record import Calibration, Evidence, Recorded
from edge.calibration.session import DeviceKind, Kind, Reference, Session, StepState, StepView
from edge.calibration.written import written
from edge.store import Store
from edge.utc import now_ms
from quality.measure import CannotAssess

AID_WAIT_S: Final = 0.5
AID_EVERY_S: Final = 0.15
"""[ours] A newer figure no more often: three viewers cost what one does."""
SKIP_REASONS: Final = (
    "no_target", "no_film", "no_flash", "no_screen", "no_reference", "no_hands", "no_time",
)  # fmt: skip
"""Why a step may be left out; all of them are codes in the record."""
REASON_CODE: Final = "calibration"

_HANDS: Final = {
    "nothing": Turn.CLEAR_GLASS,
    "ruling": Turn.LAY_FILM,
    "bars": Turn.LAY_FILM,
    "grey_steps": Turn.LAY_FILM,
    "": Turn.FILL_IN,
}
"""What is to be done where nothing can be aimed, by what is laid down; else: press."""

log = structlog.get_logger("calibration")


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


class Wizard:
    """Runs one calibration. All methods may be called from any thread."""

    def __init__(self, parts: WizardParts) -> None:
        """Take up the session that a restart cut off, if there is one. Raises `StoreError`."""
        self._parts = parts
        self._kept = KeptSession(parts.store)
        self._lock = threading.RLock()
        self._aiming = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="calibration")
        self._stop = threading.Event()
        self._closed = False
        self._memory = Memory()
        self._last_aid: tuple[str, float, Aid] | None = None
        found = self._kept.read()
        self._now: Kept | None = None if found is None else replace(
            found, session=_aimed(found.session, found.session.present)
        )  # fmt: skip

    # What is shown

    def session(self) -> Session | None:
        """Return the run as it is now; None if none runs."""
        now = self._now
        return None if now is None else now.session

    def aid(self) -> Aid:
        """Return what helps to aim at the present step, of a frame that is younger than a second.

        Takes up to `AID_WAIT_S`. While a measurement runs it is the last one before it.

        Raises:
            WizardRefused: no_session, no_step.
        """
        session = self._session()
        if session.present is None:
            raise WizardRefused("no_step")
        with self._aiming:
            return self._aid(session, session.present)

    # What the technician does

    def begin(
        self,
        kind: Kind,
        devices: Sequence[str],
        technician: str,
        witness: str = "",
        *,
        film: bool = False,
        reference: Reference = "print",
        identity: Mapping[str, str] | None = None,
    ) -> Session:
        """Begin; the station is out of service from now on.

        Args:
            kind: "full", or "quick": the daily check.
            devices: their ids, one at least.
            technician: staff id of who does it.
            witness: staff id of who watches; "" for nobody.
            film: a film made for this reader's module is at hand.
            reference: what stands where a face would.
            identity: what is known already of the devices and the site, by field.

        Raises:
            WizardRefused: running, no_device, somebody_served, closing.
            StoreError: it cannot be kept.
        """
        with self._lock:
            if self._closed:
                raise WizardRefused("closing")
            if self._now is not None:
                raise WizardRefused("running")
            views = self._views(kind, devices)
            maintained = self._take_station(technician)
            session = Session(
                str(uuid7()), kind, technician, witness, now_ms(), views, views[0].step,
                dict(identity or {}), film, reference,
            )  # fmt: skip
            self._now = self._begun(Kept(session, {}, maintained))
            self._memory = Memory()
            log.info("calibration_begun", kind=kind, count=len(views))
            return self._now.session

    def identify(self, identity: Mapping[str, str]) -> Session:
        """Fill in what only the technician can read off; "" strikes a field. Raises as `again`."""
        with self._lock:
            session = self._idle()
            merged = {**session.identity, **identity}
            session = replace(session, identity={k: v for k, v in merged.items() if v})
            self._keep_head(session)
            return session

    def measure(self) -> Session:
        """Begin to measure the present step and return at once; `session` tells how it goes.

        Raises:
            WizardRefused: no_session, measuring, no_step, closing.
        """
        with self._lock:
            session = self._idle()
            if session.present is None:
                raise WizardRefused("no_step")
            if self._closed:
                raise WizardRefused("closing")
            present = session.present
            view = replace(session.step(present), state=StepState.MEASURING)
            session = replace(_with(session, view), share=0.0, wanted="", failure="")
            self._show(session)
            self._worker.submit(self._measured, present)
            return session

    def again(self, step: str) -> Session:
        """Go to a step, to measure it first or again; what it came to stays until then.

        Raises:
            WizardRefused: no_session, measuring, no_step.
            StoreError: it cannot be kept.
        """
        with self._lock:
            session = self._idle()
            if all(one.step != step for one in session.steps):
                raise WizardRefused("no_step")
            session = _aimed(replace(session, present=step, failure=""), step)
            self._keep_head(session)
            self._memory = Memory()
            return session

    def skip(self, step: str, reason: str) -> Session:
        """Leave a step out: its measures are not assessed, with this reason.

        Raises:
            WizardRefused: no_session, measuring, no_step, no_reason.
            StoreError: it cannot be kept.
        """
        with self._lock:
            session = self._idle()
            if all(one.step != step for one in session.steps):
                raise WizardRefused("no_step")
            if reason not in SKIP_REASONS:
                raise WizardRefused("no_reason")
            limits = self._parts.limits[session.step(step).device]
            return self._done(step, Measured(all_unmeasured(step, limits, reason)), skipped=reason)

    def finish(self) -> Mapping[str, str]:
        """Record what was found, device by device; the station is given back.

        Returns:
            The id of each device's calibration.

        Raises:
            WizardRefused: no_session, measuring, not_done.
            StoreError, KeyUnusable, OSError: nothing is lost: finish again.
        """
        with self._lock:
            session = self._idle()
            now = self._now
            if now is None or session.present is not None:
                raise WizardRefused("not_done")
            now = self._ended(now)
            ids = {device: self._recorded(now, device) for device in session.devices}
            self._end(session.technician)
            log.info("calibration_finished", kind=session.kind, count=len(ids))
            return ids

    def abandon(self) -> None:
        """End it and record nothing; a measurement that runs is stopped. Harmless if none runs.

        Raises:
            StoreError: it cannot be forgotten.
        """
        self._stop.set()
        self._parts.bench.reader.cancel()
        with self._lock:
            session = self.session()
            if session is not None:
                self._end(session.technician)
                log.info("calibration_abandoned", kind=session.kind)

    def undo(self, device_id: str, technician: str) -> Recorded:
        """Put the calibration before in force again, its parameters with it; itself recorded.

        Raises:
            WizardRefused: running, no_device, nothing_before.
        """
        with self._lock:
            if self._now is not None:
                raise WizardRefused("running")
            if self._parts.devices.kind_of(device_id) is None:
                raise WizardRefused("no_device")
            try:
                return self._parts.book.undo(device_id, technician)
            except NothingToUndo:
                raise WizardRefused("nothing_before") from None

    def wait(self, timeout_s: float) -> Session | None:
        """Return the session once no measurement runs, or as it is when the time is over."""
        with suppress(TimeoutError, RuntimeError):
            self._worker.submit(_nothing).result(timeout_s)
        return self.session()

    def close(self) -> None:
        """Stop what is measured; the session stays in the journal. Closing twice is allowed."""
        self._closed = True
        self._stop.set()
        self._parts.bench.reader.cancel()
        self._worker.shutdown(cancel_futures=True)

    # How it goes on

    def _measured(self, step: str) -> None:
        with self._lock:
            if self._closed or self._now is None:
                return
            self._stop.clear()
        failure = ""
        measured = None
        try:
            measured = self._measure(self._step(step))
        except CannotAssess as refused:
            limits = self._parts.limits[self._step(step).device]
            measured = Measured(all_unmeasured(step, limits, str(refused)))
        except Stopped:
            failure = "stopped"
        except SettingRefused:
            failure = "setting_refused"
        except DeviceError:
            failure = "device_out"
        except Exception as error:  # a step's bug must not end the wizard
            log.error("calibration_step_failed", step=step, exc_info=error)
            failure = "internal"
        with self._lock:
            if self._now is None or not self._now.session.measuring:
                return
            if measured is not None:
                try:
                    self._done(step, measured)
                    return
                except Exception as error:  # nothing was kept: it can be measured again
                    log.error("calibration_not_kept", step=step, exc_info=error)
                    failure = "internal"
            session = self._now.session
            view = replace(session.step(step), state=StepState.AIMING)
            self._show(replace(_with(session, view), share=0.0, wanted="", failure=failure))

    def _measure(self, step: Step) -> Measured:
        put_back = self._parts.controls(step.controls) if step.controls else _nothing
        try:
            recorded = self._parts.book.in_force(self._session().step(step.name).device_id)
            earlier = {} if recorded is None else recorded.calibration.parameters
            scene = self._scene(step)
            return step.measure(replace(scene, earlier={**earlier, **scene.earlier}))
        finally:
            put_back()

    def _done(self, step: str, measured: Measured, skipped: str = "") -> Session:
        now = self._now
        if now is None:
            raise WizardRefused("no_session")
        view = now.session.step(step)
        view = replace(
            view, state=StepState.DONE, results=measured.results, skipped=skipped,
            tries=view.tries + (not skipped),
        )  # fmt: skip
        session = _with(now.session, view)
        following = next((one.step for one in session.steps if not one.results), None)
        session = replace(session, present=following, share=0.0, wanted="", failure="")
        kept = replace(now, session=session, measured={**now.measured, step: measured})
        self._kept.keep(kept, step)
        self._now = replace(kept, session=_aimed(session, following))
        self._memory = Memory()
        log.info("calibration_step", step=step, result=_word(view))
        return self._now.session

    def _aid(self, session: Session, present: str) -> Aid:
        step = self._step(present)
        before = self._last_aid
        if (
            before is not None
            and before[0] == present
            and time.monotonic() - before[1] < AID_EVERY_S
        ):
            return before[2]
        if session.measuring and before is not None and before[0] == present:
            return before[2]
        if step.aim is None:
            return Aid(present, turn=_HANDS.get(step.target, Turn.PRESS))
        aid = self._looked(step)
        best = aid.best if aid.best is not None else self._memory.best
        aid = replace(aid, best=best)
        self._last_aid = (present, time.monotonic(), aid)
        return aid

    def _looked(self, step: Step) -> Aid:
        frame = self._parts.bench.camera.wait_frame(-1, AID_WAIT_S)
        if frame is None or step.aim is None:
            return Aid(step.name, turn=Turn.WAIT_FOR_DEVICE, reason="no_frame")
        try:
            return step.aim(self._scene(step), frame)
        except CannotAssess as refused:
            turn = BY_REASON.get(str(refused), Turn.SHOW_TARGET)
            return Aid(step.name, turn=turn, reason=str(refused), sequence=frame.sequence)

    def _scene(self, step: Step) -> Scene:
        session = self._session()
        return Scene(
            bench=self._parts.bench,
            limits=self._parts.limits[step.device],
            identity=session.identity,
            film=session.film,
            reference=session.reference,
            earlier=self._found(session.step(step.name).device),
            memory=self._memory,
            stop=self._stop.is_set,
            tell=lambda share, wanted: self._told(step.name, share, wanted),
        )

    def _found(self, device: DeviceKind) -> dict[str, float]:
        """Return what earlier steps of this session found of the device."""
        found: dict[str, float] = {}
        now = self._now
        for view in () if now is None else now.session.steps:
            if now is not None and view.device == device and view.step in now.measured:
                found.update(now.measured[view.step].parameters)
        return found

    def _told(self, step: str, share: float, wanted: str) -> None:
        with self._lock:
            if self._now is not None and self._now.session.measuring:
                self._show(replace(self._now.session, share=share, wanted=wanted))

    def _views(self, kind: Kind, devices: Sequence[str]) -> tuple[StepView, ...]:
        kinds = {self._parts.devices.kind_of(device): device for device in devices}
        if None in kinds or not kinds:
            raise WizardRefused("no_device")
        return tuple(
            StepView(step.name, step.device, kinds[step.device], step.target)
            for step in self._parts.steps
            if step.device in kinds and (kind == "full" or step.quick)
        )

    def _take_station(self, technician: str) -> bool:
        """Keep sittings from beginning; return whether it was us. Raises `WizardRefused`."""
        maintenance = self._parts.maintenance
        ours = maintenance.active is None
        # First out of service, then the look: between the other order's two somebody could begin.
        maintenance.begin(technician, REASON_CODE)
        if self._parts.occupied():
            if ours:
                maintenance.end(technician)
            raise WizardRefused("somebody_served")
        return ours

    def _end(self, technician: str) -> None:
        maintained = self._now is not None and self._now.maintained
        self._kept.forget()
        self._now, self._last_aid = None, None
        if maintained:
            self._parts.maintenance.end(technician)

    def _session(self) -> Session:
        session = self.session()
        if session is None:
            raise WizardRefused("no_session")
        return session

    def _idle(self) -> Session:
        session = self._session()
        if session.measuring:
            raise WizardRefused("measuring")
        return session

    def _keep_head(self, session: Session) -> None:
        if self._now is not None:
            self._kept.change(replace(self._now, session=session))
            self._show(session)

    def _begun(self, kept: Kept) -> Kept:
        try:
            self._kept.begin(kept)
        except BaseException:
            if kept.maintained:
                self._parts.maintenance.end(kept.session.technician)
            raise
        return replace(kept, session=_aimed(kept.session, kept.session.present))

    def _ended(self, kept: Kept) -> Kept:
        """Fix when and with what it ended, so that a second try records the same."""
        if kept.ending is None:
            software, environment = self._parts.about()
            identity = {**self._parts.bench.seen_fields(), **kept.session.identity}
            ending = Ending(now_ms(), identity, software, environment, self._parts.full_days)
            kept = replace(kept, ending=ending)
            self._kept.change(kept)
            self._now = kept
        return kept

    def _recorded(self, kept: Kept, device: str) -> str:
        kind = self._parts.devices.kind_of(device)
        if kind is None or kept.ending is None:
            raise WizardRefused("no_device")
        limits = self._parts.limits[kind]
        return self._parts.book.record(*written(kept, device, limits, kept.ending))

    def _show(self, session: Session) -> None:
        if self._now is not None:
            self._now = replace(self._now, session=session)

    def _step(self, name: str) -> Step:
        return next(step for step in self._parts.steps if step.name == name)


def _with(session: Session, view: StepView) -> Session:
    steps = tuple(view if one.step == view.step else one for one in session.steps)
    return replace(session, steps=steps)


def _aimed(session: Session, present: str | None) -> Session:
    """Return it with that step aiming, and no other."""
    return replace(
        session, steps=tuple(replace(one, state=_state(one, present)) for one in session.steps)
    )


def _state(view: StepView, present: str | None) -> StepState:
    if view.step == present:
        return StepState.AIMING
    return StepState.DONE if view.results else StepState.WAITING


def _word(view: StepView) -> str:
    return "none" if view.verdict is None else view.verdict.value


def _nothing() -> None:
    """Put nothing back."""
