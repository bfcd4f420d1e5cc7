"""A station that is carried: its visit lists, its field check, its battery and its lid.

One thread looks at power and lists; another serves the officer's requests. What of it concerns a
sitting is said as reasons why none may begin, and as members of each manifest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from edge.clock_state import clock_state
from edge.orders import OrdersFull
from edge.portable.clock_quality import clock_quality
from edge.portable.door import Door, Refusal, Tell
from edge.portable.field_check import Bench, Interrupted, field_check
from edge.portable.field_state import FieldState
from edge.portable.finding import Finding, Outcome
from edge.portable.lists import ReadOrder, VisitLists
from edge.portable.power import Power, look_at_power
from edge.portable.section import PortableSettings
from edge.portable.shown import shown_visits
from edge.portable.visit_list import VisitListRefused
from edge.store.errors import StoreError

LOOK_S: Final = 1.0
SWEEP_EVERY_S: Final = 30.0

BATTERY_LOW: Final = "battery_low"
LID_CLOSED: Final = "lid_closed"
CHECK_DUE: Final = "field_check_due"
CHECKING: Final = "field_check_running"

log = structlog.get_logger("portable")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a carried station is made of.

    Attributes:
        bench: what the field check checks; its `stop` is asked besides our own.
        devices_work: camera and reader answer, and somebody looks at the frames.
        after_check: called when a check ends, however it ends.
        cancel_press: ends a press that the reader waits for.
        folder: of the store, where the officer's way in lies.
    """

    folder: Path
    settings: PortableSettings
    lists: VisitLists
    state: FieldState
    bench: Callable[[Callable[[], bool]], Bench]
    devices_work: Callable[[], bool]
    after_check: Callable[[], None]
    cancel_press: Callable[[], None]


class Carried:
    """Watches over a carried station. `reasons`, `about` and `told` may come from any thread."""

    def __init__(self, parts: Parts, look_s: float = LOOK_S) -> None:
        """Prepare; nothing is looked at before `start`, but power and lid once.

        Args:
            parts: what it is made of.
            look_s: so often power and lid are looked at.
        """
        self._look_s = look_s
        self._parts = parts
        self._settings = parts.settings
        self._read: ReadOrder | None = None
        self._occupied: Callable[[], bool] = lambda: False
        self._rest: Callable[[], object] = lambda: None
        self._power = self._look()
        self._checking = threading.Lock()
        self._auto_due = parts.settings.field_check and bool(parts.state.due_by)
        self._swept_at_s = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="portable")
        self._door = Door(parts.folder, self.serve)

    def receive(self, read: ReadOrder) -> None:
        """Take lists in from now on, first those that lie here; `read` reads one order."""
        self._parts.lists.resume(read)
        self._read = read

    def start(self, occupied: Callable[[], bool], rest: Callable[[], object]) -> None:
        """Begin to look and to listen.

        Args:
            occupied: tells whether somebody is served.
            rest: stops the sitting where it is, until a touch; may raise `TimeoutError`.

        Raises:
            OSError: the officer's way in cannot be opened.
        """
        self._occupied, self._rest = occupied, rest
        self._thread.start()
        self._door.start()

    def close(self) -> None:
        """End what runs. Closing twice is allowed."""
        self._closing.set()
        self._door.close()
        if self._thread.ident is not None:
            self._thread.join()

    # What the station asks

    def reasons(self) -> tuple[str, ...]:
        """Return why no sitting may begin now; one that runs goes on."""
        settings, power = self._settings, self._power
        blocked = settings.field_check and settings.field_check_policy == "block"
        due = blocked and self._parts.state.outcome is Outcome.DUE
        said = {
            BATTERY_LOW: power.low(settings.battery_min_percent),
            LID_CLOSED: power.lid_closed,
            CHECKING: self._checking.locked(),
            CHECK_DUE: due and not self._checking.locked(),
        }
        return tuple(code for code, holds in said.items() if holds)

    def about(self) -> Mapping[str, Any]:
        """Return what every manifest says of a carried station."""
        standing = self._parts.lists.standing
        newest = standing[-1] if standing else None
        return {
            "visit_list": newest and newest.list_id,
            "place": newest.place if newest else "",
            "clock": clock_quality(clock_state()),
            "battery_percent": self._power.percent,
            "field_check": self._parts.state.told(),
        }

    @property
    def check_outcome(self) -> str:
        """What the field check is worth now: "passed" or "due"."""
        return self._parts.state.outcome.value

    def told(self) -> Mapping[str, Any]:
        """Return the last check in full, and battery and lid, for health."""
        power = self._power
        return {
            **self._parts.state.told(),
            "required": self._settings.field_check,
            "battery_percent": power.percent,
            "lid_closed": power.lid_closed,
        }

    # What the officer asks

    def serve(self, asked: Mapping[str, Any], content: bytes, tell: Tell) -> Mapping[str, Any]:
        """Do what stands in a request: "load", "show" or "check". Raises `Refusal`."""
        acts: dict[str, Callable[[], Mapping[str, Any]]] = {
            "load": lambda: self._load(content),
            "show": lambda: shown_visits(self._parts.lists),
            "check": lambda: self.check(tell, hands=bool(asked.get("hands", True))),
        }
        act = acts.get(str(asked.get("ask")))
        if act is None:
            raise Refusal("This release of the station does not know that request.")
        return act()

    def check(self, tell: Tell, *, hands: bool) -> Mapping[str, Any]:
        """Check everything now, and return what it came to. Raises `Refusal`."""
        if not self._checking.acquire(blocking=False):
            raise Refusal("A field check runs already.")
        try:
            return self._check(tell, hands=hands)
        except Interrupted:
            raise Refusal("Somebody is served now: check again afterwards.") from None
        finally:
            self._parts.after_check()
            self._checking.release()

    def _check(self, tell: Tell, *, hands: bool) -> Mapping[str, Any]:
        if self._stop():
            raise Interrupted
        findings: list[Finding] = []
        bench = self._parts.bench(self._stop)
        for finding in field_check(bench, hands=hands, tell=lambda code: tell({"tell": code})):
            findings.append(finding)
            tell({"finding": finding.row()})
        outcome = self._parts.state.note(findings)
        failed = [one.step for one in findings if one.verdict.value == "failed"]
        log.info("field_check", result=outcome.value, count=len(failed))
        return {"outcome": outcome.value, "due_by": self._parts.state.due_by, "failed": failed}

    def _load(self, content: bytes) -> Mapping[str, Any]:
        if self._read is None:
            raise Refusal("The station has only just started: load it in a moment.")
        try:
            loaded = self._parts.lists.load(content, self._read)
        except VisitListRefused as refused:
            log.warning("visits_refused", code=refused.code)
            raise Refusal(str(refused)) from None
        except OrdersFull:
            raise Refusal(
                "So many orders wait that the rest has no room: end some first."
            ) from None
        except (StoreError, OSError):
            raise Refusal("The store has no room for it: free the disk, then load it.") from None
        return {
            "added": loaded.added, "known": loaded.known, "list_id": loaded.list_id,
            "expires_at": loaded.expires_at,
        }  # fmt: skip

    # What happens by itself

    def _watch(self) -> None:
        while not self._closing.wait(self._look_s):
            try:
                self._round()
            except StoreError:
                # Whoever writes next is told, and the service ends if it must.
                log.warning("visits_not_swept")
            except OSError as error:
                log.warning("portable_not_kept", code=type(error).__name__)

    def _round(self) -> None:
        before, self._power = self._power, self._look()
        if self._power.lid_closed and not before.lid_closed:
            self._lid_was_closed()
        if time.monotonic() - self._swept_at_s > SWEEP_EVERY_S:
            self._swept_at_s = time.monotonic()
            self._parts.lists.sweep()
        if self._auto_due and not self._power.lid_closed and self._parts.devices_work():
            with suppress(Refusal):
                self.check(lambda _: None, hands=False)
                self._auto_due = False

    def _lid_was_closed(self) -> None:
        log.info("lid_closed")
        self._auto_due = self._settings.field_check
        if self._occupied():
            with suppress(TimeoutError):
                self._rest()
            self._parts.cancel_press()
        self._parts.state.wear_off("lid")

    def _look(self) -> Power:
        return look_at_power(self._settings.power_supply, self._settings.lid)

    def _stop(self) -> bool:
        return self._occupied() or self._power.lid_closed or self._closing.is_set()
