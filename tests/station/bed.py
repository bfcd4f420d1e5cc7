"""A whole station in the test's own process: real frames, real serial bytes, a real centre.

The reader's other end runs here too, so that a test can pull its plug; the camera's cable and lens
are files in its folder.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.station import DemoPlan, demo_camera, demo_settings, free_port, start_centre
from drivers.peers.presses import DEMO_PLAN, Press
from drivers.peers.zfm import ZfmPeer
from edge.foundation import lay_foundation
from edge.settings import Settings
from edge.sitting import Event, Snapshot, State
from edge.station import Station, build
from edge.trust.keys import StationKey

LONG_S = 120.0
"""No test measures time with this: it only ends a test that would else hang."""


@dataclass(slots=True)
class Bed:
    """An open station and the hands that harm it."""

    station: Station
    peer: ZfmPeer
    plan: DemoPlan
    stack: ExitStack

    @property
    def camera_folder(self) -> Path:
        return self.plan.folder / "camera"

    def unplug_camera(self) -> None:
        (self.camera_folder / "camera.plugged").unlink()

    def plug_camera(self) -> None:
        (self.camera_folder / "camera.plugged").touch()

    def play(self, text: str) -> None:
        """Write the camera's control file: `play = "two"`, `lens = "frozen"`."""
        (self.camera_folder / "camera.control").write_text(text)

    def until(self, wanted: Callable[[Snapshot], bool], why: str) -> Snapshot:
        """Wait for a screen; fail with the one that stood there instead."""
        desk, until_s = self.station.desk, time.monotonic() + LONG_S
        shown = desk.snapshot
        while not wanted(shown):
            if time.monotonic() > until_s:
                raise AssertionError(f"waited in vain for {why}; the screen is {shown}")
            shown = desk.wait(shown.revision, 0.5)
        return shown

    def until_state(self, state: State) -> Snapshot:
        return self.until(lambda shown: shown.state is state, state.value)

    def ask(self, event: Event) -> Snapshot:
        return self.station.desk.ask(event, self.station.desk.snapshot.token)

    def begin(self) -> Snapshot:
        """Go to the portrait as soon as the station is in service."""
        self.until(lambda shown: not shown.out_of_service and shown.revision > 0, "service")
        self.ask(Event.START)
        return self.ask(Event.AGREE)

    def take_portrait(self) -> Snapshot:
        self.until_state(State.PORTRAIT_OK)
        return self.ask(Event.PORTRAIT_KEPT)

    def finish(self) -> Snapshot:
        """From the fingers to the result."""
        self.until_state(State.REVIEW)
        return self.ask(Event.HAND_IN)

    def until_receipted(self, count: int = 1) -> None:
        store, until_s = self.station.store, time.monotonic() + LONG_S
        while store.counts()["receipted"] < count:
            if time.monotonic() > until_s:
                raise AssertionError(f"no receipt: {[o.status for o in self.station.outboxes]}")
            time.sleep(0.05)


def keys_of_a_centre(scenes: Path) -> Path:
    """Return a folder with a centre's keys; the first time, a centre makes them.

    A centre takes a second to start: the beds of one process share one centre's keys.
    """
    made = scenes.with_name(f"keys-{os.getpid()}")
    if not (made / "centre" / "keys.jws").exists():
        with ExitStack() as briefly:
            plan = DemoPlan(made, "suit", 0, 0, free_port())
            start_centre(plan, "st-keys", briefly).await_accepting()
        (made / "centre" / "stations" / "st-keys.json").unlink()
    return made / "centre"


@contextmanager
def station_bed(
    folder: Path,
    scenes: Path,
    *,
    subject: str = "suit",
    centre: bool = True,
    presses: Sequence[Press] = DEMO_PLAN,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    **peer_knobs: Any,
) -> Iterator[Bed]:
    """Open a station in `folder`; `change` edits its settings, `peer_knobs` the reader's end."""
    plan = DemoPlan(folder, subject, 0, 0, free_port())
    shutil.copytree(scenes, folder / "camera", dirs_exist_ok=True)
    (folder / "reader").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        settings = change(_unrated(demo_settings(plan)))
        foundation = lay_foundation(settings, stack)
        peer = stack.enter_context(
            ZfmPeer(plan=presses, delay_s=0.1, folder=folder / "reader", **peer_knobs)
        )
        # Keys are needed in any case: a station is provisioned before it is alone.
        if not (folder / "centre" / "keys.jws").exists():
            shutil.copytree(keys_of_a_centre(scenes), folder / "centre")
            StationKey.open_or_make(folder / "store" / "station-key.pem")
        if centre:
            start_centre(plan, settings.station.id, stack)
        station = build(foundation, stack, demo_camera(settings, plan, foundation.vision))
        yield Bed(station, peer, plan, stack)


def _unrated(settings: Settings) -> Settings:
    """Nobody asks how it was, which stories tell: the end is the end."""
    return settings.model_copy(
        update={"service": settings.service.model_copy(update={"rating": False})}
    )


def with_limits(settings: Settings, **limits: float) -> Settings:
    """Return settings with other sitting limits."""
    return settings.model_copy(update={"sitting": settings.sitting.model_copy(update=limits)})
