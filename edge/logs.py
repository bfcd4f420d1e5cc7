"""Structured logs that can carry ids, codes, counts and timings, and nothing else.

An allow-list, not a filter: a field that is not named here is dropped, a value that does not look
like an id, a code or a number is replaced. Library messages are reduced to their origin, because
nobody can vouch for what they quote; our drivers, which log as libraries do, keep the code and the
named fields. Exceptions are logged as type and place, never as message.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

FIELDS: Final = frozenset(
    {
        "attempts", "baud", "beyond", "bytes", "code", "count", "device", "document",
        "error", "event", "event_code", "height_px", "kind", "level", "level_reached",
        "logger", "measure", "method", "model", "next_try_s", "overlay",
        "packet_bytes", "part", "pid", "place", "port", "position", "presentation", "product",
        "reason", "request", "restarts", "result", "route", "score", "sequence", "sink",
        "sitting", "state", "station", "status", "step", "timestamp", "verdict", "width_px",
    }
)  # fmt: skip

PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/+\-]{0,96}\Z")
"""What an id, a code, a route or a time looks like: no spaces, no CJK, no long blobs."""

CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
LINES_KEPT: Final = 500
NAMELESS: Final = "…"
DRIVERS: Final = "drivers."


def configure_logs(stream: TextIO | None = None) -> None:
    """Send everything, libraries too, through the allow-list: one JSON object a line."""
    handler = _RememberingHandler(stream or sys.stderr)
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
        # One that was cached would keep the stream of its first use.
        cache_logger_on_first_use=stream is None,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable
    # These two print what they are about, and so would go past the list.
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False


def last_lines() -> tuple[str, ...]:
    """Return the last lines of the log as they were written, oldest first; () before it is set up.

    They are kept in memory for support, which cannot know where the machine puts what we write.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _RememberingHandler):
            handler.acquire()
            try:
                return tuple(handler.lines)
            finally:
                handler.release()
    return ()


class _RememberingHandler(logging.StreamHandler[TextIO]):
    """Writes lines and keeps the last ones."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, which has passed the allow-list, and keep it."""
        line = super().format(record)
        self.lines.append(line)
        return line


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
        if record.name.startswith(DRIVERS):
            kept |= _of_driver(record)
        kept["logger"] = record.name
        kept["place"] = f"{record.filename}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            kept["error"] = type(record.exc_info[1]).__name__
            record.exc_info = record.exc_text = None
    event.update(kept)
    return event


def _of_driver(record: logging.LogRecord) -> dict[str, Any]:
    """Return the code and the `extra=` fields of a record; words with arguments are no code."""
    fields = {key: value for key, value in vars(record).items() if key in FIELDS}
    if isinstance(record.msg, str) and CODE.match(record.msg) and not record.args:
        fields["event"] = record.msg
    return fields


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value if isinstance(value, str) and PLAIN.match(value) else NAMELESS


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    structlog.get_logger("station").critical("uncaught", exc_info=error)


def _log_uncaught_in_thread(lost: threading.ExceptHookArgs) -> None:
    if lost.exc_type is not SystemExit:
        structlog.get_logger("station").critical("uncaught_in_thread", exc_info=lost.exc_value)


def _log_unraisable(lost: sys.UnraisableHookArgs) -> None:
    structlog.get_logger("station").error("unraisable", exc_info=lost.exc_value)
