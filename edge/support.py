"""The support bundle: what helps to mend a station, in one file that may leave it.

The running service holds the reader's port and the log's last lines, so it is asked over its own
loopback interface (`/v1/support`); while it does not run, the reader is opened once from here.
Nothing is copied from a disk: no store, no key, no token, no log file, no image. What comes in is
let through by its shape, as the log's own fields are.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit, urlunsplit

from drivers.errors import DeviceError
from drivers.find_reader import candidate_ports
from drivers.load import open_reader
from drivers.port_claims import claim_on
from edge import VERSION
from edge.logs import NAMELESS, allow_listed
from edge.settings import Settings, device_options
from edge.utc import now_ms, rfc3339

ASK_LIMIT_S: Final = 10.0
TOKEN_FILE: Final = "v1.token"  # noqa: S105 - a file's name

TRACE_LINE: Final = re.compile(r"-?\d+ ms [<>] (?:[0-9a-f]{2} ?){0,64} ?[ -~]{0,120}\Z")
"""As `FingerprintReader.trace` promises its lines: time, way, at most 64 bytes, words."""

OPEN_OPTIONS: Final = frozenset(
    {"address", "ca_file", "driver", "folder", "host", "image_command", "led", "model", "play",
     "port", "url"}
)  # fmt: skip
"""Options of drivers and sinks whose words are shown; of all others only numbers are."""

CONTENTS: Final = """\
A support bundle of Anxin Station.

about.json      when it was made, versions of the service, of Python and of its packages
settings.json   the settings in force, without words that might be secret
ports.json      serial ports of this machine, and who else has them
station.json    what the running station says: devices, warnings, reasons; or why it was not asked
trace-*.txt     the last commands and answers on a device's line; never a byte of an image
log.jsonl       the last lines of the log: ids, codes, counts and times

It holds no image, no key, no PIN and nobody's name. Look through it before you send it.
"""


def write_bundle(settings: Settings | None, why_none: str, file: Path) -> dict[str, str]:
    """Write the bundle, readable by its owner alone; return its members.

    Args:
        settings: None if they cannot be read: then versions and ports alone are told.
        why_none: the sentence that said so.
        file: must not exist.

    Raises:
        OSError: the file exists or cannot be written.
    """
    members = bundle_members(settings, why_none)
    if settings is not None:
        members |= station_members(told_by_station(settings))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        pack(members, out)
    return members


def bundle_members(settings: Settings | None, why_none: str = "") -> dict[str, str]:
    """Return the members that need no running station: versions, settings as shown, ports."""
    shown = {"unreadable": why_none} if settings is None else shown_settings(settings)
    return {
        "README.txt": CONTENTS,
        "about.json": _json(_about()),
        "settings.json": _json(shown),
        "ports.json": _json([_port(path) for path in candidate_ports()]),
    }


def pack(members: Mapping[str, str], out: IO[bytes]) -> None:
    """Write members as one archive into an open file."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(name, text)


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as they may be shown: nobody's telephone, no words of unknown options."""
    shown = settings.model_dump(mode="json")
    shown["station"].pop("hotline", None)
    return {section: _shown(value, inside=False) for section, value in shown.items()}


def told_by_station(settings: Settings) -> dict[str, Any]:
    """Ask the running station; if none runs, ask the reader, and say so."""
    try:
        return {"running": True, **ask_station(settings)}
    except (OSError, http.client.HTTPException, ValueError) as refused:
        why = refused.strerror if isinstance(refused, OSError) else str(refused)
        told = {"running": False, "why": f"the station was not reached: {why or refused}"}
        return {**told, "devices": [_ask_reader(settings)], "log": []}


def station_members(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the members that a station's words become: lines of traces and log apart."""
    members, devices = {}, []
    for device in told["devices"]:
        trace = [line for line in device.pop("trace") if TRACE_LINE.match(line)]
        name = re.sub(r"[^a-z0-9-]", "_", str(device["device_id"]))
        members[f"trace-{name}.txt"] = "\n".join(trace)
        devices.append(device)
    log = [line for raw in told["log"] if (line := _log_line(raw))]
    station = {key: value for key, value in told.items() if key != "log"}
    return {
        "station.json": _json({**station, "devices": devices}),
        "log.jsonl": "\n".join(log),
        **members,
    }


def ask_station(settings: Settings) -> dict[str, Any]:
    """Return what the running station answers to `GET /v1/support`.

    Raises:
        OSError, HTTPException, ValueError: none runs there, or it does not answer that.
    """
    token = (settings.store.folder / TOKEN_FILE).read_text(encoding="ascii").strip()
    station = http.client.HTTPConnection(settings.v1.host, settings.v1.port, timeout=ASK_LIMIT_S)
    with closing(station):
        station.request("GET", "/v1/support", headers={"Authorization": f"Bearer {token}"})
        answer = station.getresponse()
        content = answer.read()
    if answer.status != http.client.OK:
        raise ValueError(f"it answered {answer.status}")
    told: dict[str, Any] = json.loads(content)
    return told


def _ask_reader(settings: Settings) -> dict[str, Any]:
    device: dict[str, Any] = {"device_id": settings.reader.id, "driver": settings.reader.driver}
    try:
        options = device_options(settings.reader, "readers")
        with closing(open_reader(settings.reader.driver, options)) as reader:
            reader.check()
            told = {"model": reader.model, "line": asdict(reader.facts), "detail": reader.warning}
            return {**device, **told, "trace": list(reader.trace())}
    except (DeviceError, ValueError) as failure:
        trace = list(getattr(failure, "__notes__", ()))
        detail = str(failure) if isinstance(failure, DeviceError) else "its options are refused"
        return {**device, "detail": detail, "trace": trace}


def _about() -> dict[str, Any]:
    found = {dist.metadata["Name"]: dist.version for dist in distributions()}
    return {
        "made_at": rfc3339(now_ms()),
        "software": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": dict(sorted(found.items())),
    }


def _port(path: str) -> dict[str, str]:
    device = Path(os.path.realpath(path))
    return {"port": path, "device": str(device), "held": claim_on(device)}


def _shown(value: Any, *, inside: bool, key: str = "") -> Any:
    """Return a value as it may be shown; `inside` options only known words are."""
    if isinstance(value, dict):
        return {
            name: _shown(each, inside=inside or name == "options", key=name)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_shown(each, inside=inside, key=key) for each in value]
    if not isinstance(value, str):
        return value
    if inside and key not in OPEN_OPTIONS:
        return NAMELESS
    return _without_credentials(value) if "://" in value else value


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _log_line(raw: str) -> str:
    """Return a line of the log once more through its own allow-list; "" if it is none."""
    try:
        line = json.loads(raw)
    except ValueError:
        return ""
    return json.dumps(allow_listed(None, "", line)) if isinstance(line, dict) else ""


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
