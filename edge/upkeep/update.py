"""An update: into the other folder, one switch, a trial, and back by itself if it fails.

Every state is kept before what it announces is done, and every step may be done again: whoever
finds an update that is not settled, after a power cut for instance, settles it by where `current`
points. The version before stays whole until the new one has passed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol
from uuid import uuid4

from edge.durable import sync_folder
from edge.trust.signatures import PublicKey
from edge.upkeep.gate import Look, Patience, passes
from edge.upkeep.release_file import Release, ReleaseUnfit, numbered, unpack, unpack_tree, verify
from edge.upkeep.slot_build import build, made_of
from edge.upkeep.slots import CURRENT, FOLDER, PREVIOUS, Slots, Update

INCOMING: Final = "incoming"
OLD_BACK_S: Final = 120.0


class UpdateRefused(Exception):
    """An update that is not begun, in one sentence that says what to do. Nothing changed."""


class Service(Protocol):
    """Whoever starts and stops the station: systemd, by `edge.commands.update`."""

    def stop(self) -> None:
        """Stop it; returns when it has ended. Raises `OSError`."""

    def start(self) -> None:
        """Start what `current` points to. Raises `OSError`."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What an update is done with.

    Attributes:
        slots: the folders.
        service: starts and stops the station.
        look: asks the station at its door.
        patience: of the gate.
        say: told each step, as a code.
    """

    slots: Slots
    service: Service
    look: Callable[[], Look]
    patience: Patience
    say: Callable[[str], object]


def install(bench: Bench, file: Path, keys: dict[str, PublicKey], *, older: bool) -> Update:
    """Install a release beside the one that runs, and return how that ended.

    Args:
        bench: what it is done with.
        file: the release.
        keys: of who releases, by kid.
        older: a version that is not newer than the present one may be installed as well.

    Raises:
        UpdateRefused, ReleaseUnfit: nothing changed.
        OSError: no room, or no right; nothing was switched.
    """
    slots = bench.slots
    old = _present(slots)
    incoming = slots.root / FOLDER / INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True, mode=0o700)
    try:
        bench.say("verifying")
        with _copied(file, incoming) as copy:
            release = verify(copy, keys)
            _check(slots, old, release, older=older)
            bench.say("unpacking")
            unpack(copy, release, incoming)
        tree = unpack_tree(incoming / release.tree, release, incoming)
        bench.say("building")
        build(tree, incoming, slots.root / old, release)
        _check_tree(tree, release)
        _move_in(slots, tree, release.name)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    on_copy = release.schema != made_of(slots.root / old).schema
    return _try(bench, old, release.name, release.version, on_copy=on_copy)


def back(bench: Bench) -> Update:
    """Go back to the version before, with the same trial, and return how that ended.

    Raises:
        UpdateRefused: there is none, or it cannot read the journal of the present one.
    """
    slots = bench.slots
    old, new = _present(slots), slots.pointed(PREVIOUS)
    if new is None or new == old or not (slots.root / new).is_dir():
        raise UpdateRefused("There is no version before this one to go back to.")
    present, before = made_of(slots.root / old), made_of(slots.root / new)
    if before.schema < present.schema:
        raise UpdateRefused(
            f"Version {before.version} cannot read the store that version {present.version} has"
            " changed: see docs/update.md, going back."
        )
    return _try(bench, old, new, before.version, on_copy=False)


def settle(bench: Bench) -> Update | None:
    """Bring an update to its end that was cut off; None if there is none to be settled.

    Raises:
        OSError: the service or the disk refuses; ask again.
    """
    slots = bench.slots
    update = slots.update()
    if update is None or not update.open:
        slots.unsettled.unlink(missing_ok=True)
        return None
    if update.state == "falling_back":
        return _fall_back(bench, update, update.reason)
    if slots.pointed(CURRENT) != update.new:
        # The cut came before the switch: the version before runs, and never stopped being current.
        return slots.note(update, state="interrupted", reason="power_cut")
    return _prove(bench, update)


def _present(slots: Slots) -> str:
    update = slots.update()
    if update is not None and update.open:
        raise UpdateRefused("An update is not settled yet: run_edge.py update settle first.")
    old = slots.pointed()
    if old is None or not (slots.root / old).is_dir():
        raise UpdateRefused(
            f"{slots.root / CURRENT} is no link to a version: install by docs/install.md first."
        )
    return old


def _check(slots: Slots, old: str, release: Release, *, older: bool) -> None:
    present = made_of(slots.root / old)
    if release.name == old or release.version == present.version:
        raise UpdateRefused(f"Version {release.version} runs here already.")
    if release.schema < present.schema:
        raise UpdateRefused(
            f"Version {release.version} cannot read the store of version {present.version}:"
            " see docs/update.md, going back."
        )
    if numbered(release.version) < numbered(present.version) and not older:
        raise UpdateRefused(
            f"Version {release.version} is older than {present.version}: give --older if that is"
            " meant."
        )


def _check_tree(tree: Path, release: Release) -> None:
    """Hold what the tree says of itself against what was signed; its own Python is asked."""
    made = made_of(tree)
    if (made.version, made.schema) != (release.version, release.schema):
        raise ReleaseUnfit("its tree is of another version than its signature says")


def _move_in(slots: Slots, tree: Path, name: str) -> None:
    place = slots.root / name
    if place.exists():
        # Neither current nor in trial: what an earlier try left.
        shutil.rmtree(place)
    # All of it is on the disk before its name is: a slot that has its name is whole.
    os.sync()
    tree.rename(place)
    sync_folder(slots.root)


def _try(bench: Bench, old: str, new: str, version: str, *, on_copy: bool) -> Update:
    slots = bench.slots
    allowed = bench.look().reasons
    slots.point(PREVIOUS, old)
    update = slots.note(Update(str(uuid4()), "trying", old, new, version, on_copy, allowed))
    bench.say("switching")
    bench.service.stop()
    slots.point(CURRENT, new)
    bench.service.start()
    return _prove(bench, update)


def _prove(bench: Bench, update: Update) -> Update:
    bench.say("proving")
    fault = passes(bench.look, update.version, update.allowed, bench.patience)
    if fault:
        return _fall_back(bench, update, fault)
    passed = bench.slots.note(update, state="passed")
    if update.on_copy:
        # From here on it works on the journal itself.
        bench.service.stop()
        bench.service.start()
    _prune(bench.slots)
    bench.say("passed")
    return passed


def _prune(slots: Slots) -> None:
    """Leave two versions: the one that runs and the one before."""
    kept = {slots.pointed(CURRENT), slots.pointed(PREVIOUS)}
    for place in slots.root.glob("anxin-station-*"):
        if place.name not in kept and place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)


def _fall_back(bench: Bench, update: Update, reason: str) -> Update:
    bench.say("falling_back")
    slots = bench.slots
    update = slots.note(update, state="falling_back", reason=reason)
    bench.service.stop()
    slots.point(CURRENT, update.old)
    bench.service.start()
    back_within = Patience(OLD_BACK_S, 0.0, bench.patience.look_s)
    old = made_of(slots.root / update.old)
    silent = passes(bench.look, old.version, update.allowed, back_within)
    if silent:
        bench.say("old_not_ready")
    return slots.note(update, state="fell_back")


class _copied:  # noqa: N801 - read as a word: with copied
    """A copy that only we can write, open: what is verified is what is unpacked."""

    def __init__(self, file: Path, folder: Path) -> None:
        self._place = folder / "release.anxin"
        shutil.copyfile(file, self._place)
        self._open: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        self._open = self._place.open("rb")
        return self._open

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()
        self._place.unlink(missing_ok=True)
