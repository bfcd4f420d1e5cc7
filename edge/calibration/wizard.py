"""The wizard: one calibration at a time, step by step, kept after each, resumed after a power cut.

It decides what comes next and keeps what was found; how a step aims and measures stands in `steps`.
One measurement runs at a time, on a thread of its own; all else answers at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog
from uuid_utils import uuid7

from drivers.errors import DeviceError
from edge.calibration import wizard_moves as moves
from edge.calibration.aid import Aid
from edge.calibration.book import NothingToUndo
from edge.calibration.camera_controls import SettingRefused
from edge.calibration.kept_session import Ending, Kept, KeptSession
from edge.calibration.procedure import Measured, Scene, Step, Stopped, all_unmeasured
from edge.calibration.record import Recorded
from edge.calibration.session import DeviceKind, Kind, Reference, Session, StepView
from edge.calibration.wizard_aid import AID_WAIT_S, LiveAid
from edge.calibration.wizard_parts import (
    SKIP_REASONS,
    Book,
    Devices,
    OutOfService,
    WizardParts,
    WizardRefused,
)
from edge.calibration.written import written
from edge.utc import now_ms
from quality.measure import CannotAssess

__all__ = [
    "AID_WAIT_S", "SKIP_REASONS", "Book", "Devices", "OutOfService", "Wizard", "WizardParts",
    "WizardRefused",
]  # fmt: skip

REASON_CODE: Final = "calibration"

log = structlog.get_logger("calibration")


class Wizard:
    """Runs one calibration. All methods may be called from any thread."""

    def __init__(self, parts: WizardParts) -> None:
        """Take up the session that a restart cut off, if there is one. Raises `StoreError`."""
        self._parts = parts
        self._kept = KeptSession(parts.store)
        self._lock = threading.RLock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="calibration")
        self._stop = threading.Event()
        self._closed = False
        self._aid = LiveAid(self._scene)
        found = self._kept.read()
        self._now: Kept | None = None if found is None else replace(
            found, session=moves.aimed(found.session, found.session.present)
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
        return self._aid.look(self._step(session.present), measuring=session.measuring)

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
            self._aid.forget()
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
            WizardRefused: no_session, measuring, no_step, closing, somebody_served.
            StoreError: the station cannot be taken out of service again.
        """
        with self._lock:
            session = self._idle()
            if session.present is None:
                raise WizardRefused("no_step")
            if self._closed:
                raise WizardRefused("closing")
            self._hold_station()
            present = session.present
            session = moves.measuring(session, present)
            self._show(session)
            self._worker.submit(self._measured, session.session_id, present)
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
            session = moves.aimed(replace(session, present=step, failure=""), step)
            self._keep_head(session)
            self._aid.forget()
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

    def finish(self, technician: str = "") -> Mapping[str, str]:
        """Record what was found, device by device; the station is given back.

        Args:
            technician: staff id of who vouches for it; "" for whoever began it.

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
            if technician and now.ending is None:
                session = replace(session, technician=technician)
                now = replace(now, session=session)
            now = self._ended(now)
            ids = {device: self._recorded(now, device) for device in session.devices}
            self._end(technician or session.technician)
            log.info("calibration_finished", kind=session.kind, count=len(ids))
            return ids

    def abandon(self, technician: str = "") -> None:
        """End it and record nothing; a measurement that runs is stopped. Harmless if none runs.

        Args:
            technician: staff id of who ends it; "" for whoever began it.

        Raises:
            StoreError: it cannot be forgotten.
        """
        if self.session() is None:
            # The reader is somebody's whom the station serves.
            return
        self._stop.set()
        self._parts.bench.reader.cancel()
        with self._lock:
            session = self.session()
            if session is not None:
                self._end(technician or session.technician)
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

    def _measured(self, session_id: str, step: str) -> None:
        with self._lock:
            if self._closed or not self._runs(session_id):
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
            # Abandoned meanwhile, and perhaps begun anew: it is nobody's any more.
            if not self._runs(session_id):
                return
            if measured is not None:
                try:
                    self._done(step, measured)
                    return
                except Exception as error:  # nothing was kept: it can be measured again
                    log.error("calibration_not_kept", step=step, exc_info=error)
                    failure = "internal"
            self._show(moves.failed(self._session(), step, failure))

    def _runs(self, session_id: str) -> bool:
        now = self._now
        return now is not None and now.session.session_id == session_id and now.session.measuring

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
        session = moves.done(now.session, step, measured.results, skipped)
        # What ended it before belongs to other figures.
        found = {**now.measured, step: measured}
        kept = replace(now, session=session, measured=found, ending=None)
        self._kept.keep(kept, step)
        self._now = replace(kept, session=moves.aimed(session, session.present))
        self._aid.forget()
        log.info("calibration_step", step=step, result=moves.verdict_word(session.step(step)))
        return self._now.session

    def _scene(self, step: Step) -> Scene:
        session = self._session()
        return Scene(
            bench=self._parts.bench,
            limits=self._parts.limits[step.device],
            identity=session.identity,
            film=session.film,
            reference=session.reference,
            earlier=self._found(session.step(step.name).device),
            memory=self._aid.memory,
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

    def _hold_station(self) -> None:
        """Measure nobody who is served, though maintenance was ended meanwhile."""
        now = self._now
        if now is not None and self._take_station(now.session.technician):
            self._now = replace(now, maintained=True)
            self._kept.change(self._now)

    def _end(self, technician: str) -> None:
        maintained = self._now is not None and self._now.maintained
        self._kept.forget()
        self._now = None
        self._aid.forget()
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
        return replace(kept, session=moves.aimed(kept.session, kept.session.present))

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


def _nothing() -> None:
    """Put nothing back."""
