"""Whether the last field check still holds: it wears off with the hours and with a closed lid.

    <store>/field-check.json    figures and codes of the last check, nothing of a person

Hours are counted by the clock that runs since the machine started, which no setting of the time
moves; after a restart of the machine, or where nobody can tell its starts apart, by the calendar.
A calendar that went backwards ends them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.durable import write_secret
from edge.portable.finding import Finding, Outcome, Verdict, outcome_of
from edge.trust.pin import BootClock
from edge.utc import now_ms, rfc3339

FILE: Final = "field-check.json"
HOUR_MS: Final = 3_600_000
NEVER: Final = "never"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Three ways to tell how much time went by.

    Attributes:
        utc_ms: the calendar.
        boot_ms: since the machine started, sleep included.
        boot_id: of this start.
    """

    utc_ms: Callable[[], int] = now_ms
    boot_ms: Callable[[], int] = BootClock().read_ms
    boot_id: Callable[[], str] = BootClock().boot_id


class FieldState:
    """The last check. Any thread may call it."""

    def __init__(self, folder: Path, hours: float, clocks: Clocks | None = None) -> None:
        """Read what an earlier run left; a damaged file counts as no check."""
        self._path = folder / FILE
        self._hours_ms = hours * HOUR_MS
        self._clocks = clocks or Clocks()
        # Once: a service that may not look gets another answer each time.
        self._boot_id = self._clocks.boot_id()
        self._lock = threading.Lock()
        self._last = _read(self._path)

    def note(self, findings: Sequence[Finding]) -> Outcome:
        """Keep what a check found. Raises `OSError` where it cannot be kept."""
        outcome, clocks = outcome_of(findings), self._clocks
        at_ms = clocks.utc_ms()
        last = {
            "v": 1,
            "at": rfc3339(at_ms),
            "at_ms": at_ms,
            "boot_ms": clocks.boot_ms(),
            "boot_id": self._boot_id,
            "outcome": outcome.value,
            "worn_by": "",
            "steps": [finding.row() for finding in findings],
        }
        self._keep(last)
        return outcome

    def wear_off(self, why: str) -> None:
        """End what the last check is worth: "lid" was closed. Raises `OSError`."""
        with self._lock:
            last = self._last
        if last.get("outcome") == Outcome.PASSED.value and not last["worn_by"]:
            self._keep({**last, "worn_by": why})

    @property
    def outcome(self) -> Outcome:
        """What is so now."""
        return Outcome.DUE if self.due_by else Outcome.PASSED

    @property
    def due_by(self) -> str:
        """Why a check is due: "never", "failed", "hands", "lid", "hours"; "" if none is."""
        with self._lock:
            last = self._last
        if not last:
            return NEVER
        if last["outcome"] != Outcome.PASSED.value:
            failed = any(row["verdict"] == Verdict.FAILED.value for row in last["steps"])
            return "failed" if failed else "hands"
        if last["worn_by"]:
            return str(last["worn_by"])
        return "" if 0 <= self._age_ms(last) <= self._hours_ms else "hours"

    def told(self) -> dict[str, Any]:
        """Return the last check and what it is worth now, as manifests and health carry it."""
        with self._lock:
            last = self._last
        return {
            "outcome": self.outcome.value,
            "due_by": self.due_by or None,
            "at": last.get("at"),
            "steps": last.get("steps", []),
        }

    def _age_ms(self, last: dict[str, Any]) -> float:
        clocks = self._clocks
        if last["boot_id"] == self._boot_id:
            return float(clocks.boot_ms() - last["boot_ms"])
        return float(clocks.utc_ms() - last["at_ms"])

    def _keep(self, last: dict[str, Any]) -> None:
        with self._lock:
            self._last = last
            write_secret(self._path, json.dumps(last, separators=(",", ":")).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        last: dict[str, Any] = json.loads(path.read_bytes())
        wanted = {"at", "at_ms", "boot_ms", "boot_id", "outcome", "worn_by", "steps"}
        return last if last.get("v") == 1 and wanted <= last.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}
