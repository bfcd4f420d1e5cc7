"""Camera and reader are pulled and put back at random moments, in a whole demo station.

Real: everything that `run_edge.py demo` opens, the centre and the reader's other end as processes
of their own, and the kiosk's pages on a port. In `replug.sittings` somebody sits down again and
again; in `replug.calibrations` somebody calibrates both devices, step by step. The plugs are the
demo's own knobs: the camera's is a file, the reader's a pseudo-terminal that goes and comes.

A trial is one pull: the device is called absent within 5 s, and within 5 s of its return it works
again and stays so; a camera has then given a new frame. Some plugs are put back so soon that nobody
need have noticed: then only the return counts. Meanwhile a viewer, a process of its own, asks for
the live picture as the page does and reads the clock that stands in it. A picture that is more than
a second old when it comes or before the page would take it away, or that is told as new and shows
the time of the one before, fails the trial in which it came. In calibrations no screen shows the
picture: there the viewer asks the same route of a page that always looks. Nobody holds up a chart,
so most measures end as not assessed; a measurement that a device broke off is done again.

What it cannot see: a kernel's USB stack, a real camera's driver and its buffers.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from api.serve import open_listeners
from demo.console.knobs import Knobs
from demo.station import DemoPlan, free_port, open_demo
from drivers.camera import Camera, Frame
from drivers.errors import DeviceAbsent
from edge.camera_owner import CameraOwner
from edge.frames.judge import Judged
from edge.reader_owner import ReaderOwner
from edge.reopening import Reopening
from edge.station import Station
from edge.supervisor import DeviceState
from proofs import CannotRun, Proof, Tally, Trial, each_of
from proofs.replugging.person import Person
from proofs.replugging.technician import Technician
from proofs.replugging.watched import Watching
from proofs.replugging.window import open_window

PROMISE: Final = "A pulled device is told within 5 s and works within 5 s of its return"
WITHIN_S: Final = 5.0
STAYS_S: Final = 0.7
LOOK_S: Final = 0.02
OLD_PICTURE: Final = "an old picture shown as live"
HASTY_SHARE: Final = 0.3
"""So many plugs are put back whether or not anybody noticed."""
FIRST_SERVICE_S: Final = 180.0
SETTINGS: Final = ("camera.options = { clock = true }", "service.rating = false")

Plant = Callable[[], Any]


@dataclass(slots=True)
class Run:
    """What came of the pulls so far."""

    failures: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    whys: Counter[str] = field(default_factory=Counter)
    told_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """Count a trial that did not hold."""
        self.failures += 1
        self.whys[why] += 1

    def note(self, watching: Watching, done: str) -> str:
        """Return what else was counted, in words and figures."""
        seen = watching.seen
        moments = ", ".join(f"{n} in {name}" for name, n in sorted(self.moments.items()))
        whys = "".join(f"; {n} times {why}" for why, n in sorted(self.whys.items()))
        return (
            f"pulled {moments}; {done}; told after {_worst(self.told_s)} s and back"
            f" after {_worst(self.back_s)} s at most; {seen.pictures} live pictures, the oldest"
            f" {seen.oldest_s:.2f} s, {seen.oldest_hidden_s:.2f} s when taken away{whys}"
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """A station and the hands at its plugs.

    Attributes:
        moment: what the station is at, in words.
        calm_s: so long at most nothing is done before a pull.
        within_s: so long whatever must happen may take; a smoke gives a busy machine more.
    """

    station: Station
    knobs: Knobs
    watching: Watching
    moment: Callable[[], str]
    calm_s: float = 3.0
    within_s: float = WITHIN_S

    def pull(self, dice: random.Random, run: Run) -> None:
        """Make one trial at a random moment."""
        time.sleep(dice.uniform(0.0, self.calm_s))
        device = dice.choice(("camera", "reader"))
        owner = self.station.camera if device == "camera" else self.station.reader
        run.moments[f"{device}/{self.moment()}"] += 1
        faults_before = self.watching.seen.faults
        why = self._out(device, owner, dice, run) or self._in(device, owner, run)
        if self.watching.seen.faults > faults_before:
            why = why or OLD_PICTURE
        if why:
            run.fail(why)

    def _out(
        self, device: str, owner: CameraOwner | ReaderOwner, dice: random.Random, run: Run
    ) -> str:
        self.knobs.turn(f"{device}.plug", "out")
        if dice.random() < HASTY_SHARE:
            time.sleep(dice.uniform(0.0, 0.8))
            return ""
        began_s = time.monotonic()
        while owner.status.state is not DeviceState.ABSENT:
            if time.monotonic() - began_s > self.within_s:
                return f"{device} not told as absent"
            time.sleep(LOOK_S)
        run.told_s.append(time.monotonic() - began_s)
        time.sleep(dice.uniform(0.0, 2.0))
        return ""

    def _in(self, device: str, owner: CameraOwner | ReaderOwner, run: Run) -> str:
        self.knobs.turn(f"{device}.plug", "in")
        began_s = time.monotonic()
        well_since_s: float | None = None
        while well_since_s is None or time.monotonic() - well_since_s < STAYS_S:
            now_s = time.monotonic()
            well = owner.status.working and _gives(owner, began_s)
            well_since_s = (well_since_s or now_s) if well else None
            if well_since_s is None and now_s - began_s > self.within_s:
                return f"{device} not back"
            time.sleep(LOOK_S)
        run.back_s.append(well_since_s - began_s)
        return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Who works at the station meanwhile.

    Attributes:
        bench: the station, and the hands at its plugs.
        done: tells what whoever works there came to.
        wrong: what has gone wrong with that work; "" if nothing.
    """

    bench: Bench
    done: Callable[[], str]
    wrong: Callable[[], str]


def pulling(open_stage: Callable[[Path, ExitStack], Stage], plant: Plant | None = None) -> Trial:
    """Return the trial; `plant` breaks the product on purpose."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        dice, counted = random.Random(seed), Run()
        with ExitStack() as stack:
            stack.enter_context(planted(plant))
            folder = stack.enter_context(TemporaryDirectory(prefix="anxin-replug-"))
            stage = open_stage(Path(folder), stack)
            for _ in range(trials):
                stage.bench.pull(dice, counted)
                if stage.wrong():
                    counted.fail(stage.wrong())
            note = counted.note(stage.bench.watching, stage.done())
            if not stage.bench.watching.seen.pictures and trials > 1:
                raise CannotRun("the viewer saw no picture")
        seconds = time.monotonic() - began_s
        return Tally(PROMISE, trials, counted.failures, seconds, note)

    return run


def sittings(folder: Path, stack: ExitStack) -> Stage:
    """Open a station where somebody sits down again and again."""
    station, knobs = _station(folder, stack)
    kiosk = open_listeners(station, stack)[0]
    _await_service(station)
    watching = stack.enter_context(Watching(kiosk.url))
    person = stack.enter_context(Person(station.desk))
    bench = Bench(station, knobs, watching, lambda: station.desk.snapshot.state.value)
    return Stage(bench, lambda: f"{person.ended} sittings ended", lambda: "")


def calibrations(folder: Path, stack: ExitStack) -> Stage:
    """Open a station that somebody calibrates again and again."""
    station, knobs = _station(folder, stack)
    _await_service(station)
    watching = stack.enter_context(Watching(open_window(station.camera, stack)))
    devices = (station.settings.camera.id, station.settings.reader.id)
    technician = stack.enter_context(Technician(station.wizard, devices))
    bench = Bench(station, knobs, watching, lambda: technician.moment)

    def done() -> str:
        return f"{technician.ended} calibrations ended, {technician.interrupted} steps broken off"

    return Stage(bench, done, lambda: "" if technician.alive else "nobody calibrates any more")


def _station(folder: Path, stack: ExitStack) -> tuple[Station, Knobs]:
    plan = DemoPlan(
        folder, "straightens", 0, 0, free_port(), quick_reader=True, other_settings=SETTINGS
    )
    station, _ = open_demo(plan, stack)
    return station, plan.knobs


def _await_service(station: Station) -> None:
    until_s = time.monotonic() + FIRST_SERVICE_S
    shown = station.desk.snapshot
    while shown.out_of_service or shown.overlay or not shown.revision:
        if time.monotonic() > until_s:
            raise CannotRun(f"the station does not come into service: {shown.out_of_service}")
        shown = station.desk.wait(shown.revision, 0.5)


def _gives(owner: CameraOwner | ReaderOwner, since_s: float) -> bool:
    """Whether what works has really been heard of since."""
    if isinstance(owner, ReaderOwner):
        return True
    frame = owner.wait_frame(-1, 0.0)
    return frame is not None and frame.captured_at_s > since_s


def _worst(times_s: list[float]) -> str:
    return f"{max(times_s, default=0.0):.2f}"


# Broken on purpose.


class ShowsTheLast(CameraOwner):
    """A camera that is gone goes on showing its last picture, each time as a new one."""

    def _take(self, camera: Camera) -> None:
        try:
            super()._take(camera)
        except DeviceAbsent:
            last: Frame | None = self._frame
            if last is None:
                raise
            now_s = time.monotonic()
            again = replace(last, sequence=last.sequence + 1, captured_at_s=now_s)
            self._show(camera, Judged(again), now_s, watched=True)
            time.sleep(0.05)


class Sleepy(Reopening):
    """Tries again after a quarter of a minute, whatever happens at the plug."""

    def wait(self, pause_s: float | None) -> None:
        """Wait far too long."""
        until_s = time.monotonic() + 15.0
        while time.monotonic() < until_s and not self.closing:
            time.sleep(0.05)


@contextmanager
def planted(plant: Plant | None) -> Iterator[None]:
    """Break the product for as long as this lasts."""
    with ExitStack() as broken:
        if plant is not None:
            broken.enter_context(plant())
        yield


def _last_picture() -> Any:
    return patch("edge.devices.CameraOwner", ShowsTheLast)


@contextmanager
def _sleepy() -> Iterator[None]:
    with patch("edge.camera_owner.Reopening", Sleepy), patch("edge.reader_owner.Reopening", Sleepy):
        yield


def _broken(open_stage: Callable[[Path, ExitStack], Stage]) -> Trial:
    return each_of(
        {
            "a gone camera shows its last picture": pulling(open_stage, _last_picture),
            "tries again too late": pulling(open_stage, _sleepy),
        }
    )


PROOFS: Final[Mapping[str, Proof]] = {
    "sittings": Proof(
        f"{PROMISE}, in sittings; no picture older than a second is shown as live",
        pulling(sittings),
        _broken(sittings),
        short=3,
        long=200,
        control_trials=10,
    ),
    "calibrations": Proof(
        f"{PROMISE}, in calibrations; no picture older than a second is shown as live",
        pulling(calibrations),
        _broken(calibrations),
        short=3,
        long=200,
        control_trials=10,
    ),
}
