"""Structured logs that can carry ids, codes, counts and timings, and nothing else.

An allow-list, not a filter: a field that is not named here is dropped, a value that does not look
like an id, a code or a number is replaced. Library messages are reduced to their origin, because
nobody can vouch for what they quote. Exceptions are logged as type and place, never as message.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

FIELDS: Final = frozenset(
    {
        "attempts", "bytes", "code", "count", "device", "document", "duration_ms", "error", "event",
        "event_code", "level", "level_reached", "logger", "measure", "method", "next_try_s",
        "overlay",
        "package", "part", "pid", "place", "port", "position", "presentation", "reason", "request",
        "restarts", "result", "route", "score", "sequence", "sink", "sitting", "state", "station",
        "status", "timestamp", "verdict",
    }
)  # fmt: skip

PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/+\-]{0,96}\Z")
"""What an id, a code, a route or a time looks like: no spaces, no CJK, no long blobs."""

NAMELESS: Final = "…"


def configure_logs(stream: TextIO | None = None) -> None:
    """Send everything, libraries too, through the allow-list: one JSON object a line."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_only_origin],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                allow_listed,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "httpcore", "werkzeug", "absl"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            place_of_exception,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught


def allow_listed(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the named fields, and of those only values that cannot be a person's."""
    return {key: _plain(value) for key, value in event.items() if key in FIELDS}


def place_of_exception(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turn `exc_info` into the error's type and the place where it was raised."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["place"] = place_of(error)
    return event


def place_of(error: BaseException) -> str:
    """Return "file.py:line" of the innermost frame of an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _only_origin(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record = event.get("_record")
    kept: dict[str, Any] = {"event": "library_message", "level": method}
    if isinstance(record, logging.LogRecord):
        kept["logger"] = record.name
        kept["place"] = f"{record.filename}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            kept["error"] = type(record.exc_info[1]).__name__
            record.exc_info = record.exc_text = None
    event.update(kept)
    return event


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value if isinstance(value, str) and PLAIN.match(value) else NAMELESS


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    structlog.get_logger("station").critical("uncaught", exc_info=error)
