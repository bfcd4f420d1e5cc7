"""A hand on the knobs of a simulated reader that runs: a small file, looked at again and again.

    press = "dry"               # or wet, worn, light, partial, smear, plain, none, plan
    latent = true               # the empty glass shows what the last finger left
    finger_always = true        # the module reports a finger on the empty glass
    unplugged = true
    silent = true               # it answers nothing
    locked = true               # it has a password that nobody here knows
    noise_per_megabyte = 200    # bytes that the line hits

What the file does not say is as it was at the start. A mistake in it is said in the log, once, and
the rest holds: a demo goes on.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Protocol, Self

from drivers.peers.glass import EmptyGlass
from drivers.peers.line_faults import Noise
from drivers.peers.presses import DEMO_PLAN, RIGHT_THUMB, Press
from drivers.peers.synthetic_prints import CONDITIONS

log = logging.getLogger(__name__)

CONTROL_NAME: Final = "reader.control"
LOOK_S: Final = 0.2
PLAN: Final = "plan"
NOBODY: Final = "none"
PRESSES: Final = (PLAN, NOBODY, *CONDITIONS)
MEGABYTE: Final = 1_000_000
PRESSES_OF_A_FINGER: Final = 8


class Controlled(Protocol):
    """The knobs of a simulated reader that a file may turn."""

    deaf: bool
    noise: Noise | None

    def start_plan(self, plan: Sequence[Press]) -> None:
        """Let another person come."""

    def leave_glass(self, empty: EmptyGlass) -> None:
        """Say what the empty glass brings."""

    def lock(self, *, locked: bool) -> None:
        """Give it a password that nobody here knows, or take it away."""

    def unplug(self) -> None:
        """Pull the plug."""

    def replug(self) -> None:
        """Plug it in again."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the file says; the defaults are a reader that works and a person who presses."""

    press: str = PLAN
    latent: bool = False
    unplugged: bool = False
    noise_per_megabyte: float = 0.0
    silent: bool = False
    finger_always: bool = False
    locked: bool = False


def read_controls(text: str) -> tuple[Controls, list[str]]:
    """Return what a control file says, and a sentence for each thing in it that means nothing."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as mistake:
        return Controls(), [f"no TOML: {mistake}"]
    controls, complaints = Controls(), []
    for key, value in said.items():
        if key not in _KEYS:
            complaints.append(f"{key} is no knob; there are: {', '.join(_KEYS)}")
        elif not _means(key, value):
            complaints.append(f"{key} = {value!r} means nothing")
        else:
            controls = replace(controls, **{key: value})
    return controls, complaints


def _means(key: str, value: object) -> bool:
    if key == "press":
        return value in PRESSES
    if key == "noise_per_megabyte":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and 0 <= float(str(value)) <= MEGABYTE
    return isinstance(value, bool)


_KEYS: Final = tuple(field.name for field in fields(Controls))


def plan_of(press: str, position: int | None) -> tuple[Press, ...]:
    """Return the presses of a person.

    Args:
        press: one of `PRESSES`.
        position: the finger that is asked for, ISO/IEC 19794 position 1..10; None if the person
            was not told and gives both thumbs in the plan's order.
    """
    if press == NOBODY:
        return ()
    if position is None:
        return DEMO_PLAN if press == PLAN else tuple(replace(o, condition=press) for o in DEMO_PLAN)
    finger = finger_at(position)
    numbers = range(1, PRESSES_OF_A_FINGER + 1)
    if press != PLAN:
        return tuple(Press(finger, number, press) for number in numbers)
    # As in the plan: only the first press of the right thumb is too dry.
    first = Press(finger, 1, "dry" if finger == RIGHT_THUMB else "plain")
    return (first, *(Press(finger, number) for number in numbers[1:]))


def finger_at(position: int) -> int:
    """Return the seed of the demo person's finger at a position, 1..10."""
    return RIGHT_THUMB - 1 + position


class ReaderControl:
    """Keeps a simulated reader as its control file says, and brings the person to it.

    A context manager: inside, a thread looks at the file.
    """

    def __init__(self, path: Path, reader: Controlled) -> None:
        self._path = path
        self._reader = reader
        self._text = ""
        self._now = Controls()
        self._position: int | None = None
        self._stopping = Event()
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="reader-control", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def obey(self, line: str) -> None:
        """Do what the demo says: ``next`` person, ``finger 6`` is asked for, or ``nobody`` is."""
        word, _, rest = line.strip().partition(" ")
        with self._lock:
            if word == "finger" and rest.isdecimal() and 1 <= int(rest) <= 10:
                if int(rest) == self._position:
                    return
                self._position = int(rest)
            else:
                self._position = None
            press = NOBODY if word == "nobody" else self._now.press
            self._reader.start_plan(plan_of(press, self._position))

    def look(self) -> None:
        """Read the file and turn what it turns."""
        text = ""
        with suppress(OSError, UnicodeDecodeError):
            text = self._path.read_text(encoding="utf-8")
        if text == self._text:
            return
        self._text = text
        wanted, complaints = read_controls(text)
        for complaint in complaints:
            log.warning("%s: %s", self._path.name, complaint)
        with self._lock:
            self._turn(wanted)
            self._now = wanted

    def _turn(self, wanted: Controls) -> None:
        reader, before = self._reader, self._now
        if wanted.locked != before.locked:
            reader.lock(locked=wanted.locked)
        if wanted.unplugged != before.unplugged:
            (reader.unplug if wanted.unplugged else reader.replug)()
        if wanted.press != before.press:
            reader.start_plan(plan_of(wanted.press, self._position))
        latent = EmptyGlass.LATENT if wanted.latent else EmptyGlass.NOTHING
        always = EmptyGlass.BLANK if wanted.finger_always else EmptyGlass.NOTHING
        reader.leave_glass(latent if wanted.latent else always)
        rate = wanted.noise_per_megabyte / MEGABYTE
        if wanted.noise_per_megabyte != before.noise_per_megabyte:
            reader.noise = Noise(rate) if rate else None
        # After the plug: power-up cures a silent module.
        reader.deaf = wanted.silent

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(LOOK_S)
