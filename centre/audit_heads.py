"""What the centre holds against a station's audit chain: every head that it ever got.

    audit/<station id>.jsonl        heads as they came: signed ones, and those in seal statements
    audit/<station id>.incidents    what did not fit, one JSON object a line; never removed

A chain that is edited breaks by itself. One that was cut, or made anew after an older disk was put
back, is whole: only whoever holds an earlier head can tell. A package is taken all the same, for it
may be the only copy; the incident is for people to look into.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from centre.opening import Rejected, StationKeys, signed_by_station

FOLDER: Final = "audit"
HEAD_TYP: Final = "anxin-audit-head+jws"
ZERO: Final = bytes(32)
TRAIL_BYTES: Final = 12
_STATION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Row = tuple[int, bytes, bytes]
"""Number, hash and exact entry of a row, as the station gives them out."""


@dataclass(slots=True)
class Known:
    """What is known of one station's chain.

    Attributes:
        heads: hash in hex by row number.
        last_n, last_at: of the newest signed head.
        closings: digest of each package, by its sequence.
        newest: sequence and row number of the package of the highest sequence.
    """

    heads: dict[int, str] = field(default_factory=dict)
    last_n: int = 0
    last_at: str = ""
    closings: dict[int, str] = field(default_factory=dict)
    newest: tuple[int, int] = (0, 0)


class HeadBook:
    """The heads of all stations, in a folder of the centre. Any thread may call it."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`/audit."""
        self._folder = folder / FOLDER
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}

    def note_head(self, token: str, stations: Mapping[str, StationKeys]) -> tuple[str, ...]:
        """Hold a signed head against the earlier ones, keep it, and return what does not fit.

        Returns:
            Codes: "head_invalid", "audit_forked", "audit_shorter"; empty if it fits.
        """
        try:
            said = signed_by_station(token, HEAD_TYP, stations)
            station_id, at = _checked(str(said["station_id"])), str(said["at"])
            n, head = _number(said["n"]), _hash(said["head"])
            trail = _trail(said.get("trail", ""), n)
        except (Rejected, KeyError, ValueError, TypeError):
            return ("head_invalid",)
        with self._lock:
            known = self._of(station_id)
            flags = _forked(known, n, head) or _strayed(known, trail)
            # One that was signed earlier may come later, by stick: it proves nothing then.
            if n < known.last_n and at >= known.last_at:
                flags += ("audit_shorter",)
            self._keep(station_id, {"n": n, "head": head, "at": at}, flags)
        return flags

    def note_statement(self, statement: Mapping[str, Any]) -> tuple[str, ...]:
        """Hold the head in a checked seal statement against what is known, and keep it.

        Returns:
            Codes: "audit_forked", "audit_shorter", "sequence_reused"; empty if it fits.
        """
        try:
            station_id = _checked(str(statement["station_id"]))
            digest = str(statement["digest"])
            sequence = _number(statement["sequence"])
            n, head = _number(statement["audit"]["n"]), _hash(statement["audit"]["head"])
        except (KeyError, ValueError, TypeError):
            return ("head_invalid",)
        with self._lock:
            known = self._of(station_id)
            flags = _forked(known, n, head) + _misplaced(known, sequence, digest, n)
            row = {"n": n, "head": head, "sequence": sequence, "digest": digest}
            self._keep(station_id, row, flags)
        return flags

    def check_rows(self, station_id: str, rows: Iterable[Row]) -> tuple[str, ...]:
        """Hold a whole chain, as the station gives it out, against every head that came from it.

        Returns:
            Codes with the row they are about: "audit_edited:17", "audit_forked:90",
            "audit_shorter:90"; empty if the chain holds and contains all heads.
        """
        with self._lock:
            heads = dict(self._of(station_id).heads)
            flags = tuple(_breaks(rows, heads))
            if flags:
                self._write(f"{station_id}.incidents", {"at": _now(), "flags": flags})
        return flags

    def incidents(self, station_id: str) -> list[Mapping[str, Any]]:
        """Return what did not fit, oldest first."""
        return list(_lines(self._folder / f"{_checked(station_id)}.incidents"))

    def _of(self, station_id: str) -> Known:
        if station_id not in self._known:
            known = Known()
            for row in _lines(self._folder / f"{_checked(station_id)}.jsonl"):
                _learn(known, row)
            self._known[station_id] = known
        return self._known[station_id]

    def _keep(self, station_id: str, row: Mapping[str, Any], flags: tuple[str, ...]) -> None:
        known = self._of(station_id)
        if flags:
            # What does not fit is evidence, not knowledge: the earlier head stays the measure.
            self._write(f"{station_id}.incidents", {"at": _now(), "flags": flags, **row})
        elif known.heads.get(row["n"]) is None or "digest" in row or row["at"] > known.last_at:
            self._write(f"{station_id}.jsonl", row)
            _learn(known, row)

    def _write(self, name: str, row: Mapping[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # Not synced: the statements lie with their packages, and the next head says more.
        with (self._folder / name).open("ab") as file:
            file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")


def _forked(known: Known, n: int, head: str) -> tuple[str, ...]:
    return ("audit_forked",) if known.heads.get(n, head) != head else ()


def _strayed(known: Known, trail: Mapping[int, str]) -> tuple[str, ...]:
    """Tell whether a head that is known does not lie on the way to the new one."""
    met = ((n, short) for n, short in trail.items() if n in known.heads)
    strayed = any(not known.heads[n].startswith(short) for n, short in met)
    return ("audit_forked",) if strayed else ()


def _trail(text: Any, n: int) -> dict[int, str]:
    """Return the short hashes, in hex, of the rows before row `n`."""
    short = urlsafe_b64decode(str(text))
    pieces = [short[at : at + TRAIL_BYTES].hex() for at in range(0, len(short), TRAIL_BYTES)]
    return {n - 1 - place: piece for place, piece in enumerate(pieces)}


def _misplaced(known: Known, sequence: int, digest: str, n: int) -> tuple[str, ...]:
    before = known.closings.get(sequence)
    if before is not None:
        return () if before == digest else ("sequence_reused",)
    newest, its_row = known.newest
    # A later closing has a later row, in whichever order the two arrive.
    return ("audit_shorter",) if (sequence > newest) != (n > its_row) else ()


def _learn(known: Known, row: Mapping[str, Any]) -> None:
    known.heads[row["n"]] = row["head"]
    if "digest" in row:
        known.closings[row["sequence"]] = row["digest"]
        known.newest = max(known.newest, (row["sequence"], row["n"]))
    elif row["at"] >= known.last_at:
        known.last_n, known.last_at = row["n"], row["at"]


def _breaks(rows: Iterable[Row], heads: dict[int, str]) -> Iterator[str]:
    last_n, last = 0, ZERO
    for n, hashed, entry in rows:
        if n != last_n + 1 or hashlib.sha256(last + entry).digest() != hashed:
            yield f"audit_edited:{last_n + 1}"
            return
        last_n, last = n, hashed
        if heads.pop(n, hashed.hex()) != hashed.hex():
            yield f"audit_forked:{n}"
    yield from (f"audit_shorter:{n}" for n in sorted(heads))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        # A line that a power cut left half-written came from no answered request.
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("no number of a row")
    return value


def _hash(value: Any) -> str:
    if len(bytes.fromhex(value)) != len(ZERO):
        raise ValueError("no hash of a row")
    return str(value)


def _checked(station_id: str) -> str:
    if not _STATION.fullmatch(station_id):
        raise ValueError("no id of a station")
    return station_id


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
