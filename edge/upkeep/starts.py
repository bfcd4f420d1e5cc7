"""How the last starts went, and how much of a station the next one may dare.

    <state>/starts.json    the last starts: when, on which settings, how far they came

A start that is killed, or that kills itself, writes no last word: it is known by its silence. After
a few of them on the same settings the next start dares less, until pages alone are left; those have
opened neither store nor device, so nothing of them is left that could fail. What is tried again,
and when, is decided here too: a cause that passes must not need a technician.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

from edge.durable import write_secret
from edge.trust.pin import BOOT_ID, BootClock
from edge.utc import now_ms

FILE: Final = "starts.json"
KEPT: Final = 20
TRIES: Final = 3
"""[ours] So many starts in a row may end in silence before less is dared; with the two seconds that
systemd waits between them a person sees the calm page within half a minute."""
TRIES_LESS: Final = 2
STOP_COUNTS_MS: Final = 60_000
"""A start that was told to stop after so long, and did not serve yet, hung: systemd ended it."""
AGAIN_MS: Final = (60_000, 120_000, 300_000, 600_000, 1_800_000)
"""[ours] After so long the whole station is tried again; the last goes on for ever."""

SAME_BOOT_MS: Final = 120_000

DIED: Final = ""
"""No last word: killed, or the power went. Of another boot it says nothing against the settings."""


class Level(IntEnum):
    """How much of a station a start dares."""

    WHOLE = 0
    """Everything, by the settings as they stand."""
    KNOWN_GOOD = 1
    """Everything, by the last settings that were healthy."""
    DELIVERY = 2
    """Safe mode: no device, no sitting; what lies in the store goes on to the centre."""
    BARE = 3
    """Safe mode: the pages that say so, and nothing else."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start.

    Attributes:
        at_ms: when, UTC.
        boot_ms: the same by the clock that runs since the machine started.
        boot_id: of the machine's start; "" where the service may not see it.
        level: what it dared.
        subject: which settings and which release: another one is judged anew.
        stage: how far it came: "begun", "serving", "healthy".
        end: "" while it runs or if it was cut off; "stopped", or the code of what it met.
        end_boot_ms: when it ended, as `boot_ms`.
    """

    at_ms: int
    boot_ms: int
    boot_id: str
    level: int
    subject: str
    stage: str = "begun"
    end: str = DIED
    end_boot_ms: int = 0

    @property
    def silent(self) -> bool:
        """Whether it gave no word of why it ended."""
        return self.end in {DIED, "stopped"}

    @property
    def fell(self) -> bool:
        """Whether it speaks against what it dared: it never became healthy and nobody ended it."""
        if self.stage == "healthy":
            return False
        if self.end == "stopped":
            return self.stage == "begun" and self.end_boot_ms - self.boot_ms > STOP_COUNTS_MS
        return True


def read_boot_id() -> str:
    """Return the id of the machine's start; "" where nothing of /proc but processes is shown."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What a start is dated by."""

    utc_ms: Callable[[], int] = now_ms
    boot_ms: Callable[[], int] = BootClock().read_ms
    boot_id: Callable[[], str] = read_boot_id


class Starts:
    """The book of starts. One process writes it; its methods are called from one thread a time."""

    def __init__(self, folder: Path, clocks: Clocks | None = None) -> None:
        """Read what earlier starts left; a damaged book is an empty one."""
        self._path = folder / FILE
        self._clocks = clocks or Clocks()
        self._boot_id = self._clocks.boot_id()
        self._rows = list(_read(self._path))

    @property
    def rows(self) -> tuple[Start, ...]:
        """Every start that is kept, oldest first."""
        return tuple(self._rows)

    def fallen(self, subject: str) -> tuple[Start, ...]:
        """Return the starts since the last good one that fell on this subject, in this boot."""
        mine = [row for row in self._rows if row.subject == subject and self._of_this_boot(row)]
        # That other settings are healthy says nothing for these.
        whole = Level.WHOLE
        healthy = [n for n, row in enumerate(mine) if row.stage == "healthy" and row.level == whole]
        return tuple(row for row in mine[healthy[-1] + 1 if healthy else 0 :] if row.fell)

    def due(self, subject: str, *, known_good: bool) -> Level:
        """Return what the next start may dare.

        Args:
            subject: which settings and release.
            known_good: there are other settings that were healthy once.
        """
        fallen = [row for row in self.fallen(subject) if row.silent]
        whole = [row for row in fallen if row.level == Level.WHOLE]
        if len(whole) < TRIES:
            return Level.WHOLE
        if known_good and _count(fallen, Level.KNOWN_GOOD) < TRIES_LESS:
            return Level.KNOWN_GOOD
        over_ms = whole[-1].end_boot_ms or whole[-1].boot_ms
        if self._clocks.boot_ms() - over_ms >= _pause_ms(len(whole) - TRIES):
            return Level.WHOLE
        since = whole[-1].boot_ms
        less = _count([row for row in fallen if row.boot_ms > since], Level.DELIVERY)
        return Level.DELIVERY if less < TRIES_LESS else Level.BARE

    def again_in_ms(self, subject: str) -> int:
        """Return in how long the whole station may be tried again, by a station in safe mode."""
        whole = [row for row in self.fallen(subject) if row.level == Level.WHOLE]
        if not whole:
            return AGAIN_MS[0]
        refused = sum(not row.silent for row in whole)
        rounds = max(refused - 1, len(whole) - refused - TRIES, 0)
        since_ms = whole[-1].end_boot_ms or whole[-1].boot_ms
        return max(0, since_ms + _pause_ms(rounds) - self._clocks.boot_ms())

    def begin(self, subject: str, level: Level) -> None:
        """Note that a start begins; durable on return, so that its silence is heard.

        Raises:
            OSError: it cannot be kept.
        """
        clocks = self._clocks
        self._rows.append(
            Start(clocks.utc_ms(), clocks.boot_ms(), self._boot_id, int(level), subject)
        )
        del self._rows[:-KEPT]
        self._keep()

    def reached(self, stage: str) -> None:
        """Note how far the present start came. Raises `OSError`."""
        self._change(stage=stage)

    def ended(self, end: str) -> None:
        """Note how the present start ended: "stopped", or a code. Raises `OSError`."""
        self._change(end=end, end_boot_ms=self._clocks.boot_ms())

    def _of_this_boot(self, row: Start) -> bool:
        if row.boot_id and self._boot_id:
            return row.boot_id == self._boot_id
        # Without ids: both clocks ran the same way since. A clock that was set costs a few tries.
        utc_ms, boot_ms = self._clocks.utc_ms(), self._clocks.boot_ms()
        drift_ms = (utc_ms - row.at_ms) - (boot_ms - row.boot_ms)
        return row.boot_ms <= boot_ms and abs(drift_ms) < SAME_BOOT_MS

    def _change(self, **changes: object) -> None:
        self._rows[-1] = replace(self._rows[-1], **changes)  # type: ignore[arg-type]
        self._keep()

    def _keep(self) -> None:
        told = {"v": 1, "starts": [asdict(row) for row in self._rows]}
        write_secret(self._path, json.dumps(told, separators=(",", ":")).encode())


def _count(rows: Sequence[Start], level: Level) -> int:
    return sum(row.level == level for row in rows)


def _pause_ms(rounds: int) -> int:
    return AGAIN_MS[min(rounds, len(AGAIN_MS) - 1)]


def _read(path: Path) -> Sequence[Start]:
    try:
        told = json.loads(path.read_bytes())
        rows = [Start(**row) for row in told["starts"]] if told["v"] == 1 else []
        return [row for row in rows if row.stage in {"begun", "serving", "healthy"}]
    except (OSError, ValueError, KeyError, TypeError):
        return []
