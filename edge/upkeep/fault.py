"""What keeps a station from starting, as a technician needs it: code, sentence, file, line, remedy.

The sentence is the one that the refusing room wrote; it may name paths and values of the settings
file, so it is shown on this machine and to technicians alone, never in a log, event or audit row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge.durable import write_secret
from edge.settings_file import SettingsError
from edge.store.errors import StoreError, StoreFull, StoreKeyWrong
from edge.trust.keys import KeyUnusable
from edge.utc import now_ms, rfc3339

FILE: Final = "fault.json"
_PLACE: Final = re.compile(
    r"(?P<file>/[^\n:,]+|[^\s:,]+\.toml)(?:, line (?P<line>[0-9]+))?(?=[: ])"
    r"(?:.*\(at line (?P<toml>[0-9]+))?"
)
_NAMED: Final[Mapping[str, str]] = {
    "ModelUnfit": "model_unfit",
    "PortTaken": "port_taken",
    "TokenUnusable": "token_unusable",
    "TlsUnusable": "tls_unusable",
    "StaffFileUnsafe": "staff_file_unsafe",
    "MemoryError": "out_of_memory",
}
_CODES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (SettingsError, "settings_refused"),
    (StoreFull, "store_full"),
    (StoreKeyWrong, "store_key_wrong"),
    (StoreError, "store_refused"),
    (KeyUnusable, "key_unusable"),
    (OSError, "system_refused"),
    (ValueError, "option_refused"),
)
CODES: Final = tuple(
    sorted({*_NAMED.values(), *(code for _, code in _CODES), "start_died", "unexpected"})
)
"""Every code; each has its remedy in `words/`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the station does not run as its settings say.

    Attributes:
        code: one of `CODES`.
        sentence: what is wrong.
        file, line: where, if it is a file's matter; "" and 0 else.
        at: since when, RFC 3339.
    """

    code: str
    sentence: str
    file: str = ""
    line: int = 0
    at: str = ""


def fault_of(error: BaseException) -> Fault:
    """Return what a start was refused with."""
    name = type(error).__name__
    code = _NAMED.get(name) or next((code for kind, code in _CODES if isinstance(error, kind)), "")
    sentence = str(error) or name
    if isinstance(error, OSError) and error.filename:
        sentence = f"{error.filename}: {error.strerror}."
    elif not code:
        # Whatever it quotes, the place in our own code says more.
        sentence = f"The service met an error of its own ({name}): {sentence}"
    place = _PLACE.search(sentence)
    file = place["file"] if place else ""
    line = int(place["line"] or place["toml"] or 0) if place else 0
    return Fault(code or "unexpected", sentence, file, line, rfc3339(now_ms()))


def died(times: int, settings: Path) -> Fault:
    """Return what is known of starts that ended without a word."""
    sentence = (
        f"The last {times} starts with {settings} ended without a word before the station was"
        " healthy: a device, its driver or its options may have ended them."
    )
    return Fault("start_died", sentence, str(settings), 0, rfc3339(now_ms()))


def keep_fault(state: Path, fault: Fault | None) -> None:
    """Keep what is wrong for the command line, or take it away. Raises `OSError`."""
    path = state / FILE
    if fault is None:
        path.unlink(missing_ok=True)
        return
    write_secret(path, json.dumps({"v": 1, **asdict(fault)}, ensure_ascii=False).encode())


def kept_fault(state: Path) -> Fault | None:
    """Return what was wrong at the last start; None: nothing, or it cannot be read."""
    try:
        told = json.loads((state / FILE).read_bytes())
        names = ("code", "sentence", "file", "at")
        return Fault(**{name: str(told[name]) for name in names}, line=int(told["line"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
