"""A whole real station in one process that may be killed, and a person who keeps sitting down.

Real: vision worker, camera driver on the demo's pictures, reader driver on a pseudo-terminal with
its other end in this process, the sitting's loop, record, journal, outbox, HTTPS. What is told is
what the screen shows, and only that.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import structlog

from demo.station import DemoPlan, demo_camera, demo_settings
from demo.walk import ANSWERS
from drivers.peers.presses import DEMO_PLAN
from drivers.peers.zfm import ZfmPeer
from edge.foundation import lay_foundation
from edge.sitting import Event, IllegalMove, Result, Snapshot, StaleToken, State
from edge.station import Station, build
from edge.store import Store
from proofs.powercut.forked import Ack
from proofs.sitters import said_kept

SUBJECT: Final = "suit"
AGAIN: Final[Mapping[State, Event]] = {
    **ANSWERS,
    State.RESULT: Event.FINISH,
    State.RATING: Event.FINISH,
}


def plan_in(folder: Path, centre_port: int) -> DemoPlan:
    """Return where the station lives."""
    return DemoPlan(folder, SUBJECT, 0, 0, centre_port)


def serve(
    folder: Path,
    tell: Ack,
    centre_port: int,
    change: Callable[[Store], None] = lambda store: None,
) -> None:
    """Run the station and its person until killed.

    Args:
        folder: of the station.
        tell: is told what the screen shows, as soon as it shows it.
        centre_port: of the centre that runs beside it.
        change: breaks the journal on purpose.
    """
    _log_to(folder / "station.log")
    plan = plan_in(folder, centre_port)
    with ExitStack() as stack:
        settings = demo_settings(plan)
        foundation = lay_foundation(settings, stack)
        change(foundation.store)
        (folder / "reader").mkdir(exist_ok=True)
        # Left by a process that was killed: the link would lead to another's terminal.
        (folder / "reader" / "zfm").unlink(missing_ok=True)
        stack.enter_context(ZfmPeer(plan=DEMO_PLAN, delay_s=0.1, folder=folder / "reader"))
        station = build(foundation, stack, demo_camera(settings, plan, foundation.vision))
        shown, told = station.desk.snapshot, ""
        while not station.failed:
            told = _tell(station.store, shown, tell, told)
            shown = _answered(station, shown)


def _answered(station: Station, shown: Snapshot) -> Snapshot:
    """Make the move that the screen waits for, or wait for the next screen."""
    answer = AGAIN.get(shown.state)
    # Before the first revision nobody knows yet whether the station can see.
    ready = shown.revision > 0 and not shown.out_of_service
    with suppress(IllegalMove, StaleToken, TimeoutError):
        if answer is not None and (answer is not Event.START or ready):
            return station.desk.ask(answer, shown.token)
    return station.desk.wait(shown.revision, 0.2)


def _tell(store: Store, shown: Snapshot, tell: Ack, told: str) -> str:
    """Tell what this screen says is in custody, unless that was told last."""
    if shown.sitting_id is None:
        return told
    names = _shown_names(shown)
    if shown.state is State.RESULT and shown.result is Result.ACCEPTED:
        rows = [row for row in store.packages(limit=1 << 20) if row.sitting_id == shown.sitting_id]
        # A screen that says accepted where nothing was closed is told all the same.
        package_id, digest = (rows[0].package_id, rows[0].digest) if rows else ("none", "none")
        word = json.dumps({"closed": package_id, "digest": digest})
    elif names:
        word = said_kept(*_kept(store, shown.sitting_id, names))
    else:
        return told
    if word != told:
        tell(word)
    return word


def _shown_names(shown: Snapshot) -> list[str]:
    portrait = ["consent.json", "portrait/master.jpg"] if shown.portrait_in else []
    return [*portrait, *(f"finger/{position}.png" for position in shown.fingers_in)]


def _kept(store: Store, sitting_id: str, names: list[str]) -> tuple[str, dict[str, str]]:
    """Return the package and the digests of these parts; "" where the journal has none."""
    for package in store.open_packages():
        if package.sitting_id == sitting_id:
            here = {part.name: part.record_sha256 for part in package.parts}
            return package.package_id, {name: here.get(name, "") for name in names}
    for row in store.packages(limit=1 << 20):
        if row.sitting_id == sitting_id:
            return row.package_id, dict.fromkeys(names, "")
    return "none", dict.fromkeys(names, "")


def _log_to(file: Path) -> None:
    # Never closed: the process is killed.
    stream = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))
    logging.disable(logging.CRITICAL)
