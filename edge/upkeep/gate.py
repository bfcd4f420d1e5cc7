"""Whether a new version proves itself: asked at its own door, again and again, for a bounded time.

It passes once it has answered as itself, with no reason against sittings that was not there before,
at every look of a whole stretch. One bad look begins the stretch anew; the end of the time is the
end of the trial, so that a version which comes and goes does not pass.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.upkeep.notices import TRYING

ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a version may take, and how steady it must be.

    Attributes:
        within_s: from its start until it has passed [ours: slow machines load models for 60 s].
        steady_s: so long every look must be good.
        look_s: between two looks.
    """

    within_s: float = 180.0
    steady_s: float = 30.0
    look_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        version: who answered; "" if nobody did.
        reasons: why it lets nobody in.
    """

    version: str = ""
    reasons: tuple[str, ...] = ()


class StationDoor:
    """The `/v1` of the station on this machine, asked with its own token."""

    def __init__(self, port: int, token: Path, host: str = "127.0.0.1") -> None:
        """Prepare; the token is read anew for every look: the first start makes it."""
        self._host, self._port, self._token = host, port, token

    def look(self) -> Look:
        """Ask who is there and whether a sitting may begin."""
        told, health = self.ask("/v1/station"), self.ask("/v1/health")
        if told is None or health is None:
            ready = self.ask("/v1/health/ready")
            # A station in safe mode says no more than that.
            return Look("", () if ready is None else tuple(map(str, ready.get("reasons", ()))))
        return Look(str(told.get("software", "")), tuple(map(str, health.get("reasons", ()))))

    def ask(self, path: str) -> dict[str, Any] | None:
        """Return what a path of `/v1` answers; None: nobody, or no answer of a station."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)
        try:
            token = self._token.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
            return told if isinstance(told, dict) and answer.status in {200, 503} else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def passes(  # noqa: PLR0917 - who, against what, for how long, by which clock
    look: Callable[[], Look],
    version: str,
    allowed: Collection[str],
    patience: Patience,
    clock_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """Return "" once the version has proved itself, else why it has not, as a code.

    Args:
        look: asks it.
        version: who must answer.
        allowed: reasons that count for nothing, because they were there before.
        patience: how long.
        clock_s: in seconds, of any origin.
        sleep: waits between two looks.
    """
    begun_s = clock_s()
    well_since_s: float | None = None
    fault = "not_answering"
    while True:
        seen = look()
        now_s = clock_s()
        bad = _fault(seen, version, {*allowed, TRYING})
        if bad:
            fault, well_since_s = bad, None
        elif well_since_s is None:
            well_since_s = now_s
        if well_since_s is not None and now_s - well_since_s >= patience.steady_s:
            return ""
        if now_s - begun_s >= patience.within_s:
            return fault if well_since_s is None else "not_steady"
        sleep(patience.look_s)


def _fault(seen: Look, version: str, allowed: Collection[str]) -> str:
    more = [reason for reason in seen.reasons if reason not in allowed]
    if more:
        return more[0]
    if not seen.version:
        return "not_answering"
    return "" if seen.version == version else "other_version"
