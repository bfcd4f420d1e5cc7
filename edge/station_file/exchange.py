"""A settings file that leaves the station and comes back: no secret out, nothing damaged in.

An exported file says in its first lines of which station it is and the SHA-256 of all below.
Secrets, and passwords in addresses, are left out; where a file that is brought lacks them, those of
the station stay.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edge.station_file.draft import Fault
from edge.station_file.file import Standing, StationFile, differences
from edge.station_file.questions import is_secret, without_passwords
from edge.station_file.text import Keys, edited, value_at

_HEAD: Final = "# anxin-station settings of {station}, {at}\n# sha256 of all below: {sha256}\n"
_HEADED: Final = re.compile(
    r"# anxin-station settings of [^\n]*\n# sha256 of all below: ([0-9a-f]{64})\n"
)
_IN_COMMENT: Final = re.compile(
    r"(?mi)^([ \t]*#.*?(?:password|passphrase|secret|token|pin)\w*[ \t]*=).*$"
)
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that somebody brings.

    Attributes:
        text: as it would be written, the station's own secrets in it.
        sha256: of the bytes that were brought, in hex: names it until it is taken over.
        whole: whether it is as it was exported; None where it does not say.
        differing: which settings it would change.
        faults: why it cannot be taken over; () if it can.
    """

    text: str = field(repr=False)
    sha256: str
    whole: bool | None
    differing: tuple[Keys, ...]
    faults: tuple[Fault, ...]


def exported(now: Standing, station: str, at: str) -> str:
    """Return the file for somebody to keep: its origin and digest first, no secret in it.

    Args:
        now: the file as it is.
        station: the station's id.
        at: RFC 3339, UTC.
    """
    changes = {keys: shown for keys, _, shown in _withheld(now.table)}
    text = edited(now.text, changes).text if changes else now.text
    body = _IN_COMMENT.sub(r"\1", _IN_ADDRESS.sub("", text))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return _HEAD.format(station=station, at=at, sha256=digest) + body


def brought(file: StationFile, now: Standing, text: str) -> Brought:
    """Hold what somebody brings against the settings and against what is there.

    Raises:
        FileUnreadable: it is no TOML, or too large.
    """
    text = text.replace("\r\n", "\n")
    headed = _HEADED.match(text)
    body = text[headed.end() :] if headed else text
    whole = hashlib.sha256(body.encode()).hexdigest() == headed[1] if headed else None
    standing = file.check(body)
    kept = {
        keys: held
        for keys, held, shown in _withheld(now.table)
        if value_at(standing.table, keys) == shown and _has(standing.table, keys[:-1])
    }
    if kept:
        standing = file.check(edited(body, kept).text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    differing = differences(now.table, standing.table)
    return Brought(standing.text, digest, whole, differing, standing.faults)


def _has(table: Mapping[str, Any], keys: Keys) -> bool:
    return not keys or value_at(table, keys) is not None


def _withheld(table: Any, way: Keys = ()) -> Iterator[tuple[Keys, Any, Any]]:
    """Yield what is not shown: where, what it is, and what is shown for it (None: nothing)."""
    rows = table.items() if isinstance(table, Mapping) else enumerate(table)
    for key, value in rows:
        here = (*way, key)
        if isinstance(key, str) and is_secret(key):
            yield here, value, None
        elif isinstance(value, Mapping) or (
            isinstance(value, list) and any(isinstance(one, Mapping) for one in value)
        ):
            yield from _withheld(value, here)
        elif without_passwords(value) != value:
            yield here, value, without_passwords(value)
