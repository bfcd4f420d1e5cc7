"""Camera and reader are pulled and put back at random moments of sittings, in a whole demo station.

Real: everything that `run_edge.py demo` opens, the centre and the reader's other end as processes
of their own, and the kiosk's pages on a port. Somebody sits down again and again. The plugs are the
demo's own knobs: the camera's is a file, the reader's a pseudo-terminal that goes and comes.

A trial is one pull: the device is called absent within 5 s, and within 5 s of its return it works
again and stays so; a camera has then given a new frame. Some plugs are put back so soon that nobody
need have noticed: then only the return counts. Meanwhile a viewer, a process of its own, asks for
the live picture as the page does and reads the clock that stands in it. A picture that is more than
a second old when it comes, or that is told as new and shows the time of the one before, fails the
trial in which it came.

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
from proofs.replugging.watched import Watching

PROMISE: Final = "A pulled device is told within 5 s and works within 5 s of its return"
WITHIN_S: Final = 5.0
STAYS_S: Final = 0.7
LOOK_S: Final = 0.02
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

    def note(self, watching: Watching, ended: int) -> str:
        """Return what else was counted, in words and figures."""
        seen = watching.seen
        moments = ", ".join(f"{n} in {name}" for name, n in sorted(self.moments.items()))
        whys = "".join(f"; {n} times {why}" for why, n in sorted(self.whys.items()))
        return (
            f"pulled {moments}; {ended} sittings ended; told after {_worst(self.told_s)} s and back"
            f" after {_worst(self.back_s)} s at most; {seen.pictures} live pictures, the oldest"
            f" {seen.oldest_s:.2f} s, {seen.oldest_hidden_s:.2f} s when taken away{whys}"
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """A station and the hands at its plugs."""

    station: Station
    knobs: Knobs
    watching: Watching

    def pull(self, dice: random.Random, run: Run) -> None:
        """Make one trial at a random moment."""
        time.sleep(dice.uniform(0.0, 3.0))
        device = dice.choice(("camera", "reader"))
        owner = self.station.camera if device == "camera" else self.station.reader
        run.moments[f"{device}/{self.station.desk.snapshot.state.value}"] += 1
        faults_before = self.watching.seen.faults
        why = self._out(device, owner, dice, run) or self._in(device, owner, run)
        if self.watching.seen.faults > faults_before:
            why = why or "an old picture shown as live"
        if why:
            run.failures += 1
            run.whys[why] += 1

    def _out(
        self, device: str, owner: CameraOwner | ReaderOwner, dice: random.Random, run: Run
    ) -> str:
        self.knobs.turn(f"{device}.plug", "out")
        if dice.random() < HASTY_SHARE:
            time.sleep(dice.uniform(0.0, 0.8))
            return ""
        began_s = time.monotonic()
        while owner.status.state is not DeviceState.ABSENT:
            if time.monotonic() - began_s > WITHIN_S:
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
            if well_since_s is None and now_s - began_s > WITHIN_S:
                return f"{device} not back"
            time.sleep(LOOK_S)
        run.back_s.append(well_since_s - began_s)
        return ""


def pulling(plant: Plant | None = None) -> Trial:
    """Return the trial; `plant` breaks the product on purpose."""

    def run(trials: int, seed: int) -> Tally:
        began_s = time.monotonic()
        dice, counted = random.Random(seed), Run()
        with (
            planted(plant),
            TemporaryDirectory(prefix="anxin-replug-") as name,
            ExitStack() as stack,
        ):
            bench, person = _open(Path(name), stack)
            for _ in range(trials):
                bench.pull(dice, counted)
            note = counted.note(bench.watching, person.ended)
            if not bench.watching.seen.pictures and trials > 1:
                raise CannotRun("the viewer saw no picture")
        seconds = time.monotonic() - began_s
        return Tally(PROMISE, trials, counted.failures, seconds, note)

    return run


def _open(folder: Path, stack: ExitStack) -> tuple[Bench, Person]:
    plan = DemoPlan(
        folder, "straightens", 0, 0, free_port(), quick_reader=True, other_settings=SETTINGS
    )
    station, _ = open_demo(plan, stack)
    kiosk = open_listeners(station, stack)[0]
    _await_service(station)
    watching = stack.enter_context(Watching(kiosk.url))
    person = stack.enter_context(Person(station.desk))
    station.desk.wait(station.desk.snapshot.revision, WITHIN_S)
    return Bench(station, plan.knobs, watching), person


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


PROOFS: Final[Mapping[str, Proof]] = {
    "sittings": Proof(
        f"{PROMISE}; no picture older than a second is shown as live",
        pulling(),
        each_of(
            {
                "a gone camera shows its last picture": pulling(_last_picture),
                "tries again too late": pulling(_sleepy),
            }
        ),
        short=3,
        long=200,
        control_trials=10,
    ),
}
